"""What a month of agents' commission costs, beside `commission_oca` on the same work.

Two databases get 100 agents and, for each of some months, 20,000 rows of commission on
6,667 orders (ours) or invoices (theirs), copied by SQL from one that was made for real.
Then a month is settled, and its draft vendor bills are made. Sums are compared; medians
of the months go to bench/results/agents.md.

The alternative is installed from PyPI into .dev/cache; without it only ours is shown.
HSTYLE_BENCH_ROWS=600 tries it quickly.
"""

import contextlib
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from unittest import mock

# "profile" of this folder would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

from odoo import SUPERUSER_ID, Command, api, fields  # noqa: E402
from odoo.modules.registry import Registry  # noqa: E402
from odoo.sql_db import close_db  # noqa: E402
from odoo.tools import config  # noqa: E402

from devtools import database  # noqa: E402
from devtools.console import progress  # noqa: E402
from devtools.environment import prepare  # noqa: E402
from devtools.measure import (  # noqa: E402
    connect,
    copy_row,
    describe_machine,
    execute,
    get_verdicts,
    measured,
    start_filling,
)
from devtools.paths import CACHE, ROOT  # noqa: E402

REPORT = ROOT / "bench/results/agents.md"
AGENTS = 100
#: Lines of an order or invoice.
LINES = 3
ROWS = int(os.environ.get("HSTYLE_BENCH_ROWS", "20000"))
MONTHS = [date(2026, month, 1) for month in (1, 2, 3)]
#: The database gives smaller ids by itself.
FIRST = 1_000_000
THEIRS = [
    "odoo-addon-commission_oca==19.0.2.0.0.10",
    "odoo-addon-account_commission_oca==19.0.1.0.1.4",
]
FOLDER = CACHE / "commission_oca"


