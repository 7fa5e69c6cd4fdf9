"""How memberships must live, in plain Python, and random histories of customers.

Written from DESIGN.md ("Tiers") and the docstrings of rules and tiers, and kept apart
from tools/tiers.py and the SQL, which it judges. All figures are whole hundredths: an
amount of 1.00, one order and one month are 100 each. A tier's number is its place in
the ladder, from 1 on; 0 is no tier.
"""

import calendar
import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

DAY = timedelta(days=1)

#: What may happen to a customer between two nights, and how often.
CHANCES = {
    "buy": 10,
    "refund": 4,
    "withdraw_refund": 2,
    "cancel": 1,
    "pay": 1,
    "nothing": 4,
}


@dataclass(eq=False)
class Order:
    """An order, in the currency of its shop; a refund is dated as the order."""

    key: str
    placed: datetime
    paid: int
    rate: str
    state: str
    branch: bool = False
    contact: bool = False
    earns: bool = True
    refunded: int = 0
    #: (day, points): the award, and what was taken back or given again.
    awards: list = field(default_factory=list)

    @property
    def net(self):
        """Net revenue in the currency of the company."""
        if self.state != "paid":
            return 0
        exact = Decimal(self.paid - self.refunded) / Decimal(self.rate)
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))

    @property
    def points(self):
        """Points that the order has earned, whenever they come."""
        return sum(points for _day, points in self.awards)


@dataclass(frozen=True)
class Condition:
    """A measure over a window reaches a threshold."""

    measure: str
    window: str
    months: int
    threshold: int


@dataclass(frozen=True)
class Tier:
    """A tier; its rules are alternatives, each a tuple of conditions."""

    entry: tuple
    keep: tuple = ()
    validity: int = 12
    rounding: str = "day"
    grace: int = 0
    warn: int = 0
    one_step: bool = True

    def get_end(self, start):
        """Return the last day for who gets the tier on a day; None: for ever."""
        if not self.validity:
            return None
        last = start + relativedelta(months=self.validity)
        if self.rounding == "year":
            return date(last.year, 12, 31)
        if self.rounding == "month":
            return last.replace(day=calendar.monthrange(last.year, last.month)[1])
        return last


@dataclass(frozen=True)
class Span:
    """The days that count: windows end on ``as_of``, purchases count until ``last``."""

    as_of: date
    last: date
    entered: date | None = None

    def get_first(self, condition):
        """Return the first day of a condition's window."""
        if condition.window == "rolling":
            return self.as_of - relativedelta(months=condition.months) + DAY
        if condition.window == "year":
            return date(self.as_of.year, 1, 1)
        return self.entered or date.min

    def covers(self, condition, day):
        """Tell if a purchase of that day counts."""
        return self.get_first(condition) <= day <= self.last


@dataclass
class Member:
    """A customer's membership in a company."""

    company: int
    tier: int
    joined_on: date
    since: date
    period_start: date
    valid_until: date | None
    pinned_until: date | None = None
    undo_on: date | None = None
    warned_for: date | None = None
    #: All net spend on the day of an upgrade by the rules.
    spent: int | None = None
    former: int = 0


@dataclass
class Company:
    """A company and its ladder; the lowest tier is the first."""

    number: int
    tz: str
    tiers: list = field(default_factory=list)

    def get_day(self, moment):
        """Return the day of business of a moment."""
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self.tz)).date()

    def decide(self, customer, now):
        """Return what a customer's figures say is to be done, or None."""
        member = customer.member
        if member and member.company != self.number:
            return None
        return Night(self, customer, self.get_day(now)).decide()

    def settle(self, customer, now):
        """Do what a customer's figures say; return what was done, or None."""
        action = self.decide(customer, now)
        if action:
            getattr(Night(self, customer, self.get_day(now)), action)()
        return action

    def override(self, customer, number, now, pinned_until=None):
        """Give a customer a tier by hand; 0 ends the membership."""
        today, old = self.get_day(now), customer.member
        if not number:
            if old:
                customer.left[old.company] = now
            customer.member = None
            return
        if old and old.company != self.number:
            old = None
        customer.member = Member(
            company=self.number,
            tier=number,
            joined_on=old.joined_on if old else today,
            since=old.since if old and old.tier == number else today,
            period_start=today,
            valid_until=pinned_until or self.tiers[number - 1].get_end(today),
            pinned_until=pinned_until,
            warned_for=old and old.warned_for,
        )


