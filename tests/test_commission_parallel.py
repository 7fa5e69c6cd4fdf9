"""Commission that many processes post and settle at the same moment."""

from datetime import date, timedelta

import pytest
from workers import attempt, gate, workers

from odoo import Command

AT_ONCE = 4


@pytest.fixture(scope="module")
def worker(database, transaction):
    """Return the id of an agent with 10 % on what friends keep."""
    with transaction() as env:
        plan = env["hstyle.commission.plan"].search([])
        plan.bracket_ids = [Command.clear(), Command.create({"percent": 10})]
        plan.minimum = 0
        env.company.hstyle_return_days = 0
        campus = env["hstyle.campus"].create({"name": "Campus"})
        return _create_agent(env, campus).id


def _create_agent(env, campus):
    return env["hstyle.agent"].create(
        {
            "partner_id": env["res.partner"].create({"name": "Student"}).id,
            "campus_id": campus.id,
            "graduation_on": "2100-06-30",
            "state": "active",
        }
    )


def _refer(env, agent):
    friend = env["res.partner"].create({"name": "Friend"})
    return env["hstyle.referral"].create(
        {
            "program_id": env["hstyle.referral.program"].search([], limit=1).id,
            "company_id": agent.company_id.id,
            "referrer_id": agent.partner_id.id,
            "agent_id": agent.id,
            "friend_id": friend.id,
            "source": "link",
            "touched_on": "2020-01-01",
            "claimed_on": "2100-01-01",
        }
    )


def _sell(env, friend):
    """Return a friend's order, confirmed in the middle of the last month."""
    product = env["product.product"].create({"name": "Dress", "type": "service"})
    line = {"product_id": product.id, "price_unit": 100}
    values = {"partner_id": friend.id, "order_line": [Command.create(line)]}
    order = env["sale.order"].create(values)
    order.action_confirm()
    order.date_order = _get_last_month() + timedelta(days=14)
    return order


def _get_last_month():
    return (date.today().replace(day=1) - timedelta(days=1)).replace(day=1)


def _accrue(env, order_id, referral_id, meet):
    order = env["sale.order"].browse(order_id)
    if referral_id:
        # Each process believes that the order is another agent's friend's.
        friend = env["hstyle.referral"].browse(referral_id).friend_id
        order.partner_id = friend
    # The transaction sees what is there now, before another one writes.
    env["hstyle.commission"].search_count([])
    meet()
    env["hstyle.commission"]._accrue(order)


def _accrue_alone(database, *ids):
    return attempt(database, _accrue, *ids, gate())


def _settle(env, agent_id, meet):
    agent = env["hstyle.agent"].browse(agent_id)
    env["hstyle.commission.statement"].search_count([])
    meet()
    env["hstyle.commission.statement"]._settle(
        agent.company_id, _get_last_month(), agent
    )


def _settle_alone(database, agent_id):
    return attempt(database, _settle, agent_id, gate())


@pytest.mark.parametrize("_repeat", range(3))
def test_an_order_is_posted_once(database, transaction, worker, _repeat):
    with transaction() as env:
        friend = _refer(env, env["hstyle.agent"].browse(worker)).friend_id
        order_id = _sell(env, friend).id
    with workers(AT_ONCE) as pool:
        work = [
            pool.submit(_accrue_alone, database, order_id, False)
            for _number in range(AT_ONCE)
        ]
        assert [done.result() for done in work] == ["done"] * AT_ONCE
    with transaction() as env:
        rows = env["hstyle.commission"].search([("order_id", "=", order_id)])
        assert rows.mapped("amount") == [10]


@pytest.mark.parametrize("_repeat", range(3))
def test_an_order_pays_one_agent(database, transaction, worker, _repeat):
    """Whichever process comes first decides; the rest leaves it so."""
    with transaction() as env:
        campus = env["hstyle.campus"].search([], limit=1)
        referrals = [_refer(env, _create_agent(env, campus)).id for _n in range(2)]
        order = _sell(env, env["hstyle.referral"].browse(referrals[0]).friend_id)
        order_id = order.id
    with workers(2) as pool:
        work = [pool.submit(_accrue_alone, database, order_id, r) for r in referrals]
        assert [done.result() for done in work] == ["done"] * 2
    with transaction() as env:
        rows = env["hstyle.commission"].search([("order_id", "=", order_id)])
        assert len(rows.agent_id) == 1
        assert len(rows.filtered(lambda row: row.kind == "accrual")) == 1


@pytest.mark.parametrize("_repeat", range(3))
def test_a_month_is_settled_once(database, transaction, worker, _repeat):
    with transaction() as env:
        campus = env["hstyle.campus"].search([], limit=1)
        agent = _create_agent(env, campus)
        order = _sell(env, _refer(env, agent).friend_id)
        env["hstyle.commission"]._accrue(order)
    with workers(AT_ONCE) as pool:
        work = [
            pool.submit(_settle_alone, database, agent.id) for _number in range(AT_ONCE)
        ]
        assert [done.result() for done in work] == ["done"] * AT_ONCE
    with transaction() as env:
        statement = env["hstyle.commission.statement"].search(
            [("agent_id", "=", agent.id)]
        )
        assert statement.mapped("billed") == [10]
        bills = env["account.move"].search([("ref", "=", statement.name)])
        assert len(bills) == 1
