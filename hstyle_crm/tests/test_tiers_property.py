"""Random histories of customers, judged by the tiers' SQL and by a model beside it."""

import json
import os
import random
from collections import Counter
from datetime import datetime, timedelta
from itertools import count

from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from ..models.hstyle_tier_rule import _ACTIVATING
from .common import HstylePointsCommon
from .tiers_model import (
    Company,
    Condition,
    Customer,
    History,
    Order,
    Tier,
    draw_clocks,
    draw_tiers,
)

#: To try others: HSTYLE_SEED=7 ./dev test hstyle_crm/tests/test_tiers_property.py
SEED = int(os.environ.get("HSTYLE_SEED", "19"))
CUSTOMERS = int(os.environ.get("HSTYLE_CUSTOMERS", "600"))
NIGHTS = 12
#: Just before, at and after a border of 100.
CENTS = (9999, 10000, 10001)
#: What the model does by a move.
MOVES = ("join", "upgrade", "renew", "downgrade", "undo")
#: What a second run of the same night may do: warn of a period that began just now,
#: and let join who left just now and has what it takes, here or in another company.
AGAIN = {"warn", "join"}
TIMEZONES = ("Asia/Shanghai", "America/New_York", "UTC")

#: What is compared of a membership, in this order.
_MEMBER = SQL(
    """
    SELECT m.partner_id, m.company_id, m.grade_id, m.joined_on, m.since,
           m.period_start, m.valid_until, m.pinned_until, m.undo_on, m.warned_for,
           (m.spent_at_since * 100)::int
      FROM hstyle_membership m
    """
)
_ORDERS = """
INSERT INTO hstyle_order
       (name, shop_id, company_id, partner_id, date_order, state, amount_paid,
        amount_refund, currency_rate)
SELECT name, shop_id, company_id, partner_id, date_order, state, amount_paid,
       amount_refund, currency_rate
  FROM jsonb_to_recordset(%s::jsonb) AS row (
       name text, shop_id int, company_id int, partner_id int, date_order timestamp,
       state text, amount_paid numeric, amount_refund numeric, currency_rate numeric)
    ON CONFLICT (shop_id, name) DO UPDATE
   SET state = EXCLUDED.state, amount_refund = EXCLUDED.amount_refund,
       partner_id = EXCLUDED.partner_id
"""
_POINTS = """
INSERT INTO loyalty_history
       (card_id, kind, key, date, points, issued, used, remaining, description,
        order_model, order_id)
SELECT row.card_id, row.kind, row.key, row.date, row.points,
       CASE WHEN row.issued THEN row.points ELSE 0 END,
       CASE WHEN row.issued THEN 0 ELSE -row.points END, 0, 'Test', 'hstyle.order', o.id
  FROM jsonb_to_recordset(%s::jsonb) AS row (
       card_id int, kind text, key text, date date, points numeric, issued boolean,
       name text)
  JOIN hstyle_order o USING (name)
"""


