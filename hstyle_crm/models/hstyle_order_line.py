from odoo import fields, models

from .hstyle_order import STATES


class HstyleOrderLine(models.Model):
    """What was bought: our product where we know it, else the shop's words."""

    _name = "hstyle.order.line"
    _description = "Shop order line"
    _order = "order_id, id"
    _rec_name = "product_text"
    _log_access = False  # Millions of facts; the order says when and by whom.

    order_id = fields.Many2one(
        comodel_name="hstyle.order", required=True, ondelete="cascade"
    )
    line_ref = fields.Char(string="Line", required=True)
    date_order = fields.Datetime(related="order_id.date_order")
    shop_id = fields.Many2one(related="order_id.shop_id")
    partner_id = fields.Many2one(related="order_id.partner_id")
    currency_id = fields.Many2one(related="order_id.currency_id")
    state = fields.Selection(selection=STATES, string="Status", required=True)
    product_id = fields.Many2one(
        comodel_name="product.product", index="btree_not_null", ondelete="set null"
    )
    product_code = fields.Char(string="Product code")
    product_text = fields.Char(string="Article")
    category_id = fields.Many2one(
        comodel_name="product.category", index="btree_not_null", ondelete="set null"
    )
    brand_kind = fields.Selection(
        selection=[("own", "Own brand"), ("other", "Other brand")], string="Brand kind"
    )
    brand = fields.Char()
    quantity = fields.Float(digits="Product Unit")
    amount_paid = fields.Monetary(string="Amount paid")
    amount_discount = fields.Monetary(string="Discount")
    amount_refund = fields.Monetary(string="Refunded")
    amount_cost = fields.Monetary(string="Cost")

    # Also the index of the foreign key.
    _line_unique = models.Constraint(
        "UNIQUE (order_id, line_ref)", "The order has a line of this number already."
    )
