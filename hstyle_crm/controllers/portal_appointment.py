from datetime import datetime

from odoo.exceptions import UserError
from odoo.http import request, route
from odoo.tools import consteq

from ..tools.days import localize
from .portal_agent import AgentPortal


class AppointmentPortal(AgentPortal):
    """Where customers choose a time, cancel it or take another.

    The portal has no access to tickets: who opens the page is the ticket's customer, or
    comes by the link of our mail, which is signed for that ticket.
    """

    @route(
        "/my/tickets/<int:ticket_id>/appointment",
        type="http",
        auth="public",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_appointment(self, ticket_id, access_token="", done=None):
        """Show the appointment of a ticket and the times that are free."""
        ticket = self._get_ticket_to_book(ticket_id, access_token)
        return self._render_appointment(ticket, access_token, done=done)

    @route(
        "/my/tickets/<int:ticket_id>/appointment",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
    )
    def portal_appointment_book(self, ticket_id, access_token="", start=""):
        """Book a time."""
        ticket = self._get_ticket_to_book(ticket_id, access_token)
        try:
            with request.env.cr.savepoint():
                self._book_appointment(ticket, start)
        except UserError as error:
            return self._render_appointment(ticket, access_token, refused=str(error))
        return self._return_to_appointment(ticket, access_token, "booked")

    @route(
        "/my/tickets/<int:ticket_id>/appointment/cancel",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
    )
    def portal_appointment_cancel(self, ticket_id, access_token=""):
        """Cancel the appointment of a ticket, as long as it has not begun."""
        ticket = self._get_ticket_to_book(ticket_id, access_token)
        ticket._get_next_appointment()._cancel(told=True)
        return self._return_to_appointment(ticket, access_token, "cancelled")

    # === HELPERS === #

    def _get_ticket_to_book(self, ticket_id, token):
        """Return a ticket of the visitor; whatever else there is, is not found."""
        ticket = request.env["hstyle.ticket"].sudo().browse(ticket_id).exists()
        user = request.env.user
        customer = ticket.partner_id.commercial_partner_id
        is_own = (
            not user._is_public()
            and bool(customer)
            and customer == user.partner_id.commercial_partner_id
        )
        is_signed = bool(
            token and ticket.access_token and consteq(ticket.access_token, token)
        )
        if not (is_own or is_signed):
            raise request.not_found()
        return ticket.with_company(ticket.company_id)

    def _book_appointment(self, ticket, start):
        try:
            moment = datetime.fromisoformat(start).replace(tzinfo=None)
        except ValueError:
            raise UserError(request.env._("Please choose a time.")) from None
        if not ticket._may_book():
            message = request.env._("There is nothing to book for this request.")
            raise UserError(message)
        ticket._book(moment)

    def _return_to_appointment(self, ticket, token, done):
        url = f"/my/tickets/{ticket.id}/appointment"
        return request.redirect_query(url, {"access_token": token, "done": done})

    def _render_appointment(self, ticket, token, **values):
        days = {}
        for start in ticket.team_id._get_free_slots() if ticket._may_book() else ():
            local = localize(start, ticket.team_id._get_tz())
            day = self._say(local, "yMMMEd")
            days.setdefault(day, []).append((start.isoformat(), f"{local:%H:%M}"))
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "appointment",
            "ticket": ticket,
            "token": token,
            "appointment": ticket._get_next_appointment(),
            "days": days,
            **values,
        }
        return request.render("hstyle_crm.portal_appointment", values)
