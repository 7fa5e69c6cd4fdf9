"""Answers that arrive at once; see test_points_parallel."""

import types

import pytest
from workers import attempt, gate, workers

from odoo import Command


@pytest.fixture
def question(transaction):
    """Return the id of a question to a customer who was completely satisfied."""
    with transaction() as env:
        policy = env.ref("hstyle_crm.satisfaction_policy_delivery")
        product = env["product.product"].create({"name": "Fit", "type": "service"})
        partner = env["res.partner"].create({"name": "Mei", "email": "m@example.com"})
        values = {
            "partner_id": partner.id,
            "order_line": [Command.create({"product_id": product.id})],
        }
        first, second = env["sale.order"].create([values, values])
        (first | second).action_confirm()
        policy._ask(first)
        first.rating_ids._answer(5)
        policy._ask(second)
        return types.SimpleNamespace(id=second.rating_ids.id, partner=partner.id)


def _answer(env, rating_id, score, gate):
    rating = env["rating.rating"].browse(rating_id)
    # The transaction sees that nobody answered, before the other one writes.
    rating.read(["consumed"])
    gate()
    rating._answer(score)


def _do_alone(database, *arguments):
    return attempt(database, _answer, *arguments, gate())


@pytest.mark.parametrize("repeat", range(3))
def test_one_answer_and_one_card(database, transaction, question, repeat):
    """Of four forms that are sent at once, one counts, and it makes one card."""
    with workers(4) as pool:
        work = [pool.submit(_do_alone, database, question.id, n) for n in range(1, 5)]
        ends = sorted(done.result().split(":")[0] for done in work)
    assert ends == ["done", "refused", "refused", "refused"]
    with transaction() as env:
        rating = env["rating.rating"].browse(question.id)
        cards = env["hstyle.care"].search([("partner_id", "=", question.partner)])
        assert len(cards) == 1
        assert cards.score == rating.rating
