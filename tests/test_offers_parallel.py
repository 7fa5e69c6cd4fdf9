"""Two orders that want the same offer at once, and two runs: real commits."""

import pytest
from workers import attempt, gate, workers

from odoo import Command


@pytest.fixture(scope="module")
def shop(transaction):
    """Return the id of a plan that runs for a customer who is due."""
    with transaction() as env:
        category = env["product.category"].create({"name": "Dresses"})
        product = env["product.product"].create(
            {"name": "Dress", "list_price": 100, "taxes_id": [], "type": "service",
             "categ_id": category.id}
        )  # fmt: skip
        plan = env["hstyle.offer.plan"].create(
            {"name": "Fortnight", "threshold": 1, "budget": 1000, "company_id": 1}
        )
        return plan.id, product.id, category.id


def _list(env, shop):
    """Let a new customer have an open offer; return its line."""
    plan_id, _product, category_id = shop
    plan, partner = env["hstyle.offer.plan"].browse(plan_id), _know(env, category_id)
    plan.action_dry_run()
    plan.action_start()
    run = plan._record_run(
        plan._today(),
        {"customers": 1, "lines": 1, "planned": 0, "bound": False, "depths": []},
    )
    plan._allocate(plan._today())
    env.cr.execute("DELETE FROM hstyle_offer_shared WHERE partner_id <> %s", [partner])
    plan._insert_lists(run)
    return env["hstyle.offer.list"].search([("partner_id", "=", partner)]).line_ids


def _know(env, category_id):
    partner = env["res.partner"].create({"name": "Mei"})
    today = env["res.company"].browse(1)._hstyle_today()
    owner = {"partner_id": partner.id, "company_id": 1}
    env["hstyle.profile"].create({**owner, "revenue_12m": 900})
    env["hstyle.habit"].create(
        {**owner, "category_id": category_id, "revenue_12m": 900, "usage": "high",
         "due_from": today, "due_to": today, "cycle_source": "own", "gap_days": 14}
    )  # fmt: skip
    return partner.id


def _quote(env, shop, partner):
    line = {"product_id": shop[1], "product_uom_qty": 1}
    values = {"partner_id": partner.id, "order_line": [Command.create(line)]}
    return env["sale.order"].create(values)


def _confirm(env, order_id, meet):
    order = env["sale.order"].browse(order_id)
    # The transaction sees the offer open, before the other one takes it.
    order.order_line.hstyle_offer_line_id.read(["state"])
    meet()
    order.action_confirm()


def _confirm_alone(database, order_id):
    return attempt(database, _confirm, order_id, gate())


@pytest.mark.parametrize("_repeat", range(5))
def test_two_orders_want_one_offer(database, transaction, shop, _repeat):
    """One gets it; the other is refused by name, and stays a quotation."""
    with transaction() as env:
        offer = _list(env, shop)
        orders = [_quote(env, shop, offer.partner_id) for _order in range(2)]
        assert [order.amount_total for order in orders] == [70, 70]
        offer_id, ids = offer.id, [order.id for order in orders]
    with workers(2) as pool:
        outcomes = [pool.submit(_confirm_alone, database, order_id) for order_id in ids]
        outcomes = [done.result() for done in outcomes]
    assert sorted(outcome.split(":")[0] for outcome in outcomes) == ["done", "refused"]
    winner = ids[outcomes.index("done")]
    with transaction() as env:
        offer = env["hstyle.offer.line"].browse(offer_id)
        assert (offer.state, offer.order_id.id) == ("redeemed", winner)
        assert offer.amount_given == 30
        states = env["sale.order"].browse(ids).mapped("state")
        assert sorted(states) == ["draft", "sale"]
        assert "Dresses" in next(outcome for outcome in outcomes if outcome != "done")


def _run(env, plan_id, meet):
    plan = env["hstyle.offer.plan"].browse(plan_id)
    plan.run_ids.read(["day"])
    meet()
    plan._run()


def _run_alone(database, plan_id):
    return attempt(database, _run, plan_id, gate())


def test_two_runs_at_once(database, transaction, shop):
    """There is one run, with one list for each customer."""
    with transaction() as env:
        category_id = shop[2]
        customers = [_know(env, category_id) for _customer in range(20)]
        plan = env["hstyle.offer.plan"].create(
            {"name": "Race", "threshold": 1, "budget": 1000, "company_id": 1}
        )
        plan.action_dry_run()
        plan.action_start()
        plan_id = plan.id
    with workers(2) as pool:
        work = [pool.submit(_run_alone, database, plan_id) for _run in range(2)]
        assert {done.result() for done in work} == {"done"}
    with transaction() as env:
        lists = env["hstyle.offer.list"].search(
            [("plan_id", "=", plan_id), ("partner_id", "in", customers)]
        )
        assert sorted(lists.partner_id.ids) == sorted(customers)
        assert len(lists) == len(customers)
        assert len(env["hstyle.offer.plan"].browse(plan_id).run_ids) == 1
