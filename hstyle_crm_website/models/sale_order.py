from odoo import models
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.hstyle_crm.models.hstyle_referral_touch import COOKIE


class SaleOrder(models.Model):
    """A cart keeps who brought the visitor: the first link or code that it meets.

    The browser may be another one when the order is confirmed, or none: the bank's
    server says that it is paid.
    """

    _inherit = "sale.order"

    def _verify_cart_after_update(self):
        result = super()._verify_cart_after_update()
        self._take_referral_touch()
        return result

    def _check_cart_is_ready_to_be_paid(self):
        result = super()._check_cart_is_ready_to_be_paid()
        # The link may have been opened after the cart was filled.
        self._take_referral_touch()
        return result

    def _take_referral_touch(self):
        """Note the link that the visitor opened before, if any."""
        cookie = request and request.cookies.get(COOKIE)
        if not cookie or self.referral_code:
            return
        code, touched_on = self.env["hstyle.referral.code"]._read_touch(cookie)
        if code:
            self.write({"referral_code": code.code, "referral_touched_on": touched_on})

    def _take_referral_code(self, text):
        """Note a code that the visitor typed; tell whether it is one of a friend."""
        try:
            code, _program = self.env["hstyle.referral"]._find_code(
                text, self.company_id
            )
        except UserError:
            return False
        self._take_referral_touch()
        self.referral_code = self.referral_code or code.code
        return True
