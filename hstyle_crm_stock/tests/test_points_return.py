from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import HstyleStockCommon


@tagged("post_install", "-at_install")
class TestPointsReturn(HstyleStockCommon):
    """Returns take points back, each piece once."""

    def _sell_and_deliver(self, quantity=2, days=0, **options):
        self.program.pending_days = days
        order = self._sell(quantity, **options)
        return order, self._deliver(order)

    def test_return_before_release(self):
        _order, picking = self._sell_and_deliver(days=7)
        card = self._get_card()
        self._return(picking, 1)
        self.assertBalance(card, 0, 100)
        expected = [("earn", 200), ("reverse", -100)]
        self.assertEqual(self._get_rows(card), expected)

    def test_return_after_release(self):
        _order, picking = self._sell_and_deliver()
        card = self._get_card()
        self._return(picking, 1)
        self.assertBalance(card, 100)
        self._return(picking, 1)
        self.assertBalance(card, 0)
        self.assertEqual(card.history_ids[0].create_uid, self.picker)

    def test_return_before_all_is_delivered(self):
        order = self._sell(3)
        picking = self._deliver(order, 2)
        self._return(picking, 1)
        card = self._get_card()
        self.assertBalance(card, 0, 200)
        self.assertFalse(card.history_ids.filtered("available_on"))
        self._deliver(order)
        self.assertBalance(card, 0, 200)
        lot = card.history_ids.filtered(lambda row: row.kind == "earn")
        self.assertTrue(lot.available_on)

    def test_return_after_spending_becomes_debt(self):
        _order, picking = self._sell_and_deliver()
        card = self._get_card()
        self._sell(2, spend=150)
        self.assertBalance(card, 50, 50)
        self._return(picking, 1)
        self.assertBalance(card, -50, 50)

    def test_return_after_spending_is_forgiven(self):
        self.program.debt_policy = "forgive"
        _order, picking = self._sell_and_deliver()
        card = self._get_card()
        self._sell(2, spend=200)
        self._return(picking, 1)
        self.assertBalance(card, 0)

    def test_return_after_spending_is_forbidden(self):
        self.program.debt_policy = "forbid"
        _order, picking = self._sell_and_deliver()
        self._sell(2, spend=200)
        with self.assertRaisesRegex(UserError, self.partner.name):
            self._return(picking, 1)

    # === One piece, undone in more than one way. === #

    def test_return_and_credit_for_one_piece(self):
        order, picking = self._sell_and_deliver(4)
        invoice = self._invoice(order)
        card = self._get_card()
        self._return(picking, 1)
        self.assertBalance(card, 300)
        self._refund(invoice, 1)
        self.assertBalance(card, 300)
        self._refund(invoice, 1)
        self.assertBalance(card, 200)
        self._return(picking, 1)
        self.assertBalance(card, 200)

    def test_return_and_cut_for_one_piece(self):
        order, picking = self._sell_and_deliver(3)
        self._return(picking, 1)
        order.order_line.product_uom_qty = 2
        self.assertBalance(self._get_card(), 200)
        self.assertFalse(self._get_open_pickings(order))

    def test_cut_before_delivery_and_return(self):
        order = self._sell(5)
        order.order_line.product_uom_qty = 3
        picking = self._deliver(order)
        self._return(picking, 1)
        self.assertBalance(self._get_card(), 0, 200)

    def test_cancelled_after_return(self):
        order, picking = self._sell_and_deliver()
        self._return(picking, 2)
        order._action_cancel()
        self.assertBalance(self._get_card(), 0)

    # === Goods that go again. === #

    def test_exchange(self):
        order, picking = self._sell_and_deliver(2)
        card = self._get_card()
        lot = card.history_ids
        self._return(picking, 1, exchange=True)
        self.assertBalance(card, 100)
        self._deliver(order)
        self.assertBalance(card, 200)
        self.assertEqual(lot.remaining, 200, "the points are as old as they were")

    def test_exchange_before_release(self):
        order, picking = self._sell_and_deliver(1, days=7)
        card = self._get_card()
        self._return(picking, 1, exchange=True)
        self.assertBalance(card, 0)
        self._deliver(order)
        self.assertBalance(card, 0, 100)

    def test_returned_anew_after_exchange(self):
        order, picking = self._sell_and_deliver(2)
        self._return(picking, 1, exchange=True)
        again = self._deliver(order)
        self._return(again, 1)
        self.assertBalance(self._get_card(), 100)

    def test_repair(self):
        """Goods that come back and change nothing of the order are kept."""
        _order, picking = self._sell_and_deliver(2)
        card = self._get_card()
        back = self._return(picking, 1, refund=False)
        self.assertBalance(card, 200)
        self._return(back, 1, refund=False)
        self._return(picking, 1)
        self.assertBalance(card, 100)

    def test_other_units(self):
        order = self._create_order(1)
        order.order_line.product_uom_id = self.env.ref("uom.product_uom_dozen")
        order._update_programs_and_rewards()
        order.action_confirm()
        earned = order.order_line.price_subtotal
        picking = self._deliver(order)
        self._return(picking, 3)
        self.assertBalance(self._get_card(), 0, earned * 3 / 4)
