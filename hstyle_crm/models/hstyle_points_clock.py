import logging

from odoo import api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, split_every

from ..exceptions import TryAgainError

_logger = logging.getLogger(__name__)

#: Cards that are brought up to date in one transaction: tills wait for it, for about
#: a tenth of a second.
CHUNK = 500
#: Times that the job looks for cards which tills kept in use.
PASSES = 3
#: Times that a chunk is tried again because tills posted to its cards.
TRIES = 20


class HstylePointsClock(models.AbstractModel):
    """The clock of points, which releases and expires them: a half of loyalty.card.

    The job takes what is due from the rows themselves, a chunk in a transaction, so
    that it goes on anywhere after a crash, and a second run finds nothing. Jobs with a
    shard (number, of how many) run beside each other, on different cards.
    """

    _name = "hstyle.points.clock"
    _description = "Clock of the points ledger"

    @api.model
    def _cron_clock(self, shard=0, shards=1):
        """Release and expire the points that are due, in committed chunks."""
        commit = self.env["ir.cron"]._commit_progress
        # Found for all chunks at once: that takes as long as for one.
        due = self._find_due(shard, shards)
        commit(remaining=len(due))
        total, bad = 0, []
        for _pass in range(PASSES):
            busy = []
            for ids in split_every(CHUNK, due, list):
                lots = [lot for card_id in ids for lot in due[card_id]]
                self.browse(ids)._tick_safely(lots, bad, busy)
                total += len(ids)
                if not commit(len(ids)):
                    return self._report(total, bad)
            due = {card_id: due[card_id] for card_id in busy}
        return self._report(total, bad)

    @api.model
    def _report(self, total, bad):
        """Say what the clock did, and to the managers what it could not do."""
        _logger.info("Points of %s cards released or expired.", total)
        if bad:
            self._alert(
                self.env._("Points could not be released or expired"), self.browse(bad)
            )

    def _tick_safely(self, lots, bad, busy):
        """Bring cards up to date.

        :param lots: ids of those that may expire
        :param list bad: takes the ids of the cards that refuse
        :param list busy: takes the ids of those that tills posted to meanwhile
        """
        for attempt in range(TRIES):
            try:
                with self.env.cr.savepoint(flush=False):
                    self._tick(lots)
                return
            except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, TryAgainError):
                # A new snapshot, which sees what the tills posted.
                self.env.cr.rollback()
                _logger.info("Tills post to the same cards; try %s.", attempt + 2)
            except Exception:
                _logger.exception("Points of a chunk cannot be settled at once.")
                break
        self._tick_each(bad, busy)

    def _tick_each(self, bad, busy):
        """Bring cards up to date one by one; see `_tick_safely`."""
        for card in self:
            try:
                with self.env.cr.savepoint():
                    card._post()
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except TryAgainError:
                _logger.info("A till posts to card %s.", card.id)
                busy.append(card.id)
            except Exception:
                _logger.exception("Points of card %s cannot be settled.", card.id)
                bad.append(card.id)

    @api.model
    def _due(self, shard=0, shards=1):
        """Return SQL: (card_id, lot_id) of what is due; releases have no id."""
        programs = self.env["loyalty.program"].sudo().with_context(active_test=False)
        parts = [SQL("SELECT NULL::int AS card_id, NULL::int AS lot_id WHERE FALSE")]
        for program in programs.search([("managed", "=", True)]):
            release, expire = self._get_due_conditions(program._get_today())
            parts += [
                SQL(
                    """
                    SELECT h.card_id, %s
                      FROM loyalty_history h
                      JOIN loyalty_card c
                        ON c.id = h.card_id
                       AND c.program_id = %s
                     WHERE %s
                       AND h.card_id %% %s = %s
                    """,
                    lot,
                    program.id,
                    condition,
                    shards,
                    shard,
                )
                for lot, condition in ((SQL("NULL"), release), (SQL("h.id"), expire))
            ]
        return SQL(" UNION ALL ").join(parts)

    @api.model
    def _get_due_conditions(self, today):
        """Return SQL conditions of the lots to release and of those to expire."""
        return (
            SQL("h.pending AND h.remaining > 0 AND h.available_on <= %s", today),
            SQL(
                "h.remaining > 0 AND h.expiration_date < %s"
                " AND (NOT h.pending OR h.available_on IS NOT NULL)",
                today,
            ),
        )

    @api.model
    def _find_due(self, shard=0, shards=1):
        """Return card id → ids of lots to expire, if any, in the order of the cards."""
        self._set_planner()
        found = self.env.execute_query(
            SQL(
                """
                SELECT card_id, array_remove(array_agg(lot_id), NULL)
                  FROM (%s) due
                 GROUP BY card_id
                 ORDER BY card_id
                """,
                self._due(shard, shards),
            )
        )
        return dict(found)

    def _tick(self, lots):
        """Release and expire what is due on these cards, set by set.

        The same as an empty `_post`, which it leaves to the cards in debt: their points
        must be matched one by one.
        """
        self._set_planner()
        programs = self._lock()
        for program_id in sorted(set(programs.values())):
            program = self.env["loyalty.program"].sudo().browse(program_id)
            cards = self.sudo().browse(
                c for c, p in programs.items() if p == program_id
            )
            today = program._get_today()
            owing, waiting = cards._get_owing_and_waiting(today)
            if owing:
                owing._post()
            if released := waiting - owing:
                released._release(today)
            if free := cards - owing:
                free._expire(today, lots)
        self.invalidate_recordset(["points", "points_pending", "history_ids"])
        self.env["loyalty.history"].invalidate_model(["remaining", "pending"])

    @api.model
    def _set_planner(self):
        """Let the planner go by our indexes, and not compile what takes a moment.

        It takes the lots of a day for many, and would read whole tables to join them.
        """
        self.env.cr.execute(
            "SELECT set_config('jit', 'off', TRUE),"
            " set_config('random_page_cost', '1.1', TRUE),"
            " set_config('enable_hashjoin', 'off', TRUE),"
            " set_config('enable_mergejoin', 'off', TRUE)"
        )

    def _get_owing_and_waiting(self, today):
        """Return the cards in debt, and those with points to release."""
        found = self.env.execute_query(
            SQL(
                """
                SELECT h.card_id, TRUE AS owes
                  FROM loyalty_history h
                 WHERE h.card_id = ANY(%(cards)s)
                   AND h.remaining < 0
                 UNION
                SELECT h.card_id, FALSE
                  FROM loyalty_history h
                 WHERE h.card_id = ANY(%(cards)s)
                   AND %(waiting)s
                """,
                cards=self.ids,
                waiting=self._get_due_conditions(today)[0],
            )
        )
        owing = self.browse(card_id for card_id, owes in found if owes)
        return owing, self.browse(card_id for card_id, owes in found if not owes)

    def _release(self, today):
        """Let pending points whose day has come be spent."""
        self.env.cr.execute(
            SQL(
                """
                WITH released AS (
                     UPDATE loyalty_history h
                        SET pending = FALSE
                      WHERE h.card_id = ANY(%(cards)s)
                        AND %(condition)s
                  RETURNING h.card_id, h.remaining
                )
                UPDATE loyalty_card c
                   SET points = round(c.points::numeric + sums.points, 2),
                       points_pending = COALESCE(c.points_pending, 0) - sums.points,
                       write_uid = %(uid)s,
                       write_date = now() AT TIME ZONE 'UTC'
                  FROM (SELECT card_id, SUM(remaining) AS points
                          FROM released
                         GROUP BY card_id) sums
                 WHERE c.id = sums.card_id
                """,
                cards=self.ids,
                condition=self._get_due_conditions(today)[0],
                uid=self.env.uid,
            )
        )

    def _expire(self, today, lots):
        """Post a row for each lot whose last day is over; it may be gone meanwhile."""
        description = self.env._("Expired")
        self.env.cr.execute(
            SQL(
                """
                WITH due AS MATERIALIZED (
                     SELECT h.id AS lot_id, h.card_id, h.remaining, h.pending,
                            nextval('loyalty_history_id_seq') AS row_id
                       FROM loyalty_history h
                      WHERE h.id = ANY(%(lots)s)
                        AND h.card_id = ANY(%(cards)s)
                        AND %(condition)s
                ), posted AS (
                     INSERT INTO loyalty_history
                            (id, card_id, kind, date, points, issued, used,
                             remaining, pending, description,
                             create_uid, create_date, write_uid, write_date)
                     SELECT row_id, card_id, 'expire', %(today)s,
                            -remaining, 0, remaining, 0, FALSE, %(description)s,
                            %(uid)s, now() AT TIME ZONE 'UTC',
                            %(uid)s, now() AT TIME ZONE 'UTC'
                       FROM due
                ), drawn AS (
                     INSERT INTO hstyle_points_allocation (lot_id, row_id, points)
                     SELECT lot_id, row_id, remaining
                       FROM due
                ), emptied AS (
                     UPDATE loyalty_history lot
                        SET remaining = 0
                       FROM due
                      WHERE lot.id = due.lot_id
                )
                UPDATE loyalty_card c
                   SET points = round(c.points::numeric - sums.available, 2),
                       points_pending = COALESCE(c.points_pending, 0) - sums.pending,
                       write_uid = %(uid)s,
                       write_date = now() AT TIME ZONE 'UTC'
                  FROM (SELECT card_id,
                               SUM(CASE WHEN pending THEN 0 ELSE remaining END)
                                   AS available,
                               SUM(CASE WHEN pending THEN remaining ELSE 0 END)
                                   AS pending
                          FROM due
                         GROUP BY card_id) sums
                 WHERE c.id = sums.card_id
                """,
                lots=lots,
                cards=self.ids,
                condition=self._get_due_conditions(today)[1],
                today=today,
                description=description,
                uid=self.env.uid,
            )
        )
