from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class LoyaltyReward(models.Model):
    _inherit = "loyalty.reward"

    minimum_points = fields.Float(
        string="At least",
        help="Fewer points than these cannot be spent on an order.",
    )
    order_share = fields.Float(
        string="At most of the order (%)",
        help="The share of an order's amount that points may pay; 0 is without limit.",
    )

    @api.constrains("order_share", "minimum_points")
    def _check_limits(self):
        for reward in self:
            if not 0 <= reward.order_share <= 100 or reward.minimum_points < 0:
                raise ValidationError(
                    self.env._(
                        "Points can pay from 0 to 100 % of an order, and the least "
                        "number of points is not below zero."
                    )
                )

    def _is_free_choice(self):
        """Tell whether the customer chooses how many points to spend."""
        self.ensure_one()
        return (
            self.program_id.managed
            and self.reward_type == "discount"
            and self.discount_mode == "per_point"
        )

    def _get_most_points(self, order, available, wanted):
        """Return how many points may be spent on an order: full steps, or none.

        :param available: points that there are
        :param wanted: points that the customer chose; 0 is as many as possible
        """
        most = min(available, wanted or available)
        if self.order_share:
            amount = order._get_product_amount() * self.order_share / 100
            amount -= order._get_paid_by_points(self)
            rate = order.currency_id._get_conversion_rate(
                order.currency_id, self.currency_id, order.company_id, order.date_order
            )
            most = min(most, amount * rate / self.discount)
        step = Decimal(str(self.required_points))
        full = Decimal(str(round(most, 6))) // step * step
        least = max(self.minimum_points, self.required_points)
        return float(full) if full >= Decimal(str(least)) else 0
