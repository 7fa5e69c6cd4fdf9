"""What the ledger of points costs, beside stock Odoo and plain SQL.

Four databases are filled by SQL with the same orders and cards: ours and one without
our addons, with one card and with a million. Then, in turn:

- three-line orders that earn, and that spend as well, are confirmed in all four, under
  an equal program: managed in ours, the host's in the other;
- what stock does slowly where there is much (its size traps) runs in all four, and in
  ours once more without our five indexes;
- the lots of a day expire by the nightly job, and by plain SQL that posts the same rows
  without locks and allocations; a window function works out anew what must expire;
- the lots of 365,000 cards expire in one statement, then beside a process that posts
  points to random cards, in one statement again and by the nightly job;
- the audit reads a million cards, and new cards are opened.

Medians go to bench/results/points.md. HSTYLE_BENCH_CUSTOMERS=2000 tries it quickly.
"""

import contextlib
import itertools
import logging
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from unittest import mock

# The bench "profile" would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

from psycopg2 import errors, extensions  # noqa: E402

from odoo import SUPERUSER_ID, Command, api, fields  # noqa: E402
from odoo.exceptions import UserError  # noqa: E402
from odoo.modules.registry import Registry  # noqa: E402
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY  # noqa: E402
from odoo.sql_db import close_db  # noqa: E402
from odoo.tools import config, split_every  # noqa: E402

from bench.profile import ORDERS  # noqa: E402
from devtools import database  # noqa: E402
from devtools.console import progress, say  # noqa: E402
from devtools.measure import (  # noqa: E402
    connect,
    describe_machine,
    execute,
    get_cpu,
    get_verdicts,
    measured,
    start_filling,
    without_indexes,
)
from devtools.paths import ROOT  # noqa: E402

REPORT = ROOT / "bench/results/points.md"
CUSTOMERS = int(os.environ.get("HSTYLE_BENCH_CUSTOMERS", "1000000"))
#: The data ends with this day; the clocks of all databases stand there.
TODAY = date(2026, 6, 30)
#: Whether this is the run whose report is kept.
WHOLE = CUSTOMERS >= 100_000
#: Pairs of orders confirmed; the first ones only warm the caches.
PAIRS, WARM = (40 if WHOLE else 5), 3
#: Times that each size trap is measured.
TRAPS_TRIED = 7 if WHOLE else 2
#: Days whose lots expire.
DAYS = 3
#: Share of the customers in the mass expiry, and tries of the one big statement.
MASS, MASS_TRIES = 0.365, 3
#: Seconds from one online posting to the next, and of its watching while all is quiet.
PAUSE, QUIET = 0.25, 10
#: Cards opened by one `_post`.
BATCH = 1_000
#: Partners, cards and orders get the ids after this one.
FIRST = 1_000_000

# === FILLING === #

PARTNERS = """
INSERT INTO res_partner
       (id, name, complete_name, active, type, is_company, partner_share, customer_rank,
        autopost_bills, email, email_normalized, phone, phone_sanitized, city,
        commercial_partner_id)
SELECT %(first)s + i, 'Customer ' || i, 'Customer ' || i, TRUE, 'contact',
       FALSE, TRUE, 1, 'ask',
       'c' || i || '@example.com', 'c' || i || '@example.com',
       '+86 1' || 3000000000 + i, '+861' || 3000000000 + i, 'Hangzhou', %(first)s + i
  FROM generate_series(1, %(customers)s) i
"""

# Each order earns a lot, which lives for 365 days. What is older is closed: the next
# order spent it all, or it expired. The oldest that is open may be spent in part. The
# first lots to expire are the first that are spent, as in a ledger that ran for years.
LOTS = """
CREATE TEMPORARY TABLE bench_lot AS
  WITH numbered AS (
        SELECT %(first)s + row_number() OVER (ORDER BY date_order, partner_id) AS id,
               partner_id, date_order, date_order::date AS day, amount
          FROM bench_order
       ),
       life AS (
        SELECT *,
               day + 365 AS last_day,
               day + 365 < %(today)s::date AS closed,
               COALESCE(lag(day) OVER customer + 365 < %(today)s::date, TRUE) AS oldest,
               lead(id) OVER customer AS next_id,
               lead(day) OVER customer AS next_day
          FROM numbered
        WINDOW customer AS (PARTITION BY partner_id ORDER BY id)
       ),
       spent AS (
        SELECT *,
               CASE WHEN closed AND next_day <= last_day AND id %% 2 = 0 THEN amount
                    WHEN NOT closed AND oldest AND next_id > 0 AND id %% 2 = 0
                         THEN round(amount / 3, 2)
                    ELSE 0 END AS spent
          FROM life
       )
SELECT id, partner_id, date_order, day, last_day, amount, spent,
       CASE WHEN spent > 0 THEN next_id END AS spender_id,
       CASE WHEN spent > 0 THEN next_day WHEN closed THEN last_day + 1 END AS drawn_on,
       CASE WHEN closed THEN amount ELSE spent END AS drawn
  FROM spent
 ORDER BY id;
ANALYZE bench_lot;
CREATE TEMPORARY VIEW bench_row AS
SELECT id, partner_id AS card_id, 'sale.order' AS order_model, id AS order_id,
       'Order S' || id AS description, amount AS issued, 0 AS used,
       date_order AS create_date, 'earn' AS kind, NULL AS key, day AS date,
       amount AS points, amount - drawn AS remaining, FALSE AS pending,
       last_day AS expiration_date
  FROM bench_lot
 UNION ALL
SELECT id + 10000000, partner_id,
       CASE WHEN spender_id > 0 THEN 'sale.order' END, spender_id,
       CASE WHEN spender_id > 0 THEN 'Order S' || spender_id ELSE 'Expired' END,
       0, drawn, drawn_on, CASE WHEN spender_id > 0 THEN 'spend' ELSE 'expire' END,
       CASE WHEN spender_id IS NULL THEN 'expire:' || id || ':' || drawn_on END,
       drawn_on, -drawn, 0, FALSE, NULL
  FROM bench_lot
 WHERE drawn > 0
"""

