from odoo import fields, models, tools
from odoo.tools import SQL

# Goods of confirmed sales orders: no notes, rewards, discounts and deposits.
_SALES = """
SELECT sol.id * 4::bigint AS id,
       sol.id AS source_id,
       0 AS source,
       'sale' AS kind,
       so.partner_id AS contact_id,
       contact.commercial_partner_id AS partner_id,
       so.company_id,
       so.date_order,
       sol.product_id,
       template.categ_id AS category_id,
       template.hstyle_brand AS brand,
       template.hstyle_brand IS NULL AS own_brand,
       sol.product_uom_qty AS quantity,
       round(sol.price_total / COALESCE(NULLIF(so.currency_rate, 0), 1), 2) AS revenue
  FROM sale_order so
  JOIN sale_order_line sol
    ON sol.order_id = so.id
   AND sol.display_type IS NULL
   AND sol.reward_id IS NULL
   AND sol.price_unit >= 0
   AND sol.is_downpayment IS NOT TRUE
  JOIN product_product product ON product.id = sol.product_id
  JOIN product_template template ON template.id = product.product_tmpl_id
  JOIN res_partner contact ON contact.id = so.partner_id
 WHERE so.state = 'sale'
"""

# What was credited of them, dated as their order; see `hstyle.purchase`.
_REFUNDS = """
SELECT aml.id * 4::bigint + 1,
       aml.id,
       1,
       'refund',
       so.partner_id,
       contact.commercial_partner_id,
       so.company_id,
       so.date_order,
       sol.product_id,
       template.categ_id,
       template.hstyle_brand,
       template.hstyle_brand IS NULL,
       -aml.quantity,
       -round(aml.price_total / COALESCE(NULLIF(
           CASE WHEN move.currency_id = so.currency_id THEN so.currency_rate
                ELSE move.invoice_currency_rate END, 0), 1), 2)
  FROM account_move move
  JOIN account_move_line aml
    ON aml.move_id = move.id
   AND aml.display_type = 'product'
  JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = aml.id
  JOIN sale_order_line sol
    ON sol.id = rel.order_line_id
   AND sol.reward_id IS NULL
   AND sol.price_unit >= 0
   AND sol.is_downpayment IS NOT TRUE
  JOIN sale_order so ON so.id = sol.order_id AND so.state = 'sale'
  JOIN product_product product ON product.id = sol.product_id
  JOIN product_template template ON template.id = product.product_tmpl_id
  JOIN res_partner contact ON contact.id = so.partner_id
 WHERE move.move_type = 'out_refund'
   AND move.state = 'posted'
   AND NOT EXISTS (
       SELECT FROM sale_order_line_invoice_rel other
        WHERE other.invoice_line_id = rel.invoice_line_id
          AND other.order_line_id < rel.order_line_id)
"""

_SHOP_ORDERS = """
SELECT hol.id * 4::bigint + 2,
       hol.id,
       2,
       'shop',
       ho.partner_id,
       contact.commercial_partner_id,
       ho.company_id,
       ho.date_order,
       hol.product_id,
       hol.category_id,
       hol.brand,
       CASE WHEN hol.brand_kind IS NOT NULL THEN hol.brand_kind = 'own'
            WHEN hol.brand IS NOT NULL THEN FALSE END,
       hol.quantity,
       CASE WHEN ho.currency_rate = 1 THEN hol.amount_paid - hol.amount_refund
            ELSE round((hol.amount_paid - hol.amount_refund)
                       / NULLIF(ho.currency_rate, 0), 2) END
  FROM hstyle_order ho
  JOIN hstyle_order_line hol
    ON hol.order_id = ho.id
   AND hol.state = 'paid'
  JOIN res_partner contact ON contact.id = ho.partner_id
 WHERE ho.state = 'paid'
"""


class HstylePurchaseLine(models.Model):
    """What goods customers bought, wherever: net of refunds, in company currency.

    Before what rewards take off the order as a whole.
    """

    _name = "hstyle.purchase.line"
    _inherit = ["hstyle.union"]
    _description = "Purchase line"
    _auto = False
    _order = "date_order desc, id desc"
    _rec_name = "product_id"

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
    product_id = fields.Many2one(comodel_name="product.product", readonly=True)
    category_id = fields.Many2one(comodel_name="product.category", readonly=True)
    brand = fields.Char(readonly=True)
    own_brand = fields.Boolean(readonly=True, help="Empty where it is not known.")
    quantity = fields.Float(digits="Product Unit", readonly=True)
    revenue = fields.Monetary(string="Net revenue", readonly=True)

    def init(self):
        tools.drop_view_if_exists(self.env.cr, self._table)
        query = SQL(" UNION ALL ").join(map(SQL, (_SALES, _REFUNDS, _SHOP_ORDERS)))
        self.env.cr.execute(
            SQL("CREATE VIEW %s AS %s", SQL.identifier(self._table), query)
        )
