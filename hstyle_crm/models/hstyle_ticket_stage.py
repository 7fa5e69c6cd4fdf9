from odoo import fields, models

KINDS = [
    ("new", "Received"),
    ("open", "In progress"),
    ("waiting", "Waiting for the customer"),
    ("solved", "Solved"),
    ("closed", "Closed"),
]
#: Kinds that stop the clock for good, unless the ticket is opened again.
DONE = ("solved", "closed")


class HstyleTicketStage(models.Model):
    """Where a ticket stands; the kind says what it means for its deadlines."""

    _name = "hstyle.ticket.stage"
    _description = "Ticket stage"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    kind = fields.Selection(
        selection=KINDS,
        required=True,
        default="open",
        help="The clock stands still while the customer is waited for, and ends when "
        "the ticket is solved.",
    )
    fold = fields.Boolean(string="Folded in the board")
