from odoo import api, fields, models

from ..tools import worktime


class HstyleTicketHours(models.AbstractModel):
    """How long tickets took: a half of hstyle.ticket.

    In working hours of the team, without the times in which the customer was waited
    for; counted at the moment, so that no later calendar changes the past.
    """

    _name = "hstyle.ticket.hours"
    _description = "Hours that tickets took"

    answer_hours = fields.Float(
        string="Hours to first answer", compute="_compute_answer_hours", store=True
    )
    solve_hours = fields.Float(
        string="Hours to solution", compute="_compute_solve_hours", store=True
    )

    @api.depends("answered_at")
    def _compute_answer_hours(self):
        for ticket in self:
            ticket.answer_hours = ticket._get_hours(ticket.answered_at)

    @api.depends("solved_at")
    def _compute_solve_hours(self):
        for ticket in self:
            ticket.solve_hours = ticket._get_hours(ticket.solved_at)

    def _get_hours(self, moment):
        """Return the working hours from the opening to a moment, maybe none yet."""
        if not moment:
            return 0
        pauses = [(p.start, p.stop) for p in self.pause_ids.sorted("start")]
        spans = worktime.subtract(self.team_id._iter_spans(self.opened_at), pauses)
        return worktime.get_minutes(spans, self.opened_at, moment) / 60
