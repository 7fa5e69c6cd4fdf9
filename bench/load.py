"""Eight people at once on the real server: clerks, agents, marketers, customers.

A server with two HTTP workers and its crons serves members with three orders each, a
ledger of points and tickets. Colleagues work by JSON-2, as the web client reads its
lists, boards and the customer's form; customers by the pages of the portal, with its
forms. Everybody works on the same few customers, and thinks a moment between two steps.

Each person counts what the server acknowledged. In the end that is compared with what
is stored: points by card, the budget of goodwill, tickets, answers, promises, drafts of
campaigns. A difference is a lost or doubled update. The report is
bench/results/load.md; HSTYLE_BENCH_CUSTOMERS=2000 HSTYLE_BENCH_SECONDS=30 tries it.
"""

import contextlib
import itertools
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

# The bench "profile" would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

import requests  # noqa: E402
from lxml import etree  # noqa: E402

from odoo import Command, fields  # noqa: E402
from odoo.modules.registry import Registry  # noqa: E402
from odoo.sql_db import close_db  # noqa: E402
from odoo.tools import config  # noqa: E402

from bench import points  # noqa: E402
from devtools import database, smtp, testing  # noqa: E402
from devtools.console import progress  # noqa: E402
from devtools.environment import prepare  # noqa: E402
from devtools.measure import (  # noqa: E402
    copy_row,
    describe_machine,
    get_verdicts,
    start_filling,
)
from devtools.paths import CACHE, LOGS, ROOT  # noqa: E402

REPORT = ROOT / "bench/results/load.md"
CUSTOMERS = int(os.environ.get("HSTYLE_BENCH_CUSTOMERS", "100000"))
SECONDS = int(os.environ.get("HSTYLE_BENCH_SECONDS", "300"))
#: Mean seconds that a person thinks between two steps.
THINK = float(os.environ.get("HSTYLE_BENCH_THINK", "1"))
WHOLE = CUSTOMERS >= 100_000 and SECONDS >= 300
#: Customers on whom everybody works; the first ones have an account of the portal.
HOT = 10
#: Customers by ticket, and tickets by open one.
QUIET, CLOSED = 5, 20
PAGE = 40
PATIENCE = 60
DAY = timedelta(days=1)


# === THE SHOP === #


