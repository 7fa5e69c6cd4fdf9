from odoo import fields, models


class HstyleSegmentSize(models.Model):
    """How many customers a segment had at the end of a day; by its refresh."""

    _name = "hstyle.segment.size"
    _description = "Size of a segment"
    _order = "day desc, id desc"
    _rec_name = "day"
    _log_access = False

    segment_id = fields.Many2one(
        comodel_name="hstyle.segment", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="segment_id.company_id")
    day = fields.Date(required=True, readonly=True)
    customers = fields.Integer(readonly=True, aggregator="avg")
    entered = fields.Integer(string="Entries", readonly=True)
    left_count = fields.Integer(string="Leavers", readonly=True)

    _day_unique = models.Constraint(
        "UNIQUE (segment_id, day)", "A segment has one size on a day."
    )
