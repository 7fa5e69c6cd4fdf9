"""What the nightly filling of the days costs, and what opening one's day does.

A database of its own gets a million customers, of whom one in five has a salesperson,
by SQL; an order of each lately, and a night's worth of reasons. The job runs as the
first night (all lists are empty) and as a usual one (each person ended half of the
list). Beside it a plain program does the same for a sample of people: a search of
their customers, and an activity of the host for each of the most valuable. Then the
screen is read as the web client reads it, and what the days led to. Medians go to
bench/results/myday.md.

HSTYLE_BENCH_CUSTOMERS=20000 tries it quickly.
"""

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
    start_filling,
    without_indexes,
)
from devtools.paths import ROOT  # noqa: E402

DATABASE = "bench_myday"
REPORT = ROOT / "bench/results/myday.md"
CUSTOMERS = int(os.environ.get("HSTYLE_BENCH_CUSTOMERS", "1000000"))
#: People with customers; one customer in so many has one of them.
PEOPLE, OWNED = 100, 5
ROUNDS = 5
#: People for whom the plain program works.
SAMPLE = 10
#: Partners get the ids after this one.
FIRST = 1_000_000

FILL = """
INSERT INTO res_partner
       (id, name, complete_name, active, type, is_company, partner_share, customer_rank,
        autopost_bills, phone, phone_sanitized, commercial_partner_id, user_id,
        birthday)
SELECT %(first)s + i, 'Customer ' || i, 'Customer ' || i, TRUE, 'contact', FALSE, TRUE,
       1, 'ask', '+861' || 3000000000 + i, '+861' || 3000000000 + i, %(first)s + i,
       CASE WHEN i %% %(owned)s = 0
            THEN (%(users)s::int[])[1 + i / %(owned)s %% %(people)s] END,
       DATE '1990-01-01' + i %% 365
  FROM generate_series(1, %(customers)s) i;
INSERT INTO hstyle_profile
       (partner_id, company_id, order_count, order_days, revenue, refund,
        first_order_on, last_order_on, order_count_12m, revenue_12m,
        order_count_prev_12m, revenue_prev_12m, r_score, f_score, m_score, rfm_group,
        abc, stage, next_order_from, next_order_to)
SELECT %(first)s + i, 1, 3, 3, 100, 0, %(today)s::date - 400, day, 1,
       1 + i * 7919::bigint %% 10000, 0, 0, 3, 3, 3, 'attention', 'b',
       CASE WHEN %(today)s - day < 90 THEN 'active'
            WHEN %(today)s - day < 180 THEN 'lapsing' ELSE 'lapsed' END,
       day + 30, day + 45
  FROM (
        SELECT i, %(today)s::date - i %% 364 AS day
          FROM generate_series(1, %(customers)s) i
       ) bought;
INSERT INTO hstyle_order
       (name, shop_id, company_id, partner_id, date_order, state, amount_paid,
        amount_refund, amount_discount, currency_rate)
SELECT i, %(shop)s, 1, %(first)s + i, %(today)s::date - i %% 364, 'paid', 100, 0, 0, 1
  FROM generate_series(1, %(customers)s) i
"""


