"""From the version that landed before to this one: nothing that was kept is lost."""

import io
import os
import subprocess
import tarfile

import pytest

from devtools import database as databases
from devtools import testing
from devtools.environment import prepare
from devtools.paths import ROOT

#: The last landed commit before this version (19.0.1.0.0).
BEFORE = "92804e7"
ADDONS = ("hstyle_crm", "hstyle_crm_stock", "hstyle_crm_website")
LIFE = """
agent = env["res.users"].with_context(no_reset_password=True).create({
    "name": "Agent", "login": "upgraded",
    "group_ids": env.ref("hstyle_crm.hstyle_crm_group_agent").ids,
})
mei = env["res.partner"].create({"name": "Mei", "email": "mei@example.com"})
program = env["loyalty.program"].search([("managed", "=", True)], limit=1)
program._give_bonus(mei, 120, "Welcome", key="welcome")
mei._set_tier(env.ref("hstyle_crm.tier_gold"))
env["hstyle.consent"]._record(mei, "email", "marketing", True, "Till")
team = env["hstyle.ticket.team"].search([], limit=1)
ticket = env["hstyle.ticket"].create({
    "name": "Torn", "partner_id": mei.id, "team_id": team.id, "user_id": agent.id,
})
env["hstyle.promise"].create({
    "name": "Call", "partner_id": mei.id, "user_id": agent.id,
    "document": f"hstyle.ticket,{ticket.id}", "due_on": "2100-01-01",
})
product = env["product.product"].create({"name": "Dress", "list_price": 100})
order = env["sale.order"].create({
    "partner_id": mei.id, "order_line": [(0, 0, {"product_id": product.id})],
})
order.action_confirm()
env["hstyle.profile"]._refresh()
env["hstyle.segment"].search([], limit=1)._refresh()
# Shipped, deleted, and set up anew as the shop likes it.
budget = env.ref("hstyle_crm.goodwill_budget_agent")
again = {"group_id": budget.group_id.id, "amount": 500}
budget.unlink()
env["hstyle.goodwill.budget"].create(again)
env.ref("hstyle_crm.goodwill_reason_thanks").unlink()
reward = env.ref("hstyle_crm.loyalty_reward_member")
reward.copy()
reward.unlink()
env.cr.commit()
"""

CHECK = """
assert env["hstyle.ticket"].search([]).user_id.login == "upgraded"
assert env["hstyle.goodwill.budget"].search([]).amount == 500
for name in ("goodwill_reason_thanks", "loyalty_reward_member"):
    assert not env.ref(f"hstyle_crm.{name}", raise_if_not_found=False)
"""


@pytest.fixture(scope="module")
def old_addons(tmp_path_factory):
    """Return a folder with the addons as they landed before."""
    archive = ["git", "-C", str(ROOT), "archive", BEFORE, *ADDONS]
    done = subprocess.run(archive, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"The history of {BEFORE} is not in this checkout.")
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archived:
        archived.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def name():
    """Lend a database with the host alone, without our addons."""
    name = f"upgrade_{os.getpid()}"
    databases.create_host(name)
    # The host knows of the addons that lie here, newer ones among them.
    newer = f"name LIKE 'hstyle%' AND name NOT IN {ADDONS}"
    databases.sql(
        "DELETE FROM ir_model_data WHERE model = 'ir.module.module' AND res_id IN "
        f"(SELECT id FROM ir_module_module WHERE {newer});"
        f"DELETE FROM ir_module_module WHERE {newer}",
        name,
    )
    yield name
    databases.drop(name)


def _odoo(name, log, *arguments, addons=ROOT, script=None):
    """Run Odoo on a database; insist on a log without faults."""
    command = [*databases.ODOO, *arguments, "-d", name, f"--addons-path={addons}"]
    environment = prepare() | {"ODOO_LOGFILE": str(log)}
    subprocess.run(command, env=environment, input=script, text=True, check=True)
    assert not testing.faults(log)


def _count(name):
    """Return table → rows of all that we keep, and sums that customers look at."""
    tables = databases.sql(
        "SELECT tablename FROM pg_tables WHERE tablename LIKE 'hstyle%' "
        "OR tablename IN ('loyalty_card', 'loyalty_history', 'sale_order', 'crm_lead')",
        name,
    )
    rows = {
        table: databases.sql(f'SELECT count(*) FROM "{table}"', name)
        for table in tables
    }
    facts = (
        "SELECT sum(points) FROM loyalty_card",
        "SELECT string_agg(grade_id::text, ',' ORDER BY id) FROM res_partner",
        "SELECT string_agg(concat(name, user_id, solve_due), ',') FROM hstyle_ticket",
        "SELECT string_agg(concat(partner_id, revenue), ',') FROM hstyle_profile",
    )
    return rows | {fact: databases.sql(fact, name) for fact in facts}


def test_nothing_is_lost(old_addons, name, tmp_path):
    stop = ("--stop-after-init", "--no-http")
    _odoo(name, tmp_path / "old.log", "-i", ",".join(ADDONS), *stop, addons=old_addons)
    _odoo(name, tmp_path / "life.log", "shell", addons=old_addons, script=LIFE)
    before = _count(name)
    assert before["hstyle_ticket"] == before["hstyle_promise"] == ["1"]
    _odoo(name, tmp_path / "new.log", "-u", ",".join(ADDONS), *stop)
    after = _count(name)
    shrunk = {
        key: (value, after.get(key))
        for key, value in before.items()
        if value != after.get(key) and not _has_grown(value, after.get(key))
    }
    assert not shrunk
    _odoo(name, tmp_path / "check.log", "shell", script=CHECK)


def _has_grown(before, after):
    """Tell whether a table has more rows: an upgrade ships some."""
    return after and before[0].isdigit() and int(after[0]) > int(before[0])
