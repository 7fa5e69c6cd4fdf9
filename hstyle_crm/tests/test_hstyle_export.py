from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import HstyleCommon


@tagged("post_install", "-at_install")
class TestHstyleExport(HstyleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        header = ("order number", "date", "buyer", "buyer name", "phone", "paid")
        rows = [
            ("1", "2026-03-01", "a", "=SUM(1)", "13812345678", "10"),
            ("2", "2026-03-02", "b", "Lan", "", "30.5"),
        ]
        cls._import(rows, header)
        cls.env["hstyle.profile"]._refresh()
        cls.profiles = cls.env["hstyle.profile"].search([], order="revenue desc")

    def test_customers(self):
        profiles = self.profiles.with_user(self.agent)
        rows = self._open_download(profiles.action_export())
        self.assertEqual(len(rows), 3)
        lan = dict(zip(rows[0], rows[1], strict=False))
        self.assertEqual(lan["Name"], "Lan")
        self.assertEqual((lan["Orders"], lan["Net revenue"]), ("1", "30.5"))
        self.assertEqual(lan["Last order"], "2026-03-02 00:00:00")
        self.assertEqual(rows[2][0], "=SUM(1)", "a name is never a formula")
        self.assertEqual(rows[2][2], "+8613812345678")

    def test_whole_list(self):
        """Above the limit of the web client the list's domain counts, not the ids."""
        profiles = self.profiles[0].with_context(active_domain=[("revenue", "<", 20)])
        rows = self._open_download(profiles.action_export())
        self.assertEqual([row[0] for row in rows[1:]], ["Lan"])
        self.env["ir.config_parameter"].set_param("web.active_ids_limit", 1)
        rows = self._open_download(profiles.action_export())
        self.assertEqual([row[0] for row in rows[1:]], ["=SUM(1)"])

    def test_nothing_is_not_zero(self):
        """0 is written as a number, and what is not known stays empty."""
        [lan, other] = self.profiles
        self.env.cr.execute("UPDATE hstyle_profile SET yoy = NULL, refund = 0")
        self.env.cr.execute("UPDATE hstyle_profile SET yoy = 0 WHERE id = %s", lan.ids)
        self.env.invalidate_all()
        exports = self.env["hstyle.export"].with_user(self.agent)
        rows = exports._get_rows((lan | other).with_user(self.agent), ["refund", "yoy"])
        self.assertEqual(list(rows), [[0, 0], [0, None]])
        action = exports._download_records("x.xlsx", lan | other, ["refund", "yoy"])
        sheet = self._open_download(action)
        self.assertEqual(sheet[1:], [["0", "0"], ["0"]])

    def test_contacts(self):
        nobody = self._create_partner("Nobody yet", email="n@example.cn")
        partners = (nobody | self.profiles.partner_id).with_user(self.clerk)
        rows = self._open_download(partners.action_hstyle_export())
        self.assertEqual({row[0] for row in rows[1:]}, {"Nobody yet", "Lan", "=SUM(1)"})

    def test_only_the_user_can_fetch_it(self):
        action = self.profiles.with_user(self.agent).action_export()
        attachment_id = int(action["url"].split("/")[3].split("?")[0])
        attachment = self.env["ir.attachment"].browse(attachment_id)
        self.assertTrue(attachment.with_user(self.agent).name)
        with self.assertRaises(AccessError):
            attachment.with_user(self.clerk).check_access("read")

    def test_employees_without_a_role(self):
        employee = new_test_user(self.env, login="employee", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.profiles.partner_id.with_user(employee).action_hstyle_export()

    def test_sheets_are_forgotten(self):
        self.profiles.with_user(self.agent).action_export()
        files = self.env["ir.attachment"].search([("res_model", "=", "hstyle.export")])
        self.assertEqual(len(files), 1)
        self.env.cr.execute(
            "UPDATE ir_attachment SET create_date = create_date - interval '2 days' "
            "WHERE id = %s",
            files.ids,
        )
        files.invalidate_recordset()
        self.env["hstyle.export"]._gc_downloads()
        self.assertFalse(files.exists())
