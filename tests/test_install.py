"""The addon's coming and going in a database of others."""

import os
import subprocess

import pytest

from devtools import database as databases
from devtools import testing
from devtools.environment import prepare
from devtools.paths import addons

#: What of the host grows or shrinks by itself, by jobs and by each start of it.
RESTLESS = (
    "ir_",
    "bus_",
    "mail_message",
    "mail_followers",
    "mail_presence",
    "res_device",
)


def test_upgrade_leaves_a_clean_log(odoo):
    log = odoo("-u", "hstyle_crm", "--stop-after-init", "--no-http")
    records = testing.records(log)
    assert records
    assert not [text for level, text in records if level != "INFO"]


def test_uninstall_leaves_a_working_shop(odoo, transaction):
    log = odoo("module", "uninstall", "hstyle_crm")
    assert not testing.faults(log)
    with transaction() as env:
        tables = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'hstyle%'"
        env.cr.execute(tables)
        assert env.cr.fetchall() == []
        partner = env["res.partner"].create({"name": "Still a customer"})
        product = env["product.product"].create({"name": "Still for sale"})
        line = {"product_id": product.id}
        order = env["sale.order"].create(
            {"partner_id": partner.id, "order_line": [(0, 0, line)]}
        )
        order.action_confirm()
        assert order.state == "sale"


@pytest.fixture(scope="module")
def host():
    """Lend a database with the host and its demo data, without our addons."""
    name = f"demodata_{os.getpid()}"
    databases.drop(name)
    databases.sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
    yield name
    databases.drop(name)


def _run(name, log, *arguments):
    command = [*databases.ODOO, *arguments, "-d", name]
    subprocess.run(command, env=prepare() | {"ODOO_LOGFILE": str(log)}, check=True)


def _describe(name):
    """Return table → (rows, columns) of what the host keeps."""
    columns = databases.sql(
        "SELECT concat(c.relname, ' ', string_agg(a.attname, ',' ORDER BY a.attname)) "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace "
        "AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.relname",
        name,
    )
    tables = dict(line.split(" ", 1) for line in columns)
    return {
        table: (int(databases.sql(f'SELECT count(*) FROM "{table}"', name)[0]), names)
        for table, names in tables.items()
        if not table.startswith(RESTLESS)
    }


def test_on_demo_data_and_back(host, tmp_path):
    """Beside the host's demo data, and off again: the host is what it was."""
    stop = ("--stop-after-init", "--no-http")
    needed = ",".join([*databases._dependencies(), "crm", "sale_management"])
    _run(host, tmp_path / "host.log", "-i", needed, "--with-demo", *stop)
    before = _describe(host)
    _run(host, tmp_path / "ours.log", "-i", ",".join(addons()), *stop)
    assert not testing.faults(tmp_path / "ours.log")
    assert _describe(host).keys() > before.keys()
    for addon in reversed(addons()):
        _run(host, tmp_path / "off.log", "module", "uninstall", addon)
    assert not testing.faults(tmp_path / "off.log")
    after = _describe(host)
    assert {table: columns for table, (_rows, columns) in after.items()} == {
        table: columns for table, (_rows, columns) in before.items()
    }
    lost = [table for table in before if after[table][0] < before[table][0]]
    assert not lost
