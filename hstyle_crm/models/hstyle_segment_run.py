import logging
from collections import Counter
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..exceptions import TryAgainError
from .hstyle_contact import REASONS
from .hstyle_segment_action import GIFTS

_logger = logging.getLogger(__name__)

#: Runs that are done in one transaction.
BATCH = 500
#: Times in a row that a batch is tried again because somebody writes to the same rows.
TRIES = 20


class HstyleSegmentRun(models.Model):
    """One action for one customer's stay in a segment: once, at its time.

    The queue of all segment actions. Workers with a shard (number, of how many) take
    other customers each, so they never wait for one another.
    """

    _name = "hstyle.segment.run"
    _description = "Action for a customer"
    _order = "due_at desc, id desc"
    _rec_name = "partner_id"
    _log_access = False

    action_id = fields.Many2one(
        comodel_name="hstyle.segment.action",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(related="action_id.segment_id.company_id")
    member_id = fields.Many2one(
        comodel_name="hstyle.segment.member",
        string="Stay in the segment",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    due_at = fields.Datetime(string="Due", required=True, readonly=True)
    done_at = fields.Datetime(string="Done on", readonly=True)
    state = fields.Selection(
        selection=[
            ("waiting", "Waiting"),
            ("done", "Done"),
            ("stopped", "Stopped"),
            ("refused", "Not allowed"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
    )
    reason = fields.Selection(
        selection=[
            ("left", "Left the segment"),
            ("bought", "Bought meanwhile"),
            ("complained", "Complained meanwhile"),
            ("gift", "Had this year's birthday gift"),
            *REASONS,
        ],
        string="Why not",
        readonly=True,
    )
    error = fields.Char(readonly=True)

    _once_unique = models.Constraint(
        "UNIQUE (action_id, member_id)", "An action is done once for each stay."
    )
    # Read by the workers.
    _due_idx = models.Index("(due_at, id) WHERE state = 'waiting'")

    # === ACTION METHODS === #

    def action_retry(self):
        """Try again what failed."""
        self.action_id.segment_id.check_access("write")
        failed = self.filtered(lambda run: run.state == "failed")
        if not failed:
            raise UserError(self.env._("Choose actions that failed."))
        failed.sudo().write(
            {"state": "waiting", "error": False, "due_at": fields.Datetime.now()}
        )
        self._wake()

    # === QUEUE === #

    @api.model
    def _queue(self, segment, moment=None):
        """Queue the actions for who entered or left at a moment.

        Without a moment: the actions on entering, for all who are in now. What is in
        the queue already stays as it is; the hold-out gets nothing.
        """
        now = moment or fields.Datetime.now()
        entered = SQL("m.entered_on = %s", moment) if moment else SQL("TRUE")
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_segment_run
                       (action_id, member_id, partner_id, due_at, state)
                SELECT a.id, m.id, m.partner_id,
                       %(now)s + a.delay_hours * INTERVAL '1 hour', 'waiting'
                  FROM hstyle_segment_member m
                  JOIN hstyle_segment_action a
                    ON a.segment_id = m.segment_id
                   AND a.active
                   AND CASE a.event
                       WHEN 'enter' THEN m.left_on IS NULL AND %(entered)s
                       ELSE m.left_on = %(moment)s END
                 WHERE m.segment_id = %(segment)s
                   AND NOT m.held
                   AND NOT (a.kind = ANY(%(gifts)s) AND %(control)s)
                    ON CONFLICT (action_id, member_id) DO NOTHING
                """,
                now=now,
                moment=moment,
                entered=entered,
                segment=segment.id,
                gifts=GIFTS,
                control=segment.company_id.root_id.sudo()._sql_is_held_out(
                    SQL.identifier("m", "partner_id")
                ),
            )
        )
        queued = self.env.cr.rowcount
        if queued:
            self._wake()
        return queued

    @api.model
    def _wake(self):
        for shard in (0, 1):
            self.env.ref(f"hstyle_crm.ir_cron_segment_work_{shard}").sudo()._trigger()

    # === WORK === #

    @api.model
    def _cron_work(self, shard=0, shards=1):
        """Do what is due, a committed batch after the other."""
        commit = self.env["ir.cron"]._commit_progress
        commit(remaining=self._count_due(shard, shards))
        total, tries = Counter(), 0
        while True:
            try:
                runs = self._take_due(shard, shards)
                total += runs._work()
            except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, TryAgainError):
                # Somebody else wrote to the same rows: with a new snapshot.
                self.env.cr.rollback()
                self.env.invalidate_all(flush=False)
                tries += 1
                if tries > TRIES:
                    raise
                continue
            tries = 0
            if not runs or not commit(len(runs)):
                break
        _logger.info("Segment actions: %s", dict(total))

    @api.model
    def _sql_due(self, shard, shards):
        return SQL(
            """
              FROM hstyle_segment_run r
              JOIN hstyle_segment_action a ON a.id = r.action_id
              JOIN hstyle_segment s ON s.id = a.segment_id
             WHERE r.state = 'waiting'
               AND r.due_at <= %s
               AND r.partner_id %% %s = %s
               AND s.running
               AND s.active
               AND a.active
            """,
            fields.Datetime.now(),
            shards,
            shard,
        )

    @api.model
    def _count_due(self, shard, shards):
        due = self._sql_due(shard, shards)
        [[count]] = self.env.execute_query(SQL("SELECT count(*) %s", due))
        return count

    @api.model
    def _take_due(self, shard, shards):
        """Lock the next runs that are due, and return them."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT r.id %s ORDER BY r.due_at, r.id LIMIT %s"
                " FOR NO KEY UPDATE OF r SKIP LOCKED",
                self._sql_due(shard, shards),
                BATCH,
            )
        )
        return self.browse(run_id for (run_id,) in rows)

    def _work(self):
        """Do these runs, action by action; return how many came to which end."""
        for reason, stopped in self._get_stopped().items():
            stopped._finish("stopped", reason)
        rest = self.filtered(lambda run: run.state == "waiting")
        for action, runs in rest.grouped("action_id").items():
            runs._do_safely(action)
        return Counter(self.mapped("state"))

    def _do_safely(self, action):
        """Do the runs of an action; a bad one fails alone."""
        try:
            with self.env.cr.savepoint():
                action._do(self)
            return
        except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, TryAgainError):
            raise
        except Exception as error:
            self.env.invalidate_all(flush=False)
            if len(self) == 1:
                _logger.warning("Segment action %s failed.", self.id, exc_info=True)
                self._finish("failed", error=str(error) or type(error).__name__)
                return
        middle = len(self) // 2
        self[:middle]._do_safely(action)
        self[middle:]._do_safely(action)

    def _get_stopped(self):
        """Return reason → the runs that the segment's stop rules end."""
        found = self.env.execute_query(
            SQL(
                """
                SELECT id, reason
                  FROM (
                        SELECT r.id,
                               CASE WHEN s.stop_left AND a.event = 'enter'
                                         AND m.left_on IS NOT NULL THEN 'left'
                                    WHEN s.stop_bought AND %s THEN 'bought'
                                    WHEN s.stop_complained AND %s THEN 'complained'
                                END AS reason
                          FROM hstyle_segment_run r
                          JOIN hstyle_segment_action a ON a.id = r.action_id
                          JOIN hstyle_segment s ON s.id = a.segment_id
                          JOIN hstyle_segment_member m ON m.id = r.member_id
                         WHERE r.id = ANY(%s)
                       ) asked
                 WHERE reason IS NOT NULL
                """,
                self._sql_bought(),
                self.env["res.partner"]._sql_complained(
                    SQL.identifier("m", "partner_id"),
                    SQL.identifier("m", "entered_on"),
                ),
                self.ids,
            )
        )
        reasons = dict(found)
        return self.browse(reasons).grouped(lambda run: reasons[run.id])

    @api.model
    def _sql_bought(self):
        """Return SQL: the customer ordered since the stay ``m`` began."""
        return SQL(
            """
            EXISTS (SELECT FROM res_partner c
                      JOIN hstyle_purchase p ON p.contact_id = c.id
                     WHERE c.commercial_partner_id = m.partner_id
                       AND p.company_id = s.company_id
                       AND p.orders > 0
                       AND p.date_order >= m.entered_on)
            """
        )

    def _finish(self, state="done", reason=None, error=None):
        """Write down how runs ended."""
        self._set(
            SQL(
                "state = %s, reason = %s, error = %s, done_at = %s",
                state,
                reason,
                error,
                fields.Datetime.now(),
            )
        )

    def _put_off(self):
        """Let runs wait for the next day of business."""
        for company, runs in self.grouped("company_id").items():
            tomorrow = company._hstyle_today() + relativedelta(days=1)
            due = company._hstyle_start(tomorrow) + timedelta(hours=9)
            runs._set(SQL("due_at = %s", due))

    def _set(self, values):
        if self:
            self.env.cr.execute(
                SQL(
                    "UPDATE hstyle_segment_run SET %s WHERE id = ANY(%s)",
                    values,
                    self.ids,
                )
            )
            self.invalidate_recordset(flush=False)

    def _filter_partners(self, partners):
        """Return the runs of these customers."""
        ids = set(partners.ids)
        return self.filtered(lambda run: run.partner_id.id in ids)

    def _split_by_partner(self):
        """Yield batches in which no customer stands twice."""
        seen = Counter()
        turns = {}
        for run in self:
            seen[run.partner_id] += 1
            turns.setdefault(seen[run.partner_id], []).append(run.id)
        for turn, ids in turns.items():
            yield turn, self.browse(ids)
