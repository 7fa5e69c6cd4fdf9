"""Forms of the portal that arrive twice at once; see test_points_parallel."""

import pytest
from workers import attempt, gate, workers


def _send(env, values, key, gate):
    tickets = env["hstyle.ticket"]
    # The transaction sees what is there now, before the other one writes.
    tickets.search_count([])
    gate()
    tickets._open_by_customer(values, "The zip is broken", [], key)


def _send_alone(database, *arguments):
    return attempt(database, _send, *arguments, gate())


@pytest.mark.parametrize("repeat", range(3))
def test_a_form_sent_four_times(database, transaction, repeat):
    with transaction() as env:
        partner = env["res.partner"].create({"name": f"Mei {repeat}"})
        values = {"name": "Zip", "partner_id": partner.id}
    with workers(4) as pool:
        work = [pool.submit(_send_alone, database, values, "key") for _ in range(4)]
        assert [done.result() for done in work] == ["done"] * 4
    with transaction() as env:
        ticket = env["hstyle.ticket"].search([("partner_id", "=", partner.id)])
        assert len(ticket) == 1
        assert len(ticket._get_conversation()) == 1
