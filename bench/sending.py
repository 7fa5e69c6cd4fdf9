"""How fast the mail queue drains, beside the host's way, and the SMS queue.

Letters are queued in a database of its own and sent to a mail server on this machine,
by the host's scheduled action as a worker runs it: again while it is due. First the
host's way, of which one pass is all that happens before the next hour; then ours. SMS
go to a provider on this machine, all with one wording or each with its own. The report
goes to bench/results/sending.md.

HSTYLE_BENCH_LETTERS=300 tries it quickly.
"""

import contextlib
import os
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from unittest import mock

# "profile" of this folder would hide the module of the standard library.
sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]

from odoo import SUPERUSER_ID, api, fields  # noqa: E402
from odoo.modules.registry import Registry  # noqa: E402
from odoo.sql_db import close_db  # noqa: E402
from odoo.tools import config  # noqa: E402

from odoo.addons.base.models.ir_cron import IrCron  # noqa: E402

from devtools import database, smtp  # noqa: E402
from devtools.console import progress  # noqa: E402
from devtools.measure import describe_machine, get_verdicts  # noqa: E402
from devtools.paths import ROOT  # noqa: E402

DATABASE = "bench_sending"
REPORT = ROOT / "bench/results/sending.md"
LETTERS = int(os.environ.get("HSTYLE_BENCH_LETTERS", "3000"))
MAIL = "mail.ir_cron_mail_scheduler_action"
SMS = "sms.ir_cron_sms_scheduler_action"


class Bench:
    """The steps, and what they took: seconds, and what was left waiting."""

    def __init__(self):
        self.seconds = {}
        self.left = {}
        self.twice = 0

    def run(self):
        database.drop(DATABASE)
        database.create(DATABASE)
        try:
            self._run_mail()
            self._run_sms()
        finally:
            Registry.delete(DATABASE)
            close_db(DATABASE)
            database.drop(DATABASE)

    @contextlib.contextmanager
    def _env(self):
        """Lend an environment whose transaction is committed."""
        with Registry(DATABASE).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    # === MAIL === #

    def _run_mail(self):
        mail = Registry(DATABASE)["mail.mail"]
        with smtp.receiving() as inbox:
            with mock.patch.object(mail, "_continue_queue", lambda _self: None):
                self._drain_mail(inbox, "host")
            self._drain_mail(inbox, "ours")

    def _drain_mail(self, inbox, way):
        inbox.letters.clear()
        with self._env() as env:
            self._settle(env)
            smtp.use(env, inbox.port)
            smtp.queue(env, LETTERS)
            env.ref(MAIL)._trigger()
        self._drain(way)
        self.left[way] = LETTERS - len(inbox.letters)
        self.twice += sum(Counter(inbox.letters).values()) - len(set(inbox.letters))

    def _settle(self, env):
        """Empty the queues, whose actions are not due for an hour."""
        queues = env.ref(MAIL) | env.ref(SMS)
        (env["ir.cron"].search([]) - queues).active = False
        queues.nextcall = fields.Datetime.now() + timedelta(hours=1)
        env["ir.cron.trigger"].search([]).unlink()
        env["mail.mail"].search([]).unlink()
        env["sms.sms"].search([]).unlink()

    def _drain(self, step):
        """Run what is due, as a worker does, until nothing is."""
        with progress(step):
            began = time.perf_counter()
            while self._is_due():
                IrCron._process_jobs(DATABASE)
            self.seconds[step] = time.perf_counter() - began

    def _is_due(self):
        with self._env() as env:
            now = fields.Datetime.now()
            domain = [("call_at", "<=", now)]
            return bool(env["ir.cron.trigger"].search_count(domain))

    # === SMS === #

    def _run_sms(self):
        from odoo.addons.hstyle_crm.tests import sms_provider

        with sms_provider.Provider().running() as provider:
            with self._env() as env:
                self._set_up_sms(env, provider)
            self._drain_sms(provider, "sms_equal", lambda _i: "Sale today")
            self._drain_sms(provider, "sms_own", lambda i: f"Sale {i}")

    def _set_up_sms(self, env, provider):
        env["ir.config_parameter"].set_param("hstyle_crm.tencent_sms_url", provider.url)
        env.company.write(provider.account)
        values = {"name": "Sale", "body": "Sale {1}", "template": "1"}
        env["hstyle.sms.text"].create(values)

    def _drain_sms(self, provider, step, compose):
        provider.sent.clear()
        with self._env() as env:
            self._settle(env)
            env["sms.sms"].create(
                [
                    {"number": f"+86138{i:08}", "body": compose(i)}
                    for i in range(LETTERS)
                ]
            )
        self._drain(step)
        self.left[step] = LETTERS - len(provider.sent)
        self.twice += len(provider.sent) - len({sms[0] for sms in provider.sent})

    # === REPORT === #

    def report(self):
        """Return the report's text."""
        targets = [
            ("letters that wait for the next hour: ours", self.left["ours"], "≤ 0"),
            ("SMS that wait for the next day", self.left["sms_own"], "≤ 0"),
            ("letters and SMS that left twice", self.twice, "≤ 0"),
        ]
        names = {
            "host": "Mail, the host's way: one pass, then an hour of rest",
            "ours": "**Mail, ours**: the queue drains",
            "sms_equal": "**SMS of one wording**: 200 in a call",
            "sms_own": "**SMS, each with its own words**: one in a call",
        }
        lines = []
        for step, name in names.items():
            sent, seconds = LETTERS - self.left[step], self.seconds[step]
            figures = f"{sent:,} | {self.left[step]:,} | {seconds:,.2f}"
            lines.append(f"| {name} | {figures} | {sent / seconds:,.0f} |")
        return "\n".join(
            [
                "# Sending",
                "",
                f"`./dev bench sending`: {describe_machine()} {LETTERS:,} letters and "
                f"SMS, to servers on the same machine, by one worker; the machine's "
                f"load at the end: {os.getloadavg()[0]:.1f}.",
                "",
                *get_verdicts(targets),
                "",
                "| step | sent | left waiting | wall s | a second |",
                "| --- | ---: | ---: | ---: | ---: |",
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
