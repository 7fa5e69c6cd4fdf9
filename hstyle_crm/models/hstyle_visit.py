from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import plaintext2html

#: Visits to come that a member may announce.
_MOST = 5


class HstyleVisit(models.AbstractModel):
    """Visits that members announce: a half of hstyle.membership.

    A visit is an event in the calendar of the account manager, or of the deputy.
    """

    _name = "hstyle.visit"
    _description = "Announced visits"

    def _announce_visit(self, moment, place, note=""):
        """Put a visit into the account manager's calendar, with a reminder.

        :param str moment: local time of the company, as browsers send it
            (``2026-05-01T14:30``)
        :param str place: where the member will be, such as a shop or a gate
        :return: the event
        :raise UserError: if there is no account manager, or the moment is none to come
        """
        contact = self.env["hstyle.account.manager"]._get_contact(self)
        if not contact:
            raise UserError(self.env._("You have no account manager yet."))
        if len(self._get_visits()) >= _MOST:
            raise UserError(
                self.env._("Your manager knows of %s visits already.", _MOST)
            )
        start = self._read_moment(moment)
        if not place.strip():
            raise UserError(self.env._("Say where you will be: a shop, or a gate."))
        return (
            self.env["calendar.event"]
            .sudo()
            .with_context(mail_create_nolog=True)
            .create(
                {
                    "name": self.env._("Visit of %s", self.partner_id.name),
                    "start": start,
                    "stop": start + timedelta(hours=1),
                    "location": place.strip()[:200],
                    "description": plaintext2html(note.strip()[:2000]),
                    "user_id": contact.id,
                    "partner_ids": (contact.partner_id | self.partner_id).ids,
                    "alarm_ids": self.env.ref("calendar.alarm_notif_3").ids,
                    "res_model_id": self.env["ir.model"]._get_id("res.partner"),
                    "res_id": self.partner_id.id,
                }
            )
        )

    def _read_moment(self, text):
        """Return a moment to come, in UTC, from its local text."""
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            local = None
        if local and local.year >= fields.Date.today().year:
            tz = ZoneInfo(self.company_id.hstyle_tz)
            moment = local.replace(tzinfo=tz).astimezone(UTC).replace(tzinfo=None)
            if moment > fields.Datetime.now():
                return moment
        raise UserError(self.env._("Choose a day and a time to come."))

    def _get_visits(self):
        """Return the visits to come that the member announced."""
        return (
            self.env["calendar.event"]
            .sudo()
            .search(
                [
                    ("res_model", "=", "res.partner"),
                    ("res_id", "in", self.partner_id.ids),
                    ("partner_ids", "in", self.partner_id.ids),
                    ("start", ">", fields.Datetime.now()),
                ],
                order="start",
            )
        )
