import email
import socket
import unittest
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from itertools import count
from unittest.mock import patch

from freezegun import freeze_time

from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .test_hstyle_ticket import MONDAY, HstyleTicketCommon

try:
    from aiosmtpd.controller import Controller
except ImportError:
    Controller = None

OPEN = MONDAY + timedelta(hours=10)
SERVICE = "service@hstyle.example.com"
NUMBERS = count()


class Inbox:
    """A mail server on this machine: what arrived, as (recipients, letter)."""

    def __init__(self):
        self.letters = []

    async def handle_DATA(self, _server, _session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=SMTP)
        self.letters.append((envelope.rcpt_tos, letter))
        return "250 OK"

    def take(self):
        """Return the letters that arrived since the last time."""
        letters, self.letters = self.letters, []
        return letters


@unittest.skipUnless(Controller, "aiosmtpd is not installed")
class HstyleTicketMailCommon(HstyleTicketCommon):
    """Mail leaves by SMTP, and comes in as it is written on the wire."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        domains = cls.env["mail.alias.domain"]
        cls.company.alias_domain_id = domains.create({"name": "hstyle.example.com"})
        cls.company.email = "shop@hstyle.example.com"
        cls.team.alias_id.alias_domain_id = cls.company.alias_domain_id
        cls.team.alias_name = "service"
        cls.agent.email = "agent@hstyle.example.com"
        cls.agent.notification_type = "email"
        cls.customer = cls._create_partner("Mei", email="mei@example.com")
        cls.inbox = Inbox()
        cls._serve()

    @classmethod
    def _serve(cls):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        controller = Controller(cls.inbox, hostname="127.0.0.1", port=port)
        controller.start()
        cls.addClassCleanup(controller.stop)
        cls.env["ir.mail_server"].search([]).active = False
        server = {"smtp_host": "127.0.0.1", "smtp_encryption": "none"}
        cls.env["ir.mail_server"].create({"name": "Test", "smtp_port": port, **server})
        cls.startClassPatcher(
            patch.object(IrMail_Server, "_disable_send", lambda *_args: False)
        )

    def setUp(self):
        super().setUp()
        self.inbox.take()

    def _mail(
        self,
        text="Where is my parcel?",
        sender="Mei <mei@example.com>",
        to=None,
        answers=None,
        moment=OPEN,
        files=(),
        **headers,
    ):
        """Let a mail come in; return the ticket it is on, if any.

        :param answers: the letter that it answers
        """
        # Tests write no mail to colleagues by default.
        env = self.env(context={})
        mail = EmailMessage()
        mail["From"] = sender
        mail["To"] = to or (answers["Reply-To"] if answers else SERVICE)
        mail["Subject"] = headers.pop("subject", "Parcel")
        mail["Message-Id"] = f"<{next(NUMBERS)}@example.com>"
        if answers:
            mail["In-Reply-To"] = mail["References"] = answers["Message-Id"]
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        for name, content in files:
            mail.add_attachment(content.encode(), "text", "plain", filename=name)
        with freeze_time(moment):
            found = env["mail.thread"].message_process(None, mail.as_bytes())
        return env["hstyle.ticket"].browse(found or ())

    def _answer(self, ticket, text="We look for it", moment=OPEN):
        with freeze_time(moment):
            return ticket.with_user(self.agent).message_post(
                body=text, message_type="comment", subtype_xmlid="mail.mt_comment"
            )

    def _take_letters(self, recipient):
        return [mail for to, mail in self.inbox.take() if to == [recipient]]

    def _take_letter(self, recipient="mei@example.com"):
        """Return the one letter that somebody got since the last time."""
        letters = self._take_letters(recipient)
        self.assertEqual(len(letters), 1, f"To {recipient}")
        return letters[0]

    def _take_notice(self):
        """Return what the owner got of a new ticket, besides that it is his."""
        own, notice = self._take_letters("agent@hstyle.example.com")
        self.assertIn("assigned", own["Subject"])
        return notice


@tagged("post_install", "-at_install")
class TestTicketMail(HstyleTicketMailCommon):
    def test_loop(self):
        """Mail, answer, mail on the same ticket: the clock goes on."""
        ticket = self._mail()
        self.assertEqual(
            (ticket.team_id, ticket.partner_id, ticket.channel, ticket.kind),
            (self.team, self.customer, "email", "new"),
        )
        self.assertEqual(ticket.user_id, self.agent)
        self.assertFalse(ticket.answered_at)
        self._take_notice()
        self._answer(ticket, moment=OPEN + timedelta(minutes=5))
        self.assertEqual(ticket.answered_at, OPEN + timedelta(minutes=5))
        letter = self._take_letter()
        self.assertIn(SERVICE, letter["Reply-To"])
        self._move(ticket, "waiting", OPEN + timedelta(hours=1))
        self.assertFalse(ticket.solve_due)

        later = OPEN + timedelta(days=1)
        same = self._mail("Not yet here", answers=letter, moment=later)

        self.assertEqual(same, ticket)
        self.assertEqual(ticket.kind, "open")
        # One hour of eight was over.
        self.assertEqual(ticket.solve_due, MONDAY + timedelta(days=1, hours=17))
        self.assertIn("Not yet here", ticket.message_ids[0].body)
        self.assertEqual(len(self.env["hstyle.ticket"].search([])), 1)

    def test_opened_again(self):
        ticket = self._mail()
        self._answer(ticket)
        letter = self._take_letter()
        for number, kind in enumerate(("solved", "closed"), start=1):
            self._move(ticket, kind, OPEN + timedelta(days=number))
            later = OPEN + timedelta(days=number, hours=1)
            self.assertEqual(self._mail(answers=letter, moment=later), ticket)
            self.assertEqual((ticket.kind, ticket.reopen_count), ("open", number))

    def test_answer_by_mail(self):
        """A colleague answers the notice that a customer wrote."""
        ticket = self._mail()
        notice = self._take_notice()
        sender = "Agent <agent@hstyle.example.com>"
        self.assertEqual(self._mail("Today", sender=sender, answers=notice), ticket)
        self.assertEqual(ticket.answered_at, OPEN)
        letter = self._take_letter()
        self.assertIn("Today", letter.get_body(("plain",)).get_content())
        self.assertEqual(
            (ticket.partner_id, ticket.user_id), (self.customer, self.agent)
        )

    def test_answers_do_not_lock_the_customer(self):
        """The host invites who has no account with each mail, and says so once."""
        params = self.env["ir.config_parameter"]
        params.set_param("auth_signup.invitation_scope", "b2c")
        ticket = self._mail()
        self._answer(ticket)
        customer = ticket.partner_id
        self.assertEqual(customer.signup_type, "signup")
        self.env.flush_all()
        version = "SELECT ctid FROM res_partner WHERE id = %s"
        self.env.cr.execute(version, [customer.id])
        before = self.env.cr.fetchall()
        self._answer(ticket)
        self.env.flush_all()
        self.env.cr.execute(version, [customer.id])
        self.assertEqual(self.env.cr.fetchall(), before)
        call_kw(self.env["res.partner"], "signup_prepare", [customer.ids, "reset"], {})
        self.assertEqual(customer.signup_type, "reset")

    def test_unknown_sender(self):
        """Who nobody knows is answered all the same, and is no contact before."""
        ticket = self._mail(sender="Lin <lin@example.net>")
        self.assertFalse(ticket.partner_id)
        notice = self._take_notice()
        self._mail("Today", sender="agent@hstyle.example.com", answers=notice)
        letter = self._take_letter("lin@example.net")
        self._move(ticket, "waiting", OPEN)
        same = self._mail("Thank you", sender="Lin <lin@example.net>", answers=letter)
        self.assertEqual((same, ticket.kind), (ticket, "open"))
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Lin")]))

        lin = self._create_partner("Lin", email="lin@example.net")
        ticket.with_user(self.agent).message_post(
            body="It is here",
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=lin.ids,
        )
        self.assertEqual(ticket.partner_id, lin)

    def test_customer_by_address(self):
        """One customer is found, one of two is not, and nobody who is gone."""
        self.customer.active = False
        self.assertFalse(self._mail().partner_id)
        self.customer.active = True
        contact = self._create_partner("Shop floor", parent_id=self.customer.id)
        contact.email = "mei@example.com"
        self.assertEqual(self._mail().partner_id.commercial_partner_id, self.customer)
        self._create_partner("Mei Li", email="MEI@example.com")
        self.assertFalse(self._mail().partner_id)
        other = self.env["res.company"].create({"name": "Other"})
        self._create_partner("Bo", email="bo@example.com", company_id=other.id)
        self.assertFalse(self._mail(sender="bo@example.com").partner_id)

    def test_colleagues_are_no_customers(self):
        """Whoever of us writes becomes neither customer nor owner, and answers not."""
        clerk = new_test_user(self.env, "clerk", groups="base.group_user")
        clerk.email = "clerk@hstyle.example.com"
        self._create_partner("Clerk at home", email="clerk@hstyle.example.com")
        robot = self.env.ref("base.user_root")
        for sender in (clerk.email, robot.email, "shop@hstyle.example.com"):
            ticket = self._mail("A customer called", sender=sender)
            self.assertFalse(ticket.partner_id, sender)
            self.assertEqual(ticket.user_id, self.agent, sender)
            self.assertFalse(ticket.answered_at, sender)
            self.assertEqual(ticket.unanswered_count, 1, sender)

    def test_copies_and_files(self):
        ticket = self._mail(Cc="Bo <bo@example.com>", files=[("bill.txt", "42")])
        self.assertEqual(ticket.email_cc, '"Bo" <bo@example.com>')
        self._answer(ticket)
        self._mail(
            answers=self._take_letter(),
            Cc="Cai <cai@example.com>",
            files=[("photo.txt", "seam")],
        )
        self.assertIn("bo@example.com", ticket.email_cc)
        self.assertIn("cai@example.com", ticket.email_cc)
        files = ticket.message_ids.attachment_ids
        self.assertEqual(sorted(files.mapped("name")), ["bill.txt", "photo.txt"])
        self.assertEqual(set(files.mapped("res_id")), {ticket.id})

    def test_answer_to_a_merged_ticket(self):
        ticket, survivor = self._mail(), self._mail(subject="Parcel!")
        self.inbox.take()
        self._answer(ticket)
        letter = self._take_letter()
        with freeze_time(OPEN):
            survivor.with_user(self.agent)._merge(ticket.with_user(self.agent))
        self._move(survivor, "waiting", OPEN)
        before = survivor.unanswered_count
        self._mail("Late", answers=letter, Cc="bo@example.com", files=[("a.txt", "a")])
        self.assertEqual((ticket.kind, survivor.kind), ("closed", "open"))
        self.assertIn("Late", survivor.message_ids[0].body)
        self.assertIn("bo@example.com", survivor.email_cc)
        self.assertEqual(survivor.message_ids.attachment_ids.res_id, survivor.id)
        self.assertEqual(survivor.unanswered_count, before + 1)

        # What is written on the merged one itself is answered there.
        with freeze_time(OPEN):
            ticket.with_user(self.agent).message_post(
                body="Closed", partner_ids=self.customer.ids
            )
        self._mail("Why?", answers=self._take_letter(), Cc="cai@example.com")
        self.assertIn("Why?", survivor.message_ids[0].body)
        self.assertIn("cai@example.com", survivor.email_cc)
        self.assertEqual(survivor.unanswered_count, before + 2)

    def test_customers_write_no_notes(self):
        """Though a customer answers a note, the clock goes on."""
        ticket = self._mail()
        self.inbox.take()
        with freeze_time(OPEN):
            ticket.with_user(self.agent).message_post(
                body="Look at this",
                partner_ids=self.customer.ids,
                subtype_xmlid="mail.mt_note",
            )
        self._move(ticket, "waiting", OPEN)
        self._mail("I looked", answers=self._take_letter())
        self.assertEqual(ticket.kind, "open")
        self.assertIn("I looked", ticket._get_conversation()[-1].body)


@tagged("post_install", "-at_install")
class TestTicketMachines(HstyleTicketMailCommon):
    """What no customer wrote."""

    MACHINES = (
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; owner=x"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"X_Auto_Response_Suppress": "DR, OOF, All"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": "Parcel"},
        {"List_Id": "<news.example.com>"},
        {"List_Unsubscribe": "<https://example.com>"},
        {"Return_Path": "<>"},
        {"subject": "自动回复:Parcel"},
        {"subject": "Automatic reply: Parcel"},
        {"sender": "MAILER-DAEMON@example.com"},
        {"to": "bounce@hstyle.example.com"},
        # We ourselves.
        {"sender": SERVICE},
        {"sender": "catchall@hstyle.example.com"},
    )
    HUMANS = (
        {"Auto_Submitted": "no"},
        {"Precedence": "first-class"},
        {"Return_Path": "<mei@example.com>"},
        {"X_Auto_Response_Suppress": "OOF"},
        {"subject": "Automatic umbrella"},
    )

    def test_open_nothing(self):
        for headers in self.MACHINES:
            self._mail(**headers)
            self.assertFalse(self.env["hstyle.ticket"].search([]), headers)
        self.assertFalse(self.inbox.take())

    def test_humans(self):
        for headers in self.HUMANS:
            self.assertEqual(self._mail(**headers).partner_id, self.customer, headers)

    def test_open_nothing_again(self):
        """They are kept as notes: nobody is told, the clock stands still."""
        ticket = self._mail()
        self._answer(ticket)
        letter = self._take_letter()
        sunday = OPEN + timedelta(days=6)
        for kind in ("waiting", "solved", "closed"):
            self._move(ticket, kind, OPEN)
            for headers in self.MACHINES:
                self._mail("Away until May", answers=letter, moment=sunday, **headers)
            self.assertEqual((ticket.kind, ticket.unanswered_count), (kind, 0))
        self.assertFalse(self.inbox.take())
        self.assertNotIn("Away", "".join(ticket._get_conversation().mapped("body")))
        self.assertIn("Away until May", ticket.message_ids[0].body)

    def test_colleague_away(self):
        """The answering machine of a colleague answers no customer."""
        ticket = self._mail()
        notice = self._take_notice()
        sender = "agent@hstyle.example.com"
        self._mail("Away", sender=sender, answers=notice, Auto_Submitted="auto-replied")
        self.assertFalse(ticket.answered_at)
        self.assertFalse(self.inbox.take())

    def test_same_mail_twice(self):
        with patch(f"{__name__}.NUMBERS", iter((7001, 7001))):
            self.assertTrue(self._mail())
            self.assertFalse(self._mail())


@tagged("post_install", "-at_install")
class TestTicketWords(HstyleTicketMailCommon):
    """Words are counted, and out of hours they are answered at once."""

    SATURDAY = MONDAY + timedelta(days=5, hours=12)

    def _get_words(self, ticket):
        return ticket.message_ids.filtered(lambda m: m.message_type == "auto_comment")

    def test_count(self):
        ticket = self._mail()
        self._answer(ticket)
        letter = self._take_letter()
        self.assertEqual(ticket.unanswered_count, 0)
        self._mail(answers=letter)
        with freeze_time(OPEN):
            ticket._take_word(self.customer, "And?")
            ticket._hear()
            self.assertEqual(ticket.unanswered_count, 3)
            ticket.with_user(self.agent).message_post(body="A note")
            robot = ticket.with_user(self.env.ref("base.user_root"))
            robot.message_post(
                body="Beep", message_type="comment", subtype_xmlid="mail.mt_comment"
            )
            self.assertEqual(ticket.unanswered_count, 3)
        self._answer(ticket)
        self.assertEqual(ticket.unanswered_count, 0)

    def test_out_of_hours(self):
        """Once in a closed time, by mail, and it is no answer."""
        ticket = self._mail(moment=self.SATURDAY)
        letter = self._take_letter()
        self.assertIn(
            "Monday, March 9, 2026", letter.get_body(("plain",)).get_content()
        )
        self.assertEqual(letter["Auto-Submitted"], "auto-replied")
        self.assertFalse(ticket.answered_at)
        self.assertEqual(ticket.unanswered_count, 1)
        for hours in (1, 20):
            moment = self.SATURDAY + timedelta(hours=hours)
            self._mail("Hello?", answers=letter, moment=moment)
        self.assertEqual(len(self._get_words(ticket)), 1)
        self.assertEqual(ticket.unanswered_count, 3)
        self._mail("Hello?", answers=letter, moment=OPEN + timedelta(days=7))
        self.assertEqual(len(self._get_words(ticket)), 1, "Somebody is there")
        self._mail("Bye", answers=letter, moment=MONDAY + timedelta(days=7, hours=20))
        self.assertEqual(len(self._get_words(ticket)), 2, "Closed again")
        other = self._mail(moment=self.SATURDAY)
        self.assertEqual(len(self._get_words(other)), 1, "Each ticket")

    def test_answering_machine_out_of_hours(self):
        ticket = self._mail()
        self._answer(ticket)
        letter = self._take_letter()
        self._mail(answers=letter, moment=self.SATURDAY, Auto_Submitted="auto-replied")
        self.assertFalse(ticket.told_until)

    def test_in_the_customer_s_words(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        self.customer.write({"lang": "zh_CN", "tz": "Asia/Shanghai"})
        body = self._get_words(self._mail(moment=self.SATURDAY)).body
        self.assertIn("2026年3月9日星期一", body)
        self.assertIn("17:00", body)
        self.assertIn("中国标准时间", body)
        self.customer.tz = False
        self.company.hstyle_tz = "Europe/Berlin"
        body = self._get_words(self._mail(moment=self.SATURDAY)).body
        self.assertIn("10:00", body)

    def test_on_the_portal(self):
        """Who has no address reads it in the conversation; nobody of us said it."""
        self.customer.email = False
        with freeze_time(self.SATURDAY):
            values = {"name": "Size", "team_id": self.team.id}
            values["partner_id"] = self.customer.id
            ticket = self.env["hstyle.ticket"]._open_by_customer(
                values, "Which size?", [], "1"
            )
        word = ticket._get_conversation()[-1]
        self.assertIn("March 9", word.body)
        self.assertEqual(word.author_id, self.env.ref("base.partner_root"))
        self.assertFalse(word.notification_ids)
        self.assertFalse(ticket.answered_at)

    def test_never_open(self):
        self.calendar.attendance_ids.unlink()
        self.assertFalse(self._get_words(self._mail()))
        self.team.calendar_id = False
        self.assertFalse(self._get_words(self._mail(moment=self.SATURDAY)))
