from odoo import api, fields, models

from ..models.hstyle_goodwill import KINDS


class HstyleTicketCompensation(models.TransientModel):
    """Give the customer of a ticket points, a coupon or a price for a time."""

    _name = "hstyle.ticket.compensation"
    _description = "Goodwill for a ticket"

    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket", required=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="ticket_id.company_id")
    currency_id = fields.Many2one(related="company_id.currency_id")
    kind = fields.Selection(selection=KINDS, default="points", required=True)
    amount = fields.Monetary(
        string="Value", compute="_compute_amount", store=True, readonly=False
    )
    reason_id = fields.Many2one(
        comodel_name="hstyle.goodwill.reason",
        required=True,
        help="The customer reads it beside the points.",
    )
    note = fields.Char(help="For colleagues, and for who has to approve it.")
    left = fields.Monetary(
        string="Left this month",
        compute="_compute_left",
        help="What your role may still give without an approval.",
    )
    needs_approval = fields.Boolean(compute="_compute_left")

    @api.depends("kind")
    def _compute_amount(self):
        for wizard in self:
            company = wizard.company_id.sudo()
            if wizard.kind == "price":
                wizard.amount = company.hstyle_goodwill_price_value

    @api.depends("amount")
    def _compute_left(self):
        budgets = self.env["hstyle.goodwill.budget"]
        for wizard in self:
            wizard.left = budgets._get_left(self.env.user, wizard.company_id)
            manager = self.env.user._is_crm_manager()
            wizard.needs_approval = not manager and wizard.amount > wizard.left

    def action_confirm(self):
        """Give it, or ask the managers."""
        self.ensure_one()
        goodwill = self.ticket_id._compensate(
            self.kind, self.amount, self.reason_id, self.note
        )
        asked = goodwill.state == "asked"
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info" if asked else "success",
                "title": self.env._("A manager will decide")
                if asked
                else self.env._("Goodwill given"),
                "message": goodwill.sudo()._describe(),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
