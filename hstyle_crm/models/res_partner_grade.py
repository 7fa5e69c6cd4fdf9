from odoo import fields, models


class ResPartnerGrade(models.Model):
    _inherit = "res.partner.grade"

    tier_multiplier = fields.Float(
        string="Points multiplier",
        default=1.0,
        required=True,
        help="Members of this tier earn so many times the points of an order.",
    )

    _tier_multiplier_positive = models.Constraint(
        "CHECK (tier_multiplier > 0)", "A points multiplier must be above zero."
    )
