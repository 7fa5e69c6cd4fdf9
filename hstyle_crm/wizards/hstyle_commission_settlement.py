from dateutil.relativedelta import relativedelta

from odoo import Command, api, fields, models


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
    month = fields.Date(required=True, default=lambda self: self._get_last_month())
    is_over = fields.Boolean(compute="_compute_is_over")
    line_ids = fields.One2many(
        comodel_name="hstyle.commission.settlement.line",
        inverse_name="settlement_id",
        string="Agents",
        compute="_compute_line_ids",
        compute_sudo=False,
        store=True,
    )

    @api.model
    def _get_last_month(self):
        today = self.env.company._hstyle_today()
        return today.replace(day=1) - relativedelta(months=1)

    @api.depends("company_id", "month")
    def _compute_is_over(self):
        statements = self.env["hstyle.commission.statement"]
        for wizard in self:
            month = (wizard.month or self._get_last_month()).replace(day=1)
            wizard.is_over = statements._is_over(wizard.company_id, month)

    @api.depends("company_id", "month")
    def _compute_line_ids(self):
        for wizard in self:
            lines = [Command.create(values) for values in wizard._preview()]
            wizard.line_ids = [Command.clear(), *lines]

    def _preview(self):
        """Return the lines: what each agent gets, or got, for the month."""
        self.company_id._check_hstyle_company()
        month = (self.month or self._get_last_month()).replace(day=1)
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
        self.env["hstyle.commission.statement"].sudo()._settle(
            self.company_id, self.month
        )
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_commission_statement_action"
        )
        domain = [("month", "=", self.month.replace(day=1))]
        return {**action, "domain": domain, "context": {}}


class HstyleCommissionSettlementLine(models.TransientModel):
    _name = "hstyle.commission.settlement.line"
    _description = "Agent in a settlement"

    settlement_id = fields.Many2one(
        comodel_name="hstyle.commission.settlement", required=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="settlement_id.currency_id")
    agent_id = fields.Many2one(comodel_name="hstyle.agent", readonly=True)
    opening = fields.Monetary(string="Brought forward", readonly=True)
    accrued = fields.Monetary(string="Earned", readonly=True)
    reversed = fields.Monetary(readonly=True)
    total = fields.Monetary(readonly=True)
    billed = fields.Monetary(string="To pay", readonly=True)
    minimum = fields.Monetary(string="Smallest payout", readonly=True)
    held = fields.Monetary(string="On hold", readonly=True)
    held_until = fields.Date(readonly=True)
    reason = fields.Char(readonly=True)
    settled = fields.Boolean(readonly=True)
