"""What segments cost, beside plain SQL that does just the same; and their actions.

A database of its own is filled by SQL: customers, most of them with a profile. Twenty
segments are stored; then every fiftieth profile changes, and the night comes: first in
plain SQL that evaluates the same rules in one scan and stores the difference (taken
back), then by our job. Members are compared one by one. Then workers give tags and
points, one of them and two. Medians of the rounds go to bench/results/segments.md.

HSTYLE_BENCH_CUSTOMERS=20000 tries it quickly.
"""

import contextlib
import multiprocessing
import os
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

# "profile" of this folder would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

from odoo import SUPERUSER_ID, Command, api, fields  # noqa: E402
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

DATABASE = "bench_segments"
REPORT = ROOT / "bench/results/segments.md"
CUSTOMERS = int(os.environ.get("HSTYLE_BENCH_CUSTOMERS", "1000000"))
ROUNDS = 3
#: Actions of each kind that a worker does.
ACTIONS = min(40_000, CUSTOMERS // 10)
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

# Four of five customers bought; their figures are spread as those of a real shop.
PROFILES = """
INSERT INTO hstyle_profile
       (partner_id, company_id, order_count, revenue, refund, first_order_on,
        last_order_on, order_count_12m, revenue_12m, order_count_prev_12m,
        revenue_prev_12m, r_score, f_score, m_score, rfm_group, abc, stage)
SELECT %(first)s + i, 1, n, revenue, 0, DATE '2024-01-01', DATE '2026-06-30' - days,
       n / 2, revenue / 2, n / 2, revenue / 2, 1 + days / 80 %% 5, 1 + n %% 5,
       1 + i %% 5,
       (ARRAY['champion', 'loyal', 'potential', 'new', 'promising', 'attention',
              'sleepy', 'risk', 'cannot_lose', 'hibernating', 'lost'])[1 + i %% 11],
       CASE WHEN i %% 20 = 0 THEN 'a' WHEN i %% 5 = 0 THEN 'b' ELSE 'c' END,
       CASE WHEN days < 90 THEN 'active' WHEN days < 180 THEN 'lapsing'
            WHEN days < 365 THEN 'lapsed' ELSE 'lost' END
  FROM (
        SELECT i, 1 + floor(random() * random() * 12)::int AS n,
               round((40 * exp(1.2 * random() * 3))::numeric, 2) AS revenue,
               floor(random() * 500)::int AS days
          FROM generate_series(1, %(customers)s) i
         WHERE i %% 5 > 0
       ) made
"""

# Every fiftieth customer orders, another fiftieth goes on to the next stage.
DAY = """
UPDATE hstyle_profile
   SET order_count = order_count + 1, revenue = revenue + 100, stage = 'active',
       rfm_group = 'champion', last_order_on = DATE '2026-06-30'
 WHERE partner_id %% 50 = %(round)s;
UPDATE hstyle_profile
   SET stage = 'lapsed', rfm_group = 'hibernating'
 WHERE partner_id %% 50 = 10 + %(round)s
"""

GROUPS = ("champion", "loyal", "potential", "new", "promising", "attention", "sleepy",
          "risk", "cannot_lose", "hibernating", "lost")  # fmt: skip

#: Of each segment: its domain, and the same in SQL for the floor.
RULES = [
    *(
        (
            f"[('hstyle_profile_ids.rfm_group', '=', '{group}')]",
            f"rfm_group = '{group}'",
        )
        for group in GROUPS
    ),
    *(
        (f"[('hstyle_profile_ids.abc', '=', '{abc}')]", f"abc = '{abc}'")
        for abc in "ab"
    ),
    *(
        (f"[('hstyle_profile_ids.stage', '=', '{stage}')]", f"stage = '{stage}'")
        for stage in ("lapsing", "lapsed", "lost")
    ),
    (
        "[('hstyle_profile_ids', 'any', [('stage', '=', 'lapsing'),"
        " ('order_count', '>=', 4)])]",
        "stage = 'lapsing' AND order_count >= 4",
    ),
    ("[('hstyle_profile_ids.revenue', '>=', 600)]", "revenue >= 600"),
    ("[('hstyle_profile_ids.order_count', '=', 1)]", "order_count = 1"),
    (
        "[('hstyle_profile_ids', 'any', [('m_score', '=', 5), ('r_score', '<=', 2)])]",
        "m_score = 5 AND r_score <= 2",
    ),
]

# The floor: one scan finds all memberships, two joins store what changed.
EVALUATE = """
CREATE TEMPORARY TABLE floor_now ON COMMIT DROP AS
SELECT unnest(array_remove(ARRAY[{rules}], NULL)) AS segment_id, p.partner_id
  FROM hstyle_profile p
  JOIN res_partner c ON c.id = p.partner_id AND c.active AND c.partner_share
 WHERE p.company_id = 1
"""
STORE = """
ANALYZE floor_now;
UPDATE floor_member m
   SET left_on = now()
 WHERE left_on IS NULL
   AND NOT EXISTS (
       SELECT FROM floor_now n
        WHERE n.segment_id = m.segment_id AND n.partner_id = m.partner_id);
INSERT INTO floor_member (segment_id, partner_id, entered_on)
SELECT n.segment_id, n.partner_id, now()
  FROM floor_now n
 WHERE NOT EXISTS (
       SELECT FROM floor_member m
        WHERE m.left_on IS NULL
          AND n.segment_id = m.segment_id AND n.partner_id = m.partner_id)
"""
# The same keys as our table has.
FLOOR_TABLE = """
CREATE TABLE floor_member (
    id serial PRIMARY KEY,
    segment_id integer NOT NULL REFERENCES hstyle_segment,
    partner_id integer NOT NULL REFERENCES res_partner,
    entered_on timestamp NOT NULL,
    left_on timestamp
);
CREATE UNIQUE INDEX ON floor_member (segment_id, partner_id) WHERE left_on IS NULL;
CREATE INDEX ON floor_member (partner_id);
CREATE INDEX ON floor_member (segment_id, entered_on)
"""


def _open(registry):
    cr = registry.cursor()
    return cr, api.Environment(cr, SUPERUSER_ID, {})


def _worker(shard, shards, ready, go, seconds):
    """Work as a cron worker does; tell how long it took."""
    config.parse_config(["--log-level=warn"], setup_logging=True)
    registry = Registry(DATABASE)
    cr, env = _open(registry)
    with contextlib.closing(cr):
        ready.put(shard)
        go.wait()
        began = time.perf_counter()
        env["hstyle.segment.run"]._cron_work(shard, shards)
        seconds.put(time.perf_counter() - began)


class Bench:
    """A database of customers in segments, nights, and workers."""

    def __init__(self):
        self.costs = defaultdict(list)
        self.speed, self.differing, self.members = {}, 0, 0

    def run(self):
        """Fill, store the segments once, let nights pass, and the workers work."""
        database.drop(DATABASE)
        database.create(DATABASE)
        self.connection = connect(DATABASE)
        self.registry = Registry(DATABASE)
        try:
            self._fill()
            self._prepare()
            for number in range(ROUNDS):
                self._pass(number)
            for kind in ("tag", "points"):
                for workers in (1, 2):
                    self._work(kind, workers)
        finally:
            self.connection.close()
            close_db(DATABASE)
            database.drop(DATABASE)

    def _run(self, query, **values):
        return execute(self.connection, query, **values)

    @contextlib.contextmanager
    def _env(self):
        """Lend an environment whose transaction is committed."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _fill(self):
        with progress(f"{CUSTOMERS:,} customers"):
            start_filling(self.connection)
            with without_indexes(self.connection, ("res_partner", "hstyle_profile")):
                for query in (PARTNERS, PROFILES):
                    self._run(query, first=FIRST, customers=CUSTOMERS)
            self._run("SET session_replication_role = origin")
            self._run("VACUUM ANALYZE")

    def _prepare(self):
        with self._env() as env:
            env["hstyle.segment"].search([("active", "=", True)]).active = False
            self.segments = (
                env["hstyle.segment"]
                .create(
                    [
                        {"name": f"Segment {number}", "domain": domain}
                        for number, (domain, _sql) in enumerate(RULES)
                    ]
                )
                .ids
            )
        rules = ", ".join(
            f"CASE WHEN {sql} THEN {segment} END"
            for segment, (_domain, sql) in zip(self.segments, RULES, strict=True)
        )
        self.evaluate = EVALUATE.format(rules=rules)
        self._run(FLOOR_TABLE)
        self._floor("first", keep=True)
        self._night("ours_first")
        self._run("VACUUM ANALYZE floor_member, hstyle_segment_member")

    def _pass(self, number):
        self._run(DAY, round=number)
        self._run("VACUUM ANALYZE hstyle_profile")
        self._floor("warm")
        self._floor("floor", keep=True)
        self._night("ours")
        [[self.members, self.differing]] = self._run(
            """
            SELECT count(*), count(*) FILTER (
                       WHERE o.partner_id IS NULL OR f.partner_id IS NULL)
              FROM (SELECT * FROM hstyle_segment_member WHERE left_on IS NULL) o
              FULL JOIN (SELECT * FROM floor_member WHERE left_on IS NULL) f
                ON f.segment_id = o.segment_id AND f.partner_id = o.partner_id
            """
        )
        self._night("again")

    def _floor(self, step, keep=False):
        with self.connection.cursor() as cr, measured(self.costs[step], cr):
            cr.execute("BEGIN")
            with measured(self.costs[f"{step}_evaluate"], cr):
                cr.execute(self.evaluate)
            cr.execute(STORE)
            cr.execute("COMMIT" if keep else "ROLLBACK")

    def _night(self, step):
        with (
            self._env() as env,
            measured(self.costs[step], env.cr),
            progress(f"Night, {step}"),
        ):
            env["hstyle.segment"]._cron_refresh()

    def _work(self, kind, workers):
        """Queue actions for some customers, and measure how fast workers do them."""
        with self._env() as env:
            if kind == "tag":
                tag = env["res.partner.category"].create({"name": f"Tag {workers}"})
                values = {"kind": "tag", "tag_id": tag.id}
            else:
                values = {"kind": "points", "points": 5}
            low = FIRST + (workers - 1) * ACTIONS
            segment = env["hstyle.segment"].create(
                {
                    "name": f"{kind} {workers}",
                    "domain": repr([("id", ">", low), ("id", "<=", low + ACTIONS)]),
                    "action_ids": [Command.create(values)],
                }
            )
            segment._launch()
            env.cr.execute(
                "UPDATE hstyle_segment_run SET due_at = %s", [fields.Datetime.now()]
            )
        self._run("VACUUM ANALYZE hstyle_segment_run")
        context = multiprocessing.get_context("spawn")
        ready, seconds, go = context.Queue(), context.Queue(), context.Event()
        with progress(f"{ACTIONS:,} × {kind}, {workers} workers"):
            processes = [
                context.Process(target=_worker, args=(s, workers, ready, go, seconds))
                for s in range(workers)
            ]
            for process in processes:
                process.start()
            for _process in processes:
                ready.get()
            go.set()
            took = max(seconds.get() for _process in processes)
            for process in processes:
                process.join()
        [[done]] = self._run(
            "SELECT count(*) FROM hstyle_segment_run r"
            " JOIN hstyle_segment_action a ON a.id = r.action_id"
            " WHERE r.state = 'done' AND a.segment_id = %(segment)s",
            segment=segment.id,
        )
        self.speed[kind, workers] = done * 60 / took

    # === REPORT === #

    def get(self, step, figure="cpu"):
        """Return the median of a step's figure."""
        return statistics.median(getattr(cost, figure) for cost in self.costs[step])

    def report(self):
        """Return the report's text."""
        targets = [
            ("a night of 20 segments: CPU / plain SQL",
             self.get("ours") / self.get("floor"), "≤ 1.5"),
            ("members not as plain SQL has them", self.differing, "≤ 0"),
            *(
                (f"{kind} actions a minute, one worker", self.speed[kind, 1], "≥ 5000")
                for kind in ("tag", "points")
            ),
            *(
                (f"{kind} actions: two workers / one",
                 self.speed[kind, 2] / self.speed[kind, 1], "≥ 1.7")
                for kind in ("tag", "points")
            ),
        ]  # fmt: skip
        names = {
            "first": "Floor, the first night: everybody enters",
            "floor_evaluate": "Floor: one scan that evaluates all rules",
            "floor": "Floor: the same, and the difference stored",
            "ours_first": "Ours, the first night",
            "ours": "**Ours: `_cron_refresh`**, with sizes and dated stays",
            "again": "The same night once more: nothing to do",
        }
        lines = [
            f"| {name} | {self.get(step, 'wall'):,.2f} | {self.get(step):,.2f} | "
            f"{self.get(step, 'wal'):,.1f} |"
            for step, name in names.items()
        ]
        return "\n".join(
            [
                "# Segments at night, and their actions",
                "",
                f"`./dev bench segments`: {describe_machine()} "
                f"{CUSTOMERS:,} customers, "
                f"{len(RULES)} segments with {self.members:,} members; medians of "
                f"{ROUNDS} nights, in each of which 4 % of the profiles change. "
                f"{ACTIONS:,} actions of each kind.",
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
