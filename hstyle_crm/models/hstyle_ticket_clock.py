from datetime import timedelta

from odoo import api, fields, models

from ..tools import worktime
from .hstyle_ticket_stage import DONE

VERDICTS = [("met", "Met"), ("breached", "Breached")]
URGENCIES = [
    ("late", "Too late"),
    ("soon", "Nearly late"),
    ("fine", "In time"),
    ("none", "No deadline"),
]
#: A deadline nearer than this is due soon.
SOON = timedelta(hours=2)


class HstyleTicketClock(models.AbstractModel):
    """Deadlines of a ticket: a half of hstyle.ticket.

    Both run in the working time of the team, and stand still while the customer is
    waited for. Whether one was kept is decided once, at the moment when it is answered
    or solved, or when its time is over; nothing that changes later changes that.
    """

    _name = "hstyle.ticket.clock"
    _description = "Deadlines of tickets"

    sla_id = fields.Many2one(
        comodel_name="hstyle.sla",
        string="Service level",
        readonly=True,
        copy=False,
        ondelete="set null",
    )
    opened_at = fields.Datetime(
        string="Opened", readonly=True, copy=False, default=fields.Datetime.now
    )
    answered_at = fields.Datetime(string="First answer", readonly=True, copy=False)
    solved_at = fields.Datetime(string="Solved on", readonly=True, copy=False)
    closed_at = fields.Datetime(string="Closed on", readonly=True, copy=False)
    answer_due = fields.Datetime(string="Answer until", readonly=True, copy=False)
    solve_due = fields.Datetime(
        string="Solve until",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Empty while the customer is waited for.",
    )
    answer_verdict = fields.Selection(
        selection=VERDICTS, string="Answer in time", readonly=True, copy=False
    )
    solve_verdict = fields.Selection(
        selection=VERDICTS, string="Solved in time", readonly=True, copy=False
    )
    next_due = fields.Datetime(
        string="Next deadline",
        compute="_compute_next_due",
        store=True,
        index="btree_not_null",
        help="Empty while the customer is waited for, and when it is solved.",
    )
    urgency = fields.Selection(
        selection=URGENCIES, compute="_compute_urgency", string="Time left"
    )
    is_stale = fields.Boolean(string="To be planned again", readonly=True, copy=False)
    pause_ids = fields.One2many(
        comodel_name="hstyle.ticket.pause", inverse_name="ticket_id", string="Pauses"
    )

    @api.depends("answer_due", "answered_at", "answer_verdict", "solve_due", "kind")
    def _compute_next_due(self):
        for ticket in self:
            # One that was solved without a word, and opened again, was answered.
            answered = ticket.answered_at or ticket.answer_verdict == "met"
            due = ticket.solve_due if answered else ticket.answer_due
            ticket.next_due = ticket.kind not in DONE and due

    @api.depends("next_due")
    def _compute_urgency(self):
        now = fields.Datetime.now()
        for ticket in self:
            due = ticket.next_due
            if not due:
                ticket.urgency = "none"
            elif due < now:
                ticket.urgency = "late"
            else:
                ticket.urgency = "soon" if due < now + SOON else "fine"

    @api.model
    def _get_clock_fields(self):
        """Return what the deadlines hang on."""
        return {"intent_id", "partner_id", "priority", "team_id"}

    def _start_clock(self):
        """Plan new tickets; one that is created solved was in time."""
        self._plan()
        self._follow_stage(dict.fromkeys(self, "new"))

    # === WHAT STAGES DO === #

    def _follow_stage(self, before):
        """Let the clock follow tickets to their stages, from any kind to any kind.

        :param before: ticket → kind before
        """
        now = fields.Datetime.now()
        for ticket, old in before.items():
            new = ticket.kind
            if old == new:
                continue
            if old == "waiting":
                ticket._resume(now)
            if new == "waiting":
                ticket._pause(now)
            if new in DONE:
                ticket._solve(now, closed=new == "closed")
            elif old in DONE:
                ticket._reopen(now)

    def _pause(self, now):
        self.env["hstyle.ticket.pause"].create({"ticket_id": self.id, "start": now})

    def _resume(self, now):
        self.pause_ids.filtered(lambda pause: not pause.stop).stop = now

    def _solve(self, now, closed):
        """Note when a ticket was solved, and whether in time."""
        if not self.solved_at:
            self._decide(now, "answer", "solve")
            self.solved_at = now
        if closed:
            self.closed_at = now

    def _reopen(self, now):
        """Let the clock go on: the time in between waited for the customer.

        What was kept is open again; what was missed stays so.
        """
        self.env["hstyle.ticket.pause"].create(
            {"ticket_id": self.id, "start": self.solved_at, "stop": now}
        )
        values = {"solved_at": False, "closed_at": False, "is_auto_closed": False}
        if self.solve_verdict == "met":
            values["solve_verdict"] = False
        self.write({**values, "reopen_count": self.reopen_count + 1})

    def _answer(self):
        """Note the first real answer to the customer."""
        now = fields.Datetime.now()
        tickets = self.sudo().filtered(lambda ticket: not ticket.answered_at)
        tickets._plan()
        for ticket in tickets:
            ticket._decide(now, "answer")
            ticket.answered_at = now

    def _decide(self, now, *names):
        """Decide, once, whether deadlines were kept.

        One that is over was missed, though no job has seen it yet.
        """
        for name in names:
            due = self[f"{name}_due"]
            if due and due < now:
                self.env["hstyle.ticket.breach"]._find(name, now, self)
            if not self[f"{name}_verdict"] and self.sla_id:
                self[f"{name}_verdict"] = "met"

    # === DEADLINES === #

    def _plan(self):
        """Work out the deadlines of open tickets anew."""
        tickets = self.sudo().filtered(lambda t: t.kind not in DONE)
        levels, known = self.env["hstyle.sla"]._get_by_ticket(tickets), {}
        for ticket, level in levels.items():
            values = {"is_stale": False, **ticket._get_deadlines(level, known)}
            changed = {k: v for k, v in values.items() if ticket[k] != v}
            if changed:
                ticket.write(changed)

    def _get_deadlines(self, level, known):
        """Return the deadlines by a service level; decided ones stay."""
        values = {"sla_id": level}
        for name, hours in (
            ("answer", level.answer_hours),
            ("solve", level.solve_hours),
        ):
            if not self[f"{name}_verdict"]:
                due = self._get_deadline(hours, known) if level else False
                values[f"{name}_due"] = due
        return values

    def _get_deadline(self, hours, known):
        """Return when so many working hours have passed, or False while it waits."""
        pauses = [(p.start, p.stop) for p in self.pause_ids.sorted("start")]
        spans = self.team_id._iter_spans(self.opened_at, known)
        free = worktime.subtract(spans, pauses)
        due = worktime.get_deadline(free, self.opened_at, round(hours * 60))
        return due or False
