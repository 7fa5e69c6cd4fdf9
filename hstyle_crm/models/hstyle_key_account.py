from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

#: Days before a visit is due in which it is on somebody's list.
AHEAD = 7


class HstyleKeyAccount(models.Model):
    """A customer who is visited though nothing is wrong: by whom, how often, why.

    A visit is an entry in the owner's calendar. The latest one, made or planned, says
    when the next is due; a due visit without an entry is on the owner's day.
    """

    _name = "hstyle.key.account"
    _description = "Key account"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "due_on, id"
    _rec_name = "partner_id"
    _check_company_auto = True

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("parent_id", "=", False), ("partner_share", "=", True)],
        check_company=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    active = fields.Boolean(default=True)
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Owner",
        required=True,
        index=True,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        default=lambda self: self.env.user,
        tracking=True,
    )
    deputy_id = fields.Many2one(
        comodel_name="res.users",
        index="btree_not_null",
        domain="[('share', '=', False), ('company_ids', 'in', company_id), "
        "('id', '!=', user_id)]",
        tracking=True,
        help="Visits while the owner is away, and takes over when the owner leaves.",
    )
    cadence_days = fields.Integer(
        string="Visit every (days)", default=30, required=True, tracking=True
    )
    goals = fields.Text(help="What this customer shall think and do in a year.")
    visit_ids = fields.One2many(
        comodel_name="calendar.event",
        inverse_name="hstyle_key_account_id",
        string="Visits",
    )
    latest_on = fields.Date(
        string="Latest visit",
        compute="_compute_due_on",
        store=True,
        help="Made, or planned in the calendar.",
    )
    due_on = fields.Date(
        string="Next visit", compute="_compute_due_on", store=True, index=True
    )
    phone = fields.Char(related="partner_id.phone")
    grade_id = fields.Many2one(related="partner_id.grade_id", string="Tier")
    value = fields.Monetary(
        compute="_compute_value",
        help="Net revenue to expect in the next 12 months; without a forecast, that "
        "of the last 12 months.",
    )
    why_now = fields.Char(related="partner_id.hstyle_why_now", string="Why now")
    why_now_reason = fields.Selection(
        related="partner_id.hstyle_why_now_reason", string="Reason now"
    )

    _partner_unique = models.Constraint(
        "UNIQUE (partner_id, company_id)",
        "This customer is a key account already; it may be archived.",
    )
    _cadence_positive = models.Constraint(
        "CHECK (cadence_days > 0)", "Visit every one day or more."
    )

    @api.depends("visit_ids.start", "visit_ids.active", "cadence_days")
    def _compute_due_on(self):
        for account in self:
            starts = account.visit_ids.filtered("active").mapped("start")
            begin = max(starts, default=account.create_date or fields.Datetime.now())
            day = account.company_id._hstyle_day(begin)
            account.latest_on = starts and day
            account.due_on = day + timedelta(days=account.cadence_days)

    @api.depends("partner_id", "company_id")
    def _compute_value(self):
        profiles = self.env["hstyle.profile"].search(
            [("partner_id", "in", self.partner_id.ids)]
        )
        values = {
            (one.partner_id, one.company_id): one.expected_value_12m or one.revenue_12m
            for one in profiles
        }
        for account in self:
            account.value = values.get((account.partner_id, account.company_id), 0)

    @api.constrains("user_id", "deputy_id", "company_id")
    def _check_people(self):
        for account in self:
            if account.user_id == account.deputy_id:
                raise ValidationError(
                    self.env._("Choose a deputy who is not the owner.")
                )
            for user in account.user_id | account.deputy_id:
                if user.share or account.company_id not in user.company_ids:
                    raise ValidationError(
                        self.env._(
                            "%(user)s does not work in %(company)s.",
                            user=user.name,
                            company=account.company_id.name,
                        )
                    )

    def write(self, vals):
        """Tasks go to a new owner, and away with an account that is archived."""
        result = super().write(vals)
        if vals.get("active") is False:
            self._get_todos()._finish("needless")
        elif vals.get("user_id"):
            self._get_todos().user_id = vals["user_id"]
        return result

    def unlink(self):
        self._get_todos()._finish("needless")
        return super().unlink()

    # === ACTIONS === #

    def action_plan_visit(self):
        """Open a new entry of the calendar, for a visit to the customer."""
        self.ensure_one()
        people = (self.user_id | self.env.user).partner_id | self.partner_id
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Plan a visit"),
            "res_model": "calendar.event",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_name": self.env._("Visit of %s", self.partner_id.name),
                "default_hstyle_key_account_id": self.id,
                "default_user_id": self.user_id.id,
                "default_partner_ids": people.ids,
            },
        }

    # === THE OWNER'S DAY === #

    @api.model
    def _add_visits(self, company):
        """Put visits that are due and not planned on the day of who makes them."""
        return self.env["hstyle.todo"]._add(self._sql_visits(company))

    @api.model
    def _sql_visits(self, company):
        """Return the due visits, for `hstyle.todo._add`.

        The deputy's while the owner is no more there, or away as account manager.
        """
        today = company._hstyle_today()
        return SQL(
            """
            SELECT a.partner_id,
                   CASE WHEN here.active AND m.id IS NULL THEN a.user_id
                        ELSE COALESCE(deputy.id, a.user_id) END AS user_id,
                   a.company_id, 'visit' AS reason, a.due_on::text AS key,
                   said.text AS name, a.due_on AS due
              FROM hstyle_key_account a
              JOIN res_users here ON here.id = a.user_id
              LEFT JOIN res_users deputy ON deputy.id = a.deputy_id AND deputy.active
              LEFT JOIN hstyle_account_manager m
                ON m.user_id = a.user_id AND m.company_id = a.company_id
               AND m.away_until >= %(today)s
              JOIN res_partner person ON person.id = here.partner_id
              JOIN (%(texts)s) said
                ON said.reason = 'visit'
               AND said.lang = CASE WHEN person.lang = ANY(%(langs)s)
                                    THEN person.lang ELSE (%(langs)s)[1] END
             WHERE a.active AND a.company_id = %(company)s AND a.due_on <= %(until)s
               AND (here.active OR deputy.id IS NOT NULL)
               AND NOT EXISTS (
                   SELECT FROM hstyle_todo t
                    WHERE t.partner_id = a.partner_id AND t.company_id = a.company_id
                      AND t.reason = 'visit' AND t.state = 'open')
            """,
            texts=self.env["hstyle.todo"]._sql_texts(),
            langs=self.env["hstyle.todo"]._get_langs(),
            company=company.id,
            today=today,
            until=today + timedelta(days=AHEAD),
        )

    def _get_todos(self):
        """Return the open tasks to visit the customers."""
        todos = self.env["hstyle.todo"].sudo()
        for account in self.sudo():
            todos |= todos.search(
                [
                    ("partner_id", "=", account.partner_id.id),
                    ("company_id", "=", account.company_id.id),
                    ("reason", "=", "visit"),
                    ("state", "=", "open"),
                ]
            )
        return todos

    def _end_todos(self):
        """A visit that is planned needs no task any more.

        Its occasion is free again, for the case that the visit falls away.
        """
        for account in self.sudo():
            day = str(account.due_on)
            todos = account._get_todos().filtered(lambda t, day=day: t.key < day)
            todos._finish("reached")
            for todo in todos:
                todo.key = f"{todo.key}/{todo.id}"

    @api.model
    def _merge_members(self, src_partners, dst_partner):
        """Keep the account of the surviving customer; the visits of all are its own."""
        accounts = (
            self.sudo()
            .with_context(active_test=False)
            .search([("partner_id", "in", (src_partners | dst_partner).ids)])
        )
        for same in accounts.grouped("company_id").values():
            kept = (same.filtered(lambda a: a.partner_id == dst_partner) or same)[:1]
            (same - kept).visit_ids.hstyle_key_account_id = kept
            kept.active = any(same.mapped("active"))
            (same - kept).unlink()
