"""What a comparison of two groups drawn by chance shows, from sums alone.

A group is a `Sample`: its size and the sums of its values, their squares and their
cubes. PostgreSQL adds these up for a million persons; nothing here sees a person.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

LEVEL = 0.95
POWER = 0.80

#: Welch's test trusts the normal curve. Amounts of money are skewed, and where the
#: difference of the means is more so than this, chance is called an effect in up to 20
#: of 100 comparisons instead of in 5; below, in 4 to 7: see
#: `test_level_of_small_groups`. Cochran (Sampling Techniques, 1977, 2.15) is as strict:
#: n > 25 × skewness² is a skewness of the mean of 0.2.
SKEWED = 0.3
#: Below so many persons who bought, the skewness itself cannot be told.
BUYERS = 30


class Sample(NamedTuple):
    """The size of a group and the sums of a value's powers over its persons."""

    size: int = 0
    total: float = 0.0
    squares: float = 0.0
    cubes: float = 0.0

    @classmethod
    def of(cls, values):
        """Return the sample of values, one a person."""
        values = list(values)
        sums = (sum(value**power for value in values) for power in (1, 2, 3))
        return cls(len(values), *sums)

    def join(self, other):
        """Return the sample of two groups together."""
        return Sample(*(a + b for a, b in zip(self, other, strict=True)))

    def resize(self, size):
        """Return a sample of so many persons of the same kind."""
        factor = size / self.size if self.size else 0
        return Sample(size, *(power * factor for power in self[1:]))

    @property
    def mean(self):
        """The value of a person, on average."""
        return self.total / self.size if self.size else 0.0

    @property
    def variance(self):
        """The variance, by the unbiased estimator."""
        if self.size < 2:
            return 0.0
        return max(self.squares - self.total * self.mean, 0.0) / (self.size - 1)

    @property
    def third(self):
        """The third central moment: above zero where a few are far above the rest."""
        if not self.size:
            return 0.0
        mean = self.mean
        return (self.cubes - 3 * mean * self.squares) / self.size + 2 * mean**3


class Figures(NamedTuple):
    """What a group bought: 1 for each person who did, orders, revenue, margin."""

    buyers: Sample = Sample()
    orders: Sample = Sample()
    revenue: Sample = Sample()
    margin: Sample = Sample()

    def join(self, other):
        """Return the figures of two groups together."""
        return Figures(*(a.join(b) for a, b in zip(self, other, strict=True)))


class Comparison(NamedTuple):
    """How much more a person of one group has than one of the other.

    ``low`` and ``high`` bound the truth in 95 of 100 cases; ``p`` is how often chance
    alone would make a difference as large. All zero but p where nothing varies.
    """

    difference: float
    low: float
    high: float
    p: float
    judgeable: bool

    @property
    def significant(self):
        """Whether chance is an unlikely cause: below 5 % where it can be judged."""
        return self.judgeable and self.p < 1 - LEVEL


def compare(treated, control):
    """Return measure → Comparison of the figures of two groups."""
    means = {
        measure: compare_means(getattr(treated, measure), getattr(control, measure))
        for measure in ("revenue", "margin", "orders")
    }
    enough = min(treated.buyers.total, control.buyers.total) >= BUYERS
    return {
        **{
            measure: mean._replace(judgeable=mean.judgeable and enough)
            for measure, mean in means.items()
        },
        "buyers": compare_shares(treated.buyers, control.buyers),
    }


def compare_means(treated, control):
    """Compare two groups by Welch's t test.

    The standard error is √(s₁²/n₁ + s₂²/n₂), and its degrees of freedom are those of
    Satterthwaite: (w₁ + w₂)² / (w₁²/(n₁ − 1) + w₂²/(n₂ − 1)), w = s²/n.
    Source: B. L. Welch, Biometrika 34 (1947), 28–35.
    """
    difference = treated.mean - control.mean
    if min(treated.size, control.size) < 2:
        return Comparison(difference, difference, difference, 1.0, False)
    parts = [group.variance / group.size for group in (treated, control)]
    error = math.sqrt(sum(parts))
    if not error:
        return Comparison(difference, difference, difference, 1.0, False)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (group.size - 1)
        for part, group in zip(parts, (treated, control), strict=True)
    )
    margin = student_quantile((1 + LEVEL) / 2, freedom) * error
    p = 2 * (1 - student_cdf(abs(difference) / error, freedom))
    fair = abs(get_skewness(treated, control)) <= SKEWED
    return Comparison(difference, difference - margin, difference + margin, p, fair)


