import json
from contextlib import ExitStack
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import BaseCase, HttpCase, tagged
from odoo.tools import mute_logger

from ..tools import sms_text, tencent
from . import sms_provider
from .common import HstyleCommon

WELCOME = "Dear {1}, your coupon {2} is ready. Reply TD to end."


@tagged("post_install", "-at_install")
class TestSmsTools(BaseCase):
    def test_published_signature(self):
        """The example of Tencent Cloud's documentation of its signature."""
        payload = (
            rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], '
            rb'"Name": "instance-name"}]}'
        )
        header = tencent.sign(
            secret_id="AKID" + "*" * 32,
            secret_key="*" * 32,
            host="cvm.tencentcloudapi.com",
            action="DescribeInstances",
            payload=payload,
            timestamp=1551113065,
            service="cvm",
        )
        self.assertEqual(
            header,
            f"TC3-HMAC-SHA256 Credential=AKID{'*' * 32}/2019-02-25/cvm/tc3_request, "
            "SignedHeaders=content-type;host;x-tc-action, Signature="
            "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f",
        )

    def test_match(self):
        def check(text, body, expected):
            self.assertEqual(sms_text.match(text, body), expected)

        check("Sale today", " Sale\n today ", [])
        check("Sale today", "Sale today!", None)
        check(WELCOME, WELCOME, ["{1}", "{2}"])
        check(WELCOME, "Dear A, your coupon B-1 is ready. Reply TD", None)
        check("{2} of {1}", "a of b of c", ["b of c", "a"])
        check("{1}。{2}", "积分。100", ["积分", "100"])
        check("Dear {1},", "Dear ,", [""])
        check("ab{1}ba", "aba", None)
        check("x{1}", "xyz", ["yz"])

    def test_the_closest_text_is_meant(self):
        texts = {"1": "{1}", "2": "Dear {1}, {2}", "3": "Dear {1}, come {2}"}
        found = sms_text.find(texts, "Dear Mei, come in")
        self.assertEqual(found, ("3", ("Mei", "in")))
        self.assertEqual(sms_text.find({"2": "Dear {1}"}, "Hi"), ("", ()))

    def test_keywords(self):
        words = {
            "stop": ["TD", " td。", "ＴＤ", "退订", "我要退订，谢谢", "T退订", "Stop!",
                     "please unsubscribe me", "R", "拒收"],
            "start": ["START", "恢复", "恢复订阅"],
            "balance": ["jf", "JF ", "积分", "查积分？", "ＪＦ"],
            "message": ["", "你好", "stop the music", "积分怎么用", "😀", "bus stop"],
        }  # fmt: skip
        for kind, texts in words.items():
            for text in texts:
                self.assertEqual(sms_text.get_keyword(text), kind, text)

    def test_codes(self):
        states = {
            "Ok": "sent",
            "LimitExceeded.PhoneNumberDailyLimit": "later",
            "LimitExceeded.AppCountryOrRegionInBlacklist": "country_not_supported",
            "FailedOperation.TemplateIncorrectOrUnapproved": "unapproved",
            "InternalError.Timeout": "server_error",
            "": "server_error",
        }
        for code, state in states.items():
            self.assertEqual(tencent.get_state(code), state, code)


class SmsCommon(HstyleCommon):
    """A company with an account at a provider on this machine, and a text."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_account(cls.company)
        cls.env["sms.sms"].search([]).unlink()

    @classmethod
    def _set_up_account(cls, company):
        company.write(sms_provider.ACCOUNT)
        return cls.env["hstyle.sms.text"].create(
            {
                "name": "Welcome",
                "body": WELCOME,
                "template": "1110",
                "company_id": company.id,
            }
        )

    def setUp(self):
        super().setUp()
        with ExitStack() as stack:
            provider = sms_provider.Provider()
            self.provider = stack.enter_context(provider.running())
            self.addCleanup(stack.pop_all().close)
        self._set_url(self.provider.url)

    def _set_url(self, url):
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("hstyle_crm.tencent_sms_url", url)

    def _create_sms(self, number, body=None, **values):
        body = body or WELCOME.format("", "Mei", "A-1")
        return self.env["sms.sms"].create({"number": number, "body": body, **values})

    def _run_queue(self):
        """Run the host's queue as its scheduled action does."""
        cron = self.env.ref("sms.ir_cron_sms_scheduler_action")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def _get_triggers(self):
        cron = self.env.ref("sms.ir_cron_sms_scheduler_action")
        return self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])


