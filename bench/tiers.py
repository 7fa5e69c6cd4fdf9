"""What a night of membership tiers costs, beside plain SQL that does just the same.

A database of its own is filled by SQL: customers with three times as many orders, all
of them settled. Then one customer of a hundred buys so much that the tier changes, and
the night comes: first in plain SQL that finds and writes the same changes (taken back),
then by our job. Results are compared customer by customer. Medians of the rounds go to
bench/results/tiers.md.

HSTYLE_BENCH_CUSTOMERS=20000 tries it quickly.
"""

import contextlib
import os
import statistics
import sys
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from unittest import mock

# "profile" of this folder would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

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

DATABASE = "bench_tiers"
REPORT = ROOT / "bench/results/tiers.md"
CUSTOMERS = int(os.environ.get("HSTYLE_BENCH_CUSTOMERS", "1000000"))
ROUNDS = 3
TODAY = date(2026, 6, 30)
#: Share of customers whose tier changes in a night.
CHANGING = 0.01
#: Partners get the ids after this one.
FIRST = 1_000_000

PARTNERS = """
INSERT INTO res_partner
       (id, name, complete_name, active, type, partner_share, customer_rank,
        autopost_bills, email, email_normalized, commercial_partner_id)
SELECT %(first)s + i, 'Customer ' || i, 'Customer ' || i, TRUE, 'contact', TRUE, 1,
       'ask', 'c' || i || '@example.com', 'c' || i || '@example.com', %(first)s + i
  FROM generate_series(1, %(customers)s) i
"""

# Spread over two years; amounts such that each tier has members.
SALES = """
INSERT INTO sale_order
       (name, partner_id, partner_invoice_id, partner_shipping_id, company_id,
        currency_id, date_order, create_date, state, amount_total, currency_rate)
SELECT 'S' || i, partner, partner, partner, company.id, company.currency_id, moment,
       moment, 'sale', round(exp(5 + 0.9 * power(random(), 0.3) * 2)::numeric, 2), 1
  FROM (
        SELECT i, %(first)s + 1 + mod(i * 7919::bigint, %(customers)s)::int AS partner,
               %(end)s::timestamp - interval '730 days' * random() AS moment
          FROM generate_series(1, 3 * %(customers)s) i
       ) o
 CROSS JOIN (SELECT id, currency_id FROM res_company ORDER BY id LIMIT 1) company
"""

# A day's orders, each of which lifts its customer by at least a tier.
DAY = """
INSERT INTO sale_order
       (name, partner_id, partner_invoice_id, partner_shipping_id, company_id,
        currency_id, date_order, create_date, state, amount_total, currency_rate)
SELECT 'D' || m.partner_id, m.partner_id, m.partner_id, m.partner_id, m.company_id,
       company.currency_id, %(moment)s, %(moment)s, 'sale', 3000, 1
  FROM (
        SELECT m.partner_id, m.company_id
          FROM hstyle_membership m
          JOIN res_partner_grade g ON g.id = m.grade_id AND g.sequence < 30
         ORDER BY md5(m.partner_id::text || %(moment)s::text)
         LIMIT %(count)s
       ) m
  JOIN res_company company ON company.id = m.company_id
"""

# The floor: finds by the shipped rules who rises, whose validity is over and not earned
# anew, and whose upgrade a refund took back, and writes what our job writes. It is
# written for just these rules and one night: nothing locked, explained or in batches.
FLOOR = """
CREATE TEMPORARY TABLE floor_result ON COMMIT DROP AS
  WITH spent AS (
        SELECT p.partner_id,
               sum(p.revenue) FILTER (WHERE p.date_order >= %(start)s) AS spend,
               sum(p.orders) AS orders,
               sum(p.revenue) FILTER (
                   WHERE p.date_order >= m.valid_until - interval '12 months') AS kept,
               sum(p.revenue) FILTER (WHERE p.date_order < m.since + 1) AS before
          FROM hstyle_purchase p
          LEFT JOIN hstyle_membership m ON m.partner_id = p.partner_id
         WHERE p.company_id = %(company)s AND p.date_order < %(end)s
         GROUP BY p.partner_id
       ),
       judged AS (
        SELECT m.id, spent.*, m.grade_id AS old_id, m.valid_until AS ends_on,
               m.spent_at_since,
               CASE WHEN spend >= 8000 THEN %(diamond)s
                    WHEN spend >= 3000 THEN %(platinum)s
                    WHEN spend >= 1000 THEN %(gold)s
                    WHEN orders >= 1 THEN %(silver)s END AS new_id
          FROM spent
          LEFT JOIN hstyle_membership m ON m.partner_id = spent.partner_id
       )
SELECT j.id, j.partner_id, j.old_id, j.new_id, j.spend,
       (%(today)s::date + interval '12 months')::date AS valid_until
  FROM judged j
  JOIN res_partner_grade g ON g.id = j.new_id
  JOIN res_partner_grade o ON o.id = j.old_id
 WHERE g.sequence > o.sequence
    OR j.ends_on < %(today)s AND j.kept < 800
    OR j.before < j.spent_at_since AND g.sequence < o.sequence;
INSERT INTO hstyle_tier_move
       (partner_id, company_id, date, grade_from_id, grade_to_id, kind, origin, cause,
        figures, valid_until, user_id)
SELECT partner_id, %(company)s, %(today)s, old_id, new_id, 'up', 'auto', 'rules',
       jsonb_build_array(jsonb_build_object('value', spend)), valid_until, 1
  FROM floor_result;
UPDATE hstyle_membership m
   SET grade_id = r.new_id, since = %(today)s, period_start = %(today)s,
       valid_until = r.valid_until, spent_at_since = r.spend, notice = 'change'
  FROM floor_result r
 WHERE m.id = r.id;
UPDATE res_partner p
   SET grade_id = r.new_id, write_date = now(),
       specific_property_product_pricelist =
           jsonb_build_object(%(company)s::text, g.default_pricelist_id)
  FROM floor_result r
  JOIN res_partner_grade g ON g.id = r.new_id
 WHERE p.id = r.partner_id
"""


