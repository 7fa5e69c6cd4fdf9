"""Offers, segments and their actions that many processes work on at the same moment."""

from collections import Counter

import pytest
from workers import attempt, die, gate, kill, meet, workers

from odoo import SUPERUSER_ID, Command, api, fields
from odoo.modules.registry import Registry

RUN = "odoo.addons.hstyle_crm.models.hstyle_segment_run"
CUSTOMERS = 300


def _open_company(env):
    """Return a company that has no night and needs no consent."""
    company = env["res.company"].browse(1)
    company.write(
        {"hstyle_quiet_from": 0, "hstyle_quiet_to": 0, "hstyle_opt_in": False}
    )
    return company


# === THE GATE === #


def _pass_gate(env, message, meet):
    people = env["res.partner"]
    # The transaction sees what is there now, before the other one writes.
    people.browse(message["partner_id"])._get_refusals("email", "marketing")
    meet()
    message = {**message, "company": env["res.company"].browse(1), "what": "Sale"}
    people._pass_gate([message])


def _pass_alone(database, message):
    return attempt(database, _pass_gate, message, gate())


@pytest.mark.parametrize("_repeat", range(5))
@pytest.mark.parametrize("channels", [("email", "email"), ("email", "sms")])
def test_two_offers_at_once(database, transaction, channels, _repeat):
    """Two queues send an offer to one customer: one of them may."""
    with transaction() as env:
        _open_company(env)
        values = {"name": "Mei", "email": "mei@x.cn", "phone": "+8613800138000"}
        partner_id = env["res.partner"].create(values).id
    messages = [
        {
            "key": f"test:{partner_id}-{number}",
            "partner_id": partner_id,
            "channel": channel,
            "purpose": "marketing",
        }
        for number, channel in enumerate(channels)
    ]
    with workers(2) as pool:
        work = [pool.submit(_pass_alone, database, message) for message in messages]
        assert [done.result() for done in work] == ["done", "done"]
    with transaction() as env:
        rows = env["hstyle.contact"].search([("partner_id", "=", partner_id)])
        found = sorted((row.state, row.reason) for row in rows)
        assert found == [("refused", "today"), ("sent", False)]


# === ACTIONS OF A SEGMENT === #


@pytest.fixture
def segment(transaction, monkeypatch):
    """Return the id of a launched segment that gives a price to each customer.

    Batches are small, so that there are many.
    """
    monkeypatch.setattr(f"{RUN}.BATCH", 10)
    with transaction() as env:
        env["hstyle.segment"].search([]).active = False
        segment = _create_segment(env)
        segment._launch()
        return segment.id


def _create_segment(env):
    customers = [{"name": f"Customer {n}", "ref": "Test"} for n in range(CUSTOMERS)]
    env["res.partner"].search([("ref", "=", "Test")]).active = False
    env["res.partner"].create(customers)
    pricelist = env["product.pricelist"].create({"name": "Welcome"})
    action = {"kind": "price", "pricelist_id": pricelist.id, "days": 7}
    return env["hstyle.segment"].create(
        {
            "name": "Test",
            "company_id": 1,
            "domain": "[('ref', '=', 'Test')]",
            "action_ids": [Command.create(action)],
        }
    )


def _work(database, *shard):
    """Run the job as a cron does, without retries around it."""
    with Registry(database).cursor() as cr:
        api.Environment(cr, SUPERUSER_ID, {})["hstyle.segment.run"]._cron_work(*shard)


def _work_beside(database, *shard):
    meet()
    _work(database, *shard)


def _assert_given_once(transaction, segment_id):
    with transaction() as env:
        segment = env["hstyle.segment"].browse(segment_id)
        runs = segment.action_ids.run_ids
        assert Counter(runs.mapped("state")) == {"done": CUSTOMERS}
        grants = env["hstyle.price.grant"].search(
            [("pricelist_id", "=", segment.action_ids.pricelist_id.id)]
        )
        assert Counter(grants.partner_id.ids) == Counter(
            segment.member_ids.partner_id.ids
        )
        assert len(grants) == CUSTOMERS


@pytest.mark.parametrize("shards", [((0, 2), (1, 2)), ((0, 1), (0, 1))])
def test_two_workers(database, transaction, segment, shards):
    """Each run is done once, with a shard for each worker or one for both."""
    with workers(2) as pool:
        work = [pool.submit(_work_beside, database, *shard) for shard in shards]
        for done in work:
            done.result()
    _assert_given_once(transaction, segment)


def _die_in_the_third_batch(database):
    actions = Registry(database)["hstyle.segment.action"]
    give, batches = actions._do_price, []

    def give_thrice(self, runs):
        batches.append(runs)
        give(self, runs)
        if len(batches) == 3:
            die()

    actions._do_price = give_thrice
    _work(database)


def test_killed_worker_goes_on(database, transaction, segment):
    """Two batches stay, the open one is gone, and the next worker does the rest."""
    kill(_die_in_the_third_batch, database)
    with transaction() as env:
        runs = env["hstyle.segment"].browse(segment).action_ids.run_ids
        assert Counter(runs.mapped("state")) == {"done": 20, "waiting": CUSTOMERS - 20}
    _work(database)
    _assert_given_once(transaction, segment)


# === MEMBERS OF A SEGMENT === #


def _refresh(env, segment_id, meet):
    segment = env["hstyle.segment"].browse(segment_id)
    segment.member_ids.read(["partner_id"])
    meet()
    segment.action_refresh()


def _refresh_alone(database, segment_id):
    return attempt(database, _refresh, segment_id, gate())


def _refresh_all(database):
    """Refresh as the cron does, without retries around it."""
    with Registry(database).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        segments = env["hstyle.segment"].search([])
        segments.mapped("refreshed_on")
        meet()
        segments._cron_refresh()
    return "done"


@pytest.mark.parametrize("second", [_refresh_alone, _refresh_all])
def test_two_refreshes_at_once(database, transaction, segment, second):
    """Each customer has one stay, and its action once, whoever refreshes beside."""
    with transaction() as env:
        left = env["hstyle.segment"].browse(segment).member_ids.partner_id[:50]
        left.ref = "Gone"
        env["res.partner"].create([{"name": "New", "ref": "Test"}] * 50)
    arguments = [segment] if second is _refresh_alone else []
    with workers(2) as pool:
        work = [
            pool.submit(_refresh_alone, database, segment),
            pool.submit(second, database, *arguments),
        ]
        assert [done.result() for done in work] == ["done", "done"]
    with transaction() as env:
        segment = env["hstyle.segment"].browse(segment)
        assert not segment.error
        assert segment.refreshed_on <= fields.Datetime.now()
        stays = env["hstyle.segment.member"].search([("segment_id", "=", segment.id)])
        now = stays.filtered(lambda stay: not stay.left_on)
        assert len(stays) == CUSTOMERS + 50
        assert len(now) == len(now.partner_id) == CUSTOMERS == segment.member_count
        assert len(segment.action_ids.run_ids) == CUSTOMERS + 50


def test_a_refresh_beside_the_workers(database, transaction, segment):
    """Neither loses what the other does."""
    with workers(2) as pool:
        work = [
            pool.submit(_work_beside, database),
            pool.submit(_refresh_all, database),
        ]
        for done in work:
            done.result()
    _assert_given_once(transaction, segment)