@tagged("post_install", "-at_install")
class TestSms(SmsCommon):
    def test_sent_by_template(self):
        sms = self._create_sms("+8613800138000")
        self._run_queue()
        expected = [("+8613800138000", "1110", ["Mei", "A-1"])]
        self.assertEqual(self.provider.sent, expected)
        self.assertEqual((sms.state, sms.to_delete), ("pending", True))
        self._run_queue()
        self.assertEqual(self.provider.sent, expected)

    def test_calls_of_many(self):
        """Up to 200 numbers with equal parameters, home and abroad apart."""
        numbers = [f"+86138{i:08}" for i in range(450)]
        for number in [*numbers, "+33612345678"]:
            self._create_sms(number)
        self._create_sms(numbers[0])
        self._create_sms(numbers[0], WELCOME.format("", "Lan", "B-2"))
        self._run_queue()
        self.assertEqual(self.provider.calls, 3 + 1 + 1 + 1)
        self.assertEqual(len(self.provider.sent), 453)
        self.assertEqual(
            set(self.env["sms.sms"].search([]).mapped("state")), {"pending"}
        )

    def test_unapproved(self):
        """It fails with what to do next, also for the marketer who looks."""
        partner = self._create_partner(phone="+8613800138000")
        message = partner._message_sms("Anything else", partner_ids=partner.ids)
        notification = message.notification_ids
        self.assertEqual(self.provider.calls, 0)
        self.assertEqual(notification.failure_type, "hstyle_sms_text")
        self.assertIn("No approved text", notification.failure_reason)

    def test_failures(self):
        codes = {
            "+8613800000001": (
                "FailedOperation.PhoneNumberInBlacklist",
                "sms_blacklist",
            ),
            "+8613800000002": (
                "FailedOperation.InsufficientBalanceInSmsPackage",
                "sms_credit",
            ),
            "+8613800000003": (
                "FailedOperation.TemplateIncorrectOrUnapproved",
                "hstyle_sms_text",
            ),
            "+8613800000004": ("InternalError.Timeout", "sms_server"),
            "12": ("", "sms_number_format"),
        }
        self.provider.codes = {number: code for number, (code, _) in codes.items()}
        sms = {number: self._create_sms(number) for number in codes}
        good = self._create_sms("+8613800138000")
        self._run_queue()
        self.assertEqual(good.state, "pending")
        for number, (_code, failure) in codes.items():
            found = (sms[number].state, sms[number].failure_type)
            self.assertEqual(found, ("error", failure))

    def test_what_the_provider_refused_is_no_offer(self):
        """The customer may get another one today, and reads of none that was sent."""
        self.company.write(
            {"hstyle_opt_in": False, "hstyle_quiet_from": 0, "hstyle_quiet_to": 0}
        )
        partner = self._create_partner(phone="+8613800138000")
        for body, code, count in (
            ("Anything else", "", 0),
            (None, "InternalError.Timeout", 1),
        ):
            self.provider.codes = {"+8613800138000": code} if code else {}
            values = {"partner_id": partner.id, "hstyle_purpose": "marketing"}
            sms = self._create_sms("+8613800138000", body, **values)
            self._run_queue()
            self.assertEqual(sms.state, "error")
            self.assertEqual(len(partner.hstyle_contact_ids), count)

    def test_failures_reach_the_customer(self):
        """Each of them can stand on a customer's message."""
        partner = self._create_partner(phone="+8613800138000")
        for code, failure in (
            ("FailedOperation.PhoneNumberInBlacklist", "sms_blacklist"),
            ("UnsupportedOperation.UnsupportedRegion", "sms_country_not_supported"),
            ("AuthFailure.SecretIdNotFound", "sms_acc"),
        ):
            self.provider.error = code
            body = WELCOME.format("", "Mei", "A-1")
            message = partner._message_sms(body, partner_ids=partner.ids)
            self.assertEqual(message.notification_ids.failure_type, failure)
            self.assertIn(code, message.notification_ids.failure_reason)

    def test_limits_are_for_later(self):
        sms = self._create_sms("+8613800138000")
        self.provider.codes = {sms.number: "LimitExceeded.PhoneNumberDailyLimit"}
        self._run_queue()
        self.assertEqual((sms.state, self.provider.calls), ("process", 1))
        self.assertIn(sms.retry_at, self._get_triggers().mapped("call_at"))
        self._run_queue()
        self.assertEqual((sms.state, self.provider.calls), ("process", 1))
        self.provider.codes = {}
        sms.retry_at = fields.Datetime.now()
        self._run_queue()
        self.assertEqual((sms.state, len(self.provider.sent)), ("pending", 1))

    def test_given_up_after_two_days(self):
        sms = self._create_sms("+8613800138000")
        self.provider.error = "LimitExceeded.AppDailyLimit"
        self._run_queue()
        now = fields.Datetime.now()
        self.env.cr.execute(
            "UPDATE sms_sms SET create_date = %s, retry_at = %s WHERE id = %s",
            (now - timedelta(days=3), now, sms.id),
        )
        sms.invalidate_recordset()
        self._run_queue()
        self.assertEqual((sms.state, sms.failure_type), ("error", "sms_server"))
        self.assertEqual(self.provider.calls, 1)

    @mute_logger("odoo.addons.hstyle_crm.sms_api")
    def test_out_of_reach(self):
        """Nothing is lost, and the others are not tried in vain."""
        self._set_url("http://127.0.0.1:9")
        for i in range(250):
            self._create_sms(f"+86138{i:08}")
        self._run_queue()
        sms = self.env["sms.sms"].search([])
        self.assertEqual(set(sms.mapped("state")), {"process"})
        self._set_url(self.provider.url)
        sms.retry_at = fields.Datetime.now()
        self._run_queue()
        self.assertEqual(len(self.provider.sent), 250)

    @mute_logger("odoo.addons.hstyle_crm.sms_api")
    def test_no_answer(self):
        """What may have been sent is not sent again by itself."""
        self.provider.silent = True
        sms = self._create_sms("+8613800138000")
        self._run_queue()
        self.assertEqual(len(self.provider.sent), 1)
        self.assertEqual((sms.state, sms.failure_type), ("error", "sms_server"))
        self.provider.silent = False
        self._run_queue()
        self.assertEqual(len(self.provider.sent), 1)

    def test_wrong_key(self):
        self.company.hstyle_tencent_secret_key = "other"
        sms = self._create_sms("+8613800138000")
        self._run_queue()
        self.assertEqual((sms.state, sms.failure_type), ("error", "sms_acc"))
        self.assertFalse(self.provider.sent)

    def test_without_an_account(self):
        self.company.hstyle_tencent_app_id = False
        sms = self._create_sms("+8613800138000")
        self._run_queue()
        self.assertEqual((sms.failure_type, self.provider.calls), ("sms_acc", 0))

    def test_two_companies(self):
        """Each by its own account and texts; the host's queue failed at two."""
        other = self.env["res.company"].create({"name": "Other"})
        self._set_up_account(other).template = "2220"
        other.hstyle_tencent_sign = "wrong"
        mine = self._create_sms("+8613800138000")
        theirs = self._create_sms("+8613800138001", record_company_id=other.id)
        self._run_queue()
        self.assertEqual(self.provider.sent[0][1], "1110")
        self.assertEqual(mine.state, "pending")
        self.assertEqual(theirs.failure_type, "hstyle_sms_text")

    def test_a_mailing(self):
        """A host's mailing is sent, and its traces learn what the provider says."""
        partners = self.env["res.partner"].create(
            [{"name": f"Lan {i}", "phone": f"+86138{i:08}"} for i in range(3)]
        )
        self.provider.codes = {
            "+8613800000001": "FailedOperation.PhoneNumberInBlacklist"
        }
        self.company.write({"hstyle_quiet_from": 0, "hstyle_quiet_to": 0})
        self.env["hstyle.consent"]._record(partners, "sms", "marketing", True, "Till")
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "Coupons",
                "mailing_type": "sms",
                "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
                "mailing_domain": [("id", "in", partners.ids)],
                "body_plaintext": WELCOME.format("", "{{ object.name }}", "A-1"),
                "sms_allow_unsubscribe": False,
            }
        )
        mailing.action_send_sms()
        self._run_queue()
        self.assertEqual(
            [parameters for *_, parameters in self.provider.sent],
            [["Lan 0", "A-1"], ["Lan 2", "A-1"]],
        )
        traces = mailing.mailing_trace_ids.sorted("sms_number")
        self.assertEqual(traces.mapped("trace_status"), ["pending", "error", "pending"])
        self.assertEqual(traces[1].failure_type, "sms_blacklist")
        serials = traces.sms_tracker_ids.mapped("hstyle_serial")
        self.assertEqual(serials.count(False), 1)
        self.env["sms.tracker"]._report({serials[0]: None})
        self.assertEqual(traces[0].trace_status, "sent")

    def test_texts(self):
        text = self.env["hstyle.sms.text"]
        for body in ("{1}{2}", "{1} and {3}", "{1} {1}", "{0}", "{1} {2}"):
            with self.assertRaises(ValidationError, msg=body):
                text.create({"name": "Bad", "body": body})
        balance = text.create({"name": "Points", "purpose": "balance"})
        self.assertEqual(balance.body, "You have {1} points.")
        with self.assertRaises(ValidationError):
            balance.body = "You have points."

    def test_secrets(self):
        for user in (self.marketer, self.manager):
            company = self.company.with_user(user)
            for name in ("secret_id", "secret_key"):
                with self.assertRaises(AccessError):
                    company.read([f"hstyle_tencent_{name}"])
            with self.assertRaises(AccessError):
                company.read(["hstyle_sms_callback"])
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.hstyle_tencent_secret_id, sms_provider.SECRET_ID)

    def test_lowest_role_sends(self):
        """Who may send an SMS needs to read neither texts nor the account."""
        partner = self._create_partner(phone="+8613800138000")
        body = WELCOME.format("", "Mei", "A-1")
        partner.with_user(self.clerk)._message_sms(body, partner_ids=partner.ids)
        self.assertEqual(len(self.provider.sent), 1)


