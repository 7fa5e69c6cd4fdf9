from odoo import fields, models

from .hstyle_ticket import CHANNELS, PRIORITIES
from .hstyle_ticket_stage import KINDS

#: Columns of the sheet.
SHEET = (
    "ticket_id",
    "opened_at",
    "team_id",
    "user_id",
    "partner_id",
    "grade_id",
    "intent_id",
    "reason_id",
    "product_id",
    "channel",
    "priority",
    "kind",
    "answer_hours",
    "solve_hours",
    "answer_met",
    "solve_met",
    "reopened",
)


class HstyleTicketReport(models.Model):
    """How fast and how well tickets are answered and solved.

    A row is a ticket, with its customer's tier of today. What is not answered, solved
    or judged yet is empty, and so left out of the averages, which are rates where a
    row is 0 or 1.
    """

    _name = "hstyle.ticket.report"
    _description = "Analysis of tickets"
    _auto = False
    _order = "opened_at desc, id desc"
    _rec_name = "ticket_id"

    ticket_id = fields.Many2one(comodel_name="hstyle.ticket", readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    team_id = fields.Many2one(comodel_name="hstyle.ticket.team", readonly=True)
    user_id = fields.Many2one(comodel_name="res.users", string="Owner", readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    grade_id = fields.Many2one(
        comodel_name="res.partner.grade", string="Tier", readonly=True
    )
    intent_id = fields.Many2one(comodel_name="hstyle.ticket.intent", readonly=True)
    reason_id = fields.Many2one(comodel_name="hstyle.ticket.reason", readonly=True)
    product_id = fields.Many2one(comodel_name="product.product", readonly=True)
    channel = fields.Selection(selection=CHANNELS, readonly=True)
    priority = fields.Selection(selection=PRIORITIES, readonly=True)
    kind = fields.Selection(selection=KINDS, string="State", readonly=True)
    opened_at = fields.Datetime(string="Opened", readonly=True)
    answer_hours = fields.Float(
        string="Hours to first answer",
        readonly=True,
        aggregator="avg",
        help="Working hours of the team, without pauses.",
    )
    solve_hours = fields.Float(
        string="Hours to solution",
        readonly=True,
        aggregator="avg",
        help="Working hours of the team, without pauses.",
    )
    answer_met = fields.Float(
        string="Answered in time", readonly=True, aggregator="avg"
    )
    solve_met = fields.Float(string="Solved in time", readonly=True, aggregator="avg")
    reopened = fields.Float(
        string="Re-open rate",
        readonly=True,
        aggregator="avg",
        help="Tickets that were opened again, among those that were solved.",
    )

    _depends = {
        "hstyle.ticket": [
            "company_id",
            "team_id",
            "user_id",
            "partner_id",
            "intent_id",
            "reason_id",
            "product_id",
            "channel",
            "priority",
            "kind",
            "opened_at",
            "answered_at",
            "solved_at",
            "answer_hours",
            "solve_hours",
            "answer_verdict",
            "solve_verdict",
            "reopen_count",
            "merged_into_id",
        ],
        "res.partner": ["commercial_partner_id"],
        "hstyle.membership": ["partner_id", "company_id", "grade_id"],
    }

    @property
    def _table_query(self):
        return """
            SELECT t.id, t.id AS ticket_id, t.company_id, t.team_id, t.user_id,
                   t.partner_id, m.grade_id, t.intent_id, t.reason_id, t.product_id,
                   t.channel, t.priority, t.kind, t.opened_at,
                   CASE WHEN t.answered_at IS NOT NULL THEN t.answer_hours END
                       AS answer_hours,
                   CASE WHEN t.solved_at IS NOT NULL THEN t.solve_hours END
                       AS solve_hours,
                   (t.answer_verdict = 'met')::int AS answer_met,
                   (t.solve_verdict = 'met')::int AS solve_met,
                   CASE WHEN t.reopen_count > 0 THEN 1
                        WHEN t.solved_at IS NOT NULL THEN 0 END AS reopened
              FROM hstyle_ticket t
              LEFT JOIN res_partner p ON p.id = t.partner_id
              JOIN res_company c ON c.id = t.company_id
              LEFT JOIN hstyle_membership m
                ON m.partner_id = p.commercial_partner_id
               AND m.company_id::text = ANY(string_to_array(c.parent_path, '/'))
             WHERE t.merged_into_id IS NULL
        """

    def action_export(self):
        """Download the chosen tickets as a sheet."""
        exports = self.env["hstyle.export"]
        chosen = exports._get_chosen(self)
        return exports._download_records(f"{self.env._('Tickets')}.xlsx", chosen, SHEET)
