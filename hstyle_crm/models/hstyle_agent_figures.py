from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

#: After so many days without a friend an active agent is idle.
IDLE_DAYS = 60


class HstyleAgentFigures(models.AbstractModel):
    """What an agent brings, as the boards show it: a half of hstyle.agent."""

    _name = "hstyle.agent.figures"
    _description = "Figures of a campus agent"

    referral_ids = fields.One2many(
        comodel_name="hstyle.referral", inverse_name="agent_id", string="Referrals"
    )
    friend_count = fields.Integer(
        string="Friends",
        compute="_compute_friends",
        help="Without those who wait for a review or were rejected.",
    )
    hold_count = fields.Integer(
        string="On hold",
        compute="_compute_friends",
        help="Friends whose first order may still be sent back.",
    )
    kept_count = fields.Integer(
        string="Kept customers",
        compute="_compute_friends",
        help="Friends who kept their first order.",
    )
    kept_month = fields.Integer(string="Kept this month", compute="_compute_kept_month")
    progress = fields.Integer(string="Of the target, %", compute="_compute_kept_month")
    is_idle = fields.Boolean(
        string="Idle",
        compute="_compute_is_idle",
        search="_search_is_idle",
        help="Active, and brought no friend for 60 days.",
    )

    # The circle: what the friends went on to buy.
    buyer_count = fields.Integer(string="With an order", compute="_compute_circle")
    again_text = fields.Char(
        string="Came again",
        compute="_compute_circle",
        help="Of the friends whose first order is so many days ago.",
    )

    @api.depends("referral_ids.state")
    def _compute_friends(self):
        rows = self.env["hstyle.referral"]._read_group(
            [("agent_id", "in", self.ids)], ["agent_id", "state"], ["__count"]
        )
        counts = {(agent.id, state): count for agent, state, count in rows}
        for agent in self:
            agent.hold_count = counts.get((agent.id, "hold"), 0)
            agent.kept_count = counts.get((agent.id, "rewarded"), 0)
            referred = counts.get((agent.id, "referred"), 0)
            agent.friend_count = referred + agent.hold_count + agent.kept_count

    @api.depends("target", "referral_ids.rewarded_on")
    def _compute_kept_month(self):
        for company, agents in self.grouped("company_id").items():
            today = (company or self.env.company)._hstyle_today()
            domain = [
                ("agent_id", "in", agents.ids),
                ("state", "=", "rewarded"),
                ("rewarded_on", ">=", today.replace(day=1)),
            ]
            rows = self.env["hstyle.referral"]._read_group(
                domain, ["agent_id"], ["__count"]
            )
            kept = {agent.id: count for agent, count in rows}
            for agent in agents:
                agent.kept_month = kept.get(agent.id, 0)
                share = agent.target and agent.kept_month * 100 // agent.target
                agent.progress = min(share, 100)

    @api.depends("state", "activated_on", "referral_ids.claimed_on")
    def _compute_is_idle(self):
        idle = self.search([("id", "in", self.ids), ("is_idle", "=", True)])
        for agent in self:
            agent.is_idle = agent in idle

    @api.model
    def _search_is_idle(self, operator, value):
        if operator != "in":
            return NotImplemented
        since = fields.Datetime.now() - timedelta(days=IDLE_DAYS)
        brought = [("claimed_on", ">", since), ("state", "!=", "rejected")]
        idle = (
            Domain("state", "=", "active")
            & Domain("activated_on", "<=", since.date())
            & Domain("referral_ids", "not any", brought)
        )
        return idle if True in value else ~idle

    @api.depends_context("lang")
    def _compute_circle(self):
        sums = ["buyers:sum", "revenue:sum"]
        rates = ["again_30:avg", "again_90:avg", "again_365:avg"]
        rows = self.env["hstyle.circle"]._read_group(
            [("agent_id", "in", self.ids)], ["agent_id"], sums + rates
        )
        figures = {agent.id: values for agent, *values in rows}
        for agent in self:
            buyers, revenue, *again = figures.get(agent.id, (0, 0))
            agent.buyer_count = buyers
            agent.circle_revenue = revenue
            agent.again_text = agent._get_again_text(again)

    @api.model
    def _get_again_text(self, rates):
        """Return who came again as text: a rate is False until it is known."""
        labels = (
            self.env._("%d %% in 30 days"),
            self.env._("%d %% in 90 days"),
            self.env._("%d %% in a year"),
        )
        known = [
            label % round(rate)
            for label, rate in zip(labels, rates, strict=False)
            if rate is not False
        ]
        return ", ".join(known) or self.env._("Not known yet")

    def action_circle(self):
        """Show the agent's friends, and what they went on to buy."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_circle_action"
        )
        return {**action, "domain": [("agent_id", "=", self.id)], "context": {}}

    def action_friends(self):
        """Show the agent's referrals, those that were rejected too."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_referral_action"
        )
        return {**action, "domain": [("agent_id", "=", self.id)], "context": {}}
