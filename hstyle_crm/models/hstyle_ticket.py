from odoo import api, fields, models
from odoo.exceptions import AccessError

CHANNELS = [
    ("phone", "Phone"),
    ("email", "E-mail"),
    ("im", "Wangwang or IM"),
    ("sms", "SMS"),
    ("web", "Web"),
    ("shop", "Shop"),
    ("agent", "Campus agent"),
]
PRIORITIES = [("0", "Normal"), ("1", "Raised"), ("2", "High"), ("3", "Urgent")]


class HstyleTicket(models.Model):
    """What a customer wants of service, from the first word to the solution.

    One owner until it is closed. Deadlines and verdicts are of `hstyle.ticket.clock`.
    """

    _name = "hstyle.ticket"
    _description = "Ticket"
    # Our halves first: the host's methods end the call.
    _inherit = [
        "hstyle.ticket.appointment",
        "hstyle.ticket.solution",
        "hstyle.ticket.clock",
        "hstyle.ticket.gateway",
        "hstyle.ticket.hours",
        "hstyle.ticket.job",
        "hstyle.ticket.portal",
        "hstyle.ticket.thread",
        "hstyle.ticket.union",
        "hstyle.ticket.work",
        "hstyle.ticket.goodwill",
        "hstyle.promise.document",
        "hstyle.customer.key",
        "portal.mixin",
        "mail.thread.cc",
        "mail.activity.mixin",
        "rating.mixin",
        "mail.tracking.duration.mixin",
    ]
    _order = "priority desc, next_due, id desc"
    _primary_email = "email"
    _track_duration_field = "stage_id"

    access_token = fields.Char(groups="hstyle_crm.hstyle_crm_group_agent")
    number = fields.Char(readonly=True, copy=False, index="trigram")
    name = fields.Char(string="Subject", required=True, tracking=True)
    description = fields.Html(sanitize=True)
    company_id = fields.Many2one(related="team_id.company_id", store=True, index=True)
    team_id = fields.Many2one(
        comodel_name="hstyle.ticket.team",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
        default=lambda self: self._get_default_team(),
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Owner",
        index="btree_not_null",
        domain=[("share", "=", False)],
        tracking=True,
    )
    stage_id = fields.Many2one(
        comodel_name="hstyle.ticket.stage",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
        copy=False,
        group_expand="_expand_stages",
        default=lambda self: self._get_stage("new"),
    )
    kind = fields.Selection(related="stage_id.kind", store=True, index=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        index=True,
        ondelete="restrict",
        tracking=True,
    )
    grade_id = fields.Many2one(
        related="partner_id.commercial_partner_id.grade_id", string="Tier"
    )
    email = fields.Char(
        compute="_compute_contact", store=True, readonly=False, precompute=True
    )
    phone = fields.Char(
        compute="_compute_contact", store=True, readonly=False, precompute=True
    )
    intent_id = fields.Many2one(
        comodel_name="hstyle.ticket.intent", index=True, tracking=True
    )
    needs_order = fields.Boolean(related="intent_id.needs_order")
    needs_product = fields.Boolean(related="intent_id.needs_product")
    reason_id = fields.Many2one(
        comodel_name="hstyle.ticket.reason",
        index="btree_not_null",
        domain="[('intent_id', '=', intent_id)]",
    )
    channel = fields.Selection(
        selection=CHANNELS, default="phone", required=True, tracking=True
    )
    priority = fields.Selection(
        selection=PRIORITIES,
        compute="_compute_priority",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        tracking=True,
        help="At first by the customer's tier and value, and by what it is about.",
    )
    tag_ids = fields.Many2many(comodel_name="crm.tag", string="Tags")
    order_id = fields.Many2one(
        comodel_name="sale.order",
        string="Sales order",
        index="btree_not_null",
        domain="[('partner_id', 'child_of', partner_id)]",
    )
    shop_order_id = fields.Many2one(
        comodel_name="hstyle.order",
        index="btree_not_null",
        domain="[('partner_id', 'child_of', partner_id)]",
    )
    order_line_ids = fields.Many2many(
        comodel_name="sale.order.line",
        string="Order lines",
        domain="[('order_id', '=', order_id), ('display_type', '=', False)]",
    )
    product_id = fields.Many2one(comodel_name="product.product", index="btree_not_null")
    unanswered_count = fields.Integer(
        string="Unanswered messages",
        readonly=True,
        copy=False,
        help="What the customer said since our last answer.",
    )
    reopen_count = fields.Integer(string="Reopened", readonly=True, copy=False)
    related_ids = fields.Many2many(
        comodel_name="hstyle.ticket",
        relation="hstyle_ticket_related_rel",
        column1="ticket_id",
        column2="other_id",
        string="Related tickets",
    )
    merged_into_id = fields.Many2one(
        comodel_name="hstyle.ticket",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )

    _number_unique = models.Constraint(
        "UNIQUE (number, company_id)", "There is a ticket of this number already."
    )
    # Read by the board.
    _board_idx = models.Index("(company_id, kind, stage_id, priority DESC, next_due)")
    _stale_idx = models.Index("(id) WHERE is_stale")

    # === DEFAULTS === #

    @api.model
    def _get_default_team(self):
        teams = self.env["hstyle.ticket.team"]
        domain = [("company_id", "=", self.env.company.id)]
        mine = [*domain, ("member_ids", "=", self.env.uid)]
        return teams.search(mine, limit=1) or teams.search(domain, limit=1)

    @api.model
    def _get_stage(self, kind):
        """Return the first stage of a kind."""
        return self.env["hstyle.ticket.stage"].search([("kind", "=", kind)], limit=1)

    @api.model
    def _expand_stages(self, stages, domain):
        return stages.search([("kind", "!=", False)])

    @api.depends("partner_id")
    def _compute_contact(self):
        for ticket in self:
            ticket.email = ticket.partner_id.email or ticket.email
            ticket.phone = ticket.partner_id.phone or ticket.phone

    @api.depends("partner_id", "intent_id")
    def _compute_priority(self):
        """Raise tickets of a fast lane, of customers of class A, and complaints."""
        benefits = self.env["hstyle.benefit"].sudo()
        for ticket in self:
            customer = ticket.partner_id.commercial_partner_id.sudo()
            profiles = customer.hstyle_profile_ids.filtered(
                lambda p, company=ticket.company_id: p.company_id == company
            )
            signs = (
                customer and benefits._get_open(customer, "fast_lane"),
                profiles[:1].abc == "a",
                ticket.intent_id.is_complaint,
            )
            ticket.priority = str(sum(map(bool, signs)))

    # === CREATE AND WRITE === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_input(vals)
        # What a client calls a default is not ours either.
        given = dict(self.env.context)
        context = {k: given[k] for k in given if not self._is_own(k)}
        plain = self.with_env(self.env(context=context))
        tickets = super(HstyleTicket, plain).create(vals_list).with_env(self.env)
        for ticket in tickets.sudo():
            numbers = self.env["ir.sequence"].with_company(ticket.company_id)
            ticket.number = numbers.next_by_code("hstyle.ticket")
        tickets.sudo()._start_clock()
        tickets.with_context(mail_notrack=True)._assign()
        return tickets

    def write(self, vals):
        self._check_input(vals)
        before = {}
        if "stage_id" in vals:
            self._plan()
            before = {ticket: ticket.kind for ticket in self.sudo()}
        customers = self._get_customer_ids() if "partner_id" in vals else {}
        result = super().write(vals)
        self._lock_out(customers)
        self.sudo()._follow_stage(before)
        if before or not vals.keys().isdisjoint(self._get_clock_fields()):
            self._plan()
        return result

    def _get_customer_ids(self):
        return {t: t.partner_id.commercial_partner_id.id for t in self.sudo()}

    def _lock_out(self, before):
        """Make links void that another customer has of a ticket.

        :param dict before: ticket → id of the customer that it had, or False
        """
        after = self._get_customer_ids() if before else {}
        others = [t.id for t in after if before[t] and before[t] != after[t]]
        self.sudo().browse(others).access_token = False

    def _check_input(self, vals):
        """Let colleagues say what they know; times, verdicts and counts follow."""
        if not self.env.su and any(map(self._is_own, vals)):
            raise AccessError(self.env._("Only the ticket itself may write this."))

    @api.model
    def _is_own(self, name):
        """Tell whether a field (or its default) is the ticket's own to write."""
        field = self._fields.get(name.removeprefix("default_"))
        return field and field._module == "hstyle_crm" and field.readonly

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for ticket in self:
            ticket.access_url = f"/my/tickets/{ticket.id}"
        return result

    def _compute_display_name(self):
        for ticket in self:
            ticket.display_name = f"{ticket.number} {ticket.name}"
