from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..tools import offers

_LINES = st.lists(
    st.tuples(st.integers(1, 10**7), st.sampled_from([1, 50, 75, 100, 150, 300])),
    min_size=1,
    max_size=30,
)


@tagged("post_install", "-at_install")
class TestOfferTools(BaseCase):
    def _share(self, lines, floor, width, part):
        """Return (values, pulls, ceiling, budget, target, bound, shares)."""
        ceiling = min(90, floor + width)
        values = [value for value, _weight in lines]
        pulls = [value * weight for value, weight in lines]
        budget = int(sum(values) * part)
        total = sum(values)
        target, bound = offers.get_target(total, budget, floor, ceiling)
        shares = offers.share(values, pulls, budget, floor, ceiling)
        return values, pulls, ceiling, budget, target, bound, shares

    @settings(max_examples=400, deadline=None)
    @given(_LINES, st.integers(1, 40), st.integers(0, 60), st.fractions(0, 1))
    def test_the_sum_is_exact_and_each_line_in_its_bounds(
        self, lines, floor, width, part
    ):
        values, _pulls, ceiling, budget, target, bound, shares = self._share(
            lines, floor, width, part
        )
        self.assertEqual(sum(cents for _depth, cents in shares), target)
        for value, (tenths, cents) in zip(values, shares, strict=True):
            self.assertTrue(10 * floor <= tenths <= 10 * ceiling)
            self.assertTrue(value * floor // 100 <= cents <= -(-value * ceiling // 100))
        if not bound:
            self.assertEqual(target, budget)
        elif bound == "floor":
            self.assertGreater(target, budget)
            self.assertEqual({tenths for tenths, _cents in shares}, {10 * floor})
        else:
            self.assertLess(target, budget)
            self.assertLess(sum(values) * ceiling - 100 * target, 100)

    @settings(max_examples=300, deadline=None)
    @given(_LINES, st.integers(1, 40), st.integers(0, 60), st.fractions(0, 1))
    def test_one_factor_for_all(self, lines, floor, width, part):
        """The definition itself, and no line gets less for pulling more."""
        values, pulls, ceiling, budget, target, bound, shares = self._share(
            lines, floor, width, part
        )
        if not bound:
            factor = offers.get_factor(values, pulls, budget, floor, ceiling)
            depths = [min(max(factor * pull, floor), ceiling) for pull in pulls]
            cost = sum(v * d for v, d in zip(values, depths, strict=True))
            self.assertEqual(cost, 100 * target)
        ordered = sorted(zip(pulls, shares, strict=True))
        depths = [tenths for _pull, (tenths, _cents) in ordered]
        self.assertEqual(depths, sorted(depths))

    def test_known_answer(self):
        """Two lines within the bounds: depth 1 : 2, and 100×10 % + 200×20 % = 50."""
        shares = offers.share([10000, 20000], [10000, 20000], 5000, 5, 30)
        self.assertEqual(shares, [(100, 1000), (200, 4000)])

    def test_the_odd_cent_goes_to_the_largest_remainder(self):
        shares = offers.share([101, 109, 101], [100] * 3, 31, 1, 50)
        self.assertEqual([cents for _depth, cents in shares], [10, 11, 10])
