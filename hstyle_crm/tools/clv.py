"""What customers will buy: BG/NBD for their orders, gamma-gamma for an order's value.

The models know a customer by x repeat orders, the time t_x of the last one and the age
T, both since the first order. All times are in one unit, here weeks; orders of one day
are one order. Sources:

* P. Fader, B. Hardie, K. L. Lee (2005): "Counting Your Customers" the Easy Way: An
  Alternative to the Pareto/NBD Model. Marketing Science 24 (2), 275-284.
* P. Fader, B. Hardie (2013): The Gamma-Gamma Model of Monetary Value,
  brucehardie.com/notes/025.

numpy and scipy are loaded by the functions that need them: a server that never fits
never pays for them.
"""

import math
from dataclasses import dataclass

#: Name of these models, raised whenever the same purchases give other predictions.
VERSION = "BG/NBD + gamma-gamma, 1"

#: Below these a fit says more about chance than about customers.
MIN_BUYERS = 500
MIN_DAYS = 180
MIN_REPEATERS = 100

#: Twelve months, in weeks.
YEAR = 365 / 7

#: Orders a year beyond which nobody is predicted.
_MOST = 1000

#: Logarithms of parameters stay within this. At the ends the model is a simpler one in
#: all digits that matter: nobody ever leaves, or all customers are alike.
_LIMIT = 9.0
#: The gradient of a good fit: of the mean log-likelihood, by logarithms of parameters.
_FLAT = 1e-5


@dataclass(frozen=True)
class Purchases:
    """BG/NBD: how often customers order, and when they stop (Fader et al. 2005)."""

    r: float
    alpha: float
    a: float
    b: float

    def get_likelihood(self, x, t_x, age, weight=1.0):
        """Return the log-likelihood of customers (equation 6)."""
        value, _gradient = _bgnbd(_pack(x), t_x, age, self._logarithms())
        return float((value * weight).sum())

    def get_alive(self, x, t_x, age):
        """Return the chance of each customer to order again (between 0 and 1).

        It is 1 with no repeat order: the model lets customers stop only after one.
        """
        import numpy as np
        from scipy.special import expit

        x = np.asarray(x, float)
        odds = (
            np.log(self.a)
            - np.log(self.b + np.maximum(x, 1) - 1)
            + (self.r + x) * np.log((self.alpha + age) / (self.alpha + t_x))
        )
        return np.where(x > 0, expit(-odds), 1.0)

    def get_expected(self, x, t_x, age, horizon=YEAR):
        """Return the orders to expect of each customer within the horizon.

        Equation 10 with Euler's transformation of 2F1, whose terms do not overflow for
        customers with a thousand orders.
        """
        import numpy as np
        from scipy.special import hyp2f1

        x, a = np.asarray(x, float), self._get_regular_a()
        z = horizon / (self.alpha + np.asarray(age, float) + horizon)
        c = a + self.b + x - 1
        series = hyp2f1(a + self.b - 1 - self.r, a - 1, c, z)
        orders = c / (a - 1) * (1 - np.exp((a - 1) * np.log1p(-z)) * series)
        return orders * self.get_alive(x, t_x, age)

    def _get_regular_a(self):
        """Return a, moved off the two points where equation 10 is 0/0."""
        holes = (1.0, 1.0 - self.b)
        near = any(abs(self.a - hole) < 1e-6 for hole in holes)
        return self.a + 2e-6 if near else self.a

    def _logarithms(self):
        return [math.log(value) for value in (self.r, self.alpha, self.a, self.b)]


@dataclass(frozen=True)
class Spending:
    """Gamma-gamma: what an order of a customer is worth (Fader & Hardie 2013)."""

    p: float
    q: float
    gamma: float

    def get_expected(self, orders, total):
        """Return the mean value of a customer's orders, known by some (equation 5)."""
        return self.p * (self.gamma + total) / (self.p * orders + self.q - 1)