def compare_shares(treated, control):
    """Compare the shares of two groups of zeros and ones.

    One hit and one miss are added to each group before the usual interval, which then
    holds its level from small groups on; the p-value is of the same statistic.
    Source: A. Agresti, B. Caffo, The American Statistician 54 (2000), 280–288.
    """
    shares = [(g.total + 1) / (g.size + 2) for g in (treated, control)]
    sizes = [g.size + 2 for g in (treated, control)]
    error = math.sqrt(sum(p * (1 - p) / n for p, n in zip(shares, sizes, strict=True)))
    middle = shares[0] - shares[1]
    margin = NormalDist().inv_cdf((1 + LEVEL) / 2) * error
    p = 2 * NormalDist().cdf(-abs(middle) / error)
    difference = treated.mean - control.mean
    fair = min(treated.size, control.size) >= BUYERS
    return Comparison(difference, middle - margin, middle + margin, p, fair)


def get_skewness(treated, control):
    """Return the skewness of the difference of two means, for values of one shape.

    That is γ (1/n₁² − 1/n₂²) / (1/n₁ + 1/n₂)^1.5, where γ is the skewness of all
    persons together: that of a small group depends on whether a large customer is in
    it, as its mean does, so that lucky groups would be judged and others not.
    Groups of one size cancel out; a small one against a large one does not.
    """
    both = treated.join(control)
    if not both.variance:
        return 0.0
    ones, twos = 1 / treated.size, 1 / control.size
    shape = both.third / both.variance**1.5
    return shape * (ones**2 - twos**2) / (ones + twos) ** 1.5


def is_judgeable(treated, control):
    """Tell of the figures of two groups whether their revenue could be compared."""
    return compare(treated, control)["revenue"].judgeable


def get_smallest_effect(treated, control, deviation):
    """Return the smallest difference of means that groups of two sizes can show.

    A true one of (z₀.₉₇₅ + z₀.₈₀) × s × √(1/n₁ + 1/n₂) turns out significant in four
    of five cases. Source: J. Cohen, Statistical Power Analysis (1988), 2.

    :param int treated, control: sizes of the groups, above zero
    :param float deviation: the standard deviation of a person's value
    """
    normal = NormalDist()
    factor = normal.inv_cdf((1 + LEVEL) / 2) + normal.inv_cdf(POWER)
    return factor * deviation * math.sqrt(1 / treated + 1 / control)


# === STUDENT'S T === #


def student_cdf(t, freedom):
    """Return P(T ≤ t): 1 − I(ν/(ν + t²); ν/2, ½) / 2 for t ≥ 0."""
    tail = _beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return 1 - tail if t > 0 else tail


def student_quantile(p, freedom):
    """Return the t of which P(T ≤ t) = p, for p above one half.

    Newton's steps from the normal quantile, which is below: the distribution function
    is concave there, so that no step goes too far.
    """
    t = NormalDist().inv_cdf(p)
    for _step in range(100):
        step = (p - student_cdf(t, freedom)) / _student_density(t, freedom)
        t += step
        if abs(step) < 1e-10 * t:
            break
    return t


def _student_density(t, freedom):
    log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    log -= (freedom + 1) / 2 * math.log1p(t * t / freedom)
    return math.exp(log) / math.sqrt(freedom * math.pi)


def _beta(x, a, b):
    """Return the regularised incomplete beta function I(x; a, b).

    By its continued fraction, which converges fast for x < (a + 1)/(a + b + 2); else
    by symmetry. Source: NIST Digital Library of Mathematical Functions, 8.17.22.
    """
    if x in (0, 1):
        return float(x)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log += a * math.log(x) + b * math.log1p(-x)
    return math.exp(log) / a / _get_fraction(x, a, b)


def _get_fraction(x, a, b):
    """Return 1 + d₁/(1 + d₂/(1 + …)) by the method of Lentz."""
    value = upper = 1.0
    lower = 0.0
    for n in range(1, 10_000):
        m, odd = divmod(n, 2)
        if odd:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / (1 + d * lower)
        upper = 1 + d / upper
        value *= lower * upper
        if abs(lower * upper - 1) < 1e-15:
            break
    return value
