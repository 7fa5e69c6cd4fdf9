from odoo import fields, models, tools
from odoo.tools import SQL


class HstyleSegmentOverlap(models.Model):
    """How many customers two segments share now."""

    _name = "hstyle.segment.overlap"
    _description = "Overlap of segments"
    _auto = False
    _order = "customers desc, id"
    _rec_name = "other_id"

    segment_id = fields.Many2one(comodel_name="hstyle.segment", readonly=True)
    other_id = fields.Many2one(
        comodel_name="hstyle.segment", string="Also in", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    customers = fields.Integer(readonly=True)
    share = fields.Float(
        string="Share (%)",
        readonly=True,
        aggregator="avg",
        help="Of the first segment's customers.",
    )

    def init(self):
        tools.drop_view_if_exists(self.env.cr, self._table)
        self.env.cr.execute(
            SQL(
                """
                CREATE VIEW hstyle_segment_overlap AS
                SELECT m.segment_id * 1000000::bigint + o.segment_id AS id,
                       m.segment_id,
                       o.segment_id AS other_id,
                       s.company_id,
                       count(*)::integer AS customers,
                       100.0 * count(*) / NULLIF(s.member_count, 0) AS share
                  FROM hstyle_segment_member m
                  JOIN hstyle_segment s ON s.id = m.segment_id
                  JOIN hstyle_segment_member o
                    ON o.partner_id = m.partner_id
                   AND o.segment_id <> m.segment_id
                   AND o.left_on IS NULL
                 WHERE m.left_on IS NULL
                 GROUP BY m.segment_id, o.segment_id, s.company_id, s.member_count
                """
            )
        )
