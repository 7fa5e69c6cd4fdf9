from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .test_hstyle_satisfaction import NOW, HstyleSatisfactionCommon
from .test_portal_ticket import TicketPortalCase


@tagged("post_install", "-at_install")
class TestServiceAttacks(TicketPortalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reader = new_test_user(
            cls.env,
            login="reader",
            groups="base.group_user,hstyle_crm.hstyle_crm_group_user",
            company_id=cls.company.id,
            company_ids=cls.company.ids,
        )

    @mute_logger("odoo.http")
    def test_strange_tokens(self):
        """What is no token is not found, in whatever letters."""
        self.ticket._portal_ensure_token()
        rating = self.env["rating.rating"].create(
            {
                "res_model_id": self.env["ir.model"]._get_id("hstyle.ticket"),
                "res_id": self.ticket.id,
                "hstyle_question": "ticket",
                "hstyle_expires_at": fields.Datetime.now(),
            }
        )
        for url in (
            f"/my/tickets/{self.ticket.id}?access_token=é",
            f"/my/tickets/{self.ticket.id}/appointment?access_token=票",
            f"/my/tickets/{self.ticket.id}/files/1?access_token=票",
            f"/satisfaction/{rating.id}/票",
        ):
            self.assertEqual(self.url_open(url).status_code, 404, url)

    def test_readers_have_no_key(self):
        """Who reads may not act as the customer by the customer's link."""
        order = self.env["sale.order"].create(
            {"partner_id": self.mei.id, "company_id": self.company.id}
        )
        for record in (self.ticket, order):
            record._portal_ensure_token()
            mine = record.with_user(self.reader)
            self.assertTrue(mine.read(["name"]))
            with self.assertRaises(AccessError, msg=record._name):
                mine.read(["access_token"])
            self.assertNotIn("access_token", mine.fields_get())
            domain = [("access_token", "=like", "a%")]
            with self.assertRaises(AccessError, msg=record._name):
                mine.search(domain)

    def test_agents_send_links(self):
        self.assertIn(
            "access_token=", self.ticket.with_user(self.agent).get_portal_url()
        )

    @mute_logger("odoo.http")
    def test_strange_forms(self):
        self.authenticate("mei", "mei")
        for query in ("about=%00", "about=a&order=%00", "about=%F0%9F%98%80"):
            status = self.url_open(f"/my/tickets/new?{query}").status_code
            self.assertIn(status, (200, 400, 404), query)

    def test_strange_messages(self):
        """A gateway may send numbers; it hears what is wrong by a sentence."""
        tickets = self.env["hstyle.ticket"].with_user(self.agent)
        good = {
            "channel": "im",
            "message_id": 7,
            "sender": 13800000000,
            "text": 5,
            "team_id": self.team.id,
        }
        answer = tickets.receive(**good)
        self.assertEqual(tickets.receive(**{**good, "message_id": "7"}), answer)
        for values in ({"text": " \n "}, {"attachments": "abc"}, {"attachments": [5]}):
            with self.assertRaises(UserError, msg=values):
                tickets.receive(**{**good, "message_id": 8, **values})


@tagged("post_install", "-at_install")
class TestSurveyLinks(HstyleSatisfactionCommon):
    def test_the_link_is_the_customers(self):
        """Who reads the question does not read its link."""
        reader = new_test_user(
            self.env,
            login="reader",
            groups="base.group_user,hstyle_crm.hstyle_crm_group_agent",
            company_id=self.company.id,
            company_ids=self.company.ids,
        )
        ticket = self._solve()
        self._run(NOW)
        rating = self._get_questions(ticket)
        self.assertTrue(rating)
        self.assertIn("/satisfaction/", self._get_mails().body_html)
        messages = self.env["mail.message"].with_user(reader).search([])
        bodies = "".join(map(str, messages.mapped("body")))
        self.assertNotIn(f"/satisfaction/{rating.id}/", bodies)
