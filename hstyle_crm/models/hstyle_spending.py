from odoo import fields, models
from odoo.tools import SQL

PURPOSES = [("acquire", "Acquisition"), ("keep", "Retention")]
KINDS = [
    ("customers", "Customers"),
    ("campaign", "Campaigns"),
    ("referral", "Points for friends"),
    ("commission", "Commission"),
    ("gift", "Gift packs"),
    ("points", "Points"),
    ("goodwill", "Goodwill"),
    ("benefit", "Benefits"),
]

# Who ordered in a month: for the first time, or again.
_CUSTOMERS = """
SELECT p.company_id, day.month,
       CASE WHEN f.first_order_on >= day.month THEN 'acquire' ELSE 'keep' END,
       'customers', 0::numeric, count(DISTINCT p.partner_id)
  FROM hstyle_purchase p
  JOIN res_company c ON c.id = p.company_id
  JOIN hstyle_profile f
    ON f.partner_id = p.partner_id AND f.company_id = p.company_id
 CROSS JOIN LATERAL (
        SELECT date_trunc('month', p.date_order AT TIME ZONE 'UTC'
            AT TIME ZONE c.hstyle_tz)::date AS month) day
 WHERE p.orders > 0
 GROUP BY 1, 2, 3
"""

# A campaign is for whom it was drawn: for customers who had ordered before its launch,
# or for others. Without an audience it is for anybody.
_CAMPAIGNS = """
SELECT u.company_id, date_trunc('month', day.launch)::date, purpose.name, 'campaign',
       (COALESCE(u.hstyle_cost_fixed, 0)
           + COALESCE(sent.email, 0) * COALESCE(u.hstyle_cost_email, 0)
           + COALESCE(sent.sms, 0) * COALESCE(u.hstyle_cost_sms, 0)) * purpose.share,
       0
  FROM utm_campaign u
  JOIN res_company c ON c.id = u.company_id
 CROSS JOIN LATERAL (
        SELECT (u.hstyle_launched_on AT TIME ZONE 'UTC'
            AT TIME ZONE c.hstyle_tz)::date AS launch) day
  LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE t.trace_type = 'mail') AS email,
               count(*) FILTER (WHERE t.trace_type = 'sms') AS sms
          FROM mailing_trace t
         WHERE t.campaign_id = u.id
           AND t.trace_status NOT IN ('cancel', 'error')) sent ON TRUE
 CROSS JOIN LATERAL (
        SELECT COALESCE(avg((f.first_order_on < day.launch)::int), 0) AS known
          FROM (SELECT COALESCE(f.first_order_on, 'infinity') AS first_order_on
                  FROM hstyle_campaign_member m
                  LEFT JOIN hstyle_profile f
                    ON f.partner_id = m.partner_id AND f.company_id = m.company_id
                 WHERE m.campaign_id = u.id
                   AND m.arm = 'treated') f) drawn
 CROSS JOIN LATERAL (
        VALUES ('acquire', 1 - drawn.known), ('keep', drawn.known)
        ) purpose (name, share)
 WHERE u.hstyle_launched_on IS NOT NULL
"""

# What was given less what expired or was undone, at what a point costs. Goodwill is
# counted as such, opening balances and merges gave nobody anything.
_POINTS = """
SELECT card.company_id, date_trunc('month', h.date)::date,
       CASE WHEN h.key LIKE 'referral:%%' THEN 'acquire' ELSE 'keep' END,
       CASE WHEN h.key LIKE 'referral:%%' THEN 'referral' ELSE 'points' END,
       h.points * COALESCE(program.point_value, 0), 0
  FROM loyalty_history h
  JOIN loyalty_card card ON card.id = h.card_id
  JOIN loyalty_program program ON program.id = card.program_id
 WHERE (h.kind IN ('earn', 'bonus', 'adjust', 'expire')
        OR h.kind = 'reverse' AND h.issued <> 0)
   AND (h.key IS NULL OR h.key NOT LIKE 'hstyle.goodwill:%%')
"""

_OTHERS = """
SELECT company_id, date_trunc('month', date)::date, 'acquire', 'commission', amount, 0
  FROM hstyle_commission
 UNION ALL
SELECT company_id, date_trunc('month', given_on)::date, 'keep', 'goodwill', amount, 0
  FROM hstyle_goodwill
 WHERE state = 'given'
 UNION ALL
SELECT company_id, date_trunc('month', date)::date, 'keep', 'benefit',
       COALESCE(value, 0), 0
  FROM hstyle_benefit_use
 UNION ALL
SELECT g.company_id, date_trunc('month', day.given)::date,
       CASE WHEN f.first_order_on < day.given THEN 'keep' ELSE 'acquire' END,
       'gift', COALESCE(g.cost, 0), 0
  FROM hstyle_gift g
  JOIN res_company c ON c.id = g.company_id
 CROSS JOIN LATERAL (
        SELECT (g.given_on AT TIME ZONE 'UTC' AT TIME ZONE c.hstyle_tz)::date AS given
        ) day
  LEFT JOIN hstyle_profile f
    ON f.partner_id = g.partner_id AND f.company_id = g.company_id
 WHERE g.state = 'given'
"""


