from odoo import api, fields, models

from ..tools import qr

STATES = [
    ("applicant", "Applicant"),
    ("active", "Active"),
    ("paused", "Paused"),
    ("alumnus", "Alumnus"),
]


class HstyleAgent(models.Model):
    """A student who brings classmates."""

    _name = "hstyle.agent"
    _description = "Campus agent"
    _inherit = [
        "mail.thread",
        "mail.activity.mixin",
        "hstyle.agent.life",
        "hstyle.agent.figures",
        "hstyle.gift.stock",
    ]
    _order = "campus_id, id"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Student",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
    )
    avatar_128 = fields.Image(string="Photo", related="partner_id.avatar_128")
    active = fields.Boolean(default=True)
    campus_id = fields.Many2one(
        comodel_name="hstyle.campus",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
    )
    company_id = fields.Many2one(related="campus_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    manager_id = fields.Many2one(related="campus_id.manager_id")
    state = fields.Selection(
        selection=STATES,
        default="applicant",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        group_expand=True,
    )
    study_from = fields.Date(string="Studies since")
    graduation_on = fields.Date(string="Graduates on", required=True, tracking=True)
    target = fields.Integer(
        string="Target a month", help="New customers who keep their first order."
    )

    plan_id = fields.Many2one(
        comodel_name="hstyle.commission.plan",
        string="Commission plan",
        ondelete="restrict",
        groups="account.group_account_invoice,hstyle_crm.hstyle_crm_group_manager",
        help="Empty: the first plan of the company.",
    )

    code = fields.Char(compute="_compute_code", compute_sudo=True)
    link = fields.Char(compute="_compute_code", compute_sudo=True)
    qr = fields.Char(string="QR code", compute="_compute_qr")

    circle_revenue = fields.Monetary(
        string="Net revenue of the circle", compute="_compute_circle"
    )

    motivation = fields.Text(help="What the applicant wrote.")
    contract_text = fields.Text(
        string="Contract",
        readonly=True,
        copy=False,
        help="As the student agreed to it; later changes of the settings leave it.",
    )
    contract_agreed_on = fields.Datetime(
        string="Agreed on", readonly=True, copy=False, tracking=True
    )

    _partner_unique = models.Constraint(
        "UNIQUE (partner_id, company_id)", "This student is an agent already."
    )
    _study_valid = models.Constraint(
        "CHECK (graduation_on > study_from)", "A student graduates after the start."
    )

    @api.depends("partner_id")
    def _compute_code(self):
        customers = self.partner_id.commercial_partner_id
        codes = self.env["hstyle.referral.code"]
        codes = codes.search([("partner_id", "in", customers.ids)])
        by_customer = codes.grouped("partner_id")
        for agent in self:
            customer = agent.partner_id.commercial_partner_id
            code = by_customer.get(customer, codes.browse())[:1]
            agent.code = code.code
            agent.link = code._get_link(agent.company_id)

    @api.depends("link")
    def _compute_qr(self):
        for agent in self:
            agent.qr = agent.link and qr.get_uri(agent.link)

    # === COMMISSION === #

    def _get_commission_plans(self):
        """Return agent → plan, or none: then orders give no commission."""
        plans = self.env["hstyle.commission.plan"]
        defaults = {c: plans._get_default(c) for c in self.sudo().company_id}
        return {
            agent: agent.plan_id or defaults[agent.company_id] for agent in self.sudo()
        }

    def _is_earning(self):
        """Tell whether new orders of the agent's friends give commission."""
        return self.active and self.state == "active"
