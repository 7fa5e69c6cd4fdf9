from odoo import api, fields, models
from odoo.tools import SQL


class HstylePriceGrant(models.Model):
    """A pricelist for a customer from one day to another.

    Nothing is written to the customer, so nothing has to be taken back: the price is
    asked for (product.pricelist), and the day decides.
    """

    _name = "hstyle.price.grant"
    _description = "Member price for a time"
    _order = "date_to desc, id desc"
    _rec_name = "partner_id"
    _check_company_auto = True

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    pricelist_id = fields.Many2one(
        comodel_name="product.pricelist",
        required=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: self.env.company._hstyle_today(),
    )
    date_to = fields.Date(string="Until", required=True)
    reason = fields.Char()

    _days_order = models.Constraint(
        "CHECK (date_from <= date_to)", "The price must begin before it ends."
    )
    _partner_idx = models.Index("(partner_id, company_id, date_to)")

    @api.model
    def _get_pricelists(self, partner_ids):
        """Return contact id → the pricelist granted for today, in one query."""
        today = self.env.company._hstyle_today()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (p.id) p.id, g.pricelist_id
                  FROM res_partner p
                  JOIN hstyle_price_grant g
                    ON g.partner_id = p.commercial_partner_id
                  JOIN product_pricelist l ON l.id = g.pricelist_id AND l.active
                 WHERE p.id = ANY(%s)
                   AND g.company_id = %s
                   AND g.date_from <= %s
                   AND g.date_to >= %s
                 ORDER BY p.id, g.id DESC
                """,
                list(partner_ids),
                self.env.company.id,
                today,
                today,
            )
        )
        return {
            partner_id: self.env["product.pricelist"].browse(pricelist_id)
            for partner_id, pricelist_id in rows
        }
