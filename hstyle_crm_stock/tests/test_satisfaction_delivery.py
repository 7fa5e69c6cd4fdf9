from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from .common import HstyleStockCommon


@tagged("post_install", "-at_install")
class TestSatisfactionDelivery(HstyleStockCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        policies = cls.env["hstyle.satisfaction.policy"]
        cls.policy = policies.search([("question", "=", "delivery")], limit=1)
        cls.now = fields.Datetime.now().replace(microsecond=0)
        cls.partner.email = "mei@example.com"

    def _find(self, days):
        """Return the orders that were delivered within three days before a day."""
        until = self.now + timedelta(days=days)
        return self.policy._find_due(until - timedelta(days=3), until)

    def test_asked_after_the_last_goods(self):
        order = self._sell_all(self.dress, quantity=2)
        self.assertFalse(self._find(1), "Confirmed, and not delivered")
        with freeze_time(self.now + timedelta(days=4)):
            self._deliver(order, quantity=1)
        self.assertFalse(self._find(5), "Half of it is still to come")
        with freeze_time(self.now + timedelta(days=9)):
            self._deliver(order)
        self.assertFalse(self._find(8))
        self.assertEqual(self._find(10), order.ids)
        self.assertFalse(self._find(13))

    def test_no_goods(self):
        order = self._sell_all(self.service)
        self.assertEqual(self._find(1), order.ids)

    def test_part_of_the_goods_without_a_transfer(self):
        """What a supplier will ship has no move yet."""
        order = self._sell_all(self.dress, self.service)
        self._deliver(order)
        self.assertEqual(self._find(1), order.ids)
        self.env.cr.execute(
            "UPDATE sale_order_line SET qty_delivered_method = 'stock_move'"
            " WHERE id = ANY(%s)",
            [order.order_line.ids],
        )
        self.env.invalidate_all()
        self.assertFalse(self._find(1))

    def test_a_return_is_no_delivery(self):
        order = self._sell_all(self.dress)
        picking = self._deliver(order)
        with freeze_time(self.now + timedelta(days=5)):
            self._return(picking, 1)
        self.assertFalse(self._find(6))
        self.assertEqual(self._find(1), order.ids)
