from odoo import fields, models


class HstyleTicketPause(models.Model):
    """A time in which a ticket waited for its customer; written by the ticket."""

    _name = "hstyle.ticket.pause"
    _description = "Pause of a ticket"
    _order = "ticket_id, start"
    _log_access = False

    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    start = fields.Datetime(required=True, readonly=True)
    stop = fields.Datetime(readonly=True)

    _order_valid = models.Constraint("CHECK (stop >= start)")
