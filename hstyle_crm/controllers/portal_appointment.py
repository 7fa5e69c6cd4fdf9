from datetime import datetime

from odoo.exceptions import UserError
from odoo.http import request, route

from ..tools.days import localize
from .portal_ticket import TicketPortal


class AppointmentPortal(TicketPortal):
    """Where the customer of a ticket chooses a time, cancels it or takes another."""

    @route(
        "/my/tickets/<int:ticket_id>/appointment",
        type="http",
        auth="public",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_appointment(self, ticket_id, access_token=None, done=None):
        """Show the appointment of a ticket and the times that are free."""
        ticket = self._get_ticket(ticket_id, access_token)
        return self._render_appointment(ticket, ticket_id, access_token, done=done)

    @route(
        "/my/tickets/<int:ticket_id>/appointment",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
    )
    def portal_appointment_book(self, ticket_id, access_token=None, start=""):
        """Book a time."""
        ticket = self._get_ticket(ticket_id, access_token)
        try:
            with request.env.cr.savepoint():
                self._book_appointment(ticket, start)
        except UserError as error:
            return self._render_appointment(
                ticket, ticket_id, access_token, refused=str(error)
            )
        return self._return_to_appointment(ticket_id, access_token, "booked")

    @route(
        "/my/tickets/<int:ticket_id>/appointment/cancel",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
    )
    def portal_appointment_cancel(self, ticket_id, access_token=None, **_post):
        """Cancel the appointment of a ticket, as long as it has not begun."""
        ticket = self._get_ticket(ticket_id, access_token)
        ticket._get_next_appointment()._cancel(told=True)
        return self._return_to_appointment(ticket_id, access_token, "cancelled")

    # === HELPERS === #

    def _book_appointment(self, ticket, start):
        try:
            moment = datetime.fromisoformat(start).replace(tzinfo=None)
        except ValueError:
            raise UserError(request.env._("Please choose a time.")) from None
        if not ticket._may_book():
            message = request.env._("There is nothing to book for this request.")
            raise UserError(message)
        ticket._book(moment)
        # Who chooses a time has answered: the customer is waited for no more.
        if ticket.kind == "waiting":
            ticket.stage_id = ticket._get_stage("open")

    def _return_to_appointment(self, ticket_id, access_token, done):
        url = f"/my/tickets/{ticket_id}/appointment"
        query = {"access_token": access_token, "done": done}
        return request.redirect_query(url, {k: v for k, v in query.items() if v})

    def _render_appointment(self, ticket, ticket_id, access_token, **values):
        days = {}
        for start in ticket._get_free_slots() if ticket._may_book() else ():
            local = localize(start, ticket.team_id._get_tz())
            day = self._say(local, "yMMMEd")
            days.setdefault(day, []).append((start.isoformat(), f"{local:%H:%M}"))
        return self._render(
            "appointment",
            ticket=ticket,
            ticket_url=f"/my/tickets/{ticket_id}",
            access_token=access_token,
            appointment=ticket._get_next_appointment(),
            days=days,
            **values,
        )