@dataclass
class Customer:
    """Who buys; orders by the number of the company."""

    orders: dict
    member: Member | None = None
    #: Company → when a membership there was ended by hand.
    left: dict = field(default_factory=dict)


class Night:
    """One customer, looked at on one day of one company."""

    def __init__(self, company, customer, today):
        self.tiers, self.company, self.customer = company.tiers, company, customer
        self.member, self.today = customer.member, today
        days = [(company.get_day(o.placed), o) for o in customer.orders[company.number]]
        self.orders = [(d, o) for d, o in days if d <= today and o.state == "paid"]
        #: The day from which a customer is, or would be, a member.
        kept = [day for day, order in self.orders if order.net > 0]
        self.joined_on = (
            self.member.joined_on if self.member else min(kept, default=None)
        )

    # === FIGURES === #

    def measure(self, condition, span):
        """Return the figure of a condition."""
        if condition.measure == "months":
            return self._count_months(span.as_of) * 100
        if condition.measure == "points":
            awards = [self._get_award(order) for _day, order in self.orders]
            return sum(p for day, p in awards if day and span.covers(condition, day))
        nets = [order.net for day, order in self.orders if span.covers(condition, day)]
        if condition.measure == "orders":
            return sum(net > 0 for net in nets) * 100
        return sum(nets)

    def holds(self, groups, span):
        """Tell if all conditions of one group hold; a border value does."""
        return any(
            all(self.measure(c, span) >= c.threshold for c in group) for group in groups
        )

    def _get_award(self, order):
        """Return the day of an order's award, and what is left of it."""
        posted = [(day, points) for day, points in order.awards if day <= self.today]
        if not posted:
            return None, 0
        return min(day for day, _points in posted), sum(
            points for _day, points in posted
        )

    def _count_months(self, day):
        if not self.joined_on:
            return 0
        months = 0
        while self.joined_on + relativedelta(months=months + 1) <= day:
            months += 1
        return months

    def _get_spend(self, last):
        return sum(order.net for day, order in self.orders if day <= last)

    # === DECISIONS === #

    @property
    def tier(self):
        """The tier that the member has."""
        return self.tiers[self.member.tier - 1]

    def get_target(self):
        """Return the highest tier whose rules of entry hold today."""
        if not self.joined_on or self._has_left():
            return 0
        entered = self.member and self.member.joined_on
        span = Span(self.today, self.today, entered)
        held = [n for n, t in enumerate(self.tiers, 1) if self.holds(t.entry, span)]
        return max(held, default=0)

    def _has_left(self):
        """Tell if a membership was ended by hand, and nothing bought after that day."""
        left = self.customer.left.get(self.company.number)
        if self.member or not left:
            return False
        kept = [day for day, order in self.orders if order.net > 0]
        return max(kept) <= self.company.get_day(left)

    def decide(self):
        """Return what is to be done today, or None."""
        member, target = self.member, self.get_target()
        if not member:
            return "join" if target else None
        if member.pinned_until and member.pinned_until >= self.today:
            return None
        if target > member.tier:
            return "upgrade"
        if member.valid_until and member.valid_until < self.today:
            return self._decide_at_end(target)
        if target < member.tier and self._is_refunded():
            return self._decide_after_refund()
        if member.undo_on:
            return "clear"
        return "warn" if self._is_warning_due() else None

    def _decide_at_end(self, target):
        if target == self.member.tier or self._is_kept():
            return "renew"
        last = self.member.valid_until + timedelta(days=self.tier.grace)
        return "downgrade" if last < self.today else None

    def _is_kept(self):
        """Tell if the rules to keep hold at the end; what came later counts, too."""
        span = Span(self.member.valid_until, self.today, self.member.period_start)
        return self.holds(self.tier.keep + self.tier.entry, span)

    def _is_refunded(self):
        """Tell if a refund took back what an upgrade was given for."""
        member = self.member
        if member.spent is None or self._get_spend(member.since) >= member.spent:
            return False
        span = Span(member.since, member.since, member.joined_on)
        return not self.holds(self.tier.entry, span)

    def _decide_after_refund(self):
        if not self.tier.grace:
            return "undo"
        if not self.member.undo_on:
            return "doubt"
        return "undo" if self.member.undo_on < self.today else None

    def _is_warning_due(self):
        member = self.member
        if not member.valid_until or not self.tier.warn or self._is_kept():
            return False
        first = member.valid_until - timedelta(days=self.tier.warn)
        return first <= self.today and member.warned_for != member.valid_until

    # === WHAT IS DONE === #

    def _give(self, number, **values):
        """Give another tier from today on."""
        if not number:
            self.customer.member = None
            return
        old = self.member
        self.customer.member = Member(
            company=self.company.number,
            tier=number,
            joined_on=self.joined_on,
            since=self.today,
            period_start=self.today,
            valid_until=self.tiers[number - 1].get_end(self.today),
            warned_for=old and old.warned_for,
            **values,
        )

    def join(self):
        self._give(self.get_target(), spent=self._get_spend(self.today))

    def upgrade(self):
        spent = self._get_spend(self.today)
        self._give(self.get_target(), spent=spent, former=self.member.tier)

    def downgrade(self):
        lower = self.member.tier - 1 if self.tier.one_step else self.get_target()
        self._give(lower)

    def undo(self):
        self._give(max(self.get_target(), self.member.former))

    def renew(self):
        member = self.member
        start, end = member.valid_until + DAY, self.tier.get_end(member.valid_until)
        if end and end < self.today:
            start, end = self.today, self.tier.get_end(self.today)
        member.period_start, member.valid_until = start, end
        member.pinned_until = member.undo_on = member.spent = None

    def doubt(self):
        self.member.undo_on = self.today + timedelta(days=self.tier.grace)

    def clear(self):
        self.member.undo_on = None

    def warn(self):
        self.member.warned_for = self.member.valid_until


