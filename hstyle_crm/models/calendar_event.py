from odoo import api, fields, models


class CalendarEvent(models.Model):
    """A calendar entry may be an appointment, or the visit of a key account."""

    _inherit = "calendar.event"

    hstyle_appointment_ids = fields.One2many(
        comodel_name="hstyle.appointment",
        inverse_name="event_id",
        string="Appointment",
        groups="hstyle_crm.hstyle_crm_group_user",
    )

    hstyle_key_account_id = fields.Many2one(
        comodel_name="hstyle.key.account",
        string="Key account",
        index="btree_not_null",
        ondelete="set null",
    )

    @api.model_create_multi
    def create(self, vals_list):
        events = super().create(vals_list)
        events.hstyle_key_account_id._end_todos()
        return events

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint({"start", "hstyle_key_account_id"}):
            self.hstyle_key_account_id._end_todos()
        if not vals.keys().isdisjoint({"start", "stop"}):
            self._move_appointments()
        return result

    def unlink(self):
        self._cancel_appointments()
        # An appointment that is cancelled takes its entry along.
        return super(CalendarEvent, self.exists()).unlink()

    def _get_appointments(self):
        domain = [("event_id", "in", self.ids), ("state", "=", "booked")]
        return self.env["hstyle.appointment"].sudo().search(domain)

    def _move_appointments(self):
        for appointment in self._get_appointments():
            event = appointment.event_id
            if (appointment.start, appointment.stop) != (event.start, event.stop):
                appointment._move(event.start, event.stop)

    def _cancel_appointments(self):
        self._get_appointments()._cancel(told=True)
