from base64 import b64encode

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .test_hstyle_ticket import HstyleTicketCommon


@tagged("post_install", "-at_install")
class TestInbound(HstyleTicketCommon):
    """Messages of gateways, as a service agent's key delivers them."""

    def setUp(self):
        super().setUp()
        self.team.calendar_id = False
        self.mei = self._create_partner("Mei", phone="+86 138 0013 8000")
        self.tickets = self.env["hstyle.ticket"].with_user(self.agent)

    def _receive(self, message_id="1", sender="13800138000", text="Hi", **values):
        values = {"channel": "im", "team_id": self.team.id, **values}
        answer = self.tickets.receive(
            message_id=message_id, sender=sender, text=text, **values
        )
        return self.env["hstyle.ticket"].browse(answer["id"])

    def _get_words(self, ticket):
        words = ticket.message_ids.filtered(lambda m: m.message_type == "comment")
        return [str(word.body) for word in words.sorted("id")]

    def test_opens_a_ticket(self):
        ticket = self._receive(text="Where is my parcel?\nOrder 7")
        self.assertEqual(ticket.partner_id, self.mei)
        self.assertEqual((ticket.channel, ticket.name), ("im", "Where is my parcel?"))
        self.assertEqual(
            self._get_words(ticket), ["<p>Where is my parcel?<br>Order 7</p>"]
        )
        word = ticket.message_ids.filtered(lambda m: m.message_type == "comment")
        self.assertEqual(word.author_id, self.mei)
        self.assertFalse(ticket.answered_at)

    def test_delivered_again(self):
        ticket = self._receive()
        self.assertEqual(self._receive(), ticket)
        self.assertEqual(len(self._get_words(ticket)), 1)
        # Another channel has ids of its own.
        self.assertNotEqual(self._receive(channel="sms"), ticket)

    def test_continues(self):
        """Whatever stands open, until it is closed; what was solved opens again."""
        ticket = self._receive()
        ticket.stage_id = self.stages["waiting"]
        self.assertEqual(self._receive("2"), ticket)
        self.assertEqual(ticket.kind, "open")
        ticket.stage_id = self.stages["solved"]
        self.assertEqual(self._receive("3"), ticket)
        self.assertEqual((ticket.kind, ticket.reopen_count), ("open", 1))
        ticket.stage_id = self.stages["closed"]
        self.assertNotEqual(self._receive("4"), ticket)

    def test_unknown_sender(self):
        ticket = self._receive(sender="tb_12345")
        self.assertFalse(ticket.partner_id)
        self.assertEqual(self._receive("2", sender="tb_12345"), ticket)
        self.assertNotEqual(self._receive("3", sender="tb_99999"), ticket)

    def test_two_customers_with_a_number(self):
        self._create_partner("Lan", phone="+86 138 0013 8000")
        self.assertFalse(self._receive().partner_id)

    def test_accounts_and_addresses(self):
        values = {"company_id": self.company.id, "account_space": "tmall"}
        self.env["hstyle.buyer"].create(
            {**values, "partner_id": self.mei.id, "ref": "mei_tb"}
        )
        self.mei.email = "mei@example.com"
        for number, sender in enumerate(("mei_tb", "Mei <MEI@example.com>")):
            ticket = self._receive(f"a{number}", sender=sender)
            self.assertEqual(ticket.partner_id, self.mei, sender)

    def test_orders(self):
        """Only the customer's own are taken."""
        lan = self._create_partner("Lan")
        product = self.env["product.product"].create({"name": "Dress"})
        orders = self.env["sale.order"].create(
            [
                {
                    "partner_id": partner.id,
                    "order_line": [(0, 0, {"product_id": product.id})],
                }
                for partner in (self.mei, lan)
            ]
        )
        ticket = self._receive(order_ref=orders[1].name)
        self.assertFalse(ticket.order_id)
        self._receive("2", order_ref=orders[0].name)
        self.assertEqual(ticket.order_id, orders[0])

    def test_files(self):
        file = {"name": "seam.jpg", "content": b64encode(b"pixels").decode()}
        ticket = self._receive(text="", attachments=[file])
        self.assertEqual(ticket.message_ids.attachment_ids.raw, b"pixels")

    def test_bad_messages(self):
        """Nothing is half-done."""
        before = self._count("hstyle.ticket", "hstyle.ticket.inbound", "mail.message")
        for values in (
            {"channel": "fax"},
            {"message_id": ""},
            {"sender": ""},
            {"text": " "[:0]},
            {"attachments": [{"name": "a"}]},
            {"attachments": [{"name": "a", "content": "ä"}]},
            {"attachments": ["a"]},
        ):
            with self.assertRaises(UserError, msg=values):
                self._receive(**values)
        self.assertEqual(
            self._count("hstyle.ticket", "hstyle.ticket.inbound", "mail.message"),
            before,
        )


@tagged("post_install", "-at_install")
class TestInboundHttp(HstyleTicketCommon, HttpCase):
    """The host's JSON-2 with a key: who has no role is refused."""

    def _deliver(self, user, **values):
        key = (
            self.env["res.users.apikeys"]
            .with_user(user)
            ._generate(None, "gateway", fields.Datetime.add(self.env.cr.now(), days=9))
        )
        values = {"channel": "im", "message_id": "1", "sender": "mei", **values}
        return self.url_open(
            "/json/2/hstyle.ticket/receive",
            json={"text": "Hi", "team_id": self.team.id, **values},
            headers={"Authorization": f"bearer {key}"},
        )

    @mute_logger("odoo.http")
    def test_roles(self):
        answer = self._deliver(self.agent)
        self.assertEqual(answer.status_code, 200, answer.text)
        ticket = self.env["hstyle.ticket"].browse(answer.json()["id"])
        self.assertEqual(ticket.number, answer.json()["number"])
        self.assertEqual(self._deliver(self.clerk, message_id="2").status_code, 403)
        self.assertEqual(self._deliver(self.agent, channel="fax").status_code, 422)

    @mute_logger("odoo.http")
    def test_team_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.team.company_id = other
        self.assertEqual(self._deliver(self.agent).status_code, 403)
