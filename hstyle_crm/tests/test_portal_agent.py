import io
import re
from base64 import b64decode, b64encode
from datetime import timedelta

from PIL import Image

from odoo import Command, fields
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import HstylePointsCommon


class AgentPortalCase(HstylePointsCommon, HttpCase):
    """Two agents of a campus with an account each, and a customer with one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["hstyle.referral.program"].search([]).active = False
        cls.program = cls.env["hstyle.referral.program"].create(
            {"name": "Friends", "date_from": "2020-01-01"}
        )
        cls.today = cls.company._hstyle_today()
        cls.campus_north = cls.env["hstyle.campus"].create({"name": "North campus"})
        cls.mei = cls._create_agent("mei")
        cls.lan = cls._create_agent("lan")
        cls.customer = cls._create_account("xin")

    @classmethod
    def _create_account(cls, login, group="base.group_portal"):
        user = new_test_user(cls.env, login=login, groups=group, lang="en_US")
        return user.partner_id

    @classmethod
    def _create_agent(cls, login, **values):
        group = "hstyle_crm.hstyle_crm_group_campus_agent"
        partner = cls._create_account(login, group)
        cls.env["hstyle.referral.code"]._get_code(partner)
        values = {"state": "active", "campus_id": cls.campus_north.id, **values}
        values |= {"partner_id": partner.id, "graduation_on": "2090-07-01"}
        return cls.env["hstyle.agent"].create(values)

    def _bring(self, agent, state="referred", name="Friend of a friend", **values):
        """Let an agent, or a customer, have brought a friend."""
        is_agent = agent._name == "hstyle.agent"
        friend = self._create_partner(name, email=f"{name}@example.com")
        values = {
            "program_id": self.program.id,
            "company_id": self.company.id,
            "referrer_id": agent.partner_id.id if is_agent else agent.id,
            "agent_id": agent.id if is_agent else False,
            "friend_id": friend.id,
            "source": "link",
            "touched_on": fields.Datetime.now(),
            "claimed_on": fields.Datetime.now(),
            "state": state,
            **values,
        }
        return self.env["hstyle.referral"].create(values)

    def _read(self, url, status=200):
        response = self.url_open(url)
        self.assertEqual(response.status_code, status, url)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))

    def _get_token(self, url="/my/preferences"):
        page = self.url_open(url).text
        return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]

    def _post(self, url, files=None, **data):
        data = {"csrf_token": self._get_token(), **data}
        return self.url_open(url, data=data, files=files)

    def _check_post_only(self, url, model, **data):
        """Neither a link nor a page of another site does what a form does."""
        before = self._count(model)
        self.assertEqual(self.url_open(url, params=data).status_code, 405)
        for token in ({}, {"csrf_token": "x"}):
            response = self.url_open(url, data={"a": "b", **data, **token})
            self.assertEqual(response.status_code, 400)
        self.assertEqual(self._count(model), before)


@tagged("post_install", "-at_install")
class TestAgentBoard(AgentPortalCase):
    def test_board(self):
        self.mei.target = 4
        self._bring(self.mei)
        self._bring(self.mei, "hold", hold_until="2099-12-12")
        self._bring(self.mei, "hold")
        self._bring(self.mei, "review")
        self._bring(self.mei, "rejected", name="Wei Secret")
        self._bring(self.mei, "rewarded", rewarded_on=self.today)
        long_ago = self.today - timedelta(days=40)
        self._bring(self.mei, "rewarded", rewarded_on=long_ago)
        self._bring(self.lan, "hold", hold_until="2098-11-11")
        self.authenticate("mei", "mei")
        page = self._read("/my/agent")
        self.assertIn("kept their order this month: 1 / 4", page)
        for text in (
            "2 On hold",
            "2 Kept",
            "1 No order yet",
            "1 Being checked",
            "1 Do not count",
            "On hold until Dec 12, 2099",
            "the return time starts with the delivery",
            "Does not count: the conditions of the programme are not met",
            "North campus",
        ):
            self.assertIn(text, page)
        source = self.url_open("/my/agent").text
        self.assertIn(self.mei.link, source)
        self.assertIn("data:image/svg+xml;base64,", source)
        for private in ("Wei", "Friend of a friend", "@example.com", "Nov 11, 2098"):
            self.assertNotIn(private, page)
        self.assertNotIn(self.lan.code, source)

    def test_days(self):
        """A friend of late evening in UTC is one of the next day in Shanghai."""
        self.company.hstyle_tz = "Asia/Shanghai"
        self._bring(self.mei, claimed_on="2026-11-02 20:00:00")
        self.authenticate("mei", "mei")
        self.assertIn("Friend of Nov 3, 2026", self._read("/my/agent"))
        chinese = self.env["res.lang"]._activate_lang("zh_CN")
        page = self._read(f"/{chinese.url_code}/my/agent")
        self.assertIn("2026年11月3日", page)

    def test_many_friends(self):
        for _number in range(25):
            self._bring(self.mei)
        self.authenticate("mei", "mei")
        pages = [
            self._read(url).count("Friend of")
            for url in ("/my/agent", "/my/agent/page/2", "/my/agent/page/99")
        ]
        self.assertEqual(pages, [20, 5, 5])

    def test_states(self):
        self.authenticate("mei", "mei")
        self.mei.state = "paused"
        self.assertIn("You are paused", self._read("/my/agent"))
        self.mei.state = "alumnus"
        self.assertIn("You graduated", self._read("/my/agent"))
        self.mei.state = "applicant"
        response = self.url_open("/my/agent")
        self.assertTrue(response.url.endswith("/my/agent/apply"))

    def test_nobody_else(self):
        pages = ("/my/agent", "/my/agent/birthdays", "/my/agent/statements")
        for url in (*pages, "/my/refer", "/my/agent/apply"):
            self.assertIn("/web/login", self.url_open(url).url)
        self.authenticate("xin", "xin")
        for url in pages:
            self.assertTrue(self.url_open(url).url.endswith("/my/agent/apply"), url)

    def test_home(self):
        def count(login):
            self.authenticate(login, login)
            names = ["agent_count", "campus_count", "refer_count"]
            params = {"counters": names}
            answer = self.make_jsonrpc_request("/my/counters", params)
            return [answer[name] for name in names]

        self.assertEqual(count("mei"), [1, 0, 0])
        self.assertEqual(count("xin"), [0, 1, 1])
        self.mei.state = "paused"
        self.assertEqual(count("mei"), [1, 0, 1])
        self.program.active = False
        self.campus_north.active = False
        self.assertEqual(count("xin"), [0, 0, 0])


@tagged("post_install", "-at_install")
class TestApplication(AgentPortalCase):
    def _apply(self, **data):
        data = {
            "campus_id": self.campus_north.id,
            "study_from": "2026-09-01",
            "graduation_on": "2090-07-01",
            "motivation": "<b>I like it</b>",
            "agreed": "1",
            **data,
        }
        return self._post("/my/agent/apply", **data)

    def _get_agents(self):
        domain = [("partner_id", "=", self.customer.id)]
        return self.env["hstyle.agent"].search(domain)

    def test_apply(self):
        self.company.hstyle_agent_contract = "Be <honest>."
        self.authenticate("xin", "xin")
        page = self.url_open("/my/agent/apply").text
        self.assertIn("Be &lt;honest&gt;.", page)
        self.assertIn("North campus", page)
        self.assertIn("is with the campus manager", self._apply().text)
        agent = self._get_agents()
        self.assertRecordValues(
            agent,
            [
                {
                    "state": "applicant",
                    "campus_id": self.campus_north.id,
                    "graduation_on": fields.Date.to_date("2090-07-01"),
                    "contract_text": "Be <honest>.",
                    "motivation": "<b>I like it</b>",
                }
            ],
        )
        self.assertTrue(agent.contract_agreed_on)
        self.assertNotIn("<form", self._main("/my/agent/apply"))
        self._apply()
        self.assertEqual(len(self._get_agents()), 1)

    def _main(self, url):
        return self.url_open(url).text.partition("<main")[2].partition("</main")[0]

    def test_refused(self):
        self.authenticate("xin", "xin")
        other = self.env["res.company"].create({"name": "Other"})
        campus = {"name": "Theirs", "company_id": other.id}
        theirs = self.env["hstyle.campus"].create(campus)
        self.assertNotIn("Theirs", self.url_open("/my/agent/apply").text)
        for wrong in (
            {"campus_id": theirs.id},
            {"campus_id": ""},
            {"campus_id": "x"},
            {"graduation_on": ""},
            {"graduation_on": "soon"},
            {"graduation_on": "2020-01-01"},
            {"study_from": "2090-12-01"},
            {"agreed": ""},
        ):
            page = self._apply(**wrong).text
            self.assertIn("alert-warning", page, wrong)
            self.assertIn("I like it", page, "what was typed stays")
            self.assertFalse(self._get_agents())

    def test_an_agent_has_a_board_already(self):
        self.authenticate("mei", "mei")
        response = self.url_open("/my/agent/apply")
        self.assertTrue(response.url.endswith("/my/agent"))

    def test_post_only(self):
        self.authenticate("xin", "xin")
        for token in ({}, {"csrf_token": "x"}):
            data = {"campus_id": self.campus_north.id, "agreed": "1", **token}
            response = self.url_open("/my/agent/apply", data=data)
            self.assertEqual(response.status_code, 400)
        data["graduation_on"] = "2090-07-01"
        self.assertEqual(self.url_open("/my/agent/apply", params=data).status_code, 200)
        self.assertFalse(self._get_agents())


@tagged("post_install", "-at_install")
class TestRefer(AgentPortalCase):
    def test_refer(self):
        codes = self.env["hstyle.referral.code"]
        domain = [("partner_id", "=", self.customer.id)]
        self.authenticate("xin", "xin")
        page = self._read("/my/refer")
        self.assertIn("Your friend gets 100 points, and you get 100", page)
        self.assertFalse(codes.search(domain), "who only looks has no code")
        self.url_open("/my/refer", data={"csrf_token": "x"})
        self.assertFalse(codes.search(domain))
        self._post("/my/refer")
        self._post("/my/refer")
        code = codes.search(domain)
        self.assertEqual(len(code), 1)
        self._bring(self.customer, "rewarded", referrer_points=77)
        self._bring(self.mei, "hold", hold_until="2099-12-12")
        page = self._read("/my/refer")
        self.assertIn("Kept: 77 points for you", page)
        self.assertNotIn("2099", page)
        self.assertIn(f"/r/{code.code}", self.url_open("/my/refer").text)

    def test_no_programme(self):
        self.program.active = False
        self.authenticate("xin", "xin")
        self.assertIn("There is no programme", self._read("/my/refer"))
        self._post("/my/refer")
        domain = [("partner_id", "=", self.customer.id)]
        self.assertFalse(self.env["hstyle.referral.code"].search(domain))


@tagged("post_install", "-at_install")
class TestBirthdays(AgentPortalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        packs = cls.env["hstyle.gift.pack"]
        cls.pack = packs.create({"name": "Small pack", "cost": 5})
        cls.second = packs.create({"name": "Big pack", "cost": 9})
        for pack in (cls.pack, cls.second):
            cls._supply(cls.mei, pack, 2)
        cls.entry = cls._add(cls.mei, "Wei")
        cls.gift = cls.entry.gift_ids
        cls.theirs = cls._add(cls.lan, "Bo Secret")

    @classmethod
    def _supply(cls, agent, pack, quantity):
        values = {"agent_id": agent.id, "pack_id": pack.id, "quantity": quantity}
        return cls.env["hstyle.gift.supply"].create(values)

    @classmethod
    def _add(cls, agent, name, day=None):
        day = day or cls.today + timedelta(days=1)
        values = cls._classmate(name, birth_month=day.month, birth_day=day.day)
        return cls.env["hstyle.roster"]._add(agent, values)

    @classmethod
    def _classmate(cls, name, **values):
        return {
            "name": name,
            "birth_month": 5,
            "birth_day": 6,
            "place": "Room 12",
            "consent_source": "Told me",
            "consent_on": str(cls.today),
            **values,
        }

    def _photo(self, kind="JPEG", side=40):
        file = io.BytesIO()
        exif = Image.Exif()
        exif[0x010E] = "Room of Wei"
        Image.new("RGB", (side, side), "red").save(file, kind, exif=exif)
        return file.getvalue()

    def _hand_out(self, gift=None, photo=None, **data):
        url = f"/my/agent/gifts/{(gift or self.gift).id}"
        files = photo and {"photo": ("photo.jpg", photo, "image/jpeg")}
        response = self._post(url, files=files, **data)
        (gift or self.gift).invalidate_recordset()
        return response

    def test_page(self):
        self.authenticate("mei", "mei")
        page = self._read("/my/agent/birthdays")
        for text in ("Wei", "Room 12", "Small pack 2", "Big pack 2"):
            self.assertIn(text, page)
        self.assertNotIn("Secret", page)
        self.assertNotIn(f"gifts/{self.theirs.gift_ids.id}", page)
        far = self.today + timedelta(days=100)
        self._add(self.mei, "Far", far)
        page = self._read("/my/agent/birthdays")
        self.assertNotIn("Far", page.partition("Your classmates")[0])
        self.assertIn("Far", page.partition("Your classmates")[2])

    def test_a_signature(self):
        self.authenticate("mei", "mei")
        page = self._hand_out(receiver="Wei", pack_id=self.second.id)
        self.assertIn("The gift is handed out", page.text)
        self.assertEqual(self.gift.state, "given")
        self.assertEqual(self.gift.receiver, "Wei")
        self.assertEqual(self.gift.pack_id, self.second)
        page = self._read("/my/agent/birthdays")
        self.assertIn("Big pack 1", page)
        self.assertIn("Nobody has a birthday", page)
        again = self._hand_out(receiver="Wei")
        self.assertIn("has got this gift already", again.text)

    def test_a_photo(self):
        self.authenticate("mei", "mei")
        self._hand_out(photo=self._photo())
        self.assertEqual(self.gift.state, "given")
        kept = b64decode(self.gift.photo)
        self.assertEqual(Image.open(io.BytesIO(kept)).size, (40, 40))
        self.assertNotIn(b"Room of Wei", kept, "where it was taken is not kept")

    def test_what_is_no_proof(self):
        self.authenticate("mei", "mei")
        svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
        large = self._photo() + bytes(8_000_001)
        for photo, receiver in (
            (None, ""),
            (None, "  "),
            (svg, ""),
            (b"GIF89a", ""),
            (b"<html>", ""),
            (self._photo("GIF"), ""),
            (large, ""),
        ):
            page = self._hand_out(photo=photo, receiver=receiver)
            self.assertEqual(page.status_code, 200)
            self.assertIn("alert-warning", page.text, (photo or b"")[:9])
            self.assertEqual(self.gift.state, "todo")
        page = self._post(f"/my/agent/gifts/{self.gift.id}", photo="no file")
        self.assertIn("alert-warning", page.text)
        for wrong in ("x", "-1", "999999", "__import__"):
            self._hand_out(receiver="Wei", pack_id=wrong)
        self.assertEqual(self.gift.state, "given", "of an unknown pack, any is taken")

    def test_no_packs(self):
        self.authenticate("lan", "lan")
        gift = self.theirs.gift_ids
        page = self._hand_out(gift, receiver="Bo")
        self.assertIn("used up", page.text)
        self.assertEqual(gift.state, "todo")

    def test_classmates(self):
        self.authenticate("mei", "mei")
        url = "/my/agent/classmates"
        values = self._classmate("Na <b>", agreed="1")
        page = self._post(url, **values, agent_id=self.lan.id)
        self.assertIn("is on your list", page.text)
        self.assertIn("Na &lt;b&gt;", page.text)
        entry = self.env["hstyle.roster"].search([("name", "=", "Na <b>")])
        self.assertRecordValues(
            entry,
            [
                {
                    "agent_id": self.mei.id,
                    "birth_month": 5,
                    "birth_day": 6,
                    "place": "Room 12",
                    "consent_source": "Told me",
                    "consent_on": self.today,
                }
            ],
        )
        for wrong in (
            {"agreed": ""},
            {"name": "Na <b>"},
            {"name": ""},
            {"birth_month": "2", "birth_day": "30"},
            {"birth_month": "x"},
            {"consent_source": ""},
            {"consent_on": "2099-01-01"},
            {"consent_on": "soon"},
        ):
            values = self._classmate("Other", agreed="1") | wrong
            self.assertIn("alert-warning", self._post(url, **values).text, wrong)
        self.assertFalse(self.env["hstyle.roster"].search([("name", "=", "Other")]))
        page = self._post(f"{url}/{entry.id}/remove")
        self.assertIn("off your list", page.text)
        self.assertFalse(entry.exists())

    def test_paused(self):
        self.mei.state = "paused"
        self.authenticate("mei", "mei")
        self.assertNotIn("Add a classmate", self._read("/my/agent/birthdays"))
        self._post("/my/agent/classmates", **self._classmate("Na", agreed="1"))
        self.assertFalse(self.env["hstyle.roster"].search([("name", "=", "Na")]))

    def test_of_another_agent(self):
        gift = self.theirs.gift_ids
        self._supply(self.lan, self.pack, 1)
        gift._hand_out(receiver="Bo", photo=b64encode(self._photo()))
        for login in ("mei", "xin"):
            self.authenticate(login, login)
            for url in (
                f"/my/agent/gifts/{gift.id}",
                "/my/agent/gifts/999999",
                f"/my/agent/classmates/{self.theirs.id}/remove",
                "/my/agent/classmates/999999/remove",
            ):
                self.assertEqual(self._post(url).status_code, 404, url)
        response = self._post("/my/agent/classmates", **self._classmate("Na"))
        self.assertEqual(response.status_code, 404, "who is no agent has no list")
        self.assertTrue(self.theirs.exists())
        self.assertEqual(gift.receiver, "Bo")

    def test_a_photo_of_another_agent(self):
        """Nor by the addresses of the host, with or without the attachment's id."""
        gift = self.theirs.gift_ids
        self._supply(self.lan, self.pack, 1)
        photo = self._photo("PNG")
        gift._hand_out(photo=b64encode(photo))
        domain = [("res_model", "=", gift._name), ("res_id", "=", gift.id)]
        domain += [("res_field", "!=", False)]
        attachment = self.env["ir.attachment"].search(domain)
        self.assertTrue(attachment)
        self.authenticate("mei", "mei")
        for url in (
            f"/web/image/hstyle.gift/{gift.id}/photo",
            f"/web/content/hstyle.gift/{gift.id}/photo",
            f"/web/image/{attachment.id}",
            f"/web/content/{attachment.id}",
        ):
            response = self.url_open(url)
            # The host answers with a picture of its own, or with none.
            self.assertIn(response.status_code, (200, 404), url)
            self.assertNotEqual(response.content[:50], attachment.raw[:50], url)

    def test_post_only(self):
        self.authenticate("mei", "mei")
        model = "hstyle.roster"
        self._check_post_only(f"/my/agent/gifts/{self.gift.id}", model, receiver="Wei")
        self.assertEqual(self.gift.state, "todo")
        values = self._classmate("Na", agreed="1")
        self._check_post_only("/my/agent/classmates", model, **values)
        self._check_post_only(f"/my/agent/classmates/{self.entry.id}/remove", model)


