"""What winning and keeping customers cost, against plain sums of the raw rows."""

from collections import Counter
from datetime import date, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from .commission_common import HstyleCommissionCommon
from .roster_common import HstyleRosterCommon
from .test_campaigns import CampaignCommon
from .test_hstyle_goodwill import HstyleGoodwillCommon

MARCH = date(2026, 3, 1)


class SpendingMixin:
    def _read(self, *kinds):
        """Return (month, purpose, kind) → cost, or customers."""
        self.env["hstyle.profile"]._refresh()
        rows = self.env["hstyle.spending"].with_user(self.manager)
        rows = rows.search([("kind", "in", kinds)])
        return {
            (row.month, row.purpose, row.kind): row.customers or row.amount
            for row in rows
            if row.customers or row.amount
        }


@tagged("post_install", "-at_install")
class TestSpendingCampaigns(SpendingMixin, CampaignCommon):
    def _buy(self, partner, moment):
        self._order(partner, 100, moment)

    def test_customers(self):
        """Who orders twice in a month is one; who ordered before it is kept."""
        one, two, three = self.people[:3]
        for partner, moment in (
            (one, "2026-03-02"),
            (one, "2026-03-20"),
            (two, "2026-02-28"),
            (two, "2026-03-01"),
            (three, "2025-01-05"),
            (three, "2026-03-31"),
        ):
            self._buy(partner, moment)
        expected = Counter()
        orders = self.env["hstyle.order"].search([], order="date_order")
        seen = set()
        for month, partner in dict.fromkeys(
            (order.date_order.date().replace(day=1), order.partner_id)
            for order in orders
        ):
            purpose = "keep" if partner in seen else "acquire"
            expected[month, purpose, "customers"] += 1
            seen.add(partner)
        self.assertEqual(self._read("customers"), expected)
        self.assertEqual(expected[MARCH, "keep", "customers"], 2)

    def test_campaigns(self):
        """By the share of the treated who had ordered before the launch."""
        for partner in self.people[:100]:
            self._buy(partner, "2026-03-01")
        for partner in self.people[100:150]:
            self._buy(partner, "2026-03-11")
        campaign = self._launch(
            hstyle_cost_fixed=1000, hstyle_cost_email=0.5, hstyle_cost_sms=2
        )
        wave = self._create_wave(campaign)
        traces = self.env["mailing.trace"]
        for kind, status, number in (
            ("mail", "sent", 7),
            ("mail", "error", 3),
            ("sms", "pending", 5),
            ("sms", "cancel", 2),
        ):
            values = {
                "mass_mailing_id": wave.id,
                "trace_type": kind,
                "trace_status": status,
                "model": "res.partner",
            }
            traces.create([{**values, "res_id": p.id} for p in self.people[:number]])
        self.assertEqual(campaign.hstyle_cost, 1000 + 7 * 0.5 + 5 * 2)
        treated = self._get_group(campaign, "treated")
        known = len(treated & self.people[:100]) / len(treated)
        self.assertTrue(0 < known < 1)
        found = self._read("campaign")
        cost = campaign.hstyle_cost
        kept = found.pop((MARCH, "keep", "campaign"))
        self.assertAlmostEqual(kept, cost * known, 2)
        won = found.pop((MARCH, "acquire", "campaign"))
        self.assertAlmostEqual(won, cost * (1 - known), 2)
        self.assertFalse(found)

    def test_cost_of_each(self):
        """The cost of a group by its customers, and how the purposes compare."""
        for partner in self.people[:5]:
            self._buy(partner, "2026-02-05")
        for partner in self.people[:15]:
            self._buy(partner, "2026-03-15")
        self._launch(hstyle_cost_fixed=400)
        self.env["hstyle.profile"]._refresh()
        rows = self.env["hstyle.spending"].with_user(self.manager)
        march = [("month", "=", MARCH)]
        found = rows._read_group(march, ["purpose"], ["amount:sum", "cost_each:avg"])
        for purpose, cost, each in found:
            customers = 10 if purpose == "acquire" else 5
            self.assertAlmostEqual(each, cost / customers)
        costs = {purpose: each for purpose, _cost, each in found}
        [(ratio,)] = rows._read_group(march, [], ["ratio:avg"])
        self.assertAlmostEqual(ratio, costs["acquire"] / costs["keep"])
        self.assertEqual(sum(cost for _p, cost, _each in found), 400)


