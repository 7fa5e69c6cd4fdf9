"""What a week's forecast costs, beside plain SQL and beside the package `lifetimes`.

A database of its own is filled with the profiles of customers who were drawn from the
models, over three years. Then, week by week: the floor (plain SQL that groups the
customers and writes as many columns, but is given all predictions for nothing), our
forecast, and its scoring once more, which finds nothing to write. The parameters are
compared with those of the draw, and predictions with the tool's, customer by customer
on a sample. Last, both CDNOW fits run in turn. Medians go to bench/results/forecast.md.

HSTYLE_BENCH_CUSTOMERS=20000 tries it quickly.
"""

import contextlib
import io
import os
import statistics
import sys
import time
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from unittest import mock

# "profile" of this folder would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

import lifetimes.datasets  # noqa: E402
import numpy as np  # noqa: E402

from odoo import SUPERUSER_ID, api, fields  # noqa: E402
from odoo.modules.registry import Registry  # noqa: E402
from odoo.sql_db import close_db  # noqa: E402
from odoo.tools import config  # noqa: E402

from devtools import database  # noqa: E402
from devtools.console import progress  # noqa: E402
from devtools.measure import (  # noqa: E402
    connect,
    describe_machine,
    execute,
    get_verdicts,
    measured,
    start_filling,
    without_indexes,
)
from devtools.paths import ROOT  # noqa: E402

DATABASE = "bench_forecast"
REPORT = ROOT / "bench/results/forecast.md"
CUSTOMERS = int(os.environ.get("HSTYLE_BENCH_CUSTOMERS", "1000000"))
ROUNDS = 3
TODAY = date(2026, 6, 30)
#: What the customers are drawn from: r, alpha (weeks), a, b and p, q, gamma.
WORLD = {"r": 0.6, "alpha": 8.0, "a": 0.8, "b": 2.5, "p": 6.0, "q": 4.0, "gamma": 300.0}
#: Fits of CDNOW, of either package.
FITS = 25

PARTNERS = """
INSERT INTO res_partner
       (id, name, complete_name, active, type, partner_share, customer_rank,
        autopost_bills, commercial_partner_id)
SELECT 1000000 + i, 'Customer ' || i, 'Customer ' || i, TRUE, 'contact', TRUE, 1,
       'ask', 1000000 + i
  FROM generate_series(1, %(customers)s) i
"""

# The drawn customers come from a temporary table; the rest does not matter here.
PROFILES = """
INSERT INTO hstyle_profile
       (partner_id, company_id, order_count, order_days, revenue, refund,
        first_order_on, last_order_on, order_count_12m, revenue_12m,
        order_count_prev_12m, revenue_prev_12m, r_score, f_score, m_score, rfm_group,
        abc, stage)
SELECT 1000000 + i, 1, 1 + x, 1 + x, revenue, 0, %(today)s - age,
       %(today)s - age + lasting, 1, 100, 0, 0, 3, 3, 3, 'attention', 'b', 'active'
  FROM drawn
"""

# Groups the customers and writes four columns of each: what no way can do without.
FLOOR = """
CREATE TEMPORARY TABLE floor_cell ON COMMIT DROP AS
SELECT order_days, last_order_on - first_order_on AS lasting,
       %(day)s::date - first_order_on AS age, count(*), random() AS p_alive,
       random() AS orders
  FROM hstyle_profile
 WHERE company_id = 1
 GROUP BY 1, 2, 3;
ANALYZE floor_cell;
UPDATE hstyle_profile p
   SET p_alive = c.p_alive,
       expected_orders_12m = c.orders,
       expected_value_12m =
           round((c.orders * (300 + revenue::float8) / (6 * p.order_days + 3))::numeric,
                 2),
       forecast_on = %(day)s
  FROM floor_cell c
 WHERE p.company_id = 1
   AND p.order_days = c.order_days
   AND p.last_order_on - p.first_order_on = c.lasting
   AND %(day)s::date - p.first_order_on = c.age
"""


