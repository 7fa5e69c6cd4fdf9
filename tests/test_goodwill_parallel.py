"""Goodwill that several agents give at once; see test_points_parallel."""

import types

import pytest
from workers import attempt, gate, workers

from odoo import Command


@pytest.fixture(scope="module")
def service(transaction):
    """Return the ids of two agents and managers, a budget and a reason."""
    with transaction() as env:
        group = env.ref("hstyle_crm.hstyle_crm_group_agent")
        leaders = env.ref("hstyle_crm.hstyle_crm_group_manager")
        budgets = env["hstyle.goodwill.budget"]
        budgets.search([]).unlink()
        budget = budgets.create({"group_id": group.id, "amount": 100})
        return types.SimpleNamespace(
            agents=_create_users(env, group, "ann", "bo"),
            managers=_create_users(env, leaders, "cai", "dee"),
            budget=budget.id,
            reason=env.ref("hstyle_crm.goodwill_reason_late").id,
        )


def _create_users(env, group, *names):
    values = {"group_ids": [Command.set(group.ids)]}
    users = env["res.users"].create(
        [{**values, "name": name, "login": name} for name in names]
    )
    return users.ids


def _set_budget(env, service, amount, month):
    """Let the agents have this budget alone, of which nothing is used."""
    budgets = env["hstyle.goodwill.budget"]
    budgets.search([("id", "!=", service.budget)]).unlink()
    values = {"amount": amount, "month": month, "used": 0}
    budgets.browse(service.budget).write(values)


def _open_ticket(env, user_id):
    partner = env["res.partner"].create({"name": "Mei"})
    values = {"name": "Late", "user_id": user_id, "partner_id": partner.id}
    return env["hstyle.ticket"].create(values).id


def _compensate(env, user_id, ticket_id, reason_id, kind, amount, gate):
    env = env(user=user_id, su=False)
    ticket = env["hstyle.ticket"].browse(ticket_id)
    # The transaction sees what is there now, before the other one writes.
    env["hstyle.goodwill.budget"]._get_left(env.user, ticket.company_id)
    gate()
    reason = env["hstyle.goodwill.reason"].browse(reason_id)
    ticket._compensate(kind, amount, reason)


def _approve(env, user_id, goodwill_id, gate):
    goodwill = env(user=user_id, su=False)["hstyle.goodwill"].browse(goodwill_id)
    goodwill.read(["state"])
    gate()
    goodwill.action_approve()


def _do_alone(database, function, *arguments):
    return attempt(database, function, *arguments, gate())


def _do_at_once(database, *tasks):
    """Do each (function, arguments) in a process of its own; return the ends."""
    with workers(len(tasks)) as pool:
        work = [pool.submit(_do_alone, database, *task) for task in tasks]
        return sorted(done.result().split(":")[0] for done in work)


def _give_at_once(database, transaction, service, amount):
    """Let four agents give at once; return what became of it."""
    with transaction() as env:
        users = [*service.agents, *service.agents]
        tickets = [(user, _open_ticket(env, user)) for user in users]
    more = (service.reason, "points", amount)
    ends = _do_at_once(database, *((_compensate, *one, *more) for one in tickets))
    assert ends == ["done"] * 4
    with transaction() as env:
        domain = [("ticket_id", "in", [ticket for _user, ticket in tickets])]
        return sorted(env["hstyle.goodwill"].search(domain).mapped("state"))


@pytest.mark.parametrize("repeat", range(5))
def test_the_rest_of_a_budget(database, transaction, service, repeat):
    """Of 100, four agents want 40 each: two get it, two have to ask."""
    with transaction() as env:
        month = env["hstyle.goodwill.budget"]._get_month(env.company)
        _set_budget(env, service, 100, month)
    states = _give_at_once(database, transaction, service, 40)
    assert states == ["asked", "asked", "given", "given"]
    with transaction() as env:
        assert env["hstyle.goodwill.budget"].browse(service.budget).used == 80


@pytest.mark.parametrize("repeat", range(3))
def test_the_first_of_a_month(database, transaction, service, repeat):
    """The month's budget begins once, whoever begins it."""
    with transaction() as env:
        _set_budget(env, service, 100, "2020-01-01")
    states = _give_at_once(database, transaction, service, 40)
    assert states == ["asked", "asked", "given", "given"]
    with transaction() as env:
        budgets = env["hstyle.goodwill.budget"].search([])
        assert sorted(budgets.mapped("used")) == [0, 80]


@pytest.mark.parametrize("repeat", range(3))
def test_two_managers_approve(database, transaction, service, repeat):
    with transaction() as env:
        ticket_id = _open_ticket(env, service.agents[0])
        ticket = env(user=service.agents[0])["hstyle.ticket"].browse(ticket_id)
        reason = env["hstyle.goodwill.reason"].browse(service.reason)
        goodwill = ticket._compensate("coupon", 5000, reason)
        assert goodwill.state == "asked"
        customer, goodwill_id = ticket.partner_id.id, goodwill.id
    tasks = [(_approve, manager, goodwill_id) for manager in service.managers]
    assert _do_at_once(database, *tasks) == ["done", "refused"]
    with transaction() as env:
        domain = [("partner_id", "=", customer)]
        assert env["loyalty.card"].search_count(domain) == 1
