from odoo import fields, models

from .hstyle_habit import LOYALTIES, USAGES


class HstyleOfferCell(models.Model):
    """How strongly a plan courts a cell of the loyalty × usage matrix."""

    _name = "hstyle.offer.cell"
    _description = "Weight of a cell"
    _order = "plan_id, loyalty, id"
    _rec_name = "loyalty"

    plan_id = fields.Many2one(
        comodel_name="hstyle.offer.plan", required=True, ondelete="cascade"
    )
    loyalty = fields.Selection(
        selection=LOYALTIES,
        required=True,
        help="Where no brand is known, a customer counts as a switcher.",
    )
    usage = fields.Selection(selection=USAGES, required=True)
    weight = fields.Float(
        digits=(4, 2),
        default=1,
        required=True,
        help="Depth grows in proportion. 0: no offers to this cell.",
    )

    _cell_unique = models.Constraint(
        "UNIQUE (plan_id, loyalty, usage)", "A plan has one weight for a cell."
    )
    _weight_sound = models.Constraint(
        "CHECK (weight BETWEEN 0 AND 99)", "A weight lies between 0 and 99."
    )
