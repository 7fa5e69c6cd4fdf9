"""Random histories of cards, posted by the ledger and by a tiny model beside it."""

import copy
import os
import random
from collections import defaultdict
from datetime import date, timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL

from ..exceptions import TryAgainError
from .common import HstylePointsCommon
from .points_model import EXPIRE_AFTER, PROGRAM, History, Refused

#: To try others: HSTYLE_SEED=7 ./dev test hstyle_crm/tests/test_points_property.py
SEED = int(os.environ.get("HSTYLE_SEED", "19"))
STEPS = 14
START = date(2027, 1, 20)

#: The model's words for what the ledger calls otherwise: (kind, side, sign).
WORDS = {
    "earn": ("earn", "issued", 1),
    "bonus": ("bonus", "issued", 1),
    "adjust": ("adjust", None, 1),
    "spend": ("spend", "used", -1),
    "give_back": ("reverse", "used", 1),
    "take_back": ("reverse", "issued", -1),
    "give_again": ("reverse", "issued", 1),
}


@tagged("post_install", "-at_install")
class TestPointsProperty(HstylePointsCommon):
    """The ledger against the model: balances, lots and debts never differ.

    The histories are posted side by side, a step of all cards in one call. Neighbours
    (cards 0 and 1, 2 and 3, …) may be merged. A failure names the pair that differs;
    ``self._run(policy, [16, 17])`` in place of the range repeats it alone.
    """

    def test_debt(self):
        self._run("debt", range(8000))

    def test_forgive(self):
        self._run("forgive", range(2000))

    def test_forbid(self):
        """Refusals leave all as it was; they fail a whole call, so each has its own."""
        refused = self._run("forbid", range(80), alone=True)
        self.assertGreater(refused, 10)

    # === THE RUN === #

    def _run(self, policy, numbers, alone=False):
        """Post the histories of some numbers; return how many moves were refused."""
        self._start(policy, numbers, overdraw=alone)
        refused = 0
        for step in range(STEPS):
            self._analyze()
            self._turn_day(step)
            refused += (self._post_alone if alone else self._post_together)(step)
            self._merge_some()
            self._compare(policy)
        self.assertFalse(self.env["loyalty.card"]._find_faults())
        self._check_lots()
        return refused

    def _analyze(self):
        """Let the planner know of our rows, which nobody else can see.

        It also keeps the server from counting none of them meanwhile: then it would
        read whole tables for each card, and the test take hours.
        """
        tables = "loyalty_card, loyalty_history, hstyle_points_allocation"
        self.env.flush_all()
        self.env.cr.execute(f"ANALYZE {tables}")

    def _start(self, policy, numbers, overdraw):
        self.program.write({"debt_policy": policy, "expire_after": EXPIRE_AFTER})
        self.random, self.today = random.Random(SEED), START
        self.patch(type(self.program), "_get_today", lambda program: self.today)
        commit = type(self.env["ir.cron"])
        self.patch(commit, "_commit_progress", lambda *args, **options: 1)
        values = [{"program_id": self.program.id} for _number in numbers]
        self.cards = self.env["loyalty.card"].create(values)
        histories = [History(SEED, number, policy, overdraw) for number in numbers]
        self.histories = dict(zip(self.cards.ids, histories, strict=True))
        self.alive = self.cards

    def _turn_day(self, step):
        """Let some days pass; every third time the job comes before any move."""
        self.today += timedelta(self.random.choice((0, 1, 3, 10, 35)))
        if step % 3 == 2:
            self.env["loyalty.card"]._cron_clock()
        for card in self.alive:
            self.histories[card.id].card.tick(self.today)
        if step % 3 == 2:
            self._compare("after the job")

    def _post_together(self, step):
        """Post one or two moves of each card in one call."""
        moves = []
        for card in self.alive:
            history = self.histories[card.id]
            for turn in range(history.random.choice((1, 1, 1, 2))):
                if move := history.choose():
                    history.card.post(move, self.today, (step, history.number, turn))
                    moves.append(self._prepare(card, move))
        self.alive._post(moves)
        return 0

    def _post_alone(self, step):
        """Post a move of each card in a call of its own; return the refusals."""
        refused = 0
        for card in self.alive:
            history = self.histories[card.id]
            if move := history.choose():
                before = copy.deepcopy(history.card)
                moves = [self._prepare(card, move)]
                try:
                    history.card.post(move, self.today, (step, history.number, 0))
                except Refused:
                    history.card = before
                    refused += 1
                    with self.assertRaises(UserError):
                        card._post(moves)
                else:
                    card._post(moves)
        self.alive._post()
        return refused

    def _prepare(self, card, move):
        kind, side, sign = WORDS[move.what]
        values = {"side": side} if side else {}
        if move.document:
            values["document"] = ("sale.order", move.document)
        if kind in ("earn", "bonus", "adjust"):
            values["available_on"] = move.waits_until
            if move.expires != PROGRAM:
                values["expiration_date"] = move.expires
        points = sign * move.cents / 100
        return {
            **card._prepare_move(kind, points, "Test", key=move.key),
            **values,
        }

    def _merge_some(self):
        """Merge a few neighbours into one card."""
        for keeper, other in zip(self.cards[::2], self.cards[1::2], strict=True):
            history = self.histories[keeper.id]
            if other in self.alive and history.random.random() < 0.005:
                other._merge_into(keeper)
                history.card.merge(self.histories[other.id].card)
                # A retry may now be one of what happened to the other.
                history.moves += self.histories[other.id].moves
                self.alive -= other

    # === THE COMPARISON === #

    def _compare(self, where):
        found = self._read_state()
        for card_id, history in self.histories.items():
            expected = self._get_expected(history.card)
            if found[card_id] != expected:
                moves = "\n".join(map(str, history.moves))
                self.fail(
                    f"Seed {SEED}, {where}, card {history.number}, {self.today}:\n"
                    f"ledger {found[card_id]}\nmodel  {expected}\n{moves}"
                )

    def _get_expected(self, card):
        lots = [(x.left, str(x.expires), bool(x.waits_until)) for x in card.lots]
        return card.available, card.pending, card.debt, sorted(lots)

    def _read_state(self):
        """Return card id → (available, pending, debt, lots) as stored, in cents."""
        lots, debts = defaultdict(list), defaultdict(int)
        for card_id, cents, last, pending in self.env.execute_query(
            SQL(
                """
                SELECT card_id, (remaining * 100)::int, expiration_date, pending
                  FROM loyalty_history
                 WHERE card_id = ANY(%s)
                   AND remaining <> 0
                """,
                self.cards.ids,
            )
        ):
            if cents < 0:
                debts[card_id] -= cents
            else:
                lots[card_id].append((cents, str(last), pending))
        return {
            card_id: (*sums, debts[card_id], sorted(lots[card_id]))
            for card_id, *sums in self._read_balances()
        }

    def _read_balances(self):
        return self.env.execute_query(
            SQL(
                """
                SELECT id, round(points * 100)::int, round(points_pending * 100)::int
                  FROM loyalty_card
                 WHERE id = ANY(%s)
                """,
                self.cards.ids,
            )
        )

    def _check_lots(self):
        """No award ever holds more than was awarded, and none less than nothing."""
        faults = self.env.execute_query(
            SQL(
                """
                SELECT card_id, id
                  FROM loyalty_history
                 WHERE points > 0
                   AND remaining NOT BETWEEN 0 AND points
                """
            )
        )
        self.assertFalse(faults)


