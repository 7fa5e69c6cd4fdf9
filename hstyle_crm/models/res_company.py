from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import SQL

from odoo.addons.base.models.res_partner import _tz_get

from ..sms_api import SmsApiTencent
from ..tools import hashing


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "hstyle.sms.settings", "hstyle.goodwill.settings"]

    # Lifecycle stages: days since the last order at which a stage ends.
    hstyle_active_days = fields.Integer(
        string="Active until",
        default=90,
        help="A customer stays active for so many days after the last order.",
    )
    hstyle_lapsing_days = fields.Integer(
        string="Lapsing until",
        default=180,
        help="After the active days a customer is lapsing until this day.",
    )
    hstyle_lapsed_days = fields.Integer(
        string="Lapsed until",
        default=365,
        help="After the lapsing days a customer is lapsed; after this day, lost.",
    )
    hstyle_margin_rate = fields.Float(
        string="Assumed margin",
        digits=(5, 2),
        default=50,
        required=True,
        help="Percent of net revenue: the margin of shop orders whose cost is unknown.",
    )
    # Shares of the whole, in percent, at which class A and class B end.
    hstyle_abc_a = fields.Integer(string="Class A until", default=80, required=True)
    hstyle_abc_b = fields.Integer(string="Class B until", default=95, required=True)
    hstyle_tz = fields.Selection(
        selection=_tz_get,
        string="Business timezone",
        required=True,
        default=lambda self: self.env.user.tz or "Asia/Shanghai",
        help="The day of an order and the day of today are days of this timezone.",
    )
    # The day of the last refresh and its timezone: orders that left a window since
    # are due, and everything is, where the days became others.
    hstyle_profile_date = fields.Date(string="Profiles as of", readonly=True)
    hstyle_profile_tz = fields.Char(string="Profiles in timezone", readonly=True)

    # New rules move many members at once, who are not written to: since this moment.
    hstyle_tier_quiet = fields.Datetime(
        string="Tiers move quietly since", readonly=True
    )

    hstyle_control_share = fields.Float(
        string="Control group of all campaigns, %",
        digits=(4, 2),
        help="So many customers, drawn anew each year, get no campaign at all: they "
        "show what all campaigns together bring.",
    )

    _hstyle_control_share_valid = models.Constraint(
        "CHECK (hstyle_control_share >= 0 AND hstyle_control_share <= 15)",
        "The control group of all campaigns is 0 to 15 % of the customers.",
    )

    # The contact gate.
    hstyle_opt_in = fields.Boolean(
        string="Offers need a consent",
        default=True,
        help="Offers go only to people who allowed them. Otherwise to everybody who "
        "did not withdraw.",
    )
    hstyle_contact_cap = fields.Integer(
        string="Offers a month",
        default=4,
        help="No customer gets more offers in 30 days, over all channels and "
        "campaigns; and never two on a day.",
    )
    hstyle_quiet_from = fields.Float(
        string="Quiet from",
        default=21.0,
        help="In the customer's own timezone. Answers to questions are sent anytime.",
    )
    hstyle_quiet_to = fields.Float(string="Quiet until", default=9.0)

    # Campus agents and referrals.
    hstyle_return_days = fields.Integer(
        string="Return window",
        default=14,
        required=True,
        help="For so many days an order can be sent back. Rewards and commission wait "
        "until then.",
    )
    hstyle_agent_contract = fields.Text(
        string="Contract of campus agents",
        translate=True,
        help="What applicants agree to. It is kept with each agent as it was then.",
    )

    hstyle_gift_days = fields.Integer(
        string="Birthday gifts ahead",
        default=7,
        required=True,
        help="So many days before a birthday its gift is to be handed out; as many "
        "days after it the task is missed.",
    )

    _hstyle_gift_days_valid = models.Constraint(
        "CHECK (hstyle_gift_days BETWEEN 0 AND 60)",
        "Birthday gifts are handed out 0 to 60 days ahead.",
    )

    hstyle_ticket_close_days = fields.Integer(
        string="Close tickets after",
        default=7,
        required=True,
        help="Days after which a solved ticket closes, and one whose customer does not "
        "answer.",
    )

    hstyle_todo_limit = fields.Integer(
        string="Tasks a person",
        default=20,
        required=True,
        help="So many customers at most the nightly job puts on a person's day.",
    )
    _hstyle_todo_limit_valid = models.Constraint(
        "CHECK (hstyle_todo_limit >= 0)", "Nobody has fewer than no tasks."
    )

    _hstyle_ticket_close_days_valid = models.Constraint(
        "CHECK (hstyle_ticket_close_days > 0)",
        "Enter after how many days tickets close: one or more.",
    )
    _hstyle_return_days_valid = models.Constraint(
        "CHECK (hstyle_return_days >= 0)", "The return window is not below zero days."
    )

    @api.constrains("hstyle_contact_cap", "hstyle_quiet_from", "hstyle_quiet_to")
    def _check_hstyle_contact(self):
        for company in self:
            hours = (company.hstyle_quiet_from, company.hstyle_quiet_to)
            if not all(0 <= hour < 24 for hour in hours):
                raise ValidationError(
                    self.env._("Enter quiet hours between 00:00 and 23:59.")
                )
            if company.hstyle_contact_cap < 0:
                raise ValidationError(
                    self.env._("Enter how many offers a customer may get in a month.")
                )

    @api.constrains("hstyle_active_days", "hstyle_lapsing_days", "hstyle_lapsed_days")
    def _check_hstyle_days(self):
        for company in self:
            if not (
                0
                < company.hstyle_active_days
                < company.hstyle_lapsing_days
                < company.hstyle_lapsed_days
            ):
                raise ValidationError(
                    self.env._(
                        "The days of the lifecycle stages must grow: active, then "
                        "lapsing, then lapsed. Enter for example 90, 180 and 365."
                    )
                )

    def _get_sms_api_class(self):
        self.ensure_one()
        if self.hstyle_sms_provider == "tencent":
            return SmsApiTencent
        return super()._get_sms_api_class()

    @api.constrains("hstyle_abc_a", "hstyle_abc_b")
    def _check_hstyle_abc(self):
        for company in self:
            if not 0 < company.hstyle_abc_a < company.hstyle_abc_b < 100:
                raise ValidationError(
                    self.env._(
                        "Class A must end before class B, and both between 1 and 99 "
                        "percent. Enter for example 80 and 95."
                    )
                )

    def write(self, vals):
        rate = vals.get("hstyle_margin_rate")
        if rate is not None and any(c.hstyle_margin_rate != rate for c in self):
            # All margins become others: the next refresh is a full one.
            vals = {**vals, "hstyle_profile_date": False}
        return super().write(vals)

    def _check_hstyle_company(self):
        """Refuse figures of companies in which the user does not work."""
        if not self.env.su and self not in self.env.user.company_ids:
            raise AccessError(self.env._("Choose a company in which you work."))

    def _hstyle_today(self):
        """Return the company's day of today."""
        return self._hstyle_day(fields.Datetime.now())

    def _hstyle_start(self, day):
        """Return the first moment (UTC) of a day of the company."""
        self.ensure_one()
        start = datetime.combine(day, time.min, ZoneInfo(self.hstyle_tz))
        return start.astimezone(UTC).replace(tzinfo=None)

    def _hstyle_day(self, moment):
        """Return the company's day of a moment."""
        self.ensure_one()
        tz = ZoneInfo(self.hstyle_tz)
        return moment.replace(tzinfo=UTC).astimezone(tz).date()

    def _sql_is_held_out(self, partner_id):
        """Return SQL: whether a customer gets no campaign at all this year.

        A branch leaves alone whom its parent does, as the contact gate asks.

        :param SQL partner_id: a commercial partner's id
        """
        self.ensure_one()
        company = self.sudo().root_id
        salt = f"global:{company.id}:{company._hstyle_today().year}"
        limit = round(company.hstyle_control_share * hashing.RANGE / 100)
        return SQL("%s < %s", SQL(hashing.DRAW, salt, partner_id), limit)
