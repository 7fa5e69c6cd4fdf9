"""What the nightly refresh of the profiles costs, beside its floor and the ORM.

A database of its own is filled by SQL, then four ways to know the customers run in
turn, three times: our full and our incremental refresh, the same aggregates and labels
in plain SQL that stores nothing but its result (the floor), and the ORM on a sample. A
night has the orders of a day (0.8 % of the customers buy) and those that left a window.
Our results are compared with each other and with the floor's, row for row. Medians go
to bench/results/profile.md.

HSTYLE_BENCH_CUSTOMERS=20000 tries it quickly.
"""

import os
import statistics
import sys
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from unittest import mock

# This file would hide the module "profile" of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

from dateutil.relativedelta import relativedelta  # noqa: E402

from odoo import SUPERUSER_ID, api, fields  # noqa: E402
from odoo.modules.registry import Registry  # noqa: E402
from odoo.sql_db import close_db  # noqa: E402
from odoo.tools import config, split_every  # noqa: E402

from devtools import database  # noqa: E402
from devtools.console import progress  # noqa: E402
from devtools.measure import (  # noqa: E402
    Cost,
    connect,
    describe_machine,
    execute,
    get_verdicts,
    measured,
    start_filling,
    without_indexes,
)
from devtools.paths import ROOT  # noqa: E402

DATABASE = "bench_profile"
REPORT = ROOT / "bench/results/profile.md"
CUSTOMERS = int(os.environ.get("HSTYLE_BENCH_CUSTOMERS", "1000000"))
ROUNDS = 3
#: The data ends with this day; each measured night is a day later.
TODAY = date(2026, 6, 30)
#: Share of customers who order on a day.
DAILY = 0.008
#: Customers of the ORM's sample.
SAMPLE = 3_000
#: Partners get the ids after this one.
FIRST = 1_000_000

# === FILLING === #

PARTNERS = """
INSERT INTO res_partner
       (id, name, complete_name, active, type, is_company, partner_share, customer_rank,
        autopost_bills, email, email_normalized, phone, phone_sanitized, city,
        parent_id, commercial_partner_id)
SELECT %(first)s + i, 'Customer ' || i, 'Customer ' || i, TRUE, 'contact',
       i <= %(customers)s / 100, TRUE, 1, 'ask',
       'c' || i || '@example.com', 'c' || i || '@example.com',
       '+86 1' || 3000000000 + i, '+861' || 3000000000 + i, 'Hangzhou',
       parent, COALESCE(parent, %(first)s + i)
  FROM (
        SELECT i, CASE WHEN i > %(customers)s * 0.95
                       THEN %(first)s + 1 + i %% (%(customers)s / 100) END AS parent
          FROM generate_series(1, %(customers)s) i
       ) contact
"""

# Orders per customer are lognormal; 63 % lie in the last of the three years.
ORDERS = """
CREATE TEMPORARY TABLE bench_order AS
  WITH customer AS MATERIALIZED (
        SELECT %(first)s + i AS partner_id,
               exp(0.4 + 1.2 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))
                   AS rate
          FROM generate_series(1, %(customers)s) i
       )
SELECT partner_id,
       (%(end)s::timestamp - interval '1096 days' * (1 - random() ^ (1 / 2.45)))
           ::timestamp(0) AS date_order,
       round(exp(5 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))
             ::numeric, 2) AS amount,
       random() AS lot
  FROM customer
 CROSS JOIN LATERAL generate_series(1, floor(rate + random())::integer);
"""

# Nine of ten orders are Odoo's; of these 4 % are not confirmed, 1 % in other currency.
SALES = """
INSERT INTO sale_order
       (name, partner_id, partner_invoice_id, partner_shipping_id, company_id,
        currency_id, date_order, create_date, state, amount_total, currency_rate,
        margin, hstyle_discounted)
SELECT 'S' || row_number() OVER (), partner_id, partner_id, partner_id, company_id,
       currency_id, date_order, date_order,
       CASE WHEN lot < 0.02 THEN 'draft' WHEN lot < 0.04 THEN 'cancel' ELSE 'sale' END,
       amount, CASE WHEN lot > 0.89 THEN 0.14 ELSE 1 END,
       round(amount * (0.2 + 0.5 * lot)::numeric, 2), lot < 0.3
  FROM (SELECT * FROM bench_order WHERE lot < 0.9 ORDER BY date_order) purchase
 CROSS JOIN (
        SELECT id AS company_id, currency_id FROM res_company ORDER BY id LIMIT 1
       ) company
"""

