from odoo import fields, models


class HstyleMemberReport(models.Model):
    """Members among all customers: their share, and who bought again.

    A row is a customer in a company, with the tier of today and the cohort of the
    first order; a member of a company is one in its branches, too. Averages of
    ``repurchased`` and ``is_member`` are rates.
    """

    _name = "hstyle.member.report"
    _description = "Members among customers"
    _auto = False
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    grade_id = fields.Many2one(
        comodel_name="res.partner.grade", string="Tier", readonly=True
    )
    is_member = fields.Float(string="Share of members", readonly=True, aggregator="avg")
    first_order_on = fields.Date(string="First order", readonly=True)
    joined_on = fields.Date(string="Member since", readonly=True)
    order_count = fields.Integer(string="Orders", readonly=True)
    revenue = fields.Monetary(string="Net revenue", readonly=True)
    order_count_12m = fields.Integer(string="Orders, 12 months", readonly=True)
    revenue_12m = fields.Monetary(string="Net revenue, 12 months", readonly=True)
    order_share = fields.Float(string="Share of orders", readonly=True)
    revenue_share = fields.Float(string="Share of revenue", readonly=True)
    margin = fields.Monetary(
        readonly=True,
        help="At the cost of the day of sale, less refunds; see the profile's margin.",
    )
    margin_share = fields.Float(string="Share of margin", readonly=True)
    repurchased = fields.Float(
        string="Repurchase rate",
        readonly=True,
        aggregator="avg",
        help="Customers who ordered again, among those who ordered.",
    )

    _depends = {
        "hstyle.profile": [
            "partner_id",
            "company_id",
            "order_count",
            "revenue",
            "order_count_12m",
            "revenue_12m",
            "margin",
            "first_order_on",
        ],
        "hstyle.membership": ["partner_id", "company_id", "grade_id", "joined_on"],
    }

    @property
    def _table_query(self):
        return """
            SELECT p.id, p.partner_id, p.company_id, m.grade_id,
                   (m.id IS NOT NULL)::int AS is_member,
                   p.first_order_on, m.joined_on,
                   p.order_count, p.revenue, p.order_count_12m, p.revenue_12m,
                   p.order_count::float8
                       / NULLIF(SUM(p.order_count) OVER company, 0) AS order_share,
                   (p.revenue / NULLIF(SUM(p.revenue) OVER company, 0))::float8
                       AS revenue_share,
                   p.margin,
                   (p.margin / NULLIF(SUM(p.margin) OVER company, 0))::float8
                       AS margin_share,
                   (p.order_count > 1)::int AS repurchased
              FROM hstyle_profile p
              JOIN res_company c ON c.id = p.company_id
              LEFT JOIN hstyle_membership m
                ON m.partner_id = p.partner_id
               AND m.company_id::text = ANY(string_to_array(c.parent_path, '/'))
            WINDOW company AS (PARTITION BY p.company_id)
        """
