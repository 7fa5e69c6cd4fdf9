from odoo import fields, models


class HstyleOfferSponsor(models.Model):
    """A supplier who pays a share of what a plan gives on goods of a category."""

    _name = "hstyle.offer.sponsor"
    _description = "Sponsor of offers"
    _rec_name = "partner_id"

    plan_id = fields.Many2one(
        comodel_name="hstyle.offer.plan", required=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Sponsor",
        required=True,
        index=True,
        ondelete="restrict",
    )
    category_id = fields.Many2one(
        comodel_name="product.category",
        required=True,
        index=True,
        ondelete="cascade",
        help="Categories below it are included, unless they have a sponsor themselves.",
    )
    share = fields.Float(
        string="Share (%)",
        digits=(5, 2),
        default=50,
        required=True,
        help="Of what the offer takes off the price.",
    )

    _category_unique = models.Constraint(
        "UNIQUE (plan_id, category_id)", "A category has one sponsor in a plan."
    )
    _share_sound = models.Constraint(
        "CHECK (share > 0 AND share <= 100)", "A share is above 0 and at most 100 %."
    )
