import json
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..exceptions import TryAgainError
from ..tools.ledger import Ledger, Overdrawn, Row, exact

#: What is stored of a row when it is posted.
_ROW_COLUMNS = {
    "id": "int",
    "card_id": "int",
    "kind": "text",
    "key": "text",
    "date": "date",
    "points": "numeric",
    "issued": "float8",
    "used": "float8",
    "remaining": "numeric",
    "pending": "boolean",
    "available_on": "date",
    "expiration_date": "date",
    "description": "text",
    "order_model": "text",
    "order_id": "int",
}
#: Points of one movement; balances are floats, exact to the cent far above.
_MOST = 1_000_000_000
#: What a move says about its row that means nothing to the arithmetic.
_VALUES = ("side", "key", "description", "date")


class HstylePointsPost(models.AbstractModel):
    """How points are posted: the door's half of loyalty.card.

    The arithmetic is `tools.ledger`; this reads and writes its rows.
    """

    _name = "hstyle.points.post"
    _description = "Posting of points"

    def _prepare_move(self, kind, points, description, document=None, **values):
        """Return a move for `_post`.

        :param str kind: a kind of loyalty.history
        :param points: signed amount, rounded to two places
        :param str description: what happened, for the customer too
        :param document: record that the points are of, if any
        :param values: key, side (issued, used), date, expiration_date, available_on,
            pending; by default an award expires as its program says
        """
        self.ensure_one()
        points = exact(points)
        if abs(points) > _MOST:
            raise UserError(self.env._("Enter at most %s points.", f"{_MOST:,}"))
        side = "issued" if points > 0 else "used"
        return {
            "card_id": self.id,
            "kind": kind,
            "points": points,
            "side": side,
            "description": description,
            "document": (document._name, document.id) if document else None,
            **values,
        }

    def _prepare_opening(self, points):
        """Return the move that opens a card."""
        description = self.env._("Opening balance")
        return self._prepare_move("opening", points, description, key="opening")

    def _post(self, moves=()):
        """Post moves of points: the only writer of ledger rows and balances.

        In one transaction and a constant number of queries: the cards are locked in
        the order of their ids, what is due on them is released and expired, each
        move is matched with lots, and the balances follow. A move whose key is posted
        already on its card is left out.

        :param moves: list of dicts by `_prepare_move`, posted in that order, on any
            cards; those of ``self`` are brought up to date even without one
        :return: the new rows, those of expired points included
        :raise UserError: if a card has too few points, with its customer's name
        :raise TryAgainError: if somebody else posted to a card meanwhile
        """
        cards = self.sudo() | self.sudo().browse({move["card_id"] for move in moves})
        self.env["loyalty.history"].flush_model()
        self.flush_model()
        cards._check_managed()
        cards._lock()
        moves = self._drop_posted(moves)
        books = cards._read_ledgers()
        drawn = self._read_draws(moves, books)
        for move in moves:
            self._apply(books, move, drawn)
        return self._store(books)

    @api.model
    def _set_available(self, days):
        """Let the pending points of documents be spent from a day on.

        What is due by now is released at once; points that are released already stay.

        :param days: dict of documents (records) and their days
        """
        lots = self._find_pending(days)
        if not lots:
            return
        ids, card_ids, dates = zip(*lots, strict=True)
        cards = self.sudo().browse(set(card_ids))
        cards._lock()
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_history h
                   SET available_on = new.day
                  FROM unnest(%s::int[], %s::date[]) AS new (id, day)
                 WHERE h.id = new.id
                """,
                list(ids),
                list(dates),
            )
        )
        self.env["loyalty.history"].browse(ids).invalidate_recordset(["available_on"])
        cards._post()

    @api.model
    def _find_pending(self, days):
        """Return (lot, card, day) of pending points that wait for another day."""
        self.env["loyalty.history"].flush_model()
        documents = [(record._name, record.id, day) for record, day in days.items()]
        models_, ids, dates = zip(*documents, strict=True)
        return self.env.execute_query(
            SQL(
                """
                SELECT h.id, h.card_id, new.day
                  FROM unnest(%s::text[], %s::int[], %s::date[])
                       AS new (order_model, order_id, day)
                  JOIN loyalty_history h USING (order_model, order_id)
                 WHERE h.pending
                   AND h.remaining > 0
                   AND h.available_on IS DISTINCT FROM new.day
                """,
                list(models_),
                list(ids),
                list(dates),
            )
        )

    def _check_managed(self):
        """Refuse cards that have no ledger, such as gift cards."""
        if not all(self.mapped("managed")):
            raise UserError(
                self.env._("Only the cards of a points program have a ledger.")
            )

    def _lock(self):
        """Lock the cards against all other posting until the transaction ends.

        Each posting writes its card, so that a card which changed since our snapshot
        fails here: what was read of it before is right, or nothing is done.

        :return: card id → program id
        """
        try:
            self.env.cr.execute(
                SQL(
                    "SELECT id, program_id FROM loyalty_card WHERE id = ANY(%s)"
                    " ORDER BY id"
                    " FOR NO KEY UPDATE",
                    self.ids,
                ),
                # Nothing is wrong: the caller tries again, or the user is told.
                log_exceptions=False,
            )
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
            raise self._ask_again() from error
        return dict(self.env.cr.fetchall())

    def _ask_again(self):
        message = self.env._(
            "Somebody else is changing the points of this customer at this moment. "
            "Nothing was done; please try again."
        )
        return TryAgainError(message)

    @api.model
    def _drop_posted(self, moves):
        """Return the moves whose key is new, the first of each."""
        keyed = {(move["card_id"], move["key"]) for move in moves if move.get("key")}
        if not keyed:
            return moves
        cards, keys = zip(*sorted(keyed), strict=True)
        found = self.env.execute_query(
            SQL(
                """
                SELECT h.card_id, h.key
                  FROM unnest(%s::int[], %s::text[]) AS wanted (card_id, key)
                  JOIN loyalty_history h USING (card_id, key)
                """,
                list(cards),
                list(keys),
            )
        )
        seen, kept = set(found), []
        for move in moves:
            name = (move["card_id"], move.get("key"))
            if not name[1] or name not in seen:
                kept.append(move)
                seen.add(name)
        return kept

    def _read_ledgers(self):
        """Return card id → its open rows, as of today."""
        rows = defaultdict(list)
        for card_id, row in self._read_rows(
            SQL("h.card_id = ANY(%s) AND h.remaining <> 0", self.ids)
        ):
            rows[card_id].append(row)
        today = {program: program._get_today() for program in self.program_id}
        books = {}
        for card in self:
            books[card.id] = Ledger(rows[card.id], today[card.program_id])
        return books

    @api.model
    def _read_rows(self, condition):
        """Yield (card id, row) of the ledger's rows that meet an SQL condition."""
        found = self.env.execute_query(
            SQL(
                """
                SELECT h.card_id, h.id, h.kind, h.points, h.remaining,
                       h.expiration_date, h.available_on, h.pending,
                       h.order_model, h.order_id,
                       CASE WHEN h.issued <> 0 THEN 'issued' ELSE 'used' END
                  FROM loyalty_history h
                 WHERE %s
                """,
                condition,
            )
        )
        for card_id, row_id, kind, points, remaining, *clock in found:
            expiration_date, available_on, pending, model, res_id, side = clock
            yield (
                card_id,
                Row(
                    points=exact(points),
                    kind=kind,
                    remaining=exact(remaining),
                    expiration_date=expiration_date,
                    available_on=available_on,
                    pending=pending,
                    document=(model, res_id) if res_id else None,
                    id=row_id,
                    values={"side": side, "stored": (exact(remaining), pending)},
                ),
            )

    @api.model
    def _read_draws(self, moves, books):
        """Return (card id, document, what) → lot → points, of documents undone.

        What is "issued" or "used" for what rows of that side drew on lots, the latest
        last, and "expired" for what expired of the document's awards. The lots join
        the ledgers, as most have nothing left and were not read.
        """
        drawn = defaultdict(dict)
        undone = {m["document"] for m in moves if m["kind"] == "reverse"} - {None}
        if undone:
            found = self.env.execute_query(self._select_draws(undone, list(books)))
            lots = self._get_lots({row[4] for row in found}, books)
            for card_id, model, res_id, what, lot_id, amount, _order in found:
                drawn[card_id, (model, res_id), what][lots[lot_id]] = exact(amount)
        return drawn

    @api.model
    def _select_draws(self, documents, card_ids):
        """Return the query of `_read_draws`.

        OFFSET 0: each row is looked up. For a join the planner would read whole tables
        while it has not seen how large they are.
        """
        models_, ids = zip(*documents, strict=True)
        return SQL(
            """
            WITH document AS (
                 SELECT h.id, h.card_id, h.order_model, h.order_id,
                        CASE WHEN h.issued <> 0 THEN 'issued' ELSE 'used' END AS side
                   FROM unnest(%s::varchar[], %s::int[])
                        AS named (order_model, order_id)
                   JOIN loyalty_history h USING (order_model, order_id)
                  WHERE h.card_id = ANY(%s)
            )
            SELECT d.card_id, d.order_model, d.order_id, d.side, a.lot_id,
                   SUM(a.points), MAX(a.id)
              FROM document d
             CROSS JOIN LATERAL (
                   SELECT * FROM hstyle_points_allocation
                    WHERE row_id = d.id OFFSET 0) a
             GROUP BY d.card_id, d.order_model, d.order_id, d.side, a.lot_id
            HAVING SUM(a.points) > 0
             UNION ALL
            SELECT d.card_id, d.order_model, d.order_id, 'expired', d.id,
                   SUM(a.points), d.id
              FROM document d
             CROSS JOIN LATERAL (
                   SELECT * FROM hstyle_points_allocation
                    WHERE lot_id = d.id OFFSET 0) a
             CROSS JOIN LATERAL (
                   SELECT FROM loyalty_history
                    WHERE id = a.row_id AND kind = 'expire' OFFSET 0) r
             GROUP BY d.card_id, d.order_model, d.order_id, d.id
            HAVING SUM(a.points) > 0
             ORDER BY 7
            """,
            list(models_),
            list(ids),
            card_ids,
        )

    @api.model
    def _get_drawn(self, book, row, before):
        """Return [(lot, amount)] of what a row's document drew, the latest last.

        :param before: lot → amount, as it was when this call began
        """
        name = (row.document, row.values["side"])
        draws = [
            d for d in book.draws if name == (d[1].document, d[1].values.get("side"))
        ]
        return self._add_draws(before, draws)

    @api.model
    def _get_expired(self, book, row, before):
        """Return [(lot, amount)] of what expired of the awards of a row's document."""
        draws = [d for d in book.draws if d[1].kind == "expire"]
        return self._add_draws(
            before, [draw for draw in draws if draw[0].document == row.document]
        )

    @api.model
    def _add_draws(self, before, draws):
        drawn = dict(before)
        for lot, _row, amount in draws:
            drawn[lot] = drawn.pop(lot, 0) + amount
        return [(lot, amount) for lot, amount in drawn.items() if amount > 0]

    @api.model
    def _get_lots(self, ids, books):
        """Return id → row of lots, adding those to the ledgers that they lack."""
        known = {row.id: row for book in books.values() for row in book.rows}
        missing = list(ids - known.keys())
        if missing:
            for card_id, row in self._read_rows(SQL("h.id = ANY(%s)", missing)):
                books[card_id].rows.append(row)
                known[row.id] = row
        return known

    @api.model
    def _apply(self, books, move, drawn):
        """Enter one move into its card's ledger."""
        card = self.sudo().browse(move["card_id"])
        book = books[card.id]
        row = card._prepare_row(move, book.today)
        if row.kind != "reverse":
            card._award_or_spend(book, row)
        elif row.points > 0:
            before = drawn[card.id, row.document, move["side"]]
            book.give_back(row, self._get_drawn(book, row, before))
        else:
            before = drawn[card.id, row.document, "expired"]
            short = book.take_back(row, self._get_expired(book, row, before))
            if short:
                card._follow_debt_policy(book, row, short)
        book.tidy()

    def _prepare_row(self, move, today):
        """Return the row of a move; an award gets its dates from the program."""
        award = move["points"] > 0 and move["kind"] != "reverse"
        expiration = award and self.program_id._get_expiration(today)
        available = fields.Date.to_date(move.get("available_on")) or None
        return Row(
            points=move["points"],
            kind=move["kind"],
            expiration_date=fields.Date.to_date(move.get("expiration_date", expiration))
            or None,
            available_on=available,
            pending=move.get("pending", bool(available and available > today)),
            document=move["document"],
            values={name: move.get(name) for name in _VALUES},
        )

    def _award_or_spend(self, book, row):
        """Enter a row that stands by itself.

        :raise UserError: if it takes more points than there are
        """
        if row.points >= 0:
            book.award(row)
            return
        if row.kind == "opening":
            # A balance below zero is a debt from the start.
            book.take_back(row)
            return
        try:
            book.spend(row)
        except Overdrawn as error:
            raise self._get_overdrawn(-row.points, error.args[0]) from error

    def _get_overdrawn(self, wanted, available):
        return UserError(
            self.env._(
                "%(customer)s can spend %(available)s, and %(wanted)s are wanted. Take "
                "fewer points, or fewer rewards.",
                customer=self.partner_id.display_name or self.code,
                available=self._format_points(float(max(available, 0))).strip(),
                wanted=self._format_points(float(wanted)).strip(),
            )
        )

    def _follow_debt_policy(self, book, row, short):
        """Do with points that were spent before they were undone as the program says.

        :raise UserError: if it forbids to undo them
        """
        policy = self.program_id.debt_policy
        if policy == "forbid":
            raise UserError(
                self.env._(
                    "%(customer)s has spent %(points)s of these points already, and "
                    "the program forbids to undo them. Cancel the order that spent "
                    "them first, or adjust the customer's points.",
                    customer=self.partner_id.display_name or self.code,
                    points=self._format_points(float(short)).strip(),
                )
            )
        if policy == "forgive":
            values = {"side": "issued", "description": self._describe("adjust")}
            book.award(Row(short, "adjust", document=row.document, values=values))

    @api.model
    def _store(self, books):
        """Write what the ledgers posted; return the new rows."""
        posted = [(c, row) for c, book in books.items() for row in book.posted]
        self._number(posted)
        self._insert_rows(posted, books)
        self._insert_draws(books)
        self._update_rows(books)
        self._update_balances(books)
        return self.env["loyalty.history"].browse(row.id for _card, row in posted)

    @api.model
    def _number(self, posted):
        """Give new rows their ids, in the order of posting."""
        if posted:
            ids = self.env.execute_query(
                SQL(
                    "SELECT nextval('loyalty_history_id_seq')"
                    "  FROM generate_series(1, %s)",
                    len(posted),
                )
            )
            for (_card, row), (row_id,) in zip(posted, ids, strict=True):
                row.id = row_id

    @api.model
    def _insert_rows(self, posted, books):
        if posted:
            rows = [self._prepare_columns(c, row, books[c].today) for c, row in posted]
            columns = SQL(", ").join(map(SQL.identifier, _ROW_COLUMNS))
            types = SQL(", ".join(f"{n} {t}" for n, t in _ROW_COLUMNS.items()))
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO loyalty_history
                           (%s, create_uid, create_date, write_uid, write_date)
                    SELECT %s, %s, now() AT TIME ZONE 'UTC', %s,
                           now() AT TIME ZONE 'UTC'
                      FROM jsonb_to_recordset(%s) AS row (%s)
                    """,
                    columns,
                    columns,
                    self.env.uid,
                    self.env.uid,
                    json.dumps(rows, default=str),
                    types,
                )
            )

    @api.model
    def _prepare_columns(self, card_id, row, today):
        """Return the columns of a new row."""
        side = row.values.get("side", "used")
        model, res_id = row.document or (None, None)
        return {
            "id": row.id,
            "card_id": card_id,
            "kind": row.kind,
            "key": row.values.get("key"),
            "date": row.values.get("date") or today,
            "points": row.points,
            "issued": row.points if side == "issued" else 0,
            "used": -row.points if side == "used" else 0,
            "remaining": row.remaining,
            "pending": row.pending,
            "available_on": row.available_on,
            "expiration_date": row.expiration_date,
            "description": row.values.get("description") or self._describe(row.kind),
            "order_model": model,
            "order_id": res_id,
        }

    @api.model
    def _describe(self, kind):
        """Return what the customer reads about a row that follows from others."""
        if kind == "adjust":
            return self.env._("Spent already, and forgiven")
        return self.env._("Expired")

    @api.model
    def _insert_draws(self, books):
        draws = [draw for book in books.values() for draw in book.draws]
        if draws:
            lots, rows, points = zip(*draws, strict=True)
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO hstyle_points_allocation (lot_id, row_id, points)
                    SELECT * FROM unnest(%s::int[], %s::int[], %s::numeric[])
                    """,
                    [lot.id for lot in lots],
                    [row.id for row in rows],
                    list(points),
                )
            )

    @api.model
    def _update_rows(self, books):
        """Write what is left of rows that were there before."""
        changed = [
            (row.id, row.remaining, row.pending)
            for book in books.values()
            for row in book.rows
            if row.values.get("stored", (row.remaining, row.pending))
            != (row.remaining, row.pending)
        ]
        if changed:
            ids, remaining, pending = zip(*changed, strict=True)
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE loyalty_history h
                       SET remaining = new.remaining, pending = new.pending
                      FROM unnest(%s::int[], %s::numeric[], %s::boolean[])
                           AS new (id, remaining, pending)
                     WHERE h.id = new.id
                    """,
                    list(ids),
                    list(remaining),
                    list(pending),
                )
            )
            rows = self.env["loyalty.history"].browse(ids)
            rows.invalidate_recordset(["remaining", "pending"])

    @api.model
    def _update_balances(self, books):
        """Write the cards' sums: all cards, as a mark for whoever waits for them."""
        if not books:
            return
        sums = [(c, book.available, book.pending) for c, book in books.items()]
        ids, available, pending = zip(*sums, strict=True)
        cards = self.sudo().browse(ids)
        changes = {
            card: {"old": card.points, "new": float(books[card.id].available)}
            for card in cards
        }
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card c
                   SET points = new.available,
                       points_pending = new.pending,
                       write_uid = %s,
                       write_date = now() AT TIME ZONE 'UTC'
                  FROM unnest(%s::int[], %s::numeric[], %s::numeric[])
                       AS new (id, available, pending)
                 WHERE c.id = new.id
                """,
                self.env.uid,
                list(ids),
                list(available),
                list(pending),
            )
        )
        cards.modified(["points", "points_pending"])
        cards.invalidate_recordset(["points", "points_pending", "history_ids"])
        cards._send_points_reach_communication(changes)
