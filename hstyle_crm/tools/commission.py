"""The arithmetic of commission: decimals, rounded once to the smallest coin."""

from decimal import ROUND_HALF_UP, Decimal

#: No agent gets more, in percent of what the friend paid, whatever the rate says.
MOST = Decimal(50)
CENT = Decimal("0.01")


def exact(number):
    """Return a number as the decimal that its digits show."""
    return Decimal(str(number or 0))


def to_coins(amount, coin=CENT):
    """Return an amount in whole coins; half a coin goes up."""
    # The host's floats may lie a hair beside the amount that they mean.
    amount = amount if isinstance(amount, Decimal) else exact(round(amount, 8))
    return (amount / coin).quantize(Decimal(1), ROUND_HALF_UP) * coin


def get_marginal(brackets, before, base):
    """Return what a base gives at rates by volume, unrounded.

    A bracket says only where it begins, and holds up to where the next one does: no
    amount falls between two. Each part of a base gives the percent of its own bracket,
    so that more volume never gives less.

    :param brackets: (from_amount, percent) of each, the first from 0; none give 0
    :param before: the volume before this base
    """
    first = max(before, Decimal(0))
    end = first + base
    total = Decimal(0)
    for start, percent in sorted(brackets, reverse=True):
        total += max(end - max(first, start), Decimal(0)) * percent
        end = min(end, start)
    return total / 100


def get_fixed(value, pieces, base):
    """Return what an amount per piece gives on pieces for which a base was paid."""
    return min(value * pieces, base * MOST / 100)


def get_target(accrued_base, accrued_amount, kept_base, coin=CENT):
    """Return what stays of an accrual when a part of its base is kept.

    Rounded here alone: however many refunds there are, the last one leaves nothing.
    """
    if not accrued_base:
        return Decimal(0)
    return to_coins(accrued_amount * kept_base / accrued_base, coin)
