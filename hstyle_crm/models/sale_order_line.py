from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import NO_ACCESS
from odoo.tools import float_is_zero

from ..tools.later import SETTLE_LATER, settles_later

#: What an order's points hang on, once it is confirmed.
_POINTS_FIELDS = {
    "product_id",
    "product_uom_qty",
    "price_unit",
    "discount",
    "tax_ids",
    "points_cost",
    "coupon_id",
}
#: What a reward costs, and whom.
_COST = {"points_cost", "coupon_id", "reward_id"}


class SaleOrderLine(models.Model):
    _name = "sale.order.line"
    _inherit = ["sale.order.line", "hstyle.order.line.offer"]

    # What the line earned when its order was confirmed. The points stay, in the share
    # of the amount that is still bought; rules and tiers may have changed since.
    # Nobody but our own code reads or writes them.
    points_earned = fields.Float(digits=(16, 6), copy=False, groups=NO_ACCESS)
    points_amount = fields.Float(digits=(16, 6), copy=False, groups=NO_ACCESS)
    points_quantity = fields.Float(digits=(16, 6), copy=False, groups=NO_ACCESS)

    # Stock looks for the lines of a reward and of a card without an index.
    _reward_idx = models.Index("(reward_id) WHERE reward_id IS NOT NULL")
    _coupon_idx = models.Index("(coupon_id) WHERE coupon_id IS NOT NULL")

    @api.model_create_multi
    def create(self, vals_list):
        later = self.with_context(**SETTLE_LATER)
        lines = super(SaleOrderLine, later).create(vals_list).with_env(self.env)
        lines._check_points_cost()
        lines._settle_points()
        return lines

    def write(self, vals):
        if not _POINTS_FIELDS & vals.keys():
            return super().write(vals)
        later = self.with_context(**SETTLE_LATER)
        if not _COST.isdisjoint(vals):
            self._check_cost_stays()
        result = super(SaleOrderLine, later).write(vals)
        self._check_points_cost()
        self._settle_points()
        return result

    def unlink(self):
        orders = self.order_id
        later = self.with_context(**SETTLE_LATER)
        result = super(SaleOrderLine, later).unlink()
        orders._settle_changed()
        return result

    @api.depends("hstyle_offer_line_id")
    def _compute_discount(self):
        result = super()._compute_discount()
        self._apply_offer_discount()
        return result

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for line, vals in zip(self.sudo(), vals_list, strict=True):
            if line._is_offer_given():
                # A copy takes an offer of its own, or none.
                vals.pop("discount", None)
        return vals_list

    def _check_points_cost(self):
        """Refuse a reward that would give points."""
        if any(line.points_cost < 0 for line in self):
            raise UserError(self.env._("A reward costs points; it never gives any."))

    def _check_cost_stays(self):
        """Let the price in points of a confirmed reward stay what it was.

        The host's own flows may change it together with the discount.
        """
        if self.env.su or settles_later(self.env):
            return
        confirmed = self.filtered(lambda line: line.state == "sale" and line.coupon_id)
        if confirmed.coupon_id.filtered("managed"):
            raise UserError(
                self.env._(
                    "The points of a confirmed reward stay. Remove the reward, or "
                    "cancel the order."
                )
            )

    def _settle_points(self):
        """Settle the points of confirmed orders whose lines changed."""
        if not settles_later(self.env):
            orders = self.order_id.filtered(lambda order: order.state == "sale")
            for order in orders.sudo().filtered("points_card_id"):
                order._fix_increase()
            orders._settle_changed()

    def _fix_points(self, points):
        """Keep what the line earns, and on what."""
        self.write(
            {
                "points_earned": points,
                "points_amount": self._get_points_amount(),
                "points_quantity": self.product_uom_qty,
            }
        )

    def _is_goods_or_discount(self):
        """Tell a line of goods or of a discount from notes and means of payment."""
        self.ensure_one()
        program = self.sudo().reward_id.program_id
        return not self.display_type and not program.is_payment_program

    def _get_list_and_saved(self):
        """Return the list value of a line's goods, and what a discount saves."""
        self.ensure_one()
        value = self.price_unit * self.product_uom_qty
        if self.price_unit < 0:
            return 0, -value
        return value, value * self.discount / 100

    def _get_points_amount(self, field="price_subtotal"):
        """Return the amount of the line; a combo's is that of its items."""
        self.ensure_one()
        return sum(self._get_lines_with_price().mapped(field))

    def _get_kept_share(self):
        """Return the share of what the line earned on that is still bought.

        An order may be cut down, credited and returned for one and the same piece:
        the least of what is ordered, not credited and not returned counts.
        """
        self.ensure_one()
        start, kept = self.points_amount, self._get_kept_amounts()
        if float_is_zero(start, precision_digits=6):
            # What is free counts by its quantity.
            start, kept = self.points_quantity, self._get_kept_quantities()
        share = min(amount / start for amount in kept) if start else 0.0
        return max(0.0, min(1.0, share))

    def _get_kept_amounts(self):
        """Return amounts, each an upper bound of what is still bought.

        A hook: an addon that knows of returned goods adds what they leave.
        """
        ordered = self._get_points_amount()
        invoiced, credited = self._get_lines_with_price()._get_invoiced_amounts()
        # The line of a discount is below zero.
        return [ordered, max(ordered, invoiced, key=abs) - credited]

    def _get_kept_quantities(self):
        """Return the bounds of `_get_kept_amounts` as quantities."""
        invoiced, credited = self._get_invoiced_quantities()
        ordered = self.product_uom_qty
        return [ordered, max(ordered, invoiced, key=abs) - credited]

    def _get_invoiced_amounts(self):
        """Return (invoiced, credited): untaxed, in the order's currency."""
        order = self.order_id
        return self._sum_invoiced(
            lambda line: line.currency_id._convert(
                line.price_subtotal,
                order.currency_id,
                order.company_id,
                line.move_id.invoice_date or line.move_id.date,
            )
        )

    def _get_invoiced_quantities(self):
        """Return (invoiced, credited) in the unit of the order."""
        unit = self.product_uom_id[:1]
        return self._sum_invoiced(
            lambda line: line.product_uom_id._compute_quantity(
                line.quantity, unit, raise_if_failure=False
            )
        )

    def _sum_invoiced(self, measure):
        """Return (invoiced, credited) of what is posted, by a measure of a line."""
        totals = {"out_invoice": 0.0, "out_refund": 0.0}
        for line in self.sudo().invoice_lines:
            move = line.move_id
            if move.state == "posted" and move.move_type in totals:
                totals[move.move_type] += measure(line)
        return totals["out_invoice"], totals["out_refund"]

    def _get_reward_share(self):
        """Return the share (0–1) of a reward that was not credited to the customer.

        A reward that takes nothing off, as a free product, counts by its quantity.
        """
        whole = sum(self.mapped("price_subtotal"))
        invoiced, credited = self._get_invoiced_amounts()
        if float_is_zero(whole, precision_digits=6):
            whole = sum(self.mapped("product_uom_qty"))
            invoiced, credited = self._get_invoiced_quantities()
        kept = max(whole, invoiced, key=abs) - credited
        return max(0.0, min(1.0, kept / whole)) if whole else 1.0
