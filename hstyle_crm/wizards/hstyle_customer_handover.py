from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

#: What is handed over: (model, who owns it, what is still open).
OPEN = (
    ("res.partner", "user_id", Domain.TRUE),
    ("hstyle.membership", "manager_id", Domain.TRUE),
    ("hstyle.key.account", "user_id", Domain.TRUE),
    ("crm.lead", "user_id", Domain("won_status", "=", "pending")),
    ("sale.order", "user_id", Domain("state", "in", ("draft", "sent"))),
    ("hstyle.ticket", "user_id", Domain("kind", "not in", ("solved", "closed"))),
    ("hstyle.promise", "user_id", Domain("done_on", "=", False)),
    ("hstyle.care", "user_id", Domain("outcome", "=", False)),
    ("hstyle.todo", "user_id", Domain("state", "=", "open")),
    # Else they give customers to who left, again and again.
    ("hstyle.segment.action", "user_id", Domain.TRUE),
)
#: Customers that the page shows, the most valuable ones; and rows of each other kind.
_MOST = 40


class HstyleCustomerHandover(models.TransientModel):
    """Who leaves hands customers over, with all that is open with them.

    For CRM managers, in one company: what is there, who it is, what was promised and
    what comes next; then all of it in one go.
    """

    _name = "hstyle.customer.handover"
    _description = "Hand-over of customers"
    _rec_name = "user_id"

    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Who leaves",
        required=True,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        context={"active_test": False},
    )
    successor_id = fields.Many2one(
        comodel_name="res.users",
        string="Who takes over",
        domain="[('share', '=', False), ('company_ids', 'in', company_id), "
        "('id', '!=', user_id)]",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
    )
    note = fields.Text(
        help="The successor reads it, on each customer; customers never."
    )
    summary = fields.Char(string="Open now", compute="_compute_summary")
    profile_ids = fields.Many2many(
        comodel_name="hstyle.profile",
        string="Most valuable customers",
        compute="_compute_profile_ids",
    )
    promise_ids = fields.Many2many(
        comodel_name="hstyle.promise",
        string="Promises to keep",
        compute="_compute_profile_ids",
    )
    activity_ids = fields.Many2many(
        comodel_name="mail.activity",
        string="Next steps",
        compute="_compute_activity_ids",
    )
    timeline_ids = fields.Many2many(
        comodel_name="hstyle.timeline",
        string="What happened lately",
        compute="_compute_timeline_ids",
    )

    @api.depends("user_id", "company_id")
    def _compute_summary(self):
        for wizard in self:
            parts = [
                f"{self.env['ir.model']._get(records._name).name}: {len(records)}"
                for records in wizard._get_open()
                if records
            ]
            nothing = self.env._("Nothing is open.")
            wizard.summary = wizard.user_id and (", ".join(parts) or nothing)

    @api.depends("user_id", "company_id")
    def _compute_profile_ids(self):
        profiles, promises = self.env["hstyle.profile"], self.env["hstyle.promise"]
        for wizard in self:
            company = [("company_id", "=", wizard.company_id.id)]
            wizard.profile_ids = profiles.search(
                [*company, ("partner_id", "in", wizard._get_customers().ids)],
                order="expected_value_12m desc nulls last, revenue_12m desc",
                limit=_MOST,
            )
            domain = [("user_id", "=", wizard.user_id.id), ("done_on", "=", False)]
            wizard.promise_ids = promises.search([*company, *domain], limit=_MOST)

    @api.depends("user_id", "company_id")
    def _compute_activity_ids(self):
        activities = self.env["mail.activity"]
        for wizard in self:
            steps = [
                Domain("res_model", "=", records._name)
                & Domain("res_id", "in", records.ids)
                for records in wizard._get_open()
                if records
            ]
            own = Domain("user_id", "=", wizard.user_id.id) & Domain.OR(steps)
            wizard.activity_ids = activities.search(
                own, order="date_deadline, id", limit=_MOST
            )

    @api.depends("profile_ids")
    def _compute_timeline_ids(self):
        rows = self.env["hstyle.timeline"]
        for wizard in self:
            ids = wizard.profile_ids.partner_id.ids
            domain = [("partner_id", "in", ids)]
            wizard.timeline_ids = ids and rows.search(domain, limit=_MOST)

    def _get_open(self):
        """Yield the records of each kind that the colleague owns in the company.

        :raise AccessError: who asks does not work in the company
        """
        if self.company_id:
            self.company_id._check_hstyle_company()
        company = Domain("company_id", "in", [False, self.company_id.id])
        for model, name, still_open in OPEN:
            records = self.env[model].sudo()
            own = Domain(name, "=", self.user_id.id) & company & still_open
            yield records.search(own) if self.user_id else records

    def _get_customers(self):
        """Return whom the colleague looks after, in whatever way."""
        customers = self.env["res.partner"].sudo()
        for records in self._get_open():
            if records._name == customers._name:
                customers |= records.commercial_partner_id
            elif "partner_id" in records._fields:
                customers |= records.partner_id.commercial_partner_id
        return customers

    # === HAND OVER === #

    def action_hand_over(self):
        """Hand everything over, note it on each customer, and tell the successor."""
        self.ensure_one()
        self._check()
        customers = self._get_customers()
        if not any(self._get_open()):
            raise UserError(
                self.env._(
                    "%(user)s looks after nobody in %(company)s: nothing is to be "
                    "handed over.",
                    user=self.user_id.name,
                    company=self.company_id.name,
                )
            )
        summary = self.summary
        for records in self._get_open():
            getattr(self, f"_give_{records._table}", self._give)(records)
            self._give_activities(records)
        self._give_up_deputies()
        self._note(customers)
        self._tell(summary)
        return self._show(customers)

    def _check(self):
        if not self.env.user._is_crm_manager():
            raise UserError(self.env._("Only CRM managers hand customers over."))
        heir = self.successor_id
        if (
            not heir.active
            or heir.share
            or heir == self.user_id
            or self.company_id not in heir.company_ids
        ):
            raise UserError(
                self.env._("Choose who takes over: a colleague of this company.")
            )
        roles = "hstyle_crm.hstyle_crm_group_user,sales_team.group_sale_salesman"
        if not any(heir.has_group(role) for role in roles.split(",")):
            raise UserError(
                self.env._("%s has no role in sales or the CRM: give one.", heir.name)
            )
        if not (self.note or "").strip():
            raise UserError(
                self.env._("Write what the successor has to know, in a sentence.")
            )

    def _give(self, records):
        # Customers and opportunities get our note, and no mail for each of them.
        quiet = {"tracking_disable": True, "mail_auto_subscribe_no_notify": True}
        records.with_context(**quiet).write({"user_id": self.successor_id.id})

    def _give_activities(self, records):
        """The next step of a document goes along, else it ends with its owner."""
        activities = self.env["mail.activity"].sudo()
        steps = activities.search(
            [
                ("user_id", "=", self.user_id.id),
                ("res_model", "=", records._name),
                ("res_id", "in", records.ids),
            ]
        )
        # One message tells of all.
        steps = steps.with_context(mail_activity_quick_update=True)
        steps.user_id = self.successor_id

    def _give_hstyle_membership(self, members):
        members._set_manager(self.successor_id, self.note)

    def _give_hstyle_ticket(self, tickets):
        """Who serves no tickets does not inherit any: the team has them."""
        heir = self.successor_id
        able = heir.has_group("hstyle_crm.hstyle_crm_group_agent")
        tickets._hand_over(heir if able else heir.browse(), self.note)

    def _give_hstyle_key_account(self, accounts):
        wrong = accounts.filtered(
            lambda a: (
                a.deputy_id == self.successor_id
                or a.company_id not in a.deputy_id.company_ids
            )
        )
        wrong.deputy_id = False
        self._give(accounts)
        self._give_visits(accounts)

    def _give_visits(self, accounts):
        """Who takes over makes the visits that are planned."""
        old, heir = self.user_id, self.successor_id
        visits = accounts.visit_ids.filtered(
            lambda visit: visit.user_id == old and visit.start > fields.Datetime.now()
        )
        people = [Command.link(heir.partner_id.id), Command.unlink(old.partner_id.id)]
        for visit in visits.with_context(dont_notify=True):
            visit.write({"user_id": heir.id, "partner_ids": people})

    def _give_up_deputies(self):
        """Nobody stands in any more who is not there."""
        accounts = self.env["hstyle.key.account"].sudo()
        domain = [
            ("deputy_id", "=", self.user_id.id),
            ("company_id", "=", self.company_id.id),
        ]
        accounts.search(domain).deputy_id = False

    def _note(self, customers):
        text = self.env._(
            "%(old)s handed over to %(new)s: %(note)s",
            old=self.user_id.name,
            new=self.successor_id.name,
            note=self.note,
        )
        customers._message_log_batch({customer.id: text for customer in customers})

    def _tell(self, summary):
        self.env["mail.thread"].sudo().message_notify(
            partner_ids=self.successor_id.partner_id.ids,
            subject=self.env._("You take over from %s", self.user_id.name),
            body=f"{self.note} ({summary})",
        )

    def _show(self, customers):
        """Show whom the successor has to look at."""
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "hstyle_crm.hstyle_profile_action"
            ),
            "name": self.env._("Handed over"),
            "domain": [
                ("partner_id", "in", customers.ids),
                ("company_id", "=", self.company_id.id),
            ],
            "context": {},
            "target": "current",
        }
