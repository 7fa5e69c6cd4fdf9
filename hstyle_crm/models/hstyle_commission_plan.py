from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import commission


class HstyleCommissionPlan(models.Model):
    """What agents earn on what their friends buy and keep.

    The rate of a product comes first, then that of the nearest category, then the
    bracket of the month's volume. There is nothing else to be paid for.
    """

    _name = "hstyle.commission.plan"
    _description = "Commission plan"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        default=10, help="The first plan is that of agents without one of their own."
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    minimum = fields.Monetary(
        string="Smallest payout",
        default=0,
        help="Less is carried forward to the next month; graduates get all of it.",
    )
    months = fields.Integer(
        string="Months per friend",
        default=12,
        help="Orders of so many months after a friend was referred give commission. "
        "0: without end.",
    )
    rate_ids = fields.One2many(
        comodel_name="hstyle.commission.rate", inverse_name="plan_id", string="Rates"
    )
    bracket_ids = fields.One2many(
        comodel_name="hstyle.commission.bracket",
        inverse_name="plan_id",
        string="By volume",
        help="For all that has no rate of its own. What friends keep of a month's "
        "orders counts as volume; each part of it gives the percent of its bracket.",
    )

    _numbers_positive = models.Constraint(
        "CHECK (minimum >= 0 AND months >= 0)",
        "The smallest payout and the months are not below zero: agents pay no fee.",
    )

    @api.constrains("bracket_ids")
    def _check_first_bracket(self):
        for plan in self:
            starts = plan.bracket_ids.mapped("from_amount")
            if starts and min(starts) != 0:
                raise ValidationError(
                    self.env._("The first bracket of %s starts at 0.", plan.name)
                )

    @api.model
    def _get_default(self, company):
        """Return the plan of a company's agents who have none of their own."""
        domain = [("company_id", "in", company.sudo().parent_ids.ids)]
        return self.sudo().search(domain, limit=1)

    def _get_rate(self, product):
        """Return the rate for a product, or none: then the brackets hold."""
        rates = self.rate_ids
        found = rates.filtered(lambda rate: rate.product_id == product)
        categories = product.categ_id.parent_path or ""
        for categ_id in reversed(categories.split("/")[:-1]):
            found = found or rates.filtered(
                lambda rate, categ_id=int(categ_id): rate.categ_id.id == categ_id
            )
        return found

    def _get_amount(self, product, base, pieces, before):
        """Return the commission on a base, unrounded.

        :param before: the month's volume so far
        """
        if rate := self._get_rate(product):
            return rate._get_amount(base, pieces)
        brackets = [
            (commission.exact(bracket.from_amount), commission.exact(bracket.percent))
            for bracket in self.bracket_ids
        ]
        return commission.get_marginal(brackets, before, base)
