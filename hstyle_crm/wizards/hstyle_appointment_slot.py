from odoo import api, fields, models


class HstyleAppointmentSlot(models.TransientModel):
    """A free time of a team, to be booked for a ticket."""

    _name = "hstyle.appointment.slot"
    _description = "Free time"
    _order = "start"

    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket", required=True, ondelete="cascade"
    )
    start = fields.Datetime(string="Begins", required=True)
    user_ids = fields.Many2many(comodel_name="res.users", string="Free")

    @api.model
    def _offer(self, ticket):
        """Return the free times for a ticket."""
        slots = ticket._get_free_slots()
        return self.create(
            [
                {"ticket_id": ticket.id, "start": start, "user_ids": users.ids}
                for start, users in slots.items()
            ]
        )

    def action_book(self):
        self.ensure_one()
        self.ticket_id.check_access("write")
        self.ticket_id._book(self.start)
        return {"type": "ir.actions.act_window_close"}
