from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..models.hstyle_tier_query import get_per_step

#: What the costs are estimated from.
_SPEND = ("spend", "rolling", 12)
_POINTS = ("points", "rolling", 12)


class HstyleTierTrial(models.TransientModel):
    """What the drafts of a company's tier rules would do, before they decide.

    Every customer's last orders are measured as if all validities ended today: up goes
    who reaches a tier, at once, and down who would not keep it, at the validity's end.
    """

    _name = "hstyle.tier.trial"
    _description = "Trial of tier rules"

    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    draft_ids = fields.Many2many(
        comodel_name="hstyle.tier.rule",
        string="Drafts",
        compute="_compute_draft_ids",
        store=True,
    )
    line_ids = fields.One2many(
        comodel_name="hstyle.tier.trial.line",
        inverse_name="trial_id",
        compute="_compute_line_ids",
        # The company is one of the user's own.
        compute_sudo=False,
        store=True,
    )
    moved = fields.Integer(string="Would move", compute="_compute_totals")
    cost = fields.Monetary(
        string="Cost a year",
        compute="_compute_totals",
        help="More than today: member prices on the spend of the last 12 months, "
        "benefits used as often as the tiers allow, and points by their multipliers.",
    )

    @api.depends("company_id")
    def _compute_draft_ids(self):
        for trial in self:
            domain = [("company_id", "=", trial.company_id.id), ("state", "=", "draft")]
            trial.draft_ids = self.env["hstyle.tier.rule"].search(domain)

    @api.depends("draft_ids")
    def _compute_line_ids(self):
        for trial in self:
            lines = [Command.create(values) for values in trial._measure()]
            trial.line_ids = [Command.clear(), *lines]

    @api.depends("line_ids")
    def _compute_totals(self):
        for trial in self:
            trial.moved = sum(
                line.members
                for line in trial.line_ids
                if line.grade_from_id != line.grade_to_id
            )
            trial.cost = sum(trial.line_ids.mapped("cost"))

    def _measure(self):
        """Return the lines: how many customers go from which tier to which."""
        self.company_id._check_hstyle_company()
        self.env.flush_all()
        grades = self.env["res.partner.grade"]
        memberships = self.env["hstyle.membership"].sudo()
        query = memberships._get_query(
            self.company_id, self.draft_ids, more=(_SPEND, _POINTS), trial=True
        )
        found = self.env.execute_query(
            SQL(
                """
                SELECT step, result, COUNT(*), SUM(%(spend)s), SUM(%(points)s)
                  FROM (SELECT *, CASE WHEN pinned_until >= %(today)s THEN step
                                       WHEN target >= step OR kept
                                            OR valid_until IS NULL
                                       THEN GREATEST(step, target)
                                       ELSE %(lower)s END AS result
                          FROM (%(evaluation)s) n) moved
                 WHERE step > 0 OR result > 0
                 GROUP BY step, result
                 ORDER BY result DESC, step DESC
                """,
                spend=SQL.identifier(query.figures["entry", _SPEND]),
                points=SQL.identifier(query.figures["entry", _POINTS]),
                today=query.today,
                lower=get_per_step(
                    SQL("n.step - 1") if step.one_step else SQL("n.target")
                    for step in query.ladder
                ),
                evaluation=query.get(),
            )
        )
        tiers = [
            grades.sudo(),
            *(grades.sudo().browse(step.id) for step in query.ladder),
        ]
        return [
            self._prepare_line(tiers[step], tiers[result], *sums)
            for step, result, *sums in found
        ]

    def _prepare_line(self, before, after, members, spend, points):
        """Return a line with the cost of a year, over that of today."""
        spend, points = float(spend or 0), float(points or 0)
        price = spend * (after._get_discount() - before._get_discount()) / 100
        benefits = members * (after._get_benefit_cost() - before._get_benefit_cost())
        program = self.env["hstyle.benefit"]._get_company_program(self.company_id)
        multiplied = (after.tier_multiplier or 1) / (before.tier_multiplier or 1) - 1
        return {
            "when": self._get_when(before, after),
            "grade_from_id": before.id,
            "grade_to_id": after.id,
            "members": members,
            "spend": spend,
            "price_cost": price,
            "benefit_cost": benefits,
            "points_cost": points * multiplied * program.point_value,
        }

    @api.model
    def _get_when(self, before, after):
        """Return when customers move: up at once, down when they do not keep it."""
        if before == after:
            return "never"
        up = not before or (after and before._is_below(after))
        return "now" if up else "end"

    def action_activate(self):
        """Put the drafts to work; members move in the background, and are not told."""
        self.ensure_one()
        if not self.draft_ids:
            raise UserError(
                self.env._("There is no draft. Change a tier's rules, then try them.")
            )
        self.draft_ids._activate()
        self.company_id.sudo().hstyle_tier_quiet = fields.Datetime.now()
        self.env.ref("hstyle_crm.ir_cron_tier").sudo()._trigger()
        message = self.env._(
            "The rules decide from now on. Members are being moved in the background."
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": message,
                "type": "success",
                "next": {"type": "ir.actions.act_window_close"},
            },
        }


class HstyleTierTrialLine(models.TransientModel):
    _name = "hstyle.tier.trial.line"
    _description = "Line of a trial of tier rules"

    trial_id = fields.Many2one(
        comodel_name="hstyle.tier.trial", required=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="trial_id.currency_id")
    grade_from_id = fields.Many2one(
        comodel_name="res.partner.grade", string="Tier today"
    )
    grade_to_id = fields.Many2one(comodel_name="res.partner.grade", string="Then")
    when = fields.Selection(
        selection=[
            ("now", "At once"),
            ("end", "At the end of the validity"),
            ("never", "Stay"),
        ]
    )
    members = fields.Integer(string="Customers")
    spend = fields.Monetary(string="Net spend, 12 months")
    price_cost = fields.Monetary(string="Member prices")
    benefit_cost = fields.Monetary(string="Benefits")
    points_cost = fields.Monetary(string="Points")
    cost = fields.Monetary(compute="_compute_cost")

    @api.depends("price_cost", "benefit_cost", "points_cost")
    def _compute_cost(self):
        for line in self:
            line.cost = line.price_cost + line.benefit_cost + line.points_cost