@dataclass(frozen=True)
class Outcome:
    """What came of a fit: the models, or the reason why there are none."""

    buyer_count: int
    repeater_count: int
    day_count: int
    reason: str | None = None
    purchases: Purchases | None = None
    spending: Spending | None = None
    log_likelihood: float | None = None


def get_order_range(expected, alive, shape, share=0.8):
    """Return between how many orders a customer's number will be, so likely.

    The rate of a customer who stays is gamma distributed with the shape r + x (Fader et
    al. 2005, section 3), so the orders are negative binomial. That somebody may leave
    within the time only lowers the mean, so this is an approximation; the tests say how
    good.

    :param float expected: orders to expect
    :param float alive: how likely there is any order to expect
    :param float shape: r + x
    :param float share: how likely the number is within the range
    :return: (least, most)
    """
    mean = expected / alive if alive else 0.0
    ratio, chance = mean / (shape + mean), (shape / (shape + mean)) ** shape
    below, number, least = 1 - alive + alive * chance, 0, None
    while True:
        if least is None and below >= (1 - share) / 2:
            least = number
        if below >= (1 + share) / 2 or number > _MOST:
            return least or 0, number
        chance *= ratio * (shape + number) / (number + 1)
        number += 1
        below += alive * chance


# === FITTING === #


def fit(cells, get_values):
    """Fit both models to a company's customers.

    :param cells: array of four rows: days with an order, days from the first to the
        last one, days since the first one, how many customers are like that
    :param get_values: returns each customer's days with an order, and what was paid on
        them, as two arrays; asked only where it is needed
    :return: `Outcome`
    """
    days, lasting, age, count = cells
    facts = [
        int(count.sum()),
        int(count[days > 1].sum()),
        int(age.max(initial=0)),
    ]
    reason = check(*facts)
    if reason:
        return Outcome(*facts, reason)
    known = (days - 1, lasting / 7, age / 7)
    purchases = fit_purchases(*known, count)
    spending = fit_spending(*get_values())
    if not (purchases and spending):
        return Outcome(*facts, "shape")
    likelihood = purchases.get_likelihood(*known, count)
    return Outcome(*facts, None, purchases, spending, likelihood)


def check(buyers, repeaters, days):
    """Return why there is too little to fit a model ("buyers", …), or None."""
    if buyers < MIN_BUYERS:
        return "buyers"
    if days < MIN_DAYS:
        return "days"
    return "repeaters" if repeaters < MIN_REPEATERS else None


def fit_purchases(x, t_x, age, weight):
    """Fit BG/NBD by maximum likelihood to cells of alike customers.

    :param x: arrays of a length: repeat orders, time of the last one, age (weeks) and
        how many customers are like that
    :return: `Purchases`, or None where the search finds no maximum
    """
    import numpy as np

    x, t_x, age, weight = (np.asarray(v, float) for v in (x, t_x, age, weight))
    packed, share = _pack(x), weight / weight.sum()
    rate = max(share @ x, 1e-3) / max(share @ age, 1e-3)
    found = _climb(
        lambda logs: _mean(*_bgnbd(packed, t_x, age, logs), share),
        [0.0, -math.log(rate), 0.0, 1.0],
    )
    return found and Purchases(*found)


def fit_spending(orders, total):
    """Fit gamma-gamma by maximum likelihood; customers who paid nothing are left out.

    The mean over all customers must exist, so q is searched above 1.

    :param orders: array of each customer's orders
    :param total: array of what was paid for them
    :return: `Spending`, or None where the search finds no maximum
    """
    import numpy as np

    orders, total = np.asarray(orders, float), np.asarray(total, float)
    paid = total > 0
    if not paid.any():
        return None
    orders, total = orders[paid], total[paid]
    share = np.full(len(total), 1 / len(total))
    # Money is counted in the mean order, so that the search knows no currency.
    unit = total.sum() / orders.sum()
    packed, logs = _pack(orders), np.log(total / unit)
    found = _climb(
        lambda point: _mean(*_gamma_gamma(packed, total / unit, logs, point), share),
        [1.0, 1.0, 1.0],
    )
    return found and Spending(found[0], found[1] + 1, found[2] * float(unit))