class TiersCommon(HstylePointsCommon):
    """Three companies, one with a branch, and a way to let customers of them buy."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.models = [Company(n, tz) for n, tz in enumerate(TIMEZONES)]
        currencies = cls.env["res.currency"].with_context(active_test=False)
        cls.companies, cls.shops, cls.programs = [], {}, []
        for model, code in zip(cls.models, ("CNY", "USD", "EUR"), strict=True):
            currency = currencies.search([("name", "=", code)])
            currency.active = True
            company = cls._create_company(f"Retailer {code}", currency, tz=model.tz)
            cls.companies.append(company)
            cls.programs.append(cls._create_program(company_id=company.id))
            cls.shops[model.number, False] = cls._create_shop(company_id=company.id)
        branch = cls._create_company("Branch", company.currency_id, parent=company)
        for number in range(len(cls.companies)):
            cls.shops[number, True] = cls.shops[number, False]
        cls.shops[number, True] = cls._create_shop(company_id=branch.id)

    @classmethod
    def _create_company(cls, name, currency, tz="Pacific/Auckland", parent=None):
        values = {"currency_id": currency.id, "hstyle_tz": tz}
        if parent:
            values["parent_id"] = parent.id
        return cls.env["res.company"].create({"name": name, **values})

    # === TIERS === #

    def _open_ladder(self, model, tiers):
        """Create the tiers of a company, and note them in the model."""
        model.tiers = list(tiers)
        values = {"is_tier": True, "company_id": self.companies[model.number].id}
        self.grades[model.number] = self.env["res.partner.grade"].create(
            [
                {**values, "name": f"Tier {number}", "sequence": number}
                for number, _tier in enumerate(tiers, 1)
            ]
        )
        for grade, tier in zip(self.grades[model.number], tiers, strict=True):
            self._write_tier(grade, tier)

    def _write_tier(self, grade, tier):
        """Give a tier its rules in place of others; drafts decide nothing."""
        grade.rule_ids.with_context(**_ACTIVATING).unlink()
        grade.write(
            {
                "validity_months": tier.validity,
                "validity_end": tier.rounding,
                "grace_days": tier.grace,
                "warn_days": tier.warn,
                "downgrade": "step" if tier.one_step else "value",
            }
        )
        rules = self.env["hstyle.tier.rule"].create(
            [
                self._prepare_rule(grade, purpose, number, condition)
                for purpose in ("entry", "keep")
                for number, group in enumerate(getattr(tier, purpose), 1)
                for condition in group
            ]
        )
        rules._activate()
        rules.create({"grade_id": grade.id, "measure": "orders", "threshold": 0})

    def _prepare_rule(self, grade, purpose, number, condition):
        return {
            "grade_id": grade.id,
            "purpose": purpose,
            "alternative": number,
            "measure": condition.measure,
            "window": condition.window,
            "months": condition.months,
            "threshold": condition.threshold / 100,
        }

    # === CUSTOMERS === #

    def _open_customers(self, number):
        """Create customers, each with a contact of its own and a card per company."""
        self.partner_ids = self._insert_partners([None] * number)
        self.contact_ids = self._insert_partners(self.partner_ids)
        cards = self.env["loyalty.card"].create(
            [
                {"program_id": program.id, "partner_id": partner_id}
                for partner_id in self.partner_ids
                for program in self.programs
            ]
        )
        self.card_ids = dict(
            zip(
                ((p, n) for p in self.partner_ids for n in range(len(self.programs))),
                cards.ids,
                strict=True,
            )
        )

    def _insert_partners(self, parents):
        found = self.env.execute_query(
            SQL(
                """
                WITH numbered AS (
                     SELECT nextval('res_partner_id_seq') AS id, parent_id
                       FROM unnest(%s::int[]) AS parent_id
                )
                INSERT INTO res_partner
                       (id, name, complete_name, active, type, is_company,
                        autopost_bills, parent_id, commercial_partner_id)
                SELECT id, 'Customer', 'Customer', TRUE, 'contact', parent_id IS NULL,
                       'ask', parent_id, COALESCE(parent_id, id)
                  FROM numbered
                RETURNING id
                """,
                parents,
            )
        )
        return [partner_id for (partner_id,) in found]

    def _write_orders(self, changed):
        """Post orders and points: (customer's number, company's, order, points)."""
        latest = {order.key: (n, c, order) for n, c, order, _points in changed}
        orders = [self._prepare_order(*values) for values in latest.values()]
        points = [self._prepare_points(*change) for change in changed if change[3]]
        noise = [self._prepare_noise(row) for row in points[::3]]
        self.env.cr.execute(_ORDERS, [json.dumps(orders, default=str)])
        self.env.cr.execute(_POINTS, [json.dumps(points + noise, default=str)])
        self.env.cr.execute(
            "ANALYZE hstyle_order, loyalty_history, hstyle_membership, res_partner"
        )

    def _prepare_order(self, number, company, order):
        shop = self.shops[company, order.branch]
        buyers = self.contact_ids if order.contact else self.partner_ids
        return {
            "name": order.key,
            "shop_id": shop.id,
            "company_id": shop.company_id.id,
            "partner_id": buyers[number],
            "date_order": order.placed,
            "state": order.state,
            "amount_paid": order.paid / 100,
            "amount_refund": order.refunded / 100,
            "currency_rate": order.rate,
        }

    def _prepare_points(self, number, company, order, award):
        place, day, points = award
        return {
            "card_id": self.card_ids[self.partner_ids[number], company],
            "kind": "earn" if place == 1 else "reverse",
            "key": f"{order.key}:{place}",
            "date": day,
            "points": points / 100,
            "issued": True,
            "name": order.key,
        }

    def _prepare_noise(self, row):
        """Return points that count nowhere: spent ones that were given back."""
        return {**row, "kind": "reverse", "issued": False, "key": row["key"] + ":x"}

    def _read_members(self):
        """Return customer's id → what is stored of the membership."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL("%s WHERE partner_id = ANY(%s)", _MEMBER, self.partner_ids)
        )
        return {partner_id: values for partner_id, *values in rows}

    def _expect_member(self, member):
        """Return what must be stored of a membership of the model."""
        return [
            self.companies[member.company].id,
            self.grades[member.company][member.tier - 1].id,
            member.joined_on,
            member.since,
            member.period_start,
            member.valid_until,
            member.pinned_until,
            member.undo_on,
            member.warned_for,
            member.spent,
        ]

    def _count_moves(self):
        return self.env["hstyle.tier.move"].search_count([])


