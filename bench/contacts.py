"""What the contact gate costs a mailing to 100,000 customers.

A database of its own is filled by SQL: recipients with three consents each, and a
million messages of three months. Then the gate is asked about all of them at once, and
decides on a mail for each in batches as the queue of mails asks it to. Beside it, in
the same run: a loop that searches for each customer, on a sample, with the verdicts
compared. Medians of the rounds go to bench/results/contacts.md.

HSTYLE_BENCH_RECIPIENTS=10000 tries it quickly.
"""

import contextlib
import os
import statistics
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
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
)
from devtools.paths import ROOT  # noqa: E402

DATABASE = "bench_contacts"
REPORT = ROOT / "bench/results/contacts.md"
RECIPIENTS = int(os.environ.get("HSTYLE_BENCH_RECIPIENTS", "100000"))
ROUNDS = 3
#: Mails that the host's queue takes at once.
BATCH = 1000
#: Customers for whom the loop is tried.
SAMPLE = 1000
#: Noon in Shanghai: night in New York.
NOW = datetime(2026, 6, 30, 4, 0)
#: Partners get the ids after this one.
FIRST = 1_000_000

PARTNERS = """
INSERT INTO res_partner
       (id, name, complete_name, active, type, partner_share, autopost_bills, email,
        email_normalized, phone_sanitized, tz, message_bounce, offer_cap,
        commercial_partner_id)
SELECT %(first)s + i, 'Customer ' || i, 'Customer ' || i, i %% 50 > 0, 'contact', TRUE,
       'ask', email, email, '+86' || 13000000000 + i,
       (ARRAY['Asia/Shanghai', NULL, 'America/New_York', 'Asia/Tokyo'])[1 + i %% 4],
       CASE WHEN i %% 37 = 0 THEN 3 ELSE 0 END, CASE WHEN i %% 11 = 0 THEN 1 ELSE 0 END,
       %(first)s + i
  FROM (
        SELECT i, CASE WHEN i %% 20 > 0 THEN 'c' || i || '@example.com' END AS email
          FROM generate_series(1, %(recipients)s) i
       ) numbered
"""
# The latest word is a yes for three of four.
CONSENTS = """
INSERT INTO hstyle_consent
       (partner_id, company_id, channel, purpose, given, date, source)
SELECT %(first)s + i, %(company)s, channel, 'marketing',
       mod(hashtext(i || channel || n), 4) <> 0,
       %(now)s::timestamp - interval '1 day' * (30 * n + mod(i, 29)), 'Till'
  FROM generate_series(1, %(recipients)s) i
 CROSS JOIN (VALUES ('email', 1), ('email', 2), ('sms', 1)) word (channel, n)
"""
# Ten messages each in three months, one of them today for a few.
CONTACTS = """
INSERT INTO hstyle_contact
       (partner_id, company_id, date, day, channel, purpose, state, slot, key)
SELECT %(first)s + i, %(company)s, moment, moment::date,
       CASE WHEN n %% 3 = 0 THEN 'sms' ELSE 'email' END, purpose,
       CASE WHEN n = 5 THEN 'refused' ELSE 'sent' END,
       CASE WHEN n <> 5 AND purpose = 'marketing' THEN moment::date END,
       'old:' || i || '-' || n
  FROM (
        SELECT i, n,
               %(now)s::timestamp - interval '1 day' * (9 * n + mod(i, 9)) AS moment,
               CASE WHEN n %% 2 = 0 THEN 'marketing' ELSE 'membership' END AS purpose
          FROM generate_series(1, %(recipients)s) i
         CROSS JOIN generate_series(0, 9) n
       ) sent
"""
BLACKLIST = """
INSERT INTO mail_blacklist (email, active)
SELECT 'c' || i || '@example.com', TRUE FROM generate_series(1, %(recipients)s, 100) i
"""


