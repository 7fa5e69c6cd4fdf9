import logging
from datetime import timedelta

from odoo import Command, api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from .hstyle_habit import LOYALTIES, USAGES

_logger = logging.getLogger(__name__)

#: The weights that a plan starts with: heavy users get the strongest offers, and those
#: most whom another brand or nobody holds yet.
WEIGHTS = {
    "store": (0.5, 1.0, 2.0),
    "brand": (0.5, 1.25, 2.5),
    "switcher": (0.75, 1.5, 3.0),
}
#: What a dry run hangs on: whoever changes it runs dry again.
_RULES = {
    "threshold",
    "lines_per_list",
    "valid_days",
    "budget",
    "floor",
    "ceiling",
    "cell_ids",
}


class HstyleOfferPlan(models.Model):
    """Who gets a personal list of offers every so many days, and what it may cost."""

    _name = "hstyle.offer.plan"
    _description = "Offer plan"
    _inherit = ["hstyle.offer.allocation"]
    _order = "name, id"

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
        ondelete="cascade",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    state = fields.Selection(
        selection=[("draft", "Draft"), ("running", "Running"), ("stopped", "Stopped")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
    )

    # Who and what.
    every_days = fields.Integer(string="Every (days)", default=14, required=True)
    valid_days = fields.Integer(
        string="Valid (days)",
        default=14,
        required=True,
        help="A list ends before the next one of its plan begins.",
    )
    threshold = fields.Monetary(
        string="Revenue above",
        required=True,
        help="Customers get a list whose net revenue of the last 12 months is above.",
    )
    lines_per_list = fields.Integer(string="Offers per list", default=5, required=True)

    # How deep.
    budget = fields.Monetary(
        string="Budget of a run",
        required=True,
        help="What the offers of a run may be expected to cost.",
    )
    floor = fields.Integer(string="Depth from (%)", default=5, required=True)
    ceiling = fields.Integer(string="Depth to (%)", default=30, required=True)
    cell_ids = fields.One2many(
        comodel_name="hstyle.offer.cell",
        inverse_name="plan_id",
        string="Weights",
        copy=True,
        default=lambda self: self._get_default_cells(),
    )
    sponsor_ids = fields.One2many(
        comodel_name="hstyle.offer.sponsor",
        inverse_name="plan_id",
        string="Sponsors",
        copy=True,
    )
    template_id = fields.Many2one(
        comodel_name="mail.template",
        string="E-mail",
        domain=[("model", "=", "hstyle.offer.list")],
        ondelete="set null",
        index="btree_not_null",
        default=lambda self: self.env.ref(
            "hstyle_crm.mail_template_offer_list", raise_if_not_found=False
        ),
        help="Without one, customers find their list in the portal only.",
    )

    # The runs.
    next_run_on = fields.Date(string="Next run", copy=False)
    dry_run_text = fields.Text(string="Dry run", readonly=True, copy=False)
    run_ids = fields.One2many(
        comodel_name="hstyle.offer.run", inverse_name="plan_id", readonly=True
    )

    _days_sound = models.Constraint(
        "CHECK (0 < valid_days AND valid_days <= every_days)",
        "A list must be valid for a day at least, and end before the next one begins.",
    )
    _depth_sound = models.Constraint(
        "CHECK (1 <= floor AND floor <= ceiling AND ceiling <= 90)",
        "Depths lie between 1 and 90 percent, the lower one first.",
    )
    _lines_positive = models.Constraint(
        "CHECK (lines_per_list BETWEEN 1 AND 50)", "A list has 1 to 50 offers."
    )
    _money_sound = models.Constraint(
        "CHECK (budget > 0 AND threshold >= 0)",
        "The budget must be above zero, and the revenue not below.",
    )

    @api.model
    def _get_default_cells(self):
        return [
            Command.create({"loyalty": loyalty, "usage": usage, "weight": weight})
            for loyalty, _label in LOYALTIES
            for (usage, _label), weight in zip(USAGES, WEIGHTS[loyalty], strict=True)
        ]

    @api.constrains("company_id")
    def _check_company_stays(self):
        if any(plan.run_ids.company_id - plan.company_id for plan in self):
            raise ValidationError(
                self.env._("A plan that made lists stays in its company.")
            )

    @api.model_create_multi
    def create(self, vals_list):
        plans = super().create(vals_list)
        self.env.registry.clear_cache()
        return plans

    def write(self, vals):
        if not _RULES.isdisjoint(vals):
            vals = {**vals, "dry_run_text": False}
        result = super().write(vals)
        if not {"state", "company_id"}.isdisjoint(vals):
            self.env.registry.clear_cache()
        return result

    @api.model
    @tools.ormcache()
    def _get_busy_companies(self):
        """Return the ids of companies whose customers may have lists."""
        plans = self.sudo().search([("state", "!=", "draft")])
        return tuple(plans.company_id.ids)

    # === ACTIONS === #

    def action_dry_run(self):
        """Say what a run of today would plan, and change nothing else."""
        self.ensure_one()
        self.check_access("write")
        self.dry_run_text = self.sudo()._explain(self.sudo()._allocate(self._today()))

    def action_start(self):
        """Let the job make lists from now on."""
        for plan in self:
            if not plan.dry_run_text:
                raise UserError(
                    self.env._(
                        "Run %s dry first, and look at what it would plan.", plan.name
                    )
                )
            today = plan._today()
            plan.state = "running"
            plan.next_run_on = max(plan.next_run_on or today, today)

    def action_stop(self):
        """Make no more lists; those that were made stay valid."""
        self.state = "stopped"

    def action_run(self):
        """Make the lists of today now, and have them sent."""
        self.ensure_one()
        self.check_access("write")
        if self.state != "running":
            raise UserError(self.env._("Start %s first.", self.name))
        if running := self._get_running(self._today()):
            raise UserError(
                self.env._(
                    "The lists of %(day)s are valid until %(until)s. The next ones can "
                    "be made after that.",
                    day=running.day,
                    until=running.date_to,
                )
            )
        run = self.sudo()._run()
        if run.bound == "floor" and not run.list_count:
            raise UserError(run.result_text)
        self.env.ref("hstyle_crm.ir_cron_offer_mail").sudo()._trigger()

    def action_open_lists(self):
        """Show the lists of this plan."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_offer_list_action"
        )
        return {**action, "domain": [("plan_id", "=", self.id)], "context": {}}

    # === RUNS === #

    def _today(self):
        return self.sudo().company_id._hstyle_today()

    def _get_running(self, day):
        """Return the run whose lists are valid on a day or later, or none."""
        domain = [
            ("plan_id", "=", self.id),
            ("date_to", ">=", day),
            ("list_count", ">", 0),
        ]
        return self.env["hstyle.offer.run"].search(domain, limit=1)

    def _run(self):
        """Make the lists of today, unless there are valid ones; return the run.

        All in the caller's transaction. Where the floor alone costs more than the
        budget, no list is made, and the run says so.
        """
        self.ensure_one()
        day = self._today()
        # Of two runs at once the second waits here, and is then called again.
        self.env.cr.execute(
            SQL("UPDATE hstyle_offer_plan SET id = id WHERE id = %s", self.id)
        )
        if running := self._get_running(day):
            return running
        figures = self._allocate(day)
        if figures["bound"] == "floor":
            figures = {**figures, "customers": 0, "lines": 0, "planned": 0}
        run = self._record_run(day, figures)
        if figures["customers"]:
            self._insert_lists(run)
        self.next_run_on = day + timedelta(days=self.every_days)
        return run

    def _record_run(self, day, figures):
        """Keep the figures of a day's run; one that made no list is written over."""
        domain = [("plan_id", "=", self.id), ("day", "=", day)]
        values = {
            "plan_id": self.id,
            "day": day,
            "date_to": self._get_end(day),
            "list_count": figures["customers"],
            "line_count": figures["lines"],
            "amount_budget": self.budget,
            "amount_planned": figures["planned"],
            "bound": figures["bound"],
            "result_text": self._explain(figures),
        }
        runs = self.env["hstyle.offer.run"]
        if run := runs.search(domain):
            run.write(values)
            return run
        return runs.create(values)

    def _get_end(self, day):
        """Return the last day of lists that are made on a day."""
        return day + timedelta(days=self.valid_days - 1)

    def _explain(self, figures):
        """Return in words what a run plans."""
        money = self.currency_id.format
        texts = [
            self.env._(
                "%(customers)s customers, %(lines)s offers.",
                customers=figures["customers"],
                lines=figures["lines"],
            ),
            self.env._(
                "Planned: %(planned)s of the budget of %(budget)s.",
                planned=money(figures["planned"]),
                budget=money(self.budget),
            ),
        ]
        if figures["bound"] == "ceiling":
            texts.append(
                self.env._(
                    "The upper depth of %s %% is in the way of the budget: all offers "
                    "are that deep.",
                    self.ceiling,
                )
            )
        elif figures["bound"] == "floor":
            texts.append(
                self.env._(
                    "The lower depth of %(floor)s %% alone costs %(least)s. No list is "
                    "made: raise the budget, lower that depth, or choose fewer "
                    "customers or offers.",
                    floor=self.floor,
                    least=money(figures["least"]),
                )
            )
        texts += [
            self.env._(
                "%(low)s–%(high)s %%: %(count)s offers", low=low, high=high, count=count
            )
            for low, high, count in figures["depths"]
        ]
        return "\n".join(texts)

    @api.model
    def _cron_offers(self):
        """Close what was bought or is over, then make the lists that are due.

        A step or a plan is a commit. What failed is tried again the next night.
        """
        self.env["hstyle.offer.line"]._advance()
        commit = self.env["ir.cron"]._commit_progress
        today = fields.Date.today() + timedelta(days=1)
        due = self.search([("state", "=", "running"), ("next_run_on", "<=", today)])
        due = due.filtered(lambda plan: plan.next_run_on <= plan._today())
        commit(remaining=len(due))
        for plan in due:
            plan._run_safely()
            if not commit(1):
                break

    def _run_safely(self):
        """Run, and tell the CRM managers where it made no list."""
        try:
            with self.env.cr.savepoint():
                run = self._run()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()
            _logger.info("Somebody else runs offer plan %s.", self.name)
            return
        except Exception as error:
            _logger.exception("Offer plan %s cannot run.", self.name)
            text = str(error)
        else:
            text = "" if run.list_count else run.result_text
        if text:
            subject = self.env._("%s: no lists of offers", self.name)
            self.env["res.users"]._tell_crm_managers(subject, text)
