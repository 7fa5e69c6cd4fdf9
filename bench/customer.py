"""What the form of a customer costs who has bought for years, beside the host's own.

A database gets 20,000 customers with 100,000 orders, 200,000 movements of points and
20,000 tickets, copied by SQL from ones that were made for real. One customer has 500
orders, 2,000 movements, 60 tickets with 300 answers and 500 messages; another has a
fiftieth of it. Their form is read as the web client reads it: the fields of the view,
and beside it the first page of the timeline and its counts. Then the form as Odoo has
it without the addon's views. Medians go to bench/results/customer.md.

HSTYLE_BENCH_ROWS=2000 tries it quickly.
"""

import contextlib
import os
import statistics
import sys
import time
from pathlib import Path

# "profile" of this folder would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

from lxml import etree  # noqa: E402

from odoo import SUPERUSER_ID, Command, api  # noqa: E402
from odoo.modules.registry import Registry  # noqa: E402
from odoo.sql_db import close_db  # noqa: E402
from odoo.tools import config  # noqa: E402

from devtools import database  # noqa: E402
from devtools.console import progress  # noqa: E402
from devtools.measure import (  # noqa: E402
    connect,
    copy_row,
    describe_machine,
    execute,
    get_verdicts,
    start_filling,
)
from devtools.paths import ROOT  # noqa: E402

NAME = "bench_customer"
REPORT = ROOT / "bench/results/customer.md"
ROWS = int(os.environ.get("HSTYLE_BENCH_ROWS", "100000"))
#: Of all customers together: customers, movements and tickets.
CUSTOMERS, MOVES, TICKETS = ROWS // 5, ROWS * 2, ROWS // 5
#: Of the one: orders, movements, tickets, answers, messages; the other has less.
BIG = {"orders": 500, "moves": 2000, "tickets": 60, "answers": 300, "contacts": 500}
LESS = 50
ROUNDS = 11
#: What the timeline's widget asks for.
NAMED = {"fields": {"display_name": {}}}
PAGE = {
    "kind": {},
    "date": {},
    "name": {},
    "amount": {},
    "currency_id": {"fields": {}},
    "points": {},
    "shop_id": NAMED,
    "channel": {},
    "user_id": NAMED,
    "res_id": {},
}


def make(env):
    """Make the user, and one of each thing for real; return table → id of the row."""
    roles = ("hstyle_crm.hstyle_crm_group_manager", "sales_team.group_sale_manager")
    groups = [env.ref(xmlid).id for xmlid in roles]
    user = env["res.users"].create(
        {"name": "Kai", "login": "kai", "group_ids": [Command.set(groups)]}
    )
    program = env.ref("hstyle_crm.loyalty_program_member")
    partner = env["res.partner"].create({"name": "Mei", "email": "mei@example.com"})
    product = env["product.product"].create({"name": "Dress", "taxes_id": []})
    line = {"product_id": product.id, "price_unit": 100}
    order = env["sale.order"].create(
        {"partner_id": partner.id, "order_line": [Command.create(line)]}
    )
    order.action_confirm()
    card = program._give_bonus(partner, 10, "Welcome")
    ticket = env["hstyle.ticket"].create({"name": "Late", "partner_id": partner.id})
    said = ticket.message_post(
        body="We look", message_type="comment", subtype_xmlid="mail.mt_comment"
    )
    partner._filter_contactable("sms", "marketing", "Sale")
    env.flush_all()
    contact = env["hstyle.contact"].search([("partner_id", "=", partner.id)])
    return {
        "user": user.id,
        "res_partner": partner.id,
        "sale_order": order.id,
        "sale_order_line": order.order_line.id,
        "loyalty_card": card.id,
        "loyalty_history": card.history_ids[0].id,
        "hstyle_ticket": ticket.id,
        "mail_message": said.id,
        "hstyle_contact": contact[0].id,
    }