class Bench:
    """A database of agents, and months that are settled in it."""

    name = None

    def __init__(self):
        self.costs = defaultdict(list)
        self.sums = []

    def run(self):
        """Fill the database, and settle month after month."""
        database.drop(self.name)
        self.create()
        self.connection = connect(self.name)
        self.registry = Registry(self.name)
        try:
            with self.env() as env:
                self.prepare(env)
            start_filling(self.connection)
            for number, month in enumerate(MONTHS, 1):
                with progress(f"{self.name}: {month:%Y-%m}"):
                    self.fill(number * FIRST, month)
                    execute(self.connection, "ANALYZE")
                    self._settle(month)
        finally:
            self.connection.close()
            close_db(self.name)
            database.drop(self.name)

    @contextlib.contextmanager
    def env(self):
        """Lend an environment whose transaction is committed."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _settle(self, month):
        noon = fields.Datetime.to_datetime(month + timedelta(days=32))
        with mock.patch.object(fields.Datetime, "now", lambda *_args: noon):
            for step in (self.settle, self.bill):
                with (
                    self.env() as env,
                    measured(self.costs[step.__name__], env.cr),
                ):
                    step(env, month)
                    env.cr.commit()
        with self.env() as env:
            self.sums.append(self.read(env, month))

    def copy(self, table, template, count, **columns):
        """Copy a row many times: `i` counts from 1; columns are SQL."""
        copy_row(self.connection, table, template, count, **columns)

    def get(self, step):
        """Return the median seconds of a step."""
        return statistics.median(cost.wall for cost in self.costs[step])


class Ours(Bench):
    """The addon: rows were posted when orders were confirmed."""

    name = "bench_agents"

    def create(self):
        """Make a database with the addons."""
        database.create(self.name)

    def prepare(self, env):
        """Make the agents, a friend of each, and an order that earned commission."""
        env.company.hstyle_tz = "UTC"
        plan = env["hstyle.commission.plan"].search([])
        plan.write({"minimum": 0, "months": 0})
        plan.bracket_ids = [Command.clear(), Command.create({"percent": 10})]
        campus = env["hstyle.campus"].create({"name": "Campus"})
        people = env["res.partner"].create(
            [{"name": f"{kind} {n}"} for n in range(AGENTS) for kind in "AF"]
        )
        agents = env["hstyle.agent"].create(
            [
                {
                    "partner_id": student.id,
                    "campus_id": campus.id,
                    "graduation_on": "2030-06-30",
                    "state": "active",
                }
                for student in people[::2]
            ]
        )
        program = env["hstyle.referral.program"].search([], limit=1)
        referrals = env["hstyle.referral"].create(
            [
                {
                    "program_id": program.id,
                    "company_id": env.company.id,
                    "referrer_id": agent.partner_id.id,
                    "agent_id": agent.id,
                    "friend_id": friend.id,
                    "source": "link",
                    "touched_on": "2025-01-01",
                    "claimed_on": "2025-01-01",
                }
                for agent, friend in zip(agents, people[1::2], strict=True)
            ]
        )
        product = env["product.product"].create({"name": "Dress", "taxes_id": []})
        line = {"product_id": product.id, "price_unit": 50}
        self.order = env["sale.order"].create(
            {
                "partner_id": people[1].id,
                "order_line": [Command.create(line) for _line in range(LINES)],
            }
        )
        self.order.action_confirm()
        env["hstyle.commission"]._accrue(self.order)
        env.flush_all()
        row = env["hstyle.commission"].search([], limit=1)
        payer = env["hstyle.commission.order"].search([])
        # The n-th agent, friend and referral follow the first at a distance.
        self.first = {
            "order": self.order.id,
            "line": self.order.order_line[0].id,
            "payer": payer.id,
            "row": row.id,
            "agent": min(agents.ids),
            "referral": min(referrals.ids),
            "friend": people[1].id,
        }

    def fill(self, first, month):
        """Give all agents a month of orders and commission on each line."""
        orders, at = -(-ROWS // LINES), self.first
        agent = f"{at['agent']} + i %% {AGENTS}"
        referral = f"{at['referral']} + i %% {AGENTS}"
        day = f"'{month}'::date"
        self.copy(
            "sale_order", at["order"], orders,
            id=f"{first} + i",
            name=f"'{month:%y%m}/' || i",
            partner_id=f"{at['friend']} + 2 * (i %% {AGENTS})",
            date_order=f"{day} + time '12:00'",
        )  # fmt: skip
        self.copy(
            "hstyle_commission_order", at["payer"], orders,
            order_id=f"{first} + i", referral_id=referral, agent_id=agent,
        )  # fmt: skip
        order = f"{first} + 1 + (i - 1) / {LINES}"
        self.copy(
            "sale_order_line", at["line"], ROWS, id=f"{first} + i", order_id=order
        )
        number = f"(i - 1) / {LINES} + 1"
        self.copy(
            "hstyle_commission", at["row"], ROWS,
            number=f"1 + (i - 1) %% {LINES}",
            agent_id=f"{at['agent']} + ({number}) %% {AGENTS}",
            referral_id=f"{at['referral']} + ({number}) %% {AGENTS}",
            order_id=order,
            order_line_id=f"{first} + i",
            date=day, month=day,
            available_on=f"{day} + 15",
        )  # fmt: skip

    def settle(self, env, month):
        """Make the statements of a month."""
        env["hstyle.commission.statement"]._close(env.company, month, None)

    def bill(self, env, month):
        """Make the bills of the statements."""
        statements = env["hstyle.commission.statement"]
        statements.search([("month", "=", month)])._bill()

    def read(self, env, month):
        """Return (bills, rows settled, amount billed)."""
        statements = env["hstyle.commission.statement"].search([("month", "=", month)])
        bills = statements.bill_id
        rows = len(statements.line_ids)
        return len(bills), rows, round(sum(bills.mapped("amount_total")))


class Oca(Bench):
    """OCA's addons: lines of posted invoices have an agent each."""

    name = "bench_agents_oca"

    def create(self):
        """Make a database with OCA's addons, and none of ours."""
        database.create_host(self.name)
        subprocess.run(
            [
                *database.ODOO,
                "--database", self.name,
                "--init", "account_commission_oca",
                "--addons-path", ",".join(config["addons_path"]),
                "--stop-after-init", "--no-http", "--log-level=error",
            ],
            env=prepare(),
            check=True,
        )  # fmt: skip

    def prepare(self, env):
        """Make the agents, and a posted invoice whose lines give commission."""
        rate = env["commission"].create({"name": "Ten", "fix_qty": 10})
        values = {"agent": True, "commission_id": rate.id, "settlement": "monthly"}
        agents = env["res.partner"].create(
            [{"name": f"A {number}", **values} for number in range(AGENTS)]
        )
        friend = env["res.partner"].create(
            {"name": "F", "commission_agent_ids": [Command.link(agents[0].id)]}
        )
        self.product = env["product.product"].create(
            {"name": "Dress", "taxes_id": [], "supplier_taxes_id": []}
        )
        line = {"product_id": self.product.id, "price_unit": 50}
        self.invoice = env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": friend.id,
                "invoice_date": "2025-12-01",
                "invoice_line_ids": [Command.create(line) for _line in range(LINES)],
            }
        )
        self.invoice.action_post()
        env.flush_all()
        lines = self.invoice.invoice_line_ids
        self.first = {
            "move": self.invoice.id,
            "line": lines[0].id,
            "row": lines[0].agent_ids.id,
            "agent": min(agents.ids),
        }
        # The template is no part of any month.
        lines.agent_ids.settled = True

    def fill(self, first, month):
        """Give all agents a month of invoices and commission on each line."""
        invoices, at = -(-ROWS // LINES), self.first
        day = f"'{month}'::date"
        self.copy(
            "account_move", at["move"], invoices,
            id=f"{first} + i",
            name=f"'{month:%y%m}/' || i",
            date=day, invoice_date=day,
            sequence_number="i",
            sequence_prefix=f"'{month:%y%m}/'",
        )  # fmt: skip
        move = f"{first} + 1 + (i - 1) / {LINES}"
        self.copy(
            "account_move_line", at["line"], ROWS,
            id=f"{first} + i", move_id=move, date=day,
        )  # fmt: skip
        number = f"(i - 1) / {LINES} + 1"
        self.copy(
            "account_invoice_line_agent", at["row"], ROWS,
            object_id=f"{first} + i",
            invoice_id=move,
            invoice_date=day,
            settled="FALSE",
            agent_id=f"{at['agent']} + ({number}) %% {AGENTS}",
        )  # fmt: skip

    def settle(self, env, month):
        """Make the settlements of a month."""
        following = month + timedelta(days=32)
        wizard = env["commission.make.settle"].create(
            {"date_to": following, "settlement_type": "sale_invoice"}
        )
        wizard.action_settle()

    def bill(self, env, month):
        """Make the bills of the settlements."""
        wizard = env["commission.make.invoice"].create(
            {"product_id": self.product.id, "date": month + timedelta(days=32)}
        )
        wizard.button_create()

    def read(self, env, month):
        """Return (bills, rows settled, amount billed)."""
        found = env["commission.settlement"].search([("date_from", "=", month)])
        bills = found.invoice_id
        rows = len(found.line_ids)
        return len(bills), rows, round(sum(bills.mapped("amount_total")))


def get_addons_path():
    """Return the folders of addons, those of the alternative included."""
    return ",".join(map(str, [*config["addons_path"], FOLDER / "odoo/addons"]))


def has_alternative():
    """Install the alternative beside, unless it is; tell whether it is there."""
    if not FOLDER.exists():
        pip = [database.PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--target"]
        with progress("commission_oca from PyPI"):
            done = subprocess.run([*pip, FOLDER, *THEIRS], env=prepare())
        return not done.returncode
    return True


def get_report(ours, theirs):
    """Return the report's text."""
    settle, bill = ours.get("settle"), ours.get("bill")
    targets = [
        (f"settling {ROWS:,} rows of {AGENTS} agents, s", settle, "≤ 5"),
        (f"{AGENTS} vendor bills, s", bill, "≤ 25"),
    ]
    lines = [
        f"| settle {ROWS:,} rows | {settle:,.2f} |",
        f"| make {AGENTS} draft bills | {bill:,.2f} |",
    ]
    if theirs:
        for number, step in enumerate(("settle", "bill")):
            factor = theirs.get(step) / ours.get(step)
            lines[number] += f" {theirs.get(step):,.2f} | {factor:,.1f} × |"
        differing = sum(a != b for a, b in zip(ours.sums, theirs.sums, strict=True))
        targets.append(("months of which bills, rows or sums differ", differing, "≤ 0"))
    beside = f" Beside: {', '.join(THEIRS)}." if theirs else " Without commission_oca."
    return "\n".join(
        [
            "# Commission of agents",
            "",
            f"`./dev bench agents`: {describe_machine()} Medians of {len(MONTHS)} "
            f"months.{beside}",
            "",
            *get_verdicts(targets),
            "",
            "| step | ours, s |" + (" commission_oca, s | |" if theirs else ""),
            "| --- | ---: |" + (" ---: | ---: |" if theirs else ""),
            *lines,
            "",
        ]
    )


def main():
    """Measure; print and write the report."""
    options = ["--log-level=warn"]
    config.parse_config(options, setup_logging=True)
    found = has_alternative()
    if found:
        config.parse_config([*options, f"--addons-path={get_addons_path()}"])
    ours, theirs = Ours(), Oca() if found else None
    for bench in filter(None, (ours, theirs)):
        bench.run()
    text = get_report(ours, theirs)
    print(text)
    REPORT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