SHOP_ORDERS = """
INSERT INTO hstyle_order
       (name, shop_id, company_id, partner_id, date_order, state, amount_paid,
        amount_discount, amount_refund, amount_cost, currency_rate)
SELECT 'T' || row_number() OVER (), shop.id, company_id, partner_id, date_order,
       CASE WHEN lot < 0.905 THEN 'cancel' ELSE 'paid' END, amount,
       CASE WHEN lot > 0.97 THEN amount / 4 ELSE 0 END,
       CASE WHEN lot > 0.995 THEN amount ELSE 0 END,
       CASE WHEN lot < 0.98 THEN round(amount * 0.4, 2) END, 1
  FROM (SELECT * FROM bench_order WHERE lot >= 0.9 ORDER BY date_order) purchase
 CROSS JOIN hstyle_shop shop
"""

# One of fifty sales is credited, in full. The ids follow from the order's.
REFUNDS = """
CREATE TEMPORARY TABLE bench_refund AS
SELECT id AS order_id, id + 10000000 AS id, date_order::date AS date, amount_total,
       currency_id, company_id, currency_rate
  FROM sale_order
 WHERE state = 'sale' AND id %% 50 = 0;
INSERT INTO sale_order_line
       (id, order_id, name, product_uom_qty, price_unit, customer_lead, is_downpayment)
SELECT id, order_id, 'Goods', 1, amount_total, 0, TRUE FROM bench_refund;
INSERT INTO account_move
       (id, name, journal_id, company_id, currency_id, state, move_type, auto_post,
        date, invoice_currency_rate)
SELECT id, 'R' || id, 1, company_id, currency_id, 'posted', 'out_refund', 'no', date,
       currency_rate
  FROM bench_refund;
INSERT INTO account_move_line
       (id, move_id, company_id, currency_id, display_type, account_id, price_total,
        balance, amount_currency, debit, credit)
SELECT id, id, company_id, currency_id, 'product', 1, amount_total, 0, 0, 0, 0
  FROM bench_refund;
INSERT INTO sale_order_line_invoice_rel (order_line_id, invoice_line_id)
SELECT id, id FROM bench_refund
"""

# The day's orders come from customers of all sizes, through the triggers.
DAY = """
INSERT INTO sale_order
       (name, partner_id, partner_invoice_id, partner_shipping_id, company_id,
        currency_id, date_order, create_date, state, amount_total, currency_rate,
        margin, hstyle_discounted)
SELECT 'D' || date_order, partner_id, partner_id, partner_id, company_id,
       currency_id, date_order, date_order, 'sale', amount, 1, round(amount / 3, 2),
       FALSE
  FROM (
        SELECT %(first)s + ceil(%(customers)s * random())::integer AS partner_id,
               %(day)s::timestamp + interval '86399 seconds' * random() AS date_order,
               round(exp(5 + 0.8 * random())::numeric, 2) AS amount
          FROM generate_series(1, (%(customers)s * %(daily)s)::integer)
       ) purchase
 CROSS JOIN (
        SELECT id AS company_id, currency_id FROM res_company ORDER BY id LIMIT 1
       ) company
"""

FILLED = ("res_partner", "sale_order", "hstyle_order")


