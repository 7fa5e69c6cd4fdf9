import random
from datetime import timedelta

from odoo import Command, fields
from odoo.tests import freeze_time, tagged

from ..models.hstyle_habit_refresh import COLUMNS
from .common import HstylePointsCommon

TODAY = "2026-03-15 12:00:00"
HEADER = (
    "order number", "line", "date", "buyer", "category", "brand kind", "manufacturer",
    "paid", "refund",
)  # fmt: skip


@tagged("post_install", "-at_install")
@freeze_time(TODAY)
class TestHstyleHabit(HstylePointsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.category = cls.env["product.category"].create({"name": "Dresses"})
        cls.dress.categ_id = cls.category
        cls.line = 0

    def _buy(self, *rows, shop=None):
        """Import lines: (days ago, buyer, paid[, brand[, category[, refund]]]).

        The brand "own" is ours, "" is not known. A day's lines are an order.
        """
        sheet = []
        for days, buyer, paid, *rest in rows:
            usual = ["own", "Dresses", ""]
            brand, category, refund = [*rest, *usual[len(rest) :]]
            kind = {"own": "own", "": ""}.get(brand, "other")
            maker = "" if brand in ("own", "") else brand
            moment = fields.Datetime.now() - timedelta(days=days)
            type(self).line += 1
            sheet.append(
                [f"{buyer}{days}", self.line, moment.isoformat(" ", "seconds"), buyer,
                 category, kind, maker, paid, refund]
            )  # fmt: skip
        user = self.env.user if shop else None
        done = self._import(sheet, HEADER, shop=shop, user=user)
        self.assertFalse(done.rejected_count)

    def _refresh(self):
        self.env["hstyle.profile"]._refresh()
        return self.env["hstyle.habit"]._refresh()

    def _habit_of(self, buyer, category="Dresses"):
        partner = self._get_buyer(buyer) if isinstance(buyer, str) else buyer
        return self.env["hstyle.habit"].search(
            [("partner_id", "=", partner.id), ("category_id.name", "=", category)]
        )

    def _dump(self):
        names = ", ".join(COLUMNS)
        self.env.cr.execute(
            f"SELECT partner_id, company_id, category_id, {names} FROM hstyle_habit"
            " ORDER BY 1, 2, 3"
        )
        return self.env.cr.fetchall()

    # === PURCHASE LINES === #

    def _get_lines(self, partner):
        self.env.flush_all()
        lines = self.env["hstyle.purchase.line"].with_user(self.agent)
        return lines.search([("partner_id", "=", partner.id)])

    def test_lines_of_sales(self):
        self._create_card(50)
        order = self._create_order(2, spend=50)
        self.assertFalse(self._get_lines(self.partner), "a quotation is no purchase")
        order.order_line = [
            Command.create({"display_type": "line_note", "name": "Note"})
        ]
        order.action_confirm()
        line = self._get_lines(self.partner)
        values = [line.kind, line.category_id, line.own_brand, line.quantity]
        self.assertEqual(values, ["sale", self.category, True, 2])
        self.assertEqual(line.revenue, 200, "before what the reward takes off")
        self.dress.product_tmpl_id.hstyle_brand = "Other"
        self.env.invalidate_all()
        line = self._get_lines(self.partner)
        self.assertEqual((line.own_brand, line.brand), (False, "Other"))

    def test_lines_of_refunds(self):
        invoice = self._invoice(self._sell(3))
        self._refund(invoice, 1)
        lines = self._get_lines(self.partner)
        self.assertEqual(sorted(lines.mapped("kind")), ["refund", "sale"])
        sums = [sum(lines.mapped(name)) for name in ("quantity", "revenue")]
        self.assertEqual(sums, [2, 200])

    def test_lines_of_shops(self):
        header = (*HEADER, "status")
        rows = [
            ("1", "1", "2026-03-01", "a", "Women > Tops", "", "Acme", "50", "20", ""),
            ("1", "2", "2026-03-01", "a", "Women > Tops", "", "", "9", "", "closed"),
            ("2", "1", "2026-03-01", "a", "Women > Tops", "", "", "9", "", "unpaid"),
        ]
        self._import(rows, header)
        line = self._get_lines(self._get_buyer("a"))
        values = [line.kind, line.category_id.name, line.brand, line.revenue]
        self.assertEqual(values, ["shop", "Tops", "Acme", 30])
        self.assertFalse(line.own_brand)

    def test_a_product_brings_its_category(self):
        self.dress.default_code = "D1"
        self.env.flush_all()
        header = ("order number", "date", "buyer", "sku", "paid")
        self._import([("1", "2026-03-01", "a", "D1", "9")], header)
        line = self._get_lines(self._get_buyer("a"))
        self.assertEqual(line.category_id, self.category)

    def test_domain_on_what_was_bought(self):
        company = self._create_partner("Shop Ltd", is_company=True)
        contact = self._create_partner("Buyer", parent_id=company.id)
        self._sell(1, partner=contact)
        self._buy((40, "mei", 10), (5, "lan", 10, "own", "Shoes"))
        self.env.flush_all()
        partners = self.env["res.partner"].with_user(self.marketer)
        bought = [
            ("category_id", "child_of", self.category.id),
            ("date_order", ">=", "2026-03-01"),
        ]
        domain = [("hstyle_purchase_line_ids", "any", bought)]
        self.assertEqual(partners.search(domain), company)
        bought[1] = ("date_order", ">=", "2026-01-01")
        self.assertEqual(partners.search(domain), company | self._get_buyer("mei"))
        domain = [("hstyle_purchase_line_ids", "not any", bought)]
        self.assertNotIn(company, partners.search(domain))

    # === HABITS === #

    def test_sums(self):
        self._buy(
            (400, "mei", 40),
            (30, "mei", 20),
            (30, "mei", 10, "Acme"),
            (10, "mei", 30, "own", "Dresses", 5),
            (10, "mei", 7, "own", "Shoes"),
        )
        self._refresh()
        today = fields.Date.today()
        self.assertRecordValues(
            self._habit_of("mei"),
            [
                {
                    "order_days": 3,
                    "previous_on": today - timedelta(30),
                    "last_on": today - timedelta(10),
                    "gap_days": 195,
                    "revenue_12m": 55,
                    "brand": "Acme",
                    "loyalty": "store",
                    "due_from": False,
                }
            ],
        )
        self.assertEqual(self._habit_of("mei", "Shoes").order_days, 1)
        self.assertEqual(self._habit_of("mei").due_text, "Not enough data")

    def test_own_cycle(self):
        self._buy(*[(days, "mei", 10) for days in (35, 30, 20, 0)])
        self._refresh()
        habit = self._habit_of("mei")
        days = [(day - habit.last_on).days for day in (habit.due_from, habit.due_to)]
        self.assertEqual((days, habit.due_confidence), ([5, 20], 0.5))
        self.assertEqual(habit.cycle_source, "own")
        self.assertEqual(habit.due_text, "Mar 20, 2026 – Apr 4, 2026, 50 %")

    def test_cycle_of_the_category(self):
        self._buy((3, "lan", 10), (3, "lan", 10, "own", "Shoes"))
        rows = [(n + 11, f"b{n}", 10) for n in range(30)]
        self._buy(*rows, *[(10, f"b{n}", 10) for n in range(29)])
        self._refresh()
        self.assertFalse(self._habit_of("lan").cycle_source, "29 are too few")
        self._buy((10, "b29", 10))
        self._refresh()
        habit = self._habit_of("lan")
        days = [(day - habit.last_on).days for day in (habit.due_from, habit.due_to)]
        self.assertEqual((days, habit.due_confidence), ([3, 28], 0.8))
        self.assertEqual(habit.cycle_source, "category")
        self.assertFalse(self._habit_of("lan", "Shoes").cycle_source)

    def test_loyalty(self):
        self._buy(
            (9, "store", 50), (9, "store", 25, "Acme"), (9, "store", 25, "Zenith"),
            (9, "brand", 49), (9, "brand", 51, "Acme"),
            (9, "edge", 20), (9, "edge", 50, "Acme"), (9, "edge", 30, "Zenith"),
            (9, "switcher", 40), (9, "switcher", 35, "A"), (9, "switcher", 25, "B"),
            (9, "unknown", 10, ""),
            (400, "old", 10),
            (9, "back", 10, "own", "Dresses", 10),
        )  # fmt: skip
        self._refresh()
        expected = {
            "store": "store", "brand": "brand", "edge": "brand", "switcher": "switcher",
            "unknown": False, "old": False, "back": False,
        }  # fmt: skip
        found = {buyer: self._habit_of(buyer).loyalty for buyer in expected}
        self.assertEqual(found, expected)
        self.assertFalse(self._habit_of("old").usage)

    def test_usage(self):
        self._buy(*[(9, f"b{n}", 10 * n) for n in range(1, 7)], (9, "twin", 20))
        self._buy((9, "other", 1, "own", "Shoes"))
        self._refresh()
        usages = [self._habit_of(f"b{n}").usage for n in range(1, 7)]
        self.assertEqual(usages, ["low", "low", "middle", "middle", "high", "high"])
        self.assertEqual(self._habit_of("twin").usage, "low", "equal amounts are equal")

    def test_breadth(self):
        """The median of the one-order customers is 2 categories."""
        shelf = [f"Shelf {n}" for n in range(5)]
        for buyer, count in (("few", 1), ("usual", 2), ("more", 3), ("many", 5)):
            self._buy(*[(9, buyer, 60 / count, "own", name) for name in shelf[:count]])
        self._buy((9, "two", 30, "own", shelf[0]), (9, "two", 30, "own", shelf[1]))
        self._buy((400, "old", 60, "own", shelf[0]))
        self._refresh()
        found = {
            buyer: (profile.category_count, profile.breadth)
            for buyer in ("few", "usual", "two", "more", "many", "old")
            if (profile := self._get_profile(self._get_buyer(buyer)))
        }
        self.assertEqual(
            len({self._get_profile(self._get_buyer(b)).m_score for b in found}), 1
        )
        self.assertEqual(
            found,
            {
                "few": (1, "narrow"),
                "usual": (2, "usual"),
                "two": (2, "usual"),
                "more": (3, "broad"),
                "many": (5, "broad"),
                "old": (0, False),
            },
        )

    def test_only_changed_rows_are_written(self):
        draw = random.Random(4)
        rows = [
            (draw.randrange(0, 420), f"b{draw.randrange(20)}", draw.randrange(1, 99),
             draw.choice(["own", "", "Acme", "Zenith"]), draw.choice(["Tops", "Shoes"]))
            for _ in range(200)
        ]  # fmt: skip
        self._buy(*rows)
        first = self._refresh()
        self.assertEqual(first["inserted"], len(self._dump()))
        before = self._dump()
        self.assertFalse(self._refresh().total(), "a second run changes nothing")
        order = self.env["hstyle.order"].search([], limit=1)
        order.unlink()
        with freeze_time("2026-03-18 12:00:00"):
            self._refresh()
            changed = self._dump()
            self.assertNotEqual(before, changed)
            self.env.cr.execute("DELETE FROM hstyle_habit")
            self._refresh()
            self.assertEqual(self._dump(), changed, "as if nothing had stood")

    def test_what_is_gone(self):
        self._buy((9, "mei", 10))
        self._refresh()
        self.env["hstyle.order"].search([]).unlink()
        self.assertEqual(self._refresh()["deleted"], 1)
        self.assertFalse(self.env["hstyle.habit"].search([]))

    def test_a_product_moves_to_another_category(self):
        self._sell(1)
        self._refresh()
        self.dress.categ_id = self.env["product.category"].create({"name": "Skirts"})
        self._refresh()
        self.assertFalse(self._habit_of(self.partner))
        self.assertEqual(self._habit_of(self.partner, "Skirts").revenue_12m, 100)

    def test_companies(self):
        company = self.env["res.company"].create({"name": "Other"})
        shop = self._create_shop("Second", company_id=company.id)
        self._buy((9, "mei", 10))
        self._buy((5, "lan", 30), shop=shop)
        self._refresh()
        self.assertEqual(self._habit_of("lan").company_id, company)
        habits = self.env["hstyle.habit"].with_user(self.marketer).search([])
        self.assertEqual(habits.partner_id, self._get_buyer("mei"))
        partners = self.env["res.partner"].with_user(self.marketer)
        domain = [("hstyle_purchase_line_ids.category_id", "=", self.category.id)]
        self.assertEqual(partners.search(domain), self._get_buyer("mei"))

    def test_merged_customers(self):
        self._buy((30, "mei", 10), (10, "lan", 20))
        self._refresh()
        mei, lan = self._get_buyer("mei"), self._get_buyer("lan")
        merge = self.env["base.partner.merge.automatic.wizard"].create({})
        merge._merge((mei | lan).ids, mei)
        self._refresh()
        habit = self.env["hstyle.habit"].search([])
        values = [habit.partner_id, habit.order_days, habit.revenue_12m]
        self.assertEqual(values, [mei, 2, 30])

    def test_cron(self):
        self._buy((9, "mei", 10))
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_habit").method_direct_trigger()
        self.assertEqual(len(self._dump()), 1)
