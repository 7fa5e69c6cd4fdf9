from odoo.http import request, route

from odoo.addons.website_sale_loyalty.controllers.main import WebsiteSale


class ReferralShop(WebsiteSale):
    """A friend's code is typed where all other codes are."""

    @route()
    def pricelist(self, promo, reward_id=None, **post):
        cart = request.cart
        posted = request.httprequest.method == "POST"
        if posted and cart and cart._take_referral_code(promo):
            return request.redirect(post.get("r", "/shop/cart"))
        return super().pricelist(promo, reward_id=reward_id, **post)
