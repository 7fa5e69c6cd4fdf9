"""The addon's coming and going in a database of others."""

import os
import subprocess

import pytest

from odoo.modules.registry import Registry

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


#: What of the host a shop that used us for a while must still have afterwards.
KEPT = {
    "res_partner": "name, grade_id",
    "sale_order": "name, partner_id, amount_total",
    "sale_order_line": "product_id, price_total",
    "loyalty_card": "code, partner_id, points",
    "loyalty_history": "card_id, issued, used",
    "crm_lead": "name, partner_id, stage_id",
    "calendar_event": "name, start",
    "utm_campaign": "name",
    "rating_rating WHERE res_model = 'sale.order'": "res_id, rating",
    "mail_message WHERE model IN ('res.partner', 'sale.order', 'crm.lead')": "body",
}


def _live(env):
    """Let a customer buy, get points and a tier, be sold to, visited and served."""
    mei = env["res.partner"].create({"name": "Mei", "email": "mei@example.com"})
    program = env["loyalty.program"].search([("managed", "=", True)], limit=1)
    program._give_bonus(mei, 120, "Welcome", key="welcome")
    mei._set_tier(env.ref("hstyle_crm.tier_gold"))
    product = env["product.product"].create({"name": "Dress", "list_price": 100})
    line = {"product_id": product.id}
    order = env["sale.order"].create(
        {"partner_id": mei.id, "order_line": [(0, 0, line)]}
    )
    order.action_confirm()
    stage = env.ref("hstyle_crm.crm_stage_winback_2")
    values = {"partner_id": mei.id, "team_id": stage.team_ids.id}
    env["crm.lead"].create({"name": "Win her back", "stage_id": stage.id, **values})
    members = env.ref("base.user_admin").ids
    team = env["hstyle.ticket.team"].create({"name": "Shop", "member_ids": members})
    values = {"name": "Torn", "partner_id": mei.id, "team_id": team.id}
    ticket = env["hstyle.ticket"].create(values)
    ticket._book(max(ticket._get_free_slots()))
    env["hstyle.satisfaction.policy"].search([], limit=1)._ask(order)
    order.rating_ids._answer(4)
    people = env["res.partner"].create([{"name": f"{n}"} for n in range(60)])
    domain = repr([("id", "in", people.ids)])
    env["utm.campaign"].create({"title": "Spring", "hstyle_domain": domain})._draw()


def _read_kept(database):
    """Return table → its rows, of what must be kept."""
    return {
        table: databases.sql(f"SELECT {columns} FROM {table} ORDER BY id", database)
        for table, columns in KEPT.items()
    }


def test_uninstall_leaves_a_working_shop(odoo, transaction, database):
    with transaction() as env:
        _live(env)
    before = _read_kept(database)
    assert all(before.values())
    log = odoo("module", "uninstall", *reversed(addons()))
    assert not testing.faults(log)
    assert _read_kept(database) == before
    Registry.delete(database)
    with transaction() as env:
        tables = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'hstyle%'"
        env.cr.execute(tables)
        assert env.cr.fetchall() == []
        partner = env["res.partner"].search([("name", "=", "Mei")])
        order = partner.sale_order_ids.copy()
        order.action_confirm()
        assert order.state == "sale"
        lead = env["crm.lead"].search([("partner_id", "=", partner.id)])
        lead.action_set_won()
        assert env["crm.lead"].create({"name": "Another"}).stage_id
        _open_views(env)


def _open_views(env):
    """Open each view that is left: none needs a field that is gone."""
    for view in env["ir.ui.view"].search([("type", "!=", "qweb")]):
        if view.model in env and not view.inherit_id:
            env[view.model].get_view(view.id, view.type)


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
