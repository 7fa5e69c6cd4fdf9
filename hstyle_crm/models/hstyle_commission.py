from odoo import fields, models


class HstyleCommission(models.Model):
    """What an agent earns on a line of a friend's order; rows are never changed."""

    _name = "hstyle.commission"
    _description = "Commission"

    agent_id = fields.Many2one(comodel_name="hstyle.agent", required=True)