SALES = """
INSERT INTO sale_order
       (id, name, partner_id, partner_invoice_id, partner_shipping_id, company_id,
        currency_id, date_order, create_date, state, amount_total, currency_rate
        {ours})
SELECT id, 'S' || id, partner_id, partner_id, partner_id, 1,
       %(currency)s, date_order, date_order, 'sale', amount, 1 {ours_values}
  FROM bench_lot
 ORDER BY id
"""

LINES = """
INSERT INTO sale_order_line
       (order_id, company_id, currency_id, order_partner_id, product_id,
        product_uom_id, state, name, product_uom_qty, price_unit, price_subtotal,
        price_total, customer_lead, sequence, create_date {ours})
SELECT id, 1, %(currency)s, partner_id, %(product)s,
       %(uom)s, 'sale', 'Goods', 1, amount / 2, amount / 2,
       amount / 2, 0, 10, date_order {ours_values}
  FROM bench_lot
 CROSS JOIN generate_series(1, 2)
 ORDER BY id;
INSERT INTO sale_order_line
       (order_id, company_id, currency_id, order_partner_id, product_id,
        product_uom_id, state, name, product_uom_qty, price_unit, price_subtotal,
        price_total, customer_lead, sequence, create_date,
        reward_id, coupon_id, reward_identifier_code, points_cost)
SELECT spender_id, 1, %(currency)s, partner_id, %(product)s,
       %(uom)s, 'sale', 'Points', 1, -spent / 100, -spent / 100,
       -spent / 100, 0, 20, drawn_on, %(reward)s, partner_id, id, spent
  FROM bench_lot
 WHERE spender_id > 0
 ORDER BY spender_id
"""

CARDS = """
INSERT INTO loyalty_card
       (id, program_id, company_id, partner_id, code, active, points, create_date
        {ours})
SELECT %(first)s + i, %(program)s, 1, %(first)s + i, 'card-' || i, TRUE,
       COALESCE(points, 0), '2023-06-30' {ours_values}
  FROM generate_series(1, %(customers)s) i
  LEFT JOIN (
        SELECT partner_id, sum(amount - drawn) AS points
          FROM bench_lot
         GROUP BY partner_id
       ) balance ON partner_id = %(first)s + i
 ORDER BY i;
INSERT INTO sale_order_coupon_points (order_id, coupon_id, points, create_date)
SELECT id, partner_id, amount, date_order FROM bench_lot ORDER BY id
"""

HISTORY = """
INSERT INTO loyalty_history ({columns})
SELECT {columns} FROM bench_row ORDER BY date, id
"""

ALLOCATIONS = """
INSERT INTO hstyle_points_allocation (lot_id, row_id, points)
SELECT id, id + 10000000, drawn FROM bench_lot WHERE drawn > 0 ORDER BY drawn_on
"""

#: Columns of stock's history, and ours.
STOCK = "id, card_id, order_model, order_id, description, issued, used, create_date"
LEDGER = f"{STOCK}, kind, key, date, points, remaining, pending, expiration_date"

FILLED = [
    "res_partner",
    "sale_order",
    "sale_order_line",
    "sale_order_coupon_points",
    "loyalty_card",
    "loyalty_history",
]


def set_clock(day):
    """Let Odoo's clock stand at the noon of a day, in this process."""
    noon = datetime(day.year, day.month, day.day, 12)
    fields.Datetime.now = staticmethod(lambda *_args: noon)


@dataclass
class Sample:
    """What an action took: milliseconds, CPU milliseconds, and how many queries."""

    wall: float
    cpu: float
    queries: int


