from odoo import fields, models

from .hstyle_campaign_member import ARMS, VARIANTS


class HstyleCampaignResponse(models.Model):
    """What a group of a campaign did in the window; written by its measurement."""

    _name = "hstyle.campaign.response"
    _description = "Response to a campaign"
    _order = "campaign_id desc, arm desc, variant, id"
    _rec_name = "arm"
    _log_access = False

    campaign_id = fields.Many2one(
        comodel_name="utm.campaign",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    arm = fields.Selection(selection=ARMS, string="Group", required=True, readonly=True)
    variant = fields.Selection(selection=VARIANTS, readonly=True)
    persons = fields.Integer(string="Customers", readonly=True)
    buyers = fields.Integer(readonly=True)
    redeemers = fields.Integer(
        readonly=True, help="Customers who redeemed a coupon of the campaign."
    )
    redemptions = fields.Integer(string="Redeemed coupons", readonly=True)
    orders = fields.Integer(readonly=True)
    revenue = fields.Monetary(string="Net revenue", readonly=True)
    margin = fields.Monetary(readonly=True)
    buyer_share = fields.Float(
        string="Buyers, %", compute="_compute_rates", digits=(5, 1)
    )
    redeemer_share = fields.Float(
        string="Redeemers, %", compute="_compute_rates", digits=(5, 1)
    )
    revenue_each = fields.Monetary(
        string="Net revenue a customer", compute="_compute_rates"
    )

    def _compute_rates(self):
        for row in self:
            persons = row.persons or 1
            row.buyer_share = 100 * row.buyers / persons
            row.redeemer_share = 100 * row.redeemers / persons
            row.revenue_each = row.revenue / persons
