from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import fields, models

from ..tools import worktime
from ..tools.days import localize

#: Days ahead that can be booked.
DAYS = 14
#: Hours before an appointment, so that nobody is surprised.
NOTICE = 2


class HstyleTicketSlot(models.AbstractModel):
    """The times at which a team sees customers: a half of hstyle.ticket.team."""

    _name = "hstyle.ticket.slot"
    _description = "Free times of service teams"

    appointment_minutes = fields.Integer(
        string="Minutes of an appointment",
        default=30,
        help="Customers choose among the free times of the members, in the team's "
        "working hours. 0: the team takes no appointments.",
    )

    _appointment_valid = models.Constraint(
        "CHECK (appointment_minutes = 0 OR appointment_minutes BETWEEN 5 AND 480)",
        "An appointment takes from 5 minutes to 8 hours.",
    )

    def _get_tz(self):
        """Return the timezone in which customers read the team's times."""
        return self.calendar_id.tz or self.company_id.hstyle_tz

    def _get_hosts(self):
        """Return the members who see customers."""
        return self.member_ids.filtered(lambda user: user.active and not user.share)

    def _get_free_slots(self):
        """Return start (naive UTC) → members who are free then, in order of time.

        Of the members, those with the fewest entries in their calendars come first.
        """
        self.ensure_one()
        team = self.sudo()
        if not team.appointment_minutes:
            return {}
        now = fields.Datetime.now()
        first, last = now + timedelta(hours=NOTICE), now + timedelta(days=DAYS)
        busy = team._get_busy(first, last)
        hosts = team._get_hosts().sorted(lambda user: len(busy.get(user, ())))
        length = timedelta(minutes=team.appointment_minutes)
        spans = team._iter_spans(team._get_midnight(now))
        starts = worktime.iter_slots(spans, team._get_midnight(now), last, length)
        slots = {
            start: hosts.filtered(
                lambda user, start=start: (
                    not any(
                        begin < start + length and start < end
                        for begin, end in busy.get(user, ())
                    )
                )
            )
            for start in starts
            if start >= first
        }
        return {start: users for start, users in slots.items() if users}

    def _get_midnight(self, moment):
        """Return the start (naive UTC) of the team's day."""
        local = localize(moment, self._get_tz())
        midnight = datetime.combine(local.date(), time.min, local.tzinfo)
        return midnight.astimezone(UTC).replace(tzinfo=None)

    def _get_busy(self, first, last):
        """Return member → spans (naive UTC) of what their calendars say."""
        members = {user.partner_id: user for user in self._get_hosts()}
        events = self.env["calendar.event"].search(
            [
                ("partner_ids", "in", [partner.id for partner in members]),
                ("start", "<", last + timedelta(days=1)),
                ("stop", ">", first - timedelta(days=1)),
                ("show_as", "=", "busy"),
            ]
        )
        busy = {}
        for event in events:
            going = event.attendee_ids.filtered(lambda one: one.state != "declined")
            for partner in going.partner_id & self.env["res.partner"].concat(*members):
                busy.setdefault(members[partner], []).append(self._get_span(event))
        return busy

    def _get_span(self, event):
        """Return when an entry begins and ends; one of whole days has no times."""
        if not event.allday:
            return event.start, event.stop
        days = (event.start_date, event.stop_date + timedelta(days=1))
        tz = ZoneInfo(self._get_tz())
        start, stop = (datetime.combine(day, time.min, tz) for day in days)
        return tuple(
            moment.astimezone(UTC).replace(tzinfo=None) for moment in (start, stop)
        )