def draw_customers(count):
    """Return customers drawn from the models: x, lasting, age (days) and revenue."""
    draw, world = np.random.default_rng(19), WORLD
    age = draw.integers(1, 1096, count)
    pace = 7 * world["alpha"] / draw.gamma(world["r"], 1, count)
    end = draw.geometric(draw.beta(world["a"], world["b"], count).clip(1e-9))
    x, last, moment = np.zeros(count, int), np.zeros(count), np.zeros(count)
    going, step = np.arange(count), 0
    while len(going):
        step += 1
        moment[going] += draw.exponential(pace[going])
        going = going[moment[going] < age[going]]
        x[going], last[going] = step, moment[going]
        going = going[end[going] > step]
    scale = world["gamma"] / draw.gamma(world["q"], 1, count)
    revenue = scale * draw.gamma(world["p"] * (x + 1))
    return x, np.minimum(np.ceil(last).astype(int), age), age, revenue.round(2)


class Bench:
    """A database of profiles, the weeks that pass in it, and what each step cost."""

    def __init__(self):
        self.costs = defaultdict(list)
        self.worst = self.away = 0.0

    def run(self):
        """Fill, and forecast in turn with the floor."""
        database.drop(DATABASE)
        database.create(DATABASE)
        self.connection = connect(DATABASE)
        self.registry = Registry(DATABASE)
        try:
            self._fill()
            for number in range(ROUNDS):
                self._pass(TODAY + timedelta(days=7 * number))
        finally:
            self.connection.close()
            close_db(DATABASE)
            database.drop(DATABASE)

    def _fill(self):
        with progress(f"{CUSTOMERS:,} customers"):
            start_filling(self.connection)
            values = {"customers": CUSTOMERS, "today": TODAY}
            execute(self.connection, "SELECT setseed(0.19)")
            with without_indexes(self.connection, ("res_partner", "hstyle_profile")):
                self._copy_drawn()
                for query in (PARTNERS, PROFILES):
                    execute(self.connection, query, **values)
            execute(self.connection, "SET session_replication_role = origin")
            execute(self.connection, "UPDATE res_company SET hstyle_tz = 'UTC'")

    def _copy_drawn(self):
        table = "i integer, x integer, lasting integer, age integer, revenue numeric"
        execute(self.connection, f"CREATE TEMPORARY TABLE drawn ({table})")
        columns = (
            range(1, CUSTOMERS + 1),
            *(c.tolist() for c in draw_customers(CUSTOMERS)),
        )
        text = "".join(map("%d\t%d\t%d\t%d\t%s\n".__mod__, zip(*columns, strict=True)))
        with self.connection.cursor() as cr:
            cr.copy_expert("COPY drawn FROM STDIN", io.StringIO(text))

    def _pass(self, day):
        """Let a week pass: the floor, which is taken back, our forecast, and again."""
        self._vacuum()
        with self.connection.cursor() as cr, measured(self.costs["floor"], cr):
            cr.execute("BEGIN; SET LOCAL enable_mergejoin = off")
            cr.execute(FLOOR, {"day": day})
            cr.execute("ROLLBACK")
        self._vacuum()
        forecast_id = self._forecast(day)
        self._compare(forecast_id)
        with self._env(day) as env, measured(self.costs["again"], env.cr):
            env["hstyle.profile"]._score(env["hstyle.forecast"].browse(forecast_id))

    def _vacuum(self):
        execute(self.connection, "VACUUM ANALYZE hstyle_profile")

    def _forecast(self, day):
        with (
            self._env(day) as env,
            progress(f"Forecast of {day}"),
            measured(self.costs["ours"], env.cr),
        ):
            forecast = env["hstyle.forecast"]._make(env.company)
            env.cr.commit()
            if not self.away:
                self.away = max(abs(forecast[name] / WORLD[name] - 1) for name in WORLD)
            return forecast.id

    @contextlib.contextmanager
    def _env(self, day):
        """Lend an environment at noon of the day."""
        noon = datetime.combine(day, datetime.min.time()) + timedelta(hours=12)
        with (
            mock.patch.object(fields.Datetime, "now", lambda *_args: noon),
            self.registry.cursor() as cr,
        ):
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _compare(self, forecast_id):
        """Note how far the predictions of a sample are from the tool's."""
        clv = sys.modules["odoo.addons.hstyle_crm.tools.clv"]
        [model] = execute(
            self.connection,
            "SELECT r, alpha, a, b, date FROM hstyle_forecast WHERE id = %(id)s",
            id=forecast_id,
        )
        rows = execute(
            self.connection,
            """
            SELECT order_days, last_order_on - first_order_on,
                   greatest(%(day)s, last_order_on) - first_order_on,
                   expected_orders_12m
              FROM hstyle_profile
             ORDER BY hashint4(id) LIMIT 20000
            """,
            day=model[-1],
        )
        days, lasting, age, found = np.array(rows, float).T
        expected = clv.Purchases(*model[:-1]).get_expected(
            days - 1, lasting / 7, age / 7
        )
        self.worst = max(self.worst, float(np.abs(found - expected).max()))

    def get(self, step, figure="cpu"):
        """Return the median of a step's figure."""
        return statistics.median(getattr(cost, figure) for cost in self.costs[step])

    def get_peak(self):
        """Return the largest memory of our forecasts, Python and the backend (MB)."""
        return max(cost.backend + cost.python for cost in self.costs["ours"])


