"""Random lives of orders, followed by the addon and by a plain model beside it."""

import os
import random
from datetime import date, datetime, time, timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .commission_common import HstyleCommissionCommon
from .commission_model import HOLD, Agent, Friend, Line, Model, Order, last_day

#: To try others: HSTYLE_SEED=7 ./dev test hstyle_crm/tests/test_commission_property.py
SEED = int(os.environ.get("HSTYLE_SEED", "19"))
SEEDS = int(os.environ.get("HSTYLE_SEEDS", "3"))
STEPS = 60
START = date(2026, 10, 20)
#: What may happen, and how often.
CHANCES = {
    "order": 6,
    "invoice": 4,
    "refund": 6,
    "cancel_refund": 2,
    "cancel": 2,
    "confirm_again": 2,
    "change_quantity": 4,
    "change_customer": 1,
    "change_rates": 2,
    "change_agent": 2,
    "change_referral": 2,
    "pass_days": 5,
    "settle": 4,
    "follow_all": 2,
}


@tagged("post_install", "-at_install")
class TestCommissionProperty(HstyleCommissionCommon):
    """After each step all rows and statements are those of the model.

    Orders are followed at once or, as the job does it, some steps later. A failure
    names its seed.
    """

    def test_random_lives(self):
        with freeze_time(START) as self.clock:
            for seed in range(SEED, SEED + SEEDS):
                with self.subTest(seed=seed):
                    self._start(seed)
                    self.done = []
                    for _step in range(STEPS):
                        self._step()
                    self._finish()

    # === THE RUN === #

    def _start(self, seed):
        self.random, self.today = random.Random(seed), START
        self._move(0)
        self.worker.state = "applicant"
        self.plan.bracket_ids.unlink()
        self.own = self._create_product("Own rate", 10)
        self.plan.rate_ids.unlink()
        self.plan.rate_ids = [Command.create({"product_id": self.own.id, "value": 0})]
        self.model = Model([], 0, 0)
        self._change_rates()
        self.agents, self.friends, self.orders = {}, {}, {}
        for number in range(3):
            agent = Agent(f"{seed}-{number}")
            self.agents[agent] = self._create_agent(self._create_partner(agent.name))
            for _friend in range(2):
                friend = self._create_partner(f"Friend of {agent.name}")
                referral = self._refer(self.agents[agent], friend)
                self.friends[Friend(agent)] = referral
        self.lines, self.refunds, self.late = {}, {}, set()

    def _step(self):
        names = list(CHANCES)
        [what] = self.random.choices(names, [CHANCES[name] for name in names])
        getattr(self, f"_{what}")()
        self.done.append((self.today, what))
        self._compare()

    def _finish(self):
        """Let all holds end, and settle: nothing stays open but what is carried."""
        self._follow_all()
        for agent in self.agents:
            self._set_state(agent, "alumnus")
        for _month in range(2):
            self._move(32)
            self._settle_all()
            self._compare()
        for agent in self.agents:
            amounts = sum(row.amount for row in self.model.rows if row.agent is agent)
            billed = sum(statement[4] for statement in agent.statements)
            self.assertEqual(amounts, billed + agent.carried)
            self.assertLessEqual(agent.carried, 0)

    def _move(self, days):
        self.today += timedelta(days)
        self.clock.move_to(datetime.combine(self.today, time(12)))

    def _follow(self, order):
        """Let an order be followed now, or later."""
        if self.random.random() < 0.3:
            self.late.add(order)
        else:
            self._follow_now([order])

    def _follow_now(self, orders):
        orders = sorted(orders, key=lambda order: self.orders[order].id)
        for order in orders:
            self.model.follow(order, self.today)
            self.late.discard(order)
        records = self.env["sale.order"].concat(*(self.orders[x] for x in orders))
        for _twice in range(2):
            self._accrue(records)

    def _pick(self, records):
        records = list(records)
        return self.random.choice(records) if records else None

    def _pick_order(self, condition=lambda order: True):
        return self._pick(order for order in self.orders if condition(order))

    # === WHAT HAPPENS === #

    def _order(self):
        friend = self._pick(self.friends)
        lines = [
            Line(
                self.random.choice((999, 1999, 3333, 10000, 12345)),
                self.random.randint(1, 4),
                self.random.random() < 0.3,
            )
            for _line in range(self.random.randint(1, 3))
        ]
        off = self.random.choice((0, 0, 777))
        order = Order(friend, lines, off, self.today)
        values = [
            {
                "product_id": (self.own if line.own_rate else self.dress).id,
                "product_uom_qty": line.ordered,
                "price_unit": line.price / 100,
            }
            for line in lines
        ]
        if off:
            values.append({"product_id": self.dress.id, "price_unit": -off / 100})
        record = self.env["sale.order"].create(
            {
                "partner_id": self.friends[friend].friend_id.id,
                "order_line": [Command.create(line) for line in values],
            }
        )
        record.action_confirm()
        self.orders[order] = record
        for line, sale_line in zip(lines, record.order_line, strict=False):
            self.lines[line] = sale_line
        self._follow(order)

    def _invoice(self, order=None):
        """Invoice what is not invoiced yet."""
        order = self._pick_order(
            lambda order: (
                order.state == "sale"
                and any(line.ordered > line.invoiced for line in order.lines)
                and not any(line.ordered < line.invoiced for line in order.lines)
            )
        )
        if order and not any(line.credited for line in order.lines):
            invoice = self.orders[order]._create_invoices()
            invoice.action_post()
            for line in order.lines:
                line.invoiced = line.ordered

    def _refund(self):
        """Credit some pieces of some lines by a real credit note."""
        order = self._pick_order(
            lambda order: any(line.invoiced > line.credited for line in order.lines)
        )
        if not order:
            return
        pieces = {
            line: self.random.randint(0, line.invoiced - line.credited)
            for line in order.lines
        }
        moves = self.orders[order].invoice_ids
        invoice = moves.filtered(lambda m: m.move_type == "out_invoice")[:1]
        wizard = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        action = wizard.create({"journal_id": invoice.journal_id.id}).refund_moves()
        refund = self.env["account.move"].browse(action["res_id"])
        by_line = {self.lines[line]: count for line, count in pieces.items()}
        for line in refund.invoice_line_ids:
            line.quantity = by_line.get(line.sale_line_ids, 0)
        refund.action_post()
        for line, count in pieces.items():
            line.credited += count
        self.refunds[refund] = (order, pieces)
        self._follow(order)

    def _cancel_refund(self):
        if refund := self._pick(self.refunds):
            order, pieces = self.refunds.pop(refund)
            refund.button_draft()
            refund.button_cancel()
            for line, count in pieces.items():
                line.credited -= count
            self._follow(order)

    def _cancel(self):
        if order := self._pick_order(lambda order: order.state == "sale"):
            record = self.orders[order].with_context(disable_cancel_warning=True)
            record.action_cancel()
            order.state = "cancel"
            self._follow(order)

    def _confirm_again(self):
        if order := self._pick_order(lambda order: order.state == "cancel"):
            self.orders[order].action_draft()
            self.orders[order].action_confirm()
            order.state, order.day = "sale", self.today
            self._follow(order)

    def _change_quantity(self):
        if order := self._pick_order(lambda order: order.state == "sale"):
            line = self._pick(order.lines)
            line.ordered = self.random.randint(1, 5)
            # Or else the host finds a new price for the new quantity.
            values = {"price_unit": line.price / 100, "product_uom_qty": line.ordered}
            self.lines[line].write(values)
            self._follow(order)

    def _change_customer(self):
        """The order becomes another friend's: it must not pay a second agent."""
        if order := self._pick_order(lambda order: order.state == "sale"):
            order.friend = self._pick(self.friends)
            self.orders[order].partner_id = self.friends[order.friend].friend_id
            self._follow(order)

    def _change_rates(self):
        percents = sorted(self.random.sample(range(1, 20), 3))
        starts = (0, *sorted(self.random.sample(range(5000, 90000), 2)))
        self.model.brackets = list(zip(starts, percents, strict=True))
        self.model.own_rate = self.random.randint(1, 30)
        self.model.minimum = self.random.choice((0, 1500, 5000))
        self.plan.bracket_ids = [
            Command.clear(),
            *(
                Command.create({"from_amount": start / 100, "percent": percent})
                for start, percent in self.model.brackets
            ),
        ]
        self.plan.rate_ids.value = self.model.own_rate
        self.plan.minimum = self.model.minimum / 100

    def _change_agent(self):
        states = ("active", "active", "paused", "alumnus")
        self._set_state(self._pick(self.agents), self.random.choice(states))

    def _set_state(self, agent, state):
        agent.state = self.agents[agent].state = state

    def _change_referral(self):
        friend = self._pick(self.friends)
        friend.rejected = not friend.rejected
        self.friends[friend].state = "rejected" if friend.rejected else "hold"
        self._follow_now([o for o in self.orders if friend in (o.friend, o.payer)])

    def _pass_days(self):
        days = self.random.choice((1, 3, 8, 20, None))
        if days is None:
            # To where holds end with the month.
            free_on = last_day(self.today.replace(day=1))
            days = (free_on - self.today).days - HOLD - 1
        self._move(max(1, days))

    def _follow_all(self):
        self._follow_now(self.late)

    def _settle(self):
        self._settle_some(self.random.sample(list(self.agents), 2))

    def _settle_all(self):
        self._settle_some(list(self.agents))

    def _settle_some(self, agents):
        month = (self.today.replace(day=1) - timedelta(1)).replace(day=1)
        self.model.settle(agents, month)
        records = self.worker.concat(*(self.agents[agent] for agent in agents))
        for _twice in range(2):
            self.statements._settle(self.company, month, records)
        self.env.invalidate_all()

    # === THE COMPARISON === #

    def _compare(self):
        self.env.flush_all()
        where = f"after {self.done[-8:]}"
        for agent, record in self.agents.items():
            expected = [
                (
                    self.lines[row.line].id,
                    row.kind,
                    row.base,
                    row.amount,
                    row.month,
                    row.free_on,
                    row.settled,
                )
                for row in self.model.rows
                if row.agent is agent
            ]
            self.assertEqual(self._read_rows(record), expected, where)
            self.assertEqual(self._read_statements(record), agent.statements, where)
        self._check_sums()

    def _read_rows(self, agent):
        return self.env.execute_query(
            SQL(
                """
                SELECT c.order_line_id, c.kind, (c.base * 100)::int,
                       (c.amount * 100)::int, c.month, c.available_on, s.month
                  FROM hstyle_commission c
                  LEFT JOIN hstyle_commission_statement s ON s.id = c.statement_id
                 WHERE c.agent_id = %s
                 ORDER BY c.id
                """,
                agent.id,
            )
        )

    def _read_statements(self, agent):
        return self.env.execute_query(
            SQL(
                """
                SELECT s.month, (s.opening * 100)::int, (s.accrued * 100)::int,
                       (s.reversed * 100)::int,
                       (COALESCE(m.amount_total, 0) * 100)::int, (s.held * 100)::int
                  FROM hstyle_commission_statement s
                  LEFT JOIN account_move m ON m.id = s.bill_id
                 WHERE s.agent_id = %s
                 ORDER BY s.month
                """,
                agent.id,
            )
        )

    def _check_sums(self):
        """What no history may break, read from the tables alone."""
        faults = self.env.execute_query(
            SQL(
                """
                SELECT 'an order pays two', order_id
                  FROM hstyle_commission
                 GROUP BY order_id
                HAVING COUNT(DISTINCT agent_id) > 1
                 UNION ALL
                SELECT 'paid before its hold ended', c.id
                  FROM hstyle_commission c
                  JOIN hstyle_commission_statement s ON s.id = c.statement_id
                 WHERE c.available_on > (s.month + interval '1 month - 1 day')
                    OR c.available_on IS NULL
                 UNION ALL
                SELECT 'a line below zero', order_line_id
                  FROM hstyle_commission
                 GROUP BY order_line_id
                HAVING SUM(amount) < 0
                 UNION ALL
                SELECT 'accrued - reversed <> settled + open', a.id
                  FROM hstyle_agent a
                 WHERE (SELECT COALESCE(SUM(amount), 0)
                          FROM hstyle_commission WHERE agent_id = a.id)
                    <> (SELECT COALESCE(SUM(billed), 0)
                          FROM hstyle_commission_statement WHERE agent_id = a.id)
                     + COALESCE((SELECT carried
                                   FROM hstyle_commission_statement
                                  WHERE agent_id = a.id
                                  ORDER BY month DESC LIMIT 1), 0)
                     + (SELECT COALESCE(SUM(amount), 0)
                          FROM hstyle_commission
                         WHERE agent_id = a.id AND statement_id IS NULL)
                """
            )
        )
        self.assertFalse(faults)