@tagged("post_install", "-at_install")
class TestStatements(AgentPortalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.hstyle_return_days = 14
        cls.env["hstyle.commission.plan"].search([]).active = False
        bracket = Command.create({"from_amount": 0, "percent": 10})
        cls.env["hstyle.commission.plan"].create(
            {"name": "Ten percent", "bracket_ids": [bracket]}
        )
        cls.month = cls.today.replace(day=1) - timedelta(days=1)

    def _earn(self, agent, days, quantity=1):
        """Let a friend have ordered so many days ago."""
        then = fields.Datetime.now() - timedelta(days=days)
        referral = self._bring(agent, touched_on=then, claimed_on=then)
        order = self._sell(quantity, referral.friend_id).sudo()
        order.date_order = then
        self.env["hstyle.commission"]._accrue(order)
        return order

    def _settle(self):
        statements = self.env["hstyle.commission.statement"]
        return statements._settle(self.company, self.month)

    def test_on_hold(self):
        self._earn(self.mei, 0)
        self._earn(self.lan, 0, quantity=7)
        self.authenticate("mei", "mei")
        for url in ("/my/agent", "/my/agent/statements"):
            page = self._read(url)
            self.assertIn("The month is not over", page)
            self.assertRegex(page, r"On hold until \w+ \d+, \d+: .{0,3}10\.00")
            self.assertNotIn("70.00", page)
        self.assertIn("There is no statement yet", page)

    def test_bill(self):
        self._earn(self.mei, 60)
        self._earn(self.lan, 60, quantity=7)
        bill = self._settle().filtered(lambda s: s.agent_id == self.mei).bill_id
        self.authenticate("mei", "mei")
        page = self._read("/my/agent/statements")
        self.assertIn("The bill is being checked", page)
        self.assertIn(self.month.strftime("%B %Y"), page)
        self.assertIn("10.00", page)
        self.assertNotIn("70.00", page)
        bill.action_post()
        source = self.url_open("/my/agent/statements").text
        self.assertIn(f'href="/my/invoices/{bill.id}"', source)
        page = self.url_open(f"/my/invoices/{bill.id}")
        self.assertTrue(page.url.endswith(f"/my/invoices/{bill.id}"))
        self.assertIn(bill.name, page.text)

    def test_empty(self):
        """A statement of nothing says why."""
        self._earn(self.mei, 1)
        self._settle()
        self.authenticate("mei", "mei")
        page = self._read("/my/agent/statements").partition("Your statements")[2]
        self.assertIn(self.month.strftime("%B %Y"), page)
        self.assertIn("On hold until", page)
        self.assertNotIn("bill", page)

    def test_bill_of_another_agent(self):
        self._earn(self.lan, 60, quantity=7)
        statement = self._settle().filtered(lambda s: s.agent_id == self.lan)
        bill = statement.bill_id
        bill.action_post()
        for login in ("mei", "xin"):
            self.authenticate(login, login)
            for url in (
                f"/my/invoices/{bill.id}",
                f"/my/invoices/{bill.id}?report_type=pdf",
            ):
                page = self.url_open(url)
                self.assertNotIn(f"/my/invoices/{bill.id}", page.url)
                self.assertNotIn(bill.name, page.text)
            self.assertNotIn("70.00", self._read("/my/invoices?filterby=bills"))
            response = self.url_open(f"/my/agent/statements/{statement.id}")
            self.assertEqual(response.status_code, 404)


@tagged("post_install", "-at_install")
class TestPortalAccess(AgentPortalCase):
    """What the pages show is open to nobody by the machine's ways."""

    def _call(self, model, method, **kwargs):
        params = {"model": model, "method": method, "args": [], "kwargs": kwargs}
        url = f"/web/dataset/call_kw/{model}/{method}"
        payload = {"jsonrpc": "2.0", "method": "call", "params": params}
        with mute_logger("odoo.http"):
            return self.url_open(url, json=payload).json()

    def test_by_json(self):
        """Neither of others nor of oneself: the pages alone read, as a superuser."""
        self._bring(self.lan, "hold")
        domain = [("model", "=like", "hstyle.%")]
        models = self.env["ir.model"].search(domain).mapped("model")
        models = [one for one in models if not self.env[one]._abstract]
        self.assertIn("hstyle.referral", models)
        for login in ("mei", "xin"):
            self.authenticate(login, login)
            for model in models:
                if self.env[model]._transient:
                    continue
                for method, kwargs in (
                    ("search_read", {"domain": []}),
                    ("search_count", {"domain": []}),
                    ("web_read_group", {"domain": [], "groupby": ["id"]}),
                    (
                        "formatted_read_group",
                        {"domain": [], "groupby": [], "aggregates": ["__count"]},
                    ),
                    ("name_search", {"name": ""}),
                ):
                    answer = self._call(model, method, **kwargs)
                    name = answer.get("error", {}).get("data", {}).get("name")
                    expected = "odoo.exceptions.AccessError"
                    self.assertEqual(name, expected, f"{model}.{method}")
                answer = self._call(model, "create", vals_list=[{}])
                self.assertIn("error", answer, model)

    def test_private_methods(self):
        self.authenticate("mei", "mei")
        for model, method in (
            ("hstyle.referral", "_claim"),
            ("hstyle.referral.code", "_get_code"),
            ("hstyle.roster", "_add"),
            ("hstyle.agent", "_apply"),
        ):
            self.assertIn("error", self._call(model, method))

    def test_paths_of_the_partner(self):
        """Nor by a path from the one contact that a portal user may read."""
        self._bring(self.lan, "hold")
        self.authenticate("mei", "mei")
        for path in ("hstyle_referral_ids.state", "hstyle_referred_ids.state"):
            domain = [(path, "=", "hold")]
            answer = self._call("res.partner", "search_count", domain=domain)
            self.assertIn("error", answer, path)

    def test_friends_do_not_read_why(self):
        """Who an order's code is of, and what speaks against it, is for staff."""
        found = self._bring(self.lan, "rejected", reason="refunds")
        user = new_test_user(
            self.env, "friend", "base.group_portal", partner_id=found.friend_id.id
        )
        order = self._create_order(partner=user.partner_id)
        order.message_subscribe(user.partner_id.ids)
        self.authenticate("friend", "friend")
        for field, key in (("name", "result"), ("referral_text", "error")):
            answer = self._call("sale.order", "search_read", domain=[], fields=[field])
            self.assertIn(key, answer, field)
        self.assertIn("AccessError", answer["error"]["data"]["name"])