class Shop:
    """A database with orders and cards, ours or the host's."""

    def __init__(self, name, customers, ours=True):
        self.name = f"bench_points_{name}"
        self.customers = customers
        self.ours = ours

    def __enter__(self):
        database.drop(self.name)
        create = database.create if self.ours else database.create_host
        create(self.name)
        self.registry = Registry(self.name)
        with self.env() as env:
            self._set_up(env)
        self.connection = connect(self.name)
        return self

    def __exit__(self, *_error):
        self.connection.close()
        close_db(self.name)
        database.drop(self.name)

    @contextlib.contextmanager
    def env(self, uid=SUPERUSER_ID):
        """Lend an environment of a transaction that is committed."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, uid, {})

    def run(self, query, **values):
        """Run a query outside of Odoo; return its rows."""
        return execute(self.connection, query, **values)

    # Filling.

    def _set_up(self, env):
        """Create products, the program, and promotions that nobody claims."""
        env["loyalty.program"].search([]).active = False
        env.company.write({"country_id": env.ref("base.cn").id})
        if self.ours:
            env.company.hstyle_tz = "UTC"
        self.admin = env.ref("base.user_admin").id
        self.products = [
            _create_product(env, f"Goods {price}", price).id
            for price in (100, 200, 300)
        ]
        program = self._create_program(env)
        self.program, self.reward = program.id, program.reward_ids.id
        self.promotions = [
            _create_promotion(env).id,
            _create_promotion(env, limit_usage=True, max_usage=10**9).id,
        ]
        self.currency = env.company.currency_id.id
        self.uom = env.ref("uom.product_uom_unit").id

    def _create_program(self, env):
        ours = {"managed": True, "expire_after": 365, "expire_month_end": False}
        reward = {
            "reward_type": "discount",
            "discount_mode": "per_point",
            "discount": 0.01,
            "discount_applicability": "order",
            "required_points": 100,
        }
        rule = {"reward_point_mode": "money", "minimum_qty": 0}
        return env["loyalty.program"].create(
            {
                "name": "Member points",
                "program_type": "loyalty",
                "applies_on": "future",
                "trigger": "auto",
                "company_id": env.company.id,
                "rule_ids": [Command.create(rule)],
                "reward_ids": [Command.create(reward)],
                **(ours if self.ours else {}),
            }
        )

    def fill(self):
        """Fill the tables by SQL, without triggers and checks of foreign keys."""
        values = {
            "customers": self.customers,
            "first": FIRST,
            "today": TODAY,
            "end": datetime.combine(TODAY + timedelta(days=1), datetime.min.time()),
            "currency": self.currency,
            "product": self.products[0],
            "uom": self.uom,
            "program": self.program,
            "reward": self.reward,
        }
        start_filling(self.connection)
        self.run("SELECT setseed(0.19)")
        tables = FILLED + ["hstyle_points_allocation"] * self.ours
        with without_indexes(self.connection, tables):
            for query in self._get_queries():
                self.run(query, **values)
        for table in tables:
            self.run(
                f"SELECT setval('{table}_id_seq', max(id) + 1) FROM {table};"
                # Nobody knows when it comes: its work is done before the measuring.
                f"ALTER TABLE {table} SET (autovacuum_enabled = off)"
            )
        self.run(f"VACUUM ANALYZE {', '.join(tables)}")
        self.rows = {table: self._count(table) for table in tables}

    def _get_queries(self):
        """Return the statements that fill the tables; ours have more columns."""
        shared = [PARTNERS, ORDERS, LOTS]
        if not self.ours:
            plain = [q.format(ours="", ours_values="") for q in (SALES, LINES, CARDS)]
            return [*shared, *plain, HISTORY.format(columns=STOCK)]
        earned = ", points_earned, points_amount"
        managed = ", managed, points_pending"
        return [
            *shared,
            SALES.format(ours=", points_card_id", ours_values=", partner_id"),
            LINES.format(ours=earned, ours_values=", amount / 2, amount / 2"),
            CARDS.format(ours=managed, ours_values=", TRUE, 0"),
            HISTORY.format(columns=LEDGER),
            ALLOCATIONS,
        ]

    def _count(self, table):
        [[count]] = self.run(f"SELECT count(*) FROM {table}")
        return count

    # Orders to be confirmed.

    def create_drafts(self, count):
        """Create orders that earn, and orders that spend as well, of many cards."""
        step = max(1, self.customers // (2 * count + 1))
        partners = [FIRST + 1 + i * step % self.customers for i in range(2 * count)]
        with self.env() as env:
            self._give_points(env["loyalty.card"].browse(sorted(set(partners))))
        with self.env(self.admin) as env:
            self.drafts = {
                "earn": [self._create_draft(env, p) for p in partners[:count]],
                "spend": [self._create_draft(env, p, True) for p in partners[count:]],
            }

    def _give_points(self, cards):
        """Give each card a bonus, as each of the two programs would."""
        if self.ours:
            cards._post([c._prepare_move("bonus", 1000, "Welcome") for c in cards])
            return
        for card in cards:
            values = {"card_id": card.id, "issued": 1000, "description": "Welcome"}
            card.env["loyalty.history"].create(values)
            card.points += 1000

    def _create_draft(self, env, partner_id, spend=False):
        lines = [
            Command.create({"product_id": product, "product_uom_qty": 2})
            for product in self.products
        ]
        order = env["sale.order"].create(
            {"partner_id": partner_id, "order_line": lines}
        )
        order._update_programs_and_rewards()
        if spend:
            reward = env["loyalty.reward"].browse(self.reward)
            card = env["loyalty.card"].browse(partner_id)
            order._apply_program_reward(reward, card)
            assert order.order_line.coupon_id == card
        return order.id

    def sample(self, prepare, action, setup=""):
        """Return what an action takes in a transaction, which is rolled back.

        :param prepare: gets an environment, returns what the action gets
        :param setup: SQL of the same transaction
        """
        with self.registry.cursor() as cr:
            if setup:
                cr.execute(setup)
            env = api.Environment(cr, self.admin, {})
            subject = prepare(env)
            cr.flush()
            env.invalidate_all()
            pid = cr.connection.get_backend_pid()
            queries, cpu, began = cr.sql_log_count, get_cpu(pid), time.perf_counter()
            action(subject)
            cr.flush()
            wall = time.perf_counter() - began
            sample = Sample(
                1000 * wall, 1000 * (get_cpu(pid) - cpu), cr.sql_log_count - queries
            )
            cr.rollback()
        return sample


def fill_all(*shops):
    """Fill databases, side by side."""
    sizes = ", ".join(f"{shop.customers:,}" for shop in shops)
    with progress(f"Customers: {sizes}"), ThreadPoolExecutor(2) as pool:
        list(pool.map(Shop.fill, shops))


def _create_product(env, name, price):
    values = {"name": name, "list_price": price, "taxes_id": [], "type": "consu"}
    return env["product.product"].create(values)


def _create_promotion(env, **values):
    """Create an automatic promotion, not yet active, that an order must claim."""
    rule = {"reward_point_mode": "order", "minimum_qty": 1}
    reward = {"reward_type": "discount", "discount": 10}
    return env["loyalty.program"].create(
        {
            "name": "Promotion",
            "program_type": "promotion",
            "applies_on": "current",
            "trigger": "auto",
            "active": False,
            "rule_ids": [Command.create(rule)],
            "reward_ids": [Command.create(reward)],
            **values,
        }
    )


# === CONFIRMING === #

#: What stock lacks, and we ship; dropped in a transaction that is rolled back.
DROP_INDEXES = """
DROP INDEX loyalty_history_order_idx, sale_order_line_reward_idx,
           sale_order_line_coupon_idx, sale_order_coupon_points_coupon_idx,
           loyalty_card_order_idx
