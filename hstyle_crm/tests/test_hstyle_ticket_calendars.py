import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from odoo.tests import tagged

from .test_hstyle_ticket import HstyleTicketCommon

#: Minutes of the world that a case may run through.
WORLD = 75 * 1440
ZONES = (
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
)


@tagged("post_install", "-at_install")
class TestTicketCalendars(HstyleTicketCommon):
    """Deadlines agree with a count of minutes, around the change of the clocks.

    100 calendars, 50 tickets each, with lunch, nights and leaves, pauses, and a new
    policy meanwhile; the job plans again.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.draw = random.Random(20260301)
        cls.start = datetime(2026, 3, 1)
        cls.clocks = {tz: cls._read_clock(ZoneInfo(tz)) for tz in ZONES}

    @classmethod
    def _read_clock(cls, zone):
        """Return weekday and minute of the day of each minute of the world."""
        start = cls.start.replace(tzinfo=UTC)
        moments = (start + timedelta(minutes=n) for n in range(WORLD))
        local = [moment.astimezone(zone) for moment in moments]
        return np.array([(m.weekday(), m.hour * 60 + m.minute) for m in local])

    def test_random_calendars(self):
        for number in range(100):
            tz = ZONES[number % len(ZONES)]
            hours, days = self._draw_week()
            self.team.calendar_id = self._create_calendar(tz, hours, days)
            leaves = self._draw_leaves()
            self._add_leaves(leaves)
            works = self._get_works(tz, hours, days, leaves)
            with self.subTest(tz=tz, hours=hours, days=days, leaves=leaves):
                self._check_deadlines(works)

    def _draw_week(self):
        hours = self.draw.choice(
            [
                ((9, 18),),
                ((8, 12), (13, 17.5)),
                ((0, 24),),
                ((0, 2), (20.25, 24)),
                ((1, 4),),
            ]
        )
        days = self.draw.sample(range(7), self.draw.randrange(3, 8))
        return hours, sorted(days)

    def _draw_leaves(self):
        """Return (first, last) minutes, whole ones, that may overlap."""
        firsts = [self.draw.randrange(40 * 1440) for _leave in range(4)]
        return [(first, first + self.draw.randrange(30, 4000)) for first in firsts]

    def _get_works(self, tz, hours, days, leaves):
        weekday, minute = self.clocks[tz].T
        works = np.zeros(WORLD, dtype=bool)
        for first, last in hours:
            works |= (minute >= first * 60) & (minute < last * 60)
        works &= np.isin(weekday, days)
        for first, last in leaves:
            works[first:last] = False
        return works

    def _add_leaves(self, leaves):
        self.env["resource.calendar.leaves"].create(
            [
                {
                    "name": "Holiday",
                    "calendar_id": self.team.calendar_id.id,
                    "company_id": self.company.id,
                    "date_from": self._get_moment(first),
                    "date_to": self._get_moment(last),
                }
                for first, last in leaves
            ]
        )

    def _get_moment(self, minute):
        return self.start + timedelta(minutes=int(minute))

    def _check_deadlines(self, works):
        """Open 50 tickets, let them wait, change the policy; compare each time."""
        starts = [self.draw.randrange(20 * 1440) for _ticket in range(50)]
        self._set_policy(2, 8)
        tickets = self._open_many(starts)
        self._compare(tickets, works, starts, [(0, 0)] * 50)
        pauses = [self._draw_pause(start) for start in starts]
        self.env["hstyle.ticket.pause"].create(
            [
                {
                    "ticket_id": ticket.id,
                    "start": self._get_moment(first),
                    "stop": self._get_moment(last),
                }
                for ticket, (first, last) in zip(tickets, pauses, strict=True)
            ]
        )
        self._set_policy(self.draw.randrange(1, 5), self.draw.randrange(5, 25))
        tickets._plan()
        self._compare(tickets, works, starts, pauses)

    def _draw_pause(self, start):
        first = start + self.draw.randrange(900)
        return first, first + self.draw.randrange(1, 3000)

    def _set_policy(self, answer, solve):
        self.sla.write({"answer_hours": answer, "solve_hours": solve})

    def _open_many(self, starts):
        tickets = self.env["hstyle.ticket"].with_context(tracking_disable=True)
        values = {"name": "Late parcel", "team_id": self.team.id}
        return tickets.create(
            [{**values, "opened_at": self._get_moment(start)} for start in starts]
        )

    def _compare(self, tickets, works, starts, pauses):
        for ticket, start, (first, last) in zip(tickets, starts, pauses, strict=True):
            free = works.copy()
            free[:start] = free[first:last] = False
            done = np.cumsum(free)
            for due, hours in (
                (ticket.answer_due, self.sla.answer_hours),
                (ticket.solve_due, self.sla.solve_hours),
            ):
                # The minute whose end makes it so many.
                minute = np.searchsorted(done, hours * 60) + 1
                self.assertLess(minute, WORLD)
                self.assertEqual(due, self._get_moment(minute), (start, first, last))
