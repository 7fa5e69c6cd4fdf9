from datetime import datetime, timedelta
from hashlib import sha256

import pytz

from odoo import api, fields, models

from ..tools import worktime

#: Days of a calendar that are read at once, counted from an epoch.
STRETCH = timedelta(days=28)
EPOCH = datetime(2000, 1, 3)
#: Stretches a deadline may lie ahead: a calendar without any working time has none.
HORIZON = 14
TICK = timedelta(microseconds=1)
#: What working time hangs on.
CALENDAR = ("tz", "flexible_hours", "hours_per_day", "two_weeks_calendar")
ATTENDANCE = ("dayofweek", "hour_from", "hour_to", "week_type", "day_period")
LEAVE = ("date_from", "date_to", "time_type")
LEVEL = ("intent_ids", "grade_ids", "priority", "answer_hours", "solve_hours")


class HstyleTicketTeam(models.Model):
    """Colleagues who answer tickets, in their working time."""

    _name = "hstyle.ticket.team"
    _description = "Service team"
    _inherit = ["mail.thread", "mail.alias.mixin", "hstyle.ticket.slot"]
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    manager_id = fields.Many2one(
        comodel_name="res.users",
        string="Team leader",
        index=True,
        domain=[("share", "=", False)],
        help="Hears of deadlines that were missed.",
    )
    staff_ids = fields.One2many(
        comodel_name="hstyle.ticket.member",
        inverse_name="team_id",
        string="Skills and absences",
    )
    member_ids = fields.Many2many(
        comodel_name="res.users",
        string="Members",
        compute="_compute_member_ids",
        inverse="_inverse_member_ids",
        search="_search_member_ids",
        domain=[("share", "=", False)],
    )
    calendar_id = fields.Many2one(
        comodel_name="resource.calendar",
        string="Working hours",
        index="btree_not_null",
        help="Deadlines count in these hours, without public holidays. Empty: around "
        "the clock.",
    )
    ticket_ids = fields.One2many(
        comodel_name="hstyle.ticket", inverse_name="team_id", string="Tickets"
    )

    rules_state = fields.Char(readonly=True, copy=False)

    @api.depends("staff_ids.user_id")
    def _compute_member_ids(self):
        for team in self:
            team.member_ids = team.staff_ids.user_id

    def _inverse_member_ids(self):
        for team in self:
            users = team.member_ids
            team.staff_ids.filtered(lambda m, u=users: m.user_id not in u).unlink()
            team.staff_ids.create(
                [
                    {"team_id": team.id, "user_id": user.id}
                    for user in users - team.staff_ids.user_id
                ]
            )

    def _search_member_ids(self, operator, value):
        return [("staff_ids.user_id", operator, value)]

    def _alias_get_creation_values(self):
        values = super()._alias_get_creation_values()
        values["alias_model_id"] = self.env["ir.model"]._get_id("hstyle.ticket")
        if self.id:
            values["alias_defaults"] = {"team_id": self.id, "channel": "email"}
        return values

    # === WORKING TIME === #

    def _iter_spans(self, start, known=None):
        """Yield the team's working time (naive UTC) from before a moment on.

        :param known: a dict that keeps stretches of calendars, where many ask
        """
        if not self.calendar_id:
            yield from worktime.ALWAYS
            return
        known = {} if known is None else known
        first = (start - EPOCH) // STRETCH
        for number in range(first, first + HORIZON):
            key = self.calendar_id, self.company_id, number
            if key not in known:
                known[key] = self._read_stretch(EPOCH + number * STRETCH)
            yield from known[key]

    def _read_stretch(self, start):
        """Return the working time of a stretch, without the company's holidays.

        The host takes holidays of all companies where it may read them.
        """
        calendar = self.calendar_id.sudo()
        intervals = calendar._work_intervals_batch(
            pytz.utc.localize(start),
            pytz.utc.localize(start + STRETCH),
            domain=self._get_holiday_domain(),
            tz=pytz.timezone(calendar.tz),
        )
        return [
            (self._to_utc(first), self._to_utc(last))
            for first, last, _attendances in intervals[False]
        ]

    def _get_holiday_domain(self):
        companies = [False, *self.company_id.sudo().parent_ids.ids]
        return [("time_type", "=", "leave"), ("company_id", "in", companies)]

    def _to_utc(self, moment):
        """Return a moment as naive UTC; the last tick of a day is its end."""
        moment = moment.astimezone(pytz.utc).replace(tzinfo=None)
        return moment + TICK if moment.microsecond == 999_999 else moment

    def _is_open(self, moment):
        """Tell whether somebody answers at a moment (naive UTC)."""
        return worktime.is_open(self._iter_spans(moment), moment)

    def _get_next_opening(self, moment):
        """Return when somebody answers next, or None."""
        for first, last in self._iter_spans(moment):
            if last > moment:
                return max(first, moment)
        return None

    # === CHANGES === #

    @api.model
    def _watch(self):
        """Have open tickets of teams planned again whose rules are others now."""
        for team in self.search([("active", "in", [True, False])]):
            state = team._get_rules_state()
            if team.rules_state != state:
                team.rules_state = state
                domain = [("team_id", "=", team.id)]
                self.env["hstyle.ticket"]._mark_stale(domain)

    def _get_rules_state(self):
        """Return a digest of all that the team's deadlines hang on.

        Read, not noted on each change: calendars are changed in many ways.
        """
        calendar = self.calendar_id.sudo()
        holidays = [
            *self._get_holiday_domain(),
            ("resource_id", "=", False),
            ("calendar_id", "in", [False, *calendar.ids]),
        ]
        levels = self.env["hstyle.sla"].search(
            [("company_id", "=", self.company_id.id)]
        )
        leaves = calendar.env["resource.calendar.leaves"].search(holidays, order="id")
        parts = [
            records.read(names, load=None)
            for records, names in (
                (calendar, CALENDAR),
                (calendar.attendance_ids.sorted("id"), ATTENDANCE),
                (leaves if calendar else leaves.browse(), LEAVE),
                (levels, LEVEL),
            )
        ]
        return sha256(repr(parts).encode()).hexdigest()
