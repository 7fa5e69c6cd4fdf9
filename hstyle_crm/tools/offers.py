"""How a budget becomes offers: in proportion to value, within bounds, to the cent.

A line has a value v, what the customer is expected to spend in cents, and a pull
u = v × weight. Its depth in percent is min(max(k·u, floor), ceiling) with one factor k
for all lines; it costs v × depth / 100. The sum of the costs grows with k and is linear
between the points at which a line leaves the floor or reaches the ceiling. So k is a
fraction that is found exactly, in one walk along these points, without any search.

Cents are rounded by largest remainder (Hamilton), the earlier line first where equal.

All numbers are integers: cents, hundredths of a weight, percent. The run does the same
in SQL (`hstyle.offer.allocation`), and its test compares the two.
"""

from fractions import Fraction


def get_target(total, budget, floor, ceiling):
    """Return what to plan in cents, and the bound in the way of the budget or "".

    :param total: sum of all values
    """
    least, most = -(-total * floor // 100), total * ceiling // 100
    if budget < least:
        return least, "floor"
    if budget > most:
        return most, "ceiling"
    return budget, ""


def get_goal(total, budget, floor, ceiling):
    """Return what the lines cost before cents are rounded, in hundredths of a cent."""
    return min(max(100 * budget, total * floor), total * ceiling)


def get_factor(values, pulls, budget, floor, ceiling):
    """Return k, for which the lines cost the budget, or as near as the bounds let them.

    A line leaves the floor at k = floor / u and reaches the ceiling at ceiling / u.
    Both are floor × ceiling / key: the keys are integers, and k grows as they fall.
    """
    goal = get_goal(sum(values), budget, floor, ceiling)
    changes = []
    for value, pull in zip(values, pulls, strict=True):
        changes.append((pull * ceiling, -floor * value, value * pull))
        changes.append((pull * floor, ceiling * value, -value * pull))
    constant, slope, factor = floor * sum(values), 0, Fraction(0)
    for key, constant_change, slope_change in sorted(changes, reverse=True):
        if constant * key + slope * floor * ceiling > goal * key:
            break
        constant, slope = constant + constant_change, slope + slope_change
        factor = Fraction(floor * ceiling, key)
    return Fraction(goal - constant, slope) if slope else factor


def share(values, pulls, budget, floor, ceiling):
    """Return (depth in tenths of a percent, cents) of each line; see above."""
    target, _bound = get_target(sum(values), budget, floor, ceiling)
    factor = get_factor(values, pulls, budget, floor, ceiling)
    depths = [min(max(factor * pull, floor), ceiling) for pull in pulls]
    costs = [Fraction(v * depth, 100) for v, depth in zip(values, depths, strict=True)]
    cents = [int(cost) for cost in costs]
    places = range(len(costs))
    for place in sorted(places, key=lambda i: (cents[i] - costs[i], i))[
        : target - sum(cents)
    ]:
        cents[place] += 1
    return [
        ((20 * depth + 1) // 2, cent) for depth, cent in zip(depths, cents, strict=True)
    ]
