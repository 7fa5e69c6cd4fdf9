"""What a card of points must do, in plain Python, and random histories of cards.

Written from DESIGN.md ("Points") and kept apart from tools/ledger.py, which it judges.
Amounts are whole cents of points.
"""

import calendar
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

#: What an award says that lives as long as the program gives: so many days, and on to
#: the end of the month.
PROGRAM = "program"
EXPIRE_AFTER = 40

#: What may happen to a card, and how often.
CHANCES = {
    "earn": 6,
    "bonus": 1,
    "spend": 5,
    "give_back": 4,
    "take_back": 4,
    "give_again": 2,
    "adjust": 2,
    "retry": 2,
}


class Refused(Exception):
    """The ledger must raise a UserError, and post nothing."""


@dataclass(eq=False)
class Lot:
    """Points of one award, as far as nobody drew them."""

    left: int
    order: tuple
    expires: date | None = None
    waits_until: date | None = None
    document: int | None = None
    expired: int = 0
    forgiven: bool = False

    @property
    def rank(self):
        """The oldest expiry is drawn first, then what was posted first."""
        return (self.expires or date.max, self.order)


@dataclass(frozen=True)
class Move:
    """Something that happens to a card."""

    what: str
    cents: int
    key: str
    document: int | None = None
    #: The last day, None for never, or PROGRAM.
    expires: date | str | None = None
    waits_until: date | None = None


@dataclass
class Card:
    """What a card holds, and which document drew or earned how much."""

    policy: str
    today: date = date.min
    lots: list = field(default_factory=list)
    awards: list = field(default_factory=list)
    debts: list = field(default_factory=list)
    #: (document, what for) → lot → cents drawn, the latest drawn last.
    drawn: dict = field(default_factory=lambda: defaultdict(dict))
    #: (document, "spent" | "earned" | "taken") → cents, net.
    sums: dict = field(default_factory=lambda: defaultdict(int))
    keys: set = field(default_factory=set)

    @property
    def available(self):
        """Points to spend; below zero they are debt."""
        return sum(lot.left for lot in self._open()) - self.debt

    @property
    def pending(self):
        """Points to be spent later."""
        return sum(lot.left for lot in self.lots if lot.waits_until)

    @property
    def debt(self):
        """Points that were undone after they were spent."""
        return sum(owed for _document, owed in self.debts)

    def tick(self, today):
        """Let a day come: points are released, pay debts, and expire."""
        self.today = today
        for lot in self.lots:
            if lot.waits_until and lot.waits_until <= today:
                lot.waits_until = None
        owing, self.debts = self.debts, []
        for document, owed in owing:
            self._owe(document, self._draw(self._open(), owed, (document, "undo")))
        for lot in self.lots:
            if lot.expires and lot.expires < today:
                lot.left, lot.expired = 0, lot.expired + lot.left
        # An empty lot may go: points that are given back to it bring it along.
        self.lots = [lot for lot in self.lots if lot.left]

    def post(self, move, today, order):
        """Post a move: once per key.

        :raise Refused: if there are too few points
        """
        self.tick(today)
        if move.key in self.keys:
            return
        self.keys.add(move.key)
        getattr(self, f"_{move.what}")(move, order)
        self.tick(today)

    def merge(self, other):
        """Take over all of another card's points."""
        self.lots += other.lots
        self.awards += other.awards
        self.debts += other.debts
        self.drawn.update(other.drawn)
        self.sums.update(other.sums)
        self.keys |= other.keys
        other.__init__(other.policy)
        self.tick(self.today)

    def _open(self):
        return sorted((x for x in self.lots if not x.waits_until), key=lambda x: x.rank)

    def _owe(self, document, cents):
        if cents:
            self.debts.append((document, cents))

    def _draw(self, lots, cents, name):
        """Draw cents on lots; return how many nobody could pay."""
        for lot in lots:
            if part := min(lot.left, cents):
                lot.left, cents = lot.left - part, cents - part
                drawn = self.drawn[name]
                drawn[lot] = drawn.pop(lot, 0) + part
        return cents

    def _draw_expired(self, cents, name):
        """Draw cents on what expired of a document's awards: nobody spent it."""
        for lot in self.awards:
            if lot.document == name[0] and (part := min(lot.expired, cents)):
                lot.expired, lot.left = lot.expired - part, lot.left + part
                cents -= part
                self._draw([lot], part, name)
        return cents

    def _return(self, cents, name):
        """Return cents to the lots that paid them; return what is over."""
        drawn = self.drawn[name]
        for lot in reversed(list(drawn)):
            part = min(drawn[lot], cents)
            cents -= part
            # What was forgiven once is not given again.
            lot.left += 0 if lot.forgiven else part
            drawn[lot] -= part
            if not drawn[lot]:
                del drawn[lot]
            if lot.left and lot not in self.lots:
                self.lots.append(lot)
        return cents

    def _earn(self, move, order):
        expires = move.expires
        if expires == PROGRAM:
            expires = _month_end(self.today + timedelta(EXPIRE_AFTER))
        lot = Lot(move.cents, order, expires, move.waits_until, move.document)
        self.lots.append(lot)
        self.awards.append(lot)
        self.sums[move.document, "earned"] += move.cents

    _bonus = _earn

    def _spend(self, move, _order):
        if move.cents > self.available:
            raise Refused
        self._draw(self._open(), move.cents, (move.document, "spend"))
        self.sums[move.document, "spent"] += move.cents

    def _adjust(self, move, order):
        if move.cents >= 0:
            self._earn(move, order)
        elif -move.cents > self.available:
            raise Refused
        else:
            self._draw(self._open(), -move.cents, (None, "adjust"))

    def _give_back(self, move, _order):
        self.sums[move.document, "spent"] -= move.cents
        self._return(move.cents, (move.document, "spend"))

    def _take_back(self, move, order):
        """Undo an award: its own lots pay first, even those that wait or expired."""
        name = (move.document, "undo")
        own = [lot for lot in self.lots if lot.document == move.document]
        own.sort(key=lambda lot: lot.rank)
        rest = self._draw(own, move.cents, name)
        rest = self._draw_expired(rest, name)
        rest = self._draw(self._open(), rest, name)
        self.sums[move.document, "earned"] -= move.cents
        self.sums[move.document, "taken"] += move.cents
        if rest and self.policy == "forbid":
            raise Refused
        if rest and self.policy == "forgive":
            lot = Lot(rest, order, forgiven=True)
            rest = self._draw([lot], rest, (move.document, "undo"))
        self._owe(move.document, rest)

    def _give_again(self, move, order):
        """Undo the undoing: what no lot had paid yet is a debt no more."""
        self.sums[move.document, "earned"] += move.cents
        self.sums[move.document, "taken"] -= move.cents
        if rest := self._return(move.cents, (move.document, "undo")):
            self.lots.append(Lot(rest, order, None, None, move.document))


