from odoo.tests import new_test_user, tagged

from odoo.addons.hstyle_crm.models.hstyle_referral_touch import COOKIE

from .common import ShopCase


@tagged("post_install", "-at_install")
class TestShop(ShopCase):
    """Who came by a link, or types a code, is referred when the order is confirmed."""

    def _assert_referred(self, order, code, source):
        referral = self._get_referrals(order.partner_id)
        self.assertEqual(len(referral), 1)
        self.assertEqual(
            (referral.referrer_id, referral.source, referral.state),
            (code.partner_id, source, "referred"),
        )
        return referral

    # === LINK === #

    def test_the_link_leads_to_the_shop(self):
        page = self._open(self.code.code).text
        button = page[page.index("hstyle_invitation_actions") :].partition("</div>")[0]
        self.assertIn('href="/shop"', button)

    def test_link_sign_up_and_order(self):
        self._open(self.code.code)
        friend = self._sign_up()
        [referral] = self._get_referrals(friend)
        order = self._buy()
        self.assertEqual((order.partner_id, order.state), (friend, "sale"))
        self.assertEqual(self._assert_referred(order, self.code, "link"), referral)

    def test_cart_before_sign_up(self):
        self._open(self.code.code)
        order = self._fill_cart()
        friend = self._sign_up()
        self._check_out(order)
        order.action_confirm()
        self.assertEqual(order.partner_id, friend)
        self._assert_referred(order, self.code, "link")

    def test_guest(self):
        self._open(self.code.code)
        order = self._fill_cart()
        self.assertEqual(order.referral_code, self.code.code)
        self._check_out(order)
        self.assertFalse(self._get_referrals(order.partner_id), "not paid yet")
        self._forget()  # who confirms has no cookie of the visitor
        order.action_confirm()
        self.assertEqual(order.partner_id.email, "xin@example.com")
        referral = self._assert_referred(order, self.code, "link")
        self.assertEqual(referral.touched_on, order.referral_touched_on)

    def test_link_after_the_cart(self):
        order = self._fill_cart()
        self.assertFalse(order.referral_code)
        self._open(self.code.code)
        self.assertFalse(order.referral_code, "opening a link changes nothing")
        self._check_out(order)
        order.action_confirm()
        self._assert_referred(order, self.code, "link")

    def test_an_order_for_nothing(self):
        self._open(self.code.code)
        order = self._fill_cart()
        order.write({"referral_code": False, "referral_touched_on": False})
        self.voucher.list_price = order.order_line.price_unit = 0
        friend = self._sign_up()
        self.url_open("/shop/payment/validate")
        self.assertEqual((order.partner_id, order.state), (friend, "sale"))
        self.assertEqual(order.referral_code, self.code.code)

    def test_first_touch_stays(self):
        self._open(self.code.code)
        self._open(self.other.code)
        order = self._fill_cart()
        self.opener.cookies.set(COOKIE, self._touch(self.other))
        self._fill_cart()
        self._check_out(order)
        order.action_confirm()
        self._assert_referred(order, self.code, "link")

    def test_a_forged_or_old_cookie_is_ignored(self):
        good = self._touch(self.code)
        forged = f"{self.other.id}.{good.partition('.')[2]}"
        for number, cookie in enumerate(
            ("x", good + "0", forged, self._touch(self.code, days=31))
        ):
            self._forget()
            self.opener.cookies.set(COOKIE, cookie)
            order = self._buy(email=f"xin{number}@example.com")
            self.assertEqual((order.state, order.referral_code), ("sale", False))
            self.assertFalse(self._get_referrals(order.partner_id), cookie)

    # === CODE === #

    def test_typed_code(self):
        order = self._fill_cart()
        page = self._type_code(f" {self.code.code.lower()} ")
        self.assertIn(f"{self.code.code}</strong> is noted", page)
        self._check_out(order)
        order.action_confirm()
        self.assertFalse(order.referral_touched_on)
        self._assert_referred(order, self.code, "order")

    def test_unknown_code(self):
        order = self._fill_cart()
        self.program.active = False
        for text in ("NOBODY", "", self.code.code):
            page = self._type_code(text)
            self.assertEqual("Invalid or expired promo code" in page, bool(text))
            self.assertNotIn("is noted", page)
        self.assertFalse(order.referral_code)

    def test_typed_code_after_a_link(self):
        self._open(self.code.code)
        order = self._fill_cart()
        page = self._type_code(self.other.code)
        self.assertIn(f"{self.code.code}</strong> is noted", page)
        order.write({"referral_code": False, "referral_touched_on": False})
        self._type_code(self.other.code)
        self.assertEqual(order.referral_code, self.code.code, "the link came first")

    def test_codes_of_the_shop_still_work(self):
        self.env["loyalty.program"].create(
            {
                "name": "Ten off",
                "program_type": "promo_code",
                "rule_ids": [(0, 0, {"code": "TEN", "minimum_qty": 0})],
                "reward_ids": [(0, 0, {"discount": 10})],
            }
        )
        self._open(self.code.code)
        order = self._fill_cart()
        self._type_code("TEN")
        self.assertEqual(
            (order.amount_total, order.referral_code), (90, self.code.code)
        )

    def test_code_by_post_with_a_token_only(self):
        order = self._fill_cart()
        self.url_open(f"/shop/pricelist?promo={self.code.code}")
        data = {"promo": self.code.code, "csrf_token": "x"}
        response = self.url_open("/shop/pricelist", data=data)
        self.assertEqual(response.status_code, 400)
        self.assertFalse(order.referral_code)

    def test_code_without_a_cart(self):
        token = self._get_token(self.url_open("/web/login").text)
        data = {"promo": self.code.code, "csrf_token": token}
        self.assertEqual(self.url_open("/shop/pricelist", data=data).status_code, 200)

    # === CODES THAT DO NOT COUNT === #

    def test_own_code(self):
        user = new_test_user(
            self.env, login="mei", groups="base.group_portal", email="mei@example.com"
        )
        code = self.codes._get_code(user.partner_id)
        self.authenticate("mei", "mei")
        order = self._fill_cart()
        self._type_code(code.code)
        self._check_out(order, name="Mei", email="mei@example.com")
        order.action_confirm()
        self.assertEqual((order.partner_id, order.state), (user.partner_id, "sale"))
        self.assertEqual(self._get_referrals(user.partner_id).state, "rejected")
        self.assertIn("does not count", order.referral_text)

    def test_no_programme(self):
        self._open(self.code.code)
        order = self._fill_cart()
        self.program.active = False
        self._check_out(order)
        order.action_confirm()
        self.assertEqual(order.state, "sale")
        self.assertFalse(self._get_referrals(order.partner_id))
        self.assertIn("no programme", order.message_ids[0].body)