class LoadShop(points.Shop):
    """A database as it is after years: customers, orders, points, tickets, labels."""

    def prepare(self):
        """Fill it, let its nights pass, and give everybody a way in."""
        points.TODAY = datetime.now().date() - DAY
        self.fill()
        self.customers_hot = [points.FIRST + 1 + n for n in range(HOT)]
        with self.env() as env:
            ticket = self._set_up_service(env)
        self._fill_tickets(ticket)
        self._pass_night()
        self._fill_members()
        self.run("VACUUM ANALYZE")
        with self.env() as env:
            self.people = self._create_people(env)
            self.specs = get_specifications(env)

    def _set_up_service(self, env):
        env.company.hstyle_goodwill_program_id = False
        program = env["loyalty.program"].browse(self.program)
        program.write({"point_value": 0.5, "clerk_limit": 10**9})
        group = env.ref("hstyle_crm.hstyle_crm_group_agent")
        budgets = env["hstyle.goodwill.budget"]
        budgets.search([]).unlink()
        values = {"group_id": group.id, "amount": 10**7}
        self.budget = budgets.create(values).id
        self.team = env.ref("hstyle_crm.ticket_team").id
        plain = [("needs_order", "=", False), ("needs_product", "=", False)]
        self.intent = env["hstyle.ticket.intent"].search(plain, limit=1).id
        env.company.email = "shop@example.com"
        values = {"name": "Ticket", "partner_id": self.customers_hot[0]}
        return env["hstyle.ticket"].create({**values, "team_id": self.team})

    def _fill_tickets(self, ticket):
        start_filling(self.connection)
        self.run("ALTER SEQUENCE hstyle_ticket_id_seq RESTART 1000000")
        stages = "SELECT id FROM hstyle_ticket_stage WHERE kind = '{}' LIMIT 1"
        [[closed]], [[fresh]] = (
            self.run(stages.format(kind)) for kind in ("closed", "new")
        )
        opened = "LOCALTIMESTAMP - i * interval '10 seconds'"
        done = f"i %% {CLOSED} > 0"
        copy_row(
            self.connection, "hstyle_ticket", ticket.id, CUSTOMERS // QUIET,
            number="'B' || i",
            name="'Ticket ' || i",
            partner_id=f"{points.FIRST} + i * {QUIET}",
            stage_id=f"CASE WHEN {done} THEN {closed} ELSE {fresh} END",
            kind=f"CASE WHEN {done} THEN 'closed' ELSE 'new' END",
            opened_at=opened,
            answered_at=f"CASE WHEN {done} THEN {opened} END",
            solved_at=f"CASE WHEN {done} THEN {opened} END",
            closed_at=f"CASE WHEN {done} THEN {opened} END",
            answer_due="LOCALTIMESTAMP + interval '30 days'",
            solve_due="LOCALTIMESTAMP + interval '30 days'",
        )  # fmt: skip
        self.run("SET session_replication_role = origin")
        for table in points.FILLED:
            self.run(f"ALTER TABLE {table} RESET (autovacuum_enabled)")

    def _fill_members(self):
        """Let every customer have the tier of the most benefits."""
        self.run(
            """
            WITH member AS (
                INSERT INTO hstyle_membership (
                       partner_id, company_id, grade_id, joined_on, since,
                       period_start)
                SELECT partner_id, company_id,
                       (SELECT mode() WITHIN GROUP (ORDER BY grade_id)
                          FROM hstyle_benefit),
                       CURRENT_DATE - 99, CURRENT_DATE - 99, CURRENT_DATE - 99
                  FROM hstyle_profile
             RETURNING partner_id, grade_id
            )
            UPDATE res_partner p SET grade_id = member.grade_id
              FROM member
             WHERE p.id = member.partner_id
            """
        )

    def _pass_night(self):
        """Let each daily job do its work once; the next night is not in the run."""
        with self.env() as env:
            # It would write to Odoo's makers.
            env.ref("mail.ir_cron_module_update_notification").active = False
            daily = env["ir.cron"].search([("interval_type", "!=", "minutes")])
            daily.nextcall = fields.Datetime.now() + DAY
            known = daily.get_external_id()
            ids = [key for key, name in known.items() if name.startswith("hstyle_crm")]
        with progress(f"{len(ids)} nightly jobs"):
            for job_id in ids:
                with self.env() as env:
                    env["ir.cron"].browse(job_id).method_direct_trigger()

    def _create_people(self, env):
        """Return (class, login, key or password) of everybody."""
        people = []
        for role, kind in (("clerk", Clerk), ("agent", Agent), ("marketer", Marketer)):
            for number in (1, 2):
                user = self._create_user(
                    env, f"{role}{number}", f"hstyle_crm_group_{role}"
                )
                keys = env(user=user.id)["res.users.apikeys"]
                key = keys._generate("rpc", "load", datetime.now() + DAY)
                people.append((kind, user.login, key))
        for partner_id in self.customers_hot[:2]:
            login = f"customer{partner_id}"
            group = env.ref("base.group_portal")
            values = {"login": login, "password": login, "partner_id": partner_id}
            env["res.users"].create({**values, "group_ids": [Command.set(group.ids)]})
            people.append((Customer, login, login))
        agents = env["res.users"].search([("login", "like", "agent_")])
        env["hstyle.ticket.team"].browse(self.team).member_ids = agents
        return people

    def _create_user(self, env, login, group):
        values = {"name": login, "login": login, "email": f"{login}@example.com"}
        group = env.ref(f"hstyle_crm.{group}")
        values["group_ids"] = [Command.set(group.ids)]
        return env["res.users"].create(values)

    def count(self):
        """Return what is stored: name → number."""
        found = Counter()
        for name, query in STORED.items():
            for key, value in self.run(
                query, hot=self.customers_hot, budget=self.budget
            ):
                found[name, key] = float(value or 0)
        return found


