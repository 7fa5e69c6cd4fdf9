from odoo import api, fields, models

KINDS = [
    ("join", "Joined"),
    ("up", "Upgraded"),
    ("keep", "Renewed"),
    ("down", "Downgraded"),
    ("left", "Left the programme"),
]
CAUSES = [
    ("rules", "Reached by the rules"),
    ("renewed", "Kept by the rules"),
    ("expired", "Not kept by the rules"),
    ("refund", "Undone by a refund"),
    ("invitation", "Invited"),
    ("override", "Set by hand"),
    ("sold", "Bought"),
    ("merged", "Contacts merged"),
    ("transfer", "Member of another company now"),
]


class HstyleTierMove(models.Model):
    """A change of a customer's tier: when, why, by which figures and by whom.

    Posted by `res.partner.grade._assign` alone; nobody edits or deletes one.
    """

    _name = "hstyle.tier.move"
    _description = "Tier move"
    _order = "date desc, id desc"
    _rec_name = "partner_id"
    _log_access = False

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(comodel_name="res.company", required=True)
    date = fields.Date(required=True)
    grade_from_id = fields.Many2one(
        comodel_name="res.partner.grade", string="Before", index="btree_not_null"
    )
    grade_to_id = fields.Many2one(
        comodel_name="res.partner.grade", string="After", index="btree_not_null"
    )
    kind = fields.Selection(selection=KINDS, required=True)
    origin = fields.Selection(
        selection=[("auto", "Automatic"), ("manual", "Manual")], required=True
    )
    cause = fields.Selection(selection=CAUSES, string="Reason", required=True)
    note = fields.Char()
    figures = fields.Json(
        string="Figures by rule",
        help="What decided: measure, window, months, threshold and value of each "
        "condition.",
    )
    figures_text = fields.Char(string="Figures", compute="_compute_figures_text")
    valid_until = fields.Date(string="Valid until")
    user_id = fields.Many2one(comodel_name="res.users", required=True)

    # Read by the statement.
    _statement_idx = models.Index("(company_id, date)")

    @api.depends("figures", "company_id")
    def _compute_figures_text(self):
        for move in self:
            move.figures_text = "; ".join(
                move._format_figure(figure) for figure in move.figures or []
            )

    def _format_figure(self, figure):
        """Return a figure in words, such as ``Net spend of 12 months: ¥ 1 of ¥ 2``."""
        rules, currency = self.env["hstyle.tier.rule"], self.company_id.currency_id
        measure = figure["measure"]
        return self.env._(
            "%(what)s: %(value)s of %(threshold)s",
            what=rules._describe(measure, figure["window"], figure["months"]),
            value=rules._format(measure, figure["value"], currency),
            threshold=rules._format(measure, figure["threshold"], currency),
        )
