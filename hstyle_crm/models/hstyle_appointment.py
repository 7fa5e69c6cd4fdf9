from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ..tools.days import say_moment


class HstyleAppointment(models.Model):
    """A time at which a colleague sees the customer of a ticket.

    Booked by `ticket._book`. It stands in the colleague's calendar; who moves or
    deletes it there moves or cancels the appointment. Until it begins, the deadlines of
    the ticket stand still.
    """

    _name = "hstyle.appointment"
    _description = "Appointment"
    _order = "start desc, id desc"

    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(related="ticket_id.partner_id")
    team_id = fields.Many2one(related="ticket_id.team_id")
    company_id = fields.Many2one(related="ticket_id.company_id", store=True, index=True)
    user_id = fields.Many2one(
        comodel_name="res.users", string="With", required=True, readonly=True
    )
    start = fields.Datetime(string="Begins", required=True, readonly=True)
    stop = fields.Datetime(string="Ends", required=True, readonly=True)
    state = fields.Selection(
        selection=[
            ("booked", "Booked"),
            ("done", "Took place"),
            ("missed", "Did not come"),
            ("cancelled", "Cancelled"),
        ],
        default="booked",
        required=True,
        readonly=True,
    )
    event_id = fields.Many2one(
        comodel_name="calendar.event",
        string="Calendar entry",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    pause_id = fields.Many2one(
        comodel_name="hstyle.ticket.pause", readonly=True, ondelete="set null"
    )

    # Ranges of one number, as an extension would be needed for plain numbers.
    _user_free = models.Constraint(
        "EXCLUDE USING gist (int4range(user_id, user_id, '[]') WITH &&, "
        "tsrange(start, stop) WITH &&) WHERE (state = 'booked')",
        "The colleague has another appointment at that time.",
    )
    _ticket_unique = models.UniqueIndex("(ticket_id) WHERE state = 'booked'")

    def _compute_display_name(self):
        for appointment in self:
            appointment.display_name = appointment._say()

    # === ACTIONS === #

    def action_cancel(self):
        self._close("cancelled")

    def action_done(self):
        self._close("done")

    def action_miss(self):
        self._close("missed")

    def _close(self, state):
        self.ticket_id.check_access("write")
        booked = self.sudo().filtered(lambda one: one.state == "booked")
        if state == "cancelled":
            booked._cancel(told=True)
        else:
            booked.state = state

    # === BOOK === #

    def _insert(self, ticket, start, users):
        """Insert an appointment with the first colleague who is free.

        The database has the last word: of two who book at once, one is tried again.

        :return: the appointment, or none if nobody is free
        """
        stop = start + timedelta(minutes=ticket.team_id.appointment_minutes)
        self.env.flush_all()
        for user in users:
            self.env.cr.execute(self._sql_insert(ticket, user, start, stop))
            if row := self.env.cr.fetchone():
                return self.browse(row)
        return self.browse()

    def _sql_insert(self, ticket, user, start, stop):
        return SQL(
            """
            INSERT INTO hstyle_appointment
                   (ticket_id, company_id, user_id, start, stop, state,
                    create_uid, create_date, write_uid, write_date)
            VALUES (%(ticket)s, %(company)s, %(user)s, %(start)s, %(stop)s, 'booked',
                    %(uid)s, %(now)s, %(uid)s, %(now)s)
                ON CONFLICT DO NOTHING
         RETURNING id
            """,
            ticket=ticket.id,
            company=ticket.company_id.id,
            user=user.id,
            start=start,
            stop=stop,
            uid=self.env.uid,
            now=fields.Datetime.now(),
        )

    def _confirm(self):
        """Put the appointment into the calendar, and tell the customer."""
        self._wait()
        calendar = self.env["calendar.event"].with_user(self.user_id).sudo()
        # Customers get a mail of ours, with the shop's time.
        calendar = calendar.with_context(no_mail_to_attendees=True)
        self.event_id = calendar.create(self._prepare_event()).sudo(False).id
        self._tell("hstyle_crm.mail_template_appointment")

    def _wait(self):
        """Let the deadlines of the ticket stand still until it begins."""
        self.pause_id = self.env["hstyle.ticket.pause"].create(
            {
                "ticket_id": self.ticket_id.id,
                "start": fields.Datetime.now(),
                "stop": self.start,
            }
        )
        self.ticket_id._plan()

    def _prepare_event(self):
        ticket = self.ticket_id
        return {
            "name": ticket.display_name,
            "start": self.start,
            "stop": self.stop,
            "event_tz": self.team_id._get_tz(),
            "user_id": self.user_id.id,
            "partner_ids": [*self.user_id.partner_id.ids, *self.partner_id.ids],
            "alarm_ids": self.env.ref("hstyle_crm.alarm_appointment").ids,
            "res_model_id": self.env["ir.model"]._get_id("hstyle.ticket"),
            "res_id": ticket.id,
            # Colleagues without a role, also of other companies, see calendars.
            "privacy": "private",
        }

    # === CHANGE === #

    def _cancel(self, told=False):
        """Free the time; from now on the deadlines count again."""
        self.state = "cancelled"
        for appointment in self:
            appointment._resume(fields.Datetime.now())
            appointment.event_id.activity_ids.unlink()
            appointment.event_id.unlink()
            if told:
                appointment._tell("hstyle_crm.mail_template_appointment_cancelled")

    def _give_way(self, told=False):
        """Make place for another: cancelled, or it took place."""
        for appointment in self:
            if appointment.start > fields.Datetime.now():
                appointment._cancel(told)
            else:
                appointment.state = "done"

    def _move(self, start, stop):
        """Follow the calendar."""
        now = fields.Datetime.now()
        began = self.start <= now
        self.write({"start": start, "stop": stop})
        if began and start > now:
            self._wait()
        else:
            self._resume(start)

    def _resume(self, moment):
        """Let the deadlines of the ticket stand still until another moment."""
        pause = self.pause_id
        if pause.stop and pause.stop > fields.Datetime.now():
            pause.stop = max(moment, pause.start)
            self.ticket_id._plan()

    # === TELL === #

    def _tell(self, xmlid):
        """Write to the customer, on the ticket; the host adds the way to its page.

        That link is for the customer alone: colleagues who read the ticket have none.
        """
        if not self.partner_id.email:
            text = self.env._("No e-mail address: tell the customer by phone.")
            self.ticket_id._message_log(body=text)
            return
        template = self.env.ref(xmlid)
        company = self.company_id.partner_id
        said = {
            name: template._render_field(name, self.ids, compute_lang=True)[self.id]
            for name in ("subject", "body_html")
        }
        self.ticket_id.with_user(self.user_id).sudo().message_post(
            body=said["body_html"],
            subject=said["subject"],
            message_type="auto_comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=self.partner_id.ids,
            attachments=self._get_files(),
            email_from=company.email_formatted or self.user_id.email_formatted,
            email_layout_xmlid="mail.mail_notification_light",
        )

    def _get_files(self):
        """Return the entry for the customer's own calendar, as a file."""
        files = self.event_id._get_ics_file()
        return [("appointment.ics", files[event]) for event in files]

    def _say(self):
        """Return when it begins, in the words of the reader and the team's time.

        Nothing of none: an entry that somebody copied must not stop all reminders.
        """
        if not self:
            return ""
        return say_moment(self.start, self.team_id._get_tz(), self.env.lang)