@tagged("post_install", "-at_install")
class TestSmsCallback(SmsCommon, HttpCase):
    def _push(self, content, company=None, token=None):
        company = company or self.company
        token = token or company._get_sms_token()
        headers = {"Content-Type": "application/json"}
        path = f"/hstyle/sms/{company.id}/{token}"
        return self.url_open(path, data=json.dumps(content), headers=headers)

    def _reply(self, text, number="13800138000", moment=1, **options):
        content = {
            "extend": "",
            "mobile": number,
            "nationcode": "86",
            "sign": sms_provider.SIGN,
            "text": text,
            "time": moment,
        }
        response = self._push(content, **options)
        self.assertEqual(response.json(), {"result": 0, "errmsg": "OK"})
        return self.env["hstyle.sms.reply"].search([])

    def _create_customer(self, name="Mei", **values):
        return self._create_partner(name, phone="+86 138 0013 8000", **values)

    def _get_answers(self):
        return self.env["sms.sms"].search([], order="id").mapped("body")

    def _refuses(self, partner):
        """Tell whether a customer gets no more advertising."""
        return not partner._filter_contactable("sms", "marketing")

    def test_stop(self):
        """It counts for everybody with the number, once, and is confirmed."""
        partners = self._create_customer() | self._create_customer("Lan")
        for _repeat in range(2):
            reply = self._reply("ＴＤ。")
        self.assertEqual(len(reply), 1)
        self.assertEqual((reply.kind, reply.partner_ids), ("stop", partners))
        for partner in partners:
            self.assertTrue(self._refuses(partner))
        [answer] = self._get_answers()
        self.assertIn("no more", answer)

    def test_stop_of_a_stranger(self):
        self._reply("退订", number="13911111111")
        listed = self.env["phone.blacklist"].search([])
        self.assertEqual(listed.mapped("number"), ["+8613911111111"])

    def test_start(self):
        partner = self._create_customer()
        self._reply("TD")
        self._reply("恢复", moment=2)
        self.env.invalidate_all()
        self.assertFalse(self._refuses(partner))

    def test_start_of_two(self):
        """Nobody consents for another: staff reads it."""
        partners = self._create_customer() | self._create_customer("Lan")
        self._reply("TD")
        self._reply("START", moment=2)
        self.env.invalidate_all()
        for partner in partners:
            self.assertTrue(self._refuses(partner))
            self.assertIn("START", partner.message_ids[0].body)

    def test_message(self):
        """It is on the customer, and before the account manager."""
        partner = self._create_customer(user_id=self.agent.id)
        self._reply("Is <b>size M</b> back?")
        message = partner.message_ids[0]
        self.assertIn("&lt;b&gt;size M", message.body)
        self.assertIn(self.agent.partner_id, message.notified_partner_ids)
        self.assertFalse(self._get_answers())

    def test_not_ours(self):
        """Customers of another company are none of ours."""
        other = self.env["res.company"].create({"name": "Other"})
        self._create_customer(company_id=other.id)
        self.assertFalse(self._reply("你好").partner_ids)

    def test_reports(self):
        partner = self._create_customer()
        body = WELCOME.format("", "Mei", "A-1")
        message = partner._message_sms(body, partner_ids=partner.ids)
        notification = message.notification_ids
        self.assertEqual(notification.notification_status, "pending")
        report = {
            "user_receive_time": "2026-01-01 08:00:00",
            "nationcode": "86",
            "mobile": "13800138000",
            "report_status": "SUCCESS",
            "errmsg": "DELIVRD",
            "description": "ok",
            "sid": notification.sms_tracker_ids.hstyle_serial,
        }
        self._push([report, {**report, "sid": "unknown"}])
        self.env.invalidate_all()
        self.assertEqual(notification.notification_status, "sent")

    def test_report_of_a_failure(self):
        partner = self._create_customer()
        body = WELCOME.format("", "Mei", "A-1")
        notification = partner._message_sms(body, partner_ids=partner.ids)
        notification = notification.notification_ids
        serial = notification.sms_tracker_ids.hstyle_serial
        report = {"report_status": "FAIL", "errmsg": "REJECTD", "description": "No"}
        self._push([{**report, "sid": serial}])
        self.env.invalidate_all()
        self.assertEqual(notification.failure_type, "sms_rejected")
        self.assertEqual(notification.failure_reason, "REJECTD: No")

    @mute_logger("odoo.http")
    def test_intruders(self):
        other = self.env["res.company"].create({"name": "Other"})
        content = {"mobile": "13800138000", "nationcode": "86", "text": "TD", "time": 1}
        theirs = other._get_sms_token()
        for token in ("x", "é", theirs):
            self.assertEqual(self._push(content, token=token).status_code, 404)
        gone = self.company.browse(10**6)
        self.assertEqual(self._push(content, company=gone).status_code, 404)
        path = f"/hstyle/sms/{self.company.id}/{self.company._get_sms_token()}"
        self.assertEqual(self.url_open(path).status_code, 405)
        huge = {**content, "text": "x" * 1_100_000}
        self.assertEqual(self._push(huge).status_code, 413)
        self.assertFalse(self.env["hstyle.sms.reply"].search([]))

    @mute_logger("odoo.addons.hstyle_crm.controllers.sms")
    def test_malformed(self):
        for content in ({}, "TD", 7, None, [7], [{}], {"mobile": 1, "text": "TD"}):
            self.assertEqual(self._push(content).json()["result"], 1, content)
        self._reply("a\0b" + "c" * 5000)
        self.assertEqual(len(self.env["hstyle.sms.reply"].search([]).text), 1000)
