import logging

from odoo import api, fields, models
from odoo.tools import (
    email_normalize,
    format_date,
    format_datetime,
    format_time,
    html2plaintext,
)

_logger = logging.getLogger(__name__)

#: So that no machine answers a machine (RFC 3834, Exchange).
AUTOMATIC = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}


class HstyleTicketThread(models.AbstractModel):
    """What is said on a ticket: a half of hstyle.ticket.

    Any word of the customer lets the clock go on; the first word of a colleague to the
    customer is the first answer.
    """

    _name = "hstyle.ticket.thread"
    _description = "Conversation of tickets"
    #: Who is written to once hears of all that follows.
    _mail_thread_customer = True

    told_until = fields.Datetime(
        readonly=True,
        copy=False,
        help="The customer knows that nobody answers before this moment.",
    )

    # === MAIL === #

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Open a ticket by a mail; a colleague who sends it wants it for another."""
        values = {"channel": "email", **(custom_values or {})}
        teams = self.env["hstyle.ticket.team"]
        team = teams.browse(values.get("team_id")) or self._get_default_team()
        is_colleague = self._is_colleague(msg_dict)
        customer = self.env["res.partner"]
        if not is_colleague:
            customer = self._find_customer(msg_dict["email_from"], team.company_id)
        values = {
            "name": msg_dict.get("subject") or self.env._("No subject"),
            "description": msg_dict.get("body"),
            "partner_id": customer.id,
            **values,
            "team_id": team.id,
        }
        ticket = super().message_new(msg_dict, custom_values=values)
        ticket.message_subscribe(ticket.partner_id.ids)
        if is_colleague:
            ticket.email = ticket.partner_id.email
        return ticket.with_context(hstyle_opens=True)

    def message_update(self, msg_dict, update_vals=None):
        """Take in a mail; what customers say is never a note, whatever they answer."""
        if not self._is_colleague(msg_dict):
            msg_dict["is_internal"] = False
        return super(HstyleTicketThread, self._get_survivors()).message_update(
            msg_dict, update_vals=update_vals
        )

    @api.model
    def _is_colleague(self, msg_dict):
        author = self.env["res.partner"].sudo().browse(msg_dict.get("author_id"))
        return bool(author) and not author.partner_share

    @api.model
    def _find_customer(self, email, company):
        """Return the one customer whose address it is, or none: it may be of several.

        Archived customers, colleagues and our own companies are nobody.
        """
        address = email_normalize(email)
        if not address:
            return self.env["res.partner"]
        return self._find_one([("email_normalized", "=", address)], company)

    @api.model
    def _find_one(self, domain, company):
        """Return the customer of a company, if a domain fits only one."""
        partners = self.env["res.partner"].sudo()
        domain = [
            *domain,
            ("partner_share", "=", True),
            ("company_id", "in", [False, *company.sudo().parent_ids.ids]),
        ]
        found = partners.search(domain, order="id")
        customers = found.commercial_partner_id
        companies = self.env["res.company"].sudo()
        if companies.search_count([("partner_id", "in", customers.ids)], limit=1):
            return partners
        return found[:1] if len(customers) == 1 else partners

    def _notify_get_reply_to(self, default=None, author_id=False):
        """Let answers come to the team: lost of their thread, they open a ticket."""
        teams = self.team_id.sudo()
        if not teams:
            return super()._notify_get_reply_to(default=default, author_id=author_id)
        found = teams._notify_get_reply_to(default=default, author_id=author_id)
        return {ticket.id: found[ticket.sudo().team_id.id] for ticket in self}

    def message_post(self, **kwargs):
        """Let an answer that a colleague mails to us reach the customer."""
        if kwargs.get("message_type") == "email" and self._is_colleague(kwargs):
            comment = self.env.ref("mail.mt_comment").id
            ticket = self._get_survivors().sudo()
            if kwargs.get("subtype_id") == comment and not self._is_opening():
                kwargs.update(ticket._get_address(kwargs.get("partner_ids") or []))
        return super().message_post(**kwargs)

    def _get_address(self, partner_ids=()):
        """Return to whom to write, as the host's methods take it."""
        if self.partner_id.email:
            return {"partner_ids": [*partner_ids, self.partner_id.id]}
        return {"partner_ids": [*partner_ids], "outgoing_email_to": self.email}

    def _note_automatic(self, msg_dict):
        """Keep what a machine wrote as a note that nobody is told of."""
        if not self:
            _logger.info(
                "No ticket of an automatic mail from %s (%s): %s",
                msg_dict["email_from"],
                msg_dict["message_id"],
                msg_dict.get("subject"),
            )
        names = ("body", "subject", "email_from", "message_id", "date", "attachments")
        for ticket in self._get_survivors():
            ticket.message_post(
                message_type="auto_comment",
                subtype_xmlid="mail.mt_note",
                **{name: msg_dict[name] for name in names if name in msg_dict},
            )

    # === WHAT IS SAID === #

    def _message_post_after_hook(self, message, msg_vals):
        is_said = message.message_type in ("comment", "email")
        if is_said and message.subtype_id == self.env.ref("mail.mt_comment"):
            author = message.author_id
            robot = self.env.ref("base.partner_root")
            if (
                not author
                or author.partner_share
                or author == self.partner_id
                or self._is_opening()
            ):
                self._hear()
            elif author != robot and html2plaintext(message.body or "").strip():
                self._reply(message)
        return super()._message_post_after_hook(message, msg_vals)

    def _is_opening(self):
        """Tell whether this is the mail that opened the ticket, of whomever it is."""
        return self.env.context.get("hstyle_opens", False)

    def _reply(self, message):
        """Note that a colleague answered, and maybe to whom."""
        self._answer()
        ticket = self.sudo()
        ticket.unanswered_count = 0
        if not ticket.partner_id and (address := email_normalize(ticket.email or "")):
            # The host made a contact of an address that was written to.
            ticket.partner_id = message.sudo().partner_ids.filtered(
                lambda p: p.partner_share and p.email_normalized == address
            )[:1]

    def _hear(self):
        """Take in a word of the customer, by whatever channel it came.

        It waits for an answer; the clock goes on, or the ticket opens again.
        """
        tickets = self.sudo()._get_survivors()
        for ticket in tickets:
            ticket.unanswered_count += 1
        quiet = tickets.filtered(lambda t: t.kind in ("waiting", "solved", "closed"))
        quiet.stage_id = quiet._get_stage("open")
        tickets._tell_hours()

    # === OUT OF HOURS === #

    def _tell_hours(self):
        """Tell customers who write while nobody is there when somebody will be.

        Once for each ticket and closed time.
        """
        now = fields.Datetime.now()
        for ticket in self.filtered(lambda t: not t.told_until or t.told_until <= now):
            team = ticket.team_id
            opening = not team._is_open(now) and team._get_next_opening(now)
            if opening:
                ticket.told_until = opening
                ticket._post_hours(opening)

    def _post_hours(self, opening):
        """Say when we answer, in the customer's language and time."""
        lang = self.partner_id.lang or self.company_id.partner_id.lang
        tz = self.partner_id.tz or self.company_id.hstyle_tz
        ticket = self.with_context(lang=lang, tz=tz)
        env = ticket.env
        day = format_date(env, opening, date_format="full")
        time = format_time(env, opening, tz=tz, time_format="short")
        zone = format_datetime(env, opening, tz=tz, dt_format="zzzz")
        ticket.message_post(
            body=env._(
                "Thank you for your message. We are closed at the moment, and will "
                "answer from %(day)s, %(time)s (%(zone)s) on.",
                day=day,
                time=time,
                zone=zone,
            ),
            author_id=self.env.ref("base.partner_root").id,
            email_from=self.company_id.email_formatted or None,
            message_type="auto_comment",
            subtype_xmlid="mail.mt_comment",
            mail_headers=AUTOMATIC,
            notify_skip_followers=True,
            **self._get_address(),
        )
