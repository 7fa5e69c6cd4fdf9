from datetime import date
from decimal import Decimal

from freezegun import freeze_time
from psycopg2 import IntegrityError
from psycopg2.errors import CheckViolation, ForeignKeyViolation, RestrictViolation

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import BaseCase, Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..tools import commission
from .commission_common import HstyleCommissionCommon

D = Decimal


@tagged("post_install", "-at_install")
class TestCommissionTools(BaseCase):
    def test_no_gap_between_brackets(self):
        """What is between 100 and 100.01 has a rate, and more never gives less."""
        brackets = [(D(0), D(5)), (D(100), D(10))]
        for base, expected in (
            ("100", "5"),
            ("100.005", "5.0005"),
            ("100.01", "5.001"),
            ("200", "15"),
        ):
            found = commission.get_marginal(brackets, D(0), D(base))
            self.assertEqual(found, D(expected), base)
        self.assertEqual(commission.get_marginal(brackets, D(50), D(100)), D("7.5"))

    def test_parts_give_what_the_whole_gives(self):
        brackets = [(D(1000), D(12)), (D(0), D(3)), (D(250), D(7))]
        whole = commission.get_marginal(brackets, D(0), D(1500))
        parts = [
            commission.get_marginal(brackets, D(100 * n), D(100)) for n in range(15)
        ]
        self.assertEqual(sum(parts), whole)
        self.assertEqual(parts, sorted(parts))

    def test_without_brackets(self):
        self.assertEqual(commission.get_marginal([], D(0), D(100)), 0)

    def test_refunds_leave_nothing(self):
        """Thirds of 33.33 % are no round cents; the last one takes what is left."""
        targets = [
            commission.get_target(D("99.99"), D("10.01"), D("33.33") * left)
            for left in (3, 2, 1, 0)
        ]
        self.assertEqual(targets, [D("10.01"), D("6.67"), D("3.34"), 0])

    def test_coins(self):
        self.assertEqual(commission.to_coins(D("1.005")), D("1.01"))
        self.assertEqual(commission.to_coins(0.1 + 0.2), D("0.30"))
        self.assertEqual(commission.to_coins(D("2.5"), D(1)), D(3))

    def test_a_piece_gives_at_most_half_of_it(self):
        self.assertEqual(commission.get_fixed(D(5), D(3), D(100)), 15)
        self.assertEqual(commission.get_fixed(D(5), D(3), D(20)), 10)


