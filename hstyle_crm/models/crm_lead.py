from odoo import api, fields, models


class CrmLead(models.Model):
    """Whoever works on an opportunity knows the customer behind it.

    Who writes by another way is often a customer already: who it is, what the customer
    is worth, why to call now, and which colleague is at it, too.
    """

    _name = "crm.lead"
    _inherit = [
        "crm.lead",
        "hstyle.promise.document",
        "hstyle.ticket.counter",
        "hstyle.rival",
    ]

    hstyle_customer_id = fields.Many2one(
        comodel_name="res.partner",
        string="Known customer",
        compute="_compute_hstyle_customer",
        help="The customer of the opportunity, or who has its e-mail or phone.",
    )
    hstyle_known_text = fields.Char(
        string="What to know", compute="_compute_hstyle_known_text"
    )
    hstyle_value = fields.Monetary(
        string="Customer value",
        compute="_compute_hstyle_value",
        currency_field="company_currency",
        groups="hstyle_crm.hstyle_crm_group_user",
        help="Net revenue to expect in the next 12 months; without a forecast, that "
        "of the last 12 months.",
    )
    hstyle_grade_id = fields.Many2one(
        related="partner_id.commercial_partner_id.grade_id", string="Tier"
    )
    hstyle_pipeline = fields.Selection(related="team_id.hstyle_pipeline")
    hstyle_why_now = fields.Char(
        string="Why now",
        compute="_compute_hstyle_why_now",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket",
        string="From ticket",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    def _get_ticket_subject(self):
        return self.partner_id.commercial_partner_id

    # === KNOWN CUSTOMERS === #

    @api.depends("partner_id", "email_normalized", "phone_sanitized")
    def _compute_hstyle_customer(self):
        """Look all addresses up at once; an address of two customers tells nothing."""
        unknown = self.filtered(lambda lead: not lead.partner_id)
        by_mail = unknown._find_customers("email_normalized")
        by_phone = unknown._find_customers("phone_sanitized")
        for lead in self:
            lead.hstyle_customer_id = (
                lead.partner_id.commercial_partner_id
                or by_mail.get(lead.email_normalized)
                or by_phone.get(lead.phone_sanitized)
            )

    def _find_customers(self, name):
        """Return address → the one customer who has it."""
        values = set(self.mapped(name)) - {False}
        domain = [(name, "in", list(values)), ("partner_share", "=", True)]
        groups = (
            self.env["res.partner"]._read_group(
                domain, [name], ["commercial_partner_id:recordset"]
            )
            if values
            else []
        )
        return {value: found for value, found in groups if len(found) == 1}

    @api.depends_context("allowed_company_ids")
    def _compute_hstyle_value(self):
        profiles = self.env["hstyle.profile"].search(
            [("partner_id", "in", self.hstyle_customer_id.ids)]
        )
        values = {
            (one.partner_id, one.company_id): one.expected_value_12m or one.revenue_12m
            for one in profiles
        }
        for lead in self:
            company = lead.company_id or self.env.company
            lead.hstyle_value = values.get((lead.hstyle_customer_id, company), 0)

    def _compute_hstyle_why_now(self):
        for lead in self:
            lead.hstyle_why_now = lead.hstyle_customer_id.hstyle_why_now

    # === WARNING === #

    @api.depends("hstyle_customer_id", "user_id")
    def _compute_hstyle_known_text(self):
        for lead in self:
            told = lead.hstyle_customer_id and lead.won_status == "pending"
            lead.hstyle_known_text = " ".join(lead._tell_known()) if told else ""

    def _tell_known(self):
        """Return sentences about the customer that the colleague may not know."""
        self.ensure_one()
        customer = self.hstyle_customer_id
        if not self.partner_id:
            yield self.env._("%s is a customer already.", customer.name)
        company = self.company_id or self.env.company
        owner = self.env["hstyle.account.manager"]._get_owner(customer, company)
        if owner and owner != self.user_id:
            yield self.env._("%s looks after this customer.", owner.name)
        rivals = self._tell_rivals(customer)
        if rivals:
            yield rivals

    def _get_deal(self):
        return self.sudo().order_ids.sudo(self.env.su), self._origin

    def action_hstyle_link(self):
        """Make the known customer that of the opportunity."""
        self.ensure_one()
        self.partner_id = self.hstyle_customer_id

    def action_hstyle_customer(self):
        """Open the customer's own form."""
        self.ensure_one()
        return self.hstyle_customer_id.get_formview_action()

    # === PIPELINES === #

    def _compute_team_id(self):
        """Leave an opportunity in its pipeline, whoever works on it."""
        leads = self.filtered(lambda lead: not lead.team_id.hstyle_pipeline)
        return super(CrmLead, leads)._compute_team_id()

    @api.model
    def _read_group_stage_ids(self, stages, domain):
        """Show the columns of a pipeline of ours, and not those of all other teams."""
        found = super()._read_group_stage_ids(stages, domain)
        team_id = self.env.context.get("default_team_id")
        team = self.env["crm.team"].browse(team_id).exists()
        own = found.filtered(lambda stage: team in stage.team_ids)
        return own | stages if team.hstyle_pipeline and own else found

    def action_set_won(self):
        """Win those of each pipeline in its own stage."""
        for leads in self.grouped("team_id").values():
            super(CrmLead, leads).action_set_won()
        return True

    def _stage_find(self, team_id=False, domain=None, order="sequence, id", limit=1):
        """Begin in the own stages of a pipeline of ours."""
        team = self.env["crm.team"].browse(team_id) or self.team_id[:1]
        if team.hstyle_pipeline:
            own = [*(domain or ()), ("team_ids", "in", team.ids)]
            stages = self.env["crm.stage"].search(own, order=order, limit=limit)
            if stages:
                return stages
        return super()._stage_find(team_id, domain, order, limit)