class HstyleSpending(models.Model):
    """What winning customers cost, and what keeping them cost, by month.

    Beside it the customers who ordered for the first time in a month, and those who
    had before, so that the cost of each can be told. What a discount took off is not a
    cost here: revenue is without it.
    """

    _name = "hstyle.spending"
    _description = "Cost of winning and keeping"
    _auto = False
    _order = "month desc, id"
    _rec_name = "month"

    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    month = fields.Date(readonly=True, help="In the company's timezone.")
    purpose = fields.Selection(selection=PURPOSES, readonly=True)
    kind = fields.Selection(selection=KINDS, string="Spent on", readonly=True)
    amount = fields.Monetary(string="Cost", readonly=True)
    customers = fields.Integer(
        readonly=True,
        help="Who ordered in the month: new ones stand at acquisition, and who had "
        "ordered before the month at retention.",
    )
    cost_each = fields.Monetary(
        string="Cost per customer",
        readonly=True,
        aggregator="avg",
        help="The cost by the customers of the month: of a new one at acquisition, of "
        "one who came again at retention.",
    )
    ratio = fields.Float(
        string="New against kept",
        readonly=True,
        aggregator="avg",
        help="Times as much as keeping a customer costs, winning one costs.",
    )

    _depends = {
        "hstyle.order": ["partner_id", "company_id", "date_order", "state"],
        "sale.order": ["partner_id", "company_id", "date_order", "state"],
        "hstyle.profile": ["partner_id", "company_id", "first_order_on"],
        "utm.campaign": [
            "company_id",
            "hstyle_launched_on",
            "hstyle_cost_fixed",
            "hstyle_cost_email",
            "hstyle_cost_sms",
        ],
        "mailing.trace": ["campaign_id", "trace_type", "trace_status"],
        "hstyle.campaign.member": ["campaign_id", "company_id", "partner_id", "arm"],
        "loyalty.history": ["card_id", "kind", "key", "date", "points", "issued"],
        "loyalty.card": ["company_id", "program_id"],
        "loyalty.program": ["point_value"],
        "hstyle.commission": ["company_id", "date", "amount"],
        "hstyle.goodwill": ["company_id", "given_on", "amount", "state"],
        "hstyle.benefit.use": ["company_id", "date", "value"],
        "hstyle.gift": ["company_id", "partner_id", "given_on", "cost", "state"],
        "res.company": ["hstyle_tz"],
    }

    @property
    def _table_query(self):
        sources = (_CUSTOMERS, _CAMPAIGNS, _POINTS, _OTHERS)
        query = SQL(" UNION ALL ").join(SQL(source) for source in sources)
        return SQL(
            """
            SELECT row_number() OVER (
                       ORDER BY company_id, month, purpose, kind) AS id, *,
                   NULL::numeric AS cost_each, NULL::float8 AS ratio
              FROM (SELECT company_id, month, purpose, kind,
                           SUM(amount) AS amount, SUM(customers)::int AS customers
                      FROM (%s) spent (
                           company_id, month, purpose, kind, amount, customers)
                     GROUP BY 1, 2, 3, 4) spent
            """,
            query,
        )

    def _read_group_select(self, aggregate_spec, query):
        """Return the cost of all by the customers of all."""
        amount = self._field_to_sql(self._table, "amount", query)
        customers = self._field_to_sql(self._table, "customers", query)
        each = SQL("(SUM(%s) / NULLIF(SUM(%s), 0))", amount, customers)
        if aggregate_spec == "cost_each:avg":
            return each
        if aggregate_spec == "ratio:avg":
            purpose = self._field_to_sql(self._table, "purpose", query)
            new, kept = (
                SQL(
                    "(SUM(%(sum)s) FILTER (WHERE %(purpose)s = %(name)s) / NULLIF("
                    "SUM(%(count)s) FILTER (WHERE %(purpose)s = %(name)s), 0))",
                    sum=amount,
                    count=customers,
                    purpose=purpose,
                    name=name,
                )
                for name in ("acquire", "keep")
            )
            return SQL("(%s / NULLIF(%s, 0))::float8", new, kept)
        return super()._read_group_select(aggregate_spec, query)
