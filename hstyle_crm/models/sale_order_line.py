from odoo import api, fields, models
from odoo.tools import float_is_zero

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


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    # What the line earned when its order was confirmed. The points stay, in the share
    # of the amount that is still bought; rules and tiers may have changed since.
    points_earned = fields.Float(digits=(16, 6), readonly=True, copy=False)
    points_amount = fields.Float(digits=(16, 6), readonly=True, copy=False)
    points_quantity = fields.Float(digits=(16, 6), readonly=True, copy=False)

    # Stock looks for the lines of a reward and of a card without an index.
    _reward_idx = models.Index("(reward_id) WHERE reward_id IS NOT NULL")
    _coupon_idx = models.Index("(coupon_id) WHERE coupon_id IS NOT NULL")

    @api.model_create_multi
    def create(self, vals_list):
        later = self.with_context(points_settle_later=True)
        lines = super(SaleOrderLine, later).create(vals_list).with_env(self.env)
        lines._settle_points()
        return lines

    def write(self, vals):
        if not _POINTS_FIELDS & vals.keys():
            return super().write(vals)
        later = self.with_context(points_settle_later=True)
        result = super(SaleOrderLine, later).write(vals)
        self._settle_points()
        return result

    def unlink(self):
        orders = self.order_id
        later = self.with_context(points_settle_later=True)
        result = super(SaleOrderLine, later).unlink()
        orders._settle_changed()
        return result

    def _settle_points(self):
        """Settle the points of confirmed orders whose lines changed."""
        self.order_id._settle_changed()

    def _fix_points(self, points):
        """Keep what the line earns, and on what."""
        self.write(
            {
                "points_earned": points,
                "points_amount": self._get_points_amount(),
                "points_quantity": self.product_uom_qty,
            }
        )

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
        return max(0.0, min(amount / start for amount in kept)) if start else 0.0

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
        ordered, credited = self.product_uom_qty, sum(self._get_credited_quantities())
        return [ordered - credited]

    def _get_invoiced_amounts(self):
        """Return (invoiced, credited): untaxed, in the order's currency."""
        totals = {"out_invoice": 0.0, "out_refund": 0.0}
        order = self.order_id
        for line in self.sudo().invoice_lines:
            move = line.move_id
            if move.state == "posted" and move.move_type in totals:
                totals[move.move_type] += move.currency_id._convert(
                    line.price_subtotal,
                    order.currency_id,
                    order.company_id,
                    move.invoice_date or move.date,
                )
        return totals["out_invoice"], totals["out_refund"]

    def _get_reward_share(self):
        """Return the share (0–1) of a reward that was not credited to the customer.

        A reward that takes nothing off, as a free product, counts by its quantity.
        """
        whole = sum(self.mapped("price_subtotal"))
        credited = self._get_invoiced_amounts()[1]
        if float_is_zero(whole, precision_digits=6):
            whole = sum(self.mapped("product_uom_qty"))
            credited = sum(self._get_credited_quantities())
        return max(0.0, 1 - credited / whole) if whole else 1.0

    def _get_credited_quantities(self):
        """Return the quantities on posted credit notes, one for each of their lines."""
        lines = self.sudo().invoice_lines.filtered(
            lambda line: (
                line.move_id.state == "posted"
                and line.move_id.move_type == "out_refund"
            )
        )
        return lines.mapped("quantity")
