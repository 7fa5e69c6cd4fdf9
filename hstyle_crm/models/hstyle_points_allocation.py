from odoo import fields, models


class HstylePointsAllocation(models.Model):
    """Which award paid which movement: points drawn on a lot, or given back to it.

    `loyalty.card._post` writes it together with the rows of the ledger. What a lot has
    left is its points less what was drawn on it.
    """

    _name = "hstyle.points.allocation"
    _description = "Points drawn on an award"
    _order = "id desc"
    _log_access = False

    lot_id = fields.Many2one(
        comodel_name="loyalty.history",
        string="Award",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    row_id = fields.Many2one(
        comodel_name="loyalty.history",
        string="Movement",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    points = fields.Float(
        digits=(16, 2), readonly=True, help="Below zero: given back to the award."
    )
    company_id = fields.Many2one(related="lot_id.company_id")
