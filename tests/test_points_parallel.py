"""Points that many processes move at once: real commits on a real server.

The workers are forks of a process with a loaded registry, as Odoo's own workers are. A
call goes through the host's `retrying`, as each request does.
"""

import datetime
import random
import types
from collections import Counter

import pytest
from workers import FORK, attempt, call, die, gate, kill, meet, workers

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.service import model as service

JOB = "odoo.addons.hstyle_crm.models.hstyle_points_clock"
START = datetime.date(2027, 3, 1)
#: The day (after START) that it is, for all workers.
day = FORK.Value("i", 0)


@pytest.fixture(scope="module")
def shop(database, transaction):
    """Return the ids of a program, its reward and a dress; it is START + day."""
    with transaction() as env:
        env["loyalty.program"].search([]).active = False
        program = env["loyalty.program"].create(_PROGRAM | {"company_id": 1})
        product = env["product.product"].create(_DRESS)
        found = types.SimpleNamespace(
            program=program.id, reward=program.reward_ids.id, dress=product.id
        )
        today = type(program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(today, "_get_today", lambda _program: _today())
        yield found


_PROGRAM = {
    "name": "Member points",
    "program_type": "loyalty",
    "applies_on": "future",
    "trigger": "auto",
    "managed": True,
    "expire_month_end": False,
    "rule_ids": [Command.create({"reward_point_mode": "money", "minimum_qty": 0})],
    "reward_ids": [
        Command.create(
            {
                "reward_type": "discount",
                "discount_mode": "per_point",
                "discount": 1,
                "discount_applicability": "order",
                "required_points": 1,
            }
        )
    ],
}
_DRESS = {"name": "Dress", "list_price": 100, "taxes_id": [], "type": "service"}


def _today():
    return START + datetime.timedelta(day.value)


def _create_card(env, shop, points=0, **values):
    partner = env["res.partner"].create({"name": "Mei"})
    values = {"program_id": shop.program, "partner_id": partner.id, **values}
    return env["loyalty.card"].create({**values, "points": points})


def _create_order(env, shop, partner, quantity, card=None, spend=0):
    """Create a quotation of dresses, whose customer spends so many points."""
    line = {"product_id": shop.dress, "product_uom_qty": quantity}
    values = {"partner_id": partner.id, "order_line": [Command.create(line)]}
    order = env["sale.order"].create(values)
    if spend:
        order._update_programs_and_rewards()
        order.points_wanted = spend
        reward = env["loyalty.reward"].browse(shop.reward)
        assert not order._apply_program_reward(reward, card)
    return order


def _assert_sound(env, card):
    """The balance is the sum of the rows, was never below zero, and lots agree."""
    rows = card.history_ids.sorted("id")
    assert round(sum(rows.mapped("points")), 2) == round(
        card.points + card.points_pending, 2
    )
    balance = 0
    for row in rows:
        balance = round(balance + row.points, 2)
        assert balance >= 0, f"below zero at row {row.id}"
    assert not env["loyalty.card"]._find_faults()


# === MANY POSTS ON ONE CARD === #


def _post_randomly(env, card_id, key):
    """Earn, spend, or let the next day come and its points expire."""
    card, chance = env["loyalty.card"].browse(card_id), random.Random(key)
    what = chance.choice(("earn", "earn", "spend", "spend", "expire"))
    if what == "expire":
        card._post()
    else:
        sign, most = (1, 5000) if what == "earn" else (-1, 3500)
        points = sign * chance.randint(1, most) / 100
        move = card._prepare_move(what, points, "Test", key=key)
        last = _today() + datetime.timedelta(chance.randint(0, 2))
        card._post([{**move, "expiration_date": last if sign > 0 else None}])
    assert card.points >= 0


def _keep_posting(database, card_id, worker):
    """Try fifty times; return how often each outcome was."""
    meet()
    outcomes = Counter()
    for number in range(50):
        if number % 5 == 4 and worker == 0:
            day.value += 1
        key = f"{worker}:{number}"
        outcome = attempt(database, _post_randomly, card_id, key)
        assert not outcome.startswith("refused") or "Mei" in outcome
        outcomes[outcome.split(":")[0]] += 1
    return outcomes


def test_twenty_workers_on_one_card(database, transaction, shop):
    """1,000 posts of twenty processes: each ends well or says why not."""
    with transaction() as env:
        card_id = _create_card(env, shop, 100).id
    with workers(20) as pool:
        work = [pool.submit(_keep_posting, database, card_id, n) for n in range(20)]
        outcomes = sum((done.result() for done in work), Counter())
    print(f"20 workers x 50 tries: {dict(outcomes)}")
    assert outcomes.total() == 1000
    assert set(outcomes) <= {"done", "refused", "again"}
    assert outcomes["done"] > 300
    with transaction() as env:
        card = env["loyalty.card"].browse(card_id)
        _assert_sound(env, card)
        kinds = Counter(card.history_ids.mapped("kind"))
        assert min(kinds["earn"], kinds["spend"], kinds["expire"]) > 10, kinds


def _post_key(env, card_id, key, gate):
    card = env["loyalty.card"].browse(card_id)
    card.read(["points"])
    gate()
    card._post([card._prepare_move("bonus", 10, "Birthday", key=key)])


def _post_once(database, card_id, key):
    return attempt(database, _post_key, card_id, key, gate())


def test_same_key_at_once(database, transaction, shop):
    """Eight processes post one key: there is one row, and nobody sees a fault."""
    with transaction() as env:
        card_id = _create_card(env, shop).id
    for number in range(5):
        with workers(8) as pool:
            args = [database, card_id, f"birthday:{number}"]
            work = [pool.submit(_post_once, *args) for _worker in range(8)]
            outcomes = {done.result() for done in work}
        assert "done" in outcomes <= {"done", "again"}
    with transaction() as env:
        card = env["loyalty.card"].browse(card_id)
        assert card.history_ids.mapped("key") == [
            f"birthday:{number}" for number in reversed(range(5))
        ]
        assert card.points == 50
        _assert_sound(env, card)


# === TWO ORDERS AT ONCE === #


def _act(env, method, order_id, gate):
    order = env["sale.order"].browse(order_id)
    # The transaction sees what is there now, before the other one writes.
    order.read(["state"])
    order.order_line.coupon_id.mapped("points")
    gate()
    getattr(order, method)()


def _act_alone(database, method, order_id):
    return attempt(database, _act, method, order_id, gate())


def _act_at_once(database, method, orders):
    """Call a method of each order in a process of its own."""
    with workers(len(orders)) as pool:
        work = [pool.submit(_act_alone, database, method, o) for o in orders]
        return [done.result() for done in work]


@pytest.mark.parametrize("repeat", range(10))
def test_first_two_orders_of_a_member(database, transaction, shop, repeat):
    """Confirmed at once, they earn on one card."""
    with transaction() as env:
        partner = env["res.partner"].create({"name": f"Lan {repeat}"})
        orders = [_create_order(env, shop, partner, 2).id for _order in range(2)]
        assert not env["loyalty.card"].search([("partner_id", "=", partner.id)])
        partner_id = partner.id
    assert _act_at_once(database, "action_confirm", orders) == ["done", "done"]
    with transaction() as env:
        card = env["loyalty.card"].search([("partner_id", "=", partner_id)])
        assert [(c.points, len(c.history_ids)) for c in card] == [(400, 2)]
        assert env["sale.order"].browse(orders).points_card_id == card
        _assert_sound(env, card)


@pytest.fixture
def rivals(transaction, shop):
    """Return the ids of a card with 100 points and of two orders that want them.

    An order that is paid with points alone earns none for the other.
    """
    with transaction() as env:
        card = _create_card(env, shop, 100)
        options = (card.partner_id, 1, card, 100)
        orders = [_create_order(env, shop, *options).id for _order in range(2)]
        return card.id, orders


def _assert_one_spent(transaction, card_id, orders):
    with transaction() as env:
        states = env["sale.order"].browse(orders).mapped("state")
        assert sorted(states) == ["draft", "sale"]
        card = env["loyalty.card"].browse(card_id)
        assert card.points == 0
        _assert_sound(env, card)


def _assert_refused(outcomes, transaction, orders):
    """One order got the points, and the other was refused with its name."""
    assert sorted(outcome.split(":")[0] for outcome in outcomes) == ["done", "refused"]
    [refused] = [n for n, outcome in enumerate(outcomes) if outcome != "done"]
    with transaction() as env:
        name = env["sale.order"].browse(orders[refused]).name
    assert name in outcomes[refused]
    return refused


@pytest.mark.parametrize("_repeat", range(5))
def test_two_orders_spend_the_same_points(database, transaction, rivals, _repeat):
    card_id, orders = rivals
    outcomes = _act_at_once(database, "action_confirm", orders)
    _assert_refused(outcomes, transaction, orders)
    _assert_one_spent(transaction, card_id, orders)


def _confirm_many(env, ids, gate):
    orders = env["sale.order"].browse(ids)
    orders.read(["state"])
    gate()
    orders.action_confirm()


def _confirm_list(database, ids):
    return attempt(database, _confirm_many, ids, gate())


def _count_deadlocks(transaction):
    with transaction() as env:
        env.cr.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        return env.cr.fetchone()[0]


def test_lists_of_orders_from_both_ends(database, transaction, shop):
    """Two confirm orders of the same members, one from the first, one from the last."""
    with transaction() as env:
        cards = [_create_card(env, shop) for _card in range(6)]
        lists = [
            [_create_order(env, shop, card.partner_id, 1).id for card in cards]
            for _list in range(2)
        ]
        card_ids = [card.id for card in cards]
    deadlocks = _count_deadlocks(transaction)
    with workers(2) as pool:
        chosen = [lists[0], lists[1][::-1]]
        work = [pool.submit(_confirm_list, database, ids) for ids in chosen]
        assert [done.result() for done in work] == ["done", "done"]
    assert _count_deadlocks(transaction) == deadlocks
    with transaction() as env:
        assert set(env["loyalty.card"].browse(card_ids).mapped("points")) == {200}


@pytest.fixture
def no_pauses(monkeypatch):
    """Let the host's retries follow at once, where there is nobody to wait for."""
    monkeypatch.setattr(service, "time", types.SimpleNamespace(sleep=lambda wait: None))


@pytest.mark.usefixtures("no_pauses")
def test_an_order_that_read_before_the_other_committed(database, transaction, rivals):
    """What B read is out of date when it confirms: it must try again, and give up."""
    card_id, orders = rivals
    tries = []

    def confirm_late(env):
        order = env["sale.order"].browse(orders[1])
        tries.append(order.order_line.coupon_id.points)
        if len(tries) == 1:
            call(database, _act, "action_confirm", orders[0], lambda: None)
        order.action_confirm()

    with pytest.raises(UserError) as caught:
        call(database, confirm_late)
    assert type(caught.value) is UserError, "not TryAgainError: the second try is clear"
    assert tries == [100, 0]
    _assert_one_spent(transaction, card_id, orders)


@pytest.mark.parametrize("_repeat", range(3))
def test_two_payments_hold_the_same_points(database, transaction, rivals, _repeat):
    """One holds them; the other's order is refused then and when it is confirmed."""
    card_id, orders = rivals
    outcomes = _act_at_once(database, "_hold_points", orders)
    refused = _assert_refused(outcomes, transaction, orders)
    assert _act_at_once(database, "action_confirm", [orders[refused]]) != ["done"]
    assert _act_at_once(database, "action_confirm", [orders[1 - refused]]) == ["done"]
    _assert_one_spent(transaction, card_id, orders)


# === THE JOB === #


@pytest.fixture
def due(transaction, shop, monkeypatch):
    """Return the ids of 400 cards, each with a lot of 10 due and one of 5 that is not.

    Chunks of the job are small, so that there are many.
    """
    monkeypatch.setattr(f"{JOB}.CHUNK", 10)
    with transaction() as env:
        cards = env["loyalty.card"].create([{"program_id": shop.program}] * 400)
        for points, days in ((10, 0), (5, 900)):
            last = _today() + datetime.timedelta(days)
            cards._post([_prepare_bonus(card, points, last) for card in cards])
    day.value += 1
    return cards.ids


def _prepare_bonus(card, points, last):
    return {**card._prepare_move("bonus", points, "Test"), "expiration_date": last}


def _run_job(env):
    env["loyalty.card"]._cron_clock()


def _assert_expired_once(env, cards):
    expired = env["loyalty.history"]._read_group(
        [("card_id", "in", cards), ("kind", "=", "expire")],
        ["card_id"],
        ["__count", "points:sum"],
    )
    assert len(expired) == len(cards)
    assert {(count, points) for _card, count, points in expired} == {(1, -10)}
    assert not env["loyalty.card"]._find_faults()


def _post_online(database, cards, worker):
    """Earn and spend, while the job runs, on a card of every other chunk."""
    cards, chance = cards[::20], random.Random(worker)
    meet()
    return Counter(
        attempt(database, _post_one, chance.choice(cards), f"{worker}:{number}")
        for number in range(40)
    )


def _post_one(env, card_id, key):
    card = env["loyalty.card"].browse(card_id)
    earn = card._prepare_move("bonus", 2, "Online", key=f"earn:{key}")
    spend = card._prepare_move("spend", -2, "Online", key=f"spend:{key}")
    card._post([{**earn, "expiration_date": None}, spend])


def _work_as_cron(database):
    """Run the job as a cron does, without retries around it."""
    meet()
    with Registry(database).cursor() as cr:
        _run_job(api.Environment(cr, SUPERUSER_ID, {}))


def test_job_beside_online_posts(database, transaction, due):
    """Both end well, and each lot expires once."""
    with workers(7) as pool:
        job = pool.submit(_work_as_cron, database)
        work = [pool.submit(_post_online, database, due, n) for n in range(6)]
        outcomes = sum((done.result() for done in work), Counter())
        job.result()
    print(f"online beside the job: {dict(outcomes)}")
    assert set(outcomes) <= {"done", "again"}
    assert outcomes["done"] > 200
    with transaction() as env:
        _assert_expired_once(env, due)
        _assert_interleaved(env, set(due))


def _assert_interleaved(env, cards):
    """Posts came in between what the job did on the cards that nobody else touched."""
    rows = env["loyalty.history"].search([("card_id", "in", list(cards))])
    online = rows.filtered(lambda row: row.description == "Online")
    expired = rows.filtered(lambda row: row.kind == "expire")
    job = expired.filtered(lambda row: row.card_id not in online.card_id)
    assert any(min(job.ids) < row_id < max(job.ids) for row_id in online.ids)


def _die_in_the_third_chunk(database):
    cards = Registry(database)["loyalty.card"]
    tick, ticks = cards._tick, []

    def tick_thrice(self, lots):
        ticks.append(self)
        tick(self, lots)
        if len(ticks) == 3:
            die()

    cards._tick = tick_thrice
    with Registry(database).cursor() as cr:
        _run_job(api.Environment(cr, SUPERUSER_ID, {}))


def test_killed_job_goes_on(database, transaction, due):
    """Two chunks stay, the open one is gone, and the next run does the rest, once."""
    kill(_die_in_the_third_chunk, database)
    domain = [("card_id", "in", due), ("kind", "=", "expire")]
    with transaction() as env:
        assert 0 < env["loyalty.history"].search_count(domain) <= 20
        _run_job(env)
        _assert_expired_once(env, due)
        _run_job(env)
        _assert_expired_once(env, due)
