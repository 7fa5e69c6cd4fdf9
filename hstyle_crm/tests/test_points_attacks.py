from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .common import HstylePointsCommon


@tagged("post_install", "-at_install")
class TestPointsAttacks(HstylePointsCommon):
    """Ways to points out of nothing that an independent reviewer found."""

    def _use_stock_card(self, points, program_type="gift_card"):
        values = {"program_type": program_type, "applies_on": "future"}
        program = self._create_program(managed=False, **values)
        return self.env["loyalty.card"].create(
            {"program_id": program.id, "points": points}
        )

    def test_a_card_does_not_leave_the_ledger(self):
        card = self._create_card(10)
        for user in (self.salesperson, self.manager, self.env.user):
            card.with_user(user).write({"managed": False, "points_pending": 99})
            self.assertTrue(card.managed)
        self.assertBalance(card, 10)
        with self.assertRaises(UserError):
            card.with_user(self.manager).partner_id = self.company.partner_id

    def test_a_card_does_not_enter_it_with_points(self):
        stock = self._use_stock_card(500)
        for user in (self.salesperson, self.manager):
            with self.assertRaises(UserError):
                stock.with_user(user).program_id = self.program
        seller = self.salesperson
        seller.group_ids = [
            Command.link(self.env.ref("sales_team.group_sale_manager").id)
        ]
        cards = self.env["loyalty.card"].with_user(seller)
        values = {"partner_id": self.partner.id, "points": 9999}
        with self.assertRaises(AccessError):
            cards.create({**values, "program_id": self.program.id})
        with self.assertRaises(AccessError):
            cards.with_context(default_program_id=self.program.id).create(values)

    def test_a_row_of_stock_does_not_become_a_lot(self):
        card, stock = self._create_card(10), self._use_stock_card(5)
        rows = self.env["loyalty.history"].with_user(self.salesperson)
        forged = {"kind": "earn", "points": 1000, "remaining": 1000}
        row = rows.create({"card_id": stock.id, "description": "x", **forged})
        row.write(forged)
        self.assertEqual((row.kind, row.remaining), (False, 0))
        with self.assertRaises(UserError):
            row.card_id = card
        self.assertBalance(card, 10)
        with (
            self.assertRaisesRegex(Exception, "posted"),
            mute_logger("odoo.sql_db"),
            self.cr.savepoint(),
        ):
            statement = "UPDATE loyalty_history SET kind = 'earn' WHERE id = %s"
            self.cr.execute(statement, [row.id])

    def test_draws_are_frozen(self):
        card = self._create_card(10)
        card._post([card._prepare_move("adjust", -4, "Less")])
        draw = self.env["hstyle.points.allocation"].search([])
        for attempt in (draw.unlink, lambda: draw.write({"points": 1})):
            with (
                self.assertRaisesRegex(Exception, "posted"),
                mute_logger("odoo.sql_db"),
                self.cr.savepoint(),
            ):
                attempt()
                self.env.flush_all()

    def test_what_an_order_earns_is_not_written(self):
        order = self._sell(2)
        other = self._create_card(partner=self._create_partner("Lan"))
        for record, values in (
            (order, {"points_card_id": other.id}),
            (order, {"points_held_until": "2999-01-01"}),
            (order.order_line, {"points_earned": 1e6}),
            (order.order_line, {"points_amount": 1}),
        ):
            with self.assertRaises(AccessError):
                record.write(values)
        with self.assertRaises(AccessError):
            line = {"order_id": order.id, "product_id": self.dress.id}
            lines = order.order_line.with_context(default_points_earned=1e6)
            lines.create(line)

    def test_the_cost_of_a_reward(self):
        card = self._create_card(500)
        order = self._sell(2, spend=50)
        reward = order.order_line.filtered("coupon_id")
        for cost in (0, 10, -5000):
            with self.assertRaises(UserError):
                reward.points_cost = cost
        line = {"product_id": self.dress.id, "coupon_id": card.id, "points_cost": -500}
        with self.assertRaises(UserError):
            order.order_line = [Command.create(line)]
        self.assertBalance(card, 500 - 50 + 150)

    def test_later_is_not_said_from_outside(self):
        order = self._sell(2)
        line = order.order_line.with_context(points_settle_later=True)
        line.product_uom_qty = 0
        self.assertBalance(self._get_card(), 0)

    def test_gift_cards_have_no_ledger(self):
        gift = self._use_stock_card(500)
        values = {"card_id": gift.id, "points": 50, "reason": "x"}
        for user in (self.agent, self.clerk, self.manager):
            with self.assertRaises(UserError):
                self.env["hstyle.points.adjustment"].with_user(user).create(values)
        with self.assertRaises(UserError):
            gift._post([gift._prepare_move("bonus", 5, "x")])
        self.assertEqual(gift.points, 500)
        for user in (self.agent, self.marketer, self.manager):
            cards = self.env["loyalty.card"].with_user(user)
            self.assertFalse(cards.search([("id", "=", gift.id)]))
        both = self.salesperson
        both.group_ids = [
            Command.link(self.env.ref("hstyle_crm.hstyle_crm_group_agent").id)
        ]
        self.assertTrue(
            self.env["loyalty.card"].with_user(both).search([("id", "=", gift.id)])
        )

    def test_an_employee_answers_no_survey(self):
        self.program.rating_points = 30
        values = {
            "res_model_id": self.env["ir.model"]._get_id("res.partner"),
            "res_id": self.partner.id,
            "partner_id": self.partner.id,
        }
        for user in (self.agent, self.env.user):
            for _number in range(2):
                rating = self.env["rating.rating"].create(values)
                rating.with_user(user).sudo(user == self.env.user).write(
                    {"rating": 4, "consumed": True}
                )
        self.assertBalance(self._get_card(), 30)

    def test_the_card_of_somebody_else(self):
        card = self._create_card(100, partner=self._create_partner("Lan"))
        order = self._create_order(2)
        order.applied_coupon_ids |= card
        order.sudo()._apply_program_reward(self.program.reward_ids, card)
        with self.assertRaises(UserError):
            order.action_confirm()
        self.assertBalance(card, 100)

    def test_the_card_of_somebody_else_in_one_call(self):
        lan = self._create_partner("Lan")
        card = self._create_card(100, partner=lan)
        theirs, ours = self._create_order(2, partner=lan), self._create_order(2)
        ours.applied_coupon_ids |= card
        ours.sudo()._apply_program_reward(self.program.reward_ids, card)
        (theirs | ours).action_confirm()
        self.assertEqual((theirs.state, ours.state), ("sale", "draft"))

    def test_the_customer_of_a_quotation_changes(self):
        card = self._create_card(100)
        order = self._create_order(2, spend=100)
        other = self._create_partner("Lan")
        theirs = self._create_card(partner=other)
        order.partner_id = other
        self.assertFalse(order.order_line.coupon_id)
        order.action_confirm()
        self.assertBalance(card, 100)
        self.assertBalance(theirs, 200)

    # === GOING LIVE === #

    def test_orders_older_than_the_ledger(self):
        self.program.active = False
        self.program = self._create_program(managed=False)
        card = self._create_card()
        card.points = 500
        earned, spent = self._sell(2), self._sell(3, spend=200)
        self.program.managed = True
        balance = card.points
        self._invoice(spent)
        self.assertBalance(card, balance)
        self._refund(self._invoice(earned), 1)
        self.assertBalance(card, balance - 100)
        earned._action_cancel()
        self.assertBalance(card, balance - 200)

    def test_cards_below_zero_and_double_cards(self):
        self.program.active = False
        self.program = self._create_program(managed=False)
        card = self._create_card()
        card.points = -60
        lan = self._create_partner("Lan")
        for points in (10, 15):
            self._create_card(partner=lan).points = points
        self.program.managed = True
        self.assertBalance(card, -60)
        self.assertBalance(self._get_card(lan), 25)

    # === MERGED CUSTOMERS === #

    def _merge(self, target, source):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((target | source).ids, target)

    def test_requests_follow_a_merge(self):
        lan = self._create_partner("Lan")
        values = {"card_id": self._create_card().id, "points": 900, "reason": "x"}
        asked = self.env["hstyle.points.adjustment"].with_user(self.agent)
        asked = asked.create(values)
        asked.action_confirm()
        self._create_card(partner=lan)
        self._merge(lan, self.partner)
        asked.with_user(self.manager).action_approve()
        self.assertBalance(self._get_card(lan), 900)

    def test_promotions_after_a_merge(self):
        order = self._sell(2)
        lan = self._create_partner("Lan")
        card = self._create_card(5, partner=lan)
        self._merge(lan, self.partner)
        order._update_programs_and_rewards()
        self.assertBalance(card, 205)
        order._action_cancel()
        self.assertBalance(card, 5)

    # === PROMOTIONS ON CONFIRMED ORDERS === #

    def test_promotions_on_an_order_that_earned_nothing(self):
        card = self._create_card(100)
        order = self._sell(1, spend=100)
        self.assertBalance(card, 0)
        order.order_line.filtered(lambda li: not li.coupon_id).product_uom_qty = 5
        order._update_programs_and_rewards()
        self.assertEqual(set(card.history_ids.mapped("kind")) & {"adjust"}, set())
        order._action_cancel()
        self.assertBalance(card, 100)

    # === CREDITED AND INVOICED AGAIN === #

    def test_credit_then_invoice_again(self):
        card = self._create_card(50)
        order = self._sell(2, spend=50)
        self.assertBalance(card, 150)
        self._refund(self._invoice(order))
        self.assertBalance(card, 50)
        self._invoice(order)
        self.assertBalance(card, 150)

    # === HOLDS === #

    def test_ones_own_hold_in_a_batch(self):
        card = self._create_card(150)
        first = self._create_order(2, spend=100)
        second = self._create_order(2, spend=50)
        first._hold_points()
        (second | first).action_confirm()
        self.assertEqual({first.state, second.state}, {"sale"})
        self.assertBalance(card, 100 + 150)

    # === AMOUNTS === #

    def test_no_cent_is_lost(self):
        rule = {"reward_point_mode": "order", "reward_point_amount": 100}
        self.program.rule_ids.write(rule)
        order = self._create_order(1)
        line = {"product_id": self.dress.id}
        order.order_line = [Command.create(line), Command.create(line)]
        order.action_confirm()
        self.assertBalance(self._get_card(), 100)

    def test_negative_quantities(self):
        order = self._create_order(2)
        line = {"product_id": self.dress.id, "product_uom_qty": -1}
        order.order_line = [Command.create(line)]
        order.action_confirm()
        self.assertBalance(self._get_card(), 100)

    def test_too_many_points(self):
        card = self._create_card()
        with self.assertRaises(UserError):
            card._prepare_move("bonus", 1e12, "x")

    def test_other_currency_and_small_steps(self):
        pricelist = self.env["product.pricelist"].create(
            {"name": "X", "currency_id": self._create_currency(0.14).id}
        )
        reward = self.program.reward_ids
        reward.write({"discount": 0.01, "order_share": 50})
        self._create_card(100_000)
        order = self._create_order(1, pricelist_id=pricelist.id)
        self.assertEqual(order.amount_total, 14)
        self.assertEqual(order._get_most_points(reward), 5000)
        reward.write({"required_points": 0.1, "order_share": 0})
        self.assertEqual(reward._get_most_points(order, 0.3, 0), 0.3)

    @freeze_time("2026-05-10 10:00:00")
    def test_what_is_undone_makes_room_on_its_own_day(self):
        self.program.day_cap = 100
        with freeze_time("2026-05-08 10:00:00"):
            order = self._sell(1)
        order._action_cancel()
        self._sell(3)
        self.assertBalance(self._get_card(), 100)

    def test_texts_name_what_applied(self):
        category = self.env["product.category"].create({"name": "Shoes"})
        values = {"name": "Shoe week", "category_ids": category.ids}
        self.env["hstyle.points.campaign"].create(values)
        self._sell(1)
        self.assertNotIn("Shoe week", self._get_card().history_ids.description)
