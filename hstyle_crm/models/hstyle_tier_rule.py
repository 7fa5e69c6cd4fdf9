from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

MEASURES = [
    ("spend", "Net spend"),
    ("orders", "Orders kept"),
    ("points", "Points earned by orders"),
    ("months", "Months of membership"),
]
#: Says that `_activate` writes: an object of this process, which no client can send.
_ACTIVATING = {"activating": object()}
WINDOWS = [
    ("rolling", "Last months"),
    ("year", "Calendar year"),
    ("entry", "Since entry"),
]


class HstyleTierRule(models.Model):
    """One condition for entering or keeping a tier.

    Conditions of an alternative must all hold, and one alternative is enough. A draft
    decides nothing until a manager has tried it and puts it to work (`_activate`).
    """

    _name = "hstyle.tier.rule"
    _description = "Tier rule"
    _order = "grade_id, purpose, alternative, id"

    grade_id = fields.Many2one(
        comodel_name="res.partner.grade",
        string="Tier",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("is_tier", "=", True)],
    )
    company_id = fields.Many2one(related="grade_id.company_id", store=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    purpose = fields.Selection(
        selection=[("entry", "To enter"), ("keep", "To keep")],
        default="entry",
        required=True,
    )
    alternative = fields.Integer(
        default=1,
        required=True,
        help="Conditions with the same number must all hold; one number is enough.",
    )
    measure = fields.Selection(selection=MEASURES, default="spend", required=True)
    window = fields.Selection(
        selection=WINDOWS,
        default="rolling",
        required=True,
        help="To keep a tier, last months and calendar year are those that end with "
        "the tier's validity, and entry is the beginning of that validity.",
    )
    months = fields.Integer(default=12, help="Length of the window of last months.")
    threshold = fields.Float(
        string="At least",
        digits=(16, 2),
        required=True,
        help="Who reaches exactly this has the tier. Net spend is in the currency of "
        "the tier's company.",
    )
    state = fields.Selection(
        selection=[("draft", "Draft"), ("active", "Active")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )

    _months_positive = models.Constraint(
        "CHECK (months BETWEEN 1 AND 1200 OR \"window\" <> 'rolling'"
        " OR measure = 'months')",
        "A window of last months is from 1 to 1200 months long.",
    )
    _threshold_positive = models.Constraint(
        "CHECK (threshold >= 0)", "A threshold is not below zero."
    )

    @api.constrains("measure", "threshold")
    def _check_whole(self):
        for rule in self.filtered(lambda r: r.measure in ("orders", "months")):
            if rule.threshold % 1:
                raise ValidationError(
                    self.env._("Orders and months are whole numbers.")
                )

    @api.constrains("measure", "purpose", "grade_id")
    def _check_grade(self):
        for rule in self:
            if not rule.grade_id.is_tier:
                raise ValidationError(
                    self.env._("Only member tiers have rules; this level is none.")
                )

    @api.depends("grade_id", "measure", "window", "months", "threshold", "currency_id")
    def _compute_display_name(self):
        for rule in self:
            rule.display_name = self.env._(
                "%(what)s: at least %(threshold)s",
                what=self._describe(rule.measure, rule.window, rule.months),
                threshold=self._format(rule.measure, rule.threshold, rule.currency_id),
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals["state"] = "draft"
        return super().create(vals_list)

    def write(self, vals):
        if self._is_activating():
            return super().write(vals)
        if any(rule.state == "active" for rule in self):
            raise UserError(
                self.env._(
                    "Active rules decide over members and are not edited. Duplicate "
                    "them as drafts, change those, and try what they would do."
                )
            )
        return super().write({k: v for k, v in vals.items() if k != "state"})

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_active(self):
        if not self._is_activating() and "active" in self.mapped("state"):
            raise UserError(
                self.env._(
                    "Active rules decide over members. Put others in their place."
                )
            )

    def _is_activating(self):
        return self.env.context.get("activating") is _ACTIVATING["activating"]

    def _activate(self):
        """Put drafts to work, in place of the rules of their tiers and purposes."""
        for (grade, purpose), drafts in self.grouped(
            lambda rule: (rule.grade_id, rule.purpose)
        ).items():
            domain = [("grade_id", "=", grade.id), ("purpose", "=", purpose)]
            rules = self.with_context(**_ACTIVATING)
            rules.search([*domain, ("id", "not in", drafts.ids)]).unlink()
        self.with_context(**_ACTIVATING).write({"state": "active"})
        self.env.registry.clear_cache()

    @api.model
    def _describe(self, measure, window, months):
        """Return what a condition measures, in words."""
        name = self._get_label("measure", measure)
        if measure == "months":
            return name
        if window == "rolling":
            return self.env._(
                "%(measure)s of %(months)s months", measure=name, months=months
            )
        return f"{name}, {self._get_label('window', window).lower()}"

    @api.model
    def _get_label(self, field, value):
        return dict(self._fields[field]._description_selection(self.env))[value]

    @api.model
    def _format(self, measure, value, currency):
        """Return a figure, such as ``¥ 320`` or ``2``."""
        if measure == "spend":
            return currency.format(float(value)).replace("\xa0", " ")
        return f"{float(value):,.2f}".rstrip("0").rstrip(".")

    @api.model
    def _format_missing(self, measure, value, currency):
        """Return a figure with its unit, such as ``¥ 320`` or ``2 orders``."""
        number = self._format(measure, value, currency)
        if measure == "spend":
            return number
        if value == 1:
            return {
                "orders": self.env._("1 order"),
                "points": self.env._("1 point"),
                "months": self.env._("1 month"),
            }[measure]
        return {
            "orders": self.env._("%s orders", number),
            "points": self.env._("%s points", number),
            "months": self.env._("%s months", number),
        }[measure]
