from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

#: What makes a profile complete.
_PROFILE = ("name", "phone", "email", "birthday")
#: Movements of points that the customer's form shows; the card has them all.
_LATEST = 20


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = [
        "res.partner",
        "hstyle.customer.action",
        "hstyle.face",
        "hstyle.tier.explanation",
        "hstyle.contact.gate",
        "hstyle.contact.preference",
        "hstyle.segment.customer",
        "hstyle.referrer",
        "hstyle.satisfaction.customer",
        "hstyle.student",
        "hstyle.promise.customer",
        "hstyle.ticket.counter",
        "hstyle.why.now",
    ]

    grade_id = fields.Many2one(copy=False, index="btree_not_null")

    # One row for each company that the customer bought from.
    hstyle_profile_ids = fields.One2many(
        comodel_name="hstyle.profile",
        inverse_name="partner_id",
        string="Customer profile",
        domain=lambda self: self._get_segment_domain(),
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_habit_ids = fields.One2many(
        comodel_name="hstyle.habit",
        inverse_name="partner_id",
        string="Habits",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_purchase_line_ids = fields.One2many(
        comodel_name="hstyle.purchase.line",
        inverse_name="partner_id",
        string="Goods bought",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_buyer_ids = fields.One2many(
        comodel_name="hstyle.buyer",
        inverse_name="partner_id",
        string="Buyer accounts",
        groups="hstyle_crm.hstyle_crm_group_user",
    )

    birthday = fields.Date()

    # Points.
    hstyle_card_ids = fields.One2many(
        comodel_name="loyalty.card",
        inverse_name="partner_id",
        string="Member cards",
        domain=[("managed", "=", True)],
        groups="hstyle_crm.hstyle_crm_group_user",
    )

    hstyle_points = fields.Float(
        string="Points",
        compute="_compute_hstyle_points",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_expiry_ids = fields.One2many(
        comodel_name="hstyle.points.expiry",
        string="Next expiries",
        compute="_compute_hstyle_points",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_ledger_ids = fields.One2many(
        comodel_name="loyalty.history",
        string="Latest movements",
        compute="_compute_hstyle_points",
        groups="hstyle_crm.hstyle_crm_group_user",
    )

    # Read by the refresh: contacts whose purchases belong to their company.
    _hstyle_family_idx = models.Index(
        "(id) INCLUDE (commercial_partner_id) WHERE commercial_partner_id <> id"
    )
    # Read by each segment: the customers, without a look at the wide rows.
    _hstyle_customer_idx = models.Index(
        "(id) INCLUDE (company_id) WHERE active IS TRUE AND partner_share IS TRUE"
        " AND (is_company IS TRUE OR parent_id IS NULL)"
    )
    # Read by the import: a buyer is matched by phone and by e-mail.
    _hstyle_phone_idx = models.Index(
        "(phone_sanitized) WHERE phone_sanitized IS NOT NULL"
    )
    _hstyle_email_idx = models.Index(
        "(email_normalized) WHERE email_normalized IS NOT NULL"
    )

    @api.depends("hstyle_card_ids.points")
    def _compute_hstyle_points(self):
        for partner in self:
            cards = partner.hstyle_card_ids
            partner.hstyle_points = sum(cards.mapped("points"))
            partner.hstyle_expiry_ids = cards.expiry_ids.filtered("expiration_date")
            domain = [("card_id", "in", cards.ids), ("kind", "!=", False)]
            partner.hstyle_ledger_ids = self.env["loyalty.history"].search(
                domain, limit=_LATEST
            )

    def _get_ticket_subject(self):
        return self.commercial_partner_id

    def _get_ticket_defaults(self):
        return {"default_partner_id": self.id}

    @api.model_create_multi
    def create(self, vals_list):
        # The host's way with a grade is its own; a tier comes through its door, also
        # one that a default gives.
        default = self.default_get(["grade_id"])
        vals_list = [{**default, **vals} for vals in vals_list]
        grades = [self._pop_tier(vals) for vals in vals_list]
        partners = super().create(vals_list)
        for partner, grade in zip(partners, grades, strict=True):
            if grade:
                partner._set_tier(grade)
        partners._award_profile()
        return partners

    def write(self, vals):
        vals = dict(vals)
        if "grade_id" in vals:
            self._write_tier(vals)
        result = super().write(vals)
        if not vals.keys().isdisjoint(_PROFILE):
            self._award_profile()
        return result

    def signup_prepare(self, signup_type="signup"):
        """Write only what is new: the host says it with each mail to a customer.

        The row would be locked for all who post points or tickets at that moment.
        """
        new = self.filtered(lambda one: one.sudo().signup_type != signup_type)
        return super(ResPartner, new).signup_prepare(signup_type)

    @api.model
    def _pop_tier(self, vals):
        """Take a member tier out of values, and return it."""
        grade = self.env["res.partner.grade"].browse(vals.get("grade_id") or ())
        if grade.sudo().is_tier:
            vals["grade_id"] = False
            return grade
        return grade.browse()

    def _write_tier(self, vals):
        """Take a change of tiers out of values, and do it."""
        tier = self._pop_tier(vals)
        customers = self.sudo().commercial_partner_id.with_env(self.env)
        if tier:
            del vals["grade_id"]
            customers.filtered(lambda c: c.sudo().grade_id != tier)._set_tier(tier)
        else:
            customers = self.filtered(lambda c: c.sudo().hstyle_membership_ids)
            customers._set_tier(tier)

    def _set_tier(self, grade, cause="override", **values):
        """Give customers a tier by hand, or none; for CRM managers and our own code.

        :param values: see `res.partner.grade._prepare_change`
        """
        if not self:
            return
        if not (self.env.su or self.env.user._is_crm_manager()):
            raise AccessError(
                self.env._(
                    "Only a CRM manager gives a tier by hand. All others follow from "
                    "the customers' orders."
                )
            )
        self.check_access("write")
        grade.check_access("read")
        if grade and not grade.active:
            raise UserError(
                self.env._("%s is archived. Choose another tier.", grade.sudo().name)
            )
        grades = self.env["res.partner.grade"].sudo()
        grades._assign(
            [
                grades._prepare_change(customer, grade.sudo(), cause, **values)
                for customer in self.commercial_partner_id
            ]
        )

    def _buy_tier(self, grade):
        """Give a customer the tier of a product that was sold.

        Who has a higher one keeps it, and who has this one has it for longer. What is
        set by hand stays.
        """
        member = self.hstyle_membership_ids
        today = grade.company_id._hstyle_today()
        if (member.pinned_until and member.pinned_until >= today) or not grade.active:
            return
        if member.company_id == grade.company_id and grade._is_below(member.grade_id):
            return
        values = {}
        if member.grade_id == grade and member.valid_until:
            values["valid_until"] = grade._get_end(max(member.valid_until, today))
        self._set_tier(grade, "sold", **values)

    def action_hstyle_tier(self):
        """Open the wizard that gives these customers a tier."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Change the tier"),
            "res_model": "hstyle.tier.change",
            "view_mode": "form",
            "target": "new",
            "context": {"default_partner_ids": self.commercial_partner_id.ids},
        }

    def action_hstyle_export(self):
        """Download the chosen contacts with their profiles, as XLSX."""
        partners = self.env["hstyle.export"]._get_chosen(self)
        return self.env["hstyle.profile"]._export(partners.ids)

    def action_hstyle_purchases(self):
        """Show what the customer bought, in all shops."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_purchase_action"
        )
        domain = [("partner_id", "=", self.commercial_partner_id.id)]
        views = [(False, "list"), (False, "pivot"), (False, "graph")]
        return {**action, "domain": domain, "context": {}, "views": views}

    def action_hstyle_contacts(self):
        """Show what was sent to the customer, what was not, and why."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_contact_action"
        )
        domain = [("partner_id.commercial_partner_id", "=", self.id)]
        return {**action, "domain": domain, "context": {}}

    def action_hstyle_points(self):
        """Open the customer's card, or offer to give the first points."""
        self.ensure_one()
        cards = self.hstyle_card_ids
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.loyalty_card_action"
        )
        if len(cards) == 1:
            form = [(self.env.ref("loyalty.loyalty_card_view_form").id, "form")]
            return {**action, "views": form, "res_id": cards.id}
        return {**action, "domain": [("id", "in", cards.ids)], "context": {}}

    def _get_tier_multiplier(self, company):
        """Return how many times the points of a company's order the customer earns."""
        member = self.commercial_partner_id.sudo().hstyle_membership_ids
        if member.company_id not in company.sudo().parent_ids:
            return 1.0
        return member.grade_id.tier_multiplier

    # === POINTS FOR EVENTS === #

    def _award_profile(self):
        """Thank members, once, for a profile that is complete."""
        programs = self._get_event_programs("profile_points")
        if programs:
            domain = [
                ("program_id", "in", programs.ids),
                ("partner_id", "in", self.ids),
            ]
            members = self.env["loyalty.card"].sudo().search(domain).partner_id
            for partner in members.filtered(
                lambda p: all(p[name] for name in _PROFILE)
            ):
                description = self.env._("Your profile is complete")
                partner._award_event("profile_points", "profile", description)

    def _award_event(self, field, key, description):
        """Give a customer the points of an event, once.

        :param field: the program's field with the points
        :param key: what the event is, for `loyalty.card._post`
        """
        self.ensure_one()
        for program in self._get_event_programs(field):
            program._give_bonus(self, program[field], description, key=key)

    @api.model
    def _get_event_programs(self, field):
        """Return the programs of the user's company that give points for an event."""
        programs = self.env["loyalty.program"].sudo()
        company = self.env.company
        return programs.search(
            [
                *programs._check_company_domain([company.id, *company.parent_ids.ids]),
                ("managed", "=", True),
                (field, ">", 0),
            ]
        )
