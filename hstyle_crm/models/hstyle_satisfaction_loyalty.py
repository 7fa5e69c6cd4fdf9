from odoo import fields, models

#: Of an answer of 5 against one of 4; see HstyleSatisfactionLoyalty.
PUBLISHED = 6
MONTHS = 18


class HstyleSatisfactionLoyalty(models.Model):
    """Who bought again within 18 months, by the score of the answer.

    Beside it the published figure: totally satisfied customers of Xerox were six times
    more likely to buy again within 18 months than the satisfied ones. Source: T. Jones
    and W. E. Sasser, "Why Satisfied Customers Defect", Harvard Business Review,
    November-December 1995. Only answers that are 18 months old count.
    """

    _name = "hstyle.satisfaction.loyalty"
    _description = "Repurchase by satisfaction"
    _auto = False
    _order = "company_id, score desc"
    _rec_name = "score"
    _depends = {
        "rating.rating": ["hstyle_company_id", "hstyle_question", "rating", "consumed"],
        "hstyle.purchase": ["contact_id", "company_id", "date_order", "orders"],
    }

    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    score = fields.Integer(readonly=True, aggregator=None)
    answers = fields.Integer(readonly=True)
    bought = fields.Integer(string="Bought again", readonly=True)
    share = fields.Float(readonly=True, aggregator=None)
    factor = fields.Float(
        string="Times as many as at 4",
        readonly=True,
        aggregator=None,
        falsy_value=None,
        help="Empty where nobody who said 4 bought again.",
    )
    published = fields.Float(
        string="Published (Xerox, 1995)",
        readonly=True,
        aggregator=None,
        falsy_value=None,
    )

    @property
    def _table_query(self):
        return f"""
            WITH answer AS (
                 SELECT g.hstyle_company_id AS company_id, g.rating::int AS score,
                        EXISTS (SELECT FROM res_partner c
                                  JOIN hstyle_purchase b ON b.contact_id = c.id
                                 WHERE c.commercial_partner_id = a.commercial_partner_id
                                   AND b.company_id = g.hstyle_company_id
                                   AND b.orders > 0
                                   AND b.date_order > g.rated_on
                                   AND b.date_order
                                       <= g.rated_on + interval '{MONTHS} months'
                               ) AS again
                   FROM rating_rating g
                   JOIN res_partner a ON a.id = g.partner_id
                  WHERE g.hstyle_question IS NOT NULL
                    AND g.consumed
                    AND g.rated_on
                        <= now() AT TIME ZONE 'UTC' - interval '{MONTHS} months'
                 ),
                 score AS (
                 SELECT company_id, score, count(*) AS answers,
                        count(*) FILTER (WHERE again) AS bought,
                        avg(again::int)::float AS share
                   FROM answer
                  GROUP BY company_id, score
                 )
            SELECT company_id * 10 + score AS id, company_id, score, answers, bought,
                   share,
                   share / NULLIF(max(share) FILTER (WHERE score = 4)
                       OVER (PARTITION BY company_id), 0) AS factor,
                   CASE WHEN score = 5 THEN {PUBLISHED}
                        WHEN score = 4 THEN 1 END AS published
              FROM score
        """
