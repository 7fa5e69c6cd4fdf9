from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from .hstyle_consent import PURPOSES

#: kind → the fields that it needs, one of them in each tuple.
NEEDS = {
    "message": [("mail_template_id", "sms_template_id")],
    "points": [("program_id",), ("points",)],
    "coupon": [("program_id",)],
    "price": [("pricelist_id",), ("days",)],
    "activity": [("activity_type_id",), ("user_id",)],
    "lead": [("team_id",)],
    "tag": [("tag_id",)],
    "owner": [("user_id",)],
    "server": [("server_action_id",)],
}


#: What the control group of all campaigns does not get, by whatever way.
GIFTS = ["points", "coupon", "price"]
_NEEDED = sorted({name for needs in NEEDS.values() for one in needs for name in one})


class HstyleSegmentAction(models.Model):
    """What is done for a customer who enters or leaves a segment, now or later.

    The actions of a segment with their delays are its journey. Each is done once for
    each stay (`hstyle.segment.run`).
    """

    _name = "hstyle.segment.action"
    _description = "Segment action"
    _order = "event, delay_hours, sequence, id"
    _check_company_auto = True

    name = fields.Char(compute="_compute_name")
    segment_id = fields.Many2one(
        comodel_name="hstyle.segment", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="segment_id.company_id")
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    event = fields.Selection(
        selection=[("enter", "Entering"), ("leave", "Leaving")],
        string="On",
        default="enter",
        required=True,
    )
    delay_hours = fields.Integer(
        compute="_compute_delay_hours", store=True, precompute=True
    )
    delay = fields.Integer(help="0: at once.")
    delay_unit = fields.Selection(
        selection=[("hours", "Hours"), ("days", "Days")], default="days", required=True
    )
    kind = fields.Selection(
        selection=[
            ("message", "Send a message"),
            ("points", "Give points"),
            ("coupon", "Give a coupon"),
            ("price", "Give a member price for a time"),
            ("activity", "Plan an activity"),
            ("lead", "Open an opportunity"),
            ("tag", "Add a tag"),
            ("owner", "Set the salesperson"),
            ("server", "Run a server action"),
        ],
        string="Do",
        default="message",
        required=True,
    )

    # A message goes by the way that the customer prefers and allows.
    mail_template_id = fields.Many2one(
        comodel_name="mail.template",
        string="E-mail",
        domain=[("model", "=", "res.partner")],
        ondelete="restrict",
    )
    sms_template_id = fields.Many2one(
        comodel_name="sms.template",
        string="SMS",
        domain=[("model", "=", "res.partner")],
        ondelete="restrict",
    )
    purpose = fields.Selection(selection=PURPOSES, default="marketing", required=True)

    # Points and coupons.
    program_id = fields.Many2one(
        comodel_name="loyalty.program",
        compute="_compute_program_id",
        store=True,
        readonly=False,
        check_company=True,
        ondelete="restrict",
    )
    points = fields.Float(digits=(16, 2))

    # A price for a time.
    pricelist_id = fields.Many2one(
        comodel_name="product.pricelist", check_company=True, ondelete="restrict"
    )
    days = fields.Integer(default=14)

    # Work for colleagues.
    activity_type_id = fields.Many2one(
        comodel_name="mail.activity.type", ondelete="restrict"
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="For",
        domain=[("share", "=", False)],
        ondelete="restrict",
    )
    team_id = fields.Many2one(
        comodel_name="crm.team",
        check_company=True,
        ondelete="restrict",
    )
    summary = fields.Char(help="Subject of the activity, the opportunity or points.")
    tag_id = fields.Many2one(comodel_name="res.partner.category", ondelete="restrict")
    server_action_id = fields.Many2one(
        comodel_name="ir.actions.server",
        domain=[("model_id.model", "=", "res.partner")],
        ondelete="restrict",
    )

    run_ids = fields.One2many(
        comodel_name="hstyle.segment.run", inverse_name="action_id"
    )
    done_count = fields.Integer(string="Done", compute="_compute_counts")
    waiting_count = fields.Integer(string="Waiting", compute="_compute_counts")
    failed_count = fields.Integer(string="Failed", compute="_compute_counts")

    _delay_positive = models.Constraint(
        "CHECK (delay BETWEEN 0 AND 9999)",
        "An action happens when the customer enters, or up to 9,999 days later.",
    )
    _days_positive = models.Constraint(
        "CHECK (days >= 0)", "Give the price for one day or more."
    )

    # === COMPUTE METHODS === #

    @api.depends("delay", "delay_unit")
    def _compute_delay_hours(self):
        for action in self:
            action.delay_hours = action.delay * (
                24 if action.delay_unit == "days" else 1
            )

    @api.depends("kind", "segment_id")
    def _compute_program_id(self):
        """Offer the program of points; forget one of another type."""
        for action in self:
            managed = action.program_id.managed
            if action.kind == "points" and not managed:
                action.program_id = self.env["loyalty.program"].search(
                    [
                        ("managed", "=", True),
                        ("company_id", "in", [action.company_id.id, False]),
                    ],
                    limit=1,
                )
            elif action.kind != "points" and managed:
                action.program_id = False

    @api.depends("kind", *_NEEDED)
    def _compute_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for action in self:
            what = action._get_what()
            kind = kinds.get(action.kind, "")
            action.name = f"{kind}: {what}" if what else kind

    def _get_what(self):
        """Return what the action gives, in short."""
        self.ensure_one()
        if self.kind == "points":
            return f"{self.points:g}"
        names = [name for needs in NEEDS[self.kind] for name in needs]
        records = [self[name] for name in names if self._fields[name].relational]
        return ", ".join(record.display_name for record in records if record)

    def _compute_counts(self):
        groups = self.env["hstyle.segment.run"]._read_group(
            [("action_id", "in", self.ids)], ["action_id", "state"], ["__count"]
        )
        counts = {(action.id, state): count for action, state, count in groups}
        for action in self:
            action.done_count = counts.get((action.id, "done"), 0)
            action.waiting_count = counts.get((action.id, "waiting"), 0)
            action.failed_count = counts.get((action.id, "failed"), 0)

    # === CONSTRAINT METHODS === #

    @api.constrains("kind", *_NEEDED)
    def _check_needs(self):
        for action in self:
            for names in NEEDS[action.kind]:
                if not any(action[name] for name in names):
                    raise ValidationError(
                        self.env._(
                            "%(segment)s, %(action)s: choose %(field)s.",
                            segment=action.segment_id.name,
                            action=action.name,
                            field=action._fields[names[0]]._description_string(
                                self.env
                            ),
                        )
                    )
            action._check_program()
            action._check_models()

    def _check_program(self):
        types = {"points": "loyalty", "coupon": "coupons"}
        wanted = types.get(self.kind)
        if wanted and self.program_id.program_type != wanted:
            raise ValidationError(
                self.env._(
                    "%s is no program for that. Points need the program of the "
                    "members' points, coupons one of the type coupons.",
                    self.program_id.name,
                )
            )
        if self.kind == "points" and self.points <= 0:
            raise ValidationError(self.env._("Give more than 0 points."))

    def _check_models(self):
        """Keep out what is made for other documents: it would take ids for its own."""
        documents = {
            self.mail_template_id.model,
            self.sms_template_id.model,
            self.server_action_id.model_name,
        }
        if documents - {False, "res.partner"}:
            raise ValidationError(
                self.env._("Choose a template or server action for contacts.")
            )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        actions = super().create(vals_list)
        actions._check_powers()
        return actions

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint({"kind", "server_action_id"}):
            self._check_powers()
        return result

    def _check_powers(self):
        """Leave server actions, which may do anything, to managers."""
        if (
            not self.env.su
            and self.filtered(lambda a: a.kind == "server")
            and not self.env.user._is_crm_manager()
        ):
            raise AccessError(
                self.env._("Only a CRM manager lets a segment run server actions.")
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        if self.sudo().with_context(active_test=False).filtered("run_ids"):
            raise ValidationError(
                self.env._("This action was done for customers: archive it instead.")
            )

    # === WHAT IS DONE === #

    def _do(self, runs):
        """Do the action for some runs; each is done, refused or put off after it.

        It raises if it cannot: then none of them is done.
        """
        self.ensure_one()
        company = self.segment_id.company_id
        action = self.with_company(company).with_context(
            tracking_disable=True, mail_create_nosubscribe=True
        )
        getattr(action, f"_do_{self.kind}")(runs.with_env(action.env))

    def _do_message(self, runs):
        """Send each customer the message by the best way that the gate allows."""
        routes, refusals = runs.partner_id._route(
            self._get_channels(), self.purpose, self.name
        )
        for channel, reached in routes.items():
            getattr(self, f"_send_{channel}")(reached)
            runs._filter_partners(reached)._finish()
        for reason, refused in refusals.items():
            left_out = runs._filter_partners(refused)
            if reason == "today":
                left_out._put_off()
            else:
                left_out._finish("refused", reason)

    def _get_channels(self):
        ways = {"email": self.mail_template_id, "sms": self.sms_template_id}
        return [channel for channel, template in ways.items() if template]

    def _send_email(self, partners):
        values = {
            "hstyle_purpose": self.purpose,
            "record_company_id": self.env.company.id,
        }
        self.mail_template_id.send_mail_batch(partners.ids, email_values=values)

    def _send_sms(self, partners):
        template = self.sms_template_id
        bodies = template._render_field("body", partners.ids, compute_lang=True)
        self.env["sms.sms"].create(
            [
                {
                    "partner_id": partner.id,
                    "number": partner.phone_sanitized,
                    "body": bodies[partner.id],
                    "hstyle_purpose": self.purpose,
                    "record_company_id": self.env.company.id,
                }
                for partner in partners
            ]
        )

    def _do_points(self, runs):
        reason = self.summary or self.segment_id.name
        # Who comes back and gets points again has more than one run.
        for _count, batch in runs._split_by_partner():
            self.program_id._give_bonus(
                batch.partner_id.commercial_partner_id, self.points, reason
            )
        runs._finish()

    def _do_coupon(self, runs):
        if "birthday" in (self.segment_id.domain or ""):
            runs = self._claim_birthdays(runs)
        costs = self.program_id.reward_ids.mapped("required_points")
        self.env["loyalty.card"].create(
            [
                {
                    "program_id": self.program_id.id,
                    "partner_id": run.partner_id.id,
                    "points": max(costs, default=1),
                    "expiration_date": self.program_id.date_to,
                }
                for run in runs
            ]
        )
        runs._finish()

    def _claim_birthdays(self, runs):
        """Return the runs of customers who had no other birthday gift this year."""
        gifts = self.env["hstyle.gift"].sudo()
        year = (self.env.company, self.env.company._hstyle_today().year, "coupon")
        had = runs.partner_id.filtered(gifts._find_had(runs.partner_id, *year).get)
        refused = runs._filter_partners(had)
        refused._finish("refused", "gift")
        gifts._close_tasks(runs.partner_id - had, *year)
        return runs - refused

    def _do_price(self, runs):
        today = self.env.company._hstyle_today()
        values = {
            "pricelist_id": self.pricelist_id.id,
            "company_id": self.env.company.id,
            "date_from": today,
            "date_to": fields.Date.add(today, days=self.days - 1),
            "reason": self.segment_id.name,
        }
        self.env["hstyle.price.grant"].create(
            [{**values, "partner_id": run.partner_id.id} for run in runs]
        )
        runs._finish()

    def _do_activity(self, runs):
        model_id = self.env["ir.model"]._get_id("res.partner")
        values = {
            "res_model_id": model_id,
            "activity_type_id": self.activity_type_id.id,
            "summary": self.summary or self.segment_id.name,
            "user_id": self.user_id.id,
        }
        self.env["mail.activity"].create(
            [{**values, "res_id": run.partner_id.id} for run in runs]
        )
        runs._finish()

    def _do_lead(self, runs):
        values = {
            "type": "opportunity",
            "team_id": self.team_id.id,
            "user_id": self.user_id.id,
            "company_id": self.env.company.id,
        }
        self.env["crm.lead"].create(
            [
                {
                    **values,
                    "name": f"{self.summary or self.segment_id.name}: "
                    f"{run.partner_id.name}",
                    "partner_id": run.partner_id.id,
                }
                for run in runs
            ]
        )
        runs._finish()

    def _do_tag(self, runs):
        runs.partner_id.category_id += self.tag_id
        runs._finish()

    def _do_owner(self, runs):
        runs.partner_id.user_id = self.user_id
        runs._finish()

    def _do_server(self, runs):
        self.server_action_id.with_context(
            active_model="res.partner",
            active_ids=runs.partner_id.ids,
            active_id=runs.partner_id[:1].id,
        ).run()
        runs._finish()
