from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, freeze_time, new_test_user, tagged

from .common import HstylePointsCommon


@tagged("post_install", "-at_install")
class TestHstylePointsAdjustment(HstylePointsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program.write({"agent_limit": 100, "clerk_limit": 500})

    def _ask(self, user, points, **values):
        values = {"points": points, "reason": "Parcel came late", **values}
        values["card_id"] = (self._get_card() or self._create_card()).id
        asked = self.env["hstyle.points.adjustment"].with_user(user).create(values)
        asked.action_confirm()
        return asked

    def test_within_the_limit(self):
        for user, points in (
            (self.agent, 100),
            (self.clerk, 500),
            (self.manager, 9999),
        ):
            asked = self._ask(user, points)
            self.assertEqual(asked.state, "done", user.login)
        card = self._get_card()
        self.assertBalance(card, 10599)
        row = card.history_ids[-1]
        self.assertRecordValues(
            row,
            [
                {
                    "kind": "bonus",
                    "points": 100,
                    "description": "Parcel came late",
                    "create_uid": self.agent.id,
                }
            ],
        )

    def test_a_day_has_one_limit(self):
        with freeze_time("2026-05-01 06:00:00"):
            self.assertEqual(self._ask(self.agent, 60).state, "done")
            self.assertEqual(self._ask(self.agent, 60).state, "waiting")
            self.assertEqual(self._ask(self.agent, 40).state, "done")
        with freeze_time("2026-05-02 06:00:00"):
            self.assertEqual(self._ask(self.agent, 60).state, "done")

    def test_taking_counts_as_giving(self):
        self._create_card(300)
        self.assertEqual(self._ask(self.agent, -150, kind="adjust").state, "waiting")
        self.assertEqual(self._ask(self.agent, -50, kind="adjust").state, "done")
        self.assertBalance(self._get_card(), 250)

    def test_approval(self):
        asked = self._ask(self.agent, 900)
        self.assertEqual(asked.state, "waiting")
        self.assertBalance(self._get_card(), 0)
        activity = asked.sudo().activity_ids.filtered(
            lambda todo: todo.user_id == self.manager
        )
        self.assertIn("900", activity.summary)
        for user in (self.agent, self.clerk):
            with self.assertRaises(AccessError):
                asked.with_user(user).action_approve()
        asked.with_user(self.manager).action_approve()
        self.assertBalance(self._get_card(), 900)
        self.assertEqual(asked.approver_id, self.manager)
        self.assertFalse(asked.sudo().activity_ids)
        with self.assertRaises(UserError):
            asked.with_user(self.manager).action_approve()
        self.assertEqual(
            self._ask(self.agent, 100).state, "done", "a limit of one's own"
        )

    def test_refusal(self):
        asked = self._ask(self.agent, 900)
        asked.with_user(self.manager).action_refuse()
        self.assertEqual(asked.state, "refused")
        self.assertBalance(self._get_card(), 0)

    def test_no_way_around(self):
        model = self.env["hstyle.points.adjustment"].with_user(self.agent)
        values = {"card_id": self._create_card().id, "points": 5000, "reason": "x"}
        for forged in (
            {"state": "done"},
            {"state": "waiting", "approver_id": self.manager.id},
            {"user_id": self.manager.id},
            {"approver_id": self.manager.id},
            {"posted_on": "2020-01-01"},
        ):
            with self.assertRaises(UserError, msg=forged):
                model.create({**values, **forged}).flush_recordset()
            draft = model.create(values)
            with self.assertRaises(UserError, msg=forged):
                draft.write(forged)
        waiting = self._ask(self.agent, 900)
        with self.assertRaises(UserError):
            waiting.points = 5
        with self.assertRaises(UserError):
            waiting.unlink()
        with self.assertRaises(UserError):
            waiting.action_confirm()
        done = self._ask(self.agent, 10)
        with self.assertRaises(UserError):
            done.action_confirm()

    def test_bad_input(self):
        with self.assertRaises(ValidationError):
            self._ask(self.agent, 0)
        with self.assertRaises(ValidationError):
            self._ask(self.agent, -5)
        with self.assertRaisesRegex(UserError, self.partner.name):
            self._ask(self.agent, -5, kind="adjust")

    def test_each_sees_ones_own(self):
        self._ask(self.clerk, 10)
        model = self.env["hstyle.points.adjustment"]
        self.assertFalse(model.with_user(self.agent).search([]))
        self.assertTrue(model.with_user(self.manager).search([]))

    def test_other_roles_have_no_limit_to_use(self):
        employee = new_test_user(self.env, login="plain", groups="base.group_user")
        for user in (self.marketer, self.salesperson, employee):
            with self.assertRaises(AccessError):
                self._ask(user, 1)

    def test_the_form(self):
        card = self._create_card(10)
        action = card.with_user(self.agent).action_adjust_points()
        view = "hstyle_crm.hstyle_points_adjustment_view_form_new"
        model = self.env["hstyle.points.adjustment"].with_user(self.agent)
        with Form(model.with_context(**action["context"]), view) as form:
            self.assertEqual(form.balance, 10)
            form.points = 5
            form.reason = "Sorry"
        form.record.action_confirm()
        self.assertBalance(card, 15)
