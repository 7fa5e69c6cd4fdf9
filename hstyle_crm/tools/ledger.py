"""The arithmetic of a points card: lots, what draws on them, and debt.

A row is one movement. Each keeps what is not matched yet: a lot the points that nobody
drew (``remaining`` > 0), a movement that takes points what no lot paid for (< 0: debt).
Matching a lot with what draws on it brings both closer to zero, so the balance is the
sum of what remains, whatever happened before. Amounts are decimals of two places, dates
are days of the business.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


class Overdrawn(Exception):
    """More points are wanted than there are; the argument is what there is."""


def exact(points):
    """Return an amount as a decimal of two places, however it was given."""
    return Decimal(str(points or 0)).quantize(CENT, ROUND_HALF_UP)


def floor(points):
    """Return an amount as a decimal of two places, cut off."""
    # The host's floats may lie a hair below the amount that they mean.
    return Decimal(str(round(points, 8))).quantize(CENT, ROUND_DOWN)


def month_end(day):
    """Return the last day of a day's month."""
    following = day.replace(day=28) + timedelta(days=4)
    return following - timedelta(days=following.day)


@dataclass(eq=False)
class Row:
    """A movement of points on a card.

    ``values`` are the columns that mean nothing to the arithmetic.
    """

    points: Decimal
    kind: str
    remaining: Decimal = None
    expiration_date: date | None = None
    available_on: date | None = None
    pending: bool = False
    document: tuple | None = None
    id: int | None = None
    values: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.remaining is None:
            self.remaining = self.points


def _by_expiry(lot):
    # Rows of this very moment have no number yet: they are the youngest.
    return (lot.expiration_date or date.max, lot.id or float("inf"))


class Ledger:
    """The open rows of one card, and what is posted to them today."""

    def __init__(self, rows, today):
        self.rows = sorted(rows, key=_by_expiry)
        self.today = today
        #: New rows, and (lot, row, amount) for each draw on a lot.
        self.posted, self.draws = [], []
        self.tidy()

    @property
    def available(self):
        """Points that may be spent; below zero they are debt."""
        return sum((r.remaining for r in self.rows if not r.pending), Decimal())

    @property
    def pending(self):
        """Points that may be spent later."""
        return sum((r.remaining for r in self.rows if r.pending), Decimal())

    def award(self, row):
        """Add a lot; it waits if it is available later only."""
        self._post(row)

    def spend(self, row):
        """Take points that must be there.

        :raise Overdrawn: if they are not; nothing is posted then
        """
        if -row.points > self.available:
            raise Overdrawn(self.available)
        self._post(row)
        self._draw(row, self._lots())

    def take_back(self, row, expired=()):
        """Take back what its document awarded; return what was spent already.

        The document's own lots pay first, pending or not; then what expired of them,
        which nobody spent; then all lots that are available.

        :param expired: (lot, amount) of the document's awards
        """
        self._post(row)
        own = [
            r
            for r in self.rows
            if row.document and r.document == row.document and r.remaining > 0
        ]
        self._draw(row, own)
        for lot, amount in expired:
            self._revive(lot, min(amount, -row.remaining))
            self._draw(row, [lot])
        self._draw(row, self._lots())
        return -row.remaining

    def give_back(self, row, drawn):
        """Return points to the lots that paid them, at their original age.

        What was forgiven when the document was undone is not given again.

        :param drawn: (lot, amount) of what the document drew, in the order of drawing
        """
        self._post(row)
        for lot, amount in reversed(drawn):
            if back := min(amount, row.remaining):
                self._match(lot, row, -back)
                if lot.kind == "adjust" and lot.document == row.document:
                    self._charge(lot, back)

    def tidy(self):
        """Let the day come: release, pay debts, expire."""
        for row in self.rows:
            if row.pending and row.available_on and row.available_on <= self.today:
                row.pending = False
        for debt in [r for r in self.rows if r.remaining < 0]:
            self._draw(debt, self._lots())
        for lot in [r for r in self.rows if r.remaining > 0]:
            # What waits for a delivery does not age before it.
            waits = lot.pending and not lot.available_on
            if lot.expiration_date and lot.expiration_date < self.today and not waits:
                self._expire(lot)

    def _charge(self, lot, amount):
        row = Row(-amount, "adjust")
        self._post(row)
        self._draw(row, [lot])

    def _revive(self, lot, amount):
        if amount:
            row = Row(amount, "expire")
            self._post(row)
            self._match(lot, row, -amount)

    def _expire(self, lot):
        row = Row(-lot.remaining, "expire")
        self._post(row)
        self._draw(row, [lot])

    def _post(self, row):
        self.rows.append(row)
        self.posted.append(row)
        self.rows.sort(key=_by_expiry)

    def _lots(self):
        return [r for r in self.rows if r.remaining > 0 and not r.pending]

    def _draw(self, row, lots):
        for lot in lots:
            if lot is not row and (amount := min(lot.remaining, -row.remaining)) > 0:
                self._match(lot, row, amount)

    def _match(self, lot, row, amount):
        lot.remaining -= amount
        row.remaining += amount
        self.draws.append((lot, row, amount))
