"""The calendar of a membership, and how far a member is from a tier.

Dates are days of the business; all bounds include their day.
"""

from dataclasses import dataclass
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from .ledger import month_end


@dataclass(frozen=True)
class Condition:
    """One line of a tier's rules: a measure over a window reaches a threshold.

    ``months`` is the length of a rolling window.
    """

    rule_id: int
    measure: str
    window: str
    months: int
    threshold: float

    @property
    def spec(self):
        """What is measured: conditions may share it."""
        return (self.measure, self.window, self.months)


@dataclass(frozen=True)
class Step:
    """A tier of a company's ladder; groups are tuples of conditions."""

    id: int
    entry: tuple
    keep: tuple
    grace_days: int
    warn_days: int
    one_step: bool

    @property
    def keeping(self):
        """The groups that keep the tier: who could enter anew keeps it, too."""
        return self.keep + self.entry


def get_end(start, months, rounding):
    """Return the last day of a tier that is given on a day; None: it never ends.

    Months later, that day: orders of the first day gave the tier, and the same number
    of last months that keep it begin on the day after.

    :param int months: validity; 0 is without end
    :param str rounding: "day", or "month" or "year" whose end is waited for
    """
    if not months:
        return None
    last = start + relativedelta(months=months)
    if rounding == "year":
        return last.replace(month=12, day=31)
    return month_end(last) if rounding == "month" else last


def renew(end, today, months, rounding):
    """Return the first and the last day of the period that follows an end.

    A job that stood still for longer than a period starts the new one today.
    """
    last = get_end(end, months, rounding)
    if last and last < today:
        return today, get_end(today, months, rounding)
    return end + timedelta(days=1), last


def get_share(conditions, values):
    """Return how much of a group is reached, from 0 to 1.

    :param values: spec → what was measured
    """
    shares = [
        min(1, max(0, float(values[c.spec])) / c.threshold) if c.threshold else 1
        for c in conditions
    ]
    return sum(shares) / len(shares)


def get_missing(conditions, values):
    """Return [(condition, how much is missing)] of those that do not hold yet."""
    lacks = ((c, c.threshold - float(values[c.spec])) for c in conditions)
    return [(c, lack) for c, lack in lacks if lack > 0]


def get_nearest(groups, values):
    """Return the group of conditions of which most is reached."""
    return max(groups, key=lambda group: get_share(group, values))
