from datetime import timedelta

import pytz

from odoo import fields, models

from ..tools import worktime

#: Days of a calendar that are read at once.
STRETCH = 28
#: A deadline lies no farther ahead: a calendar without any working time has none.
HORIZON = 400


class HstyleTicketTeam(models.Model):
    """Colleagues who answer tickets, in their working time."""

    _name = "hstyle.ticket.team"
    _description = "Service team"
    _inherit = ["mail.thread", "mail.alias.mixin", "hstyle.ticket.slot"]
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    manager_id = fields.Many2one(
        comodel_name="res.users",
        string="Team leader",
        index=True,
        domain=[("share", "=", False)],
        help="Hears of deadlines that were missed.",
    )
    member_ids = fields.Many2many(
        comodel_name="res.users", string="Members", domain=[("share", "=", False)]
    )
    calendar_id = fields.Many2one(
        comodel_name="resource.calendar",
        string="Working hours",
        index="btree_not_null",
        help="Deadlines count in these hours, without public holidays. Empty: around "
        "the clock.",
    )
    ticket_ids = fields.One2many(
        comodel_name="hstyle.ticket", inverse_name="team_id", string="Tickets"
    )

    def _alias_get_creation_values(self):
        values = super()._alias_get_creation_values()
        values["alias_model_id"] = self.env["ir.model"]._get_id("hstyle.ticket")
        if self.id:
            values["alias_defaults"] = {"team_id": self.id, "channel": "email"}
        return values

    def _iter_spans(self, start):
        """Yield the team's working time from a moment (naive UTC) on."""
        if not self.calendar_id:
            yield from worktime.ALWAYS
            return
        calendar = self.calendar_id.sudo()
        first = pytz.utc.localize(start)
        for _number in range(0, HORIZON, STRETCH):
            last = first + timedelta(days=STRETCH)
            intervals = calendar._work_intervals_batch(first, last)[False]
            for begin, end, _attendances in intervals:
                yield tuple(
                    moment.astimezone(pytz.utc).replace(tzinfo=None)
                    for moment in (begin, end)
                )
            first = last

    def _is_open(self, moment):
        """Tell whether somebody answers at a moment (naive UTC)."""
        return worktime.is_open(self._iter_spans(moment), moment)

    def _get_next_opening(self, moment):
        """Return when somebody answers next, or None."""
        for first, last in self._iter_spans(moment):
            if last > moment:
                return max(first, moment)
        return None