#: What is stored, as rows of (what it is of, number). A budget's use is what was given.
STORED = {
    "points": "SELECT id, points FROM loyalty_card WHERE partner_id = ANY (%(hot)s)",
    "ledger": """
        SELECT card_id, sum(points) FROM loyalty_history
         WHERE card_id IN (
               SELECT id FROM loyalty_card WHERE partner_id = ANY (%(hot)s))
         GROUP BY card_id
        """,
    "goodwill": """
        SELECT '', sum(amount) FROM hstyle_goodwill
         WHERE state = 'given' AND budget_id = %(budget)s
        """,
    "budget": "SELECT '', used FROM hstyle_goodwill_budget WHERE id = %(budget)s",
    "tickets": "SELECT '', count(*) FROM hstyle_ticket WHERE name LIKE 'Load %%'",
    "answers": """
        SELECT '', count(*) FROM mail_message WHERE body LIKE '%%Load answer%%'
        """,
    "promises": "SELECT '', count(*) FROM hstyle_promise WHERE name LIKE 'Load %%'",
    "campaigns": """
        SELECT '', count(*) FROM utm_campaign WHERE title->>'en_US' LIKE 'Load %%'
        """,
}  # fmt: skip


def specify(arch, model, env):
    """Return what the web client asks for to show a view: field → specification."""
    known, found = env[model]._fields, {}
    for node in arch.xpath(".//field[not(ancestor::field)]"):
        name = node.get("name")
        field = known.get(name)
        if field is None:
            continue
        found[name] = {}
        if field.type in ("many2one", "reference"):
            found[name] = {"fields": {"display_name": {}}}
        elif field.type in ("one2many", "many2many"):
            inner = etree.Element("view")
            for view in node[:1]:
                inner.extend(list(view))
            nested = specify(inner, field.comodel_name, env)
            fields_ = nested or {"display_name": {}}
            found[name] = {"fields": fields_, "limit": PAGE}
    return found


def get_specifications(env):
    """Return (role, model, view) → specification, by the rights of each role."""
    specs = {}
    for login, model, kind in VIEWS:
        user = env["res.users"].search([("login", "=", login)])
        own = env(user=user.id)
        view = own[model].get_view(view_type=kind)
        specs[login[:-1], model, kind] = specify(
            etree.fromstring(view["arch"]), model, own
        )
    return specs


VIEWS = [
    ("clerk1", "res.partner", "list"),
    ("clerk1", "res.partner", "form"),
    ("clerk1", "hstyle.membership", "list"),
    ("agent1", "res.partner", "form"),
    ("agent1", "hstyle.ticket", "list"),
    ("agent1", "hstyle.ticket", "kanban"),
    ("agent1", "hstyle.ticket", "form"),
    ("agent1", "hstyle.call", "form"),
    ("marketer1", "hstyle.profile", "list"),
    ("marketer1", "hstyle.segment", "list"),
    ("marketer1", "utm.campaign", "list"),
    ("marketer1", "res.partner", "form"),
]


# === PEOPLE === #


