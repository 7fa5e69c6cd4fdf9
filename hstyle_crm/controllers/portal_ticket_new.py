import uuid

from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.http import request, route

from .portal_ticket import LONGEST, TicketPortal

#: Orders that are offered.
ORDERS = 12


class NewTicketPortal(TicketPortal):
    """How customers ask: what others were answered comes first, then the form."""

    def _get_ticket_team(self):
        """Return who answers on this site, or none."""
        return request.env["hstyle.ticket"].sudo()._get_default_team()

    def _get_intents(self):
        return request.env["hstyle.ticket.intent"].sudo().search([])

    def _get_solutions(self, text):
        solutions = request.env["hstyle.solution"].sudo()
        return solutions._find(text, public=True, limit=3) if text else solutions

    @route(
        "/my/tickets/new",
        type="http",
        auth="user",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_ticket_new(self, about="", order="", **_query):
        """Ask what it is about; then show what fits, and the form."""
        form = {"name": about.strip()[:200], "order": order}
        return self._render_ticket_new(form)

    @route("/my/tickets/new", type="http", auth="user", website=True, methods=["POST"])
    def portal_ticket_create(self, **form):
        """Open a ticket."""
        try:
            with request.env.cr.savepoint():
                ticket = self._open_ticket(form)
        except UserError as error:
            return self._render_ticket_new(form, refused=str(error))
        if not ticket:
            return request.redirect("/my/tickets?done=sent")
        return request.redirect(f"/my/tickets/{ticket.id}?done=sent")

    @route(
        "/my/tickets/solved", type="http", auth="user", website=True, methods=["POST"]
    )
    def portal_ticket_solved(self, solution_id="", **_form):
        """Count a solution that made the question needless."""
        solutions = request.env["hstyle.solution"].sudo()
        public = solutions._get_find_domain(product=None, public=True)
        solution = solutions.search(public & Domain("id", "=", _read_id(solution_id)))
        if not solution:
            raise request.not_found()
        solution._note("deflected")
        return request.redirect("/my/tickets?done=solved")

    def _render_ticket_new(self, form, **values):
        if not self._get_ticket_team():
            raise request.not_found()
        about = form.get("name", "")
        return self._render(
            "ticket_new",
            form=form,
            about=about,
            chosen_lines=request.httprequest.form.getlist("line"),
            # Shown once, before the form is filled in.
            solutions=self._get_solutions(about if "text" not in form else ""),
            orders=self._get_orders(form.get("order", "")) if about else [],
            intents=self._get_intents(),
            key=form.get("key") or uuid.uuid4().hex,
            **values,
        )

    # === ORDERS === #

    def _get_orders(self, chosen=""):
        """Return the visitor's own orders of all shops to choose from, newest first.

        :param chosen: key of an order that is among them, though it may be older
        """
        customer, company = self._get_customer(), self._get_company()
        domain = [
            ("partner_id.commercial_partner_id", "=", customer.id),
            ("company_id", "=", company.id),
        ]
        sold = [*domain, ("state", "=", "sale")]
        found = [
            *self._find_orders("sale.order", sold, chosen),
            *self._find_orders("hstyle.order", domain, chosen),
        ]
        found.sort(key=lambda order: order.date_order, reverse=True)
        kept = [o for n, o in enumerate(found) if n < ORDERS or _key(o) == chosen]
        return [self._describe_order(order) for order in kept]

    def _find_orders(self, model, domain, chosen):
        orders = request.env[model].sudo()
        recent = orders.search(domain, order="date_order desc", limit=ORDERS)
        kind, _dot, number = chosen.partition("-")
        if kind == model:
            recent |= orders.search([*domain, ("id", "=", _read_id(number))])
        return recent

    def _describe_order(self, order):
        """Return an order as the page shows it."""
        is_sale = order._name == "sale.order"
        lines = order.order_line if is_sale else order.line_ids
        if is_sale:
            lines = lines.filtered(
                lambda one: not (one.display_type or one.is_downpayment)
            )
        return {
            "key": _key(order),
            "order": order,
            "place": "" if is_sale else order.shop_id.name,
            "day": self._say(self._get_company()._hstyle_day(order.date_order)),
            "amount": order.amount_total if is_sale else order.amount_paid,
            "lines": [(_key(line), line, _get_article(line)) for line in lines],
        }

    # === THE FORM === #

    def _open_ticket(self, form):
        """Open the ticket of a form.

        :raise UserError: if something is missing
        """
        text, name = form.get("text", "").strip(), form.get("name", "").strip()
        intent = self._get_intents().filtered(
            lambda one: str(one.id) == form.get("intent_id")
        )
        if not (text and name and intent):
            message = request.env._("Say what it is about, and choose the matter.")
            raise UserError(message)
        asked = self._read_order(form, intent)
        values = {
            "name": name[:200],
            "intent_id": intent.id,
            "partner_id": request.env.user.partner_id.id,
            "team_id": self._get_ticket_team().id,
            **asked["values"],
        }
        return (
            request.env["hstyle.ticket"]
            .sudo()
            ._open_by_customer(
                values,
                "\n".join([text[:LONGEST], *asked["words"]]),
                self._read_files(),
                form.get("key", "")[:40],
            )
        )

    def _read_order(self, form, intent):
        """Return what a form says of an order: of the ticket, and in words.

        :raise UserError: if the intent needs more
        """
        chosen, number = form.get("order", ""), form.get("order_number", "").strip()
        found = [o for o in self._get_orders(chosen) if o["key"] == chosen]
        if not found:
            if intent.needs_order and not number:
                raise UserError(request.env._("Choose the order, or give its number."))
            word = request.env._("Order number: %s", number[:100])
            return {"values": {}, "words": [word] if number else []}
        return self._read_lines(found[0], intent)

    def _read_lines(self, order, intent):
        wanted = request.httprequest.form.getlist("line")
        lines = [line for line in order["lines"] if line[0] in wanted]
        lines = lines or (order["lines"] if len(order["lines"]) == 1 else [])
        if intent.needs_product and order["lines"] and not lines:
            raise UserError(request.env._("Choose the articles it is about."))
        products = [line.product_id.id for _key, line, _name in lines]
        values = {"product_id": next(filter(None, products), False)}
        if order["order"]._name == "sale.order":
            values["order_id"] = order["order"].id
            values["order_line_ids"] = [line.id for _key, line, _name in lines]
            return {"values": values, "words": []}
        # A ticket keeps the lines of our own orders alone.
        values["shop_order_id"] = order["order"].id
        return {"values": values, "words": [f"– {name}" for _k, _l, name in lines]}


def _key(record):
    return f"{record._name}-{record.id}"


def _read_id(text):
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _get_article(line):
    """Return what was bought, as the customer knows it."""
    if line._name == "sale.order.line":
        return line.name.splitlines()[0]
    return line.product_text or line.product_id.display_name or line.product_code
