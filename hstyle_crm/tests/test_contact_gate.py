from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools import SQL

from .common import HstyleCommon


@tagged("post_install", "-at_install")
class TestContactGate(HstyleCommon):
    """Who may be written to, and what is noted of each message."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"hstyle_quiet_from": 0, "hstyle_quiet_to": 0})
        cls.partner = cls._create_customer("Mei")

    @classmethod
    def _create_customer(cls, name="Lin", **values):
        values = {
            "email": f"{name.lower()}@example.com",
            "phone": f"+86 138 0013 {8000 + len(name):04}",
            "tz": "UTC",
            **values,
        }
        return cls._create_partner(name, **values)

    def _allow(self, partner=None, channel="email", purpose="marketing", given=True):
        self.env["hstyle.consent"]._record(
            partner or self.partner, channel, purpose, given, "Till", "Yes, please"
        )

    def _ask(self, channel="email", purpose="marketing", partner=None):
        partner = partner or self.partner
        return partner._get_refusals(channel, purpose)[partner.id]

    def _queue(self, partner=None, purpose="marketing", **values):
        partner = partner or self.partner
        return self.env["mail.mail"].create(
            {
                "subject": "New dresses",
                "body_html": "<p>Look</p>",
                "model": "res.partner",
                "res_id": partner.id,
                "recipient_ids": partner.ids,
                "hstyle_purpose": purpose,
                "auto_delete": False,
                **values,
            }
        )

    def _get_contacts(self, partner=None):
        domain = [("partner_id", "=", (partner or self.partner).id)]
        rows = self.env["hstyle.contact"].search(domain, order="id")
        return [(row.state, row.reason) for row in rows]

    # === CONSENT === #

    def test_offers_need_a_consent(self):
        self.assertEqual(self._ask(), "no_consent")
        self._allow()
        self.assertIsNone(self._ask())
        self.assertEqual(self._ask("sms"), "no_consent")
        self._allow(given=False)
        self.assertEqual(self._ask(), "withdrawn")
        self.assertIsNone(self._ask(purpose="membership"))

    def test_a_company_that_writes_until_told_not_to(self):
        self.company.hstyle_opt_in = False
        self.assertIsNone(self._ask())
        self._allow(given=False)
        self.assertEqual(self._ask(), "withdrawn")

    def test_consent_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.env["hstyle.consent"]._record(
            self.partner, "email", "marketing", True, "Till", company=other
        )
        self.assertEqual(self._ask(), "no_consent")

    def test_a_branch_is_its_parent(self):
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        self._allow()
        people = self.partner.with_company(branch)
        self.assertIsNone(people._get_refusals("email", "marketing")[people.id])
        self.env["hstyle.consent"]._record(
            self.partner, "email", "marketing", False, "Till", company=branch
        )
        self.assertEqual(self._ask(), "withdrawn")
        self.clerk.write({"company_ids": branch.ids, "company_id": branch.id})
        rows = self.env["hstyle.consent"].with_user(self.clerk)
        rows = rows.with_context(allowed_company_ids=branch.ids)
        self.assertEqual(rows.search_count([("partner_id", "=", self.partner.id)]), 2)

    def test_leaving_one_topic_keeps_the_others(self):
        """odoo/odoo#17191: leave the events, keep the news."""
        self._allow()
        self._allow(purpose="membership", given=False)
        self.assertEqual(self._ask(purpose="membership"), "withdrawn")
        self.assertIsNone(self._ask())
        self.assertIsNone(self._ask(purpose="service"))

    def test_a_consent_is_a_proof(self):
        self._allow()
        consent = self.partner.hstyle_consent_ids
        self.assertEqual(
            (consent.source, consent.text, consent.create_uid),
            ("Till", "Yes, please", self.env.user),
        )
        with self.assertRaises(AccessError):
            consent.with_user(self.manager).write({"given": False})
        with self.assertRaises(UserError):
            consent.unlink()

    def test_the_wizard_records_for_the_lowest_role(self):
        wizard = self.env["hstyle.consent.change"].with_user(self.agent)
        values = {"partner_ids": self.partner.ids, "source": "Call", "text": "Yes"}
        wizard.create(values).action_apply()
        self.assertIsNone(self._ask())
        self.assertTrue(self.partner.accepts_email)
        domain = [("accepts_email", "=", True), ("id", "=", self.partner.id)]
        self.assertTrue(self.env["res.partner"].search(domain))
        domain[0] = ("accepts_email", "=", False)
        self.assertFalse(self.env["res.partner"].search(domain))

    def test_a_merge_keeps_the_latest_word(self):
        other = self._create_customer("Mei Li")
        self._allow()
        with freeze_time("2100-01-01"):
            self._allow(other, given=False)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.partner | other).ids, self.partner)
        self.assertEqual(len(self.partner.hstyle_consent_ids), 2)
        self.assertEqual(self._ask(), "withdrawn")

    # === ADDRESSES === #

    def test_addresses(self):
        self._allow()
        self.partner.message_bounce = 3
        self.assertEqual(self._ask(), "bounced")
        self.partner.message_bounce = 0
        self.env["mail.blacklist"]._add(self.partner.email)
        self.assertEqual(self._ask(), "blacklisted")
        self.assertIsNone(self._ask(purpose="service"))
        self.partner.email = False
        self.assertEqual(self._ask(), "no_address")
        self.env["phone.blacklist"]._add([self.partner.phone_sanitized])
        self.assertEqual(self._ask("sms", "membership"), "blacklisted")
        self.partner.active = False
        self.assertEqual(self._ask(), "archived")

    # === TIME === #

    def test_quiet_hours_are_the_customers(self):
        self._allow()
        self.company.write({"hstyle_quiet_from": 21, "hstyle_quiet_to": 9})
        with freeze_time("2026-05-01 20:59"):
            self.assertIsNone(self._ask())
        with freeze_time("2026-05-01 21:00"):
            self.assertEqual(self._ask(), "quiet")
            self.assertIsNone(self._ask(purpose="service"))
            self.partner.tz = "America/New_York"
            self.assertIsNone(self._ask())
        with freeze_time("2026-05-02 01:30"):
            self.assertEqual(self._ask(), "quiet")
            end = self.partner._get_quiet_end(self.company)
            self.assertEqual(str(end), "2026-05-02 13:00:00")

    def test_in_a_branch(self):
        """Who works there alone may not read the parent, whose rules hold."""
        self._allow()
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id, "hstyle_quiet_to": 11}
        )
        self.company.write({"hstyle_quiet_from": 21, "hstyle_quiet_to": 9})
        people = self.env["res.partner"].create([{"name": f"{n}"} for n in range(60)])
        self.company.hstyle_control_share = 15
        for role in ("clerk", "agent", "marketer"):
            user = new_test_user(
                self.env,
                login=f"branch_{role}",
                groups=f"hstyle_crm.hstyle_crm_group_{role}",
                company_id=branch.id,
                company_ids=[Command.set(branch.ids)],
            )
            self.env.invalidate_all()
            partner = self.partner.with_user(user)
            Form(partner)
            self.assertTrue(partner.accepts_email)
            with freeze_time("2026-05-01 22:00"):
                verdict = partner._get_refusals("email", "marketing")
                self.assertEqual(verdict, {partner.id: "quiet"})
                end = partner._get_quiet_end(user.company_id)
                self.assertEqual(str(end), "2026-05-02 09:00:00")
        held = [self._get_held(people, company) for company in (self.company, branch)]
        self.assertTrue(held[0])
        self.assertEqual(*held)

    def _get_held(self, people, company):
        rule = company._sql_is_held_out(SQL("id"))
        query = SQL(
            "SELECT id FROM res_partner WHERE id = ANY(%s) AND %s", people.ids, rule
        )
        return sorted(self.env.execute_query(query))

    def test_a_mail_waits_for_the_morning(self):
        self._allow()
        self.company.write({"hstyle_quiet_from": 21, "hstyle_quiet_to": 9})
        with freeze_time("2026-05-01 22:00"):
            mail = self._queue()
            mail.send()
            self.assertEqual(mail.state, "outgoing")
            self.assertEqual(str(mail.scheduled_date), "2026-05-02 09:00:00")
            self.assertEqual(self._get_contacts(), [("waiting", "quiet")])
        with freeze_time("2026-05-02 09:00"):
            mail.send()
        self.assertEqual(self._get_contacts(), [("sent", False)])

    def test_an_sms_waits_for_the_morning(self):
        self._allow(channel="sms")
        self.company.write({"hstyle_quiet_from": 21, "hstyle_quiet_to": 9})
        values = {
            "partner_id": self.partner.id,
            "number": self.partner.phone_sanitized,
            "body": "Look",
            "hstyle_purpose": "marketing",
        }
        with freeze_time("2026-05-01 22:00"):
            sms = self.env["sms.sms"].create(values)
            sms._send()
            self.assertEqual(sms.state, "process")
            self.assertEqual(str(sms.retry_at), "2026-05-02 09:00:00")
        with freeze_time("2026-05-02 09:00"):
            self.env["sms.sms"]._resume()
        self.assertEqual(sms.state, "outgoing")

    # === FREQUENCY === #

    def test_one_offer_a_day_and_so_many_a_month(self):
        self._allow()
        self.company.hstyle_contact_cap = 2
        for day in ("2026-05-01", "2026-05-10"):
            with freeze_time(f"{day} 10:00"):
                self._queue().send()
                self.assertEqual(self._ask(), "today")
        with freeze_time("2026-05-11 10:00"):
            self.assertEqual(self._ask(), "cap")
            self.assertIsNone(self._ask(purpose="membership"))
        with freeze_time("2026-05-30 10:00"):
            self.assertEqual(self._ask(), "cap")
        with freeze_time("2026-05-31 10:00"):
            self.assertIsNone(self._ask())
            self.partner.offer_cap = 1
            self.assertEqual(self._ask(), "cap")

    def test_two_offers_in_one_batch(self):
        self._allow()
        mails = self._queue() + self._queue()
        mails.send()
        self.assertFalse(mails[0].scheduled_date)
        self.assertEqual(self._get_contacts(), [("sent", False), ("waiting", "today")])
        with freeze_time(mails[1].scheduled_date):
            mails[1].send()
        self.assertEqual(self._get_contacts(), [("sent", False)] * 2)

    def test_what_passed_is_judged_again(self):
        """The server of mails was down; the customer said no before it came back."""
        self._allow()
        mail = self._queue()
        mail._filter_gate()
        self._allow(given=False)
        self.assertFalse(mail._filter_gate())
        self.assertEqual(mail.state, "cancel")
        self.assertEqual(self._get_contacts(), [("refused", "withdrawn")])

    def test_a_refusal_is_not_for_ever(self):
        mail = self._queue()
        mail.send()
        self._allow()
        mail.mark_outgoing()
        self.assertEqual(mail._filter_gate(), mail)
        self.assertEqual(
            self._get_contacts(), [("refused", "no_consent"), ("sent", False)]
        )

    def test_what_the_queue_leaves_alone(self):
        """A mail that was sent, failed or cancelled is no new contact."""
        for state in ("sent", "exception", "cancel"):
            mail = self._queue(state=state)
            mail.send()
            self.assertEqual(mail.state, state)
        self.assertFalse(self._get_contacts())

    def test_what_passed_once_passes_again(self):
        """The queue crashed after the gate: the mail is not lost."""
        self._allow()
        mail = self._queue()
        self.assertEqual(mail._filter_gate(), mail)
        self.assertEqual(mail._filter_gate(), mail)
        self.assertEqual(self._get_contacts(), [("sent", False)])

    def test_merged_customers_keep_all_their_messages(self):
        other = self._create_customer("Mei Li")
        (self._allow(), self._allow(other))
        (self._queue() + self._queue(other)).send()
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.partner | other).ids, self.partner)
        self.assertEqual(self._get_contacts(), [("sent", False)] * 2)
        self.assertEqual(self._ask(), "today")

    # === SENDERS === #

    def test_a_refused_mail_is_cancelled_with_the_reason(self):
        mail = self._queue()
        mail.send()
        self.assertEqual(mail.state, "cancel")
        self.assertIn("never given", mail.failure_reason)
        self.assertEqual(self._get_contacts(), [("refused", "no_consent")])

    def test_a_mailing_passes_the_gate(self):
        """odoo/odoo#167752: who said no still got the newsletter."""
        willing = self._create_customer("Willing")
        self._allow(willing)
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "Sale",
                "body_html": "<p>Sale</p>",
                "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
                "mailing_domain": repr([("id", "in", [self.partner.id, willing.id])]),
            }
        )
        mailing.action_send_mail()
        states = {
            trace.res_id: trace.trace_status for trace in mailing.mailing_trace_ids
        }
        self.assertEqual(states[self.partner.id], "cancel")
        self.assertIn(states[willing.id], ("sent", "outgoing", "pending"))
        self.assertEqual(self._get_contacts(), [("refused", "no_consent")])
        self.assertEqual(self._get_contacts(willing), [("sent", False)])

    def test_a_mailing_to_addresses(self):
        """A list knows no customers: the address tells, of archived ones too."""
        other = self._create_customer("Archived", active=False)
        self._allow()
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "Sale",
                "body_html": "<p>Sale</p>",
                "mailing_model_id": self.env["ir.model"]._get_id("mailing.contact"),
            }
        )
        contacts = self.env["mailing.contact"].create(
            [{"email": address} for address in (self.partner.email, other.email)]
        )
        mailing.mailing_domain = repr([("id", "in", contacts.ids)])
        mailing.action_send_mail()
        self.assertEqual(self._get_contacts(), [("sent", False)])
        self.assertEqual(self._get_contacts(other), [("refused", "archived")])

    def test_an_sms_mailing_passes_the_gate(self):
        mailing = self.env["mailing.mailing"].create(
            {
                "mailing_type": "sms",
                "subject": "Sale",
                "body_plaintext": "Sale",
                "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
                "mailing_domain": repr([("id", "=", self.partner.id)]),
            }
        )
        mailing.action_send_sms()
        self.env["sms.sms"].search([("mailing_id", "=", mailing.id)])._send()
        self.assertEqual(mailing.mailing_trace_ids.trace_status, "cancel")
        self.assertEqual(self._get_contacts(), [("refused", "no_consent")])

    def test_mails_to_colleagues_do_not_pass_it(self):
        mail = self._queue(purpose=False)
        mail.send()
        self.assertNotEqual(mail.state, "cancel")
        self.assertFalse(self._get_contacts())

    def test_the_way_that_the_customer_prefers(self):
        (self._allow(), self._allow(channel="sms"))
        routes, _refusals = self.partner._route(["email", "sms"], "marketing")
        self.assertEqual(routes, {"email": self.partner})
        self.partner.preferred_channel = "sms"
        routes, _refusals = self.partner._route(["email", "sms"], "marketing")
        self.assertEqual(routes, {"sms": self.partner})
        self._allow(channel="sms", given=False)
        routes, _refusals = self.partner._route(["email", "sms"], "marketing")
        self.assertEqual(routes, {"email": self.partner})
        self._allow(given=False)
        routes, refusals = self.partner._route(["email", "sms"], "marketing")
        self.assertFalse(routes)
        self.assertEqual(refusals, {"withdrawn": self.partner})

    def test_queries_do_not_grow_with_the_customers(self):
        one = self.partner
        many = self.env["res.partner"].create(
            [{"name": f"P{i}", "email": f"p{i}@example.com"} for i in range(50)]
        )
        one._get_refusals("email", "marketing")
        with self.assertQueryCount(1):
            (one | many)._get_refusals("email", "marketing")


