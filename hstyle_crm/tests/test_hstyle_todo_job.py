import random
from collections import defaultdict
from datetime import date, timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.tests import new_test_user, tagged

from .common import HstyleTiersCommon


class TodoJobCommon(HstyleTiersCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.todos = cls.env["hstyle.todo"]
        cls.partner.user_id = cls.salesperson
        cls.company.hstyle_control_share = 0

    def _night(self, day):
        """Let the night to a day pass in the company; return what was done."""
        with freeze_time(f"{day} 21:00:00"):
            self.env["hstyle.profile"]._refresh()
            return self.todos._fill(self.company)

    def _get_open(self, **values):
        domain = [("state", "=", "open"), *((n, "=", v) for n, v in values.items())]
        return self.todos.search(domain)

    def _buy_monthly(self, partner=None, amount=100):
        """Let a customer order every 30 days, last on 2026-05-01."""
        for day in ("2026-01-31", "2026-03-02", "2026-04-01", "2026-05-01"):
            self._buy(amount, day, partner)

    def _create_manager(self, login, **values):
        user = new_test_user(
            self.env, login=login, groups="hstyle_crm.hstyle_crm_group_user"
        )
        return self.env["hstyle.account.manager"].create({"user_id": user.id, **values})


@tagged("post_install", "-at_install")
class TestTodoJob(TodoJobCommon):
    def test_an_order_is_expected(self):
        self._buy_monthly()
        self._night("2026-05-10")
        self.assertFalse(self._get_open())
        self._night("2026-05-31")
        todo = self._get_open()
        self.assertEqual((todo.reason, todo.user_id), ("order_due", self.salesperson))
        self.assertEqual(todo.partner_id, self.partner)
        self.assertEqual(todo.name, "Orders again between 2026-05-31 and 2026-05-31")
        self.assertEqual(todo.value, 400)
        # Once, however many nights; and gone when the customer orders.
        self.assertFalse(self._night("2026-06-01")["added"])
        self._buy(50, "2026-06-01")
        self._night("2026-06-02")
        self.assertEqual((todo.state, todo.result), ("dropped", "ordered"))
        self.assertEqual(todo.done_on.isoformat(), "2026-06-02")

    def test_about_to_leave_and_given_up(self):
        self._buy(100, "2026-01-01")
        self._night("2026-03-31")
        self.assertFalse(self._get_open())
        self._night("2026-04-02")
        todo = self._get_open()
        self.assertEqual(
            (todo.reason, todo.name), ("lapsing", "No order since 2026-01-01")
        )
        self.assertEqual(todo.due, date(2026, 1, 1) + timedelta(days=180))
        self._night("2026-07-03")
        self.assertEqual(todo.state, "open")
        self._night("2026-07-04")
        self.assertEqual((todo.state, todo.result), ("dropped", "expired"))
        self.assertFalse(self._get_open())

    def test_a_birthday_each_year(self):
        self.partner.birthday = "1990-02-28"
        self._buy(100, "2026-02-01")
        self._night("2026-02-20")
        self.assertFalse(self._get_open())
        self._night("2026-02-21")
        self.assertEqual(self._get_open().name, "Birthday on 2026-02-28")
        self._get_open()._finish("reached")
        self._buy(100, "2027-02-01")
        self._night("2027-02-22")
        self.assertEqual(self._get_open().key, "2027")

    def test_a_tier_at_risk_is_told_once(self):
        self.gold.has_manager = True
        manager = self._create_manager("ann")
        self._buy(1000, "2026-03-10")
        self._pass_night("2027-02-10")
        todo = self._get_open(reason="downgrade")
        self.assertEqual(todo.user_id, manager.user_id)
        self._night("2027-02-11")
        self.assertEqual(self._get_open(), todo)
        # Who gets the manager after the warning is told by the night.
        todo.sudo().unlink()
        self._night("2027-02-12")
        todo = self._get_open()
        self.assertEqual(todo.name, "Gold ends on 2027-03-10: help to keep it")
        self._buy(1000, "2027-02-13")
        self._pass_night("2027-03-11")
        self._night("2027-03-12")
        self.assertEqual(todo.result, "ordered")

    def test_the_most_urgent_reason_of_a_customer(self):
        self.partner.birthday = "1990-05-31"
        self._buy_monthly()
        self._night("2026-05-31")
        self.assertEqual(self._get_open().reason, "birthday")

    def test_manager_deputy_salesperson(self):
        self.gold.has_manager = True
        ann = self._create_manager("ann")
        self._buy(1000, "2026-01-01")
        bob = self._create_manager("bob")
        ann.deputy_id = bob
        self._night("2026-04-02")
        todo = self._get_open()
        self.assertEqual(todo.user_id, ann.user_id)
        ann.away_until = "2026-04-10"
        self.assertEqual(self._night("2026-04-03")["moved"], 1)
        self.assertEqual(todo.user_id, bob.user_id)
        self._night("2026-04-11")
        self.assertEqual(todo.user_id, ann.user_id)
        (ann | bob).user_id.active = False
        self._night("2026-04-12")
        self.assertEqual(todo.user_id, self.salesperson)
        # Who does not work in the company is given nothing.
        todo.sudo().unlink()
        company = self.env["res.company"].create({"name": "Other"})
        self.salesperson.write(
            {"company_id": company.id, "company_ids": [Command.set(company.ids)]}
        )
        self._night("2026-04-13")
        self.assertFalse(self._get_open())

    def test_at_most_so_many_the_most_valuable(self):
        self.company.hstyle_todo_limit = 2
        people = self.env["res.partner"].create(
            [{"name": f"{n}", "user_id": self.salesperson.id} for n in range(4)]
        )
        for person, amount in zip(people, (100, 400, 200, 300), strict=True):
            self._buy(amount, "2026-01-01", person)
        self._night("2026-04-02")
        self.assertEqual(self._get_open().partner_id, people[1] | people[3])
        self.assertFalse(self._night("2026-04-03")["added"])
        with freeze_time("2026-04-03 22:00"):
            self._get_open()[0]._finish("reached")
        self._night("2026-04-04")
        self.assertEqual(self._get_open().partner_id, people[2] | people[3])

    def test_whom_the_gate_keeps_out(self):
        self._buy(100, "2026-01-01")
        self.env["hstyle.consent"]._record(
            self.partner, "phone", "marketing", False, "office"
        )
        self._night("2026-04-02")
        self.assertFalse(self._get_open())
        self.env["hstyle.consent"]._record(
            self.partner, "phone", "marketing", True, "office"
        )
        self.partner.active = False
        self._night("2026-04-03")
        self.assertFalse(self._get_open())
        self.partner.active = True
        self._night("2026-04-04")
        self.assertTrue(self._get_open())

    def test_a_week_of_rest(self):
        self._buy(100, "2026-01-01")
        self.partner.birthday = "1990-04-02"
        self._night("2026-04-02")
        with freeze_time("2026-04-02 10:00"):
            self._get_open(reason="birthday")._finish("reached")
        self._night("2026-04-08")
        self.assertFalse(self._get_open())
        self._night("2026-04-10")
        self.assertEqual(self._get_open().reason, "lapsing")

    def test_in_any_language(self):
        self.salesperson.lang = "en_US"
        self.env.cr.execute(
            "UPDATE res_partner SET lang = 'xx_XX' WHERE id = %s",
            [self.salesperson.partner_id.id],
        )
        self._buy(100, "2026-01-01")
        self._night("2026-04-02")
        self.assertEqual(self._get_open().name, "No order since 2026-01-01")

    def test_a_company_that_fails_leaves_the_others_alone(self):
        self._buy(100, "2026-01-01")
        other = self.env["res.company"].create({"name": "Bad"})
        plain = type(self.todos)._fill

        def fill(todos, company):
            if company == other:
                raise ValueError("bad")
            return plain(todos, company)

        self.patch(type(self.todos), "_fill", fill)
        with freeze_time("2026-04-02 21:00:00"):
            self.env["hstyle.profile"]._refresh()
            with (
                self.enter_registry_test_mode(),
                self.assertLogs("odoo.addons.hstyle_crm.models.hstyle_todo_job"),
            ):
                self.env.ref("hstyle_crm.ir_cron_todo").method_direct_trigger()
        self.assertTrue(self._get_open())

    def test_merged_customers_have_each_occasion_once(self):
        same = self._create_partner("Mei again", user_id=self.salesperson.id)
        for partner in (self.partner, same):
            self._buy(100, "2026-01-01", partner)
        self._night("2026-04-02")
        self.assertEqual(len(self._get_open()), 2)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.partner | same).ids, self.partner)
        self.assertEqual(self._get_open().partner_id, self.partner)

    def test_as_a_plain_program_would_choose(self):
        """Random customers: the same tasks as Python finds from the raw orders."""
        draw = random.Random(8)
        sellers = [
            new_test_user(
                self.env, login=f"s{n}", groups="sales_team.group_sale_salesman"
            )
            for n in range(2)
        ]
        self.company.hstyle_todo_limit = 4
        today, orders, owners = date(2026, 6, 1), {}, {}
        for number in range(40):
            owner = draw.choice([*sellers, None])
            partner = self._create_partner(f"{number}")
            day = today - timedelta(
                days=draw.choice([5, 60, 89, 90, 91, 120, 179, 181])
            )
            owners[partner], orders[partner] = owner, (day, 100 + number)
            self._buy(100 + number, day.isoformat(), partner)
            # Afterwards: salespeople do not sell to colleagues' customers.
            partner.user_id = owner
        self._night(today.isoformat())
        expected = defaultdict(list)
        for partner, (day, amount) in orders.items():
            if owners[partner] and 90 <= (today - day).days < 180:
                expected[owners[partner]].append((amount, partner))
        for seller in sellers:
            best = sorted(expected[seller], key=lambda pair: -pair[0])[:4]
            found = self._get_open(user_id=seller.id, reason="lapsing")
            self.assertEqual([(todo.value, todo.partner_id) for todo in found], best)
