from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import pager as portal_pager
from odoo.addons.sale.controllers.portal import CustomerPortal


class MemberPortal(CustomerPortal):
    """What members see of their tier and points, and choose on their quotations."""

    def _get_points_domain(self):
        """Return the domain of the visitor's own cards."""
        partner = request.env.user.partner_id
        return [("managed", "=", True), ("partner_id", "=", partner.id)]

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "points_count" in counters:
            cards = request.env["loyalty.card"].sudo()
            values["points_count"] = cards.search_count(self._get_points_domain())
        if "membership_count" in counters:
            values["membership_count"] = len(self._get_membership())
        return values

    def _get_membership(self):
        """Return the visitor's own membership, or none."""
        customer = request.env.user.partner_id.commercial_partner_id
        domain = [("partner_id", "=", customer.id)]
        return request.env["hstyle.membership"].sudo().search(domain)

    @route("/my/membership", type="http", auth="user", website=True)
    def portal_my_membership(self, announced=None):
        """Show the visitor's tier, what is missing, and what it is worth."""
        return self._render_membership(announced=announced)

    def _render_membership(self, **values):
        member = self._get_membership()
        customer = request.env.user.partner_id.commercial_partner_id.sudo()
        if member:
            customer = customer.with_company(member.company_id)
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "membership",
            "member": member,
            "customer": customer,
            "entitlements": customer.hstyle_entitlement_ids,
            "contact": request.env["hstyle.account.manager"]
            .sudo()
            ._get_contact(member),
            "visits": member._get_visits(),
            **values,
        }
        return request.render("hstyle_crm.portal_my_membership", values)

    @route("/my/visit", type="http", auth="user", website=True, methods=["POST"])
    def portal_my_visit(self, moment="", place="", note=""):
        """Announce a visit to the account manager."""
        try:
            with request.env.cr.savepoint():
                self._get_membership()._announce_visit(moment, place, note)
        except UserError as error:
            return self._render_membership(refused=str(error))
        return request.redirect("/my/membership?announced=1#visit")

    # Not read-only: the host gives an order its token when its link is first shown.
    @route(
        ["/my/points", "/my/points/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
    )
    def portal_my_points(self, page=1):
        """Show the visitor's balance, next expiries and movements."""
        cards = request.env["loyalty.card"].sudo().search(self._get_points_domain())
        rows = request.env["loyalty.history"].sudo()
        domain = [("card_id", "in", cards.ids), ("kind", "!=", False)]
        pager = portal_pager(
            url="/my/points",
            total=rows.search_count(domain),
            page=page,
            step=self._items_per_page,
        )
        limits = {"limit": self._items_per_page, "offset": pager["offset"]}
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "points",
            "cards": cards,
            "rows": rows.search(domain, **limits),
            "pager": pager,
        }
        return request.render("hstyle_crm.portal_my_points", values)

    @route(
        "/my/orders/<int:order_id>/points",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
    )
    def portal_order_points(self, order_id, access_token=None, points="0"):
        """Spend so many points on a quotation, as its customer chose."""
        try:
            order = self._document_check_access("sale.order", order_id, access_token)
        except (AccessError, MissingError):
            return request.redirect("/my")
        chosen = self._choose_points(order.sudo(), points)
        query = "" if chosen else "&points_refused=1"
        return request.redirect(
            order.get_portal_url(query_string=query, anchor="points")
        )

    def _choose_points(self, order, points):
        """Tell whether so many points are spent on the order now."""
        reward = order._get_portal_reward()
        try:
            with request.env.cr.savepoint():
                order._choose_points(reward, float(points or 0))
        except (ValueError, UserError):
            return False
        return True
