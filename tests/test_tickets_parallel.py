"""Tickets that several processes open and merge at once; see test_points_parallel."""

from collections import Counter

import pytest
from workers import attempt, gate, workers

from odoo import Command, fields

WORKERS = 4
EACH = 25


@pytest.fixture(scope="module")
def team(transaction):
    """Return the id of a team of four."""
    with transaction() as env:
        group = env.ref("hstyle_crm.hstyle_crm_group_agent")
        users = env["res.users"].create(
            [
                {"name": name, "login": name, "group_ids": group.ids}
                for name in ("ann", "bo", "cai", "dee")
            ]
        )
        values = {"name": "Parallel", "member_ids": users.ids}
        return env["hstyle.ticket.team"].create(values).id


def _open(env, team_id, meet):
    env["hstyle.ticket"].search_count([])
    meet()
    env["hstyle.ticket"].create({"name": "Late", "team_id": team_id})


def _open_many(database, team_id):
    return [
        attempt(database, _open, team_id, gate() if number == 0 else lambda: None)
        for number in range(EACH)
    ]


def test_spread_evenly(database, transaction, team):
    """A hundred tickets of four processes: nobody has a pile, nobody has none."""
    with workers(WORKERS) as pool:
        work = [pool.submit(_open_many, database, team) for _n in range(WORKERS)]
        assert {end for done in work for end in done.result()} == {"done"}
    with transaction() as env:
        tickets = env["hstyle.ticket"].search([("team_id", "=", team)])
        loads = Counter(ticket.user_id.login for ticket in tickets)
        print(loads)
    assert sum(loads.values()) == WORKERS * EACH
    assert len(loads) == 4
    assert max(loads.values()) - min(loads.values()) <= 2 * WORKERS


def _merge(env, ticket_id, other_id, meet):
    tickets = env["hstyle.ticket"].browse([ticket_id, other_id])
    tickets.read(["stage_id"])
    meet()
    tickets[0]._merge(tickets[1])


def _merge_alone(database, *arguments):
    return attempt(database, _merge, *arguments, gate())


@pytest.mark.parametrize("repeat", range(5))
def test_two_merge_each_into_the_other(database, transaction, team, repeat):
    """One of them does: no ticket is a part of a part of itself."""
    with transaction() as env:
        partner = env["res.partner"].create({"name": f"Mei {repeat}"})
        values = {"name": "Late", "team_id": team, "partner_id": partner.id}
        one, two = env["hstyle.ticket"].create([values, values]).ids
    with workers(2) as pool:
        work = [
            pool.submit(_merge_alone, database, *pair)
            for pair in ((one, two), (two, one))
        ]
        ends = sorted(done.result().split(":")[0] for done in work)
    assert ends == ["done", "refused"]
    with transaction() as env:
        tickets = env["hstyle.ticket"].browse([one, two])
        assert len(tickets.filtered("merged_into_id")) == 1
        assert sorted(tickets.mapped("kind")) == ["closed", "new"]


@pytest.fixture(scope="module")
def closed_team(transaction):
    """Return the id of a team that answers for an hour, in three days."""
    day = str((fields.Date.today().weekday() + 3) % 7)
    hours = {"name": "x", "dayofweek": day, "hour_from": 9, "hour_to": 10}
    with transaction() as env:
        calendar = env["resource.calendar"].create({"name": "Rare", "tz": "UTC"})
        calendar.attendance_ids = [Command.clear(), Command.create(hours)]
        values = {"name": "Rare", "calendar_id": calendar.id}
        return env["hstyle.ticket.team"].create(values).id


def _hear(env, ticket_id, meet):
    ticket = env["hstyle.ticket"].browse(ticket_id)
    ticket.read(["unanswered_count", "told_until"])
    meet()
    ticket._hear()


def _hear_alone(database, ticket_id):
    return attempt(database, _hear, ticket_id, gate())


def test_words_at_once(database, transaction, closed_team):
    """All are counted; out of hours the customer is told once."""
    with transaction() as env:
        values = {"name": "Late", "team_id": closed_team}
        ticket_id = env["hstyle.ticket"].create(values).id
    with workers(WORKERS) as pool:
        work = [
            pool.submit(_hear_alone, database, ticket_id) for _number in range(WORKERS)
        ]
        assert {done.result() for done in work} == {"done"}
    with transaction() as env:
        ticket = env["hstyle.ticket"].browse(ticket_id)
        assert ticket.unanswered_count == WORKERS
        assert ticket.told_until
        told = ticket.message_ids.filtered(lambda m: m.message_type == "auto_comment")
        assert len(told) == 1


def _receive(env, team_id, message_id, meet):
    team = env["hstyle.ticket.team"].browse(team_id)
    env["hstyle.ticket.inbound"].search_count([])
    meet()
    env["hstyle.ticket"]._receive(
        "im", message_id, f"sender{message_id[0]}", "Hi", team
    )


def _receive_alone(database, *arguments):
    return attempt(database, _receive, *arguments, gate())


def _deliver(database, transaction, team, ids):
    """Deliver messages at once; return their tickets, and the words on these."""
    with workers(len(ids)) as pool:
        work = [pool.submit(_receive_alone, database, team, one) for one in ids]
        assert {done.result() for done in work} == {"done"}
    with transaction() as env:
        rows = env["hstyle.ticket.inbound"].search([("message_id", "in", ids)])
        words = rows.ticket_id.message_ids.filtered(lambda m: m.author_id.id is False)
        return rows.ticket_id.ids, len(words)


def test_a_message_delivered_four_times_at_once(database, transaction, team):
    tickets, words = _deliver(database, transaction, team, ["a"] * WORKERS)
    assert (len(tickets), words) == (1, 1)


def test_four_messages_of_a_sender_at_once(database, transaction, team):
    """One ticket, with all that was said."""
    ids = [f"b{number}" for number in range(WORKERS)]
    tickets, words = _deliver(database, transaction, team, ids)
    assert (len(tickets), words) == (1, WORKERS)
