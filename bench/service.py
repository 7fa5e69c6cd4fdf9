"""What service costs with 100,000 tickets, beside `helpdesk_mgmt` of OCA.

Two databases get 20,000 customers and 100,000 tickets of a year, copied by SQL from one
that was made for real; one in twenty is open. Then the pages that a service agent opens
are read as the web client reads them, each in a transaction of its own, for 20 and for
80 rows: their difference in queries tells whether the number is constant. Medians go
to bench/results/service.md.

The alternative is installed from PyPI into .dev/cache; without it only ours is shown.
HSTYLE_BENCH_ROWS=2000 tries it quickly.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

# "profile" of this folder would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

from lxml import etree  # noqa: E402

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
    start_filling,
)
from devtools.paths import CACHE, ROOT  # noqa: E402

REPORT = ROOT / "bench/results/service.md"
ROWS = int(os.environ.get("HSTYLE_BENCH_ROWS", "100000"))
CUSTOMERS = ROWS // 5
#: Products, and orders of a customer.
PRODUCTS, ORDERS = 100, 6
#: Owners; one ticket in so many is open.
AGENTS, OPEN = 20, 20
ROUNDS = 7
PAGES = (20, 80)
#: Records created one by one in a round.
CREATED = 20
#: A Wednesday at noon, in working time (UTC), and the night before.
NOON = datetime(2026, 10, 14, 12)
NIGHT = datetime(2026, 10, 14, 1)
#: Deadlines that pass between two sweeps, of each kind.
LATE = 20
THEIRS = "odoo-addon-helpdesk_mgmt==19.0.1.3.2"
FOLDER = CACHE / "helpdesk_mgmt"


class Bench:
    """A database full of tickets, and what is measured in it."""

    name = model = user = None
    #: Counters of tickets that the partner list shows.
    counters = ()

    def __init__(self):
        #: step → [seconds], step → queries
        self.seconds, self.queries = {}, {}

    def run(self):
        """Fill the database and measure."""
        database.drop(self.name)
        self.create()
        self.connection = connect(self.name)
        self.registry = Registry(self.name)
        try:
            with progress(f"{self.name}: {ROWS:,} tickets"):
                with self.env() as env:
                    self.prepare(env)
                    env.cr.commit()
                start_filling(self.connection)
                self.fill()
                execute(self.connection, "VACUUM ANALYZE")
            with progress(f"{self.name}: measured"):
                self.measure()
        finally:
            self.connection.close()
            close_db(self.name)
            database.drop(self.name)

    @contextlib.contextmanager
    def env(self, user=SUPERUSER_ID):
        """Lend an environment whose changes are forgotten unless committed."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, user, {"lang": "en_US", "tz": "UTC"})
            cr.rollback()

    def time(self, step, work, user=None, rounds=ROUNDS, setup=None):
        """Measure a step, ``work(env)``, some times in new transactions, once warm."""
        for number in range(-1, rounds):
            with self.env(user or self.user) as env:
                if setup:
                    setup(env)
                env.cr.execute("SELECT 1")
                queries, began = env.cr.sql_log_count, time.perf_counter()
                work(env)
                env.flush_all()
                seconds = time.perf_counter() - began
            if number >= 0:
                self.seconds.setdefault(step, []).append(seconds)
                self.queries[step] = env.cr.sql_log_count - queries

    def get(self, step):
        """Return the median seconds of a step."""
        return statistics.median(self.seconds[step])

    def measure(self):
        """Measure the pages of the web client, and the creation of tickets."""
        for limit in PAGES:
            self.time(("list", limit), lambda env, limit=limit: self.read(env, limit))
            self.time(
                ("board", limit), lambda env, limit=limit: self.read_board(env, limit)
            )
            self.time(
                ("partners", limit),
                lambda env, limit=limit: self.read_partners(env, limit),
            )
        for _round in range(ROUNDS):
            for step, create in (("lead", self.create_lead), ("one", self.create_one)):
                self.time(
                    step, lambda env, f=create: self.repeat(env, f), SUPERUSER_ID, 1
                )

    def repeat(self, env, create):
        """Create records one by one, as calls and forms do."""
        partners = env["res.partner"].search([("name", "like", "Customer")], limit=1)
        for number in range(CREATED):
            create(env, number, partners)
            env.flush_all()

    def create_lead(self, env, number, partner):
        """Create what the host has for a customer's word."""
        env["crm.lead"].create({"name": f"New {number}", "partner_id": partner.id})

    def read(self, env, limit):
        """Read the first page of the list of open tickets."""
        records = env[self.model]
        spec = get_specification(records, "list")
        found = records.web_search_read(
            self.open_domain, spec, limit=limit, count_limit=10_001
        )
        assert len(found["records"]) == min(limit, ROWS // OPEN), "page is not full"

    def read_board(self, env, limit):
        """Read the board of open tickets by stage."""
        records = env[self.model]
        spec = get_specification(records, "kanban")
        found = records.web_read_group(
            self.open_domain,
            ["stage_id"],
            ["__count"],
            auto_unfold=True,
            unfold_read_specification=spec,
            unfold_read_default_limit=limit,
        )
        assert any(group.get("__records") for group in found["groups"])

    def read_partners(self, env, limit):
        """Read the first page of customers, with the counters of tickets."""
        records = env["res.partner"]
        spec = get_specification(records, "list") | {name: {} for name in self.counters}
        domain = [("name", "like", "Customer")]
        found = records.web_search_read(domain, spec, limit=limit, count_limit=10_001)
        assert len(found["records"]) == limit


class Ours(Bench):
    """The addon: deadlines by service level in the working time of a team."""

    name, model = "bench_service", "hstyle.ticket"
    open_domain = [("kind", "in", ("new", "open", "waiting"))]

    def create(self):
        """Make a database with the addons."""
        database.create(self.name)

    def prepare(self, env):
        """Make a team at work, agents, a customer, and a ticket of theirs."""
        hours = [
            {"name": "x", "dayofweek": str(day), "hour_from": 8, "hour_to": 18}
            for day in range(5)
        ]
        calendar = env["resource.calendar"].create(
            {
                "name": "Service",
                "tz": "UTC",
                "attendance_ids": [Command.create(values) for values in hours],
            }
        )
        group = env.ref("hstyle_crm.hstyle_crm_group_agent")
        agents = env["res.users"].create(
            [
                {
                    "name": f"Agent {number}",
                    "login": f"agent{number}",
                    "group_ids": [Command.set(group.ids)],
                }
                for number in range(AGENTS)
            ]
        )
        self.user = agents[0].id
        self.team = env.ref("hstyle_crm.ticket_team").id
        team = env["hstyle.ticket.team"].browse(self.team)
        team.write({"calendar_id": calendar.id, "manager_id": self.user})
        partner = env["res.partner"].create({"name": "Customer 0"})
        env.flush_all()
        ticket = self.create_one(env, 0, partner)
        ticket.user_id = self.user
        env.flush_all()
        self.partner, self.ticket = partner.id, ticket.id
        self.first_agent = min(agents.ids)
        self._buy(env, partner)
        stages = env["hstyle.ticket.stage"].search([])
        self.stages = {stage.kind: stage.id for stage in stages}
        self.intents = env["hstyle.ticket.intent"].search([]).ids
        self.counters = [
            name
            for name, field in env["res.partner"]._fields.items()
            if "ticket" in name and "hstyle" in name and field.type == "integer"
        ]

    def _buy(self, env, partner):
        """Let the customer have bought in a shop."""
        products = env["product.product"].create(
            [{"name": f"Product {number}"} for number in range(PRODUCTS)]
        )
        self.product = min(products.ids)
        shop = env["hstyle.shop"].create({"name": "Shop", "platform": "tmall"})
        paid = {"state": "paid", "amount_paid": 100}
        paid |= {"amount_refund": 0, "amount_discount": 0}
        order = env["hstyle.order"].create(
            {
                "name": "O",
                "shop_id": shop.id,
                "partner_id": partner.id,
                "date_order": NOON,
                "currency_rate": 1,
                **paid,
            }
        )
        values = {"order_id": order.id, "line_ref": "1", "product_id": self.product}
        line = env["hstyle.order.line"].create({**values, "quantity": 1, **paid})
        env.flush_all()
        self.order, self.line = order.id, line.id

    def fill_purchases(self):
        """Copy the order: each customer bought some times in two years."""
        copy_row(
            self.connection, "hstyle_order", self.order, CUSTOMERS * ORDERS,
            id="1000000 + i",
            name="'O' || i",
            partner_id=f"1000001 + i %% {CUSTOMERS}",
            date_order=f"'{NOON:%F %T}'::timestamp"
            f" - i * interval '2 years' / {CUSTOMERS * ORDERS}",
        )  # fmt: skip
        copy_row(
            self.connection, "hstyle_order_line", self.line, CUSTOMERS * ORDERS,
            order_id="1000000 + i",
            product_id=f"{self.product} + i %% {PRODUCTS}",
        )  # fmt: skip
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["hstyle.profile"]._refresh(full=True)

    def fill(self):
        """Copy the customer and the ticket; one in twenty is open, a few are late."""
        copy_row(
            self.connection, "res_partner", self.partner, CUSTOMERS,
            id="1000000 + i",
            commercial_partner_id="1000000 + i",
            name="'Customer ' || i",
            complete_name="'Customer ' || i",
        )  # fmt: skip
        stage = (
            f"CASE WHEN i %% {OPEN} > 0 THEN {self.stages['closed']} "
            f"WHEN i %% 3 = 0 THEN {self.stages['new']} "
            f"WHEN i %% 3 = 1 THEN {self.stages['open']} "
            f"ELSE {self.stages['waiting']} END"
        )
        kind = (
            f"CASE WHEN i %% {OPEN} > 0 THEN 'closed' WHEN i %% 3 = 0 THEN 'new' "
            "WHEN i %% 3 = 1 THEN 'open' ELSE 'waiting' END"
        )
        noon = f"'{NOON:%F %T}'::timestamp"
        opened = f"{noon} - i * interval '1 year' / {ROWS}"
        done, judged = f"i %% {OPEN} > 0", "CASE WHEN i %% 9 = 0 THEN 'breached' ELSE "
        copy_row(
            self.connection, "hstyle_ticket", self.ticket, ROWS,
            number="'B' || i",
            name="'Ticket ' || i",
            partner_id=f"1000001 + i %% {CUSTOMERS}",
            stage_id=stage,
            kind=kind,
            user_id=f"{self.first_agent} + i %% {AGENTS}",
            product_id=f"{self.product} + i %% {PRODUCTS}",
            intent_id=f"(ARRAY{self.intents})[1 + i %% {len(self.intents)}]",
            channel="(ARRAY['phone', 'email', 'im', 'web'])[1 + i %% 4]",
            opened_at=opened,
            answered_at=f"CASE WHEN {done} THEN {opened} + interval '1 hour' END",
            solved_at=f"CASE WHEN {done} THEN {opened} + interval '8 hours' END",
            closed_at=f"CASE WHEN {done} THEN {opened} + interval '9 hours' END",
            answer_hours=f"CASE WHEN {done} THEN 1 ELSE 0 END",
            solve_hours=f"CASE WHEN {done} THEN 8 ELSE 0 END",
            answer_due=f"{noon} + interval '30 days'",
            solve_due=f"CASE WHEN i %% 3 < 2 THEN {noon} + interval '30 days' END",
            answer_verdict=f"CASE WHEN {done} THEN {judged} 'met' END END",
            solve_verdict=f"CASE WHEN {done} THEN {judged} 'met' END END",
        )  # fmt: skip
        self.fill_purchases()

    def create_one(self, env, number, partner):
        """Create a ticket with its deadlines."""
        return env["hstyle.ticket"].create(
            {
                "name": f"New {number}",
                "partner_id": partner.id,
                "team_id": self.team,
                "intent_id": env.ref("hstyle_crm.ticket_intent_tracking").id,
            }
        )

    def measure(self):
        """Measure the sweep and the reports, too."""
        super().measure()
        for step, moment in (("sweep", NIGHT), ("escalate", NOON)):
            with mock.patch.object(fields.Datetime, "now", lambda *_a, m=moment: m):
                self.time(
                    step,
                    lambda env: env["hstyle.ticket.breach"]._escalate_late(),
                    SUPERUSER_ID,
                    setup=self.make_late,
                )
        self.time("analysis", self.analyse)
        self.time("heat", self.heat, SUPERUSER_ID, rounds=3)
        self.time("value", self.value, rounds=3)

    def make_late(self, env):
        """Let deadlines of both kinds have passed since the last sweep."""
        for name in ("answer", "solve"):
            env.cr.execute(
                f"""
                UPDATE hstyle_ticket
                   SET {name}_due = %s
                 WHERE id IN (SELECT id FROM hstyle_ticket
                               WHERE kind IN ('new', 'open') AND {name}_due IS NOT NULL
                               LIMIT %s)
                """,
                [NIGHT - timedelta(minutes=3), LATE],
            )

    def analyse(self, env):
        """Read the pivot of the analysis, by intent and month."""
        env["hstyle.ticket.report"].formatted_read_group(
            [],
            ["intent_id", "opened_at:month"],
            ["__count", "answer_hours:avg", "solve_met:avg", "reopened:avg"],
        )

    def heat(self, env):
        """Count complaints anew."""
        env["hstyle.complaint.heat"]._refresh()

    def value(self, env):
        """Read the pivot of who bought again."""
        env["hstyle.service.value"].formatted_read_group(
            [], ["verdict"], ["__count", "bought_again:avg"]
        )


class Oca(Bench):
    """OCA's helpdesk: tickets without deadlines."""

    name, model = "bench_helpdesk", "helpdesk.ticket"
    open_domain = [("stage_id.closed", "=", False)]
    counters = (
        "helpdesk_ticket_count",
        "helpdesk_ticket_active_count",
        "helpdesk_ticket_count_string",
    )

    def create(self):
        """Make a database with OCA's addon, and none of ours."""
        database.create_host(self.name)
        subprocess.run(
            [
                *database.ODOO,
                "--database", self.name,
                "--init", "helpdesk_mgmt",
                "--addons-path", ",".join(config["addons_path"]),
                "--stop-after-init", "--no-http", "--log-level=error",
            ],
            env=prepare(),
            check=True,
        )  # fmt: skip

    def prepare(self, env):
        """Make agents, a customer, and a ticket of theirs."""
        group = env.ref("helpdesk_mgmt.group_helpdesk_user")
        agents = env["res.users"].create(
            [
                {
                    "name": f"Agent {number}",
                    "login": f"agent{number}",
                    "group_ids": [Command.link(group.id)],
                }
                for number in range(AGENTS)
            ]
        )
        self.user, self.first_agent = agents[0].id, min(agents.ids)
        partner = env["res.partner"].create({"name": "Customer 0"})
        ticket = self.create_one(env, 0, partner)
        env.flush_all()
        self.partner, self.ticket = partner.id, ticket.id
        stages = env["helpdesk.ticket.stage"].search([])
        self.closed = stages.filtered("closed")[0].id
        self.open = stages.filtered(lambda stage: not stage.closed).ids

    def fill(self):
        """Copy the customer and the ticket; one in twenty is open."""
        copy_row(
            self.connection, "res_partner", self.partner, CUSTOMERS,
            id="1000000 + i",
            commercial_partner_id="1000000 + i",
            name="'Customer ' || i",
            complete_name="'Customer ' || i",
        )  # fmt: skip
        stage = (
            f"CASE WHEN i %% {OPEN} > 0 THEN {self.closed} "
            f"ELSE (ARRAY{self.open})[1 + i / {OPEN} %% {len(self.open)}] END"
        )
        copy_row(
            self.connection, "helpdesk_ticket", self.ticket, ROWS,
            number="'B' || i",
            name="'Ticket ' || i",
            partner_id=f"1000001 + i %% {CUSTOMERS}",
            stage_id=stage,
            user_id=f"{self.first_agent} + i %% {AGENTS}",
        )  # fmt: skip

    def create_one(self, env, number, partner):
        """Create a ticket."""
        return env["helpdesk.ticket"].create(
            {"name": f"New {number}", "partner_id": partner.id, "description": "x"}
        )


def get_specification(records, kind):
    """Return what the web client asks for to show a view: field → specification."""
    arch = etree.fromstring(records.get_view(view_type=kind)["arch"])
    names = {node.get("name") for node in arch.iter("field")} & records._fields.keys()
    relations = ("many2one", "many2many", "one2many", "reference")
    return {
        name: {"fields": {"display_name": {}}}
        if records._fields[name].type in relations
        else {}
        for name in names
    }


def has_alternative():
    """Install the alternative beside, unless it is; tell whether it is there."""
    if not FOLDER.exists():
        pip = [database.PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--target"]
        with progress("helpdesk_mgmt from PyPI"):
            done = subprocess.run([*pip, FOLDER, THEIRS], env=prepare())
        return not done.returncode
    return True


def get_targets(ours):
    """Return the targets of the issue, and what was measured."""
    few, many = PAGES
    pages = (
        ("list", "list of open tickets"),
        ("board", "board of open tickets"),
        ("partners", "list of customers with ticket counters"),
    )
    targets = [
        (f"{text}, first page of {many}, s", ours.get((step, many)), "≤ 0.5")
        for step, text in pages
    ]
    targets += [
        (
            f"{text}: queries of {many} rows beyond those of {few}",
            ours.queries[step, many] - ours.queries[step, few],
            "≤ 0",
        )
        for step, text in pages
    ]
    factor = ours.get("one") / ours.get("lead")
    return [
        *targets,
        (
            f"sweep that finds {2 * LATE} missed deadlines, s",
            ours.get("sweep"),
            "≤ 0.2",
        ),
        ("creation with deadlines, by that of a bare crm.lead", factor, "≤ 2"),
    ]


def get_rows(bench):
    """Return the lines of what a database took: text → (ms, queries)."""
    texts = {
        ("list", PAGES[1]): f"list of open tickets, {PAGES[1]} rows",
        ("board", PAGES[1]): f"board of open tickets, {PAGES[1]} a stage",
        ("partners", PAGES[0]): f"list of customers with counters, {PAGES[0]} rows",
        ("partners", PAGES[1]): f"list of customers with counters, {PAGES[1]} rows",
        "one": f"create {CREATED} tickets, one by one",
        "lead": f"create {CREATED} leads, one by one",
        "sweep": f"sweep at night: {2 * LATE} missed",
        "escalate": f"the same in service time, with {4 * LATE} activities",
        "analysis": "analysis by intent and month",
        "heat": "nightly complaint heat",
        "value": "value of service, pivot",
    }
    return {
        text: (1000 * bench.get(step), bench.queries[step])
        for step, text in texts.items()
        if step in bench.seconds
    }


def get_report(ours, theirs):
    """Return the report's text."""
    beside = f" Beside: {THEIRS}." if theirs else " Without helpdesk_mgmt."
    head = "| step | ours, ms | queries |" + (" OCA, ms | queries |" if theirs else "")
    lines = [head, "| --- |" + " ---: |" * (4 if theirs else 2)]
    others = get_rows(theirs) if theirs else {}
    for text, (milliseconds, queries) in get_rows(ours).items():
        line = f"| {text} | {milliseconds:,.0f} | {queries:,} |"
        if theirs:
            line += (
                " {:,.0f} | {:,} |".format(*others[text]) if text in others else " | |"
            )
        lines.append(line)
    counters = ", ".join(ours.counters) or "none yet"
    return "\n".join(
        [
            "# Service tickets",
            "",
            f"`./dev bench service`: {describe_machine()} {ROWS:,} tickets, one in "
            f"{OPEN} open, {CUSTOMERS:,} customers with {CUSTOMERS * ORDERS:,} orders. "
            f"Medians of {ROUNDS} rounds, each in a transaction of its own.{beside}",
            "",
            *get_verdicts(get_targets(ours)),
            "",
            *lines,
            "",
            f"Ticket counters of the partner list: ours {counters}; OCA's "
            f"{len(Oca.counters)}. OCA's tickets have no deadlines.",
            "",
        ]
    )


def main():
    """Measure; print and write the report."""
    options = ["--log-level=warn"]
    config.parse_config(options, setup_logging=True)
    found = has_alternative()
    if found:
        path = ",".join(map(str, [*config["addons_path"], FOLDER / "odoo/addons"]))
        config.parse_config([*options, f"--addons-path={path}"])
    ours, theirs = Ours(), Oca() if found else None
    for bench in filter(None, (ours, theirs)):
        bench.run()
    text = get_report(ours, theirs)
    print(text)
    REPORT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
