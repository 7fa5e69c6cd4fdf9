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

    def _get_hosts(self, intent):
        """Return the members who see customers of an intent."""
        able = self.staff_ids.filtered(
            lambda one: not one.intent_ids or intent in one.intent_ids
        )
        return able.user_id.filtered(lambda user: user.active and not user.share)

    def _get_free_slots(self, intent):
        """Return start (naive UTC) → members who are free then, in order of time.

        Of the members, those with the fewest entries in their calendars come first.

        :param intent: hstyle.ticket.intent, maybe none
        """
        self.ensure_one()
        team = self.sudo()
        if not team.appointment_minutes:
            return {}
        now = fields.Datetime.now()
        first, last = now + timedelta(hours=NOTICE), now + timedelta(days=DAYS)
        hosts = team._get_hosts(intent)
        busy = team._get_busy(hosts, first, last)
        hosts = hosts.sorted(lambda user: len(busy.get(user, ())))
        length = timedelta(minutes=team.appointment_minutes)
        # From midnight on, so that the times are the same whenever one looks.
        today = localize(now, team._get_tz()).date()
        midnight = team._get_end(today - timedelta(days=1))
        spans = team._iter_spans(midnight)
        starts = worktime.iter_slots(spans, midnight, last, length)
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

    def _get_busy(self, hosts, first, last):
        """Return member → spans (naive UTC) of calendar entries and absences."""
        members = {user.partner_id: user for user in hosts}
        events = self.env["calendar.event"].search(
            [
                ("partner_ids", "in", [partner.id for partner in members]),
                ("start", "<", last + timedelta(days=1)),
                ("stop", ">", first - timedelta(days=1)),
                ("show_as", "=", "busy"),
            ]
        )
        busy = {
            one.user_id: [(datetime.min, self._get_end(one.away_until))]
            for one in self.staff_ids
            if one.away_until
        }
        domain = [("user_id", "in", hosts.ids), ("state", "=", "booked")]
        ahead = [("start", "<", last + timedelta(days=1)), ("stop", ">", first)]
        # Also if the entry in the calendar was archived or declined.
        for booked in self.env["hstyle.appointment"].search([*domain, *ahead]):
            busy.setdefault(booked.user_id, []).append((booked.start, booked.stop))
        for event in events:
            going = event.attendee_ids.filtered(lambda one: one.state != "declined")
            for partner in going.partner_id & self.env["res.partner"].concat(*members):
                busy.setdefault(members[partner], []).append(self._get_span(event))
        return busy

    def _get_span(self, event):
        """Return when an entry begins and ends; one of whole days has no times."""
        if not event.allday:
            return event.start, event.stop
        before = event.start_date - timedelta(days=1)
        return self._get_end(before), self._get_end(event.stop_date)

    def _get_end(self, day):
        """Return the end (naive UTC) of a day of the team."""
        tz = ZoneInfo(self._get_tz())
        midnight = datetime.combine(day + timedelta(days=1), time.min, tz)
        return midnight.astimezone(UTC).replace(tzinfo=None)
