from odoo import models


class SaleOrderCouponPoints(models.Model):
    _inherit = "sale.order.coupon.points"

    # Stock searches the orders of a deleted card without an index.
    _coupon_idx = models.Index("(coupon_id)")
