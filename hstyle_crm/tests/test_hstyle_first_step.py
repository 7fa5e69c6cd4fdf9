from odoo import Command
from odoo.tests import tagged
from odoo.tools import html2plaintext

from .common import HstyleTiersCommon

#: Views that are empty at first; the forms of wizards never are.
EMPTY = {"list", "kanban", "pivot", "graph", "calendar", "activity"}
#: A sheet of orders, and the screen of first steps.
HEADER = ("order number", "date", "buyer", "buyer name", "paid")
STEP = "hstyle.first.step"


@tagged("post_install", "-at_install")
class TestFirstStep(HstyleTiersCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.new = cls.env["res.company"].create({"name": "New"})
        (cls.manager | cls.agent).company_ids += cls.new

    def _get_done(self, company):
        self.env.flush_all()
        self.env.invalidate_all()
        steps = self.env["hstyle.first.step"].with_user(self.manager)
        steps = steps.with_context(allowed_company_ids=company.ids).search([])
        self.assertEqual(len(steps), 5)
        return set(steps.filtered("is_done").mapped("step"))

    def _open_app(self, user, company):
        self.env.flush_all()
        action = self.env.ref("hstyle_crm.hstyle_first_step_action_app")
        action = action.with_user(user).with_context(allowed_company_ids=company.ids)
        return action.run()["res_model"]

    def test_data_says_what_is_done(self):
        """Step by step; nothing of it counts for another company."""
        self.assertEqual(self._get_done(self.company), {"shop"})
        self._import([(1, "2026-01-05", "m", "Mei", 9)], HEADER)
        self.assertEqual(self._get_done(self.company), {"shop", "import"})
        self._create_card(50)
        done = {"shop", "import", "points"}
        self.assertEqual(self._get_done(self.company), done)
        self._buy(100, "2026-01-06")
        self.assertEqual(self._get_done(self.company), done | {"tiers"})
        self.assertEqual(self._open_app(self.manager, self.company), STEP)
        self.env["hstyle.ticket.team"].create(
            {"name": "Desk", "member_ids": [Command.set(self.agent.ids)]}
        )
        self.assertEqual(self._get_done(self.company), {*done, "tiers", "team"})
        self.assertEqual(self._open_app(self.manager, self.company), "hstyle.day")
        self.assertEqual(self._get_done(self.new), set())

    def test_undone(self):
        """A step whose data is gone is to be done again."""
        self.shop.active = False
        self.assertEqual(self._get_done(self.company), set())

    def test_branch(self):
        """A branch has the points and tiers of its company, and shops of its own."""
        self._create_card(50)
        self._buy(100, "2026-01-06")
        branch = self.company.create({"name": "B", "parent_id": self.company.id})
        self.manager.company_ids += branch
        self.assertEqual(self._get_done(branch), {"points", "tiers"})

    def test_first_screen(self):
        """Managers set up what is missing; others have their day."""
        self.assertEqual(self._open_app(self.manager, self.new), STEP)
        self.assertEqual(self._open_app(self.agent, self.new), "hstyle.day")
        for step in self.env["hstyle.first.step"].search([]):
            action = step.with_user(self.manager).action_open()
            self.env[action["res_model"]].with_user(self.manager).check_access("read")
            self.assertTrue(step.hint)


@tagged("post_install", "-at_install")
class TestEmptyScreens(HstyleTiersCommon):
    def test_all_say_what_to_do(self):
        """No screen of ours is just empty."""
        mine = [("model", "=", "ir.actions.act_window"), ("module", "=like", "hstyle%")]
        data = self.env["ir.model.data"].search(mine)
        actions = self.env["ir.actions.act_window"].browse(data.mapped("res_id"))
        shown = actions.filtered(lambda one: EMPTY & set(one.view_mode.split(",")))
        self.assertGreater(len(shown), 90)
        models = set(self.env.registry)
        for action in shown:
            with self.subTest(action.xml_id):
                text = html2plaintext(action.help or "")
                self.assertGreater(len(text.split()), 7, "Help says what to do")
                self.assertFalse([name for name in models if f"{name} " in text])