@tagged("post_install", "-at_install")
class TestCommissionAccrual(HstyleCommissionCommon):
    def test_an_order_accrues_once(self):
        order = self._order("2026-11-03", 100, 49.9)
        self._accrue(order)
        self.assertEqual(
            self._get_amounts(order), [("accrual", 100, 10), ("accrual", 49.9, 4.99)]
        )
        row = self.rows.search([("order_id", "=", order.id)], limit=1)
        self.assertRecordValues(
            row,
            [
                {
                    "agent_id": self.worker.id,
                    "campus_id": self.campus_place.id,
                    "referral_id": self.referral.id,
                    "month": date(2026, 11, 1),
                    "available_on": date(2026, 11, 18),
                    "date": date(2026, 11, 3),
                    "rate": 10,
                    "statement_id": False,
                }
            ],
        )

    def test_only_friends_of_agents(self):
        stranger = self._create_partner("Stranger")
        customers_friend = self._create_partner("Friend of a customer")
        self._refer(self.worker, customers_friend, agent_id=False)
        for partner in (stranger, customers_friend, self.student):
            order = self._order("2026-11-03", partner=partner)
            self.assertFalse(self._get_amounts(order), partner.name)

    def test_the_friends_contacts_are_the_friend(self):
        child = self._create_partner("Door", parent_id=self.partner.id, type="delivery")
        self.assertTrue(self._get_amounts(self._order("2026-11-03", partner=child)))

    def test_quotations_give_nothing(self):
        order = self._create_order()
        self._accrue(order)
        self.assertFalse(self._get_amounts(order))

    def test_before_the_touch(self):
        self.referral.sudo().touched_on = "2026-11-05 08:00:00"
        self.assertFalse(self._get_amounts(self._order("2026-11-04")))
        self.assertTrue(self._get_amounts(self._order("2026-11-05")))

    def test_months_per_friend(self):
        self.plan.months = 3
        self.assertTrue(self._get_amounts(self._order("2026-03-31")))
        self.assertFalse(self._get_amounts(self._order("2026-04-01")))
        self.plan.months = 0
        self.assertTrue(self._get_amounts(self._order("2027-11-04")))

    def test_paused_and_graduated_agents(self):
        """Nothing new is earned; what was decided stays so when the agent is back."""
        orders = self.env["sale.order"]
        for state in ("applicant", "paused", "alumnus"):
            self.worker.state = state
            orders |= self._order("2026-11-03")
        self.worker.state = "active"
        self._accrue(orders)
        self.assertFalse(self.rows.search([]))

    def test_a_credit_note_gives_negative_commission(self):
        """OCA/commission#555: it gave positive one."""
        order = self._order("2026-11-03", quantity=3)
        invoice = self._invoice_on("2026-11-03", order)
        self._refund_on("2026-11-04", invoice, 1)
        self._refund_on("2026-11-05", invoice, 1)
        self._refund_on("2026-11-06", invoice, 1)
        rows = self.rows.search([("order_id", "=", order.id)]).sorted("id")
        self.assertEqual(rows.mapped("amount"), [30, -10, -10, -10])
        self.assertEqual(set(rows.mapped("kind")[1:]), {"reversal"})
        # OCA/commission#51 and #53: a refund lost the agent.
        self.assertEqual(rows.agent_id, self.worker)
        self.assertEqual(set(rows.mapped("available_on")), {date(2026, 11, 18)})

    def test_refunds_have_the_original_rate(self):
        order = self._order("2026-11-03", quantity=3)
        invoice = self._invoice_on("2026-11-03", order)
        self.plan.bracket_ids.percent = 20
        self._refund_on("2026-11-04", invoice, 1)
        self.assertEqual(self._get_amounts(order)[1], ("reversal", -100, -10))
        self.assertEqual(self.rows.search([("kind", "=", "reversal")]).rate, 10)

    def test_a_refund_is_cancelled(self):
        order = self._order("2026-11-03")
        invoice = self._invoice_on("2026-11-03", order)
        refund = self._refund_on("2026-11-04", invoice)
        self.plan.bracket_ids.percent = 20
        with freeze_time("2026-11-05 12:00:00"):
            refund.button_draft()
            self._accrue(order)
        amounts = [amount for _kind, _base, amount in self._get_amounts(order)]
        self.assertEqual(amounts, [10, -10, 10])
        self.assertEqual(self._get_amounts(order)[2][0], "reversal")

    def test_what_is_added_has_the_rate_of_the_day(self):
        order = self._order("2026-11-03", quantity=2)
        self.plan.bracket_ids.percent = 20
        with freeze_time("2026-11-05 12:00:00"):
            order.order_line.product_uom_qty = 1
            self._accrue(order)
            order.order_line.product_uom_qty = 3
            self._accrue(order)
        self.assertEqual(
            self._get_amounts(order),
            [
                ("accrual", 200, 20),
                ("reversal", -100, -10),
                ("reversal", 100, 10),
                ("accrual", 100, 20),
            ],
        )

    def test_what_is_added_waits_for_a_window_of_its_own(self):
        order = self._order("2026-11-03")
        with freeze_time("2026-11-25 12:00:00"):
            order.order_line.product_uom_qty = 4
            self._accrue(order)
        rows = self.rows.search([("order_id", "=", order.id)]).sorted("id")
        self.assertEqual(
            rows.mapped("available_on"), [date(2026, 11, 18), date(2026, 12, 10)]
        )
        self.assertEqual(self._settle("2026-11").billed, 10)
        self.assertEqual(self._settle("2026-12").billed, 30)

    def test_cancelled_and_confirmed_anew(self):
        """What comes back waits for the new return window."""
        order = self._order("2026-11-03")
        with freeze_time("2026-11-10 12:00:00"):
            order.with_context(disable_cancel_warning=True).action_cancel()
            self._accrue(order)
        with freeze_time("2026-12-20 12:00:00"):
            order.action_draft()
            order.action_confirm()
            self._accrue(order)
        rows = self.rows.search([("order_id", "=", order.id)]).sorted("id")
        self.assertEqual(rows.mapped("amount"), [10, -10, 10])
        self.assertEqual(
            rows.mapped("available_on"),
            [date(2026, 11, 18), date(2026, 11, 18), date(2027, 1, 4)],
        )
        self.assertEqual(rows[-1].month, date(2026, 12, 1))

    def test_a_line_is_deleted_from_a_cancelled_order(self):
        order = self._order("2026-11-03", 100, 50)
        order.with_context(disable_cancel_warning=True).action_cancel()
        order.action_draft()
        order.order_line[0].unlink()
        order.action_confirm()
        self._accrue(order)
        self.assertEqual(sum(amount for _k, _b, amount in self._get_amounts(order)), 5)
        self._accrue(order)
        self.assertEqual(len(self._get_amounts(order)), 3)

    def test_no_longer_the_friends_order(self):
        order = self._order("2026-11-03")
        order.sudo().partner_id = self._create_partner("Other")
        self._accrue(order)
        self.assertEqual(self._get_amounts(order)[1], ("reversal", -100, -10))

    def test_an_order_stays_with_its_agent(self):
        """Also when it becomes the order of another agent's friend."""
        order = self._order("2026-11-03")
        other = self._create_agent(self._create_partner("Second student"))
        friend = self._create_partner("Second friend")
        self._refer(other, friend)
        order.sudo().partner_id = friend
        self._accrue(order)
        rows = self.rows.search([("order_id", "=", order.id)])
        self.assertEqual(rows.agent_id, self.worker)
        self.assertEqual(sum(rows.mapped("amount")), 0)

    def test_a_rejected_referral(self):
        order = self._order("2026-11-03")
        self.referral.sudo().state = "rejected"
        self._accrue(order)
        self.assertEqual(self._get_amounts(order)[1], ("reversal", -100, -10))
        self.assertFalse(self._get_amounts(self._order("2026-11-04")))
        self.referral.sudo().state = "hold"
        self._accrue(order)
        self.assertEqual(self._get_amounts(order)[2], ("reversal", 100, 10))

    def test_discounts_count_and_gift_cards_do_not(self):
        order = self._create_order(2)
        discount = self._create_product("Discount", 0)
        gift = self.env["loyalty.program"].create(
            {
                "name": "Gift cards",
                "program_type": "gift_card",
                "reward_ids": [Command.create({"discount": 1})],
            }
        )
        ten = self.env["loyalty.program"].create(
            {
                "name": "Ten percent",
                "program_type": "promotion",
                "reward_ids": [Command.create({"discount": 10})],
            }
        )
        for price, reward in ((-50, False), (-20, ten), (-30, gift)):
            values = {"product_id": discount.id, "price_unit": price, "name": "Off"}
            reward = reward and reward.reward_ids
            values["reward_id"] = reward and reward[:1].id
            order.sudo().order_line = [Command.create(values)]
        order.action_confirm()
        self._accrue(order)
        self.assertEqual(self._get_amounts(order), [("accrual", 130, 13)])

    def test_other_currencies(self):
        currency = self._create_currency(4)
        pricelist = self.env["product.pricelist"].create(
            {"name": "X", "currency_id": currency.id}
        )
        order = self._order("2026-11-03", 100, pricelist_id=pricelist.id)
        self.assertEqual(self._get_amounts(order), [("accrual", 25, 2.5)])

    def test_free_goods_give_nothing(self):
        self.assertFalse(self._get_amounts(self._order("2026-11-03", 0)))

    def test_rates(self):
        """A product's rate, then that of the nearest category, then the brackets."""
        categories = self.env["product.category"]
        women = categories.create({"name": "Women"})
        coats = categories.create({"name": "Coats", "parent_id": women.id})
        coat = self._create_product("Coat", 100, categ_id=coats.id)
        skirt = self._create_product("Skirt", 100, categ_id=women.id)
        scarf = self._create_product("Scarf", 20, categ_id=women.id)
        self.plan.rate_ids = [
            Command.create({"categ_id": women.id, "value": 4}),
            Command.create({"categ_id": coats.id, "value": 6}),
            Command.create({"product_id": scarf.id, "kind": "fixed", "value": 3}),
        ]
        order = self._create_order()
        order.order_line = [
            Command.create({"product_id": product.id, "product_uom_qty": 2})
            for product in (coat, skirt, scarf)
        ]
        order.action_confirm()
        self._accrue(order)
        amounts = [amount for _kind, _base, amount in self._get_amounts(order)]
        self.assertEqual(sorted(amounts), [6, 8, 10, 12])

    def test_volume_of_the_month(self):
        """All that friends keep counts, also what has a rate of its own."""
        self.plan.write({"bracket_ids": [Command.clear()]})
        self.plan.bracket_ids = [
            Command.create({"from_amount": start, "percent": percent})
            for start, percent in ((0, 5), (100, 10))
        ]
        own = self._create_product("Own", 60)
        self.plan.rate_ids = [Command.create({"product_id": own.id, "value": 1})]
        with freeze_time("2026-11-02 12:00:00"):
            first = self._create_order()
            first.order_line.write({"product_id": own.id})
            first.order_line.price_unit = 60
            first.action_confirm()
            self._accrue(first)
        self.assertEqual(self._get_amounts(first), [("accrual", 60, 0.6)])
        second = self._order("2026-11-03", 100)
        self.assertEqual(self._get_amounts(second), [("accrual", 100, 2 + 6)])
        # A new month, and what is sent back leaves the volume.
        self.assertEqual(self._get_amounts(self._order("2026-12-01"))[0][2], 5)
        second.with_context(disable_cancel_warning=True).action_cancel()
        self._accrue(second)
        third = self._order("2026-11-20", 80)
        self.assertEqual(self._get_amounts(third), [("accrual", 80, 2 + 4)])

    def test_no_plan(self):
        self.plan.active = False
        self.assertFalse(self._get_amounts(self._order("2026-11-03")))

    def test_a_plan_of_ones_own(self):
        self.worker.plan_id = self._create_plan([(0, 15)], sequence=99)
        self.assertEqual(self._get_amounts(self._order("2026-11-03"))[0][2], 15)

    def test_the_hold_begins_later(self):
        """While goods are on their way the window has not begun."""
        orders = type(self.env["sale.order"])
        with self.subTest("unknown"):
            self.patch(orders, "_get_hold_start", lambda order: None)
            order = self._order("2026-11-03")
            row = self.rows.search([("order_id", "=", order.id)])
            self.assertFalse(row.available_on)
        with self.subTest("known"):
            self.patch(orders, "_get_hold_start", lambda order: date(2026, 11, 9))
            self._accrue(order)
            self.assertEqual(row.available_on, date(2026, 11, 24))
        with self.subTest("stays"):
            self.patch(orders, "_get_hold_start", lambda order: date(2026, 11, 8))
            self._accrue(order)
            self.assertEqual(row.available_on, date(2026, 11, 24))

    def test_queries_do_not_grow_with_orders(self):
        def count(number):
            orders = self.env["sale.order"].concat(
                *(self._create_order() for _n in range(number))
            )
            orders.action_confirm()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.rows._accrue(orders.sudo())
            return self.env.cr.sql_log_count - before

        self.assertLessEqual(count(12), count(4) + 2)


