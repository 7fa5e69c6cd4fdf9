"""RFM scores and groups: the one table that Python, SQL and the tests read.

A score is 1 (worst) to 5 (best), by quintile; equal values get equal scores.
Frequency and money: 1 + the number of cuts that the value exceeds, so where most
customers have a single order they are the worst, not the middle. Recency: 5 - the
number of cuts, counted from the latest, that the last order is older than, so
where most customers ordered today they are the best.
"""

#: Shares of customers at which a score rises by one.
QUINTILES = (0.2, 0.4, 0.6, 0.8)

#: The eleven groups, best first: key and English name.
GROUPS = [
    ("champion", "Champions"),
    ("loyal", "Loyal customers"),
    ("potential", "Potential loyalists"),
    ("new", "New customers"),
    ("promising", "Promising"),
    ("attention", "Need attention"),
    ("sleepy", "About to sleep"),
    ("risk", "At risk"),
    ("cannot_lose", "Cannot lose them"),
    ("hibernating", "Hibernating"),
    ("lost", "Lost customers"),
]

#: Recency score 1..5 (rows) by frequency-money score 1..5 (columns). The eleven
#: names are Putler's (2017); its published ranges overlap, this grid partitions.
GRID = [
    ["lost", "lost", "risk", "risk", "cannot_lose"],
    ["hibernating", "hibernating", "risk", "risk", "cannot_lose"],
    ["sleepy", "sleepy", "attention", "loyal", "loyal"],
    ["promising", "potential", "potential", "loyal", "loyal"],
    ["new", "potential", "potential", "champion", "champion"],
]


def group(recency, frequency, money):
    """Return the RFM group of three scores (integers 1 to 5).

    Frequency and money count as one score, their mean rounded up.
    """
    return GRID[recency - 1][(frequency + money + 1) // 2 - 1]
