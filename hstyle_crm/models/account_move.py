from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def write(self, vals):
        result = super().write(vals)
        if "state" in vals:
            self._settle_points()
        return result

    def _settle_points(self):
        """Let orders take back, or give again, the points of what is credited."""
        moves = self.filtered(lambda m: m.move_type in ("out_invoice", "out_refund"))
        orders = moves.sudo().line_ids.sale_line_ids.order_id
        orders.with_env(self.env)._settle_changed()
