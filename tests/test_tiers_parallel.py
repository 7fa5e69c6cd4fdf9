"""Tiers and benefits that many processes want at once, and a night that is killed."""

import pytest
from workers import attempt, die, gate, kill, workers

from odoo import SUPERUSER_ID, Command, api
from odoo.modules.registry import Registry

JOB = "odoo.addons.hstyle_crm.models.hstyle_tier_job"


@pytest.fixture(scope="module")
def tier(database, transaction):
    """Return the id of the one tier there is: who kept an order has it."""
    with transaction() as env:
        env["res.partner.grade"].search([("is_tier", "=", True)]).is_tier = False
        rule = {"measure": "orders", "window": "entry", "threshold": 1}
        grade = env["res.partner.grade"].create(
            {
                "name": "Member",
                "is_tier": True,
                "company_id": 1,
                "rule_ids": [Command.create(rule)],
            }
        )
        grade.rule_ids._activate()
        return grade.id


def _create_orders(env, count):
    """Create quotations of one new customer."""
    partner = env["res.partner"].create({"name": "Lan"})
    product = env["product.product"].create({"name": "Dress", "type": "service"})
    line = {"product_id": product.id, "price_unit": 10}
    values = {"partner_id": partner.id, "order_line": [Command.create(line)]}
    return partner, env["sale.order"].create([values] * count)


def _confirm(env, order_id, meet):
    order = env["sale.order"].browse(order_id)
    order.read(["state"])
    meet()
    order.action_confirm()


def _confirm_alone(database, order_id):
    return attempt(database, _confirm, order_id, gate())


@pytest.mark.parametrize("_repeat", range(5))
def test_first_two_orders_of_a_customer(database, transaction, tier, _repeat):
    """Confirmed at once, they make one membership and one move."""
    with transaction() as env:
        partner, orders = _create_orders(env, 2)
        ids = orders.ids
    with workers(2) as pool:
        work = [pool.submit(_confirm_alone, database, order_id) for order_id in ids]
        assert [done.result() for done in work] == ["done", "done"]
    with transaction() as env:
        partner = env["res.partner"].browse(partner.id)
        assert partner.hstyle_membership_ids.grade_id.id == tier
        assert partner.hstyle_tier_move_ids.mapped("kind") == ["join"]


def _use(env, benefit_id, partner_id, meet):
    benefit = env["hstyle.benefit"].browse(benefit_id)
    partner = env["res.partner"].browse(partner_id)
    # The transaction sees what is there now, before another one writes.
    env["hstyle.benefit"]._get_open(partner)
    meet()
    benefit._use(partner)


def _use_alone(database, *ids):
    return attempt(database, _use, *ids, gate())


@pytest.mark.parametrize("_repeat", range(5))
def test_the_last_use_of_a_benefit(database, transaction, tier, _repeat):
    """Four want it at once, and one gets it."""
    with transaction() as env:
        partner = env["res.partner"].create({"name": "Lan", "grade_id": tier})
        benefit = env["hstyle.benefit"].create({"name": "Gift", "grade_id": tier})
        ids = (benefit.id, partner.id)
    with workers(4) as pool:
        work = [pool.submit(_use_alone, database, *ids) for _number in range(4)]
        outcomes = [done.result() for done in work]
    assert outcomes.count("done") == 1
    assert all("as often as the tier allows" in o for o in outcomes if o != "done")
    with transaction() as env:
        uses = env["hstyle.benefit.use"].search([("benefit_id", "=", ids[0])])
        assert uses.mapped("slot") == [1]


def _die_in_the_third_chunk(database):
    members = Registry(database)["hstyle.membership"]
    settle, chunks = members._settle, []

    def settle_thrice(self, company, ids):
        chunks.append(ids)
        done = settle(self, company, ids)
        if len(chunks) == 3:
            die()
        return done

    members._settle = settle_thrice
    with Registry(database).cursor() as cr:
        _pass_night(api.Environment(cr, SUPERUSER_ID, {}))


def _pass_night(env):
    env["hstyle.membership"]._cron_evaluate()


def test_a_killed_night_goes_on(database, transaction, tier, monkeypatch):
    """Two chunks stay, the open one is gone, and the next night does the rest, once."""
    monkeypatch.setattr(f"{JOB}.CHUNK", 10)
    with transaction() as env:
        customers = env["res.partner"].create([{"name": "Lan"}] * 100)
        _partner, orders = _create_orders(env, 100)
        for order, customer in zip(orders, customers, strict=True):
            order.partner_id = customer
        orders.flush_recordset()
        # As if they came from an import: no till saw them.
        env.cr.execute(
            "UPDATE sale_order SET state = 'sale' WHERE id = ANY(%s)", [orders.ids]
        )
        ids = customers.ids
    kill(_die_in_the_third_chunk, database)
    domain = [("partner_id", "in", ids)]
    with transaction() as env:
        assert env["hstyle.tier.move"].search_count(domain) == 20
    for _night in range(2):
        with transaction() as env:
            _pass_night(env)
            assert env["hstyle.tier.move"].search_count(domain) == 100
            assert env["hstyle.membership"].search_count(domain) == 100
