from odoo import fields, models


class HstyleOfferRun(models.Model):
    """What a plan did on a day; written by its `_run` alone."""

    _name = "hstyle.offer.run"
    _description = "Run of an offer plan"
    _order = "day desc, id desc"
    _rec_name = "day"

    plan_id = fields.Many2one(
        comodel_name="hstyle.offer.plan",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        related="plan_id.company_id", store=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    day = fields.Date(required=True, readonly=True)
    date_to = fields.Date(string="Valid until", required=True, readonly=True)
    list_count = fields.Integer(string="Customers", readonly=True)
    line_count = fields.Integer(string="Offers", readonly=True)
    amount_budget = fields.Monetary(string="Budget", readonly=True)
    amount_planned = fields.Monetary(string="Planned amount", readonly=True)
    bound = fields.Selection(
        selection=[("floor", "Lower depth"), ("ceiling", "Upper depth")],
        string="In the way of the budget",
        readonly=True,
    )
    result_text = fields.Text(string="Result", readonly=True)

    _day_unique = models.Constraint("UNIQUE (plan_id, day)", "A plan runs once a day.")