@tagged("post_install", "-at_install")
class TestCommissionRules(HstyleCommissionCommon):
    """What neither the model nor the database lets anybody do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._order(cls(), "2026-11-03")
        cls.row = cls.rows.search([("order_id", "=", cls.order.id)])

    def _insert(self, **values):
        """Post a row behind everybody's back, like that of the order."""
        self.env.cr.execute(
            "SELECT * FROM hstyle_commission WHERE id = %s", [self.row.id]
        )
        columns = [column.name for column in self.env.cr.description]
        row = dict(zip(columns, self.env.cr.fetchone(), strict=True))
        row |= {"number": 99, **values}
        del row["id"]
        names = ", ".join(row)
        with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.env.cr.execute(
                f"INSERT INTO hstyle_commission ({names}) VALUES %s",
                [tuple(row.values())],
            )

    def test_like_a_good_row(self):
        self._insert()

    def test_nobody_edits_rows(self):
        for rows in (self.row, self.row.sudo(), self.row.with_user(self.manager)):
            for change in (
                lambda rows=rows: rows.write({"amount": 1000}),
                lambda rows=rows: rows.unlink(),
                lambda rows=rows: rows.create({"amount": 1000}),
            ):
                with self.assertRaises(UserError):
                    change()

    def test_the_database_keeps_rows(self):
        for query in (
            "UPDATE hstyle_commission SET amount = 1000 WHERE id = %s",
            "UPDATE hstyle_commission SET available_on = '2026-11-04' WHERE id = %s",
            "UPDATE hstyle_commission SET agent_id = 0 WHERE id = %s",
            "DELETE FROM hstyle_commission WHERE id = %s",
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(RestrictViolation, msg=query),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(query, [self.row.id])

    def test_settled_rows_stay_on_their_statement(self):
        statement = self._settle("2026-11")
        later = self._settle("2026-12")
        for query in (
            "UPDATE hstyle_commission SET statement_id = %s WHERE id = %s",
            "UPDATE hstyle_commission_statement SET billed = %s WHERE id = %s",
        ):
            record = self.row if "statement_id" in query else statement
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(query, [later.id, record.id])

    def test_an_order_pays_one_agent(self):
        other = self._create_agent(self._create_partner("Second student"))
        theirs = self._refer(other, self._create_partner("Second friend"))
        with self.assertRaises(ForeignKeyViolation):
            self._insert(agent_id=other.id, referral_id=theirs.id, kind="reversal")
        with self.assertRaises(ForeignKeyViolation):
            self._insert(agent_id=other.id, kind="reversal")
        with self.assertRaises(CheckViolation):
            self._insert(agent_id=other.id, referral_id=theirs.id)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            self.env["hstyle.commission.order"].create(
                {
                    "order_id": self.order.id,
                    "referral_id": theirs.id,
                    "agent_id": other.id,
                    "company_id": self.company.id,
                    "pays": True,
                }
            )

    def test_no_fee_and_nothing_per_head(self):
        for values in (
            {"amount": -5},
            {"base": 0, "amount": 0},
            {"base": 10, "amount": 20},
            {"order_line_id": None},
            {"order_line_id": self._create_order().order_line.id},
        ):
            with self.assertRaises(CheckViolation, msg=values):
                self._insert(**values)

    def test_the_order_of_somebody_else(self):
        self.order.partner_id = self._create_partner("Not referred")
        self.env.flush_all()
        with self.assertRaises(CheckViolation):
            self._insert()

    def test_rates_are_rates(self):
        plan = self.plan
        category = self.env["product.category"].create({"name": "Coats"})
        for model, values in (
            ("bracket", {"from_amount": 100, "percent": -1}),
            ("bracket", {"from_amount": 100, "percent": 51}),
            ("bracket", {"from_amount": -1, "percent": 5}),
            ("bracket", {"from_amount": 0, "percent": 5}),
            ("rate", {"value": 5}),
            ("rate", {"categ_id": category.id, "value": -5}),
            ("rate", {"categ_id": category.id, "value": 51}),
            ("rate", {"categ_id": category.id, "product_id": self.dress.id}),
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError, msg=values),
                self.env.cr.savepoint(),
            ):
                self.env[f"hstyle.commission.{model}"].create(
                    {"plan_id": plan.id, "value" if model == "rate" else "percent": 1}
                    | values
                )
                self.env.flush_all()
        with self.assertRaises(ValidationError):
            plan.bracket_ids.from_amount = 10
        with mute_logger("odoo.sql_db"), self.assertRaises(CheckViolation):
            plan.minimum = -1
            self.env.flush_all()


