import random
from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import HstyleCommon

MONDAY = datetime(2026, 3, 2)
KINDS = ("new", "open", "waiting", "solved", "closed")


class HstyleTicketCommon(HstyleCommon):
    """A team works from 9 to 17 (UTC) on weekdays: 2 hours to answer, 8 to solve."""

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
        cls.stages = {
            kind: cls.env.ref(f"hstyle_crm.ticket_stage_{kind}") for kind in KINDS
        }

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

    def _run(self, moment, job="deadlines"):
        with freeze_time(moment), self.enter_registry_test_mode():
            self.env.ref(f"hstyle_crm.ir_cron_ticket_{job}").method_direct_trigger()


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
        self._run(MONDAY + timedelta(days=20))
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
            self._run(late)
        self.assertEqual(ticket.solve_verdict, "breached")
        self.assertEqual(
            sorted(self.env["hstyle.ticket.breach"].search([]).mapped("deadline")),
            ["answer", "solve"],
        )
        self.assertFalse(ticket.activity_ids, "Nobody is at work after 17:00")
        for _run in range(2):
            self._run(MONDAY + timedelta(days=1, hours=9))
        # Two deadlines, the owner and the team leader.
        self.assertEqual(len(ticket.activity_ids), 4)

    def test_a_verdict_stays(self):
        ticket = self._open(MONDAY + timedelta(hours=9))
        self._run(MONDAY + timedelta(hours=12))
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

    def test_solved_without_a_word_and_opened_again(self):
        ticket = self._open(MONDAY + timedelta(hours=9))
        self._move(ticket, "solved", MONDAY + timedelta(hours=10))
        self._move(ticket, "open", MONDAY + timedelta(days=7, hours=9))
        self.assertEqual(ticket.next_due, MONDAY + timedelta(days=7, hours=16))

    def test_late_but_solved(self):
        """Nobody is called to what is done."""
        ticket = self._open(MONDAY + timedelta(hours=9))
        self._move(ticket, "solved", MONDAY + timedelta(days=1, hours=10))
        self.assertEqual(ticket.solve_verdict, "breached")
        self._run(MONDAY + timedelta(days=1, hours=11))
        self.assertFalse(ticket.activity_ids)

    def test_owner_who_left(self):
        ticket = self._open(MONDAY + timedelta(hours=9))
        self.agent.active = False
        self._run(MONDAY + timedelta(days=1, hours=11))
        self.assertEqual(ticket.activity_ids.user_id, self.manager)

    def test_random_walks(self):
        """From any stage to any other: as a clock says that counts minutes."""
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

    def test_rules_change(self):
        """Hours, holidays, levels and tiers: open tickets are planned again."""
        noon = MONDAY + timedelta(hours=12)
        ticket = self._open(MONDAY + timedelta(hours=9))
        self._run(MONDAY + timedelta(hours=9))
        self.sla.solve_hours = 12
        self._run(noon)
        tuesday = MONDAY + timedelta(days=1)
        self.assertEqual(ticket.solve_due, tuesday + timedelta(hours=13))
        self.calendar.attendance_ids.hour_from = 10
        self._run(noon)
        self.assertEqual(ticket.solve_due, tuesday + timedelta(hours=15))
        self._add_holiday(tuesday)
        self._run(noon)
        self.assertEqual(ticket.solve_due, tuesday + timedelta(days=1, hours=15))
        self.team.calendar_id = False
        self._run(noon)
        self.assertEqual(ticket.solve_due, MONDAY + timedelta(hours=21))
        self.assertFalse(ticket.is_stale)

    def test_rules_change_before_the_job(self):
        """What is decided meanwhile is decided by the rules that hold now."""
        ticket = self._open(MONDAY + timedelta(hours=9))
        self.sla.write({"answer_hours": 1, "solve_hours": 1})
        self._move(ticket, "solved", MONDAY + timedelta(hours=11))
        self.assertEqual(ticket.solve_verdict, "breached")

    def _add_holiday(self, day, company=None):
        """Close all teams of a company for a day."""
        leaves = self.env["resource.calendar.leaves"].with_company(company)
        day = {"date_from": day, "date_to": day + timedelta(days=1)}
        leave = leaves.create({"name": "Holiday", "calendar_id": False, **day})
        self.assertEqual(leave.company_id, company or self.company)

    def test_holidays_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self._add_holiday(MONDAY, other)
        ticket = self._open(MONDAY + timedelta(hours=9))
        self.assertEqual(ticket.solve_due, MONDAY + timedelta(hours=17))

    def test_tier_changes(self):
        grade = self.env["res.partner.grade"].search([("is_tier", "=", True)])[-1]
        self.sla.copy({"sequence": 1, "solve_hours": 3, "grade_ids": grade.ids})
        partner = self._create_partner()
        ticket = self._open(MONDAY + timedelta(hours=9), partner_id=partner.id)
        self.assertEqual(ticket.solve_due, MONDAY + timedelta(hours=17))
        with freeze_time(MONDAY + timedelta(hours=9)):
            change = grade._prepare_change(partner, grade, "manual")
            grade._assign([change])
        self._run(MONDAY + timedelta(hours=10))
        self.assertEqual(ticket.solve_due, MONDAY + timedelta(hours=12))

    def test_closing(self):
        solved, waiting, open_ = [self._open(MONDAY) for _number in range(3)]
        self._move(solved, "solved", MONDAY + timedelta(hours=10))
        self._move(waiting, "waiting", MONDAY + timedelta(hours=10))
        self._run(MONDAY + timedelta(days=6), job="close")
        self.assertNotIn("closed", (solved.kind, waiting.kind))
        self._run(MONDAY + timedelta(days=8), job="close")
        self.assertEqual((solved.kind, waiting.kind), ("closed", "closed"))
        self.assertEqual((solved.is_auto_closed, waiting.is_auto_closed), (False, True))
        self.assertEqual(open_.kind, "new")

    def test_only_the_ticket_writes_its_times(self):
        ticket = self._open(MONDAY)
        for name, value in {
            "solve_verdict": "met",
            "opened_at": MONDAY,
            "number": "T1",
            "reopen_count": 0,
        }.items():
            with self.assertRaises(AccessError, msg=name):
                ticket.write({name: value})
            with self.assertRaises(AccessError, msg=name):
                self._open(MONDAY, **{name: value})
        tickets = ticket.with_context(default_solve_verdict="met", default_number="T1")
        other = tickets.create({"name": "Mine", "team_id": self.team.id})
        self.assertEqual((other.solve_verdict, other.number != "T1"), (False, True))

    def test_open_tickets_stop_marketing(self):
        partner = self._create_partner(email="mei@example.com")
        self.env["hstyle.consent"]._record(
            partner, "email", "marketing", given=True, source="Test"
        )
        ticket = self._open(MONDAY, partner_id=partner.id)

        self.assertFalse(partner._filter_contactable("email", "marketing"))
        self.assertTrue(partner._filter_contactable("email", "service"))
        refused = self.env["hstyle.contact"].search([("partner_id", "=", partner.id)])
        self.assertEqual(refused.reason, "ticket")
        self._move(ticket, "solved", MONDAY + timedelta(hours=10))
        self.assertTrue(partner._filter_contactable("email", "marketing"))