"""


class Confirming:
    """Orders confirmed in all four databases in turn, and stock's size traps there."""

    def __init__(self, ours_1, stock_1, ours, stock):
        self.shops = {
            ("ours", 1): ours_1,
            ("stock", 1): stock_1,
            ("ours", CUSTOMERS): ours,
            ("stock", CUSTOMERS): stock,
        }
        #: (kind, owner, customers) → samples; (trap, owner, customers) → samples
        self.samples, self.traps = defaultdict(list), defaultdict(list)

    def run(self):
        """Measure all."""
        for shop in self.shops.values():
            shop.create_drafts(PAIRS + WARM)
            shop.run(f"VACUUM ANALYZE {', '.join(FILLED)}")
        with progress(f"{PAIRS} orders of each kind confirmed"):
            for number in range(PAIRS + WARM):
                self._confirm(number)
        with progress("Size traps"):
            for number in range(TRAPS_TRIED):
                self._try_traps(number)

    def _confirm(self, number):
        # Who comes first alternates.
        turns = list(self.shops.items())[:: (-1) ** number]
        for kind in ("earn", "spend"):
            for (owner, customers), shop in turns:
                sample = shop.sample(
                    partial(get_order, shop.drafts[kind][number]), confirm
                )
                if number >= WARM:
                    self.samples[kind, owner, customers].append(sample)

    def _try_traps(self, number):
        for (owner, customers), shop in self.shops.items():
            order_id = shop.drafts["earn"][number]
            self._try_shop(shop, order_id, owner, customers)
            if owner == "ours" and customers > 1:
                self._try_shop(shop, order_id, "bare", customers, DROP_INDEXES)

    def _try_shop(self, shop, order_id, owner, customers, setup=""):
        for trap, (prepare, action) in get_traps(shop, order_id).items():
            sample = shop.sample(prepare, action, setup)
            self.traps[trap, owner, customers].append(sample)

    def get(self, kind, owner, customers, measure="wall"):
        """Return the median of what confirming took."""
        samples = self.samples[kind, owner, customers]
        return statistics.median(getattr(sample, measure) for sample in samples)

    def get_ratio(self, kind, customers, measure="wall"):
        """Return the median of ours / stock, pair by pair."""
        ours, stock = (self.samples[kind, o, customers] for o in ("ours", "stock"))
        return statistics.median(
            getattr(our, measure) / getattr(their, measure)
            for our, their in zip(ours, stock, strict=True)
        )

    def get_queries(self, kind, owner):
        """Return the least and the greatest number of queries, over both sizes."""
        counts = [
            sample.queries
            for customers in (1, CUSTOMERS)
            for sample in self.samples[kind, owner, customers]
        ]
        return min(counts), max(counts)

    def get_trap_names(self):
        """Return the names of the size traps, in order."""
        return list(dict.fromkeys(trap for trap, _owner, _customers in self.traps))

    def get_trap(self, trap, owner, customers):
        """Return the median milliseconds of a size trap."""
        samples = self.traps[trap, owner, customers]
        return statistics.median(sample.wall for sample in samples)


def get_order(order_id, env):
    """Return an order as a new request gets it."""
    return env["sale.order"].browse(order_id)


def confirm(order):
    """Confirm an order, as the button does."""
    order.action_confirm()
    assert order.state == "sale"


def get_confirmed(order_id, env):
    """Return an order that was confirmed just now."""
    order = get_order(order_id, env)
    order.action_confirm()
    return order


def get_order_promoted(order_id, promotion_id, env):
    """Return an order for which there is a promotion that it does not claim."""
    env["loyalty.program"].sudo().browse(promotion_id).active = True
    return get_order(order_id, env)


