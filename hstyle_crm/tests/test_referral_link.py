import logging
import re
import time
from datetime import datetime, timedelta

from odoo import fields
from odoo.tests import BaseCase, HttpCase, new_test_user, tagged

from ..models.hstyle_referral_touch import COOKIE
from ..tools.names import get_first_name
from .common import HstyleCommon


@tagged("post_install", "-at_install")
class TestNames(BaseCase):
    def test_first_names(self):
        expected = {
            "Mei Wang": "Mei",
            "Mei": "Mei",
            " 王小美 ": "小美",
            "王美": "美",
            "欧阳娜": "娜",
            "欧阳": "阳",
            "mei@example.com": "",
            "Mei 13800138000": "",
            "": "",
            None: "",
            False: "",
        }
        for name, first in expected.items():
            self.assertEqual(get_first_name(name), first, name)


class ReferralLinkCase(HstyleCommon, HttpCase):
    """A programme of 30 days, and Mei, who has a code."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["hstyle.referral.program"].search([]).active = False
        cls.program = cls.env["hstyle.referral.program"].create(
            {"name": "Friends", "date_from": "2020-01-01", "friend_points": 123}
        )
        cls.codes = cls.env["hstyle.referral.code"]
        cls.mei = cls._create_partner("Mei Wang", email="mei@example.com")
        cls.code = cls.codes._get_code(cls.mei)
        cls.other = cls.codes._get_code(cls._create_partner("Lan"))
        parameters = cls.env["ir.config_parameter"]
        parameters.set_param("auth_signup.invitation_scope", "b2c")

    def _touch(self, code, **age):
        moment = fields.Datetime.now().replace(microsecond=0) - timedelta(**age)
        return self.codes._sign_touch(code, moment)

    def _open(self, code, cookie=None):
        cookies = {COOKIE: cookie} if cookie else None
        return self.url_open(f"/r/{code}", cookies=cookies)

    def _sign_up(self, cookie=None, login="xin@example.com", name="Xin Li"):
        page = self.url_open("/web/signup").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        data = {"csrf_token": token, "login": login, "name": name}
        data |= {"password": "Long-enough-1", "confirm_password": "Long-enough-1"}
        cookies = {COOKIE: cookie} if cookie else None
        self.url_open("/web/signup", data=data, cookies=cookies)
        user = self.env["res.users"].search([("login", "=", login)])
        self.assertTrue(user, "nothing of a referral hinders the sign-up")
        return user.partner_id


@tagged("post_install", "-at_install")
class TestReferralLink(ReferralLinkCase):
    def test_touch(self):
        moment = datetime(2026, 5, 1, 12, 30, 15)
        text = self.codes._sign_touch(self.code, moment)
        self.program.window_days = 100_000
        self.assertEqual(self.codes._read_touch(text), (self.code, moment))
        nothing = (self.codes, None)
        code_id, second, signature = text.split(".")
        forged = (
            None,
            "",
            ".",
            "..",
            "x",
            text[:-1],
            text + "0",
            f"{self.other.id}.{second}.{signature}",
            f"{code_id}.{int(second) + 1}.{signature}",
            f"{code_id}.{second}.é",
        )
        for cookie in forged:
            self.assertEqual(self.codes._read_touch(cookie), nothing, cookie)
        self.program.window_days = 30
        self.assertEqual(self.codes._read_touch(text), nothing, "too old")

    def test_touch_window(self):
        fresh = self._touch(self.code, days=29, hours=23)
        self.assertEqual(self.codes._read_touch(fresh)[0], self.code)
        old = self._touch(self.code, days=30)
        self.assertFalse(self.codes._read_touch(old)[0])
        self.program.active = False
        self.assertFalse(self.codes._read_touch(fresh)[0], "no programme")
        self.program.active = True
        self.code.unlink()
        self.assertFalse(self.codes._read_touch(fresh)[0], "no code")

    def test_page(self):
        response = self._open(self.code.code)
        self.assertEqual(response.status_code, 200)
        self.assertIn("Mei invites you", re.sub(r"\s+", " ", response.text))
        self.assertNotIn("Wang", response.text)
        self.assertNotIn("mei@", response.text)
        self.assertIn("+123", response.text)
        self.assertIn("for your first order. You get them", response.text)
        self.program.minimum = 50
        page = self._open(self.code.code).text
        self.assertRegex(page, r"first order of at least .{0,9}50\.00")
        self.assertIn('href="/web/signup"', response.text)
        self.assertEqual(response.headers["Cache-Control"], "no-store")

    def test_cookie(self):
        self._open(self.code.code.lower())
        [cookie] = [one for one in self.opener.cookies if one.name == COOKIE]
        code, moment = self.codes._read_touch(cookie.value)
        self.assertEqual(code, self.code)
        self.assertLess(fields.Datetime.now() - moment, timedelta(minutes=5))
        self.assertTrue(cookie.has_nonstandard_attr("HttpOnly"))
        self.assertEqual(cookie.get_nonstandard_attr("SameSite"), "Lax")
        days = (cookie.expires - time.time()) / 24 / 3600
        self.assertAlmostEqual(days, 30, places=1)
        self.assertFalse(cookie.secure, "no https here")

    def test_first_touch_stays(self):
        first = self._touch(self.code, days=3)
        for code in (self.other, self.code):
            response = self._open(code.code, first)
            self.assertNotIn(COOKIE, response.headers.get("Set-Cookie", ""))
        for ignored in (first + "0", self._touch(self.code, days=31)):
            response = self._open(self.other.code, ignored)
            value = response.cookies[COOKIE]
            self.assertEqual(self.codes._read_touch(value)[0], self.other)

    def test_unknown_code(self):
        response = self._open("NOBODY")
        self.assertEqual(response.status_code, 404)
        self.assertIn("We do not know this invitation", response.text)
        self.assertNotIn(COOKIE, response.cookies)

    def test_no_programme(self):
        self.program.active = False
        response = self._open(self.code.code)
        self.assertEqual(response.status_code, 200)
        self.assertIn("no gifts for new customers", response.text)
        self.assertNotIn(COOKIE, response.cookies)

    def test_nothing_is_stored(self):
        """A page that is only read cannot be used to write; nor can it be posted."""
        counted = ("hstyle.referral", "hstyle.referral.code", "res.partner")
        before = self._count(*counted)
        self._open(self.code.code)
        self.assertEqual(self._count(*counted), before)
        response = self.url_open(f"/r/{self.code.code}", data={"a": "b"})
        self.assertIn(response.status_code, (400, 405))

    def test_by_invitation_only(self):
        users = type(self.env["res.users"])
        # Not the setting: a site has one of its own.
        self.patch(users, "_get_signup_invitation_scope", lambda _users: "b2b")
        page = self._open(self.code.code).text
        self.assertNotIn("/web/signup", page)
        self.assertIn(f">{self.code.code}<", page, "to be told by phone")

    def test_customer(self):
        new_test_user(self.env, login="lan", groups="base.group_portal")
        self.authenticate("lan", "lan")
        page = self._open(self.code.code).text
        self.assertIn("this invitation is for new customers", page)
        self.assertNotIn("/web/signup", page)


@tagged("post_install", "-at_install")
class TestReferralSignup(ReferralLinkCase):
    def _get_referrals(self, friend):
        domain = [("friend_id", "=", friend.id)]
        return self.env["hstyle.referral"].search(domain)

    def test_sign_up(self):
        touched = fields.Datetime.now().replace(microsecond=0) - timedelta(days=2)
        friend = self._sign_up(self.codes._sign_touch(self.code, touched))
        self.assertRecordValues(
            self._get_referrals(friend),
            [
                {
                    "referrer_id": self.mei.id,
                    "source": "link",
                    "touched_on": touched,
                    "state": "referred",
                }
            ],
        )

    def test_from_the_link_on(self):
        self._open(self.code.code)
        self._open(self.other.code)
        friend = self._sign_up()
        self.assertEqual(self._get_referrals(friend).referrer_id, self.mei)

    def test_nothing_to_claim(self):
        old, forged = self._touch(self.code, days=30), self._touch(self.code) + "0"
        for number, cookie in enumerate((None, old, forged)):
            friend = self._sign_up(cookie, login=f"{number}@example.com")
            self.assertFalse(self._get_referrals(friend), cookie)
            self.url_open("/web/session/logout")

    def test_a_refused_claim(self):
        """What `_claim` refuses leaves the new account whole."""
        touch = self._touch(self.code)
        self.code.code = "AB-C"  # which nobody can type
        with self.assertLogs("odoo.addons.hstyle_crm", logging.INFO) as log:
            friend = self._sign_up(touch)
        self.assertIn("no referral code", "".join(log.output))
        self.assertFalse(self._get_referrals(friend))

    def test_logging_in_claims_nothing(self):
        user = new_test_user(
            self.env, login="lan", password="lan", groups="base.group_portal"
        )
        page = self._open(self.code.code) and self.url_open("/web/login").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        data = {"csrf_token": token, "login": "lan", "password": "lan"}
        self.url_open("/web/login", data=data)
        self.assertIn("/my", self.url_open("/my").url)
        self.assertFalse(self._get_referrals(user.partner_id))

    def test_a_new_password_claims_nothing(self):
        user = new_test_user(self.env, login="lan", groups="base.group_portal")
        partner = user.partner_id
        partner.signup_prepare(signup_type="reset")
        token = partner._generate_signup_token()
        self._open(self.code.code)
        page = self.url_open(f"/web/reset_password?token={token}").text
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        data = {"csrf_token": csrf, "token": token, "password": "Long-enough-1"}
        data["confirm_password"] = "Long-enough-1"
        page = self.url_open("/web/reset_password", data=data).text
        self.assertIn("reset successfully", page)
        self.assertFalse(self._get_referrals(partner))

    def test_oneself(self):
        """Who signs up by an invitation with the referrer's mailbox does not count."""
        friend = self._sign_up(self._touch(self.code), login="m.e.i+1@example.com")
        self.mei.email = "mei@gmail.com"
        friend = self._sign_up(self._touch(self.code), login="m.ei@gmail.com")
        self.assertEqual(self._get_referrals(friend).state, "rejected")
