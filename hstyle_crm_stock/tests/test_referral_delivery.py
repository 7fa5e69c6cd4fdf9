from odoo import fields
from odoo.tests import tagged

from .common import HstyleStockCommon


@tagged("post_install", "-at_install")
class TestReferralDelivery(HstyleStockCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.hstyle_return_days = 7
        cls.env["hstyle.referral.program"].create({"name": "Bring a friend"})
        code = cls.env["hstyle.referral.code"]._get_code(cls._create_partner("Lin"))
        referrals = cls.env["hstyle.referral"]
        cls.referral = referrals._claim(code.code, cls.partner, "staff")

    def _follow(self):
        dirty = self.env["hstyle.referral.dirty"]
        orders = dirty._take(dirty._get_last(), 100)
        self.env["hstyle.referral"]._follow(orders)

    def test_window_begins_with_the_delivery(self):
        order = self._sell(2)
        self._follow()
        self.assertEqual(self.referral.state, "hold")
        self.assertFalse(self.referral.hold_until)
        self._deliver(order)
        self._follow()
        today = self.company._hstyle_today()
        self.assertEqual(self.referral.hold_until, fields.Date.add(today, days=7))

    def test_a_return_takes_the_order_back(self):
        picking = self._deliver(self._sell(1))
        self._follow()
        self._return(picking, 1)
        self._follow()
        self.assertEqual(self.referral.state, "referred")
