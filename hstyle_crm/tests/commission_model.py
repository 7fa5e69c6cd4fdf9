"""What commission must be, in plain Python.

Written from DESIGN.md ("Campus agents") and kept apart from tools/commission.py and the
models, which it judges. Amounts are whole cents, rates are fractions, days are dates.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

#: Days after the confirmation in which things can be sent back.
HOLD = 14


def to_cents(amount):
    """Return a fraction of cents as whole cents; half a cent goes up."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def last_day(month):
    """Return the last day of the month that begins on a day."""
    return (month + timedelta(31)).replace(day=1) - timedelta(1)


@dataclass(eq=False)
class Agent:
    """An agent, whose statements are (month, opening, accrued, reversed, billed)."""

    name: str
    state: str = "active"
    carried: int = 0
    settled: date = date.min
    statements: list = field(default_factory=list)


@dataclass(eq=False)
class Friend:
    """Somebody whom an agent brought."""

    agent: Agent
    rejected: bool = False


@dataclass
class Row:
    """A posting: of an order's line, for an agent."""

    agent: Agent
    line: object
    kind: str
    base: int
    amount: int
    month: date
    free_on: date
    settled: date | None = None


@dataclass(eq=False)
class Line:
    """So many pieces at a price, with what was invoiced and credited of them."""

    price: int
    ordered: int
    own_rate: bool = False
    invoiced: int = 0
    credited: int = 0

    @property
    def kept(self):
        """What the friend keeps, whatever way the rest was undone."""
        return max(
            0, min(self.ordered, max(self.ordered, self.invoiced) - self.credited)
        )


@dataclass(eq=False)
class Order:
    """An order of a friend; `payer` is decided when it is first seen confirmed."""

    friend: Friend
    lines: list
    off: int
    day: date
    state: str = "sale"
    payer: Friend | None = None
    pays: bool = False
    posted: bool = False

    def get_base(self, line):
        """Return the cents that are kept of a line: discounts weigh on all alike."""
        payer, friend = self.payer, self.friend
        if self.state != "sale" or friend is not payer or payer.rejected:
            return 0
        whole = sum(x.price * x.ordered for x in self.lines)
        share = max(Fraction(0), 1 - Fraction(self.off, whole)) if whole else 0
        return to_cents(Fraction(line.price * line.kept * share))


@dataclass
class Model:
    """All that happened, and the rates of the day."""

    brackets: list
    own_rate: int
    minimum: int
    rows: list = field(default_factory=list)

    # === POSTING === #

    def follow(self, order, today):
        """Post what changed on an order; what is added later waits from then on."""
        if order.payer is None and order.state == "sale" and not order.friend.rejected:
            order.payer = order.friend
            order.pays = order.friend.agent.state == "active"
        if not order.pays:
            return
        for line in order.lines:
            rows = [row for row in self.rows if row.line is line]
            self._undo(order, line, rows)
            self._add(order, line, rows, today if order.posted else order.day)
        order.posted |= any(row.line in order.lines for row in self.rows)

    def _undo(self, order, line, rows):
        accrued = [row for row in rows if row.kind == "accrual"]
        whole = sum(row.base for row in accrued)
        kept = min(order.get_base(line), whole)
        change = kept - sum(row.base for row in rows)
        if not change:
            return
        paid = sum(row.amount for row in accrued)
        amount = to_cents(Fraction(paid * kept, whole)) - sum(r.amount for r in rows)
        month, free_on = self._get_times(order)
        if change < 0:
            free_on, month = self._get_earliest(rows)
        self._post(order, line, "reversal", change, amount, month, free_on)

    def _get_earliest(self, rows):
        """Return (day, month) of the earliest rows of which something is left."""
        left = {}
        for row in rows:
            key = (row.free_on, row.month)
            left[key] = left.get(key, 0) + row.base
        return min(key for key, base in left.items() if base > 0)

    def _add(self, order, line, rows, since):
        more = order.get_base(line) - sum(r.base for r in rows if r.kind == "accrual")
        if more <= 0 or order.payer.agent.state != "active":
            return
        month, free_on = self._get_times(order)
        free_on = max(free_on, since + timedelta(HOLD + 1))
        amount = to_cents(self._get_amount(order, line, more, month))
        self._post(order, line, "accrual", more, amount, month, free_on)

    def _get_times(self, order):
        return order.day.replace(day=1), order.day + timedelta(HOLD + 1)

    def _get_amount(self, order, line, base, month):
        """Return the commission: each cent of volume has the rate of its place."""
        if line.own_rate:
            return Fraction(base * self.own_rate, 100)
        agent = order.payer.agent
        mine = (r.base for r in self.rows if r.agent is agent and r.month == month)
        before = sum(mine)
        total = Fraction(0)
        starts = [start for start, _percent in self.brackets] + [10**12]
        for (start, percent), end in zip(self.brackets, starts[1:], strict=True):
            part = min(before + base, end) - max(before, start)
            total += max(0, part) * Fraction(percent, 100)
        return total

    def _post(self, order, line, kind, base, amount, month, free_on):
        agent = order.payer.agent
        self.rows.append(Row(agent, line, kind, base, amount, month, free_on))

    # === SETTLING === #

    def settle(self, agents, month):
        """Settle a month that is over, with agents who have none of it yet."""
        for agent in agents:
            mine = [r for r in self.rows if r.agent is agent and not r.settled]
            due = agent.state == "active" or mine or agent.carried > 0
            if agent.settled < month and due:
                self._settle(agent, month, mine)

    def _settle(self, agent, month, mine):
        free = [row for row in mine if row.free_on <= last_day(month)]
        held = sum(row.amount for row in mine if row not in free)
        sums = {
            kind: sum(row.amount for row in free if row.kind == kind)
            for kind in ("accrual", "reversal")
        }
        total = agent.carried + sum(sums.values())
        minimum = 0 if agent.state == "alumnus" and not held else self.minimum
        billed = total if total > 0 and total >= minimum else 0
        agent.statements.append(
            (month, agent.carried, sums["accrual"], sums["reversal"], billed, held)
        )
        agent.carried, agent.settled = total - billed, month
        for row in free:
            row.settled = month
