from odoo import models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _is_goods(self):
        """Tell whether the line wants something delivered."""
        return self.qty_delivered_method == "stock_move" and self.product_uom_qty > 0

    def _get_kept_amounts(self):
        """Add what returned goods leave.

        Pieces that were cut from the order before they left were never bought: what
        is ordered now or was delivered counts, not what was ordered at the start.
        """
        amounts = super()._get_kept_amounts()
        if self.product_uom_qty:
            unit_amount = self.price_subtotal / self.product_uom_qty
            amounts += [kept * unit_amount for kept in self._get_not_returned()]
        return amounts

    def _get_kept_quantities(self):
        return super()._get_kept_quantities() + self._get_not_returned()

    def _get_not_returned(self):
        """Return the quantity that was not returned, if any was, in a list."""
        returned = self._get_moved_quantity(lambda move: move._is_return())
        if not returned:
            return []
        sent = self._get_moved_quantity(lambda move: move._is_sent())
        return [max(self.product_uom_qty, sent) - returned]

    def _get_moved_quantity(self, kind):
        """Return the quantity of the line's moves that are of a kind."""
        return sum(
            move.product_uom._compute_quantity(
                move.quantity, self.product_uom_id, rounding_method="HALF-UP"
            )
            for move in self.sudo().move_ids
            if kind(move)
        )
