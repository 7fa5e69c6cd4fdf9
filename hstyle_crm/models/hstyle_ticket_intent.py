from odoo import fields, models


class HstyleTicketIntent(models.Model):
    """What a customer wants from service, and what is asked for it."""

    _name = "hstyle.ticket.intent"
    _description = "Ticket intent"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    needs_order = fields.Boolean(string="About an order")
    needs_product = fields.Boolean(string="About a product")
    is_appointment = fields.Boolean(
        string="By appointment", help="Customers choose a time on the portal."
    )
    is_complaint = fields.Boolean(
        string="Complaint",
        help="Counts as one in the customer's profile and in the complaint heat.",
    )
    stops_marketing = fields.Boolean(
        default=True, help="No offers reach a customer who has such a ticket open."
    )
    reason_ids = fields.One2many(
        comodel_name="hstyle.ticket.reason", inverse_name="intent_id", string="Reasons"
    )