def fit_cdnow():
    """Return the median seconds of a fit of CDNOW: ours, and that of `lifetimes`."""
    clv = sys.modules["odoo.addons.hstyle_crm.tools.clv"]
    frame = lifetimes.datasets.load_cdnow_summary()
    columns = frame["frequency"], frame["recency"], frame["T"]
    ways = {
        "ours": lambda: clv.fit_purchases(*columns, np.ones(len(frame))),
        "lifetimes": lambda: lifetimes.BetaGeoFitter().fit(*columns).summary,
    }
    seconds = defaultdict(list)
    for _ in range(FITS):
        for name, fit in ways.items():
            began = time.perf_counter()
            fit()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in seconds.items()}


def get_report(bench, cdnow):
    """Return the report's text."""
    seconds, memory = bench.get("ours"), bench.get_peak()
    speed = cdnow["lifetimes"] / cdnow["ours"]
    targets = [
        ("fit and score all customers, CPU seconds", seconds, "≤ 15"),
        ("their peak of memory, MB (Python and the backend)", memory, "≤ 1000"),
        ("CDNOW: seconds of lifetimes / ours", speed, "≥ 4"),
        ("% by which a parameter misses that of the draw", 100 * bench.away, "≤ 5"),
        ("orders by which a prediction misses the tool's", bench.worst, "≤ 0.0001"),
    ]  # fmt: skip
    names = {
        "floor": "Floor: plain SQL that groups and writes, given all predictions",
        "ours": "**Ours: `hstyle.forecast._make`**, fit, score, write",
        "again": "Ours: `_score` of the same forecast, nothing to write",
    }
    lines = [
        f"| {name} | {bench.get(step, 'wall'):,.2f} | {bench.get(step):,.2f} | "
        f"{bench.get(step, 'backend'):,.0f} | {bench.get(step, 'python'):,.0f} | "
        f"{bench.get(step, 'wal'):,.0f} |"
        for step, name in names.items()
    ]
    return "\n".join(
        [
            "# Bench: forecast",
            "",
            "Written by `./dev bench forecast`; bench/forecast.py says what is "
            "measured.",
            "",
            f"{describe_machine()} {CUSTOMERS:,} customers; medians of {ROUNDS} weeks. "
            "Seconds to reach are of CPU (Python and the backend, which take turns): "
            "other work on the machine disturbs them least. A forecast takes "
            f"{seconds / bench.get('floor'):.2f} times the CPU of its floor. "
            f"A fit of CDNOW's 2,357 customers: {1000 * cdnow['ours']:.1f} ms, by "
            f"`lifetimes` {lifetimes.__version__} {1000 * cdnow['lifetimes']:.1f} ms.",
            "",
            *get_verdicts(targets),
            "",
            "| step | wall s | CPU s | backend MB | Python MB | WAL MB |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *lines,
            "",
        ]
    )


def main():
    """Measure; print and write the report."""
    if not os.environ["PGHOST"].startswith("/"):
        return "The bench reads the CPU time of the server, so that must run here."
    config.parse_config(["-d", DATABASE, "--log-level=warn"], setup_logging=True)
    bench = Bench()
    bench.run()
    report = get_report(bench, fit_cdnow())
    print(report)
    if CUSTOMERS == 1_000_000:
        REPORT.write_text(report)
    return int("FAIL" in report)


if __name__ == "__main__":
    sys.exit(main())
