import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from freezegun import freeze_time

from odoo import Command, fields
from odoo.tests import tagged

from .common import HstyleCommon

MONDAY = datetime(2026, 3, 2)
KINDS = ("new", "open", "waiting", "solved", "closed")


class HstyleTicketCommon(HstyleCommon):
    """A team that works from 9 to 17 (UTC) on weekdays: 2 hours to answer, 8 to solve."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["hstyle.sla"].search([]).active = False
        cls.env["hstyle.ticket.team"].search([]).active = False
        cls.calendar = cls._create_calendar()
        cls.team = cls.env["hstyle.ticket.team"].create(
            {
                "name": "Service",
                "calendar_id": cls.calendar.id,
                "manager_id": cls.manager.id,
                "member_ids": [Command.link(cls.agent.id)],
            }
        )
        cls.sla = cls.env["hstyle.sla"].create(
            {"name": "All", "answer_hours": 2, "solve_hours": 8}
        )
        stages = cls.env["hstyle.ticket.stage"].search([])
        cls.stages = {kind: stages.filtered(lambda s: s.kind == kind) for kind in KINDS}

    @classmethod
    def _create_calendar(cls, tz="UTC", hours=((9, 17),), days=range(5)):
        attendances = [
            Command.create(
                {"name": "x", "dayofweek": str(day), "hour_from": a, "hour_to": b}
            )
            for day in days
            for a, b in hours
        ]
        values = {"name": "Service", "tz": tz, "attendance_ids": attendances}
        calendar = cls.env["resource.calendar"].create(
            {**values, "company_id": cls.env.company.id}
        )
        calendar.attendance_ids.filtered(lambda a: a.name != "x").unlink()
        return calendar

    @classmethod
    def _open(cls, moment, **values):
        """Open a ticket at a moment, as a service agent does."""
        tickets = cls.env["hstyle.ticket"].with_user(cls.agent)
        with freeze_time(moment):
            values = {"name": "Late parcel", "team_id": cls.team.id, **values}
            return tickets.create({"user_id": cls.agent.id, **values})

    def _move(self, ticket, kind, moment):
        with freeze_time(moment):
            ticket.stage_id = self.stages[kind]

    def _escalate(self, moment):
        with freeze_time(moment):
            self.env["hstyle.ticket"]._cron_deadlines()


@tagged("post_install", "-at_install")
class TestHstyleTicket(HstyleTicketCommon):
    def test_deadlines_of_a_new_ticket(self):
        ticket = self._open(MONDAY + timedelta(hours=16))
        self.assertEqual(ticket.sla_id, self.sla)
        tuesday = MONDAY + timedelta(days=1)
        self.assertEqual(ticket.answer_due, tuesday + timedelta(hours=10))
        self.assertEqual(ticket.solve_due, tuesday + timedelta(hours=16))
        self.assertTrue(ticket.number.startswith("T"))

    def test_around_the_clock(self):
        self.team.calendar_id = False
        ticket = self._open(MONDAY - timedelta(hours=5))
        self.assertEqual(ticket.solve_due, MONDAY + timedelta(hours=3))

    def test_waiting_stops_the_clock(self):
        ticket = self._open(MONDAY + timedelta(hours=9))
        self._move(ticket, "waiting", MONDAY + timedelta(hours=10))
        self.assertFalse(ticket.solve_due)
        self._escalate(MONDAY + timedelta(days=20))
        self.assertFalse(ticket.solve_verdict)
        self._move(ticket, "open", MONDAY + timedelta(days=1, hours=9))
        self.assertEqual(ticket.solve_due, MONDAY + timedelta(days=1, hours=16))

    def test_met(self):
        ticket = self._open(MONDAY + timedelta(hours=9))
        self._move(ticket, "solved", MONDAY + timedelta(hours=17))
        self.assertEqual(
            (ticket.answer_verdict, ticket.solve_verdict), ("breached", "met")
        )

    def test_breached_once(self):
        ticket = self._open(MONDAY + timedelta(hours=9))
        late = MONDAY + timedelta(hours=17, minutes=1)
        for _run in range(2):
            self._escalate(late)
        self.assertEqual(ticket.solve_verdict, "breached")
        self.assertEqual(
            sorted(self.env["hstyle.ticket.breach"].search([]).mapped("deadline")),
            ["answer", "solve"],
        )
        self.assertFalse(ticket.activity_ids, "Nobody is at work after 17:00")
        for _run in range(2):
            self._escalate(MONDAY + timedelta(days=1, hours=9))
        # Two deadlines, the owner and the team leader.
        self.assertEqual(len(ticket.activity_ids), 4)

    def test_a_verdict_stays(self):
        ticket = self._open(MONDAY + timedelta(hours=9))
        self._escalate(MONDAY + timedelta(hours=12))
        self.assertEqual(ticket.answer_verdict, "breached")
        self.sla.answer_hours = self.sla.solve_hours = 100
        with freeze_time(MONDAY + timedelta(hours=13)):
            ticket._plan()
            ticket.message_post(body="We look into it", message_type="comment")
        self.assertEqual(ticket.answer_verdict, "breached")

    def test_reopened(self):
        """The time in between counts for the customer, and the ticket is open again."""
        ticket = self._open(MONDAY + timedelta(hours=9))
        self._move(ticket, "solved", MONDAY + timedelta(hours=10))
        self._move(ticket, "open", MONDAY + timedelta(days=7, hours=9))
        self.assertEqual((ticket.reopen_count, ticket.solve_verdict), (1, False))
        self.assertEqual(ticket.solve_due, MONDAY + timedelta(days=7, hours=16))

    def test_random_walks(self):
        """From any stage to any other: the clock agrees with one that counts minutes."""
        draw = random.Random(17)
        for _walk in range(40):
            moment = MONDAY + timedelta(minutes=draw.randrange(7 * 1440))
            ticket, walk = self._open(moment), [(moment, "new")]
            for _step in range(draw.randrange(6)):
                moment += timedelta(minutes=draw.randrange(1, 1500))
                walk.append((moment, draw.choice(KINDS)))
                self._move(ticket, walk[-1][1], moment)
            due, verdict = self._count(walk)
            self.assertEqual(ticket.solve_verdict or None, verdict, walk)
            if not verdict:
                self.assertEqual(ticket.solve_due or None, due, walk)

    def _count(self, walk):
        """Return (deadline, verdict) after a walk, minute by minute."""
        left, moment, end = 8 * 60, walk[0][0], walk[-1][0]
        kinds, kind, verdict, over = dict(walk), None, None, None
        while moment <= end or (left and kind in ("new", "open")):
            before, kind = kind, kinds.get(moment, kind)
            if kind in ("solved", "closed") and before not in ("solved", "closed"):
                # On the very minute is still in time.
                verdict = verdict or ("met" if over in (None, moment) else "breached")
            elif kind not in ("solved", "closed") and verdict == "met":
                verdict = None
            works = moment.weekday() < 5 and 9 <= moment.hour < 17
            moment += timedelta(minutes=1)
            if works and left and kind in ("new", "open"):
                left -= 1
                over = None if left else moment
        return over, verdict


@tagged("post_install", "-at_install")
class TestTicketCalendars(HstyleTicketCommon):
    def test_time_zones_and_holidays(self):
        """Around the change of the clocks, with lunch and leaves: minute by minute."""
        draw = random.Random(3)
        for tz in ("Asia/Shanghai", "Europe/Berlin", "America/New_York"):
            hours = ((8, 12), (13, 17.5))
            calendar = self._create_calendar(tz, hours, range(6))
            self.team.calendar_id = calendar
            holidays = self._add_leaves(calendar, draw)
            for _case in range(10):
                start = datetime(2026, 3, 6) + timedelta(minutes=draw.randrange(40000))
                ticket = self._open(start)
                expected = self._count(ZoneInfo(tz), hours, holidays, start)
                self.assertEqual(ticket.solve_due, expected, (tz, start))

    def _add_leaves(self, calendar, draw):
        leaves = []
        for _leave in range(3):
            start = datetime(2026, 3, 6) + timedelta(hours=draw.randrange(700))
            leaves.append((start, start + timedelta(hours=draw.randrange(1, 40))))
        self.env["resource.calendar.leaves"].create(
            [
                {
                    "name": "Holiday",
                    "calendar_id": calendar.id,
                    "company_id": self.company.id,
                    "date_from": first,
                    "date_to": last,
                }
                for first, last in leaves
            ]
        )
        return leaves

    def _count(self, tz, hours, holidays, start):
        left, moment = 8 * 60, start
        while left:
            local = moment.replace(tzinfo=UTC).astimezone(tz)
            hour = local.hour + local.minute / 60
            works = local.weekday() < 6 and any(a <= hour < b for a, b in hours)
            works = works and not any(a <= moment < b for a, b in holidays)
            moment += timedelta(minutes=1)
            left -= works
        return fields.Datetime.to_datetime(moment)