@tagged("post_install", "-at_install")
class TestSpendingPoints(SpendingMixin, HstyleGoodwillCommon):
    def test_points_and_goodwill(self):
        """At half a yuan a point; goodwill once, though it is points too."""
        self.program.expire_after = 1
        self.budget.month = MARCH
        with freeze_time("2026-03-10"):
            order = self._create_order(2)
            order.action_confirm()
            card = self._get_card()
            self.program._give_bonus(self.partner, 30, "Friend", key="referral:7")
            card._post([card._prepare_move("opening", 500, "Before")])
            spent = self._create_order(1, spend=50)
            spent.action_confirm()
            self._compensate("points", 20)
            self._compensate("coupon", 10)
        with freeze_time("2026-04-02"):
            spent._action_cancel()
            order._action_cancel()
        with freeze_time("2026-06-20"):
            card._post()
        ledger = self.env["loyalty.history"].search([("card_id", "=", card.id)])
        expected = Counter()
        for row in ledger:
            taken_back = row.kind == "reverse" and row.used
            if row.kind in ("opening", "spend", "merge") or taken_back:
                continue
            if row.key and row.key.startswith("hstyle.goodwill"):
                continue
            friend = row.key and row.key.startswith("referral")
            kind = ("acquire", "referral") if friend else ("keep", "points")
            expected[row.date.replace(day=1), *kind] += row.points * 0.5
        for goodwill in self.ticket.goodwill_ids:
            expected[MARCH, "keep", "goodwill"] += goodwill.amount
        self.assertEqual(
            {"earn", "spend", "reverse", "expire", "bonus", "opening"},
            set(ledger.mapped("kind")),
        )
        self.assertEqual(expected[MARCH, "acquire", "referral"], 15)
        self.assertEqual(expected[MARCH, "keep", "goodwill"], 30)
        found = self._read("points", "referral", "goodwill")
        self.assertEqual(found, {key: cost for key, cost in expected.items() if cost})

    def test_what_nobody_approved_costs_nothing(self):
        self._compensate("points", 500)
        self.assertFalse(self._read("goodwill"))


@tagged("post_install", "-at_install")
class TestSpendingAgents(SpendingMixin, HstyleCommissionCommon):
    def test_commission(self):
        """With what a refund takes back, in the month of the refund."""
        order = self._order("2026-03-10", 100)
        invoice = self._invoice_on("2026-03-11", order)
        self._order("2026-03-20", 50)
        self._refund_on("2026-04-02", invoice)
        expected = Counter()
        for row in self.rows.search([]):
            month = row.date.replace(day=1)
            expected[month, "acquire", "commission"] += row.amount
        self.assertEqual(self._read("commission"), expected)
        self.assertEqual(expected[date(2026, 4, 1), "acquire", "commission"], -10)


@tagged("post_install", "-at_install")
class TestSpendingGifts(SpendingMixin, HstyleRosterCommon):
    def test_gifts_and_benefits(self):
        """A gift for a customer keeps; for a classmate who bought nothing, it wins."""
        self._supply(10)
        self._buy(1200, "2026-01-10")
        benefit = self.env["hstyle.benefit"].create(
            {"name": "Repair", "grade_id": self.gold.id, "value": 12, "quota": 3}
        )
        with freeze_time("2026-02-26 12:00:00"):
            benefit._use(self.partner)
            benefit._use(self.partner)
        self._create_entry("Mei", 3, 5, partner_id=self.partner.id)
        self._create_entry("Lan", 3, 5)
        self._create_entry("Bo", 3, 5)
        [mei, lan, bo] = self._pass_day("2026-02-26").sorted(lambda g: g.roster_id.id)
        with freeze_time("2026-02-28 12:00:00"):
            for gift in mei | lan:
                gift._hand_out(receiver="x")
        with freeze_time("2026-03-01 12:00:00"):
            bo._hand_out(receiver="x")
        february = date(2026, 2, 1)
        self.assertEqual(
            self._read("gift", "benefit"),
            {
                (february, "keep", "benefit"): 24,
                (february, "keep", "gift"): 8,
                (february, "acquire", "gift"): 8,
                (MARCH, "acquire", "gift"): 8,
            },
        )
        self.assertLess(fields.Date.to_date(bo.given_on), MARCH + timedelta(days=2))
