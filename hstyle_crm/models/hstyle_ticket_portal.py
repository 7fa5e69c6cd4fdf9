from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.tools import mute_logger, plaintext2html

from .hstyle_ticket_stage import DONE

#: Kinds of messages that somebody wrote to somebody.
SAID = ("comment", "email", "email_outgoing", "auto_comment", "out_of_office")


class HstyleTicketPortal(models.AbstractModel):
    """What customers see and do of their tickets: a half of hstyle.ticket.

    Who may is decided by the portal; the subject and the conversation are for
    customers, the description and the notes are not.
    """

    _name = "hstyle.ticket.portal"
    _description = "Tickets on the portal"

    portal_key = fields.Char(
        readonly=True, copy=False, help="Of the form, which may be sent twice."
    )

    _portal_key_unique = models.UniqueIndex("(portal_key) WHERE portal_key IS NOT NULL")

    @api.model
    def _open_by_customer(self, values, text, files, key):
        """Open a ticket as its customer asks for it.

        :param values: of the ticket
        :param list files: (name, content)
        :param key: one for each form, which sent twice opens one ticket, or nothing
        :return: the ticket, or none if it is being opened at this moment
        """
        key = key and f"{values['partner_id']}-{key}"
        ticket = self.search([("portal_key", "=", key)]) if key else self
        if ticket:
            return ticket
        values = {**values, "channel": "web", "portal_key": key or False}
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                ticket = self.create({**values, "description": plaintext2html(text)})
        except UniqueViolation:
            return self.browse()
        ticket.message_subscribe(ticket.partner_id.ids)
        ticket._take_word(ticket.partner_id, text, files)
        return ticket

    def _take_word(self, author, text, files=()):
        """Take in what a customer wrote: the clock goes on, the owner hears of it."""
        self.message_post(
            body=plaintext2html(text) if text else "",
            author_id=author.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            attachments=list(files),
        )

    def _close_by_customer(self, author):
        """Close a ticket whose customer has what was wanted."""
        if self.kind != "closed":
            self._track_set_author(author)
            self.stage_id = self._get_stage("closed")

    def _reopen_by_customer(self, author):
        if self.kind in DONE:
            self._track_set_author(author)
            self._hear()

    def _get_survivor(self):
        """Return the ticket that this one was merged into, if of the same customer."""
        ticket, customer = self, self.partner_id.commercial_partner_id
        while customer and (
            ticket.merged_into_id.partner_id.commercial_partner_id == customer
        ):
            ticket = ticket.merged_into_id
        return ticket

    def _get_conversation(self):
        """Return what was said between customer and colleagues, oldest first."""
        domain = [
            ("model", "=", self._name),
            ("res_id", "=", self.id),
            ("message_type", "in", SAID),
            ("subtype_id", "=", self.env.ref("mail.mt_comment").id),
            ("is_internal", "=", False),
        ]
        return self.env["mail.message"].search(domain, order="date, id")

    def _get_portal_status(self):
        """Return where a ticket stands, as its customer reads it."""
        return {
            "new": self.env._("Received"),
            "open": self.env._("In progress"),
            "waiting": self.env._("Waiting for your answer"),
            "solved": self.env._("Solved"),
            "closed": self.env._("Closed"),
        }[self.kind]