def _climb(function, start):
    """Return the parameters at the maximum of a function of their logarithms, or None.

    :param function: returns the negative value and its gradient
    """
    import numpy as np
    from scipy.optimize import minimize

    bounds = [(value - _LIMIT, value + _LIMIT) for value in start]
    options = {"ftol": 1e-14, "maxiter": 300}
    with np.errstate(all="ignore"):
        result = minimize(
            function, start, jac=True, method="SLSQP", bounds=bounds, options=options
        )
    low, high = np.transpose(bounds)
    slope = result.x - np.clip(result.x - result.jac, low, high)
    flat = np.isfinite(result.fun) and np.abs(slope).max() < _FLAT
    return tuple(float(value) for value in np.exp(result.x)) if flat else None


def _mean(values, gradient, share):
    """Return the negative weighted mean of values and of their gradient."""
    import numpy as np

    return -(share * values).sum(), np.array(
        [-(share * part).sum() for part in gradient]
    )


def _pack(x):
    """Return the distinct values of x and where each stands.

    There are few of them, and the gamma function is computed once for each.
    """
    import numpy as np

    distinct, place = np.unique(np.asarray(x, float), return_inverse=True)
    return distinct, place


def _bgnbd(packed, t_x, age, logs):
    """Return each customer's log-likelihood and its derivatives by the logarithms."""
    import numpy as np
    from scipy.special import gammaln, psi

    r, alpha, a, b = np.exp(logs)
    k, place = packed
    x = k[place]
    last, now = np.log(alpha + t_x), np.log(alpha + age)
    base = gammaln(r + k) - gammaln(r) + r * logs[1]
    base += gammaln(a + b) + gammaln(b + k) - gammaln(b) - gammaln(a + b + k)
    lasting = -(r + x) * now
    gone = logs[2] - np.log(b + np.maximum(k, 1) - 1)
    leaving = np.where(x > 0, gone[place] - (r + x) * last, -np.inf)
    both = np.logaddexp(lasting, leaving)
    left = np.exp(leaving - both)
    stayed = 1 - left
    by_r = (psi(r + k) - psi(r) + logs[1])[place] - stayed * now - left * last
    by_alpha = r / alpha - (r + x) * (stayed / (alpha + age) + left / (alpha + t_x))
    by_a = (psi(a + b) - psi(a + b + k))[place] + left / a
    by_b = (psi(a + b) + psi(b + k) - psi(b) - psi(a + b + k))[place]
    by_b -= left / (b + np.maximum(x, 1) - 1)
    return base[place] + both, (r * by_r, alpha * by_alpha, a * by_a, b * by_b)


def _gamma_gamma(packed, total, log_total, logs):
    """Return each customer's log-likelihood and its derivatives by the logarithms.

    Of p, q - 1 and gamma; the density is that of the mean order (equation 1a).
    """
    import numpy as np
    from scipy.special import gammaln, psi

    p, q, gamma = np.exp(logs)
    q_less, q = q, q + 1
    k, place = packed
    x, sums = k[place], np.log(gamma + total)
    base = gammaln(p * k + q) - gammaln(p * k) - gammaln(q) + q * logs[2] + np.log(k)
    value = base[place] + (p * x - 1) * log_total - (p * x + q) * sums
    by_p = (k * (psi(p * k + q) - psi(p * k)))[place] + x * (log_total - sums)
    by_q = (psi(p * k + q) - psi(q) + logs[2])[place] - sums
    by_gamma = q / gamma - (p * x + q) / (gamma + total)
    return value, (p * by_p, q_less * by_q, gamma * by_gamma)