@tagged("post_install", "-at_install")
class TestPointsFound(HstylePointsCommon):
    """Faults that the random histories found, each in its shortest form."""

    def _prepare(self, card, kind, points, **values):
        document = ("sale.order", values.pop("order", 1))
        move = card._prepare_move(kind, points, "Test", **values)
        return {**move, "document": document}

    def test_points_come_back_to_an_expired_lot_twice_a_day(self):
        card = self._create_card()
        today = self.program._get_today()
        card._post([self._prepare(card, "bonus", 10, expiration_date=today)])
        card._post([self._prepare(card, "spend", -8, order=2)])
        self.patch(
            type(self.program), "_get_today", lambda program: today + timedelta(1)
        )
        for _refund in range(2):
            back = self._prepare(card, "reverse", 3, order=2, side="used")
            card._post([back])
            self.assertBalance(card, 0)
        expired = [points for kind, points in self._get_rows(card) if kind == "expire"]
        self.assertEqual(expired, [-2, -3, -3])

    def test_one_call_spends_and_gives_back(self):
        card = self._create_card(10)
        spend = self._prepare(card, "spend", -8)
        back = self._prepare(card, "reverse", 3, side="used")
        card._post([spend, back, back])
        self.assertBalance(card, 8)
        lot = card.history_ids.filtered("remaining")
        self.assertEqual((lot.kind, lot.remaining), ("bonus", 8))

    def test_one_document_on_two_cards(self):
        cards = self._create_card(10) + self._create_card(
            20, partner=self._create_partner("Lan")
        )
        cards._post([self._prepare(card, "spend", -8) for card in cards])
        backs = [self._prepare(card, "reverse", 5, side="used") for card in cards]
        cards._post(backs)
        for card, left in zip(cards, (7, 17), strict=True):
            self.assertBalance(card, left)
            lot = card.history_ids.filtered("remaining")
            self.assertEqual((lot.kind, lot.remaining), ("bonus", left))

    def test_expired_points_are_no_debt(self):
        """What expired was not spent: whoever returns the goods owes nothing."""
        self.program.debt_policy = "forbid"
        card = self._create_card(50)
        today = self.program._get_today()
        card._post([self._prepare(card, "earn", 100, expiration_date=today)])
        card._post([self._prepare(card, "spend", -30, order=2)])
        self.assertBalance(card, 120)
        self.patch(
            type(self.program), "_get_today", lambda program: today + timedelta(1)
        )
        card._post([self._prepare(card, "reverse", -70, side="issued")])
        self.assertBalance(card, 50)
        with self.assertRaisesRegex(UserError, "30"):
            card._post([self._prepare(card, "reverse", -80, side="issued")])

    def test_the_job_names_no_card_that_a_till_uses(self):
        card = self._create_card()

        def post(card, moves=()):
            raise TryAgainError("Somebody else is changing it.")

        self.patch(type(card), "_post", post)
        bad, busy = [], []
        card._tick_each(bad, busy)
        self.assertEqual((bad, busy), ([], card.ids))

    def test_forgiven_points_are_not_given_again(self):
        """A credit note that is posted and withdrawn leaves what was there before."""
        self.program.debt_policy = "forgive"
        card = self._create_card()
        card._post([self._prepare(card, "earn", 100)])
        card._post([self._prepare(card, "spend", -40, order=2)])
        for _round in range(2):
            card._post([self._prepare(card, "reverse", -100, side="issued")])
            self.assertBalance(card, 0)
            card._post([self._prepare(card, "reverse", 100, side="issued")])
            self.assertBalance(card, 60)