class Bench:
    def __init__(self):
        self.seconds, self.queries, self.counts = defaultdict(list), {}, {}

    def run(self):
        """Fill the database and measure."""
        database.drop(DATABASE)
        database.create(DATABASE)
        self.connection = connect(DATABASE)
        self.registry = Registry(DATABASE)
        try:
            with progress(f"{CUSTOMERS:,} customers"):
                self.fill()
            with progress("measured"):
                self.measure()
        finally:
            self.connection.close()
            close_db(DATABASE)
            database.drop(DATABASE)

    def env(self, cr, user=SUPERUSER_ID):
        return api.Environment(cr, user, {"lang": "en_US", "tz": "UTC"})

    def fill(self):
        with self.registry.cursor() as cr:
            env = self.env(cr)
            group = env.ref("hstyle_crm.hstyle_crm_group_user")
            values = {"group_ids": [Command.set(group.ids)]}
            self.users = (
                env["res.users"]
                .with_context(no_reset_password=True)
                .create(
                    [
                        {"name": f"P{n}", "login": f"p{n}", **values}
                        for n in range(PEOPLE)
                    ]
                )
                .ids
            )
            env.company.hstyle_tz = "UTC"
            shop = env["hstyle.shop"].create({"name": "Shop", "platform": "tmall"})
            cr.commit()
        start_filling(self.connection)
        with without_indexes(
            self.connection, ["res_partner", "hstyle_profile", "hstyle_order"]
        ):
            execute(
                self.connection,
                FILL,
                first=FIRST,
                customers=CUSTOMERS,
                owned=OWNED,
                people=PEOPLE,
                users=self.users,
                shop=shop.id,
                today=fields.Date.today(),
            )
        execute(self.connection, "VACUUM ANALYZE")

    def time(self, step, work, user=SUPERUSER_ID, commit=False):
        """Measure ``work(env)`` in a transaction of its own."""
        with self.registry.cursor() as cr:
            env = self.env(cr, user)
            cr.execute("SELECT 1")
            queries, began = cr.sql_log_count, time.perf_counter()
            result = work(env)
            env.flush_all()
            self.seconds[step].append(time.perf_counter() - began)
            self.queries[step] = cr.sql_log_count - queries
            if commit:
                cr.commit()
            else:
                cr.rollback()
        return result

    def measure(self):
        def night(env):
            return env["hstyle.todo"]._fill(env.company)["added"]

        for _round in range(ROUNDS):
            added = self.time("first night", night)
        self.counts["first night"] = added
        self.time("first night", night, commit=True)
        execute(
            self.connection,
            "UPDATE hstyle_todo SET state = 'done', result = 'reached',"
            " done_at = now() AT TIME ZONE 'UTC' - INTERVAL '20 days',"
            " done_on = now()::date - 20 WHERE id %% 2 = 0",
        )
        execute(self.connection, "VACUUM ANALYZE hstyle_todo")
        for _round in range(ROUNDS):
            added = self.time("usual night", night)
        self.counts["usual night"] = added
        self.time("usual night", night, commit=True)
        for _round in range(3):
            made = self.time("plain program, sample", self.plain)
        self.counts["plain program, sample"] = made
        self.read()

    def read(self):
        """Open the screens of a person."""
        user, columns = self.users[7], ("name", "kind", "due", "value", "phone")
        fetched = {name: {} for name in columns} | {
            "partner_id": {"fields": {"display_name": {}}},
            "grade_id": {"fields": {"display_name": {}}},
        }

        def day(env):
            return len(env["hstyle.day"].web_search_read([], fetched)["records"])

        def led(env):
            return env["hstyle.todo.effect"].formatted_read_group(
                [], ["kind"], ["__count", "ordered:avg", "revenue:sum"]
            )

        def why(env):
            domain = [("state", "=", "open")]
            found = env["hstyle.todo"].search(domain, limit=80).partner_id
            return sum(map(bool, found.mapped("hstyle_why_now")))

        for step, work in (
            ("my day opened", day),
            ("what my days led to", led),
            ("why now of 80 customers", why),
        ):
            for _round in range(ROUNDS + 1):
                self.counts[step] = self.time(step, work, user)
            self.seconds[step] = self.seconds[step][1:]
        self.counts["what my days led to"] = self.counts["what my days led to"][0][
            "__count"
        ]

    def plain(self, env):
        """Search each person's customers and plan calls, as the host alone would."""
        today, made = fields.Date.today(), 0
        ago = fields.Date.subtract
        for user in env["res.users"].browse(self.users[:SAMPLE]):
            due = env["hstyle.profile"].search(
                [
                    ("partner_id.user_id", "=", user.id),
                    "|",
                    "&",
                    ("next_order_from", "<=", today),
                    ("next_order_to", ">=", today),
                    "&",
                    ("last_order_on", "<=", ago(today, days=90)),
                    ("last_order_on", ">", ago(today, days=180)),
                ],
                order="revenue_12m desc",
                limit=40,
            )
            free = due.partner_id.filtered(lambda p: not p.activity_ids)[:20]
            for partner in free:
                partner.activity_schedule(
                    "mail.mail_activity_data_call", user_id=user.id, summary="Call"
                )
            made += len(free)
        return made

    def report(self):
        median = {step: statistics.median(s) for step, s in self.seconds.items()}
        plain = median["plain program, sample"] * PEOPLE / SAMPLE
        targets = [
            ("a night, s", median["first night"], "≤ 60"),
            ("my day opened, s", median["my day opened"], "≤ 0.3"),
            ("what my days led to, s", median["what my days led to"], "≤ 0.5"),
        ]
        lines = [
            f"| {step} | {seconds:.3f} | {self.queries[step]} | {self.counts[step]:,} |"
            for step, seconds in median.items()
        ]
        return "\n".join(
            [
                "# My day",
                "",
                f"`./dev bench myday`: {describe_machine()} {CUSTOMERS:,} customers, "
                f"one in {OWNED} of one of {PEOPLE} people; medians of {ROUNDS} "
                f"rounds. The plain program works for {SAMPLE} people; for all it "
                f"would take {plain:,.0f} s, {plain / median['first night']:,.0f} "
                "times the job.",
                "",
                *get_verdicts(targets),
                "",
                "| step | wall s | queries | tasks or rows |",
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