class Person(threading.Thread):
    """Somebody who works until the end; what failed and what was done is kept."""

    #: Steps, each with its weight.
    steps = {}
    numbers = itertools.count(1)

    def __init__(self, shop, address, login, secret):
        super().__init__(name=login)
        self.shop, self.address, self.secret = shop, address, secret
        self.http = requests.Session()
        self.draw = random.Random(login)
        #: Seconds by step; what failed; what was acknowledged.
        self.seconds, self.errors, self.done = defaultdict(list), [], Counter()

    def begin(self):
        """Log in, and do each step once: the workers' caches get warm."""
        for step in self.steps:
            getattr(self, step)()

    def run(self):
        """Work, think, work."""
        while time.monotonic() < self.until:
            [step] = self.draw.choices(list(self.steps), list(self.steps.values()))
            began = time.perf_counter()
            try:
                getattr(self, step)()
            except Exception as error:  # noqa: BLE001  It is counted and shown.
                self.errors.append(f"{self.name} {step}: {error!r}"[:600])
            self.seconds[step].append(time.perf_counter() - began)
            time.sleep(self.draw.expovariate(1 / THINK) if THINK else 0)

    def pick(self):
        """Return a customer on whom everybody works."""
        return self.draw.choice(self.shop.customers_hot)

    def say(self, text):
        """Return a text that nobody else writes."""
        return f"Load {text} {next(self.numbers)}"

    def check(self, response):
        """Return a response that is one.

        :raise AssertionError: if it is none
        """
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return response


class Colleague(Person):
    """Somebody who works in the back office."""

    role = ""

    def call(self, model, method, **body):
        """Call a method by JSON-2."""
        headers = {"Authorization": f"bearer {self.secret}"}
        url = f"{self.address}/json/2/{model}/{method}"
        response = self.http.post(url, json=body, headers=headers, timeout=PATIENCE)
        return self.check(response).json()

    def spec(self, model, kind):
        """Return the specification of a view by the rights of the role."""
        return self.shop.specs[self.role, model, kind]

    def read_list(self, model, domain=(), order=None):
        """Read a page of a list: not always the first one."""
        found = self.call(
            model, "web_search_read",
            domain=list(domain),
            specification=self.spec(model, "list"),
            offset=PAGE * self.draw.randrange(3),
            limit=PAGE,
            count_limit=10_001,
            **({"order": order} if order else {}),
        )  # fmt: skip
        assert "records" in found
        return found["records"]

    def read_customer(self):
        """Open a customer's form: anybody's."""
        customer = points.FIRST + self.draw.randrange(1, CUSTOMERS)
        spec = self.spec("res.partner", "form")
        [row] = self.call("res.partner", "web_read", ids=[customer], specification=spec)
        assert row["id"] == customer

    def write_promise(self):
        """Promise something to a customer."""
        values = {"name": self.say("promise"), "partner_id": self.pick()}
        values["due_on"] = str(datetime.now().date() + 3 * DAY)
        self.call("hstyle.promise", "create", vals_list=[values])
        self.done["promises", ""] += 1


class Clerk(Colleague):
    """Looks customers up, and adjusts points."""

    role = "clerk"
    steps = {
        "read_customers": 3, "read_members": 2, "read_customer": 4, "read_search": 2,
        "write_points": 3, "write_promise": 1,
    }  # fmt: skip

    def read_customers(self):
        """Read the list of customers."""
        assert self.read_list("res.partner", [("customer_rank", ">", 0)])

    def read_members(self):
        """Read the list of members."""
        self.read_list("hstyle.membership")

    def read_search(self):
        """Search a customer by the name, as the search box does."""
        name = f"Customer {self.draw.randrange(1, CUSTOMERS)}"
        assert self.call("res.partner", "name_search", name=name, limit=8)

    def write_points(self):
        """Give points."""
        card, amount = self.pick(), self.draw.choice((1, 2, 3))
        values = {"card_id": card, "points": amount, "reason": self.say("points")}
        [made] = self.call("hstyle.points.adjustment", "create", vals_list=[values])
        self.call("hstyle.points.adjustment", "action_confirm", ids=[made])
        self.done["points", card] += amount
        self.done["ledger", card] += amount


