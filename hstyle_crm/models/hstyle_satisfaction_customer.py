import operator as ops

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

SCORES = range(1, 6)
OPERATORS = {"<": ops.lt, "<=": ops.le, ">": ops.gt, ">=": ops.ge}


class HstyleSatisfactionCustomer(models.AbstractModel):
    """How satisfied a customer is: a half of res.partner."""

    _name = "hstyle.satisfaction.customer"
    _description = "Satisfaction of customers"

    last_score = fields.Integer(
        string="Last satisfaction",
        compute="_compute_last_score",
        search="_search_last_score",
        groups="hstyle_crm.hstyle_crm_group_user",
        help="The customer's last answer: 1 to 5. 0: none yet.",
    )

    @api.depends_context("company")
    def _compute_last_score(self):
        ratings = self.env["rating.rating"].sudo()
        self.env.flush_all()
        last = ratings._sql_last_scores(self.env.company)
        query = SQL("SELECT * FROM (%s) last WHERE customer = ANY(%s)", last, self.ids)
        scores = dict(self.env.execute_query(query))
        for partner in self:
            partner.last_score = scores.get(partner.id, 0)

    @api.model
    def _search_last_score(self, operator, value):
        if operator == "in":
            wanted = [score for score in SCORES if score in value]
            none = not all(value)
        elif compare := OPERATORS.get(operator):
            wanted = [score for score in SCORES if compare(score, value)]
            none = compare(0, value)
        else:
            return NotImplemented
        answered = self._get_score_domain(wanted)
        return answered | ~self._get_score_domain(list(SCORES)) if none else answered

    @api.model
    def _get_score_domain(self, scores):
        """Return the domain of customers whose last answer is one of some."""
        ratings = self.env["rating.rating"]
        ratings.flush_model()
        last = ratings._sql_last_scores(self.env.company)

        def scored(_model, alias, _query):
            return SQL(
                "%s IN (SELECT customer FROM (%s) last WHERE score = ANY(%s))",
                SQL.identifier(alias, "id"),
                last,
                scores,
            )

        return Domain.custom(to_sql=scored)
