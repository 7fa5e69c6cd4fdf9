from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .customer_common import HstyleCustomerCommon
from .test_hstyle_satisfaction import NOW


@tagged("post_install", "-at_install")
class TestCustomerAttacks(HstyleCustomerCommon):
    """Faults that were found in the customer's picture and the day."""

    def _add_todo(self, **values):
        task = {"partner_id": self.partner.id, "user_id": self.agent.id}
        task |= {"company_id": self.company.id, "reason": "call", "name": "Asked us"}
        return self.env["hstyle.todo"]._add([{**task, **values}])

    def _fall(self):
        """Let the customer's satisfaction fall, and return the card."""
        self.partner.email = "mei@example.com"
        self._rate(5, self.partner, NOW - timedelta(days=40))
        self._rate(3, self.partner, NOW)
        return self.env["hstyle.care"].search([("partner_id", "=", self.partner.id)])

    # === WHAT THE READER MAY NOT READ === #

    def test_why_now_of_what_one_may_not_read(self):
        """Who sells without a role of ours reads no care cards, nor that there are."""
        self._fall()
        partner = self.partner.with_user(self.salesperson)
        self.assertEqual(self.partner.hstyle_why_now_reason, "fell")
        self.assertFalse(partner.hstyle_why_now)
        self._add_todo()
        self.assertEqual(partner.hstyle_why_now_reason, "call")

    def test_result_of_a_task_of_another_company(self):
        """The wizard shows nothing of a task that its user may not read."""
        other = self.env["res.company"].create({"name": "Other"})
        self.partner.phone = "+1 555 0100"
        todo = self._add_todo(company_id=other.id)
        wizards = self.env["hstyle.todo.done"].with_user(self.clerk)
        wizard = wizards.create({"todo_id": todo.id})
        self.env.invalidate_all()
        for name in ("why", "phone", "partner_id"):
            with self.assertRaises(AccessError):
                wizard.read([name])
        todo = self._add_todo()
        wizard = wizards.with_user(self.agent).create({"todo_id": todo.id})
        self.assertEqual(wizard.phone, "+1 555 0100")

    def test_meetings_of_a_private_calendar(self):
        """Private by the calendar's setting, not by the meeting's own."""
        agent = self.agent.with_user(self.agent).sudo()
        agent.calendar_default_privacy = "private"
        self._meet(self.partner)
        self.assertIn("visit", self._get_timeline().mapped("kind"))
        self.assertNotIn("visit", self._get_timeline(self.clerk).mapped("kind"))
        self._meet(self.partner, privacy="public")
        self.assertIn("visit", self._get_timeline(self.clerk).mapped("kind"))

    def test_meetings_that_are_called_off(self):
        self._meet(self.partner).active = False
        self.assertNotIn("visit", self._get_timeline().mapped("kind"))

    # === WORK === #

    def test_owner_hands_a_card_on(self):
        """The task follows, though the owner may not write the card any more."""
        card = self._fall()
        card.user_id = self.clerk
        marketer = new_test_user(
            self.env, "mark", groups="hstyle_crm.hstyle_crm_group_marketer"
        )
        self.env.invalidate_all()
        card.with_user(self.clerk).user_id = marketer
        self.assertEqual(card.activity_ids.user_id, marketer)

    def test_groups_of_lists(self):
        """Groups sum money, as the web client asks for it."""
        self._live()
        self._add_todo()
        for model, group, money in (
            ("hstyle.timeline", "kind", "amount"),
            ("hstyle.day", "kind", "value"),
            ("hstyle.todo.effect", "kind", "revenue"),
        ):
            sums = ["currency_id:array_agg_distinct", f"{money}:sum_currency"]
            rows = self.env[model].with_user(self.manager)
            self.assertTrue(rows.formatted_read_group([], [group], sums), model)

    def test_pending_points_do_not_expire(self):
        """The head says what expires of the points that it counts."""
        card = self._create_card()
        today = self.company._hstyle_today()
        days = [fields.Date.add(today, days=n) for n in (10, 20)]
        moves = [card._prepare_move("bonus", n, "x") for n in (20, 30)]
        card._post(
            [
                {**move, "expiration_date": day}
                for move, day in zip(moves, days, strict=True)
            ]
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE loyalty_history SET pending = TRUE"
            " WHERE card_id = %s AND expiration_date = %s",
            [card.id, days[0]],
        )
        self.env.invalidate_all()
        tiles = self.partner.with_user(self.agent).hstyle_face
        [points] = [tile for tile in tiles if tile["key"] == "points"]
        self.assertTrue(points["detail"].startswith("30 expire on"), points)

    def _call(self, **values):
        calls = self.env["hstyle.call.result"].with_user(self.agent)
        calls.create({"partner_id": self.partner.id, **values}).action_confirm()

    def test_next_step_of_blanks(self):
        self._call(next_step="  ", note="<b>x</b>")
        self.assertFalse(self.partner.activity_ids)
        self.assertIn("&lt;b&gt;", self.partner.message_ids[:1].body)

    def test_next_step_is_done_in_place(self):
        """By who may not write customers, too."""
        self._call(next_step="Ask again")
        domain = [("kind", "=", "activity"), ("partner_id", "=", self.partner.id)]
        row = self.env["hstyle.day"].with_user(self.agent).search(domain)
        row.action_done()
        self.assertFalse(self.partner.activity_ids)
