from odoo import api, models
from odoo.exceptions import UserError


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

    def button_draft(self):
        self._check_not_billed_again()
        return super().button_draft()

    def _check_not_billed_again(self):
        """Refuse to take up a bill in whose place there is another one."""
        bills = self.filtered(lambda move: move.move_type == "in_invoice")
        origins = bills.grouped("invoice_origin")
        statements = self.env["hstyle.commission.statement"].sudo()
        for statement in statements.search([("name", "in", [*filter(None, origins)])]):
            if origins[statement.name] - statement.bill_id:
                raise UserError(
                    self.env._(
                        "The commission statement %s was billed again by another bill: "
                        "this one stays cancelled.",
                        statement.name,
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_commission(self):
        """Keep the bills of statements: the money is owed, whatever the bill says."""
        statements = self.env["hstyle.commission.statement"].sudo()
        found = statements.search([("bill_id", "in", self.ids)], limit=1)
        if found:
            raise UserError(
                self.env._(
                    "The bill pays the commission statement %s and cannot be deleted. "
                    "Cancel it; the statement can then be billed again.",
                    found.name,
                )
            )