class Bench:
    """A database of recipients, and a mailing that passes the gate."""

    def __init__(self):
        self.costs = defaultdict(list)
        self.differing, self.verdicts = 0, Counter()

    def run(self):
        """Fill, ask, decide, and compare with the loop."""
        database.drop(DATABASE)
        database.create(DATABASE)
        self.connection = connect(DATABASE)
        self.registry = Registry(DATABASE)
        try:
            self._fill()
            with mock.patch.object(fields.Datetime, "now", lambda *_args: NOW):
                for step in ["warm", *["round"] * ROUNDS]:
                    self._pass(step)
        finally:
            self.connection.close()
            close_db(DATABASE)
            database.drop(DATABASE)

    def _fill(self):
        with progress(f"{RECIPIENTS:,} recipients"):
            with self._env() as env:
                env.company.hstyle_tz = "Asia/Shanghai"
                company = env.company.id
            start_filling(self.connection)
            values = {"first": FIRST, "recipients": RECIPIENTS, "now": NOW}
            for query in (PARTNERS, CONSENTS, CONTACTS, BLACKLIST):
                execute(self.connection, query, company=company, **values)
            execute(self.connection, "SET session_replication_role = origin")
            execute(self.connection, "VACUUM ANALYZE")

    @contextlib.contextmanager
    def _env(self):
        """Lend an environment whose transaction is committed."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _pass(self, step):
        """Ask about everybody, decide on a mail for each, and take it back."""
        with self._env() as env:
            costs = self.costs if step == "round" else defaultdict(list)
            people = env["res.partner"].browse(range(FIRST + 1, FIRST + 1 + RECIPIENTS))
            sample = people[:: RECIPIENTS // SAMPLE]
            with measured(costs["verdicts"], env.cr):
                verdicts = people._get_refusals("email", "marketing")
            self.verdicts = Counter(verdicts.values())
            with measured(costs["batches"], env.cr):
                for start in range(0, RECIPIENTS, BATCH):
                    people[start : start + BATCH]._get_refusals("email", "marketing")
            sample.invalidate_recordset()
            with measured(costs["loop"], env.cr):
                expected = {person.id: ask(person) for person in sample}
            self.differing += sum(
                verdicts[person_id] != reason for person_id, reason in expected.items()
            )
            self._decide(env, people, verdicts, costs)
        execute(self.connection, "DELETE FROM hstyle_contact WHERE key LIKE 'mail:%%'")
        execute(self.connection, "VACUUM ANALYZE hstyle_contact")

    def _decide(self, env, people, verdicts, costs):
        """Let the gate decide on a mail for each, as the queue asks it to."""
        messages = [
            {
                "key": f"mail:{person_id}",
                "partner_id": person_id,
                "channel": "email",
                "purpose": "marketing",
                "company": env.company,
                "what": "Sale",
            }
            for person_id in people.ids
        ]
        refusals = {}
        with measured(costs["decisions"], env.cr):
            for start in range(0, RECIPIENTS, BATCH):
                batch = messages[start : start + BATCH]
                refusals |= env["res.partner"]._pass_gate(batch)
        self.differing += sum(
            refusals.get(f"mail:{person_id}") != reason
            for person_id, reason in verdicts.items()
        )

    def get(self, step, figure="wall"):
        """Return the median of a step's figure."""
        return statistics.median(getattr(cost, figure) for cost in self.costs[step])

    def report(self):
        """Return the report's text."""
        loop = self.get("loop") * RECIPIENTS / SAMPLE
        targets = [
            ("seconds for the verdicts of all", self.get("verdicts"), "≤ 2"),
            ("times as fast as a search for each",
             loop / self.get("verdicts"), "≥ 20"),
            ("verdicts not as the loop's", self.differing, "≤ 0"),
        ]  # fmt: skip
        names = {
            "verdicts": "**Verdicts of all at once: `_get_refusals`**",
            "batches": f"The same in batches of {BATCH:,}",
            "decisions": f"**Decided and noted: `_pass_gate`** by {BATCH:,}",
            "loop": f"Searches in a loop, for {SAMPLE:,} of them",
        }
        lines = [
            f"| {name} | {self.get(step):,.2f} | {self.get(step, 'cpu'):,.2f} | "
            f"{self.get(step, 'wal'):,.1f} |"
            for step, name in names.items()
        ]
        found = ", ".join(
            f"{reason or 'may be sent'} {count:,}"
            for reason, count in self.verdicts.most_common()
        )
        return "\n".join(
            [
                "# The contact gate",
                "",
                f"`./dev bench contacts`: {describe_machine()} {RECIPIENTS:,} "
                f"recipients, {3 * RECIPIENTS:,} consents, {10 * RECIPIENTS:,} "
                f"messages before; medians of {ROUNDS} rounds. Verdicts: {found}.",
                "",
                *get_verdicts(targets),
                "",
                "| step | wall s | CPU s | WAL MB |",
                "| --- | ---: | ---: | ---: |",
                *lines,
                "",
            ]
        )


def ask(person):
    """Return a person's verdict by searches, as an addon without the gate would."""
    env, company = person.env, person.env.company
    if not person.active:
        return "archived"
    if not person.email_normalized:
        return "no_address"
    if person.message_bounce >= 3:
        return "bounced"
    if env["mail.blacklist"].search_count([("email", "=", person.email_normalized)]):
        return "blacklisted"
    domain = [("partner_id", "=", person.id), ("company_id", "=", company.id)]
    kind = [("channel", "=", "email"), ("purpose", "=", "marketing")]
    word = env["hstyle.consent"].search(domain + kind, limit=1)
    if word and not word.given:
        return "withdrawn"
    if not word:
        return "no_consent"
    today = company._hstyle_today()
    sent = env["hstyle.contact"].search(
        [
            *domain,
            ("purpose", "=", "marketing"),
            ("state", "=", "sent"),
            ("day", ">", today - timedelta(days=30)),
        ]
    )
    if today in sent.mapped("day"):
        return "today"
    if len(sent) >= min(person.offer_cap or 99, company.hstyle_contact_cap):
        return "cap"
    return (
        "quiet" if person._is_quiet(company, person.tz or company.hstyle_tz) else None
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
