from odoo import api, fields, models
from odoo.tools import SQL

from .hstyle_ticket_stage import DONE


class HstyleTicketBreach(models.Model):
    """A deadline that was missed: one row for each, whoever finds it and how often."""

    _name = "hstyle.ticket.breach"
    _inherit = ["hstyle.job"]
    _description = "Missed deadline"
    _order = "due desc, id desc"
    _rec_name = "ticket_id"
    _log_access = False

    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="ticket_id.company_id")
    team_id = fields.Many2one(related="ticket_id.team_id")
    user_id = fields.Many2one(related="ticket_id.user_id")
    deadline = fields.Selection(
        selection=[("answer", "First answer"), ("solve", "Time to solve")],
        required=True,
        readonly=True,
    )
    due = fields.Datetime(required=True, readonly=True)
    escalated_at = fields.Datetime(
        string="Escalated",
        readonly=True,
        help="In the team's working time: nobody is called at night.",
    )

    _ticket_unique = models.Constraint("UNIQUE (ticket_id, deadline)")
    _open_idx = models.Index("(due) WHERE escalated_at IS NULL")

    @api.model
    def _find(self, deadline, now, tickets=None):
        """Decide deadlines of a kind that are over by now, each once.

        :param tickets: those; None for all that are not solved
        """
        chosen = (
            SQL("NOT kind = ANY(%s)", list(DONE))
            if tickets is None
            else SQL("id = ANY(%s)", tickets.ids)
        )
        due, verdict = (
            SQL.identifier(f"{deadline}_due"),
            SQL.identifier(f"{deadline}_verdict"),
        )
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                  WITH late AS (
                        UPDATE hstyle_ticket
                           SET %(verdict)s = 'breached'
                         WHERE %(due)s < %(now)s
                           AND %(verdict)s IS NULL
                           AND is_stale IS NOT TRUE
                           AND %(chosen)s
                     RETURNING id, %(due)s AS due
                       )
                INSERT INTO hstyle_ticket_breach (ticket_id, deadline, due)
                SELECT id, %(deadline)s, due
                  FROM late
                    ON CONFLICT (ticket_id, deadline) DO NOTHING
                """,
                verdict=verdict,
                due=due,
                now=now,
                chosen=chosen,
                deadline=deadline,
            )
        )
        self.env["hstyle.ticket"].invalidate_model([f"{deadline}_verdict"])

    @api.model
    def _escalate_late(self):
        """Find what is over, and tell who can still help, while they are at work."""
        now = fields.Datetime.now()
        for deadline in ("answer", "solve"):
            self._find(deadline, now)
        waiting = self.search(
            [("escalated_at", "=", False), ("ticket_id.kind", "not in", DONE)],
            order="due, id",
        )
        by_team = waiting.grouped(lambda breach: breach.ticket_id.team_id)
        for team, breaches in by_team.items():
            if team._is_open(now):
                self._try_each(breaches, lambda some: some._escalate(now))

    def _escalate(self, now):
        """Put late tickets on their owner's and their team leader's list."""
        # A ticket with two missed deadlines is on a list twice.
        tickets = {}
        for breach in self:
            for user in breach.ticket_id._get_helpers():
                key = user, breach.deadline
                tickets[key] = tickets.get(key, breach.ticket_id) | breach.ticket_id
        for (user, _deadline), late in tickets.items():
            late.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Deadline missed"),
                user_id=user.id,
            )
        self.escalated_at = now
