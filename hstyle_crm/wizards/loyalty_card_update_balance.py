from odoo import models


class LoyaltyCardUpdateBalance(models.TransientModel):
    _inherit = "loyalty.card.update.balance"

    def action_update_card_point(self):
        if not self.card_id.managed:
            return super().action_update_card_point()
        reason = self.with_context(points_reason=self.description)
        reason.card_id.points = self.new_balance
        return {"type": "ir.actions.act_window_close"}
