from odoo import fields, models, tools

# One row a fact: an order of ours, a credit note line on it, an order elsewhere.
# A refund is dated as the order it reduces. ``contact_id`` is who ordered; the
# join that finds the customer is dropped by the planner where it is not read.
_VIEW = """
CREATE VIEW hstyle_purchase AS
SELECT so.id * 4::bigint AS id,
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
       0::numeric AS refund
  FROM sale_order so
  LEFT JOIN res_partner contact ON contact.id = so.partner_id
 WHERE so.state = 'sale'
UNION ALL
SELECT aml.id * 4::bigint + 1,
       'refund',
       so.partner_id,
       contact.commercial_partner_id,
       so.company_id,
       so.date_order,
       NULL::integer,
       so.id,
       NULL::integer,
       0,
       -round(aml.price_total / COALESCE(NULLIF(move.invoice_currency_rate, 0), 1), 2),
       round(aml.price_total / COALESCE(NULLIF(move.invoice_currency_rate, 0), 1), 2)
  FROM account_move move
  JOIN account_move_line aml
    ON aml.move_id = move.id
   AND aml.display_type = 'product'
 CROSS JOIN LATERAL (
        SELECT min(rel.order_line_id) AS id
          FROM sale_order_line_invoice_rel rel
         WHERE rel.invoice_line_id = aml.id
       ) origin
  JOIN sale_order_line sol ON sol.id = origin.id
  JOIN sale_order so
    ON so.id = sol.order_id
   AND so.state = 'sale'
  LEFT JOIN res_partner contact ON contact.id = so.partner_id
 WHERE move.move_type = 'out_refund'
   AND move.state = 'posted'
UNION ALL
SELECT ho.id * 4::bigint + 2,
       'shop',
       ho.partner_id,
       contact.commercial_partner_id,
       ho.company_id,
       ho.date_order,
       ho.shop_id,
       NULL::integer,
       ho.id,
       1,
       CASE WHEN ho.currency_rate = 1 THEN ho.amount_paid - ho.amount_refund
            ELSE round(
                (ho.amount_paid - ho.amount_refund) / NULLIF(ho.currency_rate, 0), 2)
       END,
       CASE WHEN ho.currency_rate = 1 THEN ho.amount_refund
            ELSE round(ho.amount_refund / NULLIF(ho.currency_rate, 0), 2)
       END
  FROM hstyle_order ho
  LEFT JOIN res_partner contact ON contact.id = ho.partner_id
 WHERE ho.state = 'paid'
"""


class HstylePurchase(models.Model):
    """What customers bought, wherever: net of refunds, in company currency."""

    _name = "hstyle.purchase"
    _description = "Purchase"
    _auto = False
    _order = "date_order desc, id desc"
    _rec_name = "partner_id"

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
    sale_order_id = fields.Many2one(comodel_name="sale.order", readonly=True)
    shop_order_id = fields.Many2one(comodel_name="hstyle.order", readonly=True)
    orders = fields.Integer(readonly=True)
    revenue = fields.Monetary(
        string="Net revenue", readonly=True, help="Paid, less what was refunded."
    )
    refund = fields.Monetary(string="Refunded", readonly=True)

    def init(self):
        tools.drop_view_if_exists(self.env.cr, self._table)
        self.env.cr.execute(_VIEW)
