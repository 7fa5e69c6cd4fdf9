from odoo import api, fields, models, tools
from odoo.tools import SQL

# One row a fact: an order of ours, a credit note line on it, an order elsewhere.
# A refund is dated as the order it reduces. ``contact_id`` is who ordered; the
# join that finds the customer is dropped by the planner where it is not read.
_SALES = """
SELECT so.id * 4::bigint AS id,
       so.id AS source_id,
       0 AS source,
       'sale' AS kind,
       so.partner_id AS contact_id,
       contact.commercial_partner_id AS partner_id,
       so.company_id,
       so.date_order,
       NULL::integer AS shop_id,
       so.id AS sale_order_id,
       NULL::integer AS shop_order_id,
       1 AS orders,
       CASE WHEN so.currency_rate = 1 THEN so.amount_total
            ELSE round(so.amount_total / NULLIF(so.currency_rate, 0), 2)
       END AS revenue,
       0::numeric AS refund,
       CASE WHEN so.currency_rate = 1 THEN so.margin
            ELSE so.margin / NULLIF(so.currency_rate, 0)
       END AS margin,
       so.hstyle_discounted::integer AS discounted
  FROM sale_order so
  LEFT JOIN res_partner contact ON contact.id = so.partner_id
 WHERE so.state = 'sale'
"""

# A refund takes back at the order's rate, and the order's margin in the share of the
# order that it is. A line that credits several order lines counts once. These joins
# lead both ways: from all credit notes to their orders, and from a contact to the
# credit notes of its orders.
_REFUNDS = """
SELECT aml.id * 4::bigint + 1 AS id,
       aml.id AS source_id,
       1 AS source,
       'refund' AS kind,
       so.partner_id AS contact_id,
       contact.commercial_partner_id AS partner_id,
       so.company_id,
       so.date_order,
       NULL::integer AS shop_id,
       so.id AS sale_order_id,
       NULL::integer AS shop_order_id,
       0 AS orders,
       -round(aml.price_total / rate.rate, 2) AS revenue,
       round(aml.price_total / rate.rate, 2) AS refund,
       -so.margin * (aml.price_total / rate.rate) / NULLIF(so.amount_total, 0)
           AS margin,
       0 AS discounted
  FROM sale_order so
  JOIN sale_order_line sol ON sol.order_id = so.id
  JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = sol.id
  JOIN account_move_line aml
    ON aml.id = rel.invoice_line_id
   AND aml.display_type = 'product'
  JOIN account_move move
    ON move.id = aml.move_id
   AND move.move_type = 'out_refund'
   AND move.state = 'posted'
 CROSS JOIN LATERAL (
        SELECT COALESCE(NULLIF(CASE WHEN move.currency_id = so.currency_id
            THEN so.currency_rate ELSE move.invoice_currency_rate END, 0), 1) AS rate
       ) rate
  LEFT JOIN res_partner contact ON contact.id = so.partner_id
 WHERE so.state = 'sale'
   AND NOT EXISTS (
       SELECT FROM sale_order_line_invoice_rel other
        WHERE other.invoice_line_id = rel.invoice_line_id
          AND other.order_line_id < rel.order_line_id)
"""

