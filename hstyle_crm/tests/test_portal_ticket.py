import io
import re
from datetime import timedelta

from PIL import Image

from odoo import Command, fields
from odoo.tests import HttpCase, JsonRpcException, new_test_user, tagged
from odoo.tools import mute_logger

from .common import HstylePointsCommon
from .test_hstyle_ticket import HstyleTicketCommon


class TicketPortalCase(HstyleTicketCommon, HstylePointsCommon, HttpCase):
    """Mei and Lan with an account each, and a ticket of Mei."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Whenever the tests run, somebody is there.
        # It is always open: the tests run on Sundays, too.
        cls.team.calendar_id = False
        cls.mei = cls._create_account("mei")
        cls.lan = cls._create_account("lan")
        cls.ticket = cls._ask(cls.mei)

    @classmethod
    def _create_account(cls, login, group="base.group_portal"):
        user = new_test_user(cls.env, login=login, groups=group, lang="en_US")
        return user.partner_id

    @classmethod
    def _ask(cls, partner, **values):
        """Let a customer have a ticket."""
        values = {"partner_id": partner.id, "name": f"Zip of {partner.name}", **values}
        values.setdefault("team_id", cls.team.id)
        tickets = cls.env["hstyle.ticket"]
        return tickets.create({"user_id": cls.agent.id, **values})

    def _say(self, body, ticket=None, note=False, user=None, **values):
        """Let a service agent write."""
        return (
            (ticket or self.ticket)
            .with_user(user or self.agent)
            .message_post(
                body=body,
                message_type="comment",
                subtype_xmlid="mail.mt_note" if note else "mail.mt_comment",
                **values,
            )
        )

    def _read(self, url, status=200):
        response = self.url_open(url)
        self.assertEqual(response.status_code, status, url)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))

    def _get_token(self, url="/my/tickets"):
        page = self.url_open(url).text
        return re.search(r'csrf_token[":= valu]+"([^"]+)"', page)[1]

    def _post(self, url, files=None, **data):
        data = {"csrf_token": self._get_token(), **data}
        response = self.url_open(url, data=data, files=files)
        self.env.invalidate_all()
        return response

    def _get_words(self, ticket=None):
        messages = (ticket or self.ticket)._get_conversation()
        return [re.sub("<[^>]+>", "", str(body)) for body in messages.mapped("body")]


@tagged("post_install", "-at_install")
class TestTickets(TicketPortalCase):
    def test_list(self):
        self._ask(self.mei, name="Where is it", stage_id=self.stages["closed"].id)
        self.ticket._merge(self._ask(self.mei, name="Merged one"))
        self._ask(self.lan, name="Secret of Lan")
        self.authenticate("mei", "mei")
        page = self._read("/my/tickets")
        for text in ("Zip of", self.ticket.number, "Received", "Where is it"):
            self.assertIn(text, page)
        self.assertNotIn("Merged one", page)
        self.assertNotIn("Secret", page)
        page = self._read("/my/tickets?show=open")
        self.assertIn("Zip of", page)
        self.assertNotIn("Where is it", page)
        page = self._read("/my/tickets?show=done")
        self.assertNotIn("Zip of", page)
        self.assertIn("Where is it", page)
        self._read("/my/tickets?show=x&page=y")

    def test_pages(self):
        for number in range(24):
            self._ask(self.mei, name=f"Question {number}")
        self.authenticate("mei", "mei")
        for page, count in (("", 20), ("/page/2", 5), ("/page/99", 5)):
            text = self.url_open(f"/my/tickets{page}").text
            self.assertEqual(text.count("list-group-item-action"), count, page)

    def test_counter(self):
        self._ask(self.mei, stage_id=self.stages["solved"].id)
        self._ask(self.lan)
        self.authenticate("mei", "mei")
        params = {"counters": ["ticket_count"]}
        answer = self.make_jsonrpc_request("/my/counters", params)
        self.assertEqual(answer["ticket_count"], 1)
        self.assertIn("/my/tickets", self.url_open("/my/home").text)

    def test_colleagues_of_a_customer(self):
        """Who works for the same customer sees the ticket, whoever asked."""
        firm = self.env["res.partner"].create({"name": "Firm", "is_company": True})
        (self.mei | self.lan).parent_id = firm
        self.authenticate("lan", "lan")
        self.assertIn("Zip of", self._read(f"/my/tickets/{self.ticket.id}"))

    def test_page(self):
        self.ticket.description = "Mei is difficult"
        self._say("We look into it")
        self._say("Do not refund", note=True)
        self._say("Whispered").is_internal = True
        self.ticket.answered_at = False
        self.ticket.answer_due = fields.Datetime.now() + timedelta(hours=1)
        self.authenticate("mei", "mei")
        page = self._read(f"/my/tickets/{self.ticket.id}")
        for text in ("Zip of", "We look into it", "We answer until"):
            self.assertIn(text, page)
        for text in ("Do not refund", "Whispered", "difficult", "Stage"):
            self.assertNotIn(text, page)
        self.ticket.answer_due = fields.Datetime.now() - timedelta(hours=1)
        page = self._read(f"/my/tickets/{self.ticket.id}")
        self.assertNotIn("We answer until", page)

    def test_clock_of_the_visitor(self):
        self.ticket.opened_at = "2026-03-02 20:00:00"
        self.company.hstyle_tz = "Asia/Shanghai"
        self.mei.tz = False
        self.authenticate("mei", "mei")
        self.assertIn("3/3/26, 4:00", self._read("/my/tickets"))
        self.mei.tz = "Europe/Berlin"
        self.assertIn("3/2/26, 9:00", self._read("/my/tickets"))

    def test_answer(self):
        self._move(self.ticket, "waiting", fields.Datetime.now())
        self.authenticate("mei", "mei")
        files = [
            ("files", ("a.png", self._draw(), "image/png")),
            ("files", ("b.html", b"<html><script>x</script></html>", "text/html")),
        ]
        url = f"/my/tickets/{self.ticket.id}"
        response = self._post(f"{url}/answer", files=files, text="Two <b>\nlines")
        self.assertIn("Two &lt;b&gt;", response.text)
        self.assertEqual(self.ticket.kind, "open")
        self.assertFalse(self.ticket.answered_at)
        message = self.ticket._get_conversation()
        self.assertEqual(message.author_id, self.mei)
        self.assertEqual(len(message.attachment_ids), 2)
        for file in message.attachment_ids:
            answer = self.url_open(f"{url}/files/{file.id}")
            self.assertEqual(answer.content, file.raw)
            self.assertIn("attachment", answer.headers["Content-Disposition"])
            self.assertNotIn("html", answer.headers["Content-Type"])

    def _draw(self):
        stream = io.BytesIO()
        Image.new("RGB", (800, 600), "red").save(stream, "PNG")
        return stream.getvalue()

    def test_small_pictures(self):
        message = self._say("See", attachments=[("a.png", self._draw())])
        self.authenticate("mei", "mei")
        url = f"/my/tickets/{self.ticket.id}/files/{message.attachment_ids.id}?small=1"
        self.assertIn(url, self.url_open(f"/my/tickets/{self.ticket.id}").text)
        picture = Image.open(io.BytesIO(self.url_open(url).content))
        self.assertEqual(picture.size, (320, 240))

    def test_nothing_said(self):
        self.authenticate("mei", "mei")
        url = f"/my/tickets/{self.ticket.id}/answer"
        self.assertIn("Write something", self._post(url, text=" \n").text)
        many = [("files", (f"{n}.txt", b"x", "text/plain")) for n in range(6)]
        large = [("files", ("a.txt", b"x" * 10_000_001, "text/plain"))]
        for files in (many, large):
            page = self._post(url, files=files, text="Kept words").text
            self.assertIn("Send up to 5 files", page)
            self.assertIn("Kept words", page)
        self.assertFalse(self._get_words())

    def test_close_and_reopen(self):
        self.authenticate("mei", "mei")
        url = f"/my/tickets/{self.ticket.id}"
        for _time in range(2):
            self._post(f"{url}/close")
            self.assertEqual(self.ticket.kind, "closed")
        for _time in range(2):
            self._post(f"{url}/reopen")
            self.assertEqual((self.ticket.kind, self.ticket.reopen_count), ("open", 1))
        self._post(f"{url}/close")
        self._post(f"{url}/answer", text="It broke again")
        self.assertEqual((self.ticket.kind, self.ticket.reopen_count), ("open", 2))
        authors = self.ticket.message_ids.filtered("tracking_value_ids").author_id
        self.assertIn(self.mei, authors)

    def test_merged(self):
        """The page of a merged ticket is the one that survived, if of the customer."""
        merged = self._ask(self.mei, name="Again")
        self.ticket._merge(merged)
        theirs = self._ask(self.lan, name="Secret of Lan")
        mine = self._ask(self.mei, name="Wrongly merged")
        mine.merged_into_id = theirs
        self.authenticate("mei", "mei")
        self.assertIn("Zip of", self._read(f"/my/tickets/{merged.id}"))
        self._post(f"/my/tickets/{merged.id}/answer", text="Hello")
        self.assertEqual(self._get_words(), ["Hello"])
        page = self._read(f"/my/tickets/{mine.id}")
        self.assertIn("Wrongly merged", page)
        self.assertNotIn("Secret", page)

    def test_employees_who_buy(self):
        """Who works here is a customer on the own ticket, and answers nothing there."""
        ticket = self._ask(self.clerk.partner_id)
        ticket.user_id = self.clerk
        self.authenticate("hstyle_clerk", "hstyle_clerk")
        self._post(f"/my/tickets/{ticket.id}/answer", text="Where is it?")
        self.assertEqual(self._get_words(ticket), ["Where is it?"])
        self.assertFalse(ticket.answered_at)


@tagged("post_install", "-at_install")
class TestTicketLinks(TicketPortalCase):
    """Customers without an account come by the link of a mail."""

    def setUp(self):
        super().setUp()
        self.token = self.ticket._portal_ensure_token()
        self.url = f"/my/tickets/{self.ticket.id}"

    def _post_by_link(self, path, **data):
        link = f"{self.url}?access_token={self.token}"
        data = {"csrf_token": self._get_token(link), **data}
        response = self.url_open(f"{self.url}/{path}", data=data)
        self.env.invalidate_all()
        return response

    def test_link(self):
        message = self._say("Hello Mei", attachments=[("a.txt", b"Instructions")])
        self._say("Do not refund", note=True)
        page = self._read(f"{self.url}?access_token={self.token}&pid=1&hash=x")
        self.assertIn("Hello Mei", page)
        self.assertNotIn("refund", page)
        file = f"{self.url}/files/{message.attachment_ids.id}"
        answer = self.url_open(f"{file}?access_token={self.token}")
        self.assertEqual(answer.text, "Instructions")

    def test_work(self):
        response = self._post_by_link("answer", access_token=self.token, text="Still")
        self.assertIn("Still", response.text)
        self.assertEqual(self.ticket._get_conversation().author_id, self.mei)
        self._post_by_link("close", access_token=self.token)
        self.assertEqual(self.ticket.kind, "closed")
        self._post_by_link("reopen", access_token=self.token)
        self.assertEqual(self.ticket.kind, "open")

    def test_the_mail_links_to_the_page(self):
        self.mei.email = "mei@example.com"
        self._say("Hello Mei", partner_ids=self.mei.ids)
        mail = self.env["mail.mail"].sudo().search([], order="id desc", limit=1)
        links = re.findall(r'href="([^"]*/mail/view[^"]*)"', mail.body_html or "")
        self.assertTrue(links, "The mail has a button")
        path = links[0].replace("&amp;", "&").partition("/mail/view")[2]
        response = self.url_open(f"/mail/view{path}")
        self.assertIn(f"{self.url}?", response.url)
        self.assertIn("Hello Mei", response.text)

    def test_without_a_token(self):
        self.assertIn("/web/login", self.url_open(self.url).url)
        self._ask(self.lan, name="No token at all")
        other = self._ask(self.lan, name="Another")
        for wrong in ("x", "False", "None"):
            for ticket in (self.ticket, other):
                url = f"/my/tickets/{ticket.id}?access_token={wrong}"
                self.assertEqual(self.url_open(url).status_code, 404)
        self._read(f"/my/tickets/{other.id}?access_token={self.token}", 404)

    def test_without_a_token_no_work(self):
        other = self._ask(self.lan)
        for path in ("answer", "close", "reopen"):
            for data in ({}, {"access_token": "x"}, {"access_token": ""}):
                response = self._post_by_link(path, text="Evil", **data)
                self.assertEqual(response.status_code, 404)
            self.url = f"/my/tickets/{self.ticket.id}"
        csrf = self._get_token(f"{self.url}?access_token={self.token}")
        data = {"csrf_token": csrf, "access_token": self.token, "text": "Evil"}
        response = self.url_open(f"/my/tickets/{other.id}/answer", data=data)
        self.assertEqual(response.status_code, 404)
        self.assertEqual((self.ticket.kind, other.kind), ("new", "new"))
        self.assertFalse(self._get_words() + self._get_words(other))

    def test_another_customer_with_the_link(self):
        """Writes under the own name."""
        self.authenticate("lan", "lan")
        self._post_by_link("answer", access_token=self.token, text="I help her")
        self.assertEqual(self.ticket._get_conversation().author_id, self.lan)

    @mute_logger("odoo.http")
    def test_the_hosts_doors(self):
        """The host's own routes give nothing to who has the link: of its documents
        they would give the files of notes and the activities."""
        self._say("Hello Mei")
        self._say("x", note=True, attachments=[("secret.txt", b"x")])
        self.ticket.activity_schedule(summary="Secret plan")
        thread = {"thread_model": "hstyle.ticket", "thread_id": self.ticket.id}
        link = {"pid": self.mei.id, "hash": self.ticket._sign_token(self.mei.id)}
        wanted = ["activities", "attachments", "followers", "suggestedRecipients"]
        for access in ({"token": self.token}, link):
            fetch = {**thread, "access_params": access, "request_list": wanted}
            for route, params in (
                ("/mail/data", {"fetch_params": [["mail.thread", fetch]]}),
                ("/mail/chatter_fetch", {**thread, **access}),
                (
                    "/mail/message/post",
                    {**thread, **access, "post_data": {"body": "x"}},
                ),
            ):
                try:
                    answer = str(self.make_jsonrpc_request(route, params))
                except JsonRpcException:
                    answer = ""
                for text in ("secret.txt", "Secret plan", "Hello Mei", "mei"):
                    self.assertNotIn(text, answer, route)
        self.assertEqual(self._get_words(), ["Hello Mei"])


@tagged("post_install", "-at_install")
class TestTicketSecurity(TicketPortalCase):
    """What is not of the visitor is not found, by whatever door."""

    POSTS = ("answer", "close", "reopen")

    def setUp(self):
        super().setUp()
        attachments = [("a.txt", b"Secret file")]
        self.message = self._say("Secret of Mei", attachments=attachments)
        self.file = self.message.attachment_ids
        self.url = f"/my/tickets/{self.ticket.id}"

    def _check_closed(self, login):
        """Nothing of Mei's ticket is seen or done by somebody."""
        self.authenticate(login, login)
        self.assertNotIn("Zip of mei", self._read("/my/tickets"))
        self._read(self.url, 404)
        self._read(f"{self.url}/files/{self.file.id}", 404)
        before = (self.ticket.kind, self._get_words())
        for path in self.POSTS:
            response = self._post(f"{self.url}/{path}", text="Evil")
            self.assertEqual(response.status_code, 404)
        self.assertEqual((self.ticket.kind, self._get_words()), before)

    def test_another_customer(self):
        self._ask(self.lan)
        self._check_closed("lan")

    def test_a_plain_employee(self):
        new_test_user(self.env, login="plain", groups="base.group_user")
        self._check_closed("plain")

    @mute_logger("odoo.http")
    def test_another_company(self):
        company = self.env["res.company"].create({"name": "Other"})
        new_test_user(
            self.env,
            login="theirs",
            groups="hstyle_crm.hstyle_crm_group_agent",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self._check_closed("theirs")
        self._check_rows("theirs")

    def _check_rows(self, login):
        """An employee of another company reads nothing of it."""
        found = self._call(login, "hstyle.ticket", "search_read", [[]], fields=["name"])
        self.assertNotIn(self.ticket.id, [row["id"] for row in found])
        groups = self._call(
            login,
            "hstyle.ticket",
            "formatted_read_group",
            [[]],
            groupby=["partner_id"],
            aggregates=["__count"],
        )
        self.assertNotIn("mei", str(groups))
        with self.assertRaises(JsonRpcException):
            self._call(
                login, "hstyle.ticket", "read", [self.ticket.ids], fields=["name"]
            )

    def _call(self, login, model, method, args, **options):
        """Call a method as the web client does."""
        self.authenticate(login, login)
        params = {"model": model, "method": method, "args": args, "kwargs": options}
        return self.make_jsonrpc_request(f"/web/dataset/call_kw/{model}", params)

    def test_files_of_others(self):
        """The own ticket opens no files but its own; a note's are not among them."""
        mine = self._ask(self.lan)
        note = self._say("x", mine, note=True, attachments=[("b.txt", b"Note file")])
        self.authenticate("lan", "lan")
        for file in (self.file, note.attachment_ids):
            self._read(f"/my/tickets/{mine.id}/files/{file.id}", 404)
        for login in ("mei", "lan"):
            self.authenticate(login, login)
            for file in (self.file, note.attachment_ids):
                response = self.url_open(f"/web/content/{file.id}")
                self.assertEqual(response.status_code, 404)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model")
    def test_no_model_is_open(self):
        """Customers have no access to any of our models, their own rows included."""
        names = [name for name in self.env.registry if name.startswith("hstyle.")]
        names = [n for n in names if not self.env[n]._abstract]
        self.assertGreater(len(names), 50)
        self.authenticate("mei", "mei")
        for name in names:
            model = self.env[name].with_user(self.mei.user_ids)
            for operation in ("read", "write", "create", "unlink"):
                self.assertFalse(model.has_access(operation), (name, operation))
        for name in ("hstyle.ticket", "hstyle.ticket.pause", "hstyle.solution"):
            for method, options in (
                ("search_read", {"fields": ["id"]}),
                ("formatted_read_group", {"aggregates": ["__count"]}),
            ):
                with self.assertRaisesRegex(JsonRpcException, "AccessError", msg=name):
                    self._call("mei", name, method, [[]], **options)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model")
    def test_the_hosts_doors(self):
        """Messages are read and written on the page alone."""
        thread = {"thread_model": "hstyle.ticket", "thread_id": self.ticket.id}
        post = {"post_data": {"body": "Evil"}, **thread}
        for login in ("lan", "mei"):
            self.authenticate(login, login)
            with self.assertRaises(JsonRpcException):
                self.make_jsonrpc_request("/mail/message/post", post)
            for route in ("/mail/thread/messages", "/mail/chatter_fetch"):
                try:
                    answer = self.make_jsonrpc_request(route, thread)
                except JsonRpcException:
                    answer = ""
                self.assertNotIn("Secret", str(answer), route)
            for model in ("mail.message", "mail.followers", "mail.activity"):
                field = "model" if model == "mail.message" else "res_model"
                domain = [(field, "=", "hstyle.ticket")]
                try:
                    found = self._call(login, model, "search_read", [domain])
                except JsonRpcException:
                    found = []
                self.assertFalse(
                    [row for row in found if "Secret" in str(row)], (model, login)
                )
        self.assertEqual(self._get_words(), ["Secret of Mei"])

    @mute_logger("odoo.http")
    def test_posts_alone(self):
        """Neither a link nor a page of another site does what a form does."""
        self.authenticate("mei", "mei")
        for path in self.POSTS:
            url = f"{self.url}/{path}"
            response = self.url_open(url, params={"text": "Evil"})
            self.assertEqual(response.status_code, 405)
            for token in ({}, {"csrf_token": "x"}):
                response = self.url_open(url, data={"text": "Evil", **token})
                self.assertEqual(response.status_code, 400)
        self.env.invalidate_all()
        self.assertEqual((self.ticket.kind, len(self._get_words())), ("new", 1))

    def test_reading_changes_nothing(self):
        self.authenticate("mei", "mei")
        before = self._count("hstyle.ticket", "mail.message", "ir.attachment")
        write_date = self.ticket.write_date
        for url in (
            "/my/tickets",
            self.url,
            f"{self.url}/files/{self.file.id}",
            "/my/tickets/new",
            "/my/tickets/new?about=Zip&text=x&intent_id=1",
        ):
            self._read(url)
        self.env.invalidate_all()
        after = self._count("hstyle.ticket", "mail.message", "ir.attachment")
        self.assertEqual((after, self.ticket.write_date), (before, write_date))
        self.assertFalse(self.ticket.access_token)

    def test_nobody(self):
        for url in ("/my/tickets", self.url, "/my/tickets/new"):
            self.assertIn("/web/login", self.url_open(url).url)
        self._read(f"{self.url}/files/{self.file.id}", 404)


@tagged("post_install", "-at_install")
class TestNewTicket(TicketPortalCase):
    """Mei has an order of ours and one of a shop; Lan has one of each as well."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.intents = {
            name: cls.env.ref(f"hstyle_crm.ticket_intent_{name}")
            for name in ("tracking", "defect", "points")
        }
        cls.coat = cls._create_product("Coat", 300)
        cls.sale = cls._sell_two(cls.mei)
        cls.their_sale = cls._sell_two(cls.lan)
        cls.env["hstyle.solution"].search([]).active = False
        cls.solution = cls.env["hstyle.solution"].create(
            {
                "name": "The zip of my dress is broken",
                "answer": "<p>Rub a candle over it</p>",
                "is_public": True,
            }
        )

    @classmethod
    def _sell_two(cls, partner):
        order = cls.env["sale.order"].create(
            {
                "partner_id": partner.id,
                "order_line": [
                    Command.create({"product_id": product.id})
                    for product in (cls.dress, cls.coat)
                ],
            }
        )
        order.action_confirm()
        return order

    @classmethod
    def _import_order(cls, partner, name):
        values = {
            "name": name,
            "shop_id": cls.shop.id,
            "partner_id": partner.id,
            "date_order": fields.Datetime.now(),
            "state": "paid",
            "line_ids": [
                Command.create({"line_ref": n, "state": "paid", "product_text": text})
                for n, text in enumerate(("Red scarf", "Blue hat"))
            ],
        }
        return cls.env["hstyle.order"].create(values)

    def setUp(self):
        super().setUp()
        self.authenticate("mei", "mei")

    def _send(self, files=None, **data):
        """Send the form; return the new ticket, or what is refused."""
        before = self.env["hstyle.ticket"].search([])
        data = {
            "name": "The zip is broken",
            "text": "It does not close.",
            "intent_id": self.intents["points"].id,
            **data,
        }
        response = self._post("/my/tickets/new", files=files, **data)
        ticket = self.env["hstyle.ticket"].search([]) - before
        if not ticket:
            return response.text
        self.assertTrue(response.url.partition("?")[0].endswith(f"/{ticket.id}"))
        return ticket

    def test_solutions_come_first(self):
        internal = {"name": "Zip: refund quietly", "answer": "x", "is_public": False}
        self.env["hstyle.solution"].create(internal)
        self.assertNotIn("candle", self._read("/my/tickets/new"))
        page = self._read("/my/tickets/new?about=My zip is broken")
        self.assertIn("Rub a candle over it", page)
        self.assertNotIn("quietly", page)
        self.assertLess(page.index("candle"), page.index("Tell us more"))
        self.assertNotIn("candle", self._read("/my/tickets/new?about=Invoice"))

    def test_deflection(self):
        def count():
            domain = [("kind", "=", "deflected")]
            return self.env["hstyle.solution.use"].search_count(domain)

        page = self._post("/my/tickets/solved", solution_id=self.solution.id).text
        self.assertIn("Good that it helped", page)
        self.assertEqual(count(), 1)
        self.solution.is_public = False
        for wrong in (self.solution.id, "", "x", "9" * 30):
            response = self._post("/my/tickets/solved", solution_id=wrong)
            self.assertEqual(response.status_code, 404)
        self.assertEqual(self.url_open("/my/tickets/solved").status_code, 405)
        self.assertEqual(count(), 1)

    def test_open(self):
        files = [("files", ("a.txt", b"Photo", "text/plain"))]
        ticket = self._send(files, text="It <b>does\nnot", team_id=1, priority="3")
        self.assertRecordValues(
            ticket,
            [
                {
                    "partner_id": self.mei.id,
                    "team_id": self.team.id,
                    "channel": "web",
                    "name": "The zip is broken",
                    "intent_id": self.intents["points"].id,
                    "kind": "new",
                    "priority": "0",
                    "order_id": False,
                    "answered_at": False,
                }
            ],
        )
        self.assertTrue(ticket.answer_due)
        self.assertIn("It &lt;b&gt;does", ticket.description)
        message = ticket._get_conversation()
        self.assertEqual(message.author_id, self.mei)
        self.assertEqual(message.attachment_ids.raw, b"Photo")
        self.assertNotEqual(ticket.user_id, self.mei.user_ids)
        self.assertIn(self.mei, ticket.message_partner_ids)

    def test_own_order(self):
        page = self._read("/my/tickets/new?about=Zip")
        self.assertIn(self.sale.name, page)
        self.assertNotIn(self.their_sale.name, page)
        coat = self.sale.order_line.filtered(lambda one: one.product_id == self.coat)
        ticket = self._send(
            intent_id=self.intents["defect"].id,
            order=f"sale.order-{self.sale.id}",
            line=f"sale.order.line-{coat.id}",
        )
        self.assertEqual(ticket.order_id, self.sale)
        self.assertEqual(ticket.order_line_ids, coat)
        self.assertEqual(ticket.product_id, self.coat)
        self.assertIn(coat.name, self._read(f"/my/tickets/{ticket.id}"))

    def test_order_of_a_shop(self):
        mine = self._import_order(self.mei, "TM-1")
        theirs = self._import_order(self.lan, "TM-2")
        page = self._read("/my/tickets/new?about=Zip")
        for text in ("TM-1", "Tmall flagship", "Red scarf"):
            self.assertIn(text, page)
        self.assertNotIn("TM-2", page)
        ticket = self._send(
            intent_id=self.intents["defect"].id,
            order=f"hstyle.order-{mine.id}",
            line=[f"hstyle.order.line-{line.id}" for line in mine.line_ids],
        )
        self.assertEqual(ticket.shop_order_id, mine)
        self.assertIn("Blue hat", self._get_words(ticket)[0])
        ticket = self._send(order=f"hstyle.order-{theirs.id}")
        self.assertFalse(ticket.shop_order_id)

    def test_orders_of_others(self):
        """Neither orders nor lines of somebody else get on a ticket."""
        theirs = self.their_sale
        lines = [f"sale.order.line-{line.id}" for line in theirs.order_line]
        ticket = self._send(order=f"sale.order-{theirs.id}", line=lines)
        self.assertFalse(ticket.order_id | ticket.order_line_ids.order_id)
        ticket = self._send(order=f"sale.order-{self.sale.id}", line=lines)
        self.assertEqual(ticket.order_id, self.sale)
        self.assertFalse(ticket.order_line_ids)
        page = self._read(f"/my/tickets/new?about=x&order=sale.order-{theirs.id}")
        self.assertNotIn(theirs.name, page)
        for wrong in ("sale.order-x", f"sale.order-{'9' * 30}", "res.users-1", "x"):
            self.assertFalse(self._send(order=wrong).order_id)

    def test_old_orders(self):
        """Only some are offered, and the one whose page the customer came from."""
        old = self.sale
        old.date_order = "2020-01-01"
        for _number in range(12):
            self._sell_two(self.mei)
        self.assertNotIn(old.name, self._read("/my/tickets/new?about=Zip"))
        url = f"/my/tickets/new?about=Zip&order=sale.order-{old.id}"
        self.assertIn(old.name, self._read(url))
        page = self.url_open(old.get_portal_url()).text
        self.assertIn(f"/my/tickets/new?order=sale.order-{old.id}", page)

    def test_what_an_intent_needs(self):
        tracking, defect = self.intents["tracking"].id, self.intents["defect"].id
        order = f"sale.order-{self.sale.id}"
        page = self._send(intent_id=tracking, text="Kept words")
        self.assertIn("Choose the order", page)
        self.assertIn("Kept words", page)
        ticket = self._send(intent_id=tracking, order_number="TM 77")
        self.assertIn("TM 77", self._get_words(ticket)[0])
        self.assertEqual(
            self._send(intent_id=tracking, order=order).order_id.id, self.sale.id
        )
        self.assertIn("Choose the articles", self._send(intent_id=defect, order=order))
        for missing in ({"text": " "}, {"name": ""}, {"intent_id": "x"}):
            self._read("/my/tickets")
            self.assertIsInstance(self._send(**missing), str)

    def test_sent_twice(self):
        first = self._send(key="abc")
        self.assertIsInstance(self._send(key="abc"), str)
        self.assertTrue(self._send(key="abd"))
        self.assertEqual(len(self._get_words(first)), 1)
        self.authenticate("lan", "lan")
        self.assertTrue(self._send(key="abc"), "A form of somebody else")

    def test_no_team(self):
        self.assertIn("Ask us", self._read("/my/tickets"))
        self.team.active = False
        self.assertNotIn("Ask us ", self._read("/my/tickets"))
        self._read("/my/tickets/new", 404)
        response = self._post("/my/tickets/new", name="x", text="x")
        self.assertEqual(response.status_code, 404)
