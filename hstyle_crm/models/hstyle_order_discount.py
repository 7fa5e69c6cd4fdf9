from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.sql import column_exists

#: The least share of the list value that makes an order a discounted one.
DISCOUNTED = 0.03

_COLUMN = "hstyle_discounted"

# The same rule as `_compute_hstyle_discounted`.
_FILL = """
UPDATE sale_order
   SET hstyle_discounted = TRUE
  FROM (
        SELECT line.order_id
          FROM sale_order_line line
          LEFT JOIN loyalty_reward reward ON reward.id = line.reward_id
          LEFT JOIN loyalty_program program ON program.id = reward.program_id
         CROSS JOIN LATERAL (
                SELECT line.price_unit * line.product_uom_qty AS value
               ) list
         WHERE line.display_type IS NULL
           AND (program.program_type IS NULL
                OR program.program_type NOT IN ('gift_card', 'ewallet'))
         GROUP BY line.order_id
        HAVING SUM(CASE WHEN line.price_unit < 0 THEN -list.value
                        ELSE list.value * line.discount / 100 END)
               >= %s * SUM(list.value) FILTER (WHERE line.price_unit > 0)
           AND SUM(CASE WHEN line.price_unit < 0 THEN -list.value
                        ELSE list.value * line.discount / 100 END) > 0
       ) saved
 WHERE saved.order_id = sale_order.id
"""


class HstyleOrderDiscount(models.AbstractModel):
    """Whether a sales order was bought at a discount: a fact of the order."""

    _name = "hstyle.order.discount"
    _description = "Discount of an order"

    hstyle_discounted = fields.Boolean(
        string="Bought at a discount",
        compute="_compute_hstyle_discounted",
        store=True,
        help="Discounts of lines, coupons and rewards saved at least 3 % of the list "
        "value. Gift cards and eWallets are payment; member prices are no discount.",
    )

    def _auto_init(self):
        """Fill the column by one statement: there may be millions of orders."""
        if self._auto and not column_exists(self.env.cr, self._table, _COLUMN):
            self.env.cr.execute(
                "ALTER TABLE sale_order ADD hstyle_discounted bool DEFAULT FALSE; "
                "ALTER TABLE sale_order ALTER hstyle_discounted DROP DEFAULT"
            )
            self.env.cr.execute(SQL(_FILL, DISCOUNTED))
        return super()._auto_init()

    @api.depends(
        "order_line.price_unit",
        "order_line.product_uom_qty",
        "order_line.discount",
        "order_line.display_type",
        "order_line.reward_id",
    )
    def _compute_hstyle_discounted(self):
        for order in self:
            lines = order.order_line.filtered(lambda line: line._is_goods_or_discount())
            amounts = [line._get_list_and_saved() for line in lines]
            value = sum(value for value, _saved in amounts)
            saved = sum(saved for _value, saved in amounts)
            order.hstyle_discounted = value and 0 < saved >= DISCOUNTED * value
