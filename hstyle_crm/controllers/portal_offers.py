from odoo import fields
from odoo.http import request, route

from odoo.addons.sale.controllers.portal import CustomerPortal


class OffersPortal(CustomerPortal):
    """What customers see of the offers that were made to them; nothing writes."""

    def _get_offer_lists(self):
        """Return the visitor's own lists that are not over."""
        customer = request.env.user.partner_id.commercial_partner_id
        # A day's grace for where it is earlier than here; each list then checks.
        yesterday = fields.Date.subtract(fields.Date.today(), days=1)
        lists = request.env["hstyle.offer.list"].sudo()
        found = lists.search(
            [("partner_id", "=", customer.id), ("date_to", ">=", yesterday)]
        )
        return found.filtered(lambda one: one._is_current())

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "offer_count" in counters:
            values["offer_count"] = len(self._get_offer_lists())
        return values

    @route(
        "/my/offers",
        type="http",
        auth="user",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_my_offers(self):
        """Show the visitor's offers."""
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "offers",
            "lists": self._get_offer_lists(),
        }
        return request.render("hstyle_crm.portal_my_offers", values)

    @route(
        "/my/offers/<int:list_id>/pdf",
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
    )
    def portal_offers_pdf(self, list_id):
        """Download one of the visitor's own lists."""
        one = self._get_offer_lists().filtered(lambda found: found.id == list_id)
        if not one:
            return request.redirect("/my/offers")
        report = "hstyle_crm.hstyle_offer_list_report"
        return self._show_report(one, "pdf", report, download=True)
