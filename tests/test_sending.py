"""Mail and SMS that really leave, by the host's own scheduled actions."""

import smtplib
import subprocess
import time
from collections import Counter
from datetime import timedelta

import pytest
from workers import PATIENCE, die, kill

from odoo import fields

from odoo.addons.base.models.ir_cron import IrCron

from devtools import database as databases
from devtools import smtp
from devtools.environment import prepare

MAIL = "mail.ir_cron_mail_scheduler_action"
SMS = "sms.ir_cron_sms_scheduler_action"


@pytest.fixture
def inbox():
    """Lend a mail server."""
    with smtp.receiving() as inbox:
        yield inbox


@pytest.fixture
def provider():
    """Lend a provider of SMS."""
    from odoo.addons.hstyle_crm.tests import sms_provider

    with sms_provider.Provider().running() as provider:
        yield provider


def _prepare(env):
    """Leave the two queues alone: not due for an hour, unless triggered."""
    env["ir.config_parameter"].set_param("mail.mail.queue.batch.size", 1000)
    queues = env.ref(MAIL) | env.ref(SMS)
    (env["ir.cron"].search([]) - queues).active = False
    queues.nextcall = fields.Datetime.now() + timedelta(hours=1)
    env["ir.cron.trigger"].search([]).unlink()
    env["mail.mail"].search([]).unlink()
    env["sms.sms"].search([]).unlink()


def _queue_mail(env, inbox, count):
    _prepare(env)
    smtp.use(env, inbox.port)
    smtp.queue(env, count)
    env.ref(MAIL)._trigger()


def _count(env, *states):
    return env["mail.mail"].search_count([("state", "in", states)])


def _is_triggered(env, cron):
    now = fields.Datetime.now()
    domain = [("cron_id", "=", env.ref(cron).id), ("call_at", "<=", now)]
    return bool(env["ir.cron.trigger"].search_count(domain))


def test_a_server_drains_the_queue(database, transaction, inbox):
    """Many runs' letters leave without waiting for the next hour, each once."""
    with transaction() as env:
        _queue_mail(env, inbox, 130)
        env["ir.config_parameter"].set_param("mail.mail.queue.batch.size", 50)
    options = ["-d", database, "--no-http", "--max-cron-threads=1", "--log-level=warn"]
    process = subprocess.Popen([*databases.ODOO, *options], env=prepare())
    try:
        deadline = time.monotonic() + 2 * PATIENCE
        while len(inbox.letters) < 130 and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.2)
    finally:
        process.terminate()
        process.wait()
    assert set(Counter(inbox.letters).values()) == {1}
    assert len(inbox.letters) == 130


def test_a_run_leaves_no_trigger_behind(database, transaction, inbox):
    """Who has sent all runs no more; mail for later is not a reason to."""
    with transaction() as env:
        _queue_mail(env, inbox, 3)
        later = smtp.queue(env, 1, subject="Later")
        later.scheduled_date = fields.Datetime.now() + timedelta(days=1)
    IrCron._process_jobs(database)
    with transaction() as env:
        assert not _is_triggered(env, MAIL)
        assert _count(env, "outgoing") == 1
    assert len(inbox.letters) == 3


def test_mail_that_cannot_leave(database, transaction):
    """With the server down, a run of the host fails, and the rest is left for later."""
    with transaction() as env:
        _prepare(env)
        env["ir.config_parameter"].set_param("mail.mail.queue.batch.size", 10)
        smtp.use(env, smtp.free_port())
        smtp.queue(env, 25)
        env.ref(MAIL)._trigger()
    IrCron._process_jobs(database)
    with transaction() as env:
        assert not _is_triggered(env, MAIL)
        assert (_count(env, "exception"), _count(env, "outgoing")) == (10, 15)


def test_a_bad_address_stops_nothing(database, transaction, inbox):
    with transaction() as env:
        _queue_mail(env, inbox, 25)
        env["ir.config_parameter"].set_param("mail.mail.queue.batch.size", 10)
        first = env["mail.mail"].search([], limit=10)
        first.email_to = "nowhere"
    for _run in range(3):
        IrCron._process_jobs(database)
    with transaction() as env:
        assert _count(env, "outgoing") == 0
    assert len(inbox.letters) == 15


def _die_after_letters(database, count):
    """Send until so many letters have left, and die before the last is noted."""
    send, sent = smtplib.SMTP.send_message, []

    def send_and_die(self, *args, **options):
        result = send(self, *args, **options)
        sent.append(1)
        if len(sent) == count:
            die()
        return result

    smtplib.SMTP.send_message = send_and_die
    IrCron._process_jobs(database)


def test_a_killed_run_goes_on(database, transaction, inbox):
    """All leave; only the letter that was on its way may leave twice, as the host's."""
    with transaction() as env:
        _queue_mail(env, inbox, 50)
    kill(_die_after_letters, database, 20)
    assert len(inbox.letters) == 20
    IrCron._process_jobs(database)
    times = Counter(inbox.letters)
    assert len(times) == 50
    assert sum(times.values()) <= 51


def _set_up_sms(env, provider):
    _prepare(env)
    env["ir.config_parameter"].set_param("hstyle_crm.tencent_sms_url", provider.url)
    env.company.write(provider.account)
    env["hstyle.sms.text"].search([]).unlink()
    values = {"name": "Sale", "body": "Sale {1}", "template": "1110"}
    env["hstyle.sms.text"].create(values)


def _queue_sms(env, bodies):
    env["sms.sms"].create(
        [{"number": f"+86138{i:08}", "body": body} for i, body in enumerate(bodies)]
    )


def _die_in_the_second_call(database):
    """Die after the provider took the second call, before its answer is read."""
    from odoo.addons.hstyle_crm.sms_api import SmsApiTencent

    request, calls = SmsApiTencent._request, []

    def request_and_die(self, call):
        response = request(self, call)
        calls.append(call)
        if len(calls) == 2:
            die()
        return response

    SmsApiTencent._request = request_and_die
    IrCron._process_jobs(database)


def test_killed_while_sending_sms(database, transaction, provider):
    """No customer gets an SMS twice; of whom it is not known, somebody decides."""
    with transaction() as env:
        _set_up_sms(env, provider)
        _queue_sms(env, ["Sale today"] * 450)
    kill(_die_in_the_second_call, database)
    assert len(provider.sent) == 400
    IrCron._process_jobs(database)
    times = Counter(number for number, *_ in provider.sent)
    assert (len(times), set(times.values())) == (450, {1})
    with transaction() as env:
        failed = env["sms.sms"].search([("state", "=", "error")])
        assert (len(failed), set(failed.mapped("failure_type"))) == (
            200,
            {"sms_server"},
        )


def test_more_sms_than_a_run(database, transaction, provider):
    """The queue takes itself up again until all are sent."""
    with transaction() as env:
        _set_up_sms(env, provider)
        _queue_sms(env, [f"Sale {i}" for i in range(700)])
    runs = 0
    while len(provider.sent) < 700:
        runs += 1
        assert runs < 10
        IrCron._process_jobs(database)
    with transaction() as env:
        assert not env["sms.sms"].search_count([("state", "!=", "pending")])
    IrCron._process_jobs(database)
    assert len(provider.sent) == 700
