from odoo import models
from odoo.tools import SQL


class HstyleSatisfactionPolicy(models.Model):
    """Who ordered goods is asked after the last of them came."""

    _inherit = "hstyle.satisfaction.policy"

    def _sql_delivered(self, since):
        """Return SQL of orders without goods, and of orders whose goods all came.

        As `sale.order._get_delivery_day` has it, for all orders at once.
        """
        return SQL(
            """
            SELECT d.*
              FROM (%(without_goods)s) d
             WHERE NOT EXISTS (
                   SELECT FROM sale_order_line l
                    WHERE l.order_id = d.id
                      AND l.qty_delivered_method = 'stock_move'
                      AND l.product_uom_qty > 0)
             UNION ALL
            SELECT o.id, o.partner_id, max(m.date), 0
              FROM sale_order o
              JOIN sale_order_line l ON l.order_id = o.id
              LEFT JOIN stock_move m ON m.sale_line_id = l.id AND m.state <> 'cancel'
              LEFT JOIN stock_location f ON f.id = m.location_id
              LEFT JOIN stock_location t
                ON t.id = CASE WHEN m.state = 'done' THEN m.location_dest_id
                               ELSE COALESCE(m.location_final_id, m.location_dest_id)
                          END
             WHERE o.company_id = %(company)s
               AND o.state = 'sale'
               AND l.qty_delivered_method = 'stock_move'
               AND l.product_uom_qty > 0
               AND (m.id IS NULL OR f.usage <> 'customer' AND t.usage = 'customer')
               AND o.id IN (
                   SELECT sl.order_id
                     FROM stock_move sm
                     JOIN sale_order_line sl ON sl.id = sm.sale_line_id
                    WHERE sm.state = 'done' AND sm.date > %(since)s)
             GROUP BY o.id, o.partner_id
            HAVING bool_and(m.state IS NOT DISTINCT FROM 'done')
            """,
            without_goods=super()._sql_delivered(since),
            company=self.company_id.id,
            since=since,
        )
