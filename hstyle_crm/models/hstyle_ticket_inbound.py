from odoo import api, fields, models
from odoo.tools import SQL

from .hstyle_ticket import CHANNELS


class HstyleTicketInbound(models.Model):
    """A message that a gateway delivered: each once, however often it comes."""

    _name = "hstyle.ticket.inbound"
    _description = "Message from a gateway"
    _order = "id desc"
    _rec_name = "message_id"
    _log_access = False

    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, ondelete="cascade"
    )
    channel = fields.Selection(selection=CHANNELS, required=True, readonly=True)
    message_id = fields.Char(required=True, readonly=True)
    sender = fields.Char(required=True, readonly=True)
    # Of the sender's: two at once conflict, and the host repeats one.
    number = fields.Integer(required=True, readonly=True)
    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket", readonly=True, index=True, ondelete="cascade"
    )

    _message_unique = models.UniqueIndex("(company_id, channel, message_id)")
    _number_unique = models.UniqueIndex("(company_id, channel, sender, number)")

    @api.model
    def _log(self, company, channel, message_id, sender):
        """Return the row of a message, and whether it is new."""
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO hstyle_ticket_inbound
                       (company_id, channel, message_id, sender, number)
                SELECT %(company)s, %(channel)s, %(message)s, %(sender)s,
                       COALESCE(max(number), 0) + 1
                  FROM hstyle_ticket_inbound
                 WHERE (company_id, channel, sender)
                     = (%(company)s, %(channel)s, %(sender)s)
                    ON CONFLICT DO NOTHING
                RETURNING id
                """,
                company=company.id,
                channel=channel,
                message=message_id,
                sender=sender,
            )
        )
        if rows:
            return self.browse(rows[0][0]), True
        known = [
            ("company_id", "=", company.id),
            ("channel", "=", channel),
            ("message_id", "=", message_id),
        ]
        return self.search(known), False
