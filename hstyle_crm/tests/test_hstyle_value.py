from datetime import date, timedelta

from odoo import Command, fields
from odoo.exceptions import ValidationError
from odoo.tests import freeze_time, tagged

from ..models import hstyle_order_discount
from .common import HstyleCommon, HstylePointsCommon

TODAY = "2026-03-15 12:00:00"
HEADER = ("order number", "line", "date", "buyer", "paid", "refund", "cost", "discount")


@tagged("post_install", "-at_install")
@freeze_time(TODAY)
class TestValue(HstylePointsCommon):
    """What customers are worth: margin, discounts, grades, year over year."""

    def _buy(self, *rows):
        """Import orders: (number, days ago, buyer, paid[, refund, cost, discount])."""
        now, sheet = fields.Datetime.now(), []
        for number, days, buyer, paid, *rest in rows:
            moment = (now - timedelta(days=days)).isoformat(" ", "seconds")
            refund, cost, discount = [*rest, "", "", ""][:3]
            sheet.append(
                [number, len(sheet), moment, buyer, paid, refund, cost, discount]
            )
        done = self._import(sheet, HEADER)
        self.assertFalse(done.rejected_count)
        self._refresh()

    def _refresh(self, **options):
        return self.env["hstyle.profile"]._refresh(**options)

    def _profile_of(self, ref):
        return self._get_profile(self._get_buyer(ref))

    def _get_margin(self):
        self._refresh()
        return self._get_profile(self.partner).margin

    # === MARGIN === #

    def test_margin_of_the_day_of_sale(self):
        self.dress.standard_price = 40
        order = self._sell(3)
        self.assertEqual(self._get_margin(), 180)
        self.dress.standard_price = 90
        self.assertEqual(self._get_margin(), 180, "the cost of today is another thing")
        order.order_line.purchase_price = 50
        self.assertEqual(self._get_margin(), 150, "a cost that was set right")

    def test_refunds_take_their_share_of_the_margin(self):
        self.dress.standard_price = 40
        invoice = self._invoice(self._sell(4))
        refund = self._refund(invoice, 1)
        self.assertEqual(self._get_margin(), 180)
        self._refund(invoice, 3)
        self.assertEqual(self._get_margin(), 0)
        refund.button_draft()
        self.assertEqual(self._get_margin(), 60)

    def test_margin_in_company_currency(self):
        self.dress.standard_price = 40
        values = {"name": "X", "currency_id": self._create_currency(4.0).id}
        pricelist = self.env["product.pricelist"].create(values)
        order = self._sell(2, pricelist_id=pricelist.id)
        self.assertEqual(order.amount_total, 800)
        self.assertEqual(self._get_margin(), 120)
        self._refund(self._invoice(order), 1)
        self.assertEqual(self._get_margin(), 60)

    def test_margin_of_shop_orders(self):
        self._buy(
            ("1", 9, "known", 100, "", 30),
            ("2", 9, "unknown", 100),
            ("3", 9, "refunded", 100, 50, 30),
            ("4", 9, "half", 100, "", 30),
            ("4", 9, "half", 100),
            ("5", 9, "free", 0, "", 7),
            ("6", 9, "given back", 100, 100, 30),
        )
        margins = {
            "known": 70,
            "unknown": 50,
            "refunded": 35,
            "half": 100,
            "free": -7,
            "given back": 0,
        }
        for buyer, margin in margins.items():
            self.assertEqual(self._profile_of(buyer).margin, margin, buyer)

    def test_another_rate_is_for_all(self):
        self._buy(("1", 9, "unknown", 100), ("2", 9, "known", 100, "", 30))
        self.company.hstyle_margin_rate = 40
        self._refresh()
        margins = [self._profile_of(buyer).margin for buyer in ("unknown", "known")]
        self.assertEqual(margins, [40, 70])

    def test_a_cost_comes_later(self):
        self._buy(("1", 9, "mei", 100))
        row = ("1", "0", "2026-03-06 12:00:00", "mei", "100", "20")
        header = ("order number", "line", "date", "buyer", "paid", "cost")
        self.assertEqual(self._import([row], header).updated_count, 1)
        self._refresh()
        self.assertEqual(self._profile_of("mei").margin, 80)
        self._import([row[:5]], header[:5])
        self._refresh()
        self.assertEqual(self._profile_of("mei").margin, 80, "no column, no change")

    # === DISCOUNTS === #

    def _is_discounted(self, quantity=1, **line):
        order = self._create_order(quantity)
        order.order_line.write(line)
        self.env.flush_all()
        return order

    def test_discounts_of_lines(self):
        discounts = {0: False, 2.9: False, 3: True, 50: True, 100: True}
        for discount, expected in discounts.items():
            order = self._is_discounted(discount=discount)
            self.assertEqual(order.hstyle_discounted, expected, discount)

    def _add_line(self, order, price, **values):
        product = self._create_product("Voucher", price)
        line = {"product_id": product.id, "name": "Voucher", **values}
        order.order_line = [Command.create({**line, "price_unit": price})]

    def test_discounts_of_the_order(self):
        order = self._create_order(2)
        self._add_line(order, -5.99)
        self.assertFalse(order.hstyle_discounted)
        self._add_line(order, -0.01)
        self.assertTrue(order.hstyle_discounted)
        self._add_line(order, 1)
        self.assertFalse(order.hstyle_discounted, "below 3 % of 201")

    def _create_gift(self):
        """Return the reward of a gift card: a means of payment."""
        reward = {"reward_type": "discount", "discount_mode": "per_point"}
        values = {"name": "Gifts", "program_type": "gift_card"}
        values["reward_ids"] = [Command.create({**reward, "discount": 1})]
        return self.env["loyalty.program"].create(values).reward_ids

    def test_rewards_are_discounts_and_gift_cards_are_not(self):
        self._create_card(50)
        self.assertTrue(self._create_order(1, spend=50).hstyle_discounted)
        gift = self._create_gift()
        order = self._create_order(1)
        self._add_line(order, -50, reward_id=gift.id)
        self.assertFalse(order.hstyle_discounted)

    def test_column_is_filled_by_sql(self):
        """Installing says the same of each order as the ORM does."""
        self._create_card(50)
        orders = self._create_order(1) | self._is_discounted(discount=3)
        orders |= self._is_discounted(discount=2.9)
        voucher = self._create_order(1)
        self._add_line(voucher, -10)
        orders |= voucher
        orders |= self._create_order(1, spend=50)
        gift = self._create_gift()
        paid = self._create_order(1)
        self._add_line(paid, -50, reward_id=gift.id)
        orders |= paid
        self.env.flush_all()
        expected = orders.mapped("hstyle_discounted")
        self.assertEqual(expected, [False, True, False, True, True, False])
        self.env.cr.execute("UPDATE sale_order SET hstyle_discounted = FALSE")
        self.env.cr.execute(
            hstyle_order_discount._FILL, [hstyle_order_discount.DISCOUNTED]
        )
        orders.invalidate_recordset()
        self.assertEqual(orders.mapped("hstyle_discounted"), expected)

    def _count_queries(self):
        """Return how many queries an order takes, from quotation to confirmation."""
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        order = self._create_order(1)
        self._add_line(order, -10)
        order.action_confirm()
        order.order_line[:1].discount = 5
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_no_further_query(self):
        """Knowing whether an order is discounted takes no query of its own."""
        # The first ones fill caches.
        counted = [self._count_queries() for _ in range(3)][-1]
        orders = type(self.env["sale.order"])

        def compute(orders):
            orders.hstyle_discounted = False

        self.patch(orders, "_compute_hstyle_discounted", compute)
        self.assertEqual(self._count_queries(), counted)

    def test_share_of_discounted_orders(self):
        self._buy(
            ("1", 9, "mei", 97, "", "", 3),
            ("2", 8, "mei", 98, "", "", 2.99),
            ("3", 7, "mei", 100, 100, "", 50),
            ("4", 6, "mei", 0, "", "", 10),
        )
        self.assertEqual(self._profile_of("mei").discount_share, 0.75)
        order = self._is_discounted(discount=10)
        order.action_confirm()
        self._sell(1)
        self._refresh()
        self.assertEqual(self._get_profile(self.partner).discount_share, 0.5)
        order.order_line.discount = 0
        self._refresh()
        self.assertEqual(self._get_profile(self.partner).discount_share, 0)

    # === GRADES === #

    def test_grades_by_margin(self):
        self._buy(
            ("1", 9, "large", 800, "", 790),
            ("2", 9, "middle", 150, "", 70),
            ("3", 9, "small", 50, "", 40),
        )
        grades = {
            b: (self._profile_of(b).abc, self._profile_of(b).abc_margin)
            for b in ("large", "middle", "small")
        }
        expected = {"large": ("a", "b"), "middle": ("b", "a"), "small": ("c", "b")}
        self.assertEqual(grades, expected)

    def test_cuts_are_the_companys(self):
        rows = [(f"{n}", 9, f"b{n}", p) for n, p in enumerate((50, 30, 15, 5))]
        self._buy(*rows)
        self.assertEqual(self._get_grades(4), ["a", "a", "b", "c"])
        self.company.write({"hstyle_abc_a": 50, "hstyle_abc_b": 80})
        self._refresh()
        self.assertEqual(self._get_grades(4), ["a", "b", "c", "c"])
        for a, b in ((80, 80), (0, 50), (50, 100)):
            with self.assertRaisesRegex(ValidationError, "must end before"):
                self.company.write({"hstyle_abc_a": a, "hstyle_abc_b": b})

    def _get_grades(self, count):
        return [self._profile_of(f"b{n}").abc for n in range(count)]

    def test_year_over_year(self):
        self._buy(
            ("1", 400, "fell", 800),
            ("2", 100, "fell", 200),
            ("3", 400, "gone", 150),
            ("4", 400, "grew", 50),
            ("5", 364, "grew", 100),
            ("6", 10, "new", 500),
        )
        found = {
            b: (self._profile_of(b).abc_prev, self._profile_of(b).yoy)
            for b in ("fell", "gone", "grew", "new")
        }
        self.assertEqual(
            found,
            {
                "fell": ("a", -0.75),
                "gone": ("b", -1),
                "grew": ("c", 1),
                "new": (False, 0),
            },
        )
        falling = [("abc_prev", "=", "a"), ("yoy", "<", 0)]
        profiles = self.env["hstyle.profile"].search(falling)
        self.assertEqual(profiles.partner_id, self._get_buyer("fell"))


