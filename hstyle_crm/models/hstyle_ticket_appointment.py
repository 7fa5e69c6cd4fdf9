from odoo import fields, models
from odoo.exceptions import UserError

from .hstyle_ticket_stage import DONE


class HstyleTicketAppointment(models.AbstractModel):
    """Appointments with the customer of a ticket: a half of hstyle.ticket."""

    _name = "hstyle.ticket.appointment"
    _description = "Appointments of tickets"

    appointment_ids = fields.One2many(
        comodel_name="hstyle.appointment",
        inverse_name="ticket_id",
        string="Appointments",
    )

    def _get_next_appointment(self):
        """Return the appointment that is ahead, or none."""
        now = fields.Datetime.now()
        return self.appointment_ids.filtered(
            lambda one: one.state == "booked" and one.start > now
        )

    def _follow_stage(self, before):
        """A matter that is settled needs no appointment any more."""
        result = super()._follow_stage(before)
        settled = self.filtered(
            lambda t: t in before and t.kind in DONE and before[t] not in DONE
        )
        booked = settled.appointment_ids.filtered(lambda one: one.state == "booked")
        booked._give_way(told=True)
        return result

    def _may_book(self):
        """Tell whether the customer chooses a time without help."""
        return self.intent_id.is_appointment and self.kind not in DONE

    def _get_free_slots(self):
        """Return start (naive UTC) → colleagues who are free then."""
        return self.team_id._get_free_slots(self.intent_id)

    def _book(self, start):
        """Book a free time, in place of one that was booked before.

        Whom the ticket is of sees the customer, if free; else who has least to do.

        :param start: naive UTC, one of `_get_free_slots`
        :raise UserError: if it is not free, or not any more
        """
        self.ensure_one()
        ticket = self.sudo().with_company(self.company_id)
        users = ticket._get_free_slots().get(start, self.env["res.users"])
        booked = ticket.appointment_ids.filtered(lambda one: one.state == "booked")
        booked._give_way()
        users = users.sorted(lambda user: user != ticket.user_id)
        appointment = ticket.env["hstyle.appointment"]._insert(ticket, start, users)
        if not appointment:
            raise UserError(
                self.env._("That time is not free any more. Please choose another.")
            )
        ticket.invalidate_recordset(["appointment_ids"])
        appointment._confirm()
        return appointment

    def _get_appointment_url(self):
        token = self._portal_ensure_token()
        path = f"/my/tickets/{self.id}/appointment?access_token={token}"
        return self.get_base_url() + path

    def action_offer_slots(self):
        """Show the free times of the team."""
        self.ensure_one()
        slots = self.env["hstyle.appointment.slot"]._offer(self)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "hstyle_crm.hstyle_appointment_slot_action"
        )
        return {**action, "domain": [("id", "in", slots.ids)]}
