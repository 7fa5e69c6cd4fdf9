"""Birthday gifts that several processes hand out at once; see test_points_parallel."""

import datetime
import types

import pytest
from workers import attempt, gate, workers

from odoo import Command


@pytest.fixture(scope="module")
def campus(transaction):
    """Return the ids of two agents, a pack and a member's benefit."""
    with transaction() as env:
        place = env["hstyle.campus"].create({"name": "North"})
        agents = env["hstyle.agent"].create(
            [_prepare_agent(env, place, name) for name in ("Ann", "Bo")]
        )
        pack = env["hstyle.gift.pack"].create({"name": "Sweets", "cost": 8})
        tier = env["res.partner.grade"].create(
            {
                "name": "Test tier",
                "is_tier": True,
                "benefit_ids": [
                    Command.create({"name": "Gift", "kind": "birthday_gift"})
                ],
            }
        )
        return types.SimpleNamespace(
            agents=agents.ids,
            pack=pack.id,
            tier=tier.id,
            benefit=tier.benefit_ids.id,
        )


def _prepare_agent(env, campus, name):
    return {
        "partner_id": env["res.partner"].create({"name": name}).id,
        "campus_id": campus.id,
        "graduation_on": datetime.date(2100, 6, 30),
        "state": "active",
    }


def _create_gift(env, agent_id, name, partner=None):
    """Put somebody on a list whose birthday is today; return the task."""
    today = env.company._hstyle_today()
    entry = env["hstyle.roster"].create(
        {
            "name": name,
            "birth_month": today.month,
            "birth_day": today.day,
            "agent_id": agent_id,
            "consent_source": "List",
            "consent_on": today,
            "partner_id": partner and partner.id,
        }
    )
    return entry.gift_ids.id


def _supply(env, campus, agent_id, quantity):
    """Let an agent have so many packs, whatever there was before."""
    agent = env["hstyle.agent"].browse(agent_id)
    missing = quantity - agent.gift_stock
    if missing:
        env["hstyle.gift.supply"].create(
            {"agent_id": agent_id, "pack_id": campus.pack, "quantity": missing}
        )


def _hand_out(env, gift_id, gate):
    gift = env["hstyle.gift"].browse(gift_id)
    # The transaction sees what is there now, before the other one writes.
    gift.agent_id._get_gift_stock()
    gift.read(["state"])
    gate()
    gift._hand_out(receiver="Mei")


def _use(env, benefit_id, partner_id, gate):
    partner = env["res.partner"].browse(partner_id)
    partner.hstyle_membership_ids.read(["grade_id"])
    env["hstyle.gift"].search_count([])
    gate()
    env["hstyle.benefit"].browse(benefit_id)._use(partner)


def _do_alone(database, function, *arguments):
    return attempt(database, function, *arguments, gate())


def _do_at_once(database, *tasks):
    """Do each (function, arguments) in a process of its own; return the ends."""
    with workers(len(tasks)) as pool:
        work = [pool.submit(_do_alone, database, *task) for task in tasks]
        return sorted(done.result().split(":")[0] for done in work)


@pytest.mark.parametrize("repeat", range(5))
def test_the_last_pack(database, transaction, campus, repeat):
    """Of four devices that hand it out to four people, one does."""
    agent_id = campus.agents[0]
    with transaction() as env:
        _supply(env, campus, agent_id, 1)
        gifts = [_create_gift(env, agent_id, f"Last {repeat} {n}") for n in range(4)]
    ends = _do_at_once(database, *((_hand_out, gift) for gift in gifts))
    assert ends == ["done", "refused", "refused", "refused"]
    with transaction() as env:
        assert env["hstyle.agent"].browse(agent_id).gift_stock == 0
        states = env["hstyle.gift"].browse(gifts).mapped("state")
        assert sorted(states) == ["given", "todo", "todo", "todo"]


@pytest.mark.parametrize("repeat", range(3))
def test_one_task_on_two_devices(database, transaction, campus, repeat):
    agent_id = campus.agents[0]
    with transaction() as env:
        _supply(env, campus, agent_id, 5)
        gift = _create_gift(env, agent_id, f"Twice {repeat}")
    assert _do_at_once(database, *[(_hand_out, gift)] * 2) == ["done", "refused"]
    with transaction() as env:
        assert env["hstyle.agent"].browse(agent_id).gift_stock == 4


@pytest.mark.parametrize("repeat", range(5))
def test_two_agents_know_one_customer(database, transaction, campus, repeat):
    """By other names, so that there are two tasks."""
    with transaction() as env:
        partner = env["res.partner"].create({"name": "Mei"})
        gifts = []
        for agent_id in campus.agents:
            _supply(env, campus, agent_id, 5)
            name = f"Known {repeat} {agent_id}"
            gifts.append(_create_gift(env, agent_id, name, partner))
    ends = _do_at_once(database, *((_hand_out, gift) for gift in gifts))
    assert ends == ["done", "refused"]
    with transaction() as env:
        states = env["hstyle.gift"].browse(gifts).mapped("state")
        assert sorted(states) == ["given", "skipped"]


@pytest.mark.parametrize("repeat", range(5))
def test_the_agent_and_the_shop(database, transaction, campus, repeat):
    agent_id = campus.agents[0]
    with transaction() as env:
        _supply(env, campus, agent_id, 5)
        partner = env["res.partner"].create({"name": "Mei", "grade_id": campus.tier})
        gift = _create_gift(env, agent_id, f"Member {repeat}", partner)
        partner_id = partner.id
    tasks = [(_hand_out, gift), (_use, campus.benefit, partner_id)]
    assert _do_at_once(database, *tasks) == ["done", "refused"]
    with transaction() as env:
        domain = [("partner_id", "=", partner_id)]
        used = env["hstyle.benefit.use"].search_count(domain)
        state = env["hstyle.gift"].browse(gift).state
        assert (used, state) in {(0, "given"), (1, "skipped")}


def _run_job(env, gate):
    env["hstyle.gift"].search_count([])
    gate()
    env["hstyle.gift"]._make(env.company)


def test_the_job_twice_at_once(database, transaction, campus):
    """Tasks come once, whoever makes them."""
    with transaction() as env:
        for number in range(50):
            _create_gift(env, campus.agents[0], f"Job {number}")
        gifts = env["hstyle.gift"].search([("state", "=", "todo")])
        count = len(gifts)
        gifts.unlink()
    assert _do_at_once(database, *[(_run_job,)] * 3) == ["done"] * 3
    with transaction() as env:
        assert env["hstyle.gift"].search_count([("state", "=", "todo")]) == count
