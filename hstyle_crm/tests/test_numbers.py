"""Numbers by month, against plain recomputation from the raw rows."""

import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError
from odoo.fields import Date
from odoo.tests import new_test_user, tagged

from .common import HstyleTiersCommon
from .test_hstyle_segment import HstyleSegmentCommon

SHANGHAI = ZoneInfo("Asia/Shanghai")


def get_day(moment):
    """Return the day in Shanghai of a moment in UTC."""
    return moment.replace(tzinfo=UTC).astimezone(SHANGHAI).date()


def get_tier(moves, day):
    """Return the highest tier that moves up to a day leave, or none."""
    counts = Counter()
    for move in moves:
        if move.date <= day:
            counts[move.grade_to_id] += 1
            counts[move.grade_from_id] -= 1
    tiers = [tier for tier, count in counts.items() if count > 0 and tier]
    return max(tiers, key=lambda t: (t.sequence, t.id), default=tiers[:0] or None)


class HstyleNumbersCommon(HstyleTiersCommon):
    """Customers who buy, rise, send back and fall, in Shanghai."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.hstyle_tz = "Asia/Shanghai"
        cls.people = cls.env["res.partner"].create(
            [{"name": f"Customer {number}"} for number in range(12)]
        )

    def _merge(self, survivor, partners):
        self.env.flush_all()
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((survivor | partners).ids, survivor, extra_checks=False)
        self.env.invalidate_all()

    def _sell_at(self, moment, partner, amount):
        with freeze_time(moment):
            order = self._create_order(1, partner=partner)
            order.order_line.price_unit = amount
            order.action_confirm()
            self.env.flush_all()
        return order

    def _live(self, seed=8):
        """Let half a year pass; return the orders."""
        chance, orders = random.Random(seed), []
        for number in range(60):
            moment = datetime(2026, 1, 1) + timedelta(
                days=number * 3, hours=chance.randrange(24)
            )
            partner = chance.choice(self.people)
            amount = chance.choice((90, 400, 1100, 3200))
            orders.append(self._sell_at(moment, partner, amount))
            if chance.random() < 0.2:
                with freeze_time(moment + timedelta(days=20)):
                    self._refund(self._invoice(orders[-1]))
        # The last moments of a month in Shanghai, and the first.
        for moment in (datetime(2026, 3, 31, 15, 59), datetime(2026, 3, 31, 16)):
            orders.append(self._sell_at(moment, self.people[0], 10))
        rows = [("S1", "1", "2026-02-11", "buyer", "Lan", "Coat", "300")]
        self._import(rows)
        self._pass_night("2027-09-01")
        self.env["hstyle.profile"]._refresh()
        return orders

    def _get_moves(self):
        """Return customer → moves, oldest first."""
        moves = self.env["hstyle.tier.move"].search([], order="date, id")
        return moves.grouped("partner_id")


@tagged("post_install", "-at_install")
class TestMemberShare(HstyleNumbersCommon):
    def _get_facts(self):
        """Return all facts: (customer, day, orders, revenue, margin)."""
        facts = []
        for order in self.env["sale.order"].search([("state", "=", "sale")]):
            day, customer = get_day(order.date_order), order.partner_id
            facts.append((customer, day, 1, order.amount_total, order.margin))
            for refund in order.invoice_ids:
                if refund.move_type == "out_refund" and refund.state == "posted":
                    part = refund.amount_total
                    margin = order.margin * part / order.amount_total
                    facts.append((customer, day, 0, -part, -margin))
        rate = self.company.hstyle_margin_rate / 100
        for order in self.env["hstyle.order"].search([("state", "=", "paid")]):
            paid, day = order.amount_paid, get_day(order.date_order)
            facts.append((order.partner_id, day, 1, paid, paid * rate))
        return facts

    def _recompute(self):
        """Return (month, tier) → [orders, revenue, margin, repeated, of them revenue].

        From facts and moves one by one.
        """
        facts, moves = self._get_facts(), self._get_moves()
        first = {}
        for customer, day, orders, *_money in facts:
            if orders:
                first[customer] = min(day, first.get(customer, day))
        sums = defaultdict(lambda: [0, 0, 0, 0, 0])
        for customer, day, orders, revenue, margin in facts:
            tier = get_tier(moves.get(customer, ()), day - timedelta(days=1))
            row = sums[day.replace(day=1), tier or self.silver.browse()]
            again = day > first[customer]
            parts = (orders, revenue, margin, orders * again, revenue * again)
            for number, part in enumerate(parts):
                row[number] = row[number] + part
        return sums

    def _read(self):
        shares = self.env["hstyle.member.share"].with_user(self.clerk).search([])
        names = ("orders", "revenue", "margin", "repeat_orders", "repeat_revenue")
        return {(s.month, s.grade_id): [s[name] for name in names] for s in shares}

    def assertSums(self):
        found, expected = self._read(), self._recompute()
        self.assertEqual(found.keys(), expected.keys())
        for key, values in found.items():
            for value, wanted in zip(values, expected[key], strict=True):
                self.assertAlmostEqual(value, wanted, 2, key)
        return found

    def test_as_the_raw_rows_say(self):
        self._live()
        found = self.assertSums()
        tiers = {tier.name for _month, tier in found}
        self.assertEqual(tiers, {"Silver", "Gold", "Platinum", False})
        self.assertTrue(any(values[3] for values in found.values()))

    def test_shares_of_what_is_grouped(self):
        self._live()
        shares = self.env["hstyle.member.share"].with_user(self.clerk)
        rows = shares._read_group(
            [], ["month:quarter"], ["member_share:avg", "repeat_share:avg"]
        )
        raw = self._recompute()
        for start, member, repeat in rows:
            months = [
                (tier, values)
                for (month, tier), values in raw.items()
                if (month.year, (month.month - 1) // 3)
                == (start.year, (start.month - 1) // 3)
            ]
            revenue = sum(values[1] for _tier, values in months)
            members = sum(values[1] for tier, values in months if tier)
            orders = sum(values[0] for _tier, values in months)
            again = sum(values[3] for _tier, values in months)
            self.assertAlmostEqual(member, members / revenue)
            self.assertAlmostEqual(repeat, again / orders)

    def test_merged_contacts_have_the_highest_tier(self):
        """Until the merge each counts as it was; the moves of two are in one row."""
        one, two = self.people[:2]
        self._buy(1200, "2026-01-10", one)
        self._buy(50, "2026-02-10", two)
        self._buy(70, "2026-03-10", one)
        with freeze_time("2026-04-01 12:00:00"):
            self._merge(one, two)
        self._buy(80, "2026-05-10", one)
        self.env["hstyle.profile"]._refresh()
        found = self.assertSums()
        self.assertEqual(found[date(2026, 5, 1), self.gold][:2], [1, 80])

    def test_the_day_of_joining_is_no_member_s(self):
        self._buy(50, "2026-03-01")
        self._buy(60, "2026-03-02")
        found = self._read()
        self.assertEqual(found[date(2026, 3, 1), self.silver.browse()][:2], [1, 50])
        self.assertEqual(found[date(2026, 3, 1), self.silver][:2], [1, 60])

    def test_branches(self):
        """Who is a member of a company is one in its branches: in all reports."""
        self._buy(50, "2026-03-01")
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id, "hstyle_tz": "UTC"}
        )
        shop = self._create_shop("Branch shop", company_id=branch.id)
        values = {"shop_id": shop.id, "partner_id": self.partner.id, "state": "paid"}
        self.env["hstyle.order"].create(
            {
                **values,
                "name": "B1",
                "date_order": "2026-04-05",
                "amount_paid": 40,
                "amount_refund": 0,
            }
        )
        self.env["hstyle.profile"]._refresh()
        theirs = [("company_id", "=", branch.id)]
        [share] = self.env["hstyle.member.share"].search(theirs)
        self.assertEqual((share.grade_id, share.revenue), (self.silver, 40))
        [report] = self.env["hstyle.member.report"].search(theirs)
        self.assertEqual((report.grade_id, report.is_member), (self.silver, 1))


@tagged("post_install", "-at_install")
class TestTierMigration(HstyleNumbersCommon):
    def _read(self, kind, *names):
        rows = self.env["hstyle.migration"].with_user(self.clerk)
        rows = rows.search([("kind", "=", kind)])
        found = Counter()
        for row in rows:
            found[row.month, *(row[name] for name in names)] += row.customers
        return found

    def test_as_the_raw_rows_say(self):
        """From what each customer had before a month to what it left them with."""
        self._live()
        expected = Counter()
        for moves in self._get_moves().values():
            for month in {move.date.replace(day=1) for move in moves}:
                end = Date.add(month, months=1, days=-1)
                before = get_tier(moves, Date.add(month, days=-1))
                after = get_tier(moves, end)
                if before != after:
                    none = self.silver.browse()
                    expected[month, before or none, after or none] += 1
        found = self._read("tier", "grade_from_id", "grade_to_id")
        self.assertEqual(found, expected)
        pairs = {(old.name, new.name) for _month, old, new in found}
        self.assertLessEqual({(False, "Gold"), ("Gold", "Platinum")}, pairs)

    def test_it_balances_with_the_statement(self):
        """Merged contacts, too: who came into a tier less who went out of it."""
        self._live()
        with freeze_time("2026-08-01 12:00:00"):
            self._merge(self.people[0], self.people[1:3])
        statement = self.env["hstyle.tier.statement"].create(
            {"date_from": "2020-01-01", "date_to": "2030-01-01"}
        )
        found = self._read("tier", "grade_from_id", "grade_to_id")
        for line in statement.line_ids:
            tier = line.grade_id
            came = sum(n for (_month, _old, new), n in found.items() if new == tier)
            went = sum(n for (_month, old, _new), n in found.items() if old == tier)
            self.assertEqual(came - went, line.closing, tier.name)

    def test_rfm_groups(self):
        """The month is the one in which they moved, not the one that found it."""
        months = self.env["hstyle.profile.month"]
        self._live()
        profiles = self.env["hstyle.profile"].search([])
        labels, expected = {}, Counter()
        groups = [group for group, _name in profiles._fields["rfm_group"].selection]
        chance = random.Random(3)
        months.search([]).unlink()
        for month in (date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)):
            for profile in profiles:
                group = chance.choice(groups[:4])
                self.env.cr.execute(
                    "UPDATE hstyle_profile SET rfm_group = %s WHERE id = %s",
                    [group, profile.id],
                )
                before = labels.get(profile)
                if month > date(2026, 5, 1) and before != group:
                    expected[Date.subtract(month, months=1), before, group] += 1
                labels[profile] = group
            months._record(self.company, month)
        found = self._read("rfm", "rfm_group_from", "rfm_group_to")
        self.assertEqual(found, expected)
        self.assertTrue(found)


@tagged("post_install", "-at_install")
class TestSegmentMigration(HstyleSegmentCommon):
    def test_pairs_of_left_and_entered(self):
        """Against the sets of members at the ends of each month."""
        self.company.hstyle_tz = "Asia/Shanghai"
        cities = ("Hangzhou", "Ningbo", "Suzhou", "Wuxi")
        segments = self.segment | self.env["hstyle.segment"].create(
            [
                {"name": city, "domain": f"[('city', '=', '{city}')]"}
                for city in cities[1:3]
            ]
        )
        segments |= segments.create({"name": "All", "domain": "[('city', '!=', 'x')]"})
        people = self.people | self.people.create([{"name": f"Q{n}"} for n in range(5)])
        chance, ends = random.Random(5), {}
        # Each second moment is the last one of a month in Shanghai.
        for month in range(3, 7):
            for moment in (
                datetime(2100, month, 1) - timedelta(hours=8),
                datetime(2100, month, 15),
                datetime(2100, month + 1, 1) - timedelta(hours=8, seconds=1),
            ):
                with freeze_time(moment):
                    for person in people:
                        person.city = chance.choice((*cities, "x"))
                    segments._refresh()
            members = {s: s.member_ids.filtered(lambda m: not m.left_on) for s in segments}
            ends[month] = {
                p: {s for s in segments if p in members[s].partner_id} for p in people
            }
        expected = Counter()
        for month in range(4, 7):
            for person in people:
                before, after = ends[month - 1][person], ends[month][person]
                none = {segments.browse()}
                gone, come = before - after, after - before
                for old in gone or (come and none):
                    for new in come or none:
                        expected[date(2100, month, 1), old, new] += 1
        rows = self.env["hstyle.migration"].with_user(self.clerk).search(
            [("kind", "=", "segment"), ("month", ">", "2100-03-01")]
        )
        found = Counter()
        for row in rows:
            key = row.month, row.segment_from_id, row.segment_to_id
            found[key] += row.customers
        self.assertEqual(found, expected)
        self.assertIn(segments.browse(), {new for _month, _old, new in found})


@tagged("post_install", "-at_install")
class TestCrossShop(HstyleNumbersCommon):
    def test_as_the_raw_rows_say(self):
        shops = self.shop | self._create_shop("JD") | self._create_shop("Douyin")
        chance, bought = random.Random(2), defaultdict(set)
        now = datetime.now().replace(microsecond=0)
        for number in range(30):
            shop, person = chance.choice(shops), chance.choice(self.people)
            days = chance.choice((10, 300, 380))
            self.env["hstyle.order"].create(
                {
                    "name": f"X{number}",
                    "shop_id": shop.id,
                    "partner_id": person.id,
                    "date_order": now - timedelta(days=days),
                    "state": "paid",
                    "amount_paid": 10,
                    "amount_refund": 0,
                }
            )
            if days < 365:
                bought[shop].add(person)
        order = self._create_order(1, partner=self.people[0])
        order.action_confirm()
        bought[self.shop.browse()].add(self.people[0])
        expected = {
            (one, two): (len(bought[one] & bought[two]))
            for one in bought
            for two in bought
            if bought[one] & bought[two]
        }
        rows = self.env["hstyle.cross.shop"].with_user(self.clerk).search([])
        found = {(row.shop_id, row.other_shop_id): row.customers for row in rows}
        self.assertEqual(found, expected)
        for row in rows:
            both = expected[row.shop_id, row.other_shop_id]
            self.assertAlmostEqual(row.share, both / len(bought[row.shop_id]))
            self.assertEqual(row.is_same, row.shop_id == row.other_shop_id)


@tagged("post_install", "-at_install")
class TestNumbersAccess(HstyleNumbersCommon):
    def test_what_is_for_managers(self):
        for model in ("hstyle.spending", "hstyle.usage", "hstyle.export"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.marketer).search([])
            self.env[model].with_user(self.manager).search([])

    def test_branch_readers_see_their_own(self):
        """A company's figures are not those of who works in a branch alone."""
        self._buy(50, "2026-03-01")
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        reader = new_test_user(
            self.env,
            login="branch_reader",
            groups="hstyle_crm.hstyle_crm_group_manager",
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        for model in ("member.share", "migration", "spending", "cross.shop"):
            self.assertFalse(self.env[f"hstyle.{model}"].with_user(reader).search([]))
