from odoo import fields, models

from ..tools import rfm

# A customer's first and last tier of a month; where contacts were merged, the moves of
# two people stand in one row, and each counts.
_TIERS = """
SELECT company_id, month,
       (array_agg(grade_from_id ORDER BY date, id))[1],
       (array_agg(grade_to_id ORDER BY date, id))[count(*)],
       NULL::varchar, NULL::varchar, NULL::int, NULL::int
  FROM (SELECT m.*, date_trunc('month', date)::date AS month,
               CASE WHEN bool_or(cause = 'merged') OVER (PARTITION BY partner_id)
                    THEN id END AS alone
          FROM hstyle_tier_move m
         WHERE kind <> 'keep') m
 GROUP BY partner_id, company_id, month, alone
"""

# What differs at the first of a month moved in the month before. In its first month a
# company has nothing to compare with.
_GROUPS = """
SELECT p.company_id, (p.month - interval '1 month')::date, NULL::int, NULL::int,
       p.rfm_group_from, p.rfm_group, NULL::int, NULL::int
  FROM (SELECT id, (SELECT min(month) FROM hstyle_profile_month
                     WHERE company_id = c.id) AS start
          FROM res_company c) c
  JOIN hstyle_profile_month p ON p.company_id = c.id AND p.month > c.start
"""

# Segments that a customer left in a month, by those entered in it. Who left and came
# back, or came and left again, in one month did not move.
_SEGMENTS = """
  WITH step AS (
       SELECT m.segment_id, m.partner_id, s.company_id, SUM(step.n) AS n,
              date_trunc('month',
                  step.at AT TIME ZONE 'UTC' AT TIME ZONE c.hstyle_tz)::date AS month
         FROM hstyle_segment_member m
         JOIN hstyle_segment s ON s.id = m.segment_id
         JOIN res_company c ON c.id = s.company_id
        CROSS JOIN LATERAL (VALUES (m.entered_on, 1), (m.left_on, -1)) step (at, n)
        WHERE step.at IS NOT NULL
        GROUP BY 1, 2, 3, 5
       HAVING SUM(step.n) <> 0
       )
SELECT company_id, month, NULL::int, NULL::int, NULL::varchar, NULL::varchar,
       gone.segment_id, come.segment_id
  FROM (SELECT * FROM step WHERE n < 0) gone
  FULL JOIN (SELECT * FROM step WHERE n > 0) come
 USING (partner_id, company_id, month)
"""

_SOURCES = {"tier": _TIERS, "rfm": _GROUPS, "segment": _SEGMENTS}
_COLUMNS = """
company_id, month, grade_from_id, grade_to_id, rfm_group_from, rfm_group_to,
segment_from_id, segment_to_id
"""


class HstyleMigration(models.Model):
    """How many customers moved from where to where in a month.

    Of tiers and RFM groups, from what a customer had when the month began to what it
    ended with. Of segments, in which a customer may be in several, each pair of one
    that was left and one that was entered. Who stayed has no row.
    """

    _name = "hstyle.migration"
    _description = "Migration by month"
    _auto = False
    _order = "month desc, kind, id"
    _rec_name = "month"

    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    month = fields.Date(readonly=True, help="The month in which they moved.")
    kind = fields.Selection(
        selection=[("tier", "Tiers"), ("rfm", "RFM groups"), ("segment", "Segments")],
        string="Between",
        readonly=True,
    )
    grade_from_id = fields.Many2one(
        comodel_name="res.partner.grade", string="Tier before", readonly=True
    )
    grade_to_id = fields.Many2one(
        comodel_name="res.partner.grade", string="Tier after", readonly=True
    )
    rfm_group_from = fields.Selection(
        selection=rfm.GROUPS, string="RFM group before", readonly=True
    )
    rfm_group_to = fields.Selection(
        selection=rfm.GROUPS, string="RFM group after", readonly=True
    )
    segment_from_id = fields.Many2one(
        comodel_name="hstyle.segment", string="Segment left", readonly=True
    )
    segment_to_id = fields.Many2one(
        comodel_name="hstyle.segment", string="Segment entered", readonly=True
    )
    customers = fields.Integer(readonly=True)

    _depends = {
        "hstyle.tier.move": [
            "partner_id",
            "company_id",
            "date",
            "grade_from_id",
            "grade_to_id",
            "kind",
            "cause",
        ],
        "hstyle.profile.month": ["company_id", "month", "rfm_group_from", "rfm_group"],
        "hstyle.segment.member": ["segment_id", "partner_id", "entered_on", "left_on"],
        "hstyle.segment": ["company_id"],
        "res.company": ["hstyle_tz"],
    }

    @property
    def _table_query(self):
        """Return the query; who asks for one kind has the others left out."""
        return " UNION ALL ".join(
            f"""
            SELECT '{kind}' AS kind, moved.*
              FROM (SELECT row_number() OVER (ORDER BY {_COLUMNS})
                               * 4 + {number} AS id, {_COLUMNS},
                           count(*)::int AS customers
                      FROM ({source}) moved ({_COLUMNS})
                     WHERE (grade_from_id, rfm_group_from, segment_from_id)
                           IS DISTINCT FROM (grade_to_id, rfm_group_to, segment_to_id)
                     GROUP BY {_COLUMNS}) moved
            """
            for number, (kind, source) in enumerate(_SOURCES.items())
        )
