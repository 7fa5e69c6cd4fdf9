import json

from odoo import fields, models
from odoo.tools import SQL, format_date

#: Days that the small curve on the board shows.
CURVE = 60


class HstyleSegmentTrend(models.AbstractModel):
    """The size of a segment over time: a half of hstyle.segment."""

    _name = "hstyle.segment.trend"
    _description = "Trend of a segment"

    curve = fields.Text(compute="_compute_curve")

    def _compute_curve(self):
        """Give the host's small graph the sizes of the last days."""
        since = fields.Date.add(fields.Date.today(), days=-CURVE)
        sizes = self.env["hstyle.segment.size"].search(
            [("segment_id", "in", self.ids), ("day", ">=", since)], order="day"
        )
        by_segment = sizes.grouped("segment_id")
        for segment in self:
            points = [
                {"x": format_date(self.env, size.day), "y": size.customers}
                for size in by_segment.get(segment, sizes.browse())
            ]
            graph = [{"values": points, "key": self.env._("Customers"), "area": True}]
            segment.curve = json.dumps(graph) if len(points) > 1 else False

    def action_trend(self):
        """Show the segment's size over time."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_segment_size_action"
        )
        return {**action, "domain": [("segment_id", "=", self.id)]}

    def _count_members(self, left, entered):
        """Write down the size of the day, after a refresh."""
        self.env.cr.execute(
            SQL(
                """
                  WITH counted AS (
                        UPDATE hstyle_segment
                           SET member_count = (
                               SELECT count(*)
                                 FROM hstyle_segment_member
                                WHERE segment_id = %(segment)s
                                  AND left_on IS NULL)
                         WHERE id = %(segment)s
                     RETURNING member_count
                       )
                INSERT INTO hstyle_segment_size AS s
                       (segment_id, day, customers, entered, left_count)
                SELECT %(segment)s, %(day)s, member_count, %(entered)s, %(left)s
                  FROM counted
                    ON CONFLICT (segment_id, day) DO UPDATE
                   SET customers = excluded.customers,
                       entered = s.entered + excluded.entered,
                       left_count = s.left_count + excluded.left_count
                """,
                segment=self.id,
                day=self.company_id._hstyle_today(),
                entered=entered,
                left=left,
            )
        )