_SHOP_ORDERS = """
SELECT ho.id * 4::bigint + 2 AS id,
       ho.id AS source_id,
       2 AS source,
       'shop' AS kind,
       ho.partner_id AS contact_id,
       contact.commercial_partner_id AS partner_id,
       ho.company_id,
       ho.date_order,
       ho.shop_id,
       NULL::integer AS sale_order_id,
       ho.id AS shop_order_id,
       1 AS orders,
       CASE WHEN ho.currency_rate = 1 THEN ho.amount_paid - ho.amount_refund
            ELSE round(
                (ho.amount_paid - ho.amount_refund) / NULLIF(ho.currency_rate, 0), 2)
       END AS revenue,
       CASE WHEN ho.currency_rate = 1 THEN ho.amount_refund
            ELSE round(ho.amount_refund / NULLIF(ho.currency_rate, 0), 2)
       END AS refund,
       (CASE WHEN ho.amount_cost IS NULL
             THEN (ho.amount_paid - ho.amount_refund) * company.hstyle_margin_rate / 100
             WHEN ho.amount_paid = 0 THEN -ho.amount_cost
             ELSE (ho.amount_paid - ho.amount_cost)
                  * (ho.amount_paid - ho.amount_refund) / ho.amount_paid
       END / NULLIF(ho.currency_rate, 0)) AS margin,
       (ho.amount_discount > 0 AND ho.amount_discount
           >= 0.03 * (ho.amount_paid + ho.amount_discount))::integer AS discounted
  FROM hstyle_order ho
  LEFT JOIN res_company company ON company.id = ho.company_id
  LEFT JOIN res_partner contact ON contact.id = ho.partner_id
 WHERE ho.state = 'paid'
"""

_SOURCES = (_SALES, _REFUNDS, _SHOP_ORDERS)


class HstylePurchase(models.Model):
    """What customers bought, wherever: net of refunds, in company currency."""

    _name = "hstyle.purchase"
    _inherit = ["hstyle.union"]
    _description = "Purchase"
    _auto = False
    _order = "date_order desc, id desc"
    _rec_name = "partner_id"
    #: The columns that the profile sums.
    _measures = SQL("date_order, orders, revenue, refund, margin, discounted")

    kind = fields.Selection(
        selection=[
            ("sale", "Sales order"),
            ("refund", "Credit note"),
            ("shop", "Shop order"),
        ],
        readonly=True,
    )
    contact_id = fields.Many2one(comodel_name="res.partner", readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    date_order = fields.Datetime(string="Order date", readonly=True)
    shop_id = fields.Many2one(comodel_name="hstyle.shop", readonly=True)
    sale_order_id = fields.Many2one(
        comodel_name="sale.order", string="Sales order", readonly=True
    )
    shop_order_id = fields.Many2one(
        comodel_name="hstyle.order", string="Shop order", readonly=True
    )
    orders = fields.Integer(readonly=True)
    revenue = fields.Monetary(
        string="Net revenue", readonly=True, help="Paid, less what was refunded."
    )
    refund = fields.Monetary(string="Refunded", readonly=True)
    margin = fields.Monetary(
        readonly=True,
        help="Of sales orders, at the cost of the day of sale and without tax. Of shop "
        "orders, what was paid less the cost in the sheet; where the sheet has none, "
        "the assumed margin of the settings. A refund takes back its share.",
    )
    discounted = fields.Integer(
        string="Discounted orders",
        readonly=True,
        help="1 for an order on which discounts of lines, coupons and rewards saved at "
        "least 3 % of its list value. Member prices are no discount.",
    )

    def init(self):
        tools.drop_view_if_exists(self.env.cr, self._table)
        query = SQL(" UNION ALL ").join(map(SQL, _SOURCES))
        self.env.cr.execute(
            SQL("CREATE VIEW %s AS %s", SQL.identifier(self._table), query)
        )

    def action_open(self):
        """Open the order that this purchase is."""
        self.ensure_one()
        return (self.shop_order_id or self.sale_order_id).get_formview_action()

    @api.model
    def _sql_sorted(self, company):
        """Return the query of all purchases of a company by contact and date.

        Its sources come sorted from their covering indexes and are merged, whereas the
        rows of the view would have to be sorted, which takes longer than reading them.
        """
        sources = [
            SQL(
                """
                (SELECT contact_id, %s
                   FROM (%s) source
                  WHERE company_id = %s
                  ORDER BY contact_id, date_order)
                """,
                self._measures,
                SQL(source),
                company.id,
            )
            for source in _SOURCES
        ]
        return SQL(" UNION ALL ").join(sources)