# === RANDOM HISTORIES === #


class History:
    """What a customer does; a seed and a number always give the same."""

    def __init__(self, seed, number, companies):
        self.random = random.Random(f"{seed}:{number}")
        self.number, self.companies = number, companies
        #: Most buy from one company, a few from all.
        self.shops = [companies[number % len(companies)]]
        if self.random.random() < 0.1:
            self.shops = companies
        self.customer = Customer({company.number: [] for company in companies})
        self.log, self.count = [], 0

    def live(self, previous, now):
        """Let the time until a night pass; return the orders that changed."""
        changed = []
        for _turn in range(self.random.choice((0, 1, 1, 2))):
            [what] = self.random.choices(list(CHANCES), CHANCES.values())
            company = self.random.choice(self.shops)
            orders = self.customer.orders[company.number]
            today = company.get_day(now)
            if order := getattr(self, f"_{what}")(orders, company, previous, now):
                self.log.append(f"{today} {company.number} {what} {order}")
                changed.append((company.number, order, self._post(order, today)))
        return changed

    def _post(self, order, today):
        """Note and return what an order wins or loses: (place, day, points)."""
        points = order.net - order.points if order.earns else 0
        if not points:
            return None
        if not order.awards:
            today = max(today, order.placed.date() + DAY)
            today += timedelta(days=self.random.choice((0, 0, 0, 7)))
        order.awards.append((max([today, *(d for d, _p in order.awards)]), points))
        return (len(order.awards), *order.awards[-1])

    def _choose(self, orders, accept):
        found = [order for order in orders if accept(order)]
        return self.random.choice(found) if found else None

    def _nothing(self, orders, company, previous, now):
        return None

    def _buy(self, orders, company, previous, now):
        """Buy since the last night; now and then it is known late, or too early."""
        self.count += 1
        seconds = self.random.randint(1, int((now - previous).total_seconds()))
        placed = now - timedelta(seconds=seconds)
        if self.random.random() < 0.15:
            placed = now + timedelta(days=self.random.randint(-400, 40))
        order = Order(
            key=f"{self.number}:{self.count}",
            placed=placed.replace(microsecond=0),
            paid=self.random.choice((5000, 10000, 10000, 20000, 30000))
            + self.random.choice((-1, 0, 0, 0, 1)),
            rate=self.random.choice(("1", "1", "2", "7.13")),
            state=self.random.choices(("paid", "pending"), (9, 1))[0],
            branch=self.random.random() < 0.2,
            contact=self.random.random() < 0.2,
            earns=self.random.random() < 0.8,
        )
        orders.append(order)
        return order

    def _refund(self, orders, company, previous, now):
        order = self._choose(orders, lambda o: o.net > 0)
        if order:
            left = order.paid - order.refunded
            part = self.random.choice((left, left, 1, min(left, 5000)))
            order.refunded += part
        return order

    def _withdraw_refund(self, orders, company, previous, now):
        order = self._choose(orders, lambda o: o.refunded)
        if order:
            order.refunded = 0
        return order

    def _cancel(self, orders, company, previous, now):
        order = self._choose(orders, lambda o: o.state == "paid")
        if order:
            order.state = "cancel"
        return order

    def _pay(self, orders, company, previous, now):
        order = self._choose(orders, lambda o: o.state == "pending")
        if order:
            order.state = "paid"
        return order


