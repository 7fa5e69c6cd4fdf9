from odoo.addons.hstyle_crm.controllers.referral import ReferralLink


class ShopReferralLink(ReferralLink):
    """A friend's link leads to the shop of this site."""

    def _get_shop_url(self):
        return "/shop"
