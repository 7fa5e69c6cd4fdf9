import re
from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import Command, http
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from .test_hstyle_ticket import MONDAY, HstyleTicketCommon

TUESDAY = MONDAY + timedelta(days=1)


class HstyleAppointmentCommon(HstyleTicketCommon):
    """A team of two that sees customers for an hour, and a customer who wants that."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lan = new_test_user(
            cls.env,
            login="lan",
            groups="hstyle_crm.hstyle_crm_group_agent",
            email="lan@example.com",
        )
        cls.team.write(
            {"appointment_minutes": 60, "member_ids": [Command.link(cls.lan.id)]}
        )
        cls.intent = cls.env.ref("hstyle_crm.ticket_intent_appointment")
        cls.customer = cls._create_partner(email="mei@example.com", lang="en_US")
        cls.ticket = cls._open_appointment()

    @classmethod
    def _open_appointment(cls, customer=None, moment=MONDAY):
        customer = customer or cls.customer
        values = {"partner_id": customer.id, "intent_id": cls.intent.id}
        return cls._open(moment + timedelta(hours=9), **values)

    def _get_slots(self, moment=MONDAY):
        with freeze_time(moment):
            return self.team._get_free_slots(self.intent)

    def _book(self, start, ticket=None, moment=MONDAY):
        with freeze_time(moment):
            return (ticket or self.ticket).with_user(self.agent)._book(start)

    def _meet(self, start, hours, user, **values):
        return self.env["calendar.event"].create(
            {
                "name": "Meeting",
                "start": start,
                "stop": start + timedelta(hours=hours),
                "partner_ids": user.partner_id.ids,
                "user_id": user.id,
                **values,
            }
        )


@tagged("post_install", "-at_install")
class TestHstyleAppointment(HstyleAppointmentCommon):
    # === FREE TIMES === #

    def test_hours_of_the_team(self):
        """In working hours on ten weekdays, not in a holiday, not at once."""
        slots = self._get_slots(MONDAY + timedelta(hours=8, minutes=30))
        first = MONDAY + timedelta(hours=11)
        self.assertEqual(min(slots), first)
        self.assertEqual({start.hour for start in slots}, set(range(9, 17)))
        self.assertEqual({start.weekday() for start in slots}, set(range(5)))
        before = len(slots)
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.calendar.id,
                "company_id": self.company.id,
                "date_from": TUESDAY,
                "date_to": TUESDAY + timedelta(hours=24),
            }
        )
        slots = self._get_slots(MONDAY + timedelta(hours=8, minutes=30))
        self.assertEqual(before - len(slots), 8)
        self.team.appointment_minutes = 0
        self.assertFalse(self._get_slots())

    def test_the_grid_does_not_move(self):
        """Whoever looks at whatever minute sees the same times."""
        early = set(self._get_slots(MONDAY + timedelta(minutes=61)))
        late = set(self._get_slots(MONDAY + timedelta(hours=10, minutes=17)))
        self.assertEqual(
            {start for start in early if start >= TUESDAY},
            {start for start in late if TUESDAY <= start <= max(early)},
        )

    def test_busy(self):
        nine = TUESDAY + timedelta(hours=9)
        self._meet(nine - timedelta(minutes=30), 1, self.agent)
        self._meet(nine + timedelta(hours=2), 1, self.agent, show_as="free")
        slots = self._get_slots()
        self.assertEqual(slots[nine], self.lan)
        self.assertEqual(len(slots[nine + timedelta(hours=1)]), 2)
        self.assertEqual(len(slots[nine + timedelta(hours=2)]), 2)
        self._meet(nine, 3, self.lan)
        self.assertNotIn(nine, self._get_slots())

    def test_whole_days(self):
        """A day off is one of the team's timezone, whatever times it has."""
        self.calendar.tz = "Asia/Shanghai"
        self.team.member_ids = self.agent
        day = TUESDAY.date()
        event = {"allday": True, "start_date": day, "stop_date": day}
        self._meet(TUESDAY, 1, self.agent, **event)
        days = {(start + timedelta(hours=8)).date() for start in self._get_slots()}
        self.assertNotIn(day, days)
        self.assertIn(day + timedelta(days=1), days)

    def test_away_and_unskilled(self):
        lan = self.team.staff_ids.filtered(lambda one: one.user_id == self.lan)
        lan.away_until = TUESDAY.date()
        slots = self._get_slots()
        for day, count in ((1, 1), (2, 2)):
            users = slots[MONDAY + timedelta(days=day, hours=9)]
            self.assertEqual(len(users), count, day)
        lan.away_until = False
        lan.intent_ids = self.env.ref("hstyle_crm.ticket_intent_return")
        hosts = self.env["res.users"].union(*self._get_slots().values())
        self.assertEqual(hosts, self.agent)

    def test_who_leaves_sees_nobody(self):
        self.agent.active = False
        portal = new_test_user(self.env, login="p", groups="base.group_portal")
        self.team.member_ids |= portal
        hosts = self.env["res.users"].union(*self._get_slots().values())
        self.assertEqual(hosts, self.lan)

    # === BOOK === #

    def test_booked(self):
        start = TUESDAY + timedelta(hours=14)
        appointment = self._book(start)
        self.assertEqual(appointment.user_id, self.agent, "The owner of the ticket")
        event = appointment.event_id
        self.assertEqual((event.start, event.stop), (start, start + timedelta(hours=1)))
        people = self.agent.partner_id | self.customer
        self.assertEqual(event.partner_ids, people)
        self.assertEqual(event.res_id, self.ticket.id)
        self.assertEqual(self._get_slots()[start], self.lan)

    def test_confirmation(self):
        self.calendar.tz = "Asia/Shanghai"
        start = TUESDAY + timedelta(hours=2)
        self.env["mail.mail"].search([]).unlink()
        self._book(start)
        mail = self.env["mail.mail"].search([])
        self.assertEqual(mail.recipient_ids, self.customer)
        self.assertIn("Tue, Mar 3, 2026 10:00", mail.subject)
        self.assertIn("Asia/Shanghai", mail.body_html)
        self.assertIn(self.ticket._get_appointment_url().split("=")[1], mail.body_html)
        [file] = mail.attachment_ids
        self.assertIn(b"DTSTART:20260303T020000Z", file.raw)
        self.assertFalse(self.ticket.answered_at, "A mail by itself is no answer")

    def test_reminder(self):
        start = TUESDAY + timedelta(days=1, hours=9)
        self._book(start)
        self.env["mail.mail"].search([]).unlink()
        manager = self.env["calendar.alarm_manager"]
        for hours, count in ((25, 0), (23.5, 2)):
            moment = start - timedelta(hours=hours)
            last = moment - timedelta(hours=1)
            with freeze_time(moment):
                manager.with_context(lastcall=last)._send_reminder()
            mails = self.env["mail.mail"].search([])
            self.assertEqual(len(mails.recipient_ids), count, hours)
        self.assertIn("Wed, Mar 4", mails[0].subject)

    def test_deadlines_wait_for_it(self):
        due = self.ticket.solve_due
        self._book(TUESDAY + timedelta(hours=14), moment=MONDAY + timedelta(hours=10))
        # 7 hours were left: 3 on Tuesday, 4 on Wednesday.
        self.assertEqual(self.ticket.solve_due, MONDAY + timedelta(days=2, hours=13))
        with freeze_time(MONDAY + timedelta(hours=10)):
            self.ticket.appointment_ids.with_user(self.agent).action_cancel()
        self.assertEqual(self.ticket.solve_due, due)

    def test_waiting_meanwhile(self):
        """Also for the customer's word: what overlaps is not counted twice."""
        self._book(TUESDAY + timedelta(hours=14), moment=MONDAY + timedelta(hours=10))
        self._move(self.ticket, "waiting", MONDAY + timedelta(hours=11))
        self._move(self.ticket, "open", MONDAY + timedelta(hours=12))
        self.assertEqual(self.ticket.solve_due, MONDAY + timedelta(days=2, hours=13))

    def test_not_twice(self):
        start = TUESDAY + timedelta(hours=9)
        hosts = self._book(start).user_id
        hosts |= self._book(start, self._open_appointment()).user_id
        self.assertEqual(hosts, self.agent | self.lan)
        third = self._open_appointment()
        for time in (start, start + timedelta(minutes=30), MONDAY - timedelta(days=7)):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self._book(time, third)
        self.assertFalse(third.appointment_ids)

    def test_another_time(self):
        first = self._book(TUESDAY + timedelta(hours=9))
        event = first.event_id
        second = self._book(TUESDAY + timedelta(hours=11))
        self.assertEqual((first.state, second.state), ("cancelled", "booked"))
        self.assertFalse(event.exists())
        self.assertEqual(len(self._get_slots()[TUESDAY + timedelta(hours=9)]), 2)

    def test_refused_keeps_the_old_one(self):
        first = self._book(TUESDAY + timedelta(hours=9))
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self._book(TUESDAY + timedelta(hours=3))
        self.assertEqual(first.state, "booked")

    def test_the_calendar_leads(self):
        """Who moves or deletes the entry moves or cancels the appointment."""
        appointment = self._book(TUESDAY + timedelta(hours=9))
        later = TUESDAY + timedelta(days=1, hours=9)
        with freeze_time(MONDAY):
            event = appointment.event_id.with_user(self.agent)
            event.write({"start": later, "stop": later + timedelta(hours=1)})
            self.assertEqual(appointment.start, later)
            self.assertEqual(appointment.pause_id.stop, later)
            event.unlink()
        self.assertEqual(appointment.state, "cancelled")
        self.assertEqual(appointment.pause_id.stop, MONDAY)

    def test_moved_after_it_began(self):
        """Then the ticket waits again."""
        appointment = self._book(TUESDAY + timedelta(hours=9))
        now, later = TUESDAY + timedelta(hours=10), TUESDAY + timedelta(hours=34)
        with freeze_time(now):
            appointment.event_id.write({"start": later, "stop": later})
        self.assertEqual(
            (appointment.pause_id.start, appointment.pause_id.stop), (now, later)
        )
        self.assertEqual(len(self.ticket.pause_ids), 2)

    def test_a_hidden_entry_keeps_the_time(self):
        start = TUESDAY + timedelta(hours=9)
        appointment = self._book(start)
        appointment.event_id.action_archive()
        self.assertEqual(
            self._get_slots()[start], (self.agent | self.lan) - appointment.user_id
        )

    def test_settled(self):
        """What is settled needs no appointment; one that began took place."""
        appointment = self._book(TUESDAY + timedelta(hours=9))
        self._move(self.ticket, "waiting", MONDAY + timedelta(hours=10))
        self.assertEqual(appointment.state, "booked")
        self._move(self.ticket, "solved", MONDAY + timedelta(hours=11))
        self.assertEqual(appointment.state, "cancelled")
        other = self._open_appointment()
        appointment = self._book(TUESDAY + timedelta(hours=9), other)
        self._move(other, "solved", TUESDAY + timedelta(hours=11))
        self.assertEqual(appointment.state, "done")

    def test_merge(self):
        """One time remains, and with it the wait."""
        other = self._open_appointment()
        mine = self._book(TUESDAY + timedelta(hours=9))
        theirs = self._book(TUESDAY + timedelta(hours=11), other)
        with freeze_time(MONDAY + timedelta(hours=12)):
            self.ticket.with_user(self.agent)._merge(other)
        self.assertEqual((mine.state, theirs.state), ("booked", "cancelled"))
        third = self._open_appointment()
        with freeze_time(MONDAY + timedelta(hours=13)):
            third.with_user(self.agent)._merge(self.ticket)
        self.assertEqual((mine.state, mine.ticket_id), ("booked", third))
        self.assertEqual(mine.pause_id.ticket_id, third)

    def test_without_address(self):
        """The colleague reads that the customer has to be told."""
        self.customer.email = False
        self._book(TUESDAY + timedelta(hours=9))
        self.assertIn("by phone", self.ticket.message_ids[0].body)

    def test_agent_offers_times(self):
        """The agent sees the free times, books one, and says what became of it."""
        with freeze_time(MONDAY):
            action = self.ticket.with_user(self.agent).action_offer_slots()
            slots = self.env["hstyle.appointment.slot"].with_user(self.agent)
            slot = slots.search(action["domain"], limit=1)
            slot.action_book()
        appointment = self.ticket.appointment_ids
        self.assertEqual(appointment.start, slot.start)
        with self.assertRaises(AccessError):
            appointment.with_user(self.clerk).action_miss()
        appointment.with_user(self.agent).action_miss()
        self.assertEqual(appointment.state, "missed")


