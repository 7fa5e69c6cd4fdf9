from odoo import fields
from odoo.exceptions import UserError
from odoo.http import request, route
from odoo.tools import consteq, format_datetime

from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..models.hstyle_ticket_stage import DONE
from .portal_agent import AgentPortal

#: Files with one message, and bytes of each.
FILES = 5
LIMIT = 10_000_000
#: Characters of a message.
LONGEST = 10_000
#: Pictures that browsers show.
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")


class TicketPortal(AgentPortal):
    """What customers ask of service, and what is answered.

    Who is logged in reaches the tickets of the own customer, who has the link of a mail
    that one ticket. Whatever else there is, is not found.
    """

    _tickets_per_page = 20

    # === LIST === #

    def _get_ticket_domain(self):
        customer = self._get_customer()
        return [
            ("partner_id.commercial_partner_id", "=", customer.id),
            ("merged_into_id", "=", False),
        ]

    def _get_ticket_team(self):
        """Return who answers on this site, or none."""
        return request.env["hstyle.ticket"].sudo()._get_default_team()

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "ticket_count" in counters:
            domain = [*self._get_ticket_domain(), ("kind", "not in", DONE)]
            tickets = request.env["hstyle.ticket"].sudo()
            values["ticket_count"] = tickets.search_count(domain)
        return values

    @route(
        ["/my/tickets", "/my/tickets/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_tickets(self, page=1, show="all", done=None, **_query):
        """Show the visitor's tickets, newest first."""
        operator = {"open": "not in", "done": "in"}.get(show)
        domain = self._get_ticket_domain()
        if operator:
            domain.append(("kind", operator, DONE))
        tickets = request.env["hstyle.ticket"].sudo()
        step, total = self._tickets_per_page, tickets.search_count(domain)
        pager = portal_pager("/my/tickets", total, page, step, url_args={"show": show})
        return self._render(
            "tickets",
            tickets=tickets.search(
                domain, order="id desc", limit=step, offset=pager["offset"]
            ),
            pager=pager,
            show=show if operator else "all",
            done=done,
            can_ask=bool(self._get_ticket_team()),
            say_moment=self._say_moment,
        )

    def _say_moment(self, moment):
        """Return a moment as the visitor's clock shows it."""
        tz = request.env.user.tz or self._get_company().hstyle_tz
        return format_datetime(request.env, moment, tz=tz, dt_format="short")

    # === ONE TICKET === #

    def _get_ticket(self, ticket_id, access_token=None):
        """Return a ticket that the visitor may see, or what it was merged into."""
        ticket = request.env["hstyle.ticket"].sudo().browse(ticket_id).exists()
        if not ticket or not (
            self._is_own(ticket) or self._has_link(ticket, access_token)
        ):
            raise request.not_found()
        return ticket._get_survivor()

    def _is_own(self, ticket):
        owner = ticket.partner_id.commercial_partner_id
        return not request.env.user._is_public() and owner == self._get_customer()

    def _has_link(self, ticket, access_token):
        token, given = ticket.access_token or "", access_token or ""
        return bool(token) and consteq(token.encode(), given.encode())

    def _get_author(self, ticket):
        """Return who writes: the visitor, or whom the link was sent to."""
        user = request.env.user
        return ticket.partner_id if user._is_public() else user.partner_id

    @route(
        "/my/tickets/<int:ticket_id>",
        type="http",
        auth="public",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_ticket(self, ticket_id, access_token=None, **_query):
        """Show a ticket and what was said."""
        if request.env.user._is_public() and not access_token:
            return request.redirect(f"/web/login?redirect=/my/tickets/{ticket_id}")
        ticket = self._get_ticket(ticket_id, access_token)
        return self._render_ticket(ticket, ticket_id, access_token)

    def _render_ticket(self, ticket, ticket_id, access_token, **values):
        return self._render(
            "ticket",
            ticket=ticket,
            ticket_url=f"/my/tickets/{ticket_id}",
            access_token=access_token,
            messages=ticket._get_conversation(),
            is_done=ticket.kind in DONE,
            answer_until=self._get_answer_until(ticket),
            say_moment=self._say_moment,
            pictures=PICTURES,
            **values,
        )

    def _get_answer_until(self, ticket):
        """Return when the first answer is due, if it is not late."""
        due = not ticket.answered_at and ticket.answer_due
        return due if due and due > fields.Datetime.now() else None

    @route(
        "/my/tickets/<int:ticket_id>/files/<int:file_id>",
        type="http",
        auth="public",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_ticket_file(self, ticket_id, file_id, access_token=None, small=None):
        """Return a file of the conversation; it is never opened as a page."""
        ticket = self._get_ticket(ticket_id, access_token)
        attachments = ticket._get_conversation().attachment_ids
        attachment = attachments.filtered(lambda one: one.id == file_id)
        if not attachment:
            raise request.not_found()
        binary = request.env["ir.binary"]
        if small and attachment.mimetype in PICTURES:
            stream = binary._get_image_stream_from(attachment, width=320, height=320)
        else:
            stream = binary._get_stream_from(attachment)
        return stream.get_response(as_attachment=True)

    @route(
        "/my/tickets/<int:ticket_id>/answer",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
    )
    def portal_ticket_answer(self, ticket_id, access_token=None, text="", **_form):
        """Take an answer in; a closed ticket opens again."""

        def answer(ticket, author):
            files = self._read_files()
            if not (text.strip() or files):
                raise UserError(request.env._("Write something, or add a file."))
            ticket._take_word(author, text[:LONGEST], files)

        return self._do_ticket(ticket_id, access_token, answer, text=text)

    @route(
        "/my/tickets/<int:ticket_id>/close",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
    )
    def portal_ticket_close(self, ticket_id, access_token=None, **_form):
        """Close a ticket."""

        def close(ticket, author):
            ticket._close_by_customer(author)

        return self._do_ticket(ticket_id, access_token, close)

    @route(
        "/my/tickets/<int:ticket_id>/reopen",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
    )
    def portal_ticket_reopen(self, ticket_id, access_token=None, **_form):
        """Open a ticket again."""

        def reopen(ticket, author):
            ticket._reopen_by_customer(author)

        return self._do_ticket(ticket_id, access_token, reopen)

    def _do_ticket(self, ticket_id, access_token, work, **values):
        """Work on a ticket, or show it again with what is wrong."""
        ticket = self._get_ticket(ticket_id, access_token)
        try:
            with request.env.cr.savepoint():
                work(ticket, self._get_author(ticket))
        except UserError as error:
            values["refused"] = str(error)
            return self._render_ticket(ticket, ticket_id, access_token, **values)
        query = f"?access_token={access_token}" if access_token else ""
        return request.redirect(f"/my/tickets/{ticket_id}{query}#end")

    def _read_files(self):
        """Return what was uploaded: (name, content).

        :raise UserError: if it is too much
        """
        uploads = request.httprequest.files.getlist("files")
        files = [(one.filename, one.read(LIMIT + 1)) for one in uploads[: FILES + 1]]
        files = [(name[-100:], content) for name, content in files if name]
        if len(files) > FILES or any(len(content) > LIMIT for _name, content in files):
            message = request.env._(
                "Send up to %(files)s files at once, each up to %(size)s MB.",
                files=FILES,
                size=LIMIT // 10**6,
            )
            raise UserError(message)
        return files
