from odoo import api, fields, models
from odoo.exceptions import UserError


class HstyleCampus(models.Model):
    """A university or a part of it where agents work."""

    _name = "hstyle.campus"
    _description = "Campus"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    country_id = fields.Many2one(
        comodel_name="res.country",
        default=lambda self: self.env.company.country_id,
    )
    state_id = fields.Many2one(
        comodel_name="res.country.state",
        string="Region",
        domain="[('country_id', '=?', country_id)]",
    )
    city = fields.Char()
    street = fields.Char(string="Address")
    manager_id = fields.Many2one(
        comodel_name="res.users",
        string="Campus manager",
        index=True,
        domain=[("share", "=", False)],
        tracking=True,
        help="Sees the agents, friends and classmates of this campus, and no others.",
    )
    agent_ids = fields.One2many(
        comodel_name="hstyle.agent", inverse_name="campus_id", string="Agents"
    )

    # Figures.
    agent_count = fields.Integer(string="Active agents", compute="_compute_agents")
    applicant_count = fields.Integer(string="Applicants", compute="_compute_agents")
    friend_count = fields.Integer(string="Friends", compute="_compute_friends")
    kept_count = fields.Integer(string="Kept customers", compute="_compute_friends")

    _name_unique = models.Constraint(
        "UNIQUE (name, company_id)", "There is a campus of this name already."
    )

    @api.depends("agent_ids.state")
    @api.depends_context("uid")
    def _compute_agents(self):
        rows = self.env["hstyle.agent"]._read_group(
            [("campus_id", "in", self.ids)], ["campus_id", "state"], ["__count"]
        )
        counts = {(campus.id, state): count for campus, state, count in rows}
        for campus in self:
            campus.agent_count = counts.get((campus.id, "active"), 0)
            campus.applicant_count = counts.get((campus.id, "applicant"), 0)

    @api.depends("agent_ids.referral_ids.state")
    @api.depends_context("uid")
    def _compute_friends(self):
        rows = self.env["hstyle.referral"]._read_group(
            [
                ("campus_id", "in", self.ids),
                ("state", "in", ["referred", "hold", "rewarded"]),
            ],
            ["campus_id", "state"],
            ["__count"],
        )
        counts = {(campus.id, state): count for campus, state, count in rows}
        for campus in self:
            found = [count for (key, _s), count in counts.items() if key == campus.id]
            campus.friend_count = sum(found)
            campus.kept_count = counts.get((campus.id, "rewarded"), 0)

    def write(self, vals):
        self._check_company(vals)
        return super().write(vals)

    def _check_company(self, vals):
        """Refuse to move a campus with its agents' accounts to another company."""
        moved = self.filtered(
            lambda campus: (
                campus.company_id.id != vals.get("company_id", campus.company_id.id)
            )
        )
        if moved.sudo().with_context(active_test=False).agent_ids:
            raise UserError(
                self.env._("The company of a campus with agents stays. Create another.")
            )

    def action_agents(self):
        """Show the agents of the campus."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_agent_action"
        )
        return {**action, "domain": [("campus_id", "=", self.id)], "context": {}}

    def action_circle(self):
        """Show the friends of the campus, and what they went on to buy."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_circle_action"
        )
        return {**action, "domain": [("campus_id", "=", self.id)], "context": {}}