class Agent(Colleague):
    """Answers the phone and the tickets, and makes up for what went wrong."""

    role = "agent"
    steps = {
        "read_tickets": 3, "read_board": 2, "read_customer": 3, "read_caller": 2,
        "read_ticket": 3, "write_ticket": 2, "write_answer": 3, "write_goodwill": 2,
        "write_promise": 1,
    }  # fmt: skip

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.tickets = []

    def begin(self):
        """Have a ticket to work on first."""
        self.write_ticket()
        super().begin()

    def read_tickets(self):
        """Read the list of open tickets."""
        self.read_list("hstyle.ticket", [("kind", "in", ("new", "open", "waiting"))])

    def read_board(self):
        """Read the board of open tickets."""
        found = self.call(
            "hstyle.ticket", "web_read_group",
            domain=[("kind", "in", ("new", "open", "waiting"))],
            groupby=["stage_id"],
            aggregates=["__count"],
            auto_unfold=True,
            unfold_read_specification=self.spec("hstyle.ticket", "kanban"),
            unfold_read_default_limit=PAGE,
        )  # fmt: skip
        assert found["groups"]

    def read_caller(self):
        """See by a number who calls."""
        number = f"1{3_000_000_000 + self.draw.randrange(1, CUSTOMERS)}"
        ids = self.call("hstyle.call", "create", vals_list=[{"number": number}])
        spec = self.spec("hstyle.call", "form")
        [card] = self.call("hstyle.call", "web_read", ids=ids, specification=spec)
        assert card["partner_id"], number

    def read_ticket(self):
        """Open a ticket's form."""
        spec = self.spec("hstyle.ticket", "form")
        ids = [self.draw.choice(self.tickets)]
        assert self.call("hstyle.ticket", "web_read", ids=ids, specification=spec)

    def write_ticket(self):
        """Open a ticket."""
        values = {"name": self.say("ticket"), "partner_id": self.pick()}
        self.tickets += self.call("hstyle.ticket", "create", vals_list=[values])
        self.done["tickets", ""] += 1

    def write_answer(self):
        """Answer a ticket; its customer gets a mail."""
        self.call(
            "hstyle.ticket", "message_post",
            ids=[self.draw.choice(self.tickets)],
            body=self.say("answer"),
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )  # fmt: skip
        self.done["answers", ""] += 1

    def write_goodwill(self):
        """Give points worth 1 for a ticket, of the budget that all share."""
        ticket = self.draw.choice(self.tickets)
        [row] = self.call("hstyle.ticket", "read", ids=[ticket], fields=["partner_id"])
        [reason] = self.call("hstyle.goodwill.reason", "search", domain=[], limit=1)
        wizard = {"ticket_id": ticket, "kind": "points", "amount": 1}
        wizard["reason_id"] = reason
        model = "hstyle.ticket.compensation"
        ids = self.call(model, "create", vals_list=[wizard])
        self.call(model, "action_confirm", ids=ids)
        card = row["partner_id"][0]
        given = {("goodwill", ""): 1, ("budget", ""): 1}
        self.done.update(given | {("points", card): 2, ("ledger", card): 2})


class Marketer(Colleague):
    """Looks at groups of customers, and plans campaigns."""

    role = "marketer"
    steps = {
        "read_profiles": 3, "read_groups": 3, "read_segments": 2, "read_campaigns": 2,
        "read_customer": 2, "write_campaign": 2, "write_promise": 1,
    }  # fmt: skip

    def read_profiles(self):
        """Read the list of an RFM group, the largest customers first."""
        group = self.draw.choice(("champion", "loyal", "risk", "lost"))
        self.read_list("hstyle.profile", [("rfm_group", "=", group)], "revenue desc")

    def read_groups(self):
        """Group all customers by RFM group, with what they brought."""
        assert self.call(
            "hstyle.profile", "formatted_read_group",
            domain=[], groupby=["rfm_group"], aggregates=["__count", "revenue:sum"],
        )  # fmt: skip

    def read_segments(self):
        """Read the list of segments."""
        self.read_list("hstyle.segment")

    def read_campaigns(self):
        """Read the list of campaigns."""
        self.read_list("utm.campaign")

    def write_campaign(self):
        """Plan a campaign, and look at its audience."""
        values = {"title": self.say("campaign"), "hstyle_holdout": 15}
        values["hstyle_domain"] = "[('hstyle_profile_ids.rfm_group', '=', 'champion')]"
        ids = self.call("utm.campaign", "create", vals_list=[values])
        self.done["campaigns", ""] += 1
        self.call("utm.campaign", "write", ids=ids, vals={"hstyle_budget": 100})


