from odoo import fields, models

# What is sold, bought back and sold elsewhere, less what the goods cost today.
_MARGIN = """
SELECT contact.commercial_partner_id AS partner_id, sold.company_id,
       SUM(sold.amount - sold.quantity * COALESCE(
           (product.standard_price ->> sold.company_id::text)::numeric, 0)) AS margin
  FROM (
        SELECT so.partner_id, so.company_id, line.product_id,
               line.product_uom_qty AS quantity,
               line.price_subtotal / COALESCE(NULLIF(so.currency_rate, 0), 1) AS amount
          FROM sale_order so
          JOIN sale_order_line line ON line.order_id = so.id
         WHERE so.state = 'sale' AND line.display_type IS NULL
         UNION ALL
        SELECT so.partner_id, so.company_id, aml.product_id, -aml.quantity,
               -aml.price_subtotal / COALESCE(NULLIF(move.invoice_currency_rate, 0), 1)
          FROM account_move move
          JOIN account_move_line aml
            ON aml.move_id = move.id
           AND aml.display_type = 'product'
         CROSS JOIN LATERAL (
               SELECT line.order_id
                 FROM sale_order_line_invoice_rel rel
                 JOIN sale_order_line line ON line.id = rel.order_line_id
                WHERE rel.invoice_line_id = aml.id
                LIMIT 1) credited
          JOIN sale_order so ON so.id = credited.order_id AND so.state = 'sale'
         WHERE move.move_type = 'out_refund' AND move.state = 'posted'
         UNION ALL
        SELECT o.partner_id, o.company_id, line.product_id, line.quantity,
               (line.amount_paid - line.amount_refund)
               / COALESCE(NULLIF(o.currency_rate, 0), 1)
          FROM hstyle_order o
          JOIN hstyle_order_line line ON line.order_id = o.id
         WHERE o.state = 'paid' AND line.state = 'paid'
       ) sold
  JOIN res_partner contact ON contact.id = sold.partner_id
  LEFT JOIN product_product product ON product.id = sold.product_id
 GROUP BY contact.commercial_partner_id, sold.company_id
"""


class HstyleMemberReport(models.Model):
    """Members among all customers: their share, and who bought again.

    A row is a customer in a company, with the tier of today and the cohort of the
    first order. Averages of ``repurchased`` and ``is_member`` are rates.
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
        help="At today's cost of the products; orders of Odoo without tax. What has no "
        "cost counts in full.",
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
            "first_order_on",
        ],
        "hstyle.membership": ["partner_id", "company_id", "grade_id", "joined_on"],
    }

    @property
    def _table_query(self):
        return f"""
            SELECT p.id, p.partner_id, p.company_id, m.grade_id,
                   (m.id IS NOT NULL)::int AS is_member,
                   p.first_order_on, m.joined_on,
                   p.order_count, p.revenue, p.order_count_12m, p.revenue_12m,
                   p.order_count::float8
                       / NULLIF(SUM(p.order_count) OVER company, 0) AS order_share,
                   (p.revenue / NULLIF(SUM(p.revenue) OVER company, 0))::float8
                       AS revenue_share,
                   margin.margin,
                   (margin.margin / NULLIF(SUM(margin.margin) OVER company, 0))::float8
                       AS margin_share,
                   (p.order_count > 1)::int AS repurchased
              FROM hstyle_profile p
              LEFT JOIN hstyle_membership m
                ON m.partner_id = p.partner_id AND m.company_id = p.company_id
              LEFT JOIN ({_MARGIN}) margin
                ON margin.partner_id = p.partner_id
               AND margin.company_id = p.company_id
            WINDOW company AS (PARTITION BY p.company_id)
        """
