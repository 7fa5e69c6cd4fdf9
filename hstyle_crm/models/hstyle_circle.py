from odoo import api, fields, models
from odoo.tools import SQL

#: Who sees what agents are paid.
PAID = "account.group_account_invoice,hstyle_crm.hstyle_crm_group_manager"
#: Columns of the sheet, as far as the user may see them.
EXPORTED = (
    "cohort", "campus_id", "agent_id", "referrer_id", "friend_id", "kept",
    "first_order_on", "second_order_on", "orders", "revenue", "margin", "points",
    "commission", "cost",
)  # fmt: skip


class HstyleCircle(models.Model):
    """What friends bought since they were referred, and what bringing them cost.

    A row is a referral that was neither rejected nor waits for a review; its id is the
    referral's. Purchases are those of all shops, net of refunds (`hstyle.purchase`).
    Averages of ``again_…`` are percentages of the friends whose days are over.
    """

    _name = "hstyle.circle"
    _description = "Circle of friends"
    _auto = False
    _order = "cohort desc, id desc"
    _rec_name = "friend_id"

    agent_id = fields.Many2one(comodel_name="hstyle.agent", readonly=True)
    campus_id = fields.Many2one(comodel_name="hstyle.campus", readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    referrer_id = fields.Many2one(comodel_name="res.partner", readonly=True)
    friend_id = fields.Many2one(comodel_name="res.partner", readonly=True)
    cohort = fields.Date(
        readonly=True, help="The first day of the month in which the friend came."
    )
    friends = fields.Integer(readonly=True, help="1: a row is a friend.")
    kept = fields.Integer(
        string="Kept customers",
        readonly=True,
        help="1 for a friend whose first order was kept until its return window ended.",
    )
    kept_on = fields.Date(string="Kept on", readonly=True)
    buyers = fields.Integer(string="With an order", readonly=True)
    first_order_on = fields.Date(string="First order", readonly=True)
    second_order_on = fields.Date(
        string="Ordered again on",
        readonly=True,
        help="On a later day: what is ordered twice a day is one purchase.",
    )
    orders = fields.Integer(readonly=True)
    revenue = fields.Monetary(string="Net revenue", readonly=True)
    margin = fields.Monetary(readonly=True)
    again_30 = fields.Float(
        string="Again in 30 days, %", readonly=True, aggregator="avg"
    )
    again_90 = fields.Float(
        string="Again in 90 days, %", readonly=True, aggregator="avg"
    )
    again_365 = fields.Float(
        string="Again in a year, %", readonly=True, aggregator="avg"
    )
    points = fields.Float(
        string="Points given", readonly=True, help="To the friend and the referrer."
    )
    commission = fields.Monetary(readonly=True, groups=PAID)
    cost = fields.Monetary(
        readonly=True,
        groups=PAID,
        help="The commission, and the points at what they cost if they are spent.",
    )
    return_on_cost = fields.Float(
        string="Return on cost",
        readonly=True,
        groups=PAID,
        aggregator="avg",
        help="What is left of the margin after the cost, for each unit of cost.",
    )

    _depends = {
        "hstyle.referral": [
            "agent_id",
            "campus_id",
            "company_id",
            "referrer_id",
            "friend_id",
            "touched_on",
            "claimed_on",
            "state",
            "order_id",
            "rewarded_on",
            "friend_points",
            "referrer_points",
        ],
        "sale.order": [
            "partner_id",
            "company_id",
            "state",
            "date_order",
            "amount_total",
            "margin",
            "currency_rate",
        ],
        "hstyle.order": ["partner_id", "state", "amount_paid", "amount_refund"],
        "account.move": ["state"],
        "res.partner": ["commercial_partner_id"],
        "res.company": ["hstyle_tz", "hstyle_margin_rate"],
        "loyalty.program": ["point_value", "managed"],
        "hstyle.commission": ["referral_id", "amount"],
    }

    @property
    def _table_query(self):
        """Return the query; each part is found from the referral by an index."""
        return SQL(
            """
            SELECT r.id, r.agent_id, r.campus_id, r.company_id, r.referrer_id,
                   r.friend_id,
                   date_trunc('month', %(claim_day)s)::date AS cohort,
                   1 AS friends,
                   (r.state = 'rewarded')::int AS kept,
                   r.rewarded_on AS kept_on,
                   (bought.days IS NOT NULL)::int AS buyers,
                   bought.days[1] AS first_order_on,
                   bought.days[2] AS second_order_on,
                   COALESCE(bought.orders, 0) AS orders,
                   COALESCE(bought.revenue, 0) AS revenue,
                   COALESCE(bought.margin, 0) AS margin,
                   %(again_30)s AS again_30,
                   %(again_90)s AS again_90,
                   %(again_365)s AS again_365,
                   given.points,
                   COALESCE(paid.commission, 0) AS commission,
                   cost.cost,
                   ((COALESCE(bought.margin, 0) - cost.cost)
                       / NULLIF(cost.cost, 0))::float8 AS return_on_cost
              FROM hstyle_referral r
              JOIN res_company c ON c.id = r.company_id
              LEFT JOIN sale_order o ON o.id = r.order_id
              LEFT JOIN LATERAL (%(bought)s) bought ON TRUE
              LEFT JOIN (SELECT referral_id, SUM(amount) AS commission
                           FROM hstyle_commission
                          GROUP BY referral_id) paid
                ON paid.referral_id = r.id
             CROSS JOIN LATERAL (
                    SELECT COALESCE(r.friend_points, 0)
                         + COALESCE(r.referrer_points, 0) AS points) given
             CROSS JOIN LATERAL (
                    SELECT (COALESCE(paid.commission, 0)
                         + given.points * COALESCE((%(point_value)s), 0))::numeric
                           AS cost) cost
             WHERE r.state NOT IN ('rejected', 'review')
            """,
            claim_day=self._sql_day(SQL("r.claimed_on")),
            bought=self._sql_bought(),
            point_value=self._sql_point_value(),
            **{f"again_{days}": self._sql_again(days) for days in (30, 90, 365)},
        )

    @api.model
    def _sql_day(self, moment):
        """Return SQL: the company's day of a moment."""
        return SQL("(%s AT TIME ZONE 'UTC' AT TIME ZONE c.hstyle_tz)::date", moment)

    @api.model
    def _sql_bought(self):
        """Return the query of what a friend bought, from the first touch on.

        The first order may be older than the claim that it carried, by a moment.
        """
        return SQL(
            """
            SELECT SUM(p.orders) AS orders,
                   SUM(p.revenue) AS revenue,
                   SUM(p.margin) AS margin,
                   array_agg(DISTINCT %(day)s ORDER BY %(day)s)
                       FILTER (WHERE p.orders > 0) AS days
              FROM hstyle_purchase p
             WHERE p.partner_id = r.friend_id
               AND p.company_id = r.company_id
               AND p.date_order >= LEAST(r.touched_on, o.date_order)
            """,
            day=self._sql_day(SQL("p.date_order")),
        )

    @api.model
    def _sql_again(self, days):
        """Return SQL: 100 if ordered again in time, 0 if not, NULL until it is known.

        Who was quick waits, too, until the days are over: else the rate of a young
        circle counted those alone.
        """
        return SQL(
            """
            CASE WHEN %(today)s > bought.days[1] + %(days)s
                 THEN CASE WHEN bought.days[2] <= bought.days[1] + %(days)s
                           THEN 100 ELSE 0 END
            END
            """,
            today=self._sql_day(SQL("%s", fields.Datetime.now())),
            days=days,
        )

    @api.model
    def _sql_point_value(self):
        """Return the query of what a point costs, by the company's own program."""
        return SQL(
            """
            SELECT program.point_value
              FROM loyalty_program program
             WHERE program.managed
               AND program.active
               AND (program.company_id IS NULL
                    OR '/' || c.parent_path LIKE '%%/' || program.company_id || '/%%')
             ORDER BY program.sequence, program.id
             LIMIT 1
            """
        )

    def _read_group_select(self, aggregate_spec, query):
        """Return on the cost of all, not the average of the returns."""
        if aggregate_spec != "return_on_cost:avg":
            return super()._read_group_select(aggregate_spec, query)
        margin = self._field_to_sql(self._table, "margin", query)
        cost = self._field_to_sql(self._table, "cost", query)
        return SQL(
            "((SUM(%(margin)s) - SUM(%(cost)s)) / NULLIF(SUM(%(cost)s), 0))::float8",
            margin=margin,
            cost=cost,
        )

    def action_export(self):
        """Download the circles as XLSX; what agents are paid only for who may know."""
        circles = self.env["hstyle.export"]._get_chosen(self)
        names = list(self.fields_get(EXPORTED, ["string"]))
        filename = self.env._("Circles %s.xlsx", fields.Date.today())
        return self.env["hstyle.export"]._download_records(
            filename, circles, [name for name in EXPORTED if name in names]
        )
