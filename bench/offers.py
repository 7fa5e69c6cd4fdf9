"""What a run of an offer plan costs: choose, share a budget, write lists and lines.

A database of its own is filled by SQL with customers who have ten habits each, half of
them due; a plan gives each a list of five.

HSTYLE_BENCH_CUSTOMERS=20000 tries it quickly.
"""

import contextlib
import os
import sys
from pathlib import Path

# "profile" of this folder would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

from odoo import SUPERUSER_ID, api  # noqa: E402
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
)
from devtools.paths import ROOT  # noqa: E402

DATABASE = "bench_offers"
REPORT = ROOT / "bench/results/offers.md"
CUSTOMERS = int(os.environ.get("HSTYLE_BENCH_CUSTOMERS", "100000"))
HABITS = 10
#: Partners get the ids after this one.
FIRST = 1_000_000

FILL = """
INSERT INTO product_category (name, complete_name, parent_path)
SELECT 'C' || i, 'C' || i, '' FROM generate_series(1, 50) i;
UPDATE product_category SET parent_path = id || '/' WHERE parent_path = '';
INSERT INTO res_partner
       (id, name, complete_name, active, type, partner_share, customer_rank,
        autopost_bills, commercial_partner_id)
SELECT %(first)s + i, 'Customer ' || i, 'Customer ' || i, TRUE, 'contact', TRUE, 1,
       'ask', %(first)s + i
  FROM generate_series(1, %(customers)s) i;
INSERT INTO hstyle_profile (partner_id, company_id, revenue_12m)
SELECT %(first)s + i, %(company)s, 1000 FROM generate_series(1, %(customers)s) i;
INSERT INTO hstyle_habit
       (partner_id, company_id, category_id, last_on, gap_days, revenue_12m, loyalty,
        usage, due_from, due_to, cycle_source)
SELECT %(first)s + i, %(company)s, c.id, %(today)s::date - 20,
       5 + (random() * 60)::int, round(exp(4 + 2 * random())::numeric, 2),
       (ARRAY['store', 'brand', 'switcher'])[1 + floor(random() * 3)],
       (ARRAY['low', 'middle', 'high'])[1 + floor(random() * 3)],
       due.day, due.day + 10,
       CASE WHEN random() < 0.5 THEN 'own' ELSE 'category' END
  FROM generate_series(1, %(customers)s) i
 CROSS JOIN LATERAL (
        SELECT id FROM product_category
         WHERE parent_path = id || '/' AND name LIKE 'C%%'
           AND id %% 5 = i %% 5
         ORDER BY id LIMIT %(habits)s
       ) c
 CROSS JOIN LATERAL (
        SELECT %(today)s::date + (random() * 45)::int - 15 + 0 * i AS day
       ) due;
VACUUM ANALYZE
"""


class Bench:
    """A database of habits, and runs in it."""

    def __init__(self):
        self.costs, self.figures = {}, {}

    @contextlib.contextmanager
    def _step(self, name):
        with self.registry.cursor() as cr:
            env, costs = api.Environment(cr, SUPERUSER_ID, {}), []
            with measured(costs, cr), progress(name):
                yield env
            [self.costs[name]] = costs

    def run(self):
        """Fill, run dry, run, run again, and let a night pass."""
        database.drop(DATABASE)
        database.create(DATABASE)
        self.registry = Registry(DATABASE)
        try:
            plan_id = self._fill()
            with self._step("Dry run") as env:
                env["hstyle.offer.plan"].browse(plan_id).action_dry_run()
            with self._step("Run") as env:
                plan = env["hstyle.offer.plan"].browse(plan_id)
                plan.action_start()
                self.figures = plan._run().read()[0]
            with self._step("The same run again") as env:
                env["hstyle.offer.plan"].browse(plan_id)._run()
            self._buy()
            with self._step("Night: a tenth was bought") as env:
                env["hstyle.offer.line"]._advance()
            self._check()
        finally:
            self.connection.close()
            close_db(DATABASE)
            database.drop(DATABASE)

    def _fill(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            plan = env["hstyle.offer.plan"].create(
                {"name": "Bench", "threshold": 500, "budget": 5 * CUSTOMERS}
            )
            values = {"company": env.company.id, "today": plan._today()}
        values |= {"first": FIRST, "customers": CUSTOMERS, "habits": HABITS}
        self.connection = connect(DATABASE)
        start_filling(self.connection)
        with progress(f"{CUSTOMERS:,} customers"):
            for query in FILL.split(";\n"):
                execute(self.connection, query, **values)
        return plan.id

    def _buy(self):
        execute(
            self.connection,
            """
            UPDATE hstyle_habit h SET last_on = o.date_from
              FROM hstyle_offer_list o
             WHERE o.partner_id = h.partner_id AND o.partner_id %% 10 = 0
            """,
        )

    def _check(self):
        [[total, lines, lists, bought]] = execute(
            self.connection,
            """
            SELECT sum(amount_planned), count(*), count(DISTINCT list_id),
                   count(*) FILTER (WHERE state = 'bought')
              FROM hstyle_offer_line
            """,
        )
        self.figures |= {
            "total": total,
            "lines": lines,
            "lists": lists,
            "bought": bought,
        }

    def report(self):
        """Return the report's text."""
        figures = self.figures
        per = 100_000 / max(1, figures["lists"])
        seconds = self.costs["Run"].wall
        targets = [
            ("seconds of a run per 100,000 lists", per * seconds, "≤ 30"),
            ("planned, less the budget",
             abs(float(figures["total"]) - figures["amount_budget"]), "≤ 0"),
        ]  # fmt: skip
        lines = [
            f"| {name} | {cost.wall:,.2f} | {cost.cpu:,.2f} | {cost.wal:,.0f} | "
            f"{cost.backend:,.0f} |"
            for name, cost in self.costs.items()
        ]
        return "\n".join(
            [
                "# Runs of offer plans",
                "",
                f"`./dev bench offers`: {describe_machine()} {CUSTOMERS:,} customers "
                f"with {HABITS} habits each: {figures['lists']:,} lists with "
                f"{figures['lines']:,} offers, {figures['bought']:,} of them bought.",
                "",
                *get_verdicts(targets),
                "",
                "| step | wall s | CPU s | WAL MB | backend MB |",
                "| --- | ---: | ---: | ---: | ---: |",
                *lines,
                "",
            ]
        )


def main():
    """Measure; print and write the report."""
    config.parse_config(["--log-level=warn"], setup_logging=True)
    bench = Bench()
    bench.run()
    text = bench.report()
    print(text)
    REPORT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
