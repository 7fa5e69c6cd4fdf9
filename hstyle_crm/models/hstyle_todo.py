import json

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

REASONS = [
    ("fell", "Satisfaction fell"),
    ("downgrade", "Tier at risk"),
    ("visit", "Visit due"),
    ("call", "Call back"),
    ("birthday", "Birthday"),
    ("order_due", "Order expected"),
    ("lapsing", "About to leave"),
]
#: What people enter, and what the job does.
RESULTS = [
    ("reached", "Reached"),
    ("unreached", "Did not answer"),
    ("declined", "Does not want it"),
    ("needless", "Not needed"),
    ("ordered", "Ordered before"),
    ("expired", "Nobody did it in time"),
]
DROPPED = {"needless", "ordered", "expired"}
#: What the door takes of a task, with the types of the columns.
COLUMNS = {
    "partner_id": "integer",
    "user_id": "integer",
    "company_id": "integer",
    "reason": "varchar",
    "key": "varchar",
    "name": "varchar",
    "due": "date",
}


class HstyleTodo(models.Model):
    """Somebody should turn to a customer, for a reason without a record of its own.

    Tickets, promises, care cards and activities are records themselves; `hstyle.day`
    shows all of them. Made by `_add`, ended by `_finish`, and written by nobody else.
    """

    _name = "hstyle.todo"
    _description = "Customer to turn to"
    _inherit = ["hstyle.todo.job"]
    _order = "value desc, due, id"
    _log_access = False

    name = fields.Char(string="Why now", required=True, readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Responsible",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    reason = fields.Selection(selection=REASONS, required=True, readonly=True)
    key = fields.Char(
        required=True,
        readonly=True,
        default="",
        help="Which of the customer's occasions of this reason: each makes one task.",
    )
    due = fields.Date(string="Until", readonly=True)
    value = fields.Monetary(
        readonly=True,
        help="Net revenue to expect in the next 12 months; without a forecast, that "
        "of the last 12 months. As of the day on which the task was made.",
    )
    state = fields.Selection(
        selection=[("open", "To do"), ("done", "Done"), ("dropped", "Dropped")],
        required=True,
        readonly=True,
        default="open",
    )
    result = fields.Selection(selection=RESULTS, readonly=True)
    note = fields.Char(readonly=True)
    done_at = fields.Datetime(string="Done", readonly=True)
    done_on = fields.Date(string="Day done", readonly=True)

    _occasion_unique = models.Constraint(
        "UNIQUE (partner_id, company_id, reason, key)",
        "There is a task for this occasion already.",
    )
    # Read by the day, and by the job that fills it.
    _open_idx = models.Index("(user_id, company_id) WHERE state = 'open'")
    # Read by what the day led to.
    _done_idx = models.Index("(user_id, done_at) WHERE state = 'done'")

    # === BUSINESS METHODS === #

    @api.model
    def _add(self, rows):
        """Add tasks, each occasion once; the one way.

        The task is the commercial partner's, and worth what the profile says.

        :param rows: dicts, or an SQL query, with the columns of `COLUMNS`; ``key`` and
            ``due`` may be missing in dicts (then: "", none)
        :return: the tasks that are new
        """
        source = rows if isinstance(rows, SQL) else self._sql_rows(rows)
        self.env.flush_all()
        found = self.env.execute_query(
            SQL(
                """
                INSERT INTO hstyle_todo (partner_id, user_id, company_id, reason, key,
                                         name, due, value, state)
                SELECT c.commercial_partner_id, r.user_id, r.company_id, r.reason,
                       COALESCE(r.key, ''), r.name, r.due,
                       COALESCE(f.expected_value_12m, f.revenue_12m, 0), 'open'
                  FROM (%s) r
                  JOIN res_partner c ON c.id = r.partner_id
                  LEFT JOIN hstyle_profile f
                    ON f.partner_id = c.commercial_partner_id
                   AND f.company_id = r.company_id
                    ON CONFLICT DO NOTHING
                RETURNING id
                """,
                source,
            )
        )
        self._forget_why_now()
        return self.browse([todo_id for [todo_id] in found])

    @api.model
    def _forget_why_now(self):
        names = ["hstyle_why_now", "hstyle_why_now_reason"]
        self.env["res.partner"].invalidate_model(names)

    @api.model
    def _sql_rows(self, rows):
        """Return the query of rows that are given as dicts."""
        columns = SQL(", ").join(
            SQL("%s %s", SQL.identifier(name), SQL(kind))
            for name, kind in COLUMNS.items()
        )
        return SQL(
            "SELECT * FROM json_to_recordset(%s) AS given(%s)",
            json.dumps(list(rows), default=str),
            columns,
        )

    def _finish(self, result, note=""):
        """Say what became of tasks; those that are over stay as they are.

        :param result: of `RESULTS`
        :raise AccessError: if a task is a colleague's; managers may end all
        """
        self._check_own()
        now = fields.Datetime.now()
        waiting = self.sudo().filtered(lambda todo: todo.state == "open")
        for company, todos in waiting.grouped("company_id").items():
            todos.write(
                {
                    "state": "dropped" if result in DROPPED else "done",
                    "result": result,
                    "note": note,
                    "done_at": now,
                    "done_on": company._hstyle_day(now),
                }
            )
        self._forget_why_now()

    def _call_again(self, day, note=""):
        """Open a task to call the customer again, once for each task and day."""
        self._check_own()
        self.sudo()._add(
            [
                {
                    "partner_id": todo.partner_id.id,
                    "user_id": todo.user_id.id,
                    "company_id": todo.company_id.id,
                    "reason": "call",
                    "key": f"{todo.id}/{day}",
                    "name": note or todo.name,
                    "due": day,
                }
                for todo in self
            ]
        )

    def _check_own(self):
        """Let only who is responsible, or a manager, say what became of tasks."""
        self.check_access("read")
        user = self.env.user
        if not (self.env.su or user._is_crm_manager() or self.user_id <= user):
            raise AccessError(self.env._("Only who is responsible ends this task."))

    @api.model
    def _merge_members(self, src_partners, dst_partner):
        """Keep one task of each occasion, if merged customers have the same."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM hstyle_todo t
                 USING (
                        SELECT id, row_number() OVER (
                                   PARTITION BY company_id, reason, key
                                   ORDER BY state = 'open', partner_id <> %(dst)s, id
                               ) AS number
                          FROM hstyle_todo
                         WHERE partner_id = ANY(%(all)s)
                       ) same
                 WHERE same.id = t.id AND same.number > 1
                """,
                dst=dst_partner.id,
                all=[*src_partners.ids, dst_partner.id],
            )
        )
        self.env.invalidate_all()
