from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .common import HstylePointsCommon


class DayCommon(HstylePointsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.days = cls.env["hstyle.day"]
        cls.team = cls.env["hstyle.ticket.team"].create(
            {"name": "Team", "member_ids": cls.agent.ids}
        )
        cls.today = cls.company._hstyle_today()

    def _add_todo(self, partner=None, user=None, **values):
        return self.env["hstyle.todo"]._add(
            [
                {
                    "partner_id": (partner or self.partner).id,
                    "user_id": (user or self.agent).id,
                    "company_id": self.company.id,
                    "reason": "lapsing",
                    "name": "No order for long",
                    **values,
                }
            ]
        )

    def _add_ticket(self, **values):
        return self.env["hstyle.ticket"].create(
            {
                "name": "Where is it",
                "partner_id": self.partner.id,
                "team_id": self.team.id,
                "user_id": self.agent.id,
                **values,
            }
        )

    def _add_promise(self, days=0, **values):
        return self.env["hstyle.promise"].create(
            {
                "name": "Send the belt",
                "partner_id": self.partner.id,
                "user_id": self.agent.id,
                "due_on": self.today + timedelta(days=days),
                **values,
            }
        )

    def _add_activity(self, record, user=None, days=0):
        return record.activity_schedule(
            "mail.mail_activity_data_call",
            user_id=(user or self.agent).id,
            date_deadline=self.today + timedelta(days=days),
        )

    def _get_day(self, user=None, **values):
        domain = [(name, "=", value) for name, value in values.items()]
        domain.append(("user_id", "=", (user or self.agent).id))
        return self.days.with_user(user or self.agent).search(domain)


@tagged("post_install", "-at_install")
class TestDay(DayCommon):
    def test_archived_customer(self):
        """Nobody calls a customer who is archived."""
        self._add_todo()
        self.assertTrue(self.days.search([("user_id", "=", self.agent.id)]))
        self.partner.active = False
        self.assertFalse(self.days.search([("user_id", "=", self.agent.id)]))

    def test_all_that_waits(self):
        self._add_todo()
        self._add_ticket()
        self._add_promise()
        self._add_activity(self.partner)
        lead = self.env["crm.lead"].create({"name": "Uniforms"})
        self._add_activity(lead)
        waiting = self.env.ref("hstyle_crm.ticket_stage_waiting")
        self._add_ticket(stage_id=waiting.id)
        rows = self._get_day()
        self.assertEqual(
            sorted(rows.mapped("kind")),
            ["activity", "activity", "lapsing", "promise", "ticket"],
        )
        self.assertIn("Call: Uniforms", rows.mapped("name"))
        self.assertFalse(self._get_day(self.clerk))
        self.assertEqual(len(set(self.days.search([]).ids)), self.days.search_count([]))

    def test_care_card(self):
        product = self.env["product.product"].create({"name": "Coat"})
        ticket = self._add_ticket(product_id=product.id)
        rating = self.env["rating.rating"].create(
            {
                "res_model_id": self.env["ir.model"]._get_id("hstyle.ticket"),
                "res_id": ticket.id,
                "partner_id": self.partner.id,
                "hstyle_question": "ticket",
                "hstyle_company_id": self.company.id,
                "rating": 4,
                "consumed": True,
            }
        )
        self.env["hstyle.care"].sudo()._open_card(rating, 5, 4)
        [row] = self._get_day(kind="fell")
        self.assertEqual(row.name, "5 → 4")
        card = row._get_document()
        self.assertEqual(row.action_done()["res_model"], "hstyle.care")
        self.assertEqual(self.partner.hstyle_why_now_reason, "fell")
        self.assertEqual(self.partner.hstyle_why_now, "Satisfaction fell: 5 → 4")
        card.outcome = "kept"
        self.assertFalse(self._get_day(kind="fell"))

    def test_late_first_then_the_most_valuable(self):
        rich = self._create_partner("Rich")
        self._sell(30, rich)
        self._sell(10)
        self.env["hstyle.profile"]._refresh()
        self._add_todo(name="usual")
        self._add_todo(rich, name="rich")
        with freeze_time(self.today - timedelta(days=9)):
            self._add_promise(
                -9, promised_on=self.today - timedelta(days=9), name="late"
            )
        self._add_promise(5, name="coming")
        self._add_todo(reason="call", name="Friday", due=self.today + timedelta(days=4))
        rows = self._get_day()
        self.assertEqual(rows[0].name, "late")
        self.assertEqual(rows[1:3].mapped("name"), ["rich", "usual"])
        self.assertEqual(rows[1:3].mapped("value"), [3000, 1000])
        self.assertEqual(set(rows[3:].mapped("name")), {"coming", "Friday"})
        self.assertEqual(rows.mapped("urgency"), ["1", "2", "2", "3", "3"])

    def test_the_day_of_the_company(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        with freeze_time("2026-03-01 17:00:00"):
            # The 2nd of March in Shanghai.
            self._add_todo(due="2026-03-01")
            self.assertEqual(self._get_day().urgency, "1")
        self.env.invalidate_all()
        with freeze_time("2026-03-01 15:00:00"):
            self.assertEqual(self._get_day().urgency, "2")

    def test_done_in_place(self):
        promise, todo = self._add_promise(), self._add_todo()
        activity = self._add_activity(self.partner)
        self._get_day(kind="promise").action_done()
        self.assertEqual(promise.state, "kept")
        self._get_day(kind="activity").action_done()
        self.assertFalse(activity.active)
        action = self._get_day(kind="lapsing").action_done()
        wizard = self.env["hstyle.todo.done"].with_user(self.agent)
        with Form(wizard.with_context(**action["context"])) as form:
            form.result = "unreached"
            form.note = "Try in the evening"
            form.again_on = self.today + timedelta(days=1)
        form.record.action_finish()
        self.assertEqual((todo.state, todo.result), ("done", "unreached"))
        [row] = self._get_day()
        self.assertEqual((row.kind, row.urgency), ("call", "3"))
        self.assertEqual(row.name, "Try in the evening")

    def test_nobody_ends_what_is_a_colleagues(self):
        self._add_todo()
        row = self.days.search([("user_id", "=", self.agent.id)])
        with self.assertRaises(AccessError):
            row.with_user(self.clerk).action_done()
        wizard = self.env["hstyle.todo.done"].with_user(self.clerk)
        wizard = wizard.create({"todo_id": row.res_id})
        with self.assertRaises(AccessError):
            wizard.action_finish()
        with self.assertRaises(AccessError):
            row.with_user(self.clerk).read(["name"])
        self.assertEqual(row.with_user(self.manager).name, "No order for long")

    def test_a_manager_approves(self):
        self.program.write({"agent_limit": 10})
        card = self._create_card()
        asked = (
            self.env["hstyle.points.adjustment"]
            .with_user(self.agent)
            .create({"card_id": card.id, "points": 50, "reason": "Late parcel"})
        )
        asked.action_confirm()
        [row] = self._get_day(self.manager, kind="approval")
        self.assertEqual(row.partner_id, self.partner)
        row.action_approve()
        self.assertEqual(asked.state, "done")
        self.assertFalse(self._get_day(self.manager, kind="approval"))

    def test_a_salesperson_without_a_role(self):
        self._add_todo(user=self.salesperson)
        order = self._create_order()
        self._add_activity(order, self.salesperson)
        rows = self._get_day(self.salesperson)
        values = rows.read(["name", "grade_id", "phone", "value", "partner_id"])
        self.assertEqual(len(values), 2)
        rows.filtered(lambda row: row.kind == "activity").action_done()
        self.assertEqual(self._get_day(self.salesperson).kind, "lapsing")

    def test_constant_queries(self):
        def add(count):
            for number in range(count):
                partner = self._create_partner(f"{number}", phone="13800138000")
                self._add_todo(partner)
                self._add_promise(partner_id=partner.id)
            self.env.flush_all()

        def read():
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.days.with_user(self.agent).web_search_read(
                [], {"name": {}, "phone": {}, "value": {}, "partner_id": {}}
            )
            return self.env.cr.sql_log_count - before

        add(2)
        read()
        few = read()
        add(15)
        self.assertEqual(read(), few)

    def test_why_now_of_many_customers(self):
        people = self.env["res.partner"].create([{"name": f"{n}"} for n in range(30)])
        for person in people:
            self._add_todo(person)
        self.env.invalidate_all()
        people.with_user(self.clerk).mapped("commercial_partner_id")
        self.env["hstyle.todo"].with_user(self.clerk).has_access("read")
        with self.assertQueryCount(1):
            people.with_user(self.clerk).mapped("hstyle_why_now")


@tagged("post_install", "-at_install")
class TestEffect(DayCommon):
    def _order(self, days, price=100, **values):
        """Let the customer order so many days before now."""
        order = self._sell(1, **values)
        order.order_line.price_unit = price
        order.date_order = fields.Datetime.now() - timedelta(days=days)
        return order

    def _finish(self, todo, days, result="reached"):
        with freeze_time(fields.Datetime.now() - timedelta(days=days)):
            todo._finish(result)

    def test_orders_within_thirty_days(self):
        self._order(50, 10)
        first = self._order(39, 100)
        self._order(12, 50)
        self._order(5, 1000)
        self._finish(self._add_todo(), 40)
        other = self._create_partner("Never")
        self._finish(self._add_todo(other), 40)
        rows = self.env["hstyle.todo.effect"].with_user(self.agent).search([])
        mine = rows.filtered(lambda row: row.partner_id == self.partner)
        self.assertEqual(mine.ordered_at, first.date_order)
        self.assertEqual((mine.ordered, mine.revenue), (1, 150))
        theirs = rows - mine
        self.assertEqual((theirs.ordered_at, theirs.revenue), (False, 0))
        self.assertFalse(
            self.env["hstyle.todo.effect"].with_user(self.clerk).search([])
        )

    def test_every_kind_and_no_dropped_ones(self):
        self._finish(self._add_todo(key="1"), 3)
        self._finish(self._add_todo(key="2"), 3, "needless")
        self._add_promise().action_keep()
        ticket = self._add_ticket()
        ticket.stage_id = self.env.ref("hstyle_crm.ticket_stage_solved")
        rows = self.env["hstyle.todo.effect"].with_user(self.agent).search([])
        self.assertEqual(sorted(rows.mapped("kind")), ["lapsing", "promise", "ticket"])

    def test_who_has_nothing_to_do_reads_what_it_led_to(self):
        days = self.days.with_user(self.agent)
        self.assertEqual(days.get_empty_list_help("<p>Done</p>"), "<p>Done</p>")
        self._order(2, 80)
        self._finish(self._add_todo(), 3)
        words = days.get_empty_list_help("<p>Done</p>")
        self.assertIn("<p>Done</p>", words)
        self.assertIn("1 matters of customers; an order followed 1 of them", words)
        self.assertIn("80.00", words)