class History:
    """Random moves of one card; a seed and a number always give the same."""

    def __init__(self, seed, number, policy, overdraw=False):
        self.random = random.Random(f"{seed}:{number}")
        self.number, self.overdraw = number, overdraw
        self.card, self.moves = Card(policy), []

    def choose(self):
        """Return a move that may happen now, or None."""
        [what] = self.random.choices(list(CHANCES), CHANCES.values())
        move = getattr(self, f"_choose_{what}")(f"{self.number}:{len(self.moves)}")
        if move:
            self.moves.append((str(self.card.today), move))
        return move

    def _cents(self, most):
        """Return an amount up to the most, often all."""
        if most <= 0:
            return 0
        return most if self.random.random() < 0.3 else self.random.randint(1, most)

    def _choose_award(self, what, key, document, cents):
        return Move(what, cents, key, document, self._expiry(), self._wait())

    def _expiry(self):
        days = self.random.choice((0, 5, 20, 60, None, PROGRAM))
        return self.card.today + timedelta(days) if isinstance(days, int) else days

    def _wait(self):
        days = self.random.choice((0, 0, 1, 7, 30))
        return self.card.today + timedelta(days) if days else None

    def _choose_earn(self, key):
        # Now and then an order that earned or spent earns more.
        known = [document for document, _what in self.card.sums if document]
        fresh = not known or self.random.random() < 0.7
        document = self.number * 1000 + len(self.moves) + 1
        document = document if fresh else self.random.choice(known)
        cents = self.random.randint(1, 20000)
        return self._choose_award("earn", key, document, cents)

    def _choose_bonus(self, key):
        return self._choose_award("bonus", key, None, self.random.randint(1, 5000))

    def _choose_spend(self, key):
        most = self.card.available
        if self.overdraw:
            most += self.random.randint(0, 100)
        cents = self._cents(most)
        document = self.number * 1000 + len(self.moves) + 1
        return cents and Move("spend", cents, key, document)

    def _choose_adjust(self, key):
        if self.random.random() < 0.5:
            return self._choose_award("adjust", key, None, self.random.randint(1, 900))
        cents = self._cents(self.card.available)
        return cents and Move("adjust", -cents, key)

    def _choose_undo(self, what, sum_name, key):
        done = [(d, c) for (d, name), c in self.card.sums.items() if name == sum_name]
        done = [(document, cents) for document, cents in done if document and cents > 0]
        if not done:
            return None
        document, cents = self.random.choice(done)
        return Move(what, self._cents(cents), key, document)

    def _choose_give_back(self, key):
        return self._choose_undo("give_back", "spent", key)

    def _choose_take_back(self, key):
        return self._choose_undo("take_back", "earned", key)

    def _choose_give_again(self, key):
        return self._choose_undo("give_again", "taken", key)

    def _choose_retry(self, _key):
        return self.moves and self.random.choice(self.moves)[1]


def _month_end(day):
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
