from odoo import fields, models


class LoyaltyProgram(models.Model):
    _inherit = "loyalty.program"

    pending_from = fields.Selection(
        selection=[("confirmation", "Confirmation"), ("delivery", "Delivery")],
        string="Wait from",
        default="confirmation",
        required=True,
        help="From when on the days are counted after which points can be spent. "
        "Delivery is the day on which the last goods of an order were delivered; "
        "orders without goods wait from their confirmation.",
    )
