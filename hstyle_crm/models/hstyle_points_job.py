import logging

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, split_every

from ..exceptions import TryAgainError

_logger = logging.getLogger(__name__)

#: Cards that are brought up to date in one transaction: tills wait for it, for about
#: a tenth of a second.
CHUNK = 500
#: Customers who get a notice in one transaction.
NOTICES = 200
#: Days before the last day of points on which their owner hears of it.
HORIZONS = (30, 7)
#: Days between two notices of a kind to one member.
PAUSE = 7
#: Times that the job looks for cards which tills kept in use.
PASSES = 3
#: Times that a chunk is tried again because tills posted to its cards.
TRIES = 20


class HstylePointsJob(models.AbstractModel):
    """What the night does to points: the jobs' half of loyalty.card.

    Each job takes what is due from the rows themselves, a chunk in a transaction, so
    that it goes on anywhere after a crash, and a second run finds nothing. Jobs with a
    shard (number, of how many) run beside each other, on different cards.
    """

    _name = "hstyle.points.job"
    _description = "Jobs of the points ledger"

    notice_30_until = fields.Date(
        readonly=True, copy=False, help="Expiries to this day were announced early."
    )
    notice_7_until = fields.Date(
        readonly=True, copy=False, help="Expiries to this day were announced again."
    )

    # === THE CLOCK === #

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
            for cards in split_every(CHUNK, due.ids, self.browse):
                cards._tick_safely(bad, busy)
                total += len(cards)
                if not commit(len(cards)):
                    return self._report(total, bad)
            due = self.browse(busy)
        return self._report(total, bad)

    @api.model
    def _report(self, total, bad):
        """Say what the clock did, and to the managers what it could not do."""
        _logger.info("Points of %s cards released or expired.", total)
        if bad:
            self._alert(
                self.env._("Points could not be released or expired"), self.browse(bad)
            )

    def _tick_safely(self, bad, busy):
        """Bring cards up to date.

        :param list bad: takes the ids of the cards that refuse
        :param list busy: takes the ids of those that tills posted to meanwhile
        """
        for attempt in range(TRIES):
            try:
                with self.env.cr.savepoint(flush=False):
                    self._tick()
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
        """Return SQL: (card_id) of lots to be released or expired, with repeats."""
        programs = self.env["loyalty.program"].sudo().with_context(active_test=False)
        parts = [SQL("SELECT NULL::integer AS card_id WHERE FALSE")]
        for program in programs.search([("managed", "=", True)]):
            parts += [
                SQL(
                    """
                    SELECT h.card_id
                      FROM loyalty_history h
                      JOIN loyalty_card c
                        ON c.id = h.card_id
                       AND c.program_id = %s
                     WHERE %s
                       AND h.card_id %% %s = %s
                    """,
                    program.id,
                    condition,
                    shards,
                    shard,
                )
                for condition in self._get_due_conditions(program._get_today())
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
        """Return cards with something to release or to expire, in order."""
        self._set_planner()
        found = self.env.execute_query(
            SQL(
                "SELECT DISTINCT card_id FROM (%s) due ORDER BY card_id",
                self._due(shard, shards),
            )
        )
        return self.browse(card_id for (card_id,) in found)

    def _tick(self):
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
            owing._post()
            if released := waiting - owing:
                released._release(today)
            if free := cards - owing:
                free._expire(today)
        self.invalidate_recordset(["points", "points_pending", "history_ids"])
        self.env["loyalty.history"].invalidate_model(["remaining", "pending"])

    @api.model
    def _set_planner(self):
        """Let the planner go by our indexes, and not compile what takes a moment."""
        self.env.cr.execute(
            "SELECT set_config('jit', 'off', TRUE),"
            " set_config('random_page_cost', '1.1', TRUE)"
        )

    def _get_owing_and_waiting(self, today):
        """Return the cards in debt, and those with points to release."""
        found = self.env.execute_query(
            SQL(
                """
                SELECT h.card_id, bool_or(h.remaining < 0), bool_or(%s)
                  FROM loyalty_history h
                 WHERE h.card_id = ANY(%s)
                   AND h.remaining <> 0
                 GROUP BY h.card_id
                """,
                self._get_due_conditions(today)[0],
                self.ids,
            )
        )
        owing = self.browse(card_id for card_id, owes, _waits in found if owes)
        return owing, self.browse(card_id for card_id, _owes, waits in found if waits)

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

    def _expire(self, today):
        """Post a row for each lot whose last day is over."""
        description = self.env._("Expired")
        self.env.cr.execute(
            SQL(
                """
                WITH due AS MATERIALIZED (
                     SELECT h.id AS lot_id, h.card_id, h.remaining, h.pending,
                            nextval('loyalty_history_id_seq') AS row_id
                       FROM loyalty_history h
                      WHERE h.card_id = ANY(%(cards)s)
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
                cards=self.ids,
                condition=self._get_due_conditions(today)[1],
                today=today,
                description=description,
                uid=self.env.uid,
            )
        )

    # === NOTICES === #

    @api.model
    def _cron_notify(self):
        """Write to members whose points expire soon: 30 days before, and 7."""
        commit = self.env["ir.cron"]._commit_progress
        total = 0
        # The later notice first: who gets it needs no earlier one.
        for days in sorted(HORIZONS):
            while cards := self._find_expiring(days, NOTICES):
                total += len(cards._notify_expiring(days))
                if not commit(len(cards)):
                    return
        _logger.info("%s members were told that points expire.", total)

    @api.model
    def _find_expiring(self, days, limit):
        """Return cards with points that expire in so many days, and no notice yet."""
        field = SQL.identifier(f"notice_{days}_until")
        nearest = max((h for h in HORIZONS if h < days), default=-1)
        found = self.env.execute_query(
            SQL(
                """
                SELECT h.card_id
                  FROM loyalty_history h
                  JOIN loyalty_card c ON c.id = h.card_id AND c.active
                  JOIN loyalty_program p ON p.id = c.program_id AND p.active
                 WHERE h.remaining > 0
                   AND h.expiration_date > %(start)s
                   AND h.expiration_date <= %(end)s
                   AND (c.%(field)s IS NULL
                        OR h.expiration_date > c.%(field)s
                           AND c.%(field)s <= %(again)s)
                   AND c.partner_id IS NOT NULL
                 GROUP BY h.card_id
                 ORDER BY h.card_id
                 LIMIT %(limit)s
                """,
                start=fields.Date.add(fields.Date.today(), days=nearest),
                end=fields.Date.add(fields.Date.today(), days=days),
                # At most one notice in a week, whatever expires on each day.
                again=fields.Date.add(fields.Date.today(), days=days - PAUSE),
                field=field,
                limit=limit,
            )
        )
        return self.browse(card_id for (card_id,) in found)

    def _notify_expiring(self, days):
        """Send the notice, and remember which expiries it named; return the told."""
        until = fields.Date.add(fields.Date.today(), days=days)
        partners = self.partner_id._filter_contactable("email", "points_expiry")
        told = self.filtered(lambda card: card.partner_id in partners)
        template = self.env.ref("hstyle_crm.mail_template_points_expiry")
        if told:
            told = told.with_context(points_until=until)
            template.with_env(told.env).send_mail_batch(told.ids)
        self.env.cr.execute(
            SQL(
                "UPDATE loyalty_card SET %s = %s WHERE id = ANY(%s)",
                SQL.identifier(f"notice_{days}_until"),
                until,
                self.ids,
            )
        )
        self.invalidate_recordset([f"notice_{days}_until"])
        return told

    def _get_expiring(self):
        """Return the next expiries of the card that its notice names."""
        self.ensure_one()
        until = self.env.context.get("points_until")
        return self.expiry_ids.filtered(
            lambda expiry: (
                expiry.expiration_date
                and (not until or expiry.expiration_date <= until)
            )
        )

    # === THE AUDIT === #

    @api.model
    def _cron_check(self):
        """Compare balances, lots and rows of every card; name those that disagree."""
        self.env.flush_all()
        programs = self.env["loyalty.program"].sudo().with_context(active_test=False)
        programs.search([("managed", "=", True)])._update_breakage()
        faults = self._find_faults()
        cards = self.browse({card_id for card_id, _fault in faults})
        _logger.info("Points ledger checked: %s cards disagree.", len(cards))
        if cards:
            self._alert(self.env._("The points ledger disagrees with itself"), cards)

    @api.model
    def _find_faults(self, ids=None):
        """Return (card id, fault) where sums differ; nothing is repaired.

        A card's balance is what remains of its rows that are not pending; what remains
        of a row is its points less what is drawn on it, and plus what it drew; a row
        draws on lots of its own card.

        :param ids: cards to look at, or None for all
        """
        scope = SQL("TRUE") if ids is None else SQL("card_id = ANY(%s)", list(ids))
        self._set_nested_loops(ids is not None)
        faults = self.env.execute_query(
            SQL(
                """
                WITH row AS (
                     SELECT id, card_id, points, remaining, pending
                       FROM loyalty_history
                      WHERE kind IS NOT NULL AND %(scope)s
                ), matched AS (
                     SELECT id, SUM(points) AS points
                       FROM (SELECT lot_id AS id, -points AS points
                               FROM hstyle_points_allocation
                              UNION ALL
                             SELECT row_id, points FROM hstyle_points_allocation) drawn
                      GROUP BY id
                ), balance AS (
                     SELECT card_id,
                            SUM(remaining) FILTER (WHERE NOT pending) AS available,
                            SUM(remaining) FILTER (WHERE pending) AS pending,
                            SUM(points) AS total
                       FROM row
                      GROUP BY card_id
                )
                SELECT c.id, 'balance'
                  FROM (SELECT id, id AS card_id, points, points_pending
                          FROM loyalty_card
                         WHERE managed
                            OR program_id IN (
                               SELECT id FROM loyalty_program WHERE managed)) c
                  LEFT JOIN balance b USING (card_id)
                 WHERE %(scope)s
                   AND (round(c.points::numeric, 2) <> COALESCE(b.available, 0)
                        OR COALESCE(c.points_pending, 0) <> COALESCE(b.pending, 0)
                        OR COALESCE(b.available, 0) + COALESCE(b.pending, 0)
                           <> COALESCE(b.total, 0))
                 UNION
                SELECT card_id, 'lot'
                  FROM row
                  LEFT JOIN matched USING (id)
                 WHERE row.points + COALESCE(matched.points, 0) <> row.remaining
                 UNION
                SELECT lot.card_id, 'draw'
                  FROM hstyle_points_allocation a
                  JOIN row lot ON lot.id = a.lot_id
                  JOIN loyalty_history r ON r.id = a.row_id
                 WHERE r.card_id <> lot.card_id
                 ORDER BY 1, 2
                """,
                scope=scope,
            )
        )
        self._set_nested_loops(True)
        return faults

    @api.model
    def _set_nested_loops(self, allowed):
        """Keep the planner from joining all rows one by one, where it knows too little.

        After a mass of new rows, before they are analyzed, that takes hours.
        """
        value = "on" if allowed else "off"
        self.env.cr.execute(
            SQL("SELECT set_config('enable_nestloop', %s, TRUE)", value)
        )

    @api.model
    def _alert(self, subject, cards):
        """Tell the CRM managers which cards need a person."""
        group = self.env.ref("hstyle_crm.hstyle_crm_group_manager")
        managers = group.sudo().all_user_ids.filtered("active").partner_id
        names = [
            f"{card.code} ({card.partner_id.display_name or '-'})"
            for card in cards.sudo()[:100]
        ]
        body = self.env._(
            "%(count)s cards: %(names)s. Nothing was changed; open them and compare "
            "their rows with their balances.",
            count=len(cards),
            names=", ".join(names),
        )
        self.env["mail.thread"].sudo().message_notify(
            partner_ids=managers.ids, subject=subject, body=body
        )
