from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from .common import HstylePointsCommon


@tagged("post_install", "-at_install")
class TestSaleOrder(HstylePointsCommon):
    """What orders earn and spend."""

    def _get_earned(self, *args, **options):
        order = self._sell(*args, **options)
        rows = self._get_card(order.partner_id).history_ids
        rows = rows.filtered(lambda row: row.order_id == order.id and row.issued)
        return sum(rows.mapped("points"))

    def _tax(self, percent):
        group = self.env["account.tax.group"].create({"name": "VAT"})
        self.dress.taxes_id = self.env["account.tax"].create(
            {"name": "VAT", "amount": percent, "tax_group_id": group.id}
        )

    # === EARNING === #

    def test_with_or_without_tax(self):
        self._tax(13)
        self.assertEqual(self._get_earned(), 113)
        self.program.earn_tax = "excl"
        self.assertEqual(self._get_earned(), 100)

    def test_before_or_after_rewards(self):
        self._create_card(500)
        self.assertEqual(self._get_earned(1, spend=40), 60)
        self.program.earn_on = "gross"
        self.assertEqual(self._get_earned(1, spend=40), 100)

    def test_gift_cards_are_means_of_payment(self):
        wallet = self.env["loyalty.program"].create(
            {
                "name": "Wallet",
                "program_type": "ewallet",
                "applies_on": "future",
                "trigger": "auto",
                "reward_ids": [
                    Command.create(
                        {
                            "discount_mode": "per_point",
                            "discount": 1,
                            "description": "W",
                        }
                    )
                ],
            }
        )
        values = {"program_id": wallet.id, "partner_id": self.partner.id, "points": 30}
        card = self.env["loyalty.card"].create(values)
        order = self._create_order()
        order._apply_program_reward(wallet.reward_ids, card)
        order.action_confirm()
        self.assertEqual(order.amount_total, 70)
        self.assertBalance(order.sudo().points_card_id, 100)
        self.assertEqual(card.points, 0, "a wallet stays as stock has it")

    def test_rules_of_the_host(self):
        socks = self._create_product("Socks", 20)
        category = self.env["product.category"].create({"name": "Dresses"})
        self.dress.categ_id = category
        rule = {"reward_point_mode": "unit", "product_category_id": category.id}
        self.program.rule_ids = [
            Command.create({**rule, "reward_point_amount": 7, "minimum_qty": 2})
        ]
        order = self._create_order(1)
        order.order_line = [Command.create({"product_id": socks.id})]
        order.action_confirm()
        card = self._get_card()
        self.assertBalance(card, 120)
        self._sell(2)
        self.assertBalance(card, 120 + 214)
        self.program.date_to = "2020-01-01"
        self._sell(1)
        self.assertBalance(card, 334)

    def test_an_expired_program_makes_no_cards(self):
        self.program.date_to = "2020-01-01"
        self._sell()
        self.assertFalse(self._get_card())

    def test_minimum_amount(self):
        self.program.rule_ids.minimum_amount = 150
        self.assertEqual(self._get_earned(1), 0)
        self.assertEqual(self._get_earned(2), 200)

    def test_points_per_order(self):
        self.program.rule_ids.write(
            {"reward_point_mode": "order", "reward_point_amount": 10}
        )
        order = self._sell(4)
        self.assertBalance(self._get_card(), 10)
        self._refund(self._invoice(order), 1)
        self.assertBalance(self._get_card(), 7.5)

    def test_tier_then_campaigns_then_caps(self):
        grade = {"name": "Gold", "is_tier": True, "tier_multiplier": 1.5}
        self.partner.sudo().grade_id = self.env["res.partner.grade"].create(grade)
        campaigns = self.env["hstyle.points.campaign"].create(
            [
                {"name": "Double", "multiplier": 2, "sequence": 1},
                {"name": "Triple", "multiplier": 3, "sequence": 2},
            ]
        )
        self.assertEqual(campaigns.program_id, self.program)
        self.assertEqual(self._get_earned(), 900)
        row = self._get_card().history_ids[0]
        self.assertIn("Gold ×1.5 · Double ×2 · Triple ×3", row.description)
        campaigns[0].exclusive = True
        self.assertEqual(self._get_earned(), 300)
        self.program.order_cap = 250
        self.assertEqual(self._get_earned(), 250)

    @freeze_time("2026-11-11 04:00:00")  # a Wednesday
    def test_campaign_windows(self):
        campaign = self.env["hstyle.points.campaign"].create({"name": "Day"})
        born = {"birthday": "1999-11-30"}
        for values, partner, points in (
            ({"date_from": "2026-11-11", "date_to": "2026-11-11"}, {}, 200),
            ({"date_from": "2026-11-12", "date_to": False}, {}, 100),
            ({"date_from": False, "date_to": "2026-11-10"}, {}, 100),
            ({"date_to": False, "weekday": "2"}, {}, 200),
            ({"weekday": "3"}, {}, 100),
            ({"weekday": False, "birthday_month": True}, {}, 100),
            ({}, born, 200),
            ({}, {"birthday": "1999-12-01"}, 100),
        ):
            campaign.write(values)
            self.partner.write(partner)
            self.assertEqual(self._get_earned(), points, (values, partner))

    def test_the_day_is_the_companys(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        values = {"name": "Day", "date_from": "2026-11-11", "date_to": "2026-11-11"}
        self.env["hstyle.points.campaign"].create(values)
        with freeze_time("2026-11-10 16:30:00"):
            self.assertEqual(self._get_earned(), 200)
        with freeze_time("2026-11-11 16:30:00"):
            self.assertEqual(self._get_earned(), 100)

    def test_campaign_on_a_category(self):
        parent = self.env["product.category"].create({"name": "Women"})
        child = self.env["product.category"].create(
            {"name": "Dresses", "parent_id": parent.id}
        )
        values = {"name": "Women", "category_ids": parent.ids, "multiplier": 3}
        self.env["hstyle.points.campaign"].create(values)
        self.assertEqual(self._get_earned(), 100)
        self.dress.categ_id = child
        self.assertEqual(self._get_earned(), 300)

    @freeze_time("2026-10-30")
    def test_caps_per_day_and_month(self):
        self.program.write({"day_cap": 150, "month_cap": 200})
        first = self._sell(1)
        second = self._sell(1)
        card = self._get_card()
        self.assertBalance(card, 150)
        with freeze_time("2026-10-31"):
            self._sell(1)
            self.assertBalance(card, 200)
        with freeze_time("2026-11-01"):
            self._sell(1)
            self.assertBalance(card, 300)
        second._action_cancel()
        self.assertBalance(card, 250)
        first._action_cancel()
        self.assertBalance(card, 150)

    def test_what_is_added_earns_by_the_rules_of_the_day(self):
        order = self._sell(2)
        card = self._get_card()
        self.program.rule_ids.reward_point_amount = 10
        order.order_line.product_uom_qty = 1
        self.assertBalance(card, 100)
        order.order_line.product_uom_qty = 3
        self.assertBalance(card, 200 + 1000)
        order.order_line = [Command.create({"product_id": self.dress.id})]
        self.assertBalance(card, 200 + 2000)
        order.order_line[0].product_uom_qty = 0
        self.assertBalance(card, 1000)

    def test_what_is_added_is_capped(self):
        self.program.write({"order_cap": 150, "day_cap": 180})
        order = self._sell(1)
        order.order_line.product_uom_qty = 50
        card = self._get_card()
        self.assertBalance(card, 150)
        self._sell(1)
        self.assertBalance(card, 180)
        order.order_line.product_uom_qty = 60
        self.assertBalance(card, 180)

    def test_other_currency(self):
        pricelist = self.env["product.pricelist"].create(
            {"name": "X", "currency_id": self._create_currency(4.0).id}
        )
        order = self._sell(1, pricelist_id=pricelist.id)
        self.assertEqual(order.amount_total, 400)
        self.assertBalance(self._get_card(), 100)

    def test_a_discount_line_and_its_refund(self):
        discount = self._create_product("Discount", -20)
        order = self._create_order(1)
        order.order_line = [Command.create({"product_id": discount.id})]
        order.action_confirm()
        card = self._get_card()
        self.assertBalance(card, 80)
        self._refund(self._invoice(order))
        self.assertBalance(card, 0)

    def test_combos(self):
        socks = self._create_product("Socks", 20)
        items = [Command.create({"product_id": p.id}) for p in (self.dress, socks)]
        combo = self.env["product.combo"].create(
            {"name": "Look", "combo_item_ids": items}
        )
        values = {"type": "combo", "combo_ids": combo.ids}
        look = self._create_product("Look", 90, **values)
        order = self.env["sale.order"].create({"partner_id": self.partner.id})
        parent = self.env["sale.order.line"].create(
            {"order_id": order.id, "product_id": look.id}
        )
        self.env["sale.order.line"].create(
            {
                "order_id": order.id,
                "product_id": self.dress.id,
                "combo_item_id": combo.combo_item_ids[0].id,
                "linked_line_id": parent.id,
            }
        )
        order.action_confirm()
        self.assertEqual(order.amount_total, 90)
        card = self._get_card()
        self.assertBalance(card, 90)
        self._refund(self._invoice(order))
        self.assertBalance(card, 0)

    # === THE CLOCK === #

    @freeze_time("2026-01-30")
    def test_pending_and_expiry(self):
        self.program.write({"pending_days": 7, "expire_after": 30})
        self._sell()
        card = self._get_card()
        self.assertBalance(card, 0, pending=100)
        row = card.history_ids
        self.assertEqual(str(row.expiration_date), "2026-03-31", "end of the month")
        self.assertEqual(str(row.available_on), "2026-02-06")
        with freeze_time("2026-02-06"):
            card._post()
            self.assertBalance(card, 100)
        with freeze_time("2026-03-31"):
            card._post()
            self.assertBalance(card, 100)
        with freeze_time("2026-04-01"):
            card._post()
            self.assertBalance(card, 0)
        self.program.expire_month_end = False
        self._sell()
        self.assertEqual(str(card.history_ids[0].expiration_date), "2026-03-01")

    def test_pending_points_of_an_undone_order(self):
        self.program.pending_days = 7
        order = self._sell()
        order._action_cancel()
        self.assertBalance(self._get_card(), 0, pending=0)

    # === SPENDING === #

    def test_oldest_expiry_is_spent_first(self):
        card = self._create_card()
        never, late, soon = (
            card._post([card._prepare_move("bonus", 50, "x", expiration_date=day)])
            for day in (False, "2099-12-31", "2099-01-31")
        )
        self._sell(1, spend=60)
        self.assertEqual([r.remaining for r in (soon, late, never)], [0, 40, 50])

    def test_a_free_choice_of_points(self):
        reward = self.program.reward_ids
        reward.write({"required_points": 10, "minimum_points": 30, "order_share": 50})
        self._create_card(45)
        order = self._create_order(1)
        for wrong in (10, 35, 50, 45, -10):
            with self.assertRaises(UserError):
                order._choose_points(reward, wrong)
        order._choose_points(reward, 30)
        self.assertEqual(sum(order.order_line.mapped("points_cost")), 30)
        order._choose_points(reward, 40)
        self.assertEqual(order.amount_total, 60)
        order._choose_points(reward, 0)
        self.assertFalse(order.order_line.reward_id)

    def test_share_of_the_order(self):
        reward = self.program.reward_ids
        reward.order_share = 50
        card = self._create_card(500)
        order = self._create_order(1)
        self.assertEqual(order._get_most_points(reward), 50)
        order._choose_points(reward, 50)
        order.action_confirm()
        self.assertBalance(card, 500)

    def test_all_rewards_of_an_order_share_its_limit(self):
        first = self.program.reward_ids
        second = first.copy({"discount": 0.5})
        (first | second).order_share = 50
        self._create_card(500)
        order = self._create_order(1)
        order._choose_points(first, 30)
        self.assertEqual(order._get_most_points(second), 40, "20 of the 50 are left")
        order._choose_points(second, 40)
        self.assertEqual(order.amount_total, 50)

    def test_the_wizard_of_the_host(self):
        self._create_card(80)
        order = self._create_order(1)
        action = order.action_open_reward_wizard()
        self.assertEqual(action["res_model"], "sale.loyalty.reward.wizard")
        wizard = self.env["sale.loyalty.reward.wizard"].with_user(self.salesperson)
        wizard = wizard.create({"order_id": order.id})
        wizard.selected_reward_id = self.program.reward_ids
        self.assertEqual((wizard.points_most, wizard.points_wanted), (80, 80))
        wizard.points_wanted = 25
        wizard.action_apply()
        self.assertEqual(order.amount_total, 75)
        self.assertIn(self.program.reward_ids, wizard.reward_ids, "to choose anew")

    def test_a_payment_holds_the_points(self):
        card = self._create_card(100)
        first, second = (self._create_order(1, spend=100) for _number in range(2))
        first._hold_points()
        self.assertEqual(second._get_real_points_for_coupon(card), 0)
        with self.assertRaisesRegex(UserError, second.name):
            second.action_confirm()
        with self.assertRaisesRegex(UserError, second.name):
            second._hold_points()
        first.sudo().points_held_until = fields.Datetime.now()
        second.action_confirm()
        with self.assertRaises(UserError):
            first.action_confirm()
        self.assertBalance(card, 0)

    def test_a_transaction_holds(self):
        self._create_card(100)
        order = self._create_order(2, spend=100)
        provider = self.env["payment.provider"].create({"name": "Transfer"})
        method = self.env["payment.method"].create({"name": "Card", "code": "card"})
        self.env["payment.transaction"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": method.id,
                "amount": 100,
                "currency_id": order.currency_id.id,
                "partner_id": self.partner.id,
                "reference": "hold",
                "sale_order_ids": [Command.set(order.ids)],
            }
        )
        self.assertGreater(order.sudo().points_held_until, fields.Datetime.now())

    def test_a_reward_claimed_after_confirmation(self):
        card = self._create_card(50)
        order = self._sell(1)
        order._apply_program_reward(self.program.reward_ids, card)
        self.assertBalance(card, 50 + 100 - 100)

    # === THE NUMBER OF QUERIES === #

    def test_queries_do_not_grow_with_the_ledger(self):
        card = self._create_card()
        orders = [self._create_order(1, spend=None) for _number in range(3)]
        orders[0].action_confirm()
        self.env.flush_all()
        counts = []
        for order in orders[1:]:
            before = self.cr.sql_log_count
            order.action_confirm()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
            move = card._prepare_move
            card._post([move("bonus", 1, "x", key=f"k{i}") for i in range(50)])
        self.assertLessEqual(counts[1], counts[0] + 1)
