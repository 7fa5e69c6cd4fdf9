from odoo import fields, models

#: The least number of customers in a row.
CELL = 5


class HstyleOfferReport(models.Model):
    """What sponsored offers came to, for the sponsor: no names, no small cells.

    A row is a sponsor's category in a run that is over, so that no later version of a
    row tells what one customer did. Categories with fewer than five customers are put
    together in a row without a category, which is left out if it is as small; what
    one to four customers redeemed is not told.
    """

    _name = "hstyle.offer.report"
    _description = "Result for sponsors"
    _auto = False
    _order = "day desc, sponsor_id, category_id, id"
    _rec_name = "category_id"

    plan_id = fields.Many2one(comodel_name="hstyle.offer.plan", readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    sponsor_id = fields.Many2one(comodel_name="res.partner", readonly=True)
    category_id = fields.Many2one(
        comodel_name="product.category",
        readonly=True,
        help="Empty: small categories together.",
    )
    day = fields.Date(string="Valid from", readonly=True)
    list_count = fields.Integer(string="Customers", readonly=True)
    redeemed_count = fields.Integer(
        string="Redeemed", readonly=True, help="Empty where they were one to four."
    )
    amount_given = fields.Monetary(string="Saved", readonly=True)
    amount_sponsor = fields.Monetary(string="Share of the sponsor", readonly=True)

    _depends = {
        "hstyle.offer.line": [
            "list_id",
            "category_id",
            "sponsor_id",
            "sponsor_share",
            "state",
            "amount_given",
        ],
        "hstyle.offer.list": ["run_id", "plan_id", "company_id", "date_from", "state"],
    }

    @property
    def _table_query(self):
        return f"""
            WITH reached AS (
                SELECT o.run_id, o.plan_id, o.company_id, o.date_from AS day,
                       o.partner_id, l.sponsor_id, l.category_id, l.id,
                       l.state = 'redeemed' AS redeemed, l.amount_given,
                       round(l.amount_given * l.sponsor_share / 100, 2)
                           AS amount_sponsor
                  FROM hstyle_offer_line l
                  JOIN hstyle_offer_list o ON o.id = l.list_id
                 WHERE l.sponsor_id IS NOT NULL
                   AND NOT EXISTS (
                       SELECT FROM hstyle_offer_list later
                        WHERE later.run_id = o.run_id AND later.state = 'open')
            ),
            large AS (
                SELECT run_id, sponsor_id, category_id
                  FROM reached
                 GROUP BY run_id, sponsor_id, category_id
                HAVING count(DISTINCT partner_id) >= {CELL}
            ),
            cell AS (
                SELECT min(r.id) AS id, r.plan_id, r.company_id, r.day, r.sponsor_id,
                       large.category_id,
                       count(DISTINCT r.partner_id) AS list_count,
                       count(DISTINCT r.partner_id) FILTER (WHERE r.redeemed) AS buyers,
                       count(*) FILTER (WHERE r.redeemed) AS redeemed_count,
                       sum(r.amount_given) AS amount_given,
                       sum(r.amount_sponsor) AS amount_sponsor
                  FROM reached r
                  LEFT JOIN large USING (run_id, sponsor_id, category_id)
                 GROUP BY r.run_id, r.plan_id, r.company_id, r.day, r.sponsor_id,
                          large.category_id
                HAVING count(DISTINCT r.partner_id) >= {CELL}
            )
            SELECT id, plan_id, company_id, day, sponsor_id, category_id, list_count,
                   CASE WHEN told THEN redeemed_count END AS redeemed_count,
                   CASE WHEN told THEN amount_given END AS amount_given,
                   CASE WHEN told THEN amount_sponsor END AS amount_sponsor
              FROM (SELECT *, buyers = 0 OR buyers >= {CELL} AS told FROM cell) cell
        """
