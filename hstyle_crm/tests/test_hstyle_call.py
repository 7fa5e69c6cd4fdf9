from odoo.tests import HttpCase, tagged

from .test_hstyle_ticket import HstyleTicketCommon


@tagged("post_install", "-at_install")
class TestCall(HstyleTicketCommon, HttpCase):
    """A number, and who has it."""

    def setUp(self):
        super().setUp()
        self.mei = self._create_partner("Mei", phone="+86 138 0013 8000")

    def _call(self, number):
        return self.env["hstyle.call"].with_user(self.agent).create({"number": number})

    def test_any_notation(self):
        for number in (
            "13800138000",
            "138-0013-8000",
            "+86 13800138000",
            "008613800138000",
        ):
            self.assertEqual(self._call(number).partner_id, self.mei, number)

    def test_country_of_another_place(self):
        """A company abroad finds its customers by the number that rings."""
        self.company.country_id = self.env.ref("base.us")
        self.assertEqual(self._call("13800138000").partner_id, self.mei)
        self.assertFalse(self._call("8000").partner_ids)

    def test_card(self):
        ticket = self._open("2026-03-02", partner_id=self.mei.id)
        done = self._open("2026-03-03", partner_id=self.mei.id)
        done.stage_id = self.stages["solved"]
        promise = self.env["hstyle.promise"].create(
            {"name": "Parcel", "partner_id": self.mei.id, "due_on": "2099-01-01"}
        )
        call = self._call("13800138000")
        self.assertEqual(list(call.ticket_ids), [ticket, done])
        self.assertEqual(call.promise_ids, promise)

    def test_several_and_none(self):
        lan = self._create_partner("Lan", phone="+86 138 0013 8000")
        call = self._call("13800138000")
        self.assertFalse(call.partner_id)
        self.assertEqual(call.partner_ids, self.mei | lan)
        call.partner_id = lan
        self.assertEqual(call.partner_id, lan)
        for number in ("13900139000", "", "nobody"):
            call = self._call(number)
            self.assertFalse(call.partner_ids | call.partner_id, number)

    def test_new_ticket(self):
        action = self._call("13800138000").action_open_ticket()
        tickets = self.env["hstyle.ticket"].with_user(self.agent)
        ticket = tickets.with_context(**action["context"]).create(
            {"name": "Late", "team_id": self.team.id}
        )
        self.assertEqual((ticket.partner_id, ticket.channel), (self.mei, "phone"))

    def test_address(self):
        """A telephone system opens it; only service sees who calls."""
        self.authenticate(self.agent.login, self.agent.login)
        page = self.url_open("/hstyle/call/13800138000", allow_redirects=False)
        call = self.env["hstyle.call"].search([], limit=1, order="id desc")
        self.assertTrue(page.headers["Location"].endswith(f"/odoo/call/{call.id}"))
        self.assertEqual((call.number, call.create_uid), ("13800138000", self.agent))
        self.authenticate(self.marketer.login, self.marketer.login)
        page = self.url_open("/hstyle/call/13800138000", allow_redirects=False)
        self.assertEqual(page.status_code, 403)
        self.authenticate(None, None)
        page = self.url_open("/hstyle/call/13800138000", allow_redirects=False)
        self.assertIn("/web/login", page.headers["Location"])

    def test_other_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.mei.company_id = other
        self.assertFalse(self._call("13800138000").partner_ids)
