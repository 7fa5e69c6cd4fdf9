"""Claims and rewards that several processes want at once, and a job that is killed."""

import uuid
from datetime import timedelta

import pytest
from workers import attempt, die, gate, kill, workers

from odoo import SUPERUSER_ID, Command, api, fields
from odoo.modules.registry import Registry


@pytest.fixture(scope="module")
def program(database, transaction):
    """Return the id of the one programme: 100 points for both."""
    with transaction() as env:
        env["hstyle.referral.program"].search([]).active = False
        values = {"name": "Bring a friend", "date_from": "2020-01-01"}
        return env["hstyle.referral.program"].create(values).id


def _create(env, count):
    # Two of one name would wait for a review.
    names = [f"Student {uuid.uuid4().hex}" for _number in range(count)]
    return env["res.partner"].create([{"name": name} for name in names])


def _get_codes(env, partners):
    codes = env["hstyle.referral.code"]
    return [codes._get_code(partner).code for partner in partners]


def _claim(env, code, friend_id, meet):
    friend = env["res.partner"].browse(friend_id)
    friend.read(["name"])
    meet()
    env["hstyle.referral"]._claim(code, friend, "staff")


def _claim_alone(database, *arguments):
    return attempt(database, _claim, *arguments, gate())


@pytest.mark.parametrize("referrers", [1, 2, 4])
@pytest.mark.parametrize("_repeat", range(3))
def test_claims_at_once(database, transaction, program, referrers, _repeat):
    """Two codes, or one code twice, for one friend give one referral."""
    with transaction() as env:
        friend = _create(env, 1).id
        codes = _get_codes(env, _create(env, referrers)) * (4 // referrers)
    with workers(4) as pool:
        work = [pool.submit(_claim_alone, database, code, friend) for code in codes]
        assert [done.result() for done in work] == ["done"] * 4
    with transaction() as env:
        found = env["hstyle.referral"].search([("friend_id", "=", friend)])
        assert found.mapped("state") == ["referred"]


def _prepare_hold(env, count, referrer=None):
    """Let friends of one referrer, or of one each, have orders of long ago."""
    referrals = env["hstyle.referral"]
    long_ago = fields.Datetime.now() - timedelta(days=25)
    product = env["product.product"].create({"name": "Dress", "type": "service"})
    line = Command.create({"product_id": product.id, "price_unit": 10})
    for friend in _create(env, count):
        [code] = _get_codes(env, referrer or _create(env, 1))
        referrals |= referrals._claim(code, friend, "link", long_ago)
        order = env["sale.order"].create(
            {"partner_id": friend.id, "order_line": [line]}
        )
        order.action_confirm()
        order.date_order = long_ago + timedelta(hours=1)
    env["hstyle.referral.dirty"].search([]).unlink()
    return referrals


def _advance(env, referral_id, meet):
    referral = env["hstyle.referral"].browse(referral_id)
    referral.read(["state"])
    meet()
    referral._advance()


def _advance_alone(database, *arguments):
    return attempt(database, _advance, *arguments, gate())


@pytest.mark.parametrize("limits", [{"cap": 1}, {"budget": 250.0}])
def test_limits_hold_for_two_at_once(database, transaction, program, limits):
    """The last reward of a year, or of a budget, is given once."""
    with transaction() as env:
        env["hstyle.referral.program"].browse(program).write(
            {"cap": 0, "budget": 0, "spent": 0, **limits}
        )
        ids = _prepare_hold(env, 2, _create(env, 1)).ids
    with workers(2) as pool:
        work = [pool.submit(_advance_alone, database, one) for one in ids]
        assert [done.result() for done in work] == ["done", "done"]
    with transaction() as env:
        found = env["hstyle.referral"].browse(ids)
        assert found.mapped("state") == ["rewarded"] * 2
        assert sorted(found.mapped("referrer_points")) == [0, 100]
        [reason] = [one.reason for one in found if one.reason]
        assert reason in limits
        found.program_id.write({"cap": 0, "budget": 0})


def _die_in_the_third_batch(database):
    referrals = Registry(database)["hstyle.referral"]
    advance, batches = referrals._advance, []

    def advance_thrice(self):
        batches.extend(self[:1])
        advance(self)
        if len(batches) == 3:
            die()

    referrals._advance = advance_thrice
    with Registry(database).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        env["hstyle.referral"]._cron_advance()


def test_a_killed_job_goes_on(database, transaction, program, monkeypatch):
    """What is rewarded stays, the open batch is gone; the next run does the rest."""
    job = "odoo.addons.hstyle_crm.models.hstyle_referral_job.BATCH"
    monkeypatch.setattr(job, 2)
    with transaction() as env:
        referrals = _prepare_hold(env, 8)
        # A day before its window ends, each was looked at.
        referrals.write({"state": "hold", "hold_until": "2020-01-01"})
        ids = referrals.ids
    kill(_die_in_the_third_batch, database)
    domain = [("id", "in", ids), ("state", "=", "rewarded")]
    with transaction() as env:
        assert env["hstyle.referral"].search_count(domain) == 4
    for _run in range(2):
        with transaction() as env:
            env["hstyle.referral"]._cron_advance()
        with transaction() as env:
            done = env["hstyle.referral"].search(domain)
            assert len(done) == 8
            referrers = [("partner_id", "in", done.referrer_id.ids)]
            cards = env["loyalty.card"].search(referrers)
            assert cards.mapped("points") == [100] * 8