class Customer(Person):
    """Looks at the portal's pages and asks."""

    steps = {
        "read_home": 2, "read_points": 3, "read_questions": 2, "read_question": 3,
        "read_orders": 2, "write_question": 2, "write_answer": 2,
    }  # fmt: skip

    def begin(self):
        """Log in by the form, and ask something."""
        login = {"login": self.name, "password": self.secret}
        self.send("/web/login", "/web/login", **login)
        self.write_question()
        super().begin()

    def get(self, path):
        """Read a page; it is not that of the login."""
        response = self.http.get(f"{self.address}{path}", timeout=PATIENCE)
        assert "oe_login_form" not in self.check(response).text or "login" in path, path
        return response

    def send(self, page, path, **data):
        """Send the form of a page, with its token; return where that led to."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)[1]
        data = {"csrf_token": token, **data}
        url = f"{self.address}{path}"
        return self.check(self.http.post(url, data=data, timeout=PATIENCE))

    def read_home(self):
        """Read the home of the portal."""
        self.get("/my/home")

    def read_points(self):
        """Read the points."""
        self.get("/my/points")

    def read_orders(self):
        """Read the orders."""
        self.get("/my/orders")

    def read_questions(self):
        """Read the list of the questions."""
        self.get("/my/tickets")

    def read_question(self):
        """Read a ticket."""
        self.get(self.ticket)

    def write_question(self):
        """Ask something."""
        about = self.say("question")
        page = self.get(f"/my/tickets/new?about={about}").text
        data = dict(re.findall(r'name="(csrf_token|key)" value="([^"]+)"', page))
        data |= {"name": about, "text": "Load answer", "order": ""}
        data["intent_id"] = self.shop.intent
        url = f"{self.address}/my/tickets/new"
        response = self.check(self.http.post(url, data=data, timeout=PATIENCE))
        self.ticket = re.search(r"/my/tickets/\d+", response.url)[0]
        self.done["tickets", ""] += 1
        self.done["answers", ""] += 1

    def write_answer(self):
        """Answer on the page of the ticket."""
        self.send(self.ticket, f"{self.ticket}/answer", text=self.say("answer"))
        self.done["answers", ""] += 1


# === THE RUN === #


@contextlib.contextmanager
def serving(name):
    """Serve a database by two HTTP workers and one for crons; lend address and log."""
    log, port = LOGS / "load.log", smtp.free_port()
    log.unlink(missing_ok=True)
    options = [f"--http-port={port}", f"--gevent-port={smtp.free_port()}"]
    options += ["--workers=2", "--max-cron-threads=1", "--log-level=warn"]
    # The server starts itself again for its bus, which `-m odoo` does not allow.
    program = CACHE / "odoo_server.py"
    program.write_text("import odoo.cli\n\nodoo.cli.main()\n")
    command = [database.PYTHON, program, "-d", name, *options, f"--logfile={log}"]
    process = subprocess.Popen(command, env=prepare())
    try:
        address = f"http://127.0.0.1:{port}"
        wait(address)
        yield address, log
    finally:
        process.terminate()
        process.wait()


def wait(address):
    """Wait until a server answers."""
    for _second in range(PATIENCE):
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{address}/web/health", timeout=5).ok:
                return
        time.sleep(1)
    raise TimeoutError(address)


def work(shop, address):
    """Let everybody work; return them, and what the store lacks or has too much."""
    people = [kind(shop, address, *who) for kind, *who in shop.people]
    for person in people:
        person.begin()
        person.done.clear()
        person.seconds.clear()
    before = shop.count()
    with progress(f"{len(people)} people work for {SECONDS} s"):
        for person in people:
            person.until = time.monotonic() + SECONDS
            person.start()
        for person in people:
            person.join()
    expected = sum((person.done for person in people), Counter())
    for person in people:  # A sum of counters forgets what is not above zero.
        expected.update(dict.fromkeys(person.done, 0))
    return people, compare(before, expected, shop.count())


def compare(before, expected, after):
    """Return (what, of, expected, stored) where the store differs."""
    keys = {*before, *expected, *after}
    rows = [(*key, expected[key], after[key] - before[key]) for key in keys]
    return [row for row in rows if abs(row[2] - row[3]) > 0.001]


def get_faults(shop):
    """Return how many cards of all disagree with their rows and lots."""
    with shop.env() as env:
        return len(env["loyalty.card"]._find_faults(shop.customers_hot))


# === THE REPORT === #


def percentile(values, share):
    """Return the nearest-rank percentile of seconds."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def gather(people):
    """Return (role, step) → seconds."""
    found = defaultdict(list)
    for person in people:
        for step, seconds in person.seconds.items():
            found[type(person).__name__, step] += seconds
    return found


