from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .common import HstylePointsCommon
from .test_hstyle_ticket import HstyleTicketCommon


class HstyleGoodwillCommon(HstyleTicketCommon, HstylePointsCommon):
    """Agents may give 100 a month together; a point costs 0.5."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.budgets = cls.env["hstyle.goodwill.budget"]
        cls.budgets.search([]).unlink()
        cls.budget = cls.budgets.create(
            {
                "group_id": cls.env.ref("hstyle_crm.hstyle_crm_group_agent").id,
                "amount": 100,
            }
        )
        cls.program.point_value = 0.5
        cls.coupons = cls.env.ref("hstyle_crm.loyalty_program_goodwill")
        cls.coupons.active = True
        cls.pricelist = cls.env["product.pricelist"].create(
            {
                "name": "Members",
                "item_ids": [
                    Command.create({"compute_price": "percentage", "percent_price": 20})
                ],
            }
        )
        cls.company.write(
            {
                "hstyle_goodwill_program_id": cls.coupons.id,
                "hstyle_goodwill_pricelist_id": cls.pricelist.id,
                "hstyle_goodwill_price_value": 30,
                "hstyle_goodwill_days": 10,
            }
        )
        cls.reason = cls.env.ref("hstyle_crm.goodwill_reason_late")
        cls.ticket = (
            cls.env["hstyle.ticket"]
            .with_user(cls.agent)
            .create(
                {
                    "name": "Late parcel",
                    "team_id": cls.team.id,
                    "partner_id": cls.partner.id,
                    "user_id": cls.agent.id,
                }
            )
        )

    def _compensate(self, kind, amount, user=None, **values):
        ticket = self.ticket.with_user(user or self.agent)
        return ticket._compensate(kind, amount, self.reason, **values)


@tagged("post_install", "-at_install")
class TestHstyleGoodwill(HstyleGoodwillCommon):
    def test_points(self):
        goodwill = self._compensate("points", 20)
        self.assertEqual((goodwill.state, goodwill.points), ("given", 40))
        self.assertBalance(self._get_card(), 40)
        row = self._get_card().history_ids
        self.assertEqual((row.kind, row.description), ("bonus", self.reason.name))
        self.assertEqual((self.budget.used, self.budget.left), (20, 80))
        self.assertEqual(goodwill.budget_id, self.budget)
        self.assertFalse(goodwill.approver_id)
        note = self.ticket.message_ids[0]
        self.assertIn("40", note.body)
        self.assertEqual(note.subtype_id, self.env.ref("mail.mt_note"))
        self.assertFalse(self.ticket.answered_at, "A note is no answer")

    def test_coupon_pays(self):
        goodwill = self._compensate("coupon", 12.34)
        self.assertEqual(goodwill.given_text, goodwill.card_id.code)
        order = self._create_order()
        order._apply_program_reward(self.coupons.reward_ids, goodwill.sudo().card_id)
        self.assertAlmostEqual(order.amount_total, 100 - 12.34)

    def test_coupon_by_its_code(self):
        goodwill = self._compensate("coupon", 10)
        order = self._create_order()
        found = order._try_apply_code(goodwill.sudo().card_id.code)
        self.assertEqual(list(found), [goodwill.sudo().card_id])

    def test_price(self):
        group = self.env.ref("product.group_product_pricelist")
        self.env.ref("base.group_user").implied_ids |= group
        with freeze_time("2026-03-02 12:00:00"):
            goodwill = self._compensate("price", 0.01)
        self.assertEqual(goodwill.amount, 30, "The settings say what it is worth")
        with freeze_time("2026-03-11 12:00:00"):
            self.assertEqual(self._create_order().order_line.price_unit, 100)
            self.assertEqual(self._create_order().amount_total, 80)
        with freeze_time("2026-03-12 12:00:00"):
            self.assertEqual(self._create_order().amount_total, 100)

    def test_currency_of_points(self):
        """The budget counts money of the company, points that of the program."""
        currency = self._create_currency(rate=4)
        self.program.currency_id = currency
        self.assertEqual(self._compensate("points", 10).points, 80)

    def test_above_the_budget(self):
        self._compensate("points", 90)
        goodwill = self._compensate("points", 10.01, note="Third time")
        self.assertEqual((goodwill.state, self.budget.used), ("asked", 90))
        self.assertIn(self.manager, goodwill.activity_ids.user_id)
        self.assertEqual(self._get_card().points, 180)
        with self.assertRaises(AccessError):
            goodwill.action_approve()
        asked = goodwill.with_user(self.manager)
        asked.action_approve()
        self.assertEqual((asked.state, asked.approver_id), ("given", self.manager))
        self.assertAlmostEqual(self._get_card().points, 200.02)
        self.assertEqual(self.budget.used, 90)
        self.assertFalse(asked.activity_ids)
        self.assertIn(self.agent.partner_id, self.ticket.message_ids[0].partner_ids)
        for again in (asked.action_approve, asked.action_refuse):
            with self.assertRaises(UserError):
                again()
        self._compensate("points", 10)
        self.assertEqual(self.budget.left, 0)

    def test_refused(self):
        goodwill = self._compensate("coupon", 500).with_user(self.manager)
        goodwill.action_refuse()
        self.assertEqual(goodwill.state, "refused")
        self.assertFalse(goodwill.card_id)
        self.assertIn("refused", self.ticket.message_ids[0].body)

    def test_managers_need_no_budget(self):
        goodwill = self._compensate("points", 500, user=self.manager)
        self.assertEqual(
            (goodwill.state, goodwill.approver_id), ("given", self.manager)
        )
        self.assertEqual(self.budget.used, 0)

    def test_nobody_gives_to_oneself(self):
        for user in (self.agent, self.manager):
            self.ticket.partner_id = user.partner_id
            goodwill = self._compensate("points", 1, user=user)
            self.assertEqual(goodwill.state, "asked")
        with self.assertRaises(AccessError):
            goodwill.action_approve()
        other = new_test_user(
            self.env, login="second", groups="hstyle_crm.hstyle_crm_group_manager"
        )
        goodwill.with_user(other).action_approve()
        self.assertEqual(goodwill.state, "given")

    def test_months(self):
        """A new month has the amount of the last one, and what one enters for it."""
        self.budget.month = "2026-03-01"
        with freeze_time("2026-03-31 12:00:00"):
            self._compensate("points", 60)
            self.assertEqual(self.budgets._get_left(self.agent, self.company), 40)
        with freeze_time("2026-05-01 12:00:00"):
            self.assertEqual(self.budgets._get_left(self.agent, self.company), 100)
            self._compensate("points", 70)
        self.assertEqual(self.budget.used, 60)
        may = self.budgets.search([("month", "=", "2026-05-01")])
        self.assertEqual((may.amount, may.used), (100, 70))
        may.amount = 75
        with freeze_time("2026-05-20 12:00:00"):
            self.assertEqual(self.budgets._get_left(self.agent, self.company), 5)
            self.assertEqual(self._compensate("points", 6).state, "asked")
        with freeze_time("2026-06-01 12:00:00"):
            self.assertEqual(self.budgets._get_left(self.agent, self.company), 75)

    def test_months_are_the_companys(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        self.budget.month = "2026-03-01"
        with freeze_time("2026-03-31 16:30:00"):
            self._compensate("points", 60)
        self.assertEqual(self.budget.used, 0)

    def test_other_roles(self):
        """Readers cannot give; a role without a budget asks."""
        for user in (self.clerk, self.marketer, self.campus):
            with self.assertRaises(AccessError):
                self._compensate("points", 1, user=user)
        self.budget.group_id = self.env.ref("hstyle_crm.hstyle_crm_group_clerk")
        self.assertEqual(self._compensate("points", 1).state, "asked")

    def test_nobody_writes_it(self):
        goodwill = self._compensate("points", 500)
        for user in (self.agent, self.manager):
            with self.assertRaises(AccessError):
                goodwill.with_user(user).state = "given"
            with self.assertRaises(AccessError):
                goodwill.with_user(user).copy()
        with self.assertRaises(AccessError):
            self.budget.with_user(self.agent).amount = 9999

    def test_what_is_missing(self):
        self.company.hstyle_goodwill_program_id = False
        self.company.hstyle_goodwill_pricelist_id = False
        self.program.point_value = 0
        for kind in ("points", "coupon", "price"):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self._compensate(kind, 1)
        self.assertEqual(self.budget.used, 0)
        self.ticket.partner_id = False
        with self.assertRaises(UserError):
            self._compensate("points", 1)

    def test_settings(self):
        with self.assertRaises(ValidationError):
            self.company.hstyle_goodwill_program_id = self.program
        with self.assertRaises(ValidationError):
            self.company.hstyle_goodwill_days = 0

    def test_wizard(self):
        wizards = self.env["hstyle.ticket.compensation"].with_user(self.agent)
        form = Form(wizards.with_context(default_ticket_id=self.ticket.id))
        self.assertEqual(form.left, 100)
        form.amount = 101
        self.assertTrue(form.needs_approval)
        form.kind = "price"
        self.assertEqual((form.amount, form.needs_approval), (30, False))
        form.reason_id = self.reason
        action = form.save().action_confirm()
        self.assertIn("30", action["params"]["message"])
        self.assertEqual(self.ticket.goodwill_count, 1)
        shown = self.env["hstyle.goodwill"].with_user(self.agent)
        self.assertEqual(
            shown.search(self.ticket.action_goodwill()["domain"]).kind, "price"
        )

    def test_report(self):
        self._compensate("points", 20)
        self._compensate("coupon", 5)
        goodwill = self.env["hstyle.goodwill"].with_user(self.agent)
        groups = goodwill.formatted_read_group(
            [("state", "=", "given")], ["reason_id", "team_id"], ["amount:sum"]
        )
        self.assertEqual([group["amount:sum"] for group in groups], [25])

    def test_counts_of_many_tickets(self):
        tickets = self.ticket
        for _number in range(20):
            tickets |= self.ticket.copy()
        self._compensate("points", 1)
        tickets.invalidate_recordset(["goodwill_count"])
        with self.assertQueryCount(1):
            self.assertEqual(sum(tickets.mapped("goodwill_count")), 1)

    def test_a_merged_customer(self):
        goodwill = self._compensate("coupon", 5)
        keeper = self._create_partner("Mei Lin")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([self.partner.id, keeper.id], keeper)
        self.assertEqual(goodwill.sudo().partner_id, keeper)
        self.assertEqual(goodwill.sudo().card_id.partner_id, keeper)
