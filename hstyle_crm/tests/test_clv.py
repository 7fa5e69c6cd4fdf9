import numpy as np
from scipy.special import betaln

from odoo.tests import BaseCase, tagged

from ..tools import clv

WORLD = clv.Purchases(r=0.6, alpha=6.0, a=0.9, b=2.6)
PRICES = clv.Spending(p=6.0, q=4.0, gamma=300.0)


def simulate(draw, count, world, weeks):
    """Return the weeks of the repeat orders of each customer, drawn from the model.

    :param draw: numpy's generator
    :param weeks: age of each customer
    """
    rates = draw.gamma(world.r, 1 / world.alpha, count)
    ends = draw.geometric(draw.beta(world.a, world.b, count).clip(1e-9))
    customers = []
    for rate, end, age in zip(rates, ends, weeks, strict=True):
        moments, moment = [], draw.exponential(1 / rate)
        while moment < age and len(moments) < end:
            moments.append(moment)
            moment += draw.exponential(1 / rate)
        customers.append(moments)
    return customers


def observe(customers):
    """Return x and t_x of simulated customers."""
    last = [moments[-1] if moments else 0.0 for moments in customers]
    return np.array([len(moments) for moments in customers], float), np.array(last)


def get_errors(model, x, t_x, age):
    """Return the standard errors of the parameters' logarithms, from the curvature."""
    names = ("r", "alpha", "a", "b")
    point = np.log([getattr(model, name) for name in names])

    def value(logs):
        world = clv.Purchases(**dict(zip(names, np.exp(logs), strict=True)))
        return world.get_likelihood(x, t_x, age)

    steps = np.eye(4) * 1e-3
    curvature = [
        [
            value(point + i + j)
            - value(point + i - j)
            - value(point - i + j)
            + value(point - i - j)
            for j in steps
        ]
        for i in steps
    ]
    return np.sqrt(np.diag(np.linalg.inv(-np.array(curvature) / 4e-6)))


def integrate(model, x, t_x, age, horizon):
    """Return the orders to expect, by an integral over the chance p to stop.

    The mean of (1 - (1 + p t / (alpha + T))^-(r + x)) / p over p ~ Beta(a, b + x): no
    hypergeometric function is in it.
    """
    s = np.linspace(-600, 600, 400_001)
    log_p, log_q = -np.logaddexp(0, -s), -np.logaddexp(0, s)
    share = np.exp(log_p) * horizon / (model.alpha + age)
    orders = -np.expm1(-(model.r + x) * np.log1p(share)) / np.exp(log_p)
    weight = np.exp(
        model.a * log_p + (model.b + x) * log_q - betaln(model.a, model.b + x)
    )
    return float((orders * weight).sum() * (s[1] - s[0]))