def fill(customers):
    """Make the database anew, with the customers and three times as many orders."""
    database.drop(DATABASE)
    database.create(DATABASE)
    with progress(f"{customers:,} customers"):
        connection = connect(DATABASE)
        _fill(connection, customers)
        for table in (*FILLED, "hstyle_profile"):
            # Nobody knows when it comes: what it does is done before the measuring.
            execute(connection, f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        connection.close()


def _fill(connection, customers):
    values = {
        "customers": customers,
        "first": FIRST,
        "end": datetime.combine(TODAY + timedelta(days=1), datetime.min.time()),
    }
    start_filling(connection)
    execute(connection, "SELECT setseed(0.19)")
    execute(
        connection,
        """
        INSERT INTO hstyle_shop (name, platform, company_id, currency_id, tz)
        SELECT 'Tmall', 'tmall', id, currency_id, 'UTC' FROM res_company
         ORDER BY id LIMIT 1
        """,
    )
    with without_indexes(connection, FILLED):
        for query in (PARTNERS, ORDERS, SALES, SHOP_ORDERS, REFUNDS):
            execute(connection, query, **values)
    execute(connection, "SELECT setval('res_partner_id_seq', max(id)) FROM res_partner")
    execute(connection, "VACUUM ANALYZE")


# === THE FLOOR === #

# What plain SQL takes when it is written for just this: no view, nothing compared with
# what stands, nothing written but a temporary table of the result.

SOURCES = """
{open}SELECT partner_id AS contact_id, date_order, 1 AS orders,
       CASE WHEN currency_rate = 1 THEN amount_total
            ELSE round(amount_total / currency_rate, 2) END AS revenue,
       0::numeric AS refund,
       CASE WHEN currency_rate = 1 THEN margin ELSE margin / currency_rate END
           AS margin,
       hstyle_discounted::integer AS discounted
  FROM sale_order
 WHERE state = 'sale' AND company_id = 1 AND {condition}
{close}UNION ALL
{open}SELECT partner_id, date_order, 0, -refund, refund, -margin, 0
  FROM (
        SELECT so.partner_id, so.date_order,
               so.margin * (aml.price_total / move.invoice_currency_rate)
                   / so.amount_total AS margin,
               round(aml.price_total / move.invoice_currency_rate, 2) AS refund
          FROM sale_order so
          JOIN sale_order_line sol ON sol.order_id = so.id
          JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = sol.id
          JOIN account_move_line aml ON aml.id = rel.invoice_line_id
          JOIN account_move move ON move.id = aml.move_id
         WHERE so.state = 'sale' AND aml.display_type = 'product'
           AND move.move_type = 'out_refund' AND move.state = 'posted'
           AND so.company_id = 1
        {barrier}
       ) credit
 WHERE {condition}
{close}UNION ALL
{open}SELECT partner_id, date_order, 1, amount_paid - amount_refund, amount_refund,
       CASE WHEN amount_cost IS NULL THEN (amount_paid - amount_refund) / 2
            ELSE (amount_paid - amount_cost) * (amount_paid - amount_refund)
                 / amount_paid END,
       (amount_discount > 0 AND amount_discount
           >= 0.03 * (amount_paid + amount_discount))::integer
  FROM hstyle_order
 WHERE state = 'paid' AND company_id = 1 AND {condition}
{close}
"""

# Contact by contact, in the order of the indexes.
SINGLES = SOURCES.format(
    open="(",
    # All credit notes lead to few of the orders.
    barrier="OFFSET 0",
    close="ORDER BY partner_id, date_order) ",
    condition="partner_id NOT IN (SELECT contact_id FROM floor_due)",
)
# The contacts of a family, and of those who are due, one after the other.
GATHERED = "floor_due due CROSS JOIN LATERAL ({} OFFSET 0) source".format(
    SOURCES.format(
        open="", close="", barrier="", condition="partner_id = due.contact_id"
    )
)

SUMS = """
SELECT partner_id, order_count, revenue, refund, margin,
       discounted::float8 / order_count AS discount_share,
       order_days, first_order_on, previous_order_on, last_order_on, order_count_12m,
       revenue_12m, order_count_prev_12m, revenue_prev_12m,
       (gaps[order_days / 2] + gaps[(order_days + 1) / 2]) / 2.0 AS gap_days,
       gaps[greatest(1, order_days / 10)] AS gap_low,
       gaps[order_days - greatest(1, order_days / 10)] AS gap_high
  FROM (
SELECT {customer} AS partner_id,
       sum(orders)::integer AS order_count,
       sum(revenue) AS revenue,
       sum(refund) AS refund,
       round(sum(margin), 2) AS margin,
       sum(discounted) AS discounted,
       (count(*) FILTER (WHERE gap > 0) + 1)::integer AS order_days,
       min(day) AS first_order_on,
       max(day - gap) FILTER (WHERE gap > 0) AS previous_order_on,
       max(day) AS last_order_on,
       COALESCE(sum(orders) FILTER (WHERE day > %(year)s), 0)::integer
           AS order_count_12m,
       COALESCE(sum(revenue) FILTER (WHERE day > %(year)s), 0) AS revenue_12m,
       COALESCE(sum(orders) FILTER (WHERE day > %(years)s AND day <= %(year)s), 0)
           ::integer AS order_count_prev_12m,
       COALESCE(sum(revenue) FILTER (WHERE day > %(years)s AND day <= %(year)s), 0)
           AS revenue_prev_12m,
       array_agg(gap ORDER BY gap) FILTER (WHERE gap > 0) AS gaps
  FROM (
        SELECT *, date_order::date AS day,
               date_order::date - lag(date_order::date) OVER (
                   PARTITION BY {customer} ORDER BY date_order) AS gap
          FROM {purchases}
       ) spaced
 GROUP BY {customer}
       ) summed
"""

# ``base`` has the columns of BASE; see ``tools/rfm.py`` for the scores.
BASE = """last_order_on, order_count, revenue, margin, revenue_prev_12m,
    last_order_on - previous_order_on AS gap"""
LEAST = """
        (SELECT ARRAY[min({0}) FILTER (WHERE before < total * 0.80),
                      min({0}) FILTER (WHERE before < total * 0.95)]
           FROM (
                 SELECT {0}, sum({0}) OVER () AS total,
                        sum({0}) OVER (
                            ORDER BY {0} DESC ROWS UNBOUNDED PRECEDING
                        ) - {0} AS before
                   FROM base
                  WHERE {0} > 0
                ) share)
"""
CLASS = "CASE WHEN {0} >= {1}[1] THEN 'a' WHEN {0} >= {1}[2] THEN 'b' ELSE 'c' END"
LABELLED = f"""
       quintile AS (
        SELECT percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8])
                   WITHIN GROUP (ORDER BY last_order_on DESC) AS r,
               percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8])
                   WITHIN GROUP (ORDER BY order_count) AS f,
               percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8])
                   WITHIN GROUP (ORDER BY revenue) AS m,
               percentile_disc(0.1) WITHIN GROUP (ORDER BY gap) AS low,
               percentile_disc(0.9) WITHIN GROUP (ORDER BY gap) AS high
          FROM base
       ),
       cut AS MATERIALIZED (
        SELECT low / low_step * low_step AS pool_low,
               (high + high_step - 1) / high_step * high_step AS pool_high,
               {LEAST.format("revenue")} AS of_revenue,
               {LEAST.format("margin")} AS of_margin,
               {LEAST.format("revenue_prev_12m")} AS of_prev,
               r[1] AS r1, r[2] AS r2, r[3] AS r3, r[4] AS r4,
               f[1] AS f1, f[2] AS f2, f[3] AS f3, f[4] AS f4,
               m[1] AS m1, m[2] AS m2, m[3] AS m3, m[4] AS m4
          FROM quintile
         CROSS JOIN LATERAL (
                SELECT CASE WHEN low <= 7 THEN 1 WHEN low <= 28 THEN 7 ELSE 28 END
                           AS low_step,
                       CASE WHEN high <= 7 THEN 1 WHEN high <= 28 THEN 7 ELSE 28 END
                           AS high_step
               ) step
       ),
       scored AS (
        SELECT everybody.*, pool_low, pool_high,
               5 - (last_order_on < r1)::integer - (last_order_on < r2)::integer
                   - (last_order_on < r3)::integer - (last_order_on < r4)::integer
                   AS r_score,
               1 + (order_count > f1)::integer + (order_count > f2)::integer
                   + (order_count > f3)::integer + (order_count > f4)::integer
                   AS f_score,
               1 + (revenue > m1)::integer + (revenue > m2)::integer
                   + (revenue > m3)::integer + (revenue > m4)::integer AS m_score,
               {CLASS.format("revenue", "of_revenue")} AS abc,
               {CLASS.format("margin", "of_margin")} AS abc_margin,
               CASE WHEN order_count_prev_12m > 0 THEN
                    {CLASS.format("revenue_prev_12m", "of_prev")} END AS abc_prev
          FROM everybody
         CROSS JOIN cut
        OFFSET 0
       ),
       labelled AS (
        SELECT *,
               (%(grid)s::varchar[])[(r_score - 1) * 5 + (f_score + m_score + 1) / 2]
                   AS rfm_group,
               CASE WHEN revenue_prev_12m > 0
                    THEN (revenue_12m / revenue_prev_12m - 1)::float8 END AS yoy,
               CASE WHEN last_order_on > %(active)s THEN
                         CASE WHEN order_count = 1 THEN 'new' ELSE 'active' END
                    WHEN last_order_on > %(lapsing)s THEN 'lapsing'
                    WHEN last_order_on > %(lapsed)s THEN 'lapsed'
                    ELSE 'lost' END AS stage,
               last_order_on + CASE WHEN order_days > 3 THEN gap_low ELSE pool_low END
                   AS next_order_from,
               last_order_on + CASE WHEN order_days > 3 THEN gap_high ELSE pool_high END
                   AS next_order_to,
               CASE WHEN order_days > 3
                    THEN 1 - 2.0::float8 * greatest(1, order_days / 10) / order_days
                    ELSE 0.8::float8 END AS next_order_confidence,
               CASE WHEN order_days > 3 THEN 'own' ELSE 'all' END AS next_order_source
          FROM scored
       )
"""

FLOOR_FULL = f"""
DROP TABLE IF EXISTS floor_due, floor_result;
CREATE TEMPORARY TABLE floor_due AS
SELECT id AS contact_id, commercial_partner_id AS partner_id
  FROM res_partner
 WHERE commercial_partner_id IN (
       SELECT commercial_partner_id FROM res_partner WHERE commercial_partner_id <> id);
ANALYZE floor_due;
CREATE TEMPORARY TABLE floor_result AS
  WITH everybody AS MATERIALIZED (
        {SUMS.format(customer="contact_id", purchases=f"({SINGLES}) source")}
         UNION ALL
        {SUMS.format(customer="partner_id", purchases=GATHERED)}
       ),
       base AS (SELECT {BASE} FROM everybody),
       {LABELLED}
SELECT * FROM labelled
"""

SUM_COLUMNS = """order_count, revenue, refund, margin, discount_share, order_days,
    first_order_on, previous_order_on, last_order_on, order_count_12m, revenue_12m,
    order_count_prev_12m, revenue_prev_12m, gap_days, gap_low, gap_high"""
LABEL_COLUMNS = """r_score, f_score, m_score, rfm_group, abc, abc_margin, abc_prev,
    yoy, stage, next_order_from, next_order_to, next_order_confidence,
    next_order_source"""
#: Of who is due, no label stands yet.
_TYPES = [
    "int",
    "int",
    "int",
    "text",
    "text",
    "text",
    "text",
    "float8",
    "text",
    "date",
    "date",
    "float8",
    "text",
]
_LABELS = dict(zip(LABEL_COLUMNS.replace(",", " ").split(), _TYPES, strict=True))
OLD_COLUMNS = ", ".join(f"old_{name}" for name in _LABELS)
NEW_COLUMNS = ", ".join(f"NULL::{kind} AS old_{name}" for name, kind in _LABELS.items())
STANDING_COLUMNS = ", ".join(f"{name} AS old_{name}" for name in _LABELS)
STANDING = """SELECT {} FROM hstyle_profile
 WHERE partner_id NOT IN (SELECT partner_id FROM floor_due)"""
LEAVERS = " UNION ALL ".join(
    f"""
    SELECT partner_id FROM {table}
     WHERE state = '{state}' AND date_order >= %({day})s::date
       AND date_order < %({day})s::date + 1
    """
    for table, state in (("sale_order", "sale"), ("hstyle_order", "paid"))
    for day in ("year", "years")
)
FLOOR_DAY = f"""
DROP TABLE IF EXISTS floor_due, floor_result;
CREATE TEMPORARY TABLE floor_due AS
SELECT id AS contact_id, commercial_partner_id AS partner_id
  FROM res_partner
 WHERE commercial_partner_id IN (
       SELECT commercial_partner_id FROM res_partner
        WHERE id IN (SELECT partner_id FROM hstyle_profile_dirty UNION ALL {LEAVERS}));
ANALYZE floor_due;
CREATE TEMPORARY TABLE floor_result AS
  WITH sums AS MATERIALIZED ({SUMS.format(customer="partner_id", purchases=GATHERED)}),
       base AS (
        SELECT {BASE} FROM sums
         UNION ALL
        {STANDING.format(BASE)}
       ),
       everybody AS NOT MATERIALIZED (
        SELECT partner_id, {SUM_COLUMNS}, {NEW_COLUMNS}
          FROM sums
         UNION ALL
        {STANDING.format(f"partner_id, {SUM_COLUMNS}, {STANDING_COLUMNS}")}
       ),
       {LABELLED}
SELECT partner_id, {SUM_COLUMNS}, {LABEL_COLUMNS}
  FROM labelled
 WHERE ({LABEL_COLUMNS}) IS DISTINCT FROM ({OLD_COLUMNS})
"""


def get_days(day):
    """Return the borders of windows and stages and the grid of the groups."""
    rfm = sys.modules["odoo.addons.hstyle_crm.tools.rfm"]
    return {
        "year": day - relativedelta(months=12),
        "years": day - relativedelta(months=24),
        "active": day - timedelta(days=90),
        "lapsing": day - timedelta(days=180),
        "lapsed": day - timedelta(days=365),
        "grid": [name for row in rfm.GRID for name in row],
    }


# === THE ORM === #


def get_sample(env):
    """Return the profiles of a sample of customers, large and small."""
    env.cr.execute(
        "SELECT id FROM hstyle_profile ORDER BY hashint4(id) LIMIT %s", [SAMPLE]
    )
    return env["hstyle.profile"].browse(row[0] for row in env.cr.fetchall())


def orm_loop(env, day):
    """Know a sample of customers the plain way; return how many."""
    borders = get_days(day)
    profiles = get_sample(env)
    for profile in profiles:
        orders = env["sale.order"].search(
            [
                ("partner_id.commercial_partner_id", "=", profile.partner_id.id),
                ("state", "=", "sale"),
            ]
        )
        dates = orders.mapped("date_order")
        amounts = orders.mapped("amount_total")
        recent = orders.filtered(lambda o: o.date_order.date() > borders["year"])
        profile.write(
            {
                "order_count": len(orders),
                "revenue": sum(amounts),
                "first_order_on": min(dates, default=False),
                "last_order_on": max(dates, default=False),
                "order_count_12m": len(recent),
                "revenue_12m": sum(recent.mapped("amount_total")),
            }
        )
    env.flush_all()
    return len(profiles)


def orm_groups(env, day):
    """Know a sample of customers by ``_read_group`` in batches; return how many."""
    borders = get_days(day)
    profiles = get_sample(env)
    confirmed = [("state", "=", "sale")]
    recent = [*confirmed, ("date_order", ">", borders["year"])]
    for batch in split_every(1000, profiles.ids, profiles.browse):
        partners = [("partner_id", "in", batch.partner_id.ids)]
        aggregates = ["__count", "amount_total:sum", "date_order:min", "date_order:max"]
        read = env["sale.order"]._read_group
        rows = read([*partners, *confirmed], ["partner_id"], aggregates)
        years = read([*partners, *recent], ["partner_id"], aggregates[:2])
        found = {partner: values for partner, *values in rows}
        year = {partner: values for partner, *values in years}
        for profile in batch:
            count, amount, first, last = found.get(profile.partner_id, (0, 0, 0, 0))
            count_12m, amount_12m = year.get(profile.partner_id, (0, 0))
            profile.write(
                {
                    "order_count": count,
                    "revenue": amount,
                    "first_order_on": first,
                    "last_order_on": last,
                    "order_count_12m": count_12m,
                    "revenue_12m": amount_12m,
                }
            )
    env.flush_all()
    return len(profiles)


# === MEASURING === #


class Bench:
    """A database of a size, and what each step cost there, round by round."""

    def __init__(self, customers):
        self.customers = customers
        self.costs = defaultdict(list)
        self.differing = 0
        self.day = TODAY

    def run(self):
        """Fill the database, measure all, and drop it."""
        fill(self.customers)
        try:
            self.registry = Registry(DATABASE)
            self.connection = connect(DATABASE)
            with progress(f"{self.customers:,} customers: {ROUNDS} rounds"):
                self._measure()
            self.connection.close()
        finally:
            close_db(DATABASE)
            database.drop(DATABASE)

    def _measure(self):
        # The floor takes the days as they are stored.
        execute(self.connection, "UPDATE res_company SET hstyle_tz = 'UTC'")
        updated = self._count_partner_updates()
        self._refresh("first", full=True)
        execute(self.connection, "VACUUM ANALYZE hstyle_profile")
        for _ in range(ROUNDS):
            self._run_incremental()
            self._run_full()
            self._run_quiet()
            self._run_orm("loop", orm_loop)
            self._run_orm("groups", orm_groups)
            self._open_board()
        self.partner_updates = self._count_partner_updates() - updated

    def _run_incremental(self):
        self._next_day(orders=True)
        self._floor("floor incremental", FLOOR_DAY)
        self._refresh("incremental")
        execute(
            self.connection,
            """
            DROP TABLE IF EXISTS bench_incremental;
            CREATE TEMPORARY TABLE bench_incremental AS TABLE hstyle_profile
            """,
        )
        self._refresh("full, nothing changed", full=True)
        self._compare("bench_incremental")

    def _run_full(self):
        self._next_day(orders=True)
        self._floor("floor full", FLOOR_FULL)
        self._refresh("full", full=True)
        self._compare("floor_result")

    def _run_quiet(self):
        self._next_day(orders=False)
        self._refresh("quiet night")

    def _next_day(self, orders):
        self.day += timedelta(days=1)
        if orders:
            values = {"first": FIRST, "customers": self.customers, "daily": DAILY}
            execute(self.connection, DAY, day=self.day, **values)

    def _refresh(self, step, **options):
        now = datetime.combine(self.day, datetime.min.time())
        with (
            mock.patch.object(fields.Datetime, "now", staticmethod(lambda: now)),
            self.registry.cursor() as cr,
        ):
            profiles = api.Environment(cr, SUPERUSER_ID, {})["hstyle.profile"]
            with measured(self.costs[step], cr):
                done = profiles._refresh(**options)
                cr.commit()
        print(f"  {self.day} {step}: {dict(done)}", file=sys.stderr)

    def _floor(self, step, query):
        with self.connection.cursor() as cr, measured(self.costs[step], cr):
            cr.execute(query, get_days(self.day))

    def _run_orm(self, step, way):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            with measured(self.costs[step], cr):
                done = way(env, self.day)
                cr.rollback()
        cost = self.costs[step][-1]
        cost.wall *= self.customers / done
        cost.cpu *= self.customers / done

    def _open_board(self):
        """Do what opening the board of customers asks of the server."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            profiles = env["hstyle.profile"].with_user(env.ref("base.user_admin"))
            with measured(self.costs["board"], cr):
                profiles.read_progress_bar([], "stage", BAR)
                profiles.with_context(read_group_expand=True).web_read_group(
                    [],
                    ["stage"],
                    ["revenue:sum"],
                    auto_unfold=True,
                    unfold_read_specification={name: {} for name in CARD},
                    unfold_read_default_limit=20,
                )

    def _compare(self, table):
        """Count the rows that differ between the profiles and a table, both ways."""
        columns = f"partner_id, {SUM_COLUMNS}, {LABEL_COLUMNS}"
        [[rows]] = execute(
            self.connection,
            f"""
              WITH ours AS (SELECT {columns} FROM hstyle_profile),
                   other AS (SELECT {columns} FROM {table})
            SELECT (SELECT count(*) FROM (TABLE ours EXCEPT ALL TABLE other) o)
                 + (SELECT count(*) FROM (TABLE other EXCEPT ALL TABLE ours) o)
            """,
        )
        self.differing += rows

    def _count_partner_updates(self):
        [[count]] = execute(
            self.connection,
            "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'res_partner'",
        )
        return count

    def get(self, step, measure="cpu"):
        """Return the median of a step."""
        return statistics.median(getattr(cost, measure) for cost in self.costs[step])


# === REPORT === #

STEPS = {
    "floor full": "Floor: all customers, plain SQL into a temporary table",
    "full": "**Ours: full refresh**, a day later",
    "full, nothing changed": "Ours: full refresh, nothing to write",
    "floor incremental": "Floor: one day, plain SQL into a temporary table",
    "incremental": "**Ours: incremental refresh**, a day later",
    "quiet night": "Ours: incremental refresh, a day later without an order",
    "first": "Ours: first refresh, all rows inserted (once)",
    "groups": "ORM: `_read_group` by 1,000 and `write`, extrapolated",
    "loop": "ORM: `search`, `mapped` and `write`, extrapolated",
    "board": "Opening the board of customers by lifecycle stage",
}

#: What the board's columns and cards show.
BAR = {"field": "abc", "colors": {"a": "success", "b": "info", "c": "200"}}
CARD = ["partner_id", "abc", "revenue", "order_count", "rfm_group", "last_order_on"]


def get_targets(small, large):
    """Return what is to be reached: text, value, bound."""

    def ratio(step, other):
        return large.get(step) / large.get(other)

    def growth(step, floor):
        return ratio(step, floor) / (small.get(step) / small.get(floor))

    differing = small.differing + large.differing
    updates = small.partner_updates + large.partner_updates
    return [
        ("full / its floor", ratio("full", "floor full"), "≤ 1.5"),
        (
            "incremental / its floor",
            ratio("incremental", "floor incremental"),
            "≤ 1.5",
        ),
        ("incremental / full", ratio("incremental", "full"), "≤ 0.6"),
        ("rows differing: incremental, full, floor", differing, "≤ 0"),
        ("ORM loop / full", ratio("loop", "full"), "≥ 100"),
        ("ORM loop / incremental", ratio("loop", "incremental"), "≥ 100"),
        ("growth of full / of its floor", growth("full", "floor full"), "≤ 1.15"),
        (
            "growth of incremental / of its floor",
            growth("incremental", "floor incremental"),
            "≤ 1.15",
        ),
        ("rows of res_partner updated", updates, "≤ 0"),
        ("MB of WAL in a quiet night", large.get("quiet night", "wal"), "≤ 20"),
        ("MB of WAL after a day's orders", large.get("incremental", "wal"), "≤ 20"),
    ]


def get_table(bench):
    """Return the table of times and peaks of a size."""
    lines = [
        f"## {bench.customers:,} customers",
        "",
        "| step | wall s | CPU s | peak of backend MB | peak of Python MB | WAL MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for step, text in STEPS.items():
        values = [bench.get(step, name) for name in Cost.__dataclass_fields__]
        wall, cpu, *others = values
        cells = [f"{wall:,.2f}", f"{cpu:,.2f}", *(f"{value:,.0f}" for value in others)]
        lines.append(f"| {text} | {' | '.join(cells)} |")
    return lines


def get_report(small, large):
    """Return the text of the report."""
    lines = [
        "# Bench: profile",
        "",
        "Written by `./dev bench profile`; bench/profile.py says what is measured.",
        "",
        describe_machine(),
        f"Medians of {ROUNDS} interleaved rounds. Ratios are of CPU seconds (Python "
        "and the backend), which other work on the machine disturbs least.",
        "",
        *get_verdicts(get_targets(small, large)),
    ]
    for bench in (large, small):
        lines += ["", *get_table(bench)]
    return "\n".join(lines) + "\n"


def main():
    """Measure a tenth and the whole; print and write the report."""
    if not os.environ["PGHOST"].startswith("/"):
        return "The bench reads the CPU time of the server, so that must run here."
    config.parse_config(["-d", DATABASE, "--log-level=warn"], setup_logging=True)
    small, large = Bench(CUSTOMERS // 10), Bench(CUSTOMERS)
    small.run()
    large.run()
    report = get_report(small, large)
    print(report)
    if CUSTOMERS == 1_000_000:
        REPORT.write_text(report)
    return int("FAIL" in report)


if __name__ == "__main__":
    sys.exit(main())
