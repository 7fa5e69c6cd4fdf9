"""The statistics of campaigns, against tables, by simulation and to their limits."""

import random
from collections import Counter

from odoo.tests import BaseCase, tagged

from ..tools import hashing, proof
from ..tools.proof import Sample

#: A shop: of a hundred customers so many buy in the window, each for an amount whose
#: logarithm has this mean and deviation.
BUY, LOG_MEAN, LOG_DEVIATION = 0.35, 4.0, 0.7
CAMPAIGNS = 1000


def simulate(draw, size, buy=BUY, lift=1.0, deviation=LOG_DEVIATION):
    """Return the figures of a group of customers of the shop."""
    amounts = [
        lift * draw.lognormvariate(LOG_MEAN, deviation)
        for _customer in range(size)
        if draw.random() < buy
    ]
    revenue = Sample.of(amounts)._replace(size=size)
    buyers = Sample(size, *[len(amounts)] * 3)
    return proof.Figures(buyers, buyers, revenue, revenue)


def get_mean(buy=BUY, lift=1.0, deviation=LOG_DEVIATION):
    """Return the true mean of a customer of the shop."""
    return buy * lift * proof.math.exp(LOG_MEAN + deviation**2 / 2)


@tagged("post_install", "-at_install")
class TestProof(BaseCase):
    def test_student(self):
        """Against the tables of Fisher and Yates, and what R 4 prints."""
        for freedom, quantile in (
            (1, 12.706205),
            (4.5, 2.658912),
            (10, 2.228139),
            (30, 2.042272),
            (120, 1.979930),
            (1e7, 1.959964),
        ):
            found = proof.student_quantile(0.975, freedom)
            self.assertAlmostEqual(found, quantile, places=5, msg=freedom)
            self.assertAlmostEqual(proof.student_cdf(found, freedom), 0.975, places=9)
            self.assertAlmostEqual(proof.student_cdf(-found, freedom), 0.025, places=9)
        self.assertEqual(proof.student_cdf(0, 5), 0.5)

    def test_welch(self):
        """The example of Wikipedia's "Welch's t-test", with scipy's figures."""
        one = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6]
        two = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1]
        first, second = (
            Sample.of([*one, 19.0, 21.7, 21.4]),
            Sample.of([*two, 22.9, 20.5, 24.4]),
        )
        result = proof.compare_means(first, second)
        self.assertAlmostEqual(result.p, 0.021378001463, places=9)
        self.assertAlmostEqual(result.low, -3.984096267141, places=9)
        self.assertAlmostEqual(result.high, -0.349237066192, places=9)
        self.assertTrue(result.significant)
        back = proof.compare_means(second, first)
        self.assertAlmostEqual(back.low, -result.high)
        self.assertAlmostEqual(back.p, result.p)

    def test_samples_add_up(self):
        values = [0, 0, 3.5, 12, 7, 0, 1, 90]
        joined = Sample.of(values[:3]).join(Sample.of(values[3:]))
        self.assertEqual(joined, Sample.of(values))
        mean = sum(values) / 8
        self.assertAlmostEqual(joined.mean, mean)
        spread = sum((value - mean) ** 2 for value in values)
        self.assertAlmostEqual(joined.variance, spread / 7)
        third = sum((value - mean) ** 3 for value in values) / 8
        self.assertAlmostEqual(joined.third, third, places=6)
        twice = Sample.of(values * 2)
        self.assertEqual(joined.resize(16), twice)

    def test_empty_groups(self):
        """Nobody, one person, or nobody who bought: no proof, and no error."""
        buyers, some = Sample.of([0, 1] * 40), Sample.of([0, 2, 0, 4] * 20)
        for other in (Sample(), Sample.of([1]), Sample.of([0] * 50)):
            results = proof.compare(
                proof.Figures(buyers, buyers, some, some), proof.Figures(*[other] * 4)
            )
            self.assertFalse(results["revenue"].significant)
            for result in results.values():
                self.assertLessEqual(result.low, result.high)
        nothing = Sample.of([0] * 40)
        self.assertFalse(proof.compare_means(nothing, nothing).significant)
        self.assertFalse(proof.compare_shares(nothing, nothing).significant)

    def test_nothing_is_found_where_nothing_is(self):
        """1,000 campaigns without an effect: 3.5 to 6.5 % are called significant."""
        draw, found = random.Random(20260101), Counter()
        for _campaign in range(CAMPAIGNS):
            results = proof.compare(simulate(draw, 3400), simulate(draw, 600))
            found.update(name for name, r in results.items() if r.significant)
            found["judgeable"] += results["revenue"].judgeable
        self.assertGreater(found["judgeable"], 0.98 * CAMPAIGNS)
        for measure in ("revenue", "margin", "orders", "buyers"):
            share = found[measure] / CAMPAIGNS
            self.assertTrue(0.035 <= share <= 0.065, (measure, share))

    def test_intervals_hold_the_truth(self):
        """1,000 campaigns with an effect: 93.5 to 96.5 % of the intervals hold it."""
        draw, held = random.Random(20260102), Counter()
        truth = {
            "revenue": get_mean(BUY * 1.1, 1.05) - get_mean(),
            "buyers": BUY * 0.1,
        }
        for _campaign in range(CAMPAIGNS):
            treated = simulate(draw, 3400, BUY * 1.1, 1.05)
            results = proof.compare(treated, simulate(draw, 600))
            held.update(
                name
                for name, value in truth.items()
                if results[name].low <= value <= results[name].high
            )
        for measure in truth:
            share = held[measure] / CAMPAIGNS
            self.assertTrue(0.935 <= share <= 0.965, (measure, share))

    def test_smallest_effect(self):
        """An effect of the printed size is found in about four of five campaigns."""
        draw, sizes = random.Random(20260103), (3400, 600)
        past = simulate(draw, 40_000).revenue
        effect = proof.get_smallest_effect(*sizes, past.variance**0.5)
        lift = 1 + effect / get_mean()
        found = sum(
            proof.compare(
                simulate(draw, sizes[0], lift=lift), simulate(draw, sizes[1])
            )["revenue"].significant
            for _campaign in range(300)
        )
        self.assertTrue(0.70 <= found / 300 <= 0.88, found)

    def test_level_of_small_groups(self):
        """Where Welch would err more often than said, we do not judge.

        A control group of 60 takes chance for an effect in about one of ten campaigns;
        those that are called judgeable keep their word, all sizes taken together.
        """
        draw, tried, wrong, judged = random.Random(20260104), 0, 0, Counter()
        for size in (60, 120, 250, 500):
            for _campaign in range(300):
                treated = simulate(draw, 9 * size, deviation=1.0)
                control = simulate(draw, size, deviation=1.0)
                plain = proof.compare_means(treated.revenue, control.revenue)
                result = proof.compare(treated, control)["revenue"]
                tried += size == 60
                wrong += size == 60 and plain.p < 0.05
                judged[size] += result.judgeable
                judged["wrong"] += result.significant
        self.assertGreater(wrong / tried, 0.065)
        self.assertLess(judged[60], 0.05 * 300)
        self.assertGreater(judged[500], 0.6 * 300)
        sizes = sum(count for size, count in judged.items() if size != "wrong")
        self.assertLess(judged["wrong"] / sizes, 0.075)


@tagged("post_install", "-at_install")
class TestHashing(BaseCase):
    def test_draws_are_even_and_independent(self):
        people = range(1, 40_001)
        one = [hashing.draw("one", person) for person in people]
        two = [hashing.draw("two", person) for person in people]
        tenths = Counter(draw * 10 // hashing.RANGE for draw in one)
        for tenth in range(10):
            # Four standard deviations of 4,000 expected.
            self.assertAlmostEqual(tenths[tenth], 4000, delta=240)
        both = sum(a < 1000 and b < 1000 for a, b in zip(one, two, strict=True))
        self.assertAlmostEqual(both, 400, delta=80)
        self.assertEqual((min(one), max(one)), (0, hashing.RANGE - 1))

    def test_known_draws(self):
        """They are the same in every version: people stay where they were drawn."""
        known = [hashing.draw("campaign", person) for person in (1, 2, 3)]
        self.assertEqual(known, [596, 3301, 2463])