@tagged("post_install", "-at_install")
@freeze_time(TODAY)
class TestNextOrder(HstyleCommon):
    """When the next order is due, and how the labels moved from month to month."""

    def _visit(self, buyer, *ago, paid=10):
        """Import an order on each of the days ago."""
        header = ("order number", "date", "buyer", "paid")
        today = fields.Date.today()
        rows = [(f"{buyer}{n}", today - timedelta(n), buyer, paid) for n in ago]
        self.assertFalse(self._import(rows, header).rejected_count)

    def _refresh(self):
        self.env["hstyle.profile"]._refresh()

    def _get_due(self, buyer):
        profile = self._get_profile(self._get_buyer(buyer))
        last = profile.last_order_on
        days = [
            day and (day - last).days
            for day in (profile.next_order_from, profile.next_order_to)
        ]
        return (
            *days,
            round(profile.next_order_confidence, 4),
            profile.next_order_source,
        )

    def test_own_cycle(self):
        """Gaps 5, 10, 20: the next lies between the ends in one of two cases."""
        self._visit("mei", 35, 30, 20, 0)
        self._refresh()
        self.assertEqual(self._get_due("mei"), (5, 20, 0.5, "own"))
        profile = self._get_profile(self._get_buyer("mei"))
        self.assertEqual((profile.order_days, profile.gap_days), (4, 10))
        self.assertEqual(profile.previous_order_on, date(2026, 2, 23))
        self.assertEqual(
            profile.next_order_text,
            "Mar 20, 2026 – Apr 4, 2026, 50 %; from the own cycle",
        )

    def test_many_gaps(self):
        """Of 19 gaps the second and the second last, at 80 %."""
        gaps, day, days = [*range(1, 20)], 0, [0]
        for gap in gaps:
            day += gap
            days.append(day)
        self._visit("mei", *days)
        self._visit("lan", *days[:10])  # 9 gaps.
        self._refresh()
        self.assertEqual(self._get_due("mei"), (2, 18, 0.8, "own"))
        self.assertEqual(self._get_due("lan"), (1, 9, 0.8, "own"))

    def test_thin_data(self):
        """Two gaps are too few, and so are 29 customers who came back."""
        self._visit("mei", 30, 20, 0)
        self._visit("lan", 3)
        for number in range(28):
            self._visit(f"b{number}", number + 11, 10)
        self._refresh()
        nothing = (False, False, 0, False)
        self.assertEqual(self._get_due("mei"), nothing)
        text = self._get_profile(self._get_buyer("lan")).next_order_text
        self.assertEqual(text, "Not enough data")
        self._visit("b28", 38, 10)
        self._visit("b28", 39)
        self._refresh()
        # Latest gaps are 1 … 28, 20 and 28: the third and the 27th (26)
        # of them, up to whole weeks.
        self.assertEqual(self._get_due("lan"), (3, 28, 0.8, "all"))
        self.assertEqual(self._get_due("mei"), (3, 28, 0.8, "all"))
        text = self._get_profile(self._get_buyer("lan")).next_order_text
        self.assertTrue(text.endswith("80 %; from all customers' cycle"), text)

    def test_history(self):
        self._visit("mei", 1, paid=1000)
        self._visit("lan", 1, paid=10)
        self._refresh()
        months = self.env["hstyle.profile.month"]
        march = months.search([])
        self.assertEqual(march.mapped("month"), [date(2026, 3, 1)] * 2)
        self.assertFalse(any(march.mapped("stage_from")))
        with freeze_time("2026-03-31 12:00:00"):
            self._visit("lan", 0, paid=5000)
            self._refresh()
            self.assertEqual(months.search([]), march, "once in a month")
        with freeze_time("2026-04-01 12:00:00"):
            self._refresh()
            april = months.search([]) - march
            self.assertEqual(len(april), 2)
            lan = april.filtered(lambda m: m.partner_id == self._get_buyer("lan"))
            values = [lan.abc_from, lan.abc, lan.stage_from, lan.stage]
            self.assertEqual(values, ["c", "a", "new", "active"])
            self._visit("mei", 0)
            self._refresh()
            self.assertEqual(months.search([]) - march, april)
        with freeze_time("2026-06-15 12:00:00"):
            self._refresh()
            june = months.search([("month", "=", "2026-06-01")])
            mei = june.filtered(lambda m: m.partner_id == self._get_buyer("mei"))
            values = [mei.stage_from, mei.stage, mei.abc_from, mei.abc]
            self.assertEqual(values, ["new", "active", "b", "b"])
        with freeze_time("2026-07-15 12:00:00"):
            self._refresh()
            july = months.search([("month", "=", "2026-07-01")])
            self.assertEqual(set(july.mapped("stage")), {"lapsing"})

    def test_history_of_merged_customers(self):
        self._visit("mei", 1)
        self._visit("lan", 1)
        self._refresh()
        mei, lan = self._get_buyer("mei"), self._get_buyer("lan")
        merge = self.env["base.partner.merge.automatic.wizard"].create({})
        merge._merge((mei | lan).ids, mei)
        with freeze_time("2026-04-01 12:00:00"):
            self._refresh()
            months = self.env["hstyle.profile.month"].search([])
            self.assertEqual(months.partner_id, mei)
            self.assertEqual(len(months), 2)
