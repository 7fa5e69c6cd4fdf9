from odoo import fields, models

from .hstyle_satisfaction import DEPENDS, SATISFACTION


class HstyleSatisfactionProduct(models.Model):
    """How satisfied customers are with what they bought: a row a question and product.

    An answer about an order counts for each product of it: goods, no rewards,
    discounts and deposits.
    """

    _name = "hstyle.satisfaction.product"
    _inherit = ["hstyle.satisfaction"]
    _description = "Satisfaction by product"
    _auto = False
    _depends = {
        **DEPENDS,
        "sale.order.line": [
            "order_id",
            "product_id",
            "product_uom_qty",
            "price_unit",
            "reward_id",
            "is_downpayment",
        ],
        "product.product": ["product_tmpl_id"],
    }

    product_tmpl_id = fields.Many2one(
        comodel_name="product.template", string="Product", readonly=True
    )
    categ_id = fields.Many2one(
        comodel_name="product.category", string="Category", readonly=True
    )

    @property
    def _table_query(self):
        return f"""
            SELECT b.key AS id, s.company_id, s.partner_id, s.question, s.asked_by,
                   s.asked_at, s.feedback, s.ticket_id, s.order_id, s.channel,
                   s.team_id, s.intent_id, s.user_id, s.answered, s.score,
                   s.top_box, s.top_two, b.product_tmpl_id, m.categ_id
              FROM ({SATISFACTION}) s
              JOIN LATERAL (
                   SELECT min(l.id) * 2::bigint AS key, p.product_tmpl_id
                     FROM sale_order_line l
                     JOIN product_product p ON p.id = l.product_id
                    WHERE l.order_id = s.order_id
                      AND l.product_uom_qty > 0
                      AND l.price_unit >= 0
                      AND l.reward_id IS NULL
                      AND l.is_downpayment IS NOT TRUE
                    GROUP BY p.product_tmpl_id
                    UNION ALL
                   SELECT s.id * 2::bigint + 1, p.product_tmpl_id
                     FROM hstyle_ticket t
                     JOIN product_product p ON p.id = t.product_id
                    WHERE t.id = s.ticket_id
                   ) b ON TRUE
              JOIN product_template m ON m.id = b.product_tmpl_id
        """
