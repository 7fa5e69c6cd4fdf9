from odoo import api, fields, models


class HstyleCommission(models.Model):
    """What an agent earns on a line of a friend's order; rows are never changed."""

    _name = "hstyle.commission"
    _description = "Commission"

    agent_id = fields.Many2one(comodel_name="hstyle.agent", required=True)
    referral_id = fields.Many2one(comodel_name="hstyle.referral")
    company_id = fields.Many2one(related="agent_id.company_id", store=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount = fields.Monetary()
    order_id = fields.Many2one(comodel_name="sale.order")

    @api.model
    def _accrue(self, orders):
        """Bring the commissions of orders to what they should be."""