@tagged("post_install", "-at_install")
class TestCommissionStatement(HstyleCommissionCommon):
    def test_a_month_is_billed(self):
        self._order("2026-11-03", 100)
        self._order("2026-11-10", 200.5)
        statement = self._settle("2026-11")
        self.assertRecordValues(
            statement,
            [
                {
                    "agent_id": self.worker.id,
                    "month": date(2026, 11, 1),
                    "opening": 0,
                    "accrued": 30.05,
                    "reversed": 0,
                    "total": 30.05,
                    "billed": 30.05,
                    "carried": 0,
                    "orders": 2,
                    "state": "billed",
                    "reason": False,
                }
            ],
        )
        self.assertEqual(len(statement.line_ids), 2)
        self.assertRecordValues(
            statement.bill_id,
            [
                {
                    "move_type": "in_invoice",
                    "state": "draft",
                    "partner_id": self.student.id,
                    "amount_total": 30.05,
                    "ref": statement.name,
                    "invoice_origin": statement.name,
                }
            ],
        )
        line = statement.bill_id.invoice_line_ids
        self.assertEqual(line.account_id.account_type, "expense")
        self.assertIn("November 2026", line.name)
        statement.bill_id.action_post()

    def test_settling_twice_does_nothing_new(self):
        self._order("2026-11-03")
        self.assertTrue(self._settle("2026-11"))
        self.assertFalse(self._settle("2026-11"))
        self._settle("2026-12")
        self.assertFalse(self._settle("2026-11"))
        self.assertEqual(self.statements.search_count([]), 2)
        bills = self.env["account.move"].search([("move_type", "=", "in_invoice")])
        self.assertEqual(bills, self.statements.search([]).bill_id)

    def test_the_month_is_not_over(self):
        """OCA/commission#145 and #87: it was empty, and nobody knew why."""
        self._order("2026-11-03")
        with self.assertRaisesRegex(UserError, "not over.*December 1"):
            self._settle("2026-11", date(2026, 11, 30))
        preview = self._preview("2026-11", "2026-11-20")
        self.assertIn("The month is not over", preview["reason"])
        self.assertEqual(preview["accrued"], 10)

    def test_preview_without_settling(self):
        """OCA/commission#88."""
        self._order("2026-11-03")
        before = self._count("hstyle.commission.statement", "account.move")
        expected = self._preview("2026-11", "2026-12-05")
        after = self._count("hstyle.commission.statement", "account.move")
        self.assertEqual(before, after)
        self.assertFalse(self.rows.search([]).statement_id)
        statement = self._settle("2026-11")
        for name, value in expected.items():
            self.assertEqual(statement[name], value, name)
        self.assertEqual(self._preview("2026-11", "2026-12-05"), expected)

    def test_a_month_by_the_companys_clock(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        self._order("2026-11-03")
        with freeze_time("2026-11-30 15:59:00"), self.assertRaises(UserError):
            self.statements._settle(self.company, date(2026, 11, 1))
        with freeze_time("2026-11-30 16:00:00"):
            self.assertTrue(self.statements._settle(self.company, date(2026, 11, 1)))

    def test_on_hold(self):
        """Free from the day after the window; held_until is the window's last day."""
        self._order("2026-11-16")
        statement = self._settle("2026-11")
        self.assertRecordValues(
            statement,
            [
                {
                    "total": 0,
                    "held": 10,
                    "held_until": date(2026, 11, 30),
                    "state": "empty",
                }
            ],
        )
        self.assertIn("On hold until November 30, 2026: $", statement.reason)
        self.assertEqual(self._settle("2026-12").billed, 10)

    def test_free_on_the_last_day(self):
        self._order("2026-11-15")
        self.assertEqual(self._settle("2026-11").billed, 10)

    def test_no_orders(self):
        statement = self._settle("2026-11")
        self.assertRecordValues(
            statement,
            [{"state": "empty", "reason": "No order of your friends was kept."}],
        )
        self.assertFalse(statement.bill_id)

    def test_who_gets_a_statement(self):
        """Active agents; others as long as something is open."""
        paused = self._create_agent(self._create_partner("Paused"), state="paused")
        late = self._create_agent(self._create_partner("Came in December"))
        self.env.cr.execute(
            "UPDATE hstyle_agent SET create_date = '2026-12-01' WHERE id = %s",
            [late.id],
        )
        self.assertEqual(self._settle("2026-11").agent_id, self.worker)
        friend = self._create_partner("Theirs")
        self._refer(paused, friend)
        paused.state = "active"
        self._order("2026-12-20", partner=friend)
        paused.state = "paused"
        self.assertEqual(self._settle("2026-12").agent_id, self.worker | paused | late)

    def test_refunded_in_full_before_the_settlement(self):
        """OCA/commission#503 and #607: only the negative was settled."""
        order = self._order("2026-11-03")
        invoice = self._invoice_on("2026-11-03", order)
        self._refund_on("2026-11-10", invoice)
        statement = self._settle("2026-11")
        self.assertRecordValues(
            statement,
            [{"accrued": 10, "reversed": -10, "total": 0, "state": "empty"}],
        )
        self.assertIn("sent back", statement.reason)
        self.assertFalse(statement.bill_id)

    def test_refunded_after_the_settlement(self):
        """What was paid is set off against the next months."""
        order = self._order("2026-11-03")
        invoice = self._invoice_on("2026-11-03", order)
        self._settle("2026-11")
        self._refund_on("2026-12-10", invoice)
        statement = self._settle("2026-12")
        self.assertRecordValues(
            statement,
            [{"accrued": 0, "reversed": -10, "carried": -10, "state": "carried"}],
        )
        self.assertIn("set off", statement.reason)
        self._order("2027-01-02", 300)
        statement = self._settle("2027-01")
        self.assertRecordValues(
            statement, [{"opening": -10, "accrued": 30, "billed": 20, "carried": 0}]
        )
        self.assertEqual(statement.bill_id.amount_total, 20)

    def test_the_smallest_payout(self):
        self.plan.minimum = 15
        self._order("2026-11-03")
        statement = self._settle("2026-11")
        self.assertRecordValues(
            statement, [{"state": "carried", "carried": 10, "minimum": 15}]
        )
        self.assertIn("Below the smallest payout of $", statement.reason)
        self._order("2026-12-03", 50)
        self.assertRecordValues(
            self._settle("2026-12"),
            [{"opening": 10, "accrued": 5, "billed": 15, "state": "billed"}],
        )

    def test_graduates_get_the_rest(self):
        self.plan.minimum = 15
        self._order("2026-11-03")
        self._order("2026-11-25", 20)
        self.worker.state = "alumnus"
        statement = self._settle("2026-11")
        self.assertEqual((statement.carried, statement.held), (10, 2))
        self.assertEqual(self._settle("2026-12").billed, 12)
        self.assertFalse(self._settle("2027-01"))

    def test_a_missed_month_is_settled_with_the_next(self):
        self._order("2026-10-03")
        self._order("2026-11-03")
        self.assertEqual(self._settle("2026-11").billed, 20)

    def test_who_left_and_owes_gets_no_statements(self):
        """What is owed waits for the agent to earn again."""
        order = self._order("2026-11-03")
        invoice = self._invoice_on("2026-11-03", order)
        self._settle("2026-11")
        self._refund_on("2026-12-10", invoice)
        self.worker.state = "alumnus"
        self.assertEqual(self._settle("2026-12").carried, -10)
        self.assertFalse(self._settle("2027-01"))
        self.worker.state = "active"
        self.assertEqual(self._settle("2027-02").opening, -10)

    def test_some_agents(self):
        other = self._create_agent(self._create_partner("Second student"))
        self.assertEqual(self._settle("2026-11", agents=other).agent_id, other)
        self.assertEqual(self._settle("2026-11").agent_id, self.worker)

    def test_bills_stay(self):
        self._order("2026-11-03")
        statement = self._settle("2026-11")
        bill = statement.bill_id
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            bill.unlink()
        with self.assertRaisesRegex(UserError, "was cancelled"):
            statement.with_user(self.finance).action_bill_again()
        bill.button_cancel()
        statement.with_user(self.finance).action_bill_again()
        self.assertNotEqual(statement.bill_id, bill)
        self.assertEqual(statement.bill_id.amount_total, 10)
        self.assertEqual(bill.state, "cancel")
        with self.assertRaisesRegex(UserError, "billed again"):
            bill.button_draft()

    def test_job(self):
        self._order("2026-11-03")
        with freeze_time("2026-12-02 03:00:00"), self.enter_registry_test_mode():
            cron = self.env.ref("hstyle_crm.ir_cron_commission")
            cron.method_direct_trigger()
            cron.method_direct_trigger()
        statement = self.statements.search([("agent_id", "=", self.worker.id)])
        self.assertEqual(statement.month, date(2026, 11, 1))
        self.assertEqual(statement.bill_id.amount_total, 10)

    def test_a_bad_agent_stands_alone(self):
        others = self.env["hstyle.agent"]
        for number in range(3):
            other = self._create_agent(self._create_partner(f"Student {number}"))
            friend = self._create_partner(f"Friend {number}")
            self._refer(other, friend)
            self._order("2026-11-03", partner=friend)
            others |= other
        prepare = type(self.statements)._prepare_bill

        def refuse(statement):
            if statement.agent_id == others[1]:
                raise ValueError("No account")
            return prepare(statement)

        self.patch(type(self.statements), "_prepare_bill", refuse)
        with (
            freeze_time("2026-12-02 03:00:00"),
            self.enter_registry_test_mode(),
            mute_logger("odoo.addons.hstyle_crm.models.hstyle_commission_closing"),
        ):
            self.env.ref("hstyle_crm.ir_cron_commission").method_direct_trigger()
        self.env.invalidate_all()
        settled = self.statements.search([]).agent_id
        self.assertEqual(settled & others, others - others[1])
        self.assertFalse(
            self.rows.search([("agent_id", "=", others[1].id)]).statement_id
        )
        self.patch(type(self.statements), "_prepare_bill", prepare)
        self.assertEqual(self._settle("2026-11").agent_id, others[1])


@tagged("post_install", "-at_install")
class TestCommissionAccess(HstyleCommissionCommon):
    def test_finance_settles(self):
        """The lowest role sees the preview, settles, and finds the bill."""
        self._order("2026-11-03")
        for user in (self.finance, self.manager):
            self.assertTrue(self.rows.with_user(user).search([]), user.login)
        with freeze_time("2026-12-02 03:00:00"):
            wizards = self.env["hstyle.commission.settlement"].with_user(self.finance)
            form = Form(wizards)
            self.assertEqual(form.month, "2026-11-01")
            wizard = form.save()
            self.assertEqual(wizard.line_ids.mapped("billed"), [10])
            wizard.action_settle()
            wizard = Form(wizards).save()
            self.assertTrue(wizard.line_ids.settled)
            self.assertFalse(wizard.is_open)
        statement = self.statements.with_user(self.finance).search([])
        self.assertTrue(Form(statement).record)
        self.assertEqual(statement.bill_id.state, "draft")
        self.assertEqual(statement.with_user(self.manager).state, "billed")
        found = self.statements.with_user(self.finance).search(
            [("partner_id", "ilike", "Student")]
        )
        self.assertEqual(found, statement)
        self.assertTrue(Form(self.plan.with_user(self.finance)).record)
        self.assertEqual(
            statement.web_search_read(
                [], {"agent_id": {"fields": {"display_name": {}}}}
            )["records"][0]["agent_id"]["display_name"],
            "Student",
        )

    def test_the_wizard_waits(self):
        with freeze_time("2026-12-02 03:00:00"):
            wizards = self.env["hstyle.commission.settlement"].with_user(self.manager)
            form = Form(wizards)
            form.month = "2026-12-01"
            self.assertFalse(form.is_over)
            wizard = form.save()
            self.assertIn("not over", wizard.line_ids.reason)
            with self.assertRaises(UserError):
                wizard.action_settle()

    def test_the_rest_sees_no_figures(self):
        self._order("2026-11-03")
        self._settle("2026-11")
        seller = new_test_user(
            self.env, login="seller", groups="sales_team.group_sale_manager"
        )
        for user in (self.clerk, self.agent, self.marketer, self.campus, seller):
            for model in ("hstyle.commission", "hstyle.commission.statement"):
                with self.assertRaises(AccessError, msg=user.login):
                    self.env[model].with_user(user).search_read([])
        with self.assertRaises(AccessError):
            self.worker.with_user(self.clerk).read(["plan_id"])

    def test_the_plans_form(self):
        form = Form(self.env["hstyle.commission.plan"].with_user(self.manager))
        form.name = "Autumn"
        with form.bracket_ids.new() as bracket:
            bracket.from_amount = 0
            bracket.percent = 5
        with form.rate_ids.new() as rate:
            rate.product_id = self.dress
            rate.value = 7
        self.assertEqual(form.save().rate_ids.value, 7)