def draw_tiers(rng):
    """Return a random ladder of two to four tiers."""
    return [_draw_tier(rng, number) for number in range(1, rng.randint(2, 4) + 1)]


def _draw_tier(rng, number):
    has_keep = rng.random() < 0.6
    return Tier(
        entry=_draw_groups(rng, number),
        keep=_draw_groups(rng, number - 0.5) if has_keep else (),
        validity=rng.choice((0, 1, 1, 3, 3, 12)),
        rounding=rng.choice(("day", "month", "year")),
        grace=rng.choice((0, 10, 30)),
        warn=rng.choice((0, 10, 30, 30)),
        one_step=rng.random() < 0.5,
    )


def _draw_groups(rng, level):
    return tuple(
        tuple(_draw_condition(rng, level) for _part in range(rng.choice((1, 1, 1, 2))))
        for _group in range(rng.choice((1, 1, 2)))
    )


def _draw_condition(rng, level):
    measure = rng.choice(("spend", "spend", "orders", "points", "months"))
    if measure in ("orders", "months"):
        threshold = int(level + rng.choice((0, 1))) * 100
        threshold *= 3 if measure == "months" else 1
    else:
        threshold = int(level * 10000) + rng.choice((-1, 0, 0, 0, 1))
    return Condition(
        measure=measure,
        window=rng.choice(("rolling", "rolling", "year", "entry")),
        months=rng.choice((1, 2, 3, 6, 12, 13)),
        threshold=threshold if rng.random() < 0.95 else 0,
    )


def draw_clocks(rng, count, start):
    """Return moments that jump over month ends, leap days and changes of the year."""
    clocks = [start]
    while len(clocks) < count:
        clocks.append(_draw_clock(rng, clocks[-1]))
    return clocks


def _draw_clock(rng, previous):
    """Return a moment after another, often in the hours around midnight."""
    day = previous.date() + DAY
    borders = [date(day.year, 2, 28), date(day.year, 3, 1), date(day.year, 12, 31)]
    borders += [date(day.year + 1, 1, 1), day.replace(day=1) + relativedelta(months=1)]
    if calendar.isleap(day.year):
        borders.append(date(day.year, 2, 29))
    jumps = [day + timedelta(days=d) for d in (0, 0, 8, 9, 10, 11, 29, 30, 31, 32, 91)]
    day = rng.choice([*(border for border in borders if border > day), *jumps])
    hour = rng.choice((3, 4, 5, 15, 16, 17, 23))
    return datetime(day.year, day.month, day.day, hour, rng.choice((0, 59)))