@tagged("post_install", "-at_install")
class TestPreferenceCentre(HttpCase, HstyleCommon):
    def setUp(self):
        super().setUp()
        self.company.write({"hstyle_quiet_from": 0, "hstyle_quiet_to": 0})
        self.partner = self._create_partner("Mei", email="mei@example.com")
        self.mail = self.env["mail.mail"].create(
            {
                "subject": "Points",
                "body_html": "<p>Look</p>",
                "model": "res.partner",
                "res_id": self.partner.id,
                "recipient_ids": self.partner.ids,
                "hstyle_purpose": "membership",
                "auto_delete": False,
            }
        )
        self.mail.send()
        self.url = self.mail._get_preferences_url()

    def test_each_mail_leads_there(self):
        body = self.mail._prepare_outgoing_body()
        self.assertIn(self.url, body)
        [email] = self.mail._prepare_outgoing_list()
        self.assertEqual(email["headers"]["List-Unsubscribe"], f"<{self.url}>")

    def test_choosing_without_login(self):
        page = self.url_open(self.url)
        self.assertIn("What we send you", page.text)
        self.assertIn("Mei", page.text)
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        form = {
            "csrf_token": token,
            "marketing_email": "1",
            "preferred_channel": "email",
            "offer_cap": "2",
            "reason": "Too many",
        }
        page = self.url_open(self.url, data=form)
        self.assertIn("choices are saved", page.text)
        self.env.invalidate_all()
        self.assertEqual(
            self.partner._get_allowed(self.company), {("email", "marketing")}
        )
        self.assertEqual(self.partner.preferred_channel, "email")
        self.assertEqual(self.partner.offer_cap, 2)
        rows = self.partner.hstyle_consent_ids
        self.assertEqual(set(rows.mapped("source")), {"Preference centre"})
        self.assertEqual(set(rows.mapped("text")), {"Too many"})

    def test_nonsense_is_no_wish(self):
        page = self.url_open(self.url)
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        for wish in ("²", "-1", "99", ""):
            form = {"csrf_token": token, "offer_cap": wish}
            self.assertEqual(self.url_open(self.url, data=form).status_code, 200)
        self.env.invalidate_all()
        self.assertFalse(self.partner.offer_cap)

    def test_opening_changes_nothing(self):
        self.url_open(self.url + "?marketing_email=1&offer_cap=1")
        self.env.invalidate_all()
        self.assertFalse(self.partner.hstyle_consent_ids)
        self.assertFalse(self.partner.offer_cap)

    def test_no_change_without_the_token_of_the_form(self):
        answer = self.url_open(self.url, data={"marketing_email": "1"})
        self.assertEqual(answer.status_code, 400)
        self.assertFalse(self.partner.hstyle_consent_ids)

    def test_other_links_lead_nowhere(self):
        wrong = self.url[:-1] + ("0" if self.url[-1] != "0" else "1")
        self.assertEqual(self.url_open(wrong).status_code, 404)
        other = self.url.replace(f"/{self.mail.id}/", f"/{self.mail.id + 1}/")
        self.assertEqual(self.url_open(other).status_code, 404)

    def test_the_link_outlives_a_merge(self):
        other = self._create_partner("Mei Li", email="mei.li@example.com")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.partner | other).ids, other)
        self.assertIn("Mei Li", self.url_open(self.url).text)