@tagged("post_install", "-at_install")
class TestClv(BaseCase):
    def test_known_worlds_are_found(self):
        """The fit recovers what the customers were drawn from."""
        for seed, world in enumerate((WORLD, clv.Purchases(1.5, 20.0, 0.4, 3.0))):
            draw = np.random.default_rng(seed)
            age = draw.uniform(10, 150, 8000)
            x, t_x = observe(simulate(draw, 8000, world, age))
            found = clv.fit_purchases(x, t_x, age, np.ones(8000))
            errors = get_errors(found, x, t_x, age)
            for (name, value), error in zip(vars(found).items(), errors, strict=True):
                away = abs(np.log(value / getattr(world, name)))
                self.assertLess(away, 3.5 * error, name)
                self.assertLess(error, 0.35, "and it is told apart from others")

    def test_expectation_comes_true(self):
        """What the model expects of a half year is what the simulated customers do."""
        draw = np.random.default_rng(5)
        count, age, horizon = 30_000, np.full(30_000, 60.0), 26.0
        whole = simulate(draw, count, WORLD, age + horizon)
        known = [[m for m in moments if m < 60] for moments in whole]
        x, t_x = observe(known)
        later = np.array([len(moments) for moments in whole]) - x
        expected = WORLD.get_expected(x, t_x, age, horizon)
        for group in (x == 0, x == 1, (x > 1) & (x < 6), x > 5):
            error = later[group].std() / np.sqrt(group.sum())
            self.assertLess(
                abs(later[group].mean() - expected[group].mean()), 4 * error
            )
        alive = WORLD.get_alive(x, t_x, age)
        for low in np.arange(0, 1, 0.2):
            group = (x > 0) & (alive >= low) & (alive < low + 0.2)
            self.assertLessEqual((later[group] > 0).mean(), low + 0.2 + 0.03)

    def test_expectation_by_an_integral(self):
        draw = np.random.default_rng(9)
        for number in range(40):
            world = clv.Purchases(*np.exp(draw.uniform(-2.5, 3.5, 4)).tolist())
            if number % 8 == 0:  # Where equation 10 is 0/0.
                world = clv.Purchases(world.r, world.alpha, 1.0, world.b)
            if number % 8 == 1:
                world = clv.Purchases(world.r, world.alpha, 0.4, 0.6)
            for x in (0, 1, 7, 3000):
                age = draw.uniform(1, 150)
                t_x = x and age * draw.uniform()
                alive = float(world.get_alive(x, t_x, age))
                found = float(world.get_expected(x, t_x, age, 52.0))
                self.assertAlmostEqual(
                    found,
                    integrate(world, x, t_x, age, 52.0) * alive,
                    delta=found / 1e4,
                )

    def test_spending(self):
        draw = np.random.default_rng(4)
        orders = draw.integers(1, 12, 150_000)
        scale = draw.gamma(PRICES.q, 1 / PRICES.gamma, 150_000)
        total = draw.gamma(PRICES.p * orders, 1 / scale)
        found = clv.fit_spending(orders, total)
        self.assertAlmostEqual(found.p / PRICES.p, 1, delta=0.05)
        self.assertAlmostEqual(found.q / PRICES.q, 1, delta=0.05)
        self.assertAlmostEqual(found.gamma / PRICES.gamma, 1, delta=0.05)
        one = PRICES.get_expected(1, 1000.0)
        many = PRICES.get_expected(500, 500_000.0)
        self.assertLess(one, many, "one dear order says less than many")
        self.assertAlmostEqual(many, 1000, delta=5)

    def test_currency_is_no_matter(self):
        draw = np.random.default_rng(4)
        orders, total = draw.integers(1, 9, 2000), draw.gamma(3, 40, 2000)
        euro = clv.fit_spending(orders, total)
        dong = clv.fit_spending(orders, total * 25_000)
        self.assertAlmostEqual(
            dong.get_expected(3, 25_000 * 200) / 25_000 / euro.get_expected(3, 200),
            1,
            places=4,
        )

    def test_cells_are_customers(self):
        draw = np.random.default_rng(8)
        age = draw.integers(10, 20, 3000).astype(float)
        x, t_x = observe(simulate(draw, 3000, WORLD, age))
        rows, count = np.unique(
            np.stack([x, np.ceil(t_x), age]), axis=1, return_counts=True
        )
        single = clv.fit_purchases(x, np.ceil(t_x), age, np.ones(3000))
        cells = clv.fit_purchases(*rows, count)
        for name, value in vars(single).items():
            self.assertAlmostEqual(getattr(cells, name) / value, 1, places=3)

    def _fit(self, days, lasting, age, paid=100.0):
        """Fit to customers of a kind each; return the outcome."""
        cells = np.array([days, lasting, age, np.ones(len(days))], float)
        values = np.array([days, np.full(len(days), paid)], float)
        return clv.fit(cells, lambda: values)

    def test_too_little(self):
        ones = np.ones(600)
        self.assertEqual(clv.fit(np.empty((4, 0)), None).reason, "buyers")
        self.assertEqual(
            self._fit(ones[:499], 0 * ones[:499], ones[:499]).reason, "buyers"
        )
        self.assertEqual(self._fit(ones, 0 * ones, 179 * ones).reason, "days")
        self.assertEqual(self._fit(ones, 0 * ones, 180 * ones).reason, "repeaters")

    def test_degenerate(self):
        """Whatever the customers did, there are sane predictions or a reason."""
        draw = np.random.default_rng(2)
        ones = np.ones(800)
        kinds = {
            "all alike": (3 * ones, 100 * ones, 200 * ones),
            "all today": (2 * ones, 200 * ones, 200 * ones),
            "daily": (200 * ones, 199 * ones, 200 * ones),
            "robots": (draw.integers(1, 50_000, 800), 300 * ones, 301 * ones),
            "any": (draw.integers(1, 60, 800), draw.integers(1, 300, 800), 300 * ones),
        }
        for name, (days, lasting, age) in kinds.items():
            for paid in (0.0, 0.01, 1e12):
                outcome = self._fit(days, lasting, age, paid)
                if outcome.reason:
                    self.assertEqual(outcome.reason, "shape", name)
                    continue
                known = (days - 1, lasting / 7, age / 7)
                orders = outcome.purchases.get_expected(*known)
                self.assertTrue(np.isfinite(orders).all() and (orders >= 0).all(), name)
                value = outcome.spending.get_expected(days, paid)
                self.assertTrue(np.isfinite(value).all() and (value > 0).all(), name)
        self.assertEqual(self._fit(*kinds["any"], 0.0).reason, "shape", "nobody paid")


@tagged("post_install", "-at_install")
class TestOrderRange(BaseCase):
    def test_share_of_customers_within(self):
        """At least so many of those who live by the model order as many as said."""
        draw = np.random.default_rng(7)
        count, past, future = 4000, 52.0, clv.YEAR
        lives = simulate(draw, count, WORLD, np.full(count, past + future))
        before = [[week for week in life if week < past] for life in lives]
        x, t_x = observe(before)
        expected = WORLD.get_expected(x, t_x, past)
        alive = WORLD.get_alive(x, t_x, past)
        after = [
            len(life) - len(known) for life, known in zip(lives, before, strict=True)
        ]
        ranges = [
            clv.get_order_range(*known)
            for known in zip(expected, alive, WORLD.r + x, strict=True)
        ]
        for frequent in (False, True):
            chosen = [i for i in range(count) if (x[i] > 2) == frequent]
            kept = [ranges[i][0] <= after[i] <= ranges[i][1] for i in chosen]
            self.assertGreater(len(kept), 500)
            share = sum(kept) / len(kept)
            self.assertTrue(0.8 <= share <= 0.95, share)

    def test_ends(self):
        """Nobody is expected to order less than nothing, or without end."""
        self.assertEqual(clv.get_order_range(0.0, 1.0, 0.5), (0, 0))
        self.assertEqual(clv.get_order_range(0.0, 0.0, 0.5), (0, 0))
        least, most = clv.get_order_range(365.0, 1.0, 400.0)
        self.assertTrue(300 < least < 365 < most < 430, (least, most))
        self.assertEqual(clv.get_order_range(1e9, 1.0, 1.0)[1], 1001)