def get_report(people, lost, faults, broken):
    """Return the report's text."""
    steps, kinds = gather(people), {"read": [], "write": []}
    for (_role, step), seconds in steps.items():
        kinds[step.partition("_")[0]] += seconds
    errors = [error for person in people for error in person.errors]
    total = sum(map(len, steps.values()))
    targets = [
        ("errors", len(errors), "≤ 0"),
        ("faults in the server's log", len(faults), "≤ 0"),
        ("sums that differ from what was acknowledged", len(lost), "≤ 0"),
        ("cards that disagree with their ledger", broken, "≤ 0"),
        ("95 % of the reads within, s", percentile(kinds["read"], 95), "≤ 0.5"),
        ("95 % of the writes within, s", percentile(kinds["write"], 95), "≤ 1"),
    ]
    lines = ["| who | step | times | p50, ms | p95, ms | max, ms |"]
    lines.append("| --- | --- |" + " ---: |" * 4)
    for (role, step), seconds in sorted(steps.items()):
        figures = (percentile(seconds, 50), percentile(seconds, 95), max(seconds))
        cells = " | ".join(f"{1000 * value:,.0f}" for value in figures)
        name = step.replace("_", " ", 1)
        lines.append(f"| {role} | {name} | {len(seconds):,} | {cells} |")
    head = (
        f"`./dev bench load`: {describe_machine()} {len(people)} people at once for "
        f"{SECONDS} s, who think {THINK:g} s on average between two steps; two HTTP "
        f"workers, crons running, {CUSTOMERS:,} customers. "
        f"{total:,} steps, "
        f"{total / SECONDS:.1f} a second; {len(kinds['write']):,} write. The "
        "client runs on the same machine. A step may take several requests, and is "
        "counted as a whole."
    )
    ends = [f"- {text}" for text in [*errors[:20], *map(str, lost), *faults[:5]]]
    done = Counter()
    for person in people:
        for (what, _key), number in person.done.items():
            done[what] += number
    sums = ", ".join(f"{what} {number:,}" for what, number in sorted(done.items()))
    lines += ["", f"Acknowledged, and compared with what is stored: {sums}."]
    parts = ["# Eight people at once", "", head, "", *get_verdicts(targets), "", *lines]
    return "\n".join([*parts, *([""] if ends else []), *ends, ""])


def main():
    """Measure; print the report, and keep it if the run was a whole one."""
    config.parse_config(["--log-level=warn"], setup_logging=True)
    with LoadShop("load", CUSTOMERS) as shop, smtp.receiving() as inbox:
        with progress(f"{CUSTOMERS:,} customers"):
            shop.prepare()
        with shop.env() as env:
            smtp.use(env, inbox.port)
        close_db(shop.name)
        with serving(shop.name) as (address, log):
            people, lost = work(shop, address)
        broken = get_faults(shop)
        Registry.delete(shop.name)
    text = get_report(people, lost, testing.faults(log), broken)
    print(text)
    if WHOLE:
        REPORT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
