from odoo import models

from odoo.addons.hstyle_crm.tools.later import SETTLE_LATER


class StockMove(models.Model):
    """Deliveries and returns settle the points of their orders."""

    _inherit = "stock.move"

    def _action_done(self, cancel_backorder=False):
        orders = self._get_orders()
        later = self.with_context(**SETTLE_LATER)
        done = super(StockMove, later)._action_done(cancel_backorder=cancel_backorder)
        done = done.with_env(self.env)
        # A return by hand finds its order's line only now.
        (orders | done._get_orders())._follow_goods()
        return done

    def _action_cancel(self):
        orders = self._get_orders()
        later = self.with_context(**SETTLE_LATER)
        result = super(StockMove, later)._action_cancel()
        orders._follow_goods()
        return result

    def _get_orders(self):
        """Return the orders that these moves, or those after, are of.

        As superuser: who works in the warehouse has no rights on orders and points.
        """
        moves = self.sudo()
        moves._rollup_move_dests_fetch()
        moves |= moves.browse(moves._rollup_move_dests())
        return moves.sale_line_id.order_id

    def _is_delivery(self):
        """Tell whether goods go, or went, to the customer."""
        goal = self.location_dest_id
        if self.state != "done":
            # The first of several steps is known before the last one exists.
            goal = self.location_final_id or goal
        goes = goal.usage == "customer" and self.location_id.usage != "customer"
        return goes and self.state != "cancel"

    def _is_sent(self):
        """Tell whether goods left for the customer: anew, if they had come back."""
        anew = not self.origin_returned_move_id or self.to_refund
        return self.state == "done" and self._is_delivery() and anew

    def _is_return(self):
        """Tell whether goods came back that the customer does not keep."""
        leaves = self.location_id.usage == "customer"
        back = leaves and self.location_dest_id.usage != "customer"
        return back and self.state == "done" and self.to_refund
