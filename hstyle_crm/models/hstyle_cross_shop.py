from odoo import fields, models


class HstyleCrossShop(models.Model):
    """How many customers of a shop also buy in another.

    A row is a pair of shops, in which somebody ordered in the last twelve months; the
    pair of a shop with itself is all of its customers. Sales orders of Odoo belong to
    no shop, and stand as one.
    """

    _name = "hstyle.cross.shop"
    _description = "Buyers across shops"
    _auto = False
    _order = "shop_id, other_shop_id"
    _rec_name = "shop_id"

    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    shop_id = fields.Many2one(comodel_name="hstyle.shop", readonly=True)
    other_shop_id = fields.Many2one(
        comodel_name="hstyle.shop", string="Also buys in", readonly=True
    )
    is_same = fields.Boolean(string="The shop itself", readonly=True)
    customers = fields.Integer(readonly=True)
    share = fields.Float(
        string="Share of the shop's customers", readonly=True, aggregator="avg"
    )

    _depends = {
        "hstyle.order": ["partner_id", "company_id", "shop_id", "date_order", "state"],
        "sale.order": ["partner_id", "company_id", "date_order", "state"],
        "res.partner": ["commercial_partner_id"],
    }

    @property
    def _table_query(self):
        return """
            WITH buyer AS (
                 SELECT DISTINCT partner_id, company_id, COALESCE(shop_id, 0) AS shop
                   FROM hstyle_purchase
                  WHERE orders > 0
                    AND date_order
                        >= now() AT TIME ZONE 'UTC' - interval '12 months'
                 ),
                 pair AS (
                 SELECT b.company_id, b.shop, o.shop AS other, count(*) AS customers
                   FROM buyer b
                   JOIN buyer o USING (partner_id, company_id)
                  GROUP BY 1, 2, 3
                 )
            SELECT row_number() OVER (ORDER BY company_id, shop, other) AS id,
                   company_id, NULLIF(shop, 0) AS shop_id,
                   NULLIF(other, 0) AS other_shop_id, shop = other AS is_same,
                   customers::int,
                   customers::float8 / max(customers) FILTER (WHERE shop = other)
                       OVER (PARTITION BY company_id, shop) AS share
              FROM pair
        """
