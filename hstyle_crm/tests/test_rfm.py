from collections import Counter
from itertools import product

from odoo.tests import BaseCase, tagged

from ..tools import rfm


@tagged("post_install", "-at_install")
class TestRfm(BaseCase):
    def test_partition(self):
        """Each of the 125 score cells has one group, and no group is empty."""
        cells = Counter(rfm.group(*cell) for cell in product(range(1, 6), repeat=3))
        self.assertEqual(cells.total(), 125)
        self.assertEqual(cells.keys(), dict(rfm.GROUPS).keys())
        self.assertEqual(len(rfm.GROUPS), 11)

    def test_corners(self):
        self.assertEqual(rfm.group(5, 5, 5), "champion")
        self.assertEqual(rfm.group(5, 1, 1), "new")
        self.assertEqual(rfm.group(1, 5, 5), "cannot_lose")
        self.assertEqual(rfm.group(1, 1, 1), "lost")

    def test_mean_is_rounded_up(self):
        self.assertEqual(rfm.group(5, 3, 4), "champion")
        self.assertEqual(rfm.group(5, 3, 3), "potential")
