from odoo import api, fields, models
from odoo.tools import SQL

KINDS = [
    ("inserted", "Given to a customer"),
    ("solved", "Solved a ticket"),
    ("read", "Read by a customer"),
    ("deflected", "Helped before it was asked"),
]


class HstyleSolutionUse(models.Model):
    """That a solution was used: rows are only added."""

    _name = "hstyle.solution.use"
    _description = "Use of a solution"
    _order = "id desc"
    _rec_name = "solution_id"
    _log_access = False

    solution_id = fields.Many2one(
        comodel_name="hstyle.solution", required=True, readonly=True, ondelete="cascade"
    )
    kind = fields.Selection(selection=KINDS, required=True, readonly=True)
    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True
    )
    user_id = fields.Many2one(comodel_name="res.users", string="By", readonly=True)
    date = fields.Datetime(required=True, readonly=True)

    _ticket_unique = models.Constraint("UNIQUE (solution_id, kind, ticket_id)")

    @api.model
    def _add(self, solutions, kind, ticket):
        """Add a use of each solution; on a ticket, one of a kind is enough."""
        company = ticket.company_id if ticket else self.env.company
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_solution_use
                       (solution_id, kind, ticket_id, company_id, user_id, date)
                SELECT id, %(kind)s, %(ticket)s, %(company)s, %(user)s, %(now)s
                  FROM unnest(%(ids)s) AS id
                    ON CONFLICT (solution_id, kind, ticket_id) DO NOTHING
                """,
                kind=kind,
                ticket=ticket.id if ticket else None,
                company=company.id,
                user=self.env.uid,
                now=fields.Datetime.now(),
                ids=solutions.ids,
            )
        )
        solutions.invalidate_recordset()

    @api.model
    def _merge_tickets(self, tickets):
        """Leave one use of a kind where tickets become one."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM hstyle_solution_use u
                 USING hstyle_solution_use first
                 WHERE u.ticket_id = ANY(%(tickets)s)
                   AND first.ticket_id = ANY(%(tickets)s)
                   AND first.solution_id = u.solution_id
                   AND first.kind = u.kind
                   AND first.id < u.id
                """,
                tickets=tickets.ids,
            )
        )
        self.invalidate_model()

    @api.model
    def _count(self, solutions):
        """Return (solution id, kind) → times."""
        groups = self._read_group(
            [("solution_id", "in", solutions.ids)], ["solution_id", "kind"], ["__count"]
        )
        return {(solution.id, kind): number for solution, kind, number in groups}
