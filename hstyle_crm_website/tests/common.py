import re

from odoo.addons.hstyle_crm.models.hstyle_referral_touch import COOKIE
from odoo.addons.hstyle_crm.tests.test_referral_link import ReferralLinkCase

BUYER = {"name": "Xin Li", "email": "xin@example.com", "phone": "13900139000"}


class ShopCase(ReferralLinkCase):
    """A visitor with a browser, a voucher for sale, and payment by bank transfer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["loyalty.program"].search([]).active = False
        cls.voucher = cls.env["product.product"].create(
            {
                "name": "Styling hour",
                "type": "service",
                "list_price": 100,
                "taxes_id": [],
                "is_published": True,
            }
        )
        cls.provider = cls.env.ref("payment.payment_provider_transfer")
        cls.provider.write({"state": "enabled", "is_published": True})

    def _get_token(self, page):
        return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]

    def _forget(self):
        """Go on with the browser of somebody else."""
        self.authenticate(None, None)
        self.opener.cookies.pop(COOKIE, None)

    def _fill_cart(self):
        params = {
            "product_template_id": self.voucher.product_tmpl_id.id,
            "product_id": self.voucher.id,
        }
        self.make_jsonrpc_request("/shop/cart/add", params)
        return self.env["sale.order"].search([("website_id", "!=", False)], limit=1)

    def _type_code(self, text):
        """Type a code on the page of the cart; return the page that follows."""
        token = self._get_token(self.url_open("/shop/cart").text)
        data = {"csrf_token": token, "promo": text}
        page = self.url_open("/shop/pricelist", data=data)
        self.assertEqual(page.status_code, 200)
        return re.sub(r"\s+", " ", page.text)

    def _check_out(self, order, **buyer):
        """Give the address, and start to pay, as the pages of the shop do."""
        country = self.env.ref("base.cn")
        values = {"street": "1 Nanjing Rd", "city": "Shanghai", "zip": "200000"}
        token = self._get_token(self.url_open("/shop/address").text)
        state = country.state_ids[:1]
        values |= {"country_id": country.id, "state_id": state.id, "csrf_token": token}
        answer = self.url_open("/shop/address/submit", {**BUYER, **values, **buyer})
        self.assertIn("redirectUrl", answer.text)
        page = self.url_open("/shop/checkout?try_skip_step=true")
        self.assertIn("/shop/payment", page.url)
        self._pay(order)

    def _pay(self, order):
        self.make_jsonrpc_request(
            f"/shop/payment/transaction/{order.id}",
            {
                "access_token": order._portal_ensure_token(),
                "provider_id": self.provider.id,
                "payment_method_id": self.provider.payment_method_ids[:1].id,
                "token_id": None,
                "flow": "redirect",
                "tokenization_requested": False,
                "landing_route": "/shop/payment/validate",
            },
        )
        transaction = order.transaction_ids
        data = {"reference": transaction.reference}
        self.url_open("/payment/custom/process", data=data)
        self.make_jsonrpc_request("/payment/status/poll")
        page = self.url_open("/shop/payment/validate")
        self.assertEqual((page.status_code, order.state), (200, "sent"))
        self.assertIn("/shop/confirmation", page.url)

    def _buy(self, **buyer):
        """Order as the visitor, and let the money come in."""
        order = self._fill_cart()
        self._check_out(order, **buyer)
        order.action_confirm()
        return order

    def _get_referrals(self, friend):
        domain = [("friend_id", "=", friend.id)]
        return self.env["hstyle.referral"].search(domain)
