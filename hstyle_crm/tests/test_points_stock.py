from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..tools.later import SETTLE_LATER
from .common import HstylePointsCommon


@tagged("post_install", "-at_install")
class TestPointsStock(HstylePointsCommon):
    """What stock Odoo 19.0 gets wrong, beside what a managed program does."""

    def _use_stock(self):
        """Go on with a program as stock has it."""
        self.program.active = False
        self.program = self._create_program(managed=False)

    # === Two orders spend the same points, confirmed in one call. === #

    def test_bulk_confirm_stock(self):
        self._use_stock()
        card = self._create_card()
        card.points = 100
        orders = self._create_order(2, spend=100) + self._create_order(2, spend=100)
        orders.action_confirm()
        self.assertEqual(orders.mapped("state"), ["sale", "sale"])
        earned = sum(orders.coupon_point_ids.mapped("points"))
        self.assertEqual(card.points - earned, -100, "100 points were spent twice")

    def test_bulk_confirm(self):
        card = self._create_card(100)
        orders = self._create_order(2, spend=100) + self._create_order(2, spend=100)
        message = orders.action_confirm()["params"]["message"]
        self.assertEqual(orders.mapped("state"), ["sale", "draft"])
        self.assertIn(orders[1].name, message)
        self.assertIn(self.partner.name, message)
        self.assertBalance(card, 100)
        rows = [("bonus", 100), ("spend", -100), ("earn", 100)]
        self.assertEqual(self._get_rows(card), rows)
        orders[1].action_confirm()
        self.assertBalance(card, 100)

    def test_confirm_one_too_many(self):
        self._create_card(100)
        first, second = (self._create_order(3, spend=100) for _number in range(2))
        first.action_confirm()
        self._sell(2, spend=200)
        with self.assertRaisesRegex(UserError, second.name):
            second.action_confirm()

    # === An earning order is cancelled after its points were spent. === #

    def _earn_and_spend(self):
        first = self._sell(2)
        second = self._sell(1, spend=100)
        self.earned = sum(second.coupon_point_ids.mapped("points"))
        return self._get_card(), first

    def test_cancel_after_spending_stock(self):
        self._use_stock()
        card, first = self._earn_and_spend()
        first._action_cancel()
        self.assertEqual(card.points - self.earned, -100)
        self.assertNotIn(first.id, card.history_ids.mapped("order_id"))

    def test_cancel_after_spending_becomes_debt(self):
        card, first = self._earn_and_spend()
        self.assertBalance(card, 100)
        first._action_cancel()
        self.assertBalance(card, -100)
        expected = [("earn", 200), ("spend", -100), ("reverse", -200)]
        self.assertEqual(self._get_rows(card), expected)
        self._sell(3)
        self.assertBalance(card, 200)
        self.assertFalse(card.history_ids.filtered(lambda row: row.remaining < 0))

    def test_cancel_after_spending_is_forgiven(self):
        self.program.debt_policy = "forgive"
        card, first = self._earn_and_spend()
        first._action_cancel()
        self.assertBalance(card, 0)
        self.assertEqual(self._get_rows(card)[-1], ("adjust", 100))
        first._settle_points()
        self.assertBalance(card, 0)

    def test_cancel_after_spending_is_forbidden(self):
        self.program.debt_policy = "forbid"
        card, first = self._earn_and_spend()
        with self.assertRaisesRegex(UserError, self.partner.name):
            first._action_cancel()
        self.assertBalance(card, 100)

    # === Credit notes. === #

    def test_credit_note_stock(self):
        self._use_stock()
        self._refund(self._invoice(self._sell(2)))
        self.assertEqual(self._get_card().points, 200)

    def test_credit_note(self):
        self._refund(self._invoice(self._sell(2)))
        self.assertBalance(self._get_card(), 0)

    def test_partial_and_repeated_credit_notes(self):
        invoice = self._invoice(self._sell(4))
        card = self._get_card()
        note = self._refund(invoice, 1)
        self.assertBalance(card, 300)
        note.button_draft()
        self.assertBalance(card, 400)
        note.action_post()
        self.assertBalance(card, 300)
        self._refund(invoice, 2)
        self.assertBalance(card, 100)
        self._refund(invoice, 4)
        self.assertBalance(card, 0)

    def test_credit_notes_over_several_invoices(self):
        order = self._sell(2)
        first = self._invoice(order)
        order.order_line.product_uom_qty = 5
        second = self._invoice(order)
        card = self._get_card()
        self.assertBalance(card, 500)
        self._refund(second, 1)
        self.assertBalance(card, 400)
        self._refund(first)
        self.assertBalance(card, 200)

    def test_credit_and_cut_for_one_piece(self):
        order = self._sell(2)
        self._refund(self._invoice(order), 1)
        order.order_line.product_uom_qty = 1
        self.assertBalance(self._get_card(), 100)

    def test_cut_then_credit(self):
        order = self._sell(5)
        order.order_line.product_uom_qty = 4
        self._refund(self._invoice(order), 1)
        self.assertBalance(self._get_card(), 300)

    def test_free_pieces_count_by_quantity(self):
        self.program.rule_ids.write({"reward_point_mode": "unit"})
        self.dress.list_price = 0
        order = self._sell(4)
        order.order_line.product_uom_qty = 3
        self.assertBalance(self._get_card(), 3)
        self._refund(self._invoice(order), 2)
        self.assertBalance(self._get_card(), 1)

    def test_credit_gives_spent_points_back(self):
        card = self._create_card(100)
        invoice = self._invoice(self._sell(2, spend=100))
        self.assertBalance(card, 100)
        lot = card.history_ids.filtered(lambda row: row.kind == "bonus")
        self.assertEqual(lot.remaining, 0)
        self._refund(invoice)
        self.assertBalance(card, 100)
        self.assertEqual(lot.remaining, 100, "the points are as old as they were")

    # === A quantity is cut, and the order cancelled. === #

    def _cut_and_cancel(self):
        order = self._sell(2)
        order.order_line.product_uom_qty = 1
        order._update_programs_and_rewards()
        (order if self.program.managed else order.sudo())._action_cancel()
        return self._get_card()

    def test_cut_and_cancel_stock(self):
        self._use_stock()
        self.assertEqual(self._cut_and_cancel().points, 100)

    def test_cut_and_cancel(self):
        card = self._cut_and_cancel()
        self.assertBalance(card, 0)
        expected = [("earn", 200), ("reverse", -100), ("reverse", -100)]
        self.assertEqual(self._get_rows(card), expected)

    def test_promotions_on_a_confirmed_order_change_nothing(self):
        order = self._sell(2)
        order._update_programs_and_rewards()
        self.program.rule_ids.reward_point_amount = 5
        order._update_programs_and_rewards()
        self.assertBalance(self._get_card(), 200)

    def test_cancel_and_confirm_again(self):
        order = self._sell(2)
        order._action_cancel()
        order.action_draft()
        order._update_programs_and_rewards()
        order.action_confirm()
        card = self._get_card()
        self.assertBalance(card, 200)
        self.assertEqual(self._get_rows(card)[-1], ("earn", 200))

    # === A balance is written by hand. === #

    def test_write_by_rpc_stock(self):
        self._use_stock()
        card = self._create_card()
        card.with_user(self.salesperson).points = 9999
        self.assertEqual(card.points, 9999)
        self.assertFalse(card.history_ids)

    def test_write_by_rpc(self):
        card = self._create_card(10)
        for user in (self.salesperson, self.clerk, self.agent, self.marketer):
            with self.assertRaises(AccessError):
                card.with_user(user).points = 9999
        for user in (self.salesperson, self.clerk):
            with self.assertRaises(AccessError):
                card.with_user(user).partner_id = self.company.partner_id
        self.assertBalance(card, 10)

    def test_write_by_the_manager(self):
        card = self._create_card(10).with_user(self.manager)
        card.with_context(points_reason="Counted again").points = 25
        self.assertBalance(card, 25)
        row = card.history_ids[0]
        self.assertRecordValues(
            row,
            [
                {
                    "kind": "adjust",
                    "points": 15,
                    "description": "Counted again",
                    "create_uid": self.manager.id,
                }
            ],
        )

    def test_the_hosts_balance_wizard(self):
        card = self._create_card(10)
        wizard = self.env["loyalty.card.update.balance"].with_user(self.salesperson)
        values = {"card_id": card.id, "new_balance": 999, "description": "Gift"}
        with self.assertRaises(AccessError):
            wizard.create(values).action_update_card_point()
        wizard.with_user(self.manager).sudo().create(values).action_update_card_point()
        self.assertBalance(card, 999)
        self.assertEqual(card.history_ids[0].description, "Gift")

    # === Customers are merged. === #

    def _merge(self, target, source):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((target | source).ids, target)

    def test_merge_stock(self):
        self._use_stock()
        other = self._create_partner("Lan")
        cards = self._create_card() | self._create_card(partner=other)
        for card, points in zip(cards, (5, 10), strict=True):
            self.env["loyalty.history"].create(
                {"card_id": card.id, "issued": points, "description": "Gift"}
            )
            card.points = points
        self._merge(self.partner, other)
        self.assertEqual(cards[0].points, 15)
        self.assertEqual(sum(cards[0].history_ids.mapped("issued")), 5)

    def test_merge(self):
        other = self._create_partner("Lan")
        self.program.expire_after = 100
        card, old = self._create_card(5), self._create_card(10, partner=other)
        old._post([old._prepare_move("adjust", 7, "Old", expiration_date="2099-01-31")])
        order = self._sell(2, partner=other)
        self._merge(self.partner, other)
        self.assertBalance(card, 222)
        self.assertBalance(old, 0)
        self.assertFalse(old.active)
        lots = card.history_ids.filtered(lambda row: row.points == 7)
        self.assertEqual(str(lots.expiration_date), "2099-01-31")
        order._action_cancel()
        self.assertBalance(card, 22)

    def test_merge_moves_the_card_of_who_has_the_only_one(self):
        other = self._create_partner("Lan")
        old = self._create_card(10, partner=other)
        draft = self._create_order(1, partner=other, spend=10)
        self._merge(self.partner, other)
        self.assertEqual(old.partner_id, self.partner)
        draft.action_confirm()
        self.assertBalance(old, 90)

    def test_merge_pays_debts(self):
        card, first = self._earn_and_spend()
        first._action_cancel()
        other = self._create_partner("Lan")
        self._create_card(150, partner=other)
        self._merge(other, self.partner)
        self.assertBalance(self._get_card(other), 50)
        self.assertFalse(card.active)

    # === Rows stay as they are. === #

    def test_one_card_for_each_member(self):
        self._create_card()
        with self.assertRaises(ValidationError):
            self._create_card()

    def test_nobody_changes_a_row(self):
        card = self._create_card(10)
        row = card.history_ids
        system = new_test_user(self.env, login="sys", groups="base.group_system")
        for user in (self.salesperson, self.manager, system, self.env.user):
            for records in (row.with_user(user), row.with_user(user).sudo()):
                # An AccessError is a UserError.
                with self.assertRaises(UserError):
                    records.write({"points": 5})
                with self.assertRaises(UserError):
                    records.unlink()
                with self.assertRaises(UserError):
                    records.create(
                        {"card_id": card.id, "issued": 5, "description": "x"}
                    )
        with self.assertRaises(UserError):
            card.unlink()
        # What the host's flows tell the ledger to do later does nothing by itself,
        # and cannot be said from outside.
        later = row.sudo().with_context(**SETTLE_LATER)
        later.write({"points": 5})
        later.unlink()
        later.create({"card_id": card.id, "issued": 5, "description": "x"})
        later.card_id.points = 99
        with self.assertRaises(UserError):
            row.sudo().with_context(points_settle_later=True).unlink()
        self.assertBalance(card, 10)
        self.assertEqual(self._get_rows(card), [("bonus", 10)])

    def test_the_database_refuses_too(self):
        card = self._create_card(10)
        for statement in (
            "UPDATE loyalty_history SET points = 5 WHERE card_id = %s",
            "UPDATE loyalty_history SET kind = NULL WHERE card_id = %s",
            "DELETE FROM loyalty_history WHERE card_id = %s",
            "DELETE FROM loyalty_card WHERE id = %s",
        ):
            with (
                self.assertRaisesRegex(Exception, "posted"),
                mute_logger("odoo.sql_db"),
                self.cr.savepoint(),
            ):
                self.cr.execute(statement, [card.id])

    def test_the_same_key_is_posted_once(self):
        card = self._create_card()
        move = card._prepare_move("bonus", 10, "Birthday", key="birthday:2026")
        card._post([move, move])
        card._post([move])
        self.assertBalance(card, 10)
