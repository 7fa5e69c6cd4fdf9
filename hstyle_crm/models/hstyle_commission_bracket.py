from odoo import api, fields, models


class HstyleCommissionBracket(models.Model):
    """The percent of a month's volume from an amount on, up to the next bracket."""

    _name = "hstyle.commission.bracket"
    _description = "Commission bracket"
    _order = "plan_id, from_amount"

    plan_id = fields.Many2one(
        comodel_name="hstyle.commission.plan",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="plan_id.company_id", store=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    from_amount = fields.Monetary(string="From")
    percent = fields.Float(digits=(5, 2), required=True)

    _from_unique = models.Constraint(
        "UNIQUE (plan_id, from_amount)", "Two brackets of a plan start alike."
    )
    _values_valid = models.Constraint(
        "CHECK (from_amount >= 0 AND percent >= 0 AND percent <= 50)",
        "A bracket starts at 0 or above, and gives 0 to 50 percent.",
    )

    @api.constrains("from_amount")
    def _check_first(self):
        self.plan_id._check_first_bracket()
