from base64 import b64encode

from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from .common import HstylePointsCommon

HEADER = ("Customer", "Points", "Awarded", "Expires")


@tagged("post_install", "-at_install")
@freeze_time("2026-05-01 10:00:00")
class TestHstylePointsOpening(HstylePointsCommon):
    def _open(self, rows, header=HEADER, user=None):
        model = self.env["hstyle.points.opening"].with_user(user or self.manager)
        content = b64encode(self._write_csv(rows, header))
        values = {"program_id": self.program.id, "filename": "points.csv"}
        return model.create({**values, "file": content})

    def test_dry_run_then_posting(self):
        self.partner.email = "mei@example.com"
        other = self._create_partner("Lan", phone="+86 138 1234 5678", ref="C7")
        rows = [
            ("mei@example.com", "120.50", "2026-01-15", ""),
            ("MEI@example.com", "30", "", "2026-12-31"),
            ("C7", "1,000", "2026-04-01", "2027-03-31"),
            ("13812345678", "5", "", ""),
        ]
        self.program.expire_after = 365
        opening = self._open(rows)
        opening.action_check()
        self.assertFalse(opening.faults)
        found = (opening.row_count, opening.customer_count, opening.total)
        self.assertEqual(found, (4, 2, 1155.5))
        self.assertFalse(self._get_card(), "a dry run posts nothing")
        opening.action_post()
        self.assertBalance(self._get_card(), 150.5)
        self.assertBalance(self._get_card(other), 1005)
        rows = self._get_card().history_ids.sorted("id")
        found = [(str(row.date), str(row.expiration_date)) for row in rows]
        expected = [("2026-01-15", "2027-01-31"), ("2026-05-01", "2026-12-31")]
        self.assertEqual(found, expected)

    def test_the_same_file_again(self):
        self.partner.ref = "C1"
        rows = [("C1", "10", "", ""), ("C1", "10", "", ""), ("C1", "5", "", "")]
        self._open(rows).action_post()
        card = self._get_card()
        self.assertBalance(card, 25)
        again = self._open([*rows, ("C1", "7", "", "")])
        again.action_check()
        self.assertEqual((again.row_count, again.posted_count), (4, 3))
        again.action_post()
        self.assertBalance(card, 32)

    def test_the_same_file_after_a_merge(self):
        self.partner.ref = "C1"
        self._open([("C1", "10", "", "")]).action_post()
        lan = self._create_partner("Lan")
        self._create_card(partner=lan)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((lan | self.partner).ids, lan)
        lan.ref = "C1"
        self._open([("C1", "10", "", "")]).action_post()
        self.assertBalance(self._get_card(lan), 10)

    def test_faults_are_named_and_nothing_is_posted(self):
        self.partner.ref = "C1"
        for name in "ab":
            self._create_partner(name, email="twice@example.com")
        rows = [
            ("C1", "10", "", ""),
            ("C9", "10", "", ""),
            ("twice@example.com", "10", "", ""),
            ("C1", "ten", "", ""),
            ("C1", "-5", "", ""),
            ("C1", "", "", ""),
            ("C1", "5", "yesterday", ""),
            ("C1", "5", "", "2026-04-30"),
        ]
        opening = self._open(rows)
        opening.action_check()
        faults = opening.faults.splitlines()
        self.assertEqual(len(faults), 7)
        for number, fault in enumerate(faults, 3):
            self.assertIn(str(number), fault)
        with self.assertRaises(UserError):
            opening.action_post()
        self.assertFalse(self._get_card())

    def test_headers(self):
        self.partner.ref = "C1"
        self._open([("C1", "10")], ("会员", "积分")).action_post()
        self.assertBalance(self._get_card(), 10)
        with self.assertRaises(UserError):
            self._open([("C1", "10")], ("who", "what")).action_check()
        broken = self._open([])
        broken.filename = "points.xlsx"
        with self.assertRaises(UserError):
            broken.action_check()

    def test_managers_only(self):
        for user in (self.clerk, self.agent, self.marketer, self.salesperson):
            with self.assertRaises(AccessError):
                self._open([], user=user)
