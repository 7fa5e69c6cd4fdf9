from odoo import fields, models


class HstyleTicketReason(models.Model):
    """Why customers come with an intent, such as: seam open, wrong size."""

    _name = "hstyle.ticket.reason"
    _description = "Ticket reason"
    _order = "intent_id, sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    intent_id = fields.Many2one(
        comodel_name="hstyle.ticket.intent",
        required=True,
        index=True,
        ondelete="cascade",
    )
