from dateutil.relativedelta import relativedelta

from odoo import Command, api, fields, models
from odoo.tools import format_date

#: Months that can be looked at, the running one included.
MONTHS = 13


class HstyleCommissionSettlement(models.TransientModel):
    """What settling a month would do, and the button that does it."""

    _name = "hstyle.commission.settlement"
    _description = "Settle commission"

    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    month = fields.Selection(
        selection="_get_months",
        required=True,
        default=lambda self: self._get_months()[1][0],
    )
    is_over = fields.Boolean(compute="_compute_is_over")
    is_open = fields.Boolean(compute="_compute_is_open")
    line_ids = fields.One2many(
        comodel_name="hstyle.commission.settlement.line",
        inverse_name="settlement_id",
        string="Agents",
        compute="_compute_line_ids",
        compute_sudo=False,
        store=True,
    )

    @api.model
    def _get_months(self):
        """Return the last months, the running one first."""
        first = self.env.company._hstyle_today().replace(day=1)
        days = [first - relativedelta(months=back) for back in range(MONTHS)]
        return [
            (str(day), format_date(self.env, day, date_format="MMMM y")) for day in days
        ]

    @api.depends("company_id", "month")
    def _compute_is_over(self):
        statements = self.env["hstyle.commission.statement"]
        for wizard in self:
            month = fields.Date.to_date(wizard.month)
            wizard.is_over = month and statements._is_over(wizard.company_id, month)

    @api.depends("line_ids.settled", "is_over")
    def _compute_is_open(self):
        for wizard in self:
            settled = all(wizard.line_ids.mapped("settled"))
            wizard.is_open = wizard.is_over and not settled

    @api.depends("company_id", "month")
    def _compute_line_ids(self):
        for wizard in self:
            lines = [Command.create(values) for values in wizard._preview()]
            wizard.line_ids = [Command.clear(), *lines]

    def _preview(self):
        """Return the lines: what each agent gets, or got, for the month."""
        self.company_id._check_hstyle_company()
        month = fields.Date.to_date(self.month)
        statements = self.env["hstyle.commission.statement"].sudo()
        domain = [("company_id", "=", self.company_id.id), ("month", "=", month)]
        due = statements._get_figures(self.company_id, month)
        agents = self.env["hstyle.agent"].sudo().browse(due)
        agents |= statements.search(domain).agent_id
        preview = statements._preview(agents, month)
        return [
            {**figures, "agent_id": agent.id, "settled": agent.id not in due}
            for agent, figures in preview.items()
        ]

    def action_settle(self):
        """Settle the month, and show the statements."""
        self.ensure_one()
        self.check_access("write")
        self.company_id._check_hstyle_company()
        month = fields.Date.to_date(self.month)
        self.env["hstyle.commission.statement"].sudo()._settle(self.company_id, month)
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_commission_statement_action"
        )
        return {**action, "domain": [("month", "=", month)], "context": {}}


class HstyleCommissionSettlementLine(models.TransientModel):
    _name = "hstyle.commission.settlement.line"
    _description = "Agent in a settlement"

    settlement_id = fields.Many2one(
        comodel_name="hstyle.commission.settlement", required=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="settlement_id.currency_id")
    agent_id = fields.Many2one(comodel_name="hstyle.agent", readonly=True)
    opening = fields.Monetary(string="Brought forward", readonly=True)
    accrued = fields.Monetary(string="Commission earned", readonly=True)
    reversed = fields.Monetary(readonly=True)
    total = fields.Monetary(readonly=True)
    billed = fields.Monetary(string="To pay", readonly=True)
    minimum = fields.Monetary(string="Smallest payout", readonly=True)
    held = fields.Monetary(string="On hold", readonly=True)
    held_until = fields.Date(string="On hold until", readonly=True)
    reason = fields.Char(readonly=True)
    settled = fields.Boolean(readonly=True)