@tagged("post_install", "-at_install")
class TestAppointmentPortal(HstyleAppointmentCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.team.calendar_id = False
        for login in ("portal_a", "portal_b"):
            new_test_user(
                cls.env,
                login=login,
                groups="base.group_portal",
                lang="en_US",
                email=f"{login}@example.com",
            )
        users = cls.env["res.users"]
        cls.customer = users.search([("login", "=", "portal_a")]).partner_id
        cls.ticket = cls._open_appointment(moment=datetime.now())
        cls.url = f"/my/tickets/{cls.ticket.id}/appointment"

    def _post(self, url, **values):
        """Send a form as the visitor's browser does."""
        token = http.Request.csrf_token(self)
        return self.url_open(url, data={"csrf_token": token, **values})

    def _choose(self, number=0):
        return re.findall(r'name="start"[^>]* value="([^"]+)"', self._page)[number]

    @property
    def _page(self):
        return self.url_open(self.url).text

    def test_who_chooses_a_time_is_waited_for_no_more(self):
        """The ticket goes on, and is not closed for want of an answer."""
        self.authenticate("portal_a", "portal_a")
        self.ticket.stage_id = self.stages["waiting"]
        self._post(self.url, start=self._choose(1))
        self.env.invalidate_all()
        self.assertEqual(self.ticket.kind, "open")
        event = self.ticket.appointment_ids.event_id
        self.assertEqual(event.privacy, "private")

    def test_choose_change_cancel(self):
        self.authenticate("portal_a", "portal_a")
        start = self._choose()
        answer = self._post(self.url, start=start)
        self.assertIn("Your time is booked", answer.text)
        [appointment] = self.ticket.appointment_ids
        self.assertEqual(appointment.start.isoformat(), start)
        self.assertIn(appointment.user_id, self.team.member_ids)
        self._post(self.url, start=self._choose(3))
        self.env.invalidate_all()
        states = self.ticket.appointment_ids.sorted("id").mapped("state")
        self.assertEqual(states, ["cancelled", "booked"])
        answer = self._post(f"{self.url}/cancel")
        self.assertIn("The appointment is cancelled", answer.text)
        self.env.invalidate_all()
        self.assertEqual(
            set(self.ticket.appointment_ids.mapped("state")), {"cancelled"}
        )

    def test_what_is_not_offered(self):
        self.authenticate("portal_a", "portal_a")
        for start in (
            "",
            "tomorrow",
            "2020-01-01T10:00:00",
            "2020-01-01T10:00:00+08:00",
        ):
            answer = self._post(self.url, start=start)
            self.assertIn('role="alert"', answer.text, start)
        self.ticket.intent_id = self.env.ref("hstyle_crm.ticket_intent_advice")
        self.assertNotIn('name="start"', self._page)
        self.assertFalse(self.ticket.appointment_ids)

    def test_of_others(self):
        """Neither seen, booked nor cancelled; the signed link opens one ticket."""
        start = max(self.team._get_free_slots(self.intent))
        self.ticket._book(start)
        token = self.ticket._portal_ensure_token()
        other = self._open_appointment(moment=datetime.now())
        other.partner_id = self._create_partner()
        signed = f"/my/tickets/{other.id}/appointment?access_token={token}"
        for login in ("portal_b", "hstyle_clerk", None):
            self.authenticate(login, login)
            for url in (self.url, signed, f"{self.url}?access_token=x"):
                self.assertEqual(self.url_open(url).status_code, 404, (login, url))
            for url in (self.url, f"{self.url}/cancel"):
                answer = self._post(url, start=start.isoformat())
                self.assertEqual(answer.status_code, 404, login)
        self.assertEqual(self.ticket.appointment_ids.state, "booked")
        self.authenticate(None, None)
        page = self.url_open(f"{self.url}?access_token={token}")
        self.assertIn("Your appointment", page.text)
        self._post(f"{self.url}/cancel", access_token=token)
        self.env.invalidate_all()
        self.assertEqual(self.ticket.appointment_ids.state, "cancelled")

    def test_only_forms_of_ours(self):
        self.authenticate("portal_a", "portal_a")
        self.ticket._book(max(self.team._get_free_slots(self.intent)))
        self.url_open(f"{self.url}/cancel")
        self.url_open(f"{self.url}/cancel", data={"csrf_token": "x"})
        self.env.invalidate_all()
        self.assertEqual(self.ticket.appointment_ids.state, "booked")
