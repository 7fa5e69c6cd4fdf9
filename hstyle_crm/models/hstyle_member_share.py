from odoo import fields, models
from odoo.tools import SQL

# The tier after each move of a customer, and until when. Where contacts were merged
# the moves of two people stand in one row; their tier is the highest that they have.
STAYS = """
SELECT m.date AS since,
       COALESCE(LEAD(m.date) OVER life, 'infinity') AS until,
       m.partner_id, m.company_id,
       CASE WHEN bool_or(m.cause = 'merged') OVER (PARTITION BY m.partner_id)
            THEN (SELECT g.id
                    FROM hstyle_tier_move o
                   CROSS JOIN LATERAL (VALUES (o.grade_to_id, 1),
                                              (o.grade_from_id, -1)) step (grade_id, n)
                    JOIN res_partner_grade g ON g.id = step.grade_id
                   WHERE o.partner_id = m.partner_id
                     AND (o.date, o.id) <= (m.date, m.id)
                   GROUP BY g.id
                  HAVING SUM(step.n) > 0
                   ORDER BY g.sequence DESC, g.id DESC
                   LIMIT 1)
            ELSE m.grade_to_id
       END AS grade_id
  FROM hstyle_tier_move m
WINDOW life AS (PARTITION BY m.partner_id ORDER BY m.date, m.id)
"""

# A company's tiers count in its branches, too.
_BRANCHES = """
SELECT c.id AS branch_id, parent.id::int AS company_id
  FROM res_company c
 CROSS JOIN LATERAL unnest(string_to_array(trim(c.parent_path, '/'), '/')) parent (id)
"""


class HstyleMemberShare(models.Model):
    """What members brought in each month, by the tier that they had then.

    A row is a month and tier of a company, and one for who had none. The tier is that
    with which the day of the order began, so that the order which made somebody a
    member is not yet a member's. Refunds count in the month of their order.
    """

    _name = "hstyle.member.share"
    _description = "Members' share by month"
    _auto = False
    _order = "month desc, id"
    _rec_name = "month"

    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    month = fields.Date(readonly=True, help="In the company's timezone.")
    grade_id = fields.Many2one(
        comodel_name="res.partner.grade",
        string="Tier then",
        readonly=True,
        help="The tier of the customer when the day of the order began.",
    )
    is_member = fields.Boolean(string="Member then", readonly=True)
    orders = fields.Integer(readonly=True)
    revenue = fields.Monetary(string="Net revenue", readonly=True)
    margin = fields.Monetary(readonly=True)
    repeat_orders = fields.Integer(
        string="Orders of known customers",
        readonly=True,
        help="Of customers who ordered on a day before.",
    )
    repeat_revenue = fields.Monetary(string="Revenue of known customers", readonly=True)
    member_share = fields.Float(
        string="Members' share of revenue",
        readonly=True,
        aggregator="avg",
        help="Net revenue of members in percent of all, where 1 is 100 %.",
    )
    repeat_share = fields.Float(
        string="Repurchase share",
        readonly=True,
        aggregator="avg",
        help="Orders of customers who ordered on a day before, among all orders.",
    )

    _depends = {
        "hstyle.tier.move": [
            "partner_id",
            "company_id",
            "date",
            "grade_from_id",
            "grade_to_id",
            "cause",
        ],
        "hstyle.profile": ["partner_id", "company_id", "first_order_on"],
        "hstyle.order": ["partner_id", "company_id", "date_order", "state"],
        "sale.order": ["partner_id", "company_id", "date_order", "state"],
        "res.company": ["hstyle_tz", "hstyle_margin_rate"],
    }

    @property
    def _table_query(self):
        return f"""
            WITH stay AS ({STAYS}),
                 bought AS (
                 SELECT p.partner_id, p.company_id, p.orders, p.revenue, p.margin,
                        (p.date_order AT TIME ZONE 'UTC'
                            AT TIME ZONE c.hstyle_tz)::date AS day
                   FROM hstyle_purchase p
                   JOIN res_company c ON c.id = p.company_id
                 ),
                 month AS (
                 SELECT b.company_id, s.grade_id,
                        date_trunc('month', b.day)::date AS month,
                        SUM(b.orders) AS orders,
                        SUM(b.revenue) AS revenue,
                        SUM(b.margin) AS margin,
                        COALESCE(SUM(b.orders) FILTER (
                            WHERE b.day > f.first_order_on), 0) AS repeat_orders,
                        COALESCE(SUM(b.revenue) FILTER (
                            WHERE b.day > f.first_order_on), 0) AS repeat_revenue
                   FROM bought b
                   LEFT JOIN (
                        SELECT s.*, branch.branch_id
                          FROM stay s
                          JOIN ({_BRANCHES}) branch
                            ON branch.company_id = s.company_id
                         WHERE s.grade_id IS NOT NULL
                        ) s
                     ON s.partner_id = b.partner_id
                    AND s.branch_id = b.company_id
                    AND b.day > s.since
                    AND b.day <= s.until
                   LEFT JOIN hstyle_profile f
                     ON f.partner_id = b.partner_id
                    AND f.company_id = b.company_id
                  GROUP BY 1, 2, 3
                 )
            SELECT row_number() OVER (ORDER BY month, company_id, grade_id) AS id, *,
                   grade_id IS NOT NULL AS is_member,
                   (grade_id IS NOT NULL)::int AS member_share,
                   repeat_orders::float8 / NULLIF(orders, 0) AS repeat_share
              FROM month
        """

    def _read_group_select(self, aggregate_spec, query):
        """Return shares of all that is grouped, not averages of shares."""

        def get(name):
            return self._field_to_sql(self._table, name, query)

        if aggregate_spec == "member_share:avg":
            return SQL(
                "(SUM(%(sum)s) FILTER (WHERE %(member)s)"
                " / NULLIF(SUM(%(sum)s), 0))::float8",
                sum=get("revenue"),
                member=get("is_member"),
            )
        if aggregate_spec == "repeat_share:avg":
            part, whole = get("repeat_orders"), get("orders")
            return SQL("(SUM(%s) / NULLIF(SUM(%s), 0))::float8", part, whole)
        return super()._read_group_select(aggregate_spec, query)