def get_traps(shop, order_id):
    """Return the name of each of stock's size traps → (prepare, action)."""
    plain, limited = (
        (partial(get_order_promoted, order_id, promotion), confirm)
        for promotion in shop.promotions
    )
    confirmed = partial(get_confirmed, order_id)
    return {
        "confirm, automatic promotion with `limit_usage` not claimed": limited,
        "confirm, automatic promotion not claimed": plain,
        "`order.loyalty_data`": (confirmed, lambda order: order.loyalty_data),
        "cancel": (confirmed, lambda order: order._action_cancel()),
        "`loyalty.card.use_count`": (
            lambda env: env["loyalty.card"].browse(FIRST + 1),
            lambda card: card.use_count,
        ),
    }


# === EXPIRING === #

# What must expire, and what remains, by the amounts of all rows alone: neither what
# the ledger says remains of a lot nor its allocations are read. All that was ever used
# comes off the lots that end first.
EXPECTED = """
DROP TABLE IF EXISTS bench_rest, bench_due, bench_balance;
CREATE TEMPORARY TABLE bench_rest AS
SELECT id, card_id, expiration_date,
       least(issued, greatest(0, upto - total)) AS rest
  FROM (
        SELECT id, card_id, expiration_date, issued::numeric(16, 2) AS issued,
               sum(issued::numeric(16, 2)) OVER (
                   PARTITION BY card_id ORDER BY expiration_date, id) AS upto,
               sum(used::numeric(16, 2)) OVER (PARTITION BY card_id) AS total
          FROM loyalty_history
       ) row
 WHERE issued > 0;
CREATE TEMPORARY TABLE bench_due AS
SELECT card_id, id AS lot_id, rest AS points
  FROM bench_rest
 WHERE rest > 0 AND expiration_date < %(day)s;
CREATE TEMPORARY TABLE bench_balance AS
SELECT c.id, COALESCE(kept.points, 0) AS points
  FROM loyalty_card c
  LEFT JOIN (
        SELECT card_id, sum(rest) FILTER (WHERE expiration_date >= %(day)s) AS points
          FROM bench_rest
         GROUP BY card_id
       ) kept ON kept.card_id = c.id
"""

# Rows and balances that are not as expected, in either direction. Online posts of
# these days are awards, with a key.
DIFFERING = """
WITH posted AS (
     SELECT r.card_id, a.lot_id, -r.points AS points
       FROM loyalty_history r
       JOIN hstyle_points_allocation a ON a.row_id = r.id
      WHERE r.kind = 'expire' AND r.date = %(day)s
     ),
     online AS (
     SELECT card_id, sum(points) AS points
       FROM loyalty_history
      WHERE key LIKE 'online:%%'
      GROUP BY card_id
     ),
     expected AS (
     SELECT b.id, b.points + COALESCE(o.points, 0) AS points
       FROM bench_balance b
       LEFT JOIN online o ON o.card_id = b.id
     ),
     balance AS (SELECT id, points::numeric(16, 2) FROM loyalty_card)
SELECT (SELECT count(*) FROM (TABLE posted EXCEPT ALL TABLE bench_due) d)
     + (SELECT count(*) FROM (TABLE bench_due EXCEPT ALL TABLE posted) d)
     + (SELECT count(*) FROM (TABLE balance EXCEPT ALL TABLE expected) d)
     + (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE balance) d)
"""

# The same rows and columns in one statement: no locks, no debts, no shards, no commits.
FLOOR = """
WITH due AS MATERIALIZED (
     SELECT id, card_id, remaining, nextval('loyalty_history_id_seq') AS row_id
       FROM loyalty_history
      WHERE remaining > 0 AND expiration_date < %(day)s
     ),
     posted AS (
     INSERT INTO loyalty_history
            (id, card_id, kind, date, points, issued, used, remaining, pending,
             description, create_uid, create_date, write_uid, write_date)
     SELECT row_id, card_id, 'expire', %(day)s, -remaining,
            0, remaining, 0, FALSE, 'Expired', 1, now(), 1, now()
       FROM due
     ),
     drawn AS (
     INSERT INTO hstyle_points_allocation (lot_id, row_id, points)
     SELECT id, row_id, remaining
       FROM due
     ),
     closed AS (
     UPDATE loyalty_history lot
        SET remaining = 0
       FROM due
      WHERE lot.id = due.id
     )
UPDATE loyalty_card c
   SET points = c.points - expired.points,
       points_pending = c.points_pending,
       write_uid = 1,
       write_date = now()
  FROM (SELECT card_id, sum(remaining) AS points FROM due GROUP BY card_id) expired
 WHERE c.id = expired.card_id
"""

# The planner takes the lots of a day for many, and would read whole tables.
LOOPS = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

# The day by which so many cards have a lot that is over.
MASS_DAY = """
SELECT min(expiration_date) AS day
  FROM loyalty_history
 WHERE remaining > 0
 GROUP BY card_id
 ORDER BY 1
OFFSET %(cards)s LIMIT 1
"""