@tagged("post_install", "-at_install")
class TestTiersProperty(TiersCommon):
    """The tiers against the model: memberships never differ, on no night.

    A failure names the customer and what happened to it.
    """

    def test_first_world(self):
        self._run(1)

    def test_second_world(self):
        self._run(2)

    def test_third_world(self):
        self._run(3)

    def test_fourth_world(self):
        self._run(4)

    # === THE RUN === #

    def _run(self, world):
        """Let customers and rules of a world live, and compare each night."""
        self.seed = f"{SEED}:{world}"
        self.random, self.done, self.grades = random.Random(self.seed), Counter(), {}
        crons = type(self.env["ir.cron"])
        self.patch(crons, "_commit_progress", lambda *args, **options: 1)
        for model in self.models:
            self._open_ladder(model, draw_tiers(self.random))
        self._open_customers(CUSTOMERS)
        self.histories = [
            History(self.seed, number, self.models) for number in range(CUSTOMERS)
        ]
        start = datetime(2027, self.random.randint(9, 12), 28, 16, 30)
        clocks = draw_clocks(self.random, NIGHTS, start)
        for previous, now in zip(
            [start - timedelta(60), *clocks], clocks, strict=False
        ):
            with freeze_time(now):
                self._live(previous, now)
        self._check_statement(clocks)
        self._check_grades()
        self._check_figures()
        for action in (*MOVES, "doubt", "clear", "warn"):
            self.assertTrue(self.done[action], action)

    def _live(self, previous, now):
        """Let a day come and go, with one night at its end and one more at once."""
        self._write_orders(
            [
                (history.number, *change)
                for history in self.histories
                for change in history.live(previous, now)
            ]
        )
        self._edit_rules()
        self._override_some(now)
        settle = self.random.choice((self._settle_by_cron, self._settle_by_company))
        self.done += self._settle(settle, now, "first run")
        again = self._settle(settle, now, "second run")
        self.assertLessEqual(set(again), AGAIN, f"{now}, {self.seed}")

    def _settle(self, settle, now, where):
        """Settle by one of two ways; return what the model did, as often."""
        moves = self._count_moves()
        done = settle(now)
        self._compare(now, where)
        moved = sum(done[action] for action in MOVES)
        self.assertEqual(self._count_moves() - moves, moved)
        return done

    def _edit_rules(self):
        """Change a tier of a company now and then."""
        for model in self.models:
            if self.random.random() < 0.25:
                number = self.random.randrange(len(model.tiers))
                model.tiers[number] = draw_tiers(self.random)[min(number, 1)]
                self._write_tier(self.grades[model.number][number], model.tiers[number])

    def _override_some(self, now):
        """Give a few customers a tier by hand, pinned or not, or take it away."""
        assign, changes = self.env["res.partner.grade"]._assign, []
        for history in self.random.sample(self.histories, len(self.histories) // 50):
            model = self.random.choice(history.shops)
            number = self.random.randint(0, len(model.tiers))
            days = self.random.choice((None, 0, 10, 100)) if number else None
            pin = None if days is None else model.get_day(now) + timedelta(days)
            changes.append(self._prepare_override(history, model, number, pin))
            history.log.append(f"{now} {model.number} override {number} {pin}")
            model.override(history.customer, number, now, pin)
        assign(changes)

    def _prepare_override(self, history, model, number, pin):
        grades = self.grades[model.number]
        partner = self.env["res.partner"].browse(self.partner_ids[history.number])
        values = {"pinned_until": pin, "valid_until": pin} if pin else {}
        grade = grades[number - 1] if number else grades.browse()
        return grades._prepare_change(partner, grade, "override", **values)

    def _settle_by_company(self, now):
        """Settle all customers, one company after the other, as tills do."""
        done = Counter()
        for model in self.models:
            company = self.companies[model.number]
            self.env["hstyle.membership"]._settle(company, self.partner_ids)
            done += self._settle_model(model, self.histories, now)
        return done

    def _settle_by_cron(self, now):
        """Settle by the nightly job: all find first what is to be done."""
        members = self.env["hstyle.membership"]
        models = dict(zip(self.companies, self.models, strict=True))
        order = [models[c] for c in reversed(members._get_companies()) if c in models]
        members._cron_evaluate()
        due = [
            (model, [h for h in self.histories if model.decide(h.customer, now)])
            for model in order
        ]
        return sum((self._settle_model(*work, now) for work in due), Counter())

    def _settle_model(self, model, histories, now):
        """Return action → how often the model did it."""
        done = Counter()
        for history in histories:
            if action := model.settle(history.customer, now):
                done[action] += 1
                today = model.get_day(now)
                history.log.append(f"{today} {model.number} {action} by the model")
        return done

    # === THE COMPARISON === #

    def _compare(self, now, where):
        found = self._read_members()
        for partner_id, history in zip(self.partner_ids, self.histories, strict=True):
            member = history.customer.member
            expected = member and self._expect_member(member)
            if found.get(partner_id) != expected:
                self.fail(self._describe(history, now, where, found.get(partner_id)))

    def _describe(self, history, now, where, found):
        member = history.customer.member
        numbers = {member.company} if member else {m.number for m in history.shops}
        ladders = [
            f"{model}\n{self.grades[model.number].ids}"
            for model in self.models
            if model.number in numbers
        ]
        expected = member and self._expect_member(member)
        shown = (list(map(str, found or [])), list(map(str, expected or [])))
        log = "\n".join(history.log)
        return (
            f"Seed {self.seed}, {where}, customer {history.number}, {now}:\n"
            f"stored {shown[0]}\nmodel  {shown[1]}\n{member}\n{log}\n{ladders}"
        )

    def _check_statement(self, clocks):
        """The statement balances, and ends with the memberships that there are."""
        for model in self.models:
            company = self.companies[model.number]
            statement = self.env["hstyle.tier.statement"].create(
                {
                    "company_id": company.id,
                    "date_from": model.get_day(clocks[NIGHTS // 2]),
                    "date_to": model.get_day(clocks[-1]),
                }
            )
            self.assertEqual(statement.line_ids.grade_id, self.grades[model.number])
            for line in statement.line_ids:
                moved = line.auto_up + line.manual_up + line.auto_down
                moved += line.manual_down + line.left
                self.assertEqual(line.opening + moved, line.closing)
                self.assertEqual(line.closing, self._count_members(line.grade_id))

    def _count_members(self, grade):
        domain = [("grade_id", "=", grade.id)]
        return self.env["hstyle.membership"].search_count(domain)

    def _check_grades(self):
        """The host's field says what the memberships say."""
        self.env.flush_all()
        wrong = self.env.execute_query(
            SQL(
                """
                SELECT p.id
                  FROM res_partner p
                  LEFT JOIN hstyle_membership m ON m.partner_id = p.id
                 WHERE p.id = ANY(%s)
                   AND p.grade_id IS DISTINCT FROM m.grade_id
                """,
                self.partner_ids,
            )
        )
        self.assertFalse(wrong)

    def _check_figures(self):
        """The figures of a move hold or miss what was asked, as its reason says."""
        moves = self.env["hstyle.tier.move"].search([("origin", "=", "auto")])
        for move in moves:
            held = all(f["value"] >= f["threshold"] for f in move.figures)
            reached = move.cause in ("rules", "renewed")
            self.assertEqual(held, reached, f"{move.cause} {move.figures}")


@tagged("post_install", "-at_install")
class TestTiersBorders(TiersCommon):
    """Figures and days just before, at and after a border, and what must follow."""

    def setUp(self):
        super().setUp()
        self.model, self.grades, self.numbers = self.models[0], {}, count()

    # === ENTERING === #

    def test_spend(self):
        for rate in (1, 2):
            paid = [[self._buy(cents * rate, rate=rate)] for cents in CENTS]
            self.assertEntry([False, True, True], self._spend(), paid)

    def test_points(self):
        earned = [[self._buy(5000, points=cents)] for cents in CENTS]
        condition = Condition("points", "rolling", 12, 10000)
        self.assertEntry([False, True, True], condition, earned)

    def test_orders(self):
        condition = Condition("orders", "rolling", 12, 200)
        bought = [[self._buy(100) for _order in range(n)] for n in (1, 2, 3)]
        self.assertEntry([False, True, True], condition, bought)
        kept = [[self._buy(100), self._buy(100, refunded=r)] for r in (99, 100)]
        self.assertEntry([True, False], condition, kept)

    def test_months(self):
        """Three months after the last of November is the leap day."""
        condition = Condition("months", "entry", 12, 300)
        days = ("2027-11-29", "2027-11-30", "2027-12-01")
        bought = [[self._buy(100, day)] for day in days]
        for today, expected in (
            ("2028-02-28", [False, False, False]),
            ("2028-02-29", [True, True, False]),
            ("2028-03-01", [True, True, True]),
        ):
            self.assertEntry(expected, condition, bought, today)

    def test_rolling_months(self):
        """The month to 31 March begins after the leap day, in the company's time."""
        bought = [
            [self._buy(10000, moment)]
            for moment in ("2028-02-29 15:59:59", "2028-02-29 16:00:00")
        ]
        condition = self._spend("rolling", 1)
        self.assertEntry([False, True], condition, bought, "2028-03-31")
        self.assertEntry([False, True], condition, bought, "2028-03-28 16:00:00")
        self.assertEntry([True, True], condition, bought, "2028-03-28 15:59:59")

    def test_calendar_year(self):
        bought = [
            [self._buy(10000, moment)]
            for moment in ("2027-12-31 15:59:59", "2027-12-31 16:00:00")
        ]
        condition = self._spend("year")
        self.assertEntry([True, False], condition, bought, "2027-12-31 15:59:59")
        self.assertEntry([False, True], condition, bought, "2027-12-31 16:00:00")

    def test_refund_in_an_earlier_window(self):
        """A refund of today takes from the year of its order."""
        old, new = self._buy(10000, "2027-12-01"), self._buy(10000, "2028-01-05")
        old.refunded = 10000
        self.assertEntry([True], self._spend("year"), [[old, new]], "2028-01-10")

    # === THE LIFE OF A MEMBERSHIP === #

    def test_end_of_grace(self):
        tier = Tier(((self._spend("rolling", 1),),), validity=1, grace=10)
        self._open(tier, [[self._buy(10000, "2028-01-10")]])
        self.assertNights(
            {
                "2028-01-15": 1,
                "2028-02-15": 1,
                "2028-02-25": 1,
                "2028-02-26": 0,
            }
        )

    def test_bought_in_grace(self):
        """What is bought until the last day of grace keeps the tier."""
        tier = Tier(((self._spend("rolling", 1),),), validity=1, grace=10)
        late = self._buy(5000, "2028-02-25")
        self._open(tier, [[self._buy(5000, "2028-01-16"), self._buy(5000), late]])
        self.model.override(self.customers[0], 1, self._at("2028-01-15"))
        self._override("2028-01-15")
        self.assertNights({"2028-02-24": 1, "2028-02-25": 1, "2028-03-15": 1})
        self.assertEqual(str(self._get_member().valid_until), "2028-03-15")

    def test_override(self):
        """A tier that is set by hand stays until the end of its last day."""
        self._open(Tier(((self._spend(),),)), [[self._buy(9999)]])
        pin = self._at("2028-01-20").date()
        self.model.override(self.customers[0], 1, self._at("2028-01-15"), pin)
        self._override("2028-01-15", pinned_until=pin, valid_until=pin)
        self.assertNights({"2028-01-20": 1, "2028-01-21": 0})

    def test_refund_undoes_an_upgrade(self):
        tier = Tier(((self._spend(),),), grace=10)
        order = self._buy(10000, "2028-01-10")
        self._open(tier, [[order]])
        self.assertNights({"2028-01-15": 1})
        order.refunded = 1
        self._write(0, order)
        self.assertNights({"2028-02-01": 1, "2028-02-11": 1, "2028-02-12": 0})

    def test_refund_is_withdrawn(self):
        order = self._buy(10000, "2028-01-10")
        self._open(Tier(((self._spend(),),), grace=10), [[order]])
        self.assertNights({"2028-01-15": 1})
        for refunded, today, undo_on in (
            (1, "2028-02-01", "2028-02-11"),
            (0, "2028-02-11", "False"),
            (1, "2028-02-12", "2028-02-22"),
        ):
            order.refunded = refunded
            self._write(0, order)
            self.assertNights({today: 1})
            self.assertEqual(str(self._get_member().undo_on), undo_on)

    def test_nobody_leaves_twice(self):
        """To take a tier from who has none does nothing."""
        self._open(Tier(((self._spend(),),)), [[self._buy(1)]])
        partner = self.env["res.partner"].browse(self.partner_ids)
        partner._set_tier(self.env["res.partner.grade"])
        self.assertFalse(self._get_member())

    # === TOOLS === #

    def _spend(self, window="rolling", months=12):
        return Condition("spend", window, months, 10000)

    def _at(self, text):
        """Return a moment: as said, or about noon of a day."""
        moment = datetime.fromisoformat(text)
        return moment if " " in text else moment + timedelta(hours=4)

    def _buy(self, paid, moment="2028-01-10", rate=1, points=0, refunded=0):
        placed = self._at(moment)
        order = Order(str(next(self.numbers)), placed, paid, str(rate), "paid")
        order.refunded = refunded
        if points:
            order.awards.append((placed.date(), points))
        return order

    def _open(self, tier, orders):
        """Create a ladder of one tier, and a customer for each list of orders."""
        self.env.cr.execute("DELETE FROM hstyle_membership")
        self.env["res.partner.grade"].search([("is_tier", "=", True)]).is_tier = False
        self._open_ladder(self.model, [tier])
        self._open_customers(len(orders))
        self.customers = [Customer({0: bought}) for bought in orders]
        for number, bought in enumerate(orders):
            self._write(number, *bought)

    def _write(self, number, *orders):
        self._write_orders(
            [
                (number, 0, order, (1, *order.awards[0]) if order.awards else None)
                for order in orders
            ]
        )

    def _override(self, today, **values):
        with freeze_time(self._at(today)):
            partners = self.env["res.partner"].browse(self.partner_ids)
            partners._set_tier(self.grades[0], **values)

    def _get_member(self):
        domain = [("partner_id", "in", self.partner_ids)]
        return self.env["hstyle.membership"].search(domain)

    def _settle(self, today):
        """Return the tiers of the customers after a night; the model agrees."""
        now = self._at(today)
        with freeze_time(now):
            self.env["hstyle.membership"]._settle(self.companies[0], self.partner_ids)
        for customer in self.customers:
            self.model.settle(customer, now)
        found = self._read_members()
        for partner_id, customer in zip(self.partner_ids, self.customers, strict=True):
            member = customer.member
            expected = member and self._expect_member(member)
            self.assertEqual(found.get(partner_id), expected)
        return [int(partner_id in found) for partner_id in self.partner_ids]

    def assertEntry(self, expected, condition, orders, today="2028-01-10"):
        """Each customer, by the orders, enters a tier of one condition, or not."""
        self._open(Tier(((condition,),)), orders)
        self.assertEqual(self._settle(today), [int(held) for held in expected])

    def assertNights(self, tiers):
        """The one customer has these tiers after these nights."""
        for today, tier in tiers.items():
            self.assertEqual(self._settle(today), [tier], today)
