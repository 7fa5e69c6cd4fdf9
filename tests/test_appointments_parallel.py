"""Appointments that several customers book at once; see test_points_parallel."""

import types

import pytest
from workers import attempt, gate, workers

from odoo import Command

CUSTOMERS = 4
COLLEAGUES = 2


@pytest.fixture(scope="module")
def team(transaction):
    """Return the ids of tickets of a team of two, and a time at which both are free."""
    with transaction() as env:
        group = env.ref("hstyle_crm.hstyle_crm_group_agent")
        users = env["res.users"].create(
            [
                {"name": name, "login": name, "group_ids": [Command.link(group.id)]}
                for name in ("Ann of service", "Bo of service")
            ]
        )
        team = env["hstyle.ticket.team"].create(
            {"name": "Fitting", "member_ids": [Command.set(users.ids)]}
        )
        tickets = env["hstyle.ticket"].create(
            [
                {
                    "name": f"Fitting {number}",
                    "team_id": team.id,
                    "intent_id": env.ref("hstyle_crm.ticket_intent_appointment").id,
                    "partner_id": env["res.partner"].create({"name": "Mei"}).id,
                }
                for number in range(CUSTOMERS)
            ]
        )
        slots = list(tickets[0]._get_free_slots())
        return types.SimpleNamespace(tickets=tickets.ids, slots=slots)


def _book(env, ticket_id, start, gate):
    ticket = env["hstyle.ticket"].browse(ticket_id)
    # The transaction sees who is free now, before another one books.
    ticket._get_free_slots()
    gate()
    ticket._book(start)


def _try_book(database, ticket_id, start):
    return attempt(database, _book, ticket_id, start, gate())


def test_one_customer_at_a_time(database, transaction, team):
    """Of four who choose the same time, two get it, with a colleague each."""
    start = team.slots[10]
    with workers(CUSTOMERS) as pool:
        ends = [
            pool.submit(_try_book, database, ticket, start) for ticket in team.tickets
        ]
        ends = [end.result() for end in ends]
    assert ends.count("done") == COLLEAGUES, ends
    assert all(end == "done" or "not free" in end for end in ends), ends
    with transaction() as env:
        domain = [("start", "=", start), ("state", "=", "booked")]
        booked = env["hstyle.appointment"].search(domain)
        assert len(booked) == len(booked.user_id) == COLLEAGUES


def test_one_appointment_a_ticket(database, transaction, team):
    """Who presses twice has one appointment."""
    ticket = team.tickets[0]
    with workers(2) as pool:
        ends = [
            pool.submit(_try_book, database, ticket, start)
            for start in (team.slots[20], team.slots[30])
        ]
        ends = [end.result() for end in ends]
    assert "done" in ends, ends
    with transaction() as env:
        appointments = env["hstyle.ticket"].browse(ticket).appointment_ids
        assert appointments.mapped("state").count("booked") == 1