class Bench:
    """A database of members, and nights that pass in it."""

    def __init__(self):
        self.costs = defaultdict(list)
        self.changes, self.differing = [], 0

    def run(self):
        """Fill, settle everybody once, and let the nights pass."""
        database.drop(DATABASE)
        database.create(DATABASE)
        self.connection = connect(DATABASE)
        self.registry = Registry(DATABASE)
        try:
            self._fill()
            self._prepare()
            self._night(TODAY, "first")
            for number in range(ROUNDS):
                self._pass(TODAY + timedelta(days=1 + number))
        finally:
            self.connection.close()
            close_db(DATABASE)
            database.drop(DATABASE)

    def _run(self, query, **values):
        return execute(self.connection, query, **values)

    def _fill(self):
        with progress(f"{CUSTOMERS:,} customers"):
            start_filling(self.connection)
            values = {
                "first": FIRST,
                "customers": CUSTOMERS,
                "end": datetime.combine(TODAY, datetime.min.time()),
            }
            with without_indexes(self.connection, ("res_partner", "sale_order")):
                for query in (PARTNERS, SALES):
                    self._run(query, **values)
            self._run("SET session_replication_role = origin")
            self._run("VACUUM ANALYZE")

    def _prepare(self):
        """Put the shipped rules to work, with a pricelist for each higher tier."""
        with self._env() as env:
            env.company.hstyle_tz = "UTC"
            env["hstyle.tier.rule"].search([])._activate()
            self.values = {"company": env.company.id}
            for name in ("silver", "gold", "platinum", "diamond"):
                tier = env.ref(f"hstyle_crm.tier_{name}")
                tier.write({"has_manager": False, "validity_end": "day"})
                self.values[name] = tier.id
                if name != "silver":
                    pricelist = env["product.pricelist"].create({"name": name})
                    tier.default_pricelist_id = pricelist

    @contextlib.contextmanager
    def _env(self):
        """Lend an environment whose transaction is committed."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _pass(self, day):
        """Let a night pass: by plain SQL, which is taken back, then by our job."""
        count = int(CUSTOMERS * CHANGING)
        moment = datetime.combine(day, datetime.min.time()) + timedelta(hours=9)
        self._run(DAY, moment=moment, count=count)
        self._run("VACUUM ANALYZE hstyle_membership, res_partner, sale_order")
        start = datetime.combine(
            day.replace(year=day.year - 1) + timedelta(days=1), datetime.min.time()
        )
        values = {**self.values, "today": day, "start": start}
        values["end"] = datetime.combine(day + timedelta(days=1), datetime.min.time())
        for step in ("warm", "floor"):
            with self.connection.cursor() as cr, measured(self.costs[step], cr):
                cr.execute("BEGIN")
                cr.execute(FLOOR, values)
                if step == "floor":
                    cr.execute(
                        "SELECT partner_id, new_id, valid_until FROM floor_result"
                    )
                    expected = set(cr.fetchall())
                cr.execute("ROLLBACK")
        self._night(day, "ours")
        found = set(
            self._run(
                """
                SELECT partner_id, grade_id, valid_until
                  FROM hstyle_membership
                 WHERE since = %(day)s AND notice = 'change'
                """,
                day=day,
            )
        )
        self.changes.append(len(found))
        self.differing += len(found ^ expected)
        self._night(day, "again")

    def _night(self, day, step):
        noon = datetime.combine(day, datetime.min.time()) + timedelta(hours=12)
        with (
            mock.patch.object(fields.Datetime, "now", lambda *_args: noon),
            self._env() as env,
            measured(self.costs[step], env.cr),
            progress(f"Night of {day}, {step}"),
        ):
            env["hstyle.membership"]._cron_evaluate()

    def get(self, step, figure="cpu"):
        """Return the median of a step's figure."""
        return statistics.median(getattr(cost, figure) for cost in self.costs[step])

    def report(self):
        """Return the report's text."""
        wall = self.get("ours", "wall")
        targets = [
            ("a night with 1 % changing: CPU / plain SQL",
             self.get("ours") / self.get("floor"), "≤ 1.5"),
            ("its seconds per 10,000 changes",
             wall * 10_000 / statistics.median(self.changes), "≤ 30"),
            ("customers not as plain SQL has them", self.differing, "≤ 0"),
        ]  # fmt: skip
        names = {
            "first": "The first night: everybody joins",
            "floor": "Floor: plain SQL that finds and writes the same changes",
            "ours": "**Ours: `_cron_evaluate`**, moves, pricelists, notices queued",
            "again": "The same night once more: nothing to do",
        }
        lines = [
            f"| {name} | {self.get(step, 'wall'):,.2f} | {self.get(step):,.2f} | "
            f"{self.get(step, 'wal'):,.1f} |"
            for step, name in names.items()
        ]
        return "\n".join(
            [
                "# Tiers at night",
                "",
                f"`./dev bench tiers`: {describe_machine()} {CUSTOMERS:,} customers, "
                f"{3 * CUSTOMERS:,} orders; medians of {ROUNDS} nights, in which "
                f"{statistics.median(self.changes):,.0f} members change.",
                "",
                *get_verdicts(targets),
                "",
                "| step | wall s | CPU s | WAL MB |",
                "| --- | ---: | ---: | ---: |",
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