def fill(connection, rows):
    """Copy the crowd, then the two customers: 1 has much, 2 has little."""
    first = 1_000_000
    start_filling(connection)
    copy_row(
        connection, "res_partner", rows["res_partner"], CUSTOMERS + 2,
        id=f"{first} + i",
        commercial_partner_id=f"{first} + i",
        name="'Customer ' || i",
        complete_name="'Customer ' || i",
        email="'c' || i || '@example.com'",
        email_normalized="'c' || i || '@example.com'",
    )  # fmt: skip
    copy_row(
        connection, "loyalty_card", rows["loyalty_card"], CUSTOMERS + 2,
        id=f"{first} + i",
        partner_id=f"{first} + i",
        code="'B' || i",
    )  # fmt: skip
    crowd = dict.fromkeys(BIG, ROWS) | {"moves": MOVES, "tickets": TICKETS}
    few = {name: count // LESS for name, count in BIG.items()}
    for number, counts in enumerate((crowd, BIG, few)):
        who = {0: f"3 + i %% {CUSTOMERS}", 1: "1", 2: "2"}[number]
        fill_customers(connection, rows, counts, first + number * 1_000_000, who)
    execute(connection, "VACUUM ANALYZE")


def fill_customers(connection, rows, counts, first, who):
    """Copy what happened, to customers that an expression of `i` numbers."""
    partner = f"1000000 + {who}"
    past = "now() AT TIME ZONE 'UTC' - i * interval '1 day' / 3"
    copy_row(
        connection, "sale_order", rows["sale_order"], counts["orders"],
        id=f"{first} + i",
        name=f"'B{first}-' || i",
        partner_id=partner,
        date_order=past,
    )  # fmt: skip
    copy_row(
        connection, "sale_order_line", rows["sale_order_line"], counts["orders"],
        order_id=f"{first} + i",
    )  # fmt: skip
    copy_row(
        connection, "loyalty_history", rows["loyalty_history"], counts["moves"],
        id=f"{first} + i",
        card_id=partner,
        key=f"'bench-{first}-' || i",
        date=f"({past})::date",
        create_date=past,
        remaining="0",
    )  # fmt: skip
    copy_row(
        connection, "hstyle_ticket", rows["hstyle_ticket"], counts["tickets"],
        id=f"{first} + i",
        number=f"'B{first}-' || i",
        partner_id=partner,
        opened_at=past,
        access_token="NULL",
    )  # fmt: skip
    copy_row(
        connection, "mail_message", rows["mail_message"], counts["answers"],
        res_id=f"{first} + 1 + i %% {counts['tickets']}",
        message_id=f"'<b{first}-' || i || '>'",
        date=past,
    )  # fmt: skip
    copy_row(
        connection, "hstyle_contact", rows["hstyle_contact"], counts["contacts"],
        partner_id=partner,
        date=past,
        day=f"({past})::date",
        slot="NULL",
        key="NULL",
    )  # fmt: skip


def get_specification(env, host=False):
    """Return what the web client reads for the form, with or without our views."""
    view = env.ref("base.view_partner_form")
    arch = env["res.partner"].get_views([(view.id, "form")])["views"]["form"]["arch"]
    root = etree.fromstring(arch)
    if host:
        for field in root.xpath("//field"):
            if field.get("name") in get_own(env):
                field.getparent().remove(field)
    return specify(root)


def get_own(env):
    """Return the names of the contact's fields that are the addon's."""
    fields_ = env["ir.model.fields"].sudo().search([("model", "=", "res.partner")])
    return {
        field.name
        for field in fields_
        if "hstyle_crm" in field.modules.split(", ")
        and not {"base", "mail"} & set(field.modules.split(", "))
    }


def specify(node):
    """Return the fields below a node of a view, with those of views inside."""
    depth = len(node.xpath("ancestor-or-self::field"))
    found = {}
    for field in node.xpath(".//field[count(ancestor::field) = $n]", n=depth):
        below = specify(field)
        found[field.get("name")] = {"fields": below, "limit": 40} if below else NAMED
    return found


class Bench:
    """The registry, and what was measured in it."""

    def __init__(self, rows):
        self.registry, self.user = Registry(NAME), rows["user"]
        #: (step, customer) → [seconds], and → queries
        self.seconds, self.queries = {}, {}

    def time(self, step, customer, work):
        """Measure a step some times in new transactions, once warm."""
        for number in range(-1, ROUNDS):
            with self.registry.cursor() as cr:
                env = api.Environment(cr, self.user, {"lang": "en_US", "tz": "UTC"})
                cr.execute("SELECT 1")
                before, began = cr.sql_log_count, time.perf_counter()
                work(env, 1_000_000 + customer)
                seconds = time.perf_counter() - began
                if number >= 0:
                    self.seconds.setdefault((step, customer), []).append(seconds)
                    self.queries[step, customer] = cr.sql_log_count - before
                cr.rollback()

    def get(self, step, customer=1):
        """Return the median seconds of a step."""
        return statistics.median(self.seconds[step, customer])

    def measure(self):
        """Measure the form of both customers, and its parts."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, self.user, {"lang": "en_US", "tz": "UTC"})
            ours, host = get_specification(env), get_specification(env, host=True)
        for customer in (1, 2):
            self.time("host", customer, lambda env, i: read(env, i, host))
            self.time("form", customer, lambda env, i: read(env, i, ours))
            self.time("timeline", customer, read_timeline)
            self.time(
                "face", customer, lambda env, i: read(env, i, {"hstyle_face": {}})
            )
            self.time("first", customer, lambda env, i: read_all(env, i, ours))


def read(env, partner_id, specification):
    """Read the contact's fields."""
    [values] = env["res.partner"].browse(partner_id).web_read(specification)
    assert values


def read_timeline(env, partner_id):
    """Read a page of the timeline and its counts."""
    domain = [("partner_id", "=", partner_id)]
    env["hstyle.timeline"].formatted_read_group(domain, ["kind"], ["__count"])
    found = env["hstyle.timeline"].web_search_read(
        domain, PAGE, limit=30, count_limit=1
    )
    assert len(found["records"]) == 30


def read_all(env, partner_id, specification):
    """Read all that the first paint shows."""
    read(env, partner_id, specification)
    read_timeline(env, partner_id)


def get_report(bench):
    """Return the report's text."""
    texts = {
        "first": "form with timeline: all of the first paint",
        "form": "form alone",
        "face": "of it, the tiles",
        "timeline": "timeline: a page of 30, and counts",
        "host": "the form without the addon's fields",
    }
    targets = [
        ("first paint: form and timeline, s", bench.get("first"), "≤ 0.5"),
        (
            "queries of the large customer beyond those of the small one",
            bench.queries["first", 1] - bench.queries["first", 2],
            "≤ 0",
        ),
    ]
    lines = [
        "| step | large, ms | small, ms | queries |",
        "| --- | ---: | ---: | ---: |",
    ]
    for step, text in texts.items():
        large, small = (1000 * bench.get(step, customer) for customer in (1, 2))
        queries = bench.queries[step, 1]
        lines.append(f"| {text} | {large:,.0f} | {small:,.0f} | {queries} |")
    much = ", ".join(f"{count:,} {name}" for name, count in BIG.items())
    return "\n".join(
        [
            "# The form of a customer",
            "",
            f"`./dev bench customer`: {describe_machine()} Large: {much}. Small: a "
            f"{LESS}th of it. Beside {CUSTOMERS:,} customers with {ROWS:,} orders, "
            f"{MOVES:,} movements of points and {TICKETS:,} tickets. Medians of "
            f"{ROUNDS} rounds, each in a transaction of its own.",
            "",
            *get_verdicts(targets),
            "",
            *lines,
            "",
        ]
    )


def main():
    """Fill, measure; print and write the report."""
    config.parse_config(["--log-level=warn"], setup_logging=True)
    database.drop(NAME)
    database.create(NAME)
    try:
        with progress(f"{NAME}: {ROWS:,} orders"):
            with Registry(NAME).cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                rows = make(env)
            with contextlib.closing(connect(NAME)) as connection:
                fill(connection, rows)
            with Registry(NAME).cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                env["hstyle.profile"]._refresh(full=True)
        bench = Bench(rows)
        with progress(f"{NAME}: measured"):
            bench.measure()
    finally:
        close_db(NAME)
        if not os.environ.get("HSTYLE_BENCH_KEEP"):
            database.drop(NAME)
    text = get_report(bench)
    print(text)
    REPORT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
