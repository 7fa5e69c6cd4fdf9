from odoo import api, fields, models
from odoo.tools import SQL


class HstyleRedemption(models.Model):
    """A coupon of a campaign that a customer redeemed elsewhere; a fact, imported.

    Coupons of Odoo are counted where they are redeemed: on the lines of orders.
    """

    _name = "hstyle.redemption"
    _description = "Redeemed coupon"
    _order = "date desc, id desc"
    _rec_name = "code"

    campaign_id = fields.Many2one(
        comodel_name="utm.campaign", required=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="cascade",
    )
    code = fields.Char(required=True)
    date = fields.Date(required=True)
    shop_order_id = fields.Many2one(
        comodel_name="hstyle.order",
        string="Shop order",
        index="btree_not_null",
        ondelete="set null",
    )

    _redemption_unique = models.Constraint(
        "UNIQUE (campaign_id, partner_id, code, date)",
        "This customer redeemed this coupon on this day already.",
    )

    @api.model
    def _merge_members(self, sources, target):
        """Drop what a merged customer would have twice; see hstyle.campaign.member."""
        partners = target | sources
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM hstyle_redemption r
                 USING (SELECT id, row_number() OVER (
                                   PARTITION BY campaign_id, code, date
                                   ORDER BY partner_id <> %s, id) AS rank
                          FROM hstyle_redemption
                         WHERE partner_id = ANY(%s)) ranked
                 WHERE ranked.id = r.id AND rank > 1
                """,
                target.id,
                partners.ids,
            )
        )
        self.invalidate_model()