class Expiring:
    """Lots that expire: by the night's job, and by plain SQL."""

    def __init__(self, shop):
        self.shop = shop
        self.costs = defaultdict(list)
        self.differing = 0
        self.day = TODAY

    def run_days(self):
        """Let the lots of some days expire, one after the other."""
        with progress(f"{DAYS} days of {self.shop.customers:,} customers"):
            for _ in range(DAYS):
                self._set_day(self.day + timedelta(days=1))
                self._run_floor("warm", LOOPS)
                self._run_floor("floor day", LOOPS)
                self._run_job("day")
                self._compare()

    def run_mass(self):
        """Let the lots of many cards expire at once, beside a process that posts."""
        cards = int(MASS * self.shop.customers)
        [[day]] = self.shop.run(MASS_DAY, cards=cards)
        self._set_day(day)
        self.cards = self.shop.run("SELECT count(DISTINCT card_id) FROM bench_due")[0][
            0
        ]
        with progress(f"{self.cards:,} cards expire"):
            self._run_floor("floor mass")
            self._vacuum()
            with Online(self.shop.name, self.shop.customers, day) as online:
                time.sleep(min(QUIET, self.shop.customers / 1000))
                self.quiet = online.cut()
                self._try_one_statement()
                self.blocked = online.cut()
                self._vacuum()
                online.cut()
                with self._watch_chunks():
                    self._run_job("mass")
                self.beside = online.cut()
            self._compare()

    def _set_day(self, day):
        self.day = day
        set_clock(day)
        self.shop.run(EXPECTED, day=day)

    def _vacuum(self):
        self.shop.run("VACUUM ANALYZE loyalty_card, loyalty_history")

    def _run_floor(self, step, settings=""):
        """Post by plain SQL, and take it back."""
        with self.shop.connection.cursor() as cr, measured(self.costs[step], cr):
            cr.execute(f"BEGIN; {settings}")
            cr.execute(FLOOR, {"day": self.day})
            cr.execute("ROLLBACK")

    def _run_job(self, step):
        with self.shop.env() as env, measured(self.costs[step], env.cr):
            env["loyalty.card"]._cron_clock()

    def _try_one_statement(self):
        """Try the one big statement as Odoo would run it, beside the online posts."""
        self.aborted = []
        session = connect(self.shop.name)
        session.autocommit = False
        session.set_isolation_level(extensions.ISOLATION_LEVEL_REPEATABLE_READ)
        for _ in range(MASS_TRIES):
            began = time.perf_counter()
            with (
                session.cursor() as cr,
                contextlib.suppress(errors.SerializationFailure),
            ):
                cr.execute(FLOOR, {"day": self.day})
                # It would be right to commit; then there is nothing left to measure.
                say("  The one statement came through.")
                self.aborted.append(None)
                session.rollback()
                continue
            session.rollback()
            self.aborted.append(time.perf_counter() - began)
        session.close()

    @contextlib.contextmanager
    def _watch_chunks(self):
        """Note for how long the job locks cards, and what it must repeat."""
        self.chunks, self.repeated = [], 0
        tick = self.shop.registry["loyalty.card"]._tick

        def watched(records, lots):
            began = time.perf_counter()
            try:
                tick(records, lots)
            except (UserError, *PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
                self.repeated += 1
                raise
            finally:
                self.chunks.append(time.perf_counter() - began)

        with mock.patch.object(self.shop.registry["loyalty.card"], "_tick", watched):
            yield

    def _compare(self):
        [[rows]] = self.shop.run(DIFFERING, day=self.day)
        self.differing += rows

    def get(self, step, measure="cpu"):
        """Return the median of a step."""
        return statistics.median(getattr(cost, measure) for cost in self.costs[step])

    def get_ratio(self, step, measure="cpu"):
        """Return what a step takes of ours / of the floor."""
        return self.get(step, measure) / self.get(f"floor {step}", measure)


# === POSTING ONLINE === #


class Online:
    """A process that posts points to random cards, one in a commit."""

    def __init__(self, name, customers, day):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        arguments = (theirs, name, customers, day)
        self.process = context.Process(target=post_online, args=arguments, daemon=True)

    def __enter__(self):
        self.process.start()
        self.pipe.recv()
        return self

    def __exit__(self, *_error):
        self.pipe.send("stop")
        self.process.join()

    def cut(self):
        """Return (ms, conflicts) of each posting since the last cut."""
        self.pipe.send("cut")
        return self.pipe.recv()


def post_online(pipe, name, customers, day):
    """Post 10 points to a random card, again and again, until told to stop."""
    configure()
    set_clock(day)
    logging.getLogger("odoo.sql_db").setLevel(logging.CRITICAL)
    registry = Registry(name)
    chance = random.Random(19)
    # The first one warms the caches.
    post_once(registry, FIRST + 1, "online:0")
    pipe.send("ready")
    done = []
    for number in itertools.count(1):
        began = time.perf_counter()
        card_id = FIRST + chance.randint(1, customers)
        conflicts = post_once(registry, card_id, f"online:{number}")
        done.append((1000 * (time.perf_counter() - began), conflicts))
        if pipe.poll(PAUSE):
            if pipe.recv() == "stop":
                return
            pipe.send(done)
            done = []


def post_once(registry, card_id, key):
    """Post points as a request does, repeated at once; return how often it was."""
    for conflicts in range(100):
        with contextlib.suppress(UserError, *PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            with registry.cursor() as cr:
                card = api.Environment(cr, SUPERUSER_ID, {})["loyalty.card"]
                card = card.browse(card_id)
                card._post([card._prepare_move("bonus", 10, "Online", key=key)])
            return conflicts
    raise RuntimeError("No try came through.")


# === PLAIN FIGURES === #

NEW_CARDS = """
INSERT INTO loyalty_card
       (program_id, company_id, code, active, managed, points, points_pending)
SELECT %(program)s, 1, 'new-' || i, TRUE, TRUE, 0, 0
  FROM generate_series(1, %(count)s) i
RETURNING id
"""


def time_audit(shop):
    """Return the seconds of an audit of all cards, and its faults."""
    with shop.env() as env:
        began = time.perf_counter()
        faults = env["loyalty.card"]._find_faults()
        return time.perf_counter() - began, len(faults)


def time_opening(shop, count):
    """Return the seconds of opening new cards by the door, batch by batch."""
    ids = [row[0] for row in shop.run(NEW_CARDS, program=shop.program, count=count)]
    began = time.perf_counter()
    for batch in split_every(BATCH, ids):
        with shop.env() as env:
            cards = env["loyalty.card"].browse(batch)
            cards._post([card._prepare_opening(100) for card in cards])
    return time.perf_counter() - began


# === REPORT === #


def get_targets(bench):
    """Return what is to be reached: text, value, bound."""
    large, small = bench.large, bench.small
    growths = (e.get("day") / e.get("floor day") for e in (large, small))
    slowest = max(ms for ms, _conflicts in large.beside)
    return [
        *get_confirm_targets(bench.confirming),
        *get_trap_targets(bench.confirming),
        ("a day's expiry: CPU / plain SQL", large.get_ratio("day"), "≤ 2"),
        ("its growth from a tenth / that of plain SQL", divide(*growths), "≤ 1.15"),
        (
            "mass expiry beside posts: s / plain SQL alone",
            large.get_ratio("mass", "wall"),
            "≤ 2.5",
        ),
        ("online post beside it: greatest ms", slowest, "≤ 250"),
        ("cards of a chunk locked: greatest ms", 1000 * max(large.chunks), "≤ 250"),
        (
            "the one statement beside posts: times it came through",
            large.aborted.count(None),
            "≤ 0",
        ),
        ("rows and balances not as expected", large.differing + small.differing, "≤ 0"),
        ("faults found by the audit", bench.faults, "≤ 0"),
    ]


def get_confirm_targets(confirming):
    """Return the targets of confirming."""
    targets = []
    for kind, text in KINDS.items():
        for customers in (1, CUSTOMERS):
            ratio = confirming.get_ratio(kind, customers, "cpu")
            name = f"confirm, {text}, {count_cards(customers)}: CPU / stock's"
            targets.append((name, ratio, "≤ 1.15"))
        (least, most), (theirs, _) = (
            confirming.get_queries(kind, owner) for owner in ("ours", "stock")
        )
        sizes = (confirming.get(kind, "ours", n, "cpu") for n in (CUSTOMERS, 1))
        targets += [
            (f"confirm, {text}: most queries more than stock", most - theirs, "≤ 12"),
            (f"confirm, {text}: queries, most less least", most - least, "≤ 0"),
            (f"confirm, {text}: CPU / at 1 card", divide(*sizes), "≤ 1.25"),
        ]
    return targets


def get_trap_targets(confirming):
    """Return the targets of the size traps; what takes some ms must go on doing so."""
    targets = []
    for trap in confirming.get_trap_names():
        large, one = (confirming.get_trap(trap, "ours", n) for n in (CUSTOMERS, 1))
        if one < 25:
            targets.append((f"{trap}: ms", large, "≤ 25"))
        else:
            targets.append((f"{trap}: ms / at 1 card", large / one, "≤ 1.25"))
    return targets


def divide(value, other):
    """Return a ratio."""
    return value / other


KINDS = {"earn": "earning", "spend": "earning and spending"}


def count_cards(customers):
    """Return how many cards there are, in words."""
    return "1 card" if customers == 1 else f"{customers:,} cards"


def get_confirm_table(confirming):
    """Return the table of what confirming takes."""
    lines = [
        "| order, cards | ours ms | stock ms | ratio | ours CPU ms | stock CPU ms "
        "| ratio | ours queries | stock queries |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind, text in KINDS.items():
        for customers in (1, CUSTOMERS):
            cells = []
            for measure in ("wall", "cpu"):
                for owner in ("ours", "stock"):
                    value = confirming.get(kind, owner, customers, measure)
                    cells.append(f"{value:,.1f}")
                cells.append(f"{confirming.get_ratio(kind, customers, measure):.2f}")
            for owner in ("ours", "stock"):
                value = confirming.get(kind, owner, customers, "queries")
                cells.append(f"{value:.0f}")
            lines.append(f"| {text}, {count_cards(customers)} | {' | '.join(cells)} |")
    return lines


def get_traps_table(confirming):
    """Return the table of stock's size traps."""
    columns = [
        ("stock", 1),
        ("stock", CUSTOMERS),
        ("ours", 1),
        ("bare", CUSTOMERS),
        ("ours", CUSTOMERS),
    ]
    names = {"stock": "stock", "ours": "ours", "bare": "ours without its indexes"}
    heads = [f"{names[o]}, {count_cards(size)}" for o, size in columns]
    lines = [f"| ms | {' | '.join(heads)} |", f"| --- {'| ---: ' * len(columns)}|"]
    for trap in confirming.get_trap_names():
        values = [confirming.get_trap(trap, *column) for column in columns]
        cells = " | ".join(f"{value:,.1f}" for value in values)
        lines.append(f"| {trap} | {cells} |")
    return lines


def get_expiry_table(bench):
    """Return the table of what expiry takes."""
    lines = ["| step | wall s | CPU s | WAL MB |", "| --- | ---: | ---: | ---: |"]
    for expiring in (bench.small, bench.large):
        cards = count_cards(expiring.shop.customers)
        for step, text in STEPS.items():
            if step in expiring.costs:
                values = [expiring.get(step, name) for name in ("wall", "cpu")]
                cells = [f"{value:,.3f}" for value in values]
                cells.append(f"{expiring.get(step, 'wal'):,.1f}")
                lines.append(f"| {text}, {cards} | {' | '.join(cells)} |")
    return lines


STEPS = {
    "floor day": "Floor: the lots of a day, one plain statement",
    "day": "**Ours: `_cron_clock`**, the same lots",
    "floor mass": "Floor: the lots of many cards, one plain statement, nobody else",
    "mass": "**Ours: `_cron_clock`** beside the online posts",
}


def get_online_table(large):
    """Return the table of the online posts."""
    lines = [
        "| online posts | number | median ms | greatest ms | tries repeated |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for text, posts in (
        ("while all is quiet", large.quiet),
        ("beside the one statement", large.blocked),
        ("beside `_cron_clock`", large.beside),
    ):
        times = [ms for ms, _conflicts in posts]
        repeated = sum(conflicts for _ms, conflicts in posts)
        lines.append(
            f"| {text} | {len(posts)} | {statistics.median(times):,.1f} | "
            f"{max(times):,.1f} | {repeated} |"
        )
    return lines


def get_report(bench):
    """Return the text of the report."""
    large = bench.large
    opened = bench.opened / bench.opening
    return "\n".join(
        [
            "# Bench: points",
            "",
            "Written by `./dev bench points`; bench/points.py says what is measured.",
            "",
            describe_machine(),
            f"The large databases hold {describe_rows(bench.rows)}.",
            "",
            *get_verdicts(get_targets(bench)),
            "",
            "## Confirming an order of three lines",
            "",
            f"Medians of {PAIRS} orders of each kind, in turn in four databases; "
            "ratios are medians of pairs. The host's inventory, which adds the same to "
            "both, is not installed.",
            "",
            *get_confirm_table(bench.confirming),
            "",
            "## Stock's size traps",
            "",
            f"Medians of {TRAPS_TRIED}.",
            "",
            *get_traps_table(bench.confirming),
            "",
            "## Expiry",
            "",
            f"Days: medians of {DAYS}. The mass expiry is of {large.cards:,} cards, in "
            f"{len(large.chunks)} chunks, {large.repeated} of them repeated as posts "
            "had come first; a chunk's cards are locked for "
            f"{1000 * statistics.median(large.chunks):,.0f} ms in the median and "
            f"{1000 * max(large.chunks):,.0f} ms at most.",
            "",
            *get_expiry_table(bench),
            "",
            describe_aborted(large.aborted),
            "",
            *get_online_table(large),
            "",
            "## Plain figures",
            "",
            f"The audit (`_find_faults`) of {CUSTOMERS:,} cards takes "
            f"{bench.audit:,.1f} s. {bench.opened:,} new cards were opened by `_post`, "
            f"{BATCH:,} in a batch, in {bench.opening:,.1f} s: {opened:,.0f} rows a "
            "second.",
            "",
        ]
    )


def describe_aborted(aborted):
    """Return what became of the one statement."""
    seconds = [f"{s:.1f} s" for s in aborted if s is not None]
    return (
        f"The one statement beside the posts was aborted {len(seconds)} times of "
        f"{len(aborted)}{', after ' if seconds else ''}{', '.join(seconds)}. Odoo "
        "pauses for up to two seconds before it repeats a request; the bench repeats "
        "at once."
    )


def describe_rows(rows):
    """Return how many rows there are of each table."""
    return ", ".join(f"{count:,} {table}" for table, count in rows.items())


class Bench:
    """All that is measured, in the order of measuring."""

    def run(self):
        """Measure all in databases that are dropped in the end."""
        with Shop("large", CUSTOMERS) as large:
            self._confirm(large)
            with Shop("small", CUSTOMERS // 10) as small:
                fill_all(small)
                self.small = Expiring(small)
                self.small.run_days()
            self.large = Expiring(large)
            self.large.run_days()
            self.large.run_mass()
            self.opened = CUSTOMERS // 10
            self.opening = time_opening(large, self.opened)
            self.audit, faults = time_audit(large)
            self.faults += faults

    def _confirm(self, large):
        with (
            Shop("one", 1) as one,
            Shop("stock_one", 1, ours=False) as stock_one,
            Shop("stock_large", CUSTOMERS, ours=False) as stock,
        ):
            fill_all(large, stock, one, stock_one)
            self.rows = large.rows
            _seconds, self.faults = time_audit(large)
            self.confirming = Confirming(one, stock_one, large, stock)
            self.confirming.run()


def configure():
    """Let Odoo know where it is."""
    config.parse_config(["--log-level=warn"], setup_logging=True)


def main():
    """Measure; print and write the report."""
    if not os.environ["PGHOST"].startswith("/"):
        return "The bench reads the CPU time of the server, so that must run here."
    configure()
    set_clock(TODAY)
    bench = Bench()
    bench.run()
    report = get_report(bench)
    print(report)
    if CUSTOMERS == 1_000_000:
        REPORT.write_text(report)
    return int("FAIL" in report)


if __name__ == "__main__":
    sys.exit(main())
