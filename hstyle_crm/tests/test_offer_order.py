import re

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, HttpCase, freeze_time, new_test_user, tagged

from .offers_common import TODAY, HstyleOffersCommon


@tagged("post_install", "-at_install")
@freeze_time(TODAY)
class TestOfferOrder(HstyleOffersCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plan.budget = 1000

    def _offer(self, *categories, partner=None):
        """Let a customer have a list of these categories, all at 30 %."""
        for category in categories or [self.dresses]:
            self._know(partner or self.partner, category)
        self._run()
        return self._get_lists(partner or self.partner)

    def _quote(self, *products, partner=None, **values):
        lines = [
            Command.create({"product_id": product.id, "product_uom_qty": 1})
            for product in products or [self.dress]
        ]
        values = {"partner_id": (partner or self.partner).id, **values}
        orders = self.env["sale.order"].with_user(self.salesperson)
        return orders.create({"order_line": lines, **values})

    def test_own_order(self):
        """The customer's own order gets the depth, on the matching lines, once."""
        offers = self._offer(self.dresses)
        order = self._quote(self.dress, self.coat)
        self.assertEqual(order.order_line.mapped("discount"), [30, 0])
        self.assertEqual(order.amount_total, 270)
        self.assertEqual(order.hstyle_offer_text, "Dresses −30 %")
        self.assertEqual(offers.line_ids.state, "open", "a quotation takes nothing")
        order.action_confirm()
        self.assertRecordValues(
            offers.line_ids,
            [{"state": "redeemed", "order_id": order.id, "amount_given": 30}],
        )
        self.assertEqual(offers.state, "closed")
        self.assertEqual(self._quote().amount_total, 100)

    def test_two_quotations(self):
        self._offer()
        one, two = self._quote(), self._quote()
        one.action_confirm()
        with self.assertRaisesRegex(UserError, "Dresses was used"), self.cr.savepoint():
            two.action_confirm()
        two.action_update_offers()
        self.assertEqual(two.amount_total, 100)
        two.action_confirm()
        self.assertEqual(self._get_offer().order_id, one)

    def test_confirmed_together(self):
        self._offer()
        orders = self._quote() | self._quote()
        with self.assertRaisesRegex(UserError, "Dresses was used"):
            orders.action_confirm()

    def test_cancel_and_confirm_again(self):
        self._offer(self.dresses, self.coats)
        order = self._quote()
        order.action_confirm()
        for _time in range(2):
            order._action_cancel()
            self.assertEqual(self._get_offer().state, "open")
            self.assertFalse(self._get_offer().order_id)
            order.action_draft()
            self.assertEqual(order.amount_total, 70)
            order.action_confirm()
            self.assertEqual(self._get_offer().order_id, order)
        with freeze_time("2026-03-29 12:00:00"):
            order._action_cancel()
            self.assertEqual(self._get_offer().state, "expired")

    def test_code(self):
        one = self._offer()
        code = one.code.lower().replace("-", " ")
        order = self._quote(hstyle_offer_code=code)
        self.assertEqual(order.amount_total, 70)
        lan = self._create_partner("Lan")
        with self.assertRaisesRegex(UserError, "another customer"), self.cr.savepoint():
            self._quote(partner=lan, hstyle_offer_code=one.code)
        with self.assertRaisesRegex(UserError, "another customer"), self.cr.savepoint():
            order.partner_id = lan
        with self.assertRaisesRegex(UserError, "no offer list"), self.cr.savepoint():
            order.hstyle_offer_code = "00000-00000-00000-00000"
        contact = self._create_partner("Her", parent_id=self.partner.id)
        self.assertEqual(self._quote(partner=contact).amount_total, 70)
        order.action_confirm()
        with self.assertRaisesRegex(UserError, "used up"), self.cr.savepoint():
            self._quote(hstyle_offer_code=one.code)
        order.client_order_ref = "still editable"
        order.partner_id.name = "Mei Li"

    def test_code_on_an_older_quotation(self):
        order = self._quote()
        self.assertEqual(order.amount_total, 100)
        one = self._offer()
        with Form(order) as form:
            form.hstyle_offer_code = one.code
            self.assertEqual(form.tax_totals["total_amount_currency"], 70)
        self.assertEqual(order.amount_total, 70)

    def test_form(self):
        self._offer()
        form = Form(self.env["sale.order"].with_user(self.salesperson))
        form.partner_id = self.partner
        with form.order_line.new() as line:
            line.product_id = self.dress
        self.assertEqual(form.tax_totals["total_amount_currency"], 70)
        with form.order_line.edit(0) as line:
            line.product_uom_qty = 2
        self.assertEqual(form.tax_totals["total_amount_currency"], 140)
        with form.order_line.edit(0) as line:
            line.product_id = self.coat
        self.assertEqual(form.tax_totals["total_amount_currency"], 400)
        with form.order_line.edit(0) as line:
            line.product_id = self.dress
        self.assertEqual(form.tax_totals["total_amount_currency"], 140)
        order = form.save()
        order.action_confirm()
        self.assertEqual(self._get_offer().amount_given, 60)

    def test_of_nobody_else(self):
        """Another customer, and one chosen later, pay the full price."""
        self._offer()
        lan = self._create_partner("Lan")
        self.assertEqual(self._quote(partner=lan).amount_total, 100)
        order = self._quote()
        order.partner_id = lan
        self.assertEqual(order.amount_total, 100)
        order.action_confirm()
        self.assertEqual(self._get_offer().state, "open")

    def test_a_copy_has_no_discount_of_its_own(self):
        self._offer()
        order = self._quote()
        order.action_confirm()
        self.assertEqual(order.copy().amount_total, 100)

    def test_the_higher_discount_counts(self):
        self._offer()
        order = self._quote()
        order.order_line.discount = 40
        order.action_confirm()
        self.assertEqual(order.amount_total, 60)
        self.assertEqual(self._get_offer().state, "open", "not taken: bought without")

    def test_a_quotation_that_is_too_old(self):
        self._offer()
        order = self._quote()
        with freeze_time("2026-03-29 12:00:00"):
            with self.assertRaisesRegex(UserError, "is over"), self.cr.savepoint():
                order.action_confirm()
            order.action_update_prices()
            self.assertEqual(order.amount_total, 100)
            order.action_confirm()

    def test_changes_after_the_order_change_what_was_given(self):
        self._offer()
        order = self._quote()
        order.action_confirm()
        order.order_line.product_uom_qty = 3
        self.assertEqual(order.amount_total, 210)
        self._pass_night()
        self.assertEqual(self._get_offer().amount_given, 90)
        self.assertEqual(self._get_offer().state, "redeemed")

    def test_a_payment_holds(self):
        """Who is paying has the offer; a payment that came to nothing gives it back."""
        self._offer()
        order, other = self._quote(), self._quote()
        order.sudo()._hold_offers()
        self.assertEqual(self._get_offer().state, "redeemed")
        with self.assertRaisesRegex(UserError, "was used"), self.cr.savepoint():
            other.sudo()._hold_offers()
        order.order_line.product_uom_qty = 2
        self.assertEqual(order.amount_total, 140, "kept while it is paid")
        self._pass_night()
        self.assertEqual(self._get_offer().state, "redeemed")
        with freeze_time("2026-03-17 12:00:00"):
            self._pass_night()
            self.assertEqual(self._get_offer().state, "open")
            order.action_confirm()
        self.assertEqual(self._get_offer().order_id, order)

    def test_a_line_taken_off_while_paying(self):
        self._offer(self.dresses, self.coats)
        order = self._quote(self.dress, self.coat)
        order.sudo()._hold_offers()
        order.order_line[0].unlink()
        order.action_confirm()
        self.assertEqual(self._get_offer().state, "open")
        self.assertEqual(self._get_offer(category=self.coats).state, "redeemed")

    def test_a_deleted_order_gives_back(self):
        self._offer()
        order = self._quote()
        order.action_confirm()
        order._action_cancel()
        order.sudo().unlink()
        self._pass_night()
        self.assertEqual(self._get_offer().state, "open")

    def test_queries(self):
        """A query to quote, none more to confirm; with offers the same for any size."""
        lan = self._create_partner("Lan")
        # Tiers change with what was bought, and cost queries when they do.
        self.env["res.partner.grade"].search([("is_tier", "=", True)]).is_tier = False
        sizes, costs = (1, 12), {}
        for partner in (self.partner, lan) * 3:
            # The third time all caches are warm.
            for size in sizes:
                costs[partner, size] = self._count_queries(partner, size)
        self._offer(self.dresses, self.coats)
        for size in sizes * 2:
            self._count_queries(lan, size)
        for size in sizes:
            quote, confirm = costs[lan, size]
            found = self._count_queries(lan, size)
            self.assertEqual(found, (quote + 1, confirm), "no list")
        for size in sizes:
            quote, confirm = costs[self.partner, size]
            found = self._count_queries(self.partner, size)
            self.assertEqual(found, (quote + 2, confirm + 2), "with offers")
            order = self._get_offer().order_id
            self.assertTrue(order)
            order._action_cancel()

    def _count_queries(self, partner, lines):
        """Return the queries to quote so many lines, and to confirm them."""
        self.env.flush_all()
        self.env.invalidate_all()
        products = [self.dress, self.coat] * 6
        start = self.cr.sql_log_count
        order = self._quote(*products[:lines], partner=partner)
        self.env.flush_all()
        middle = self.cr.sql_log_count
        order.action_confirm()
        self.env.flush_all()
        return middle - start, self.cr.sql_log_count - middle

    def test_roles(self):
        """Clerks and agents read lists; nobody writes them; plans are marketers'."""
        one = self._offer()
        for user in (self.clerk, self.agent):
            self.assertTrue(one.with_user(user).line_ids.read(["depth", "state"]))
            self.assertTrue(Form(one.with_user(user)).record)
        for user in (self.clerk, self.agent, self.salesperson):
            with self.assertRaises(AccessError):
                self.plan.with_user(user).action_dry_run()
            with self.assertRaises(AccessError):
                self.plan.with_user(user).action_stop()
        with self.assertRaises(AccessError):
            one.with_user(self.manager).write({"code": "X"})

    def test_an_offer_put_on_a_line_by_hand(self):
        """The offer of another customer is not taken, whoever wrote it there."""
        one = self._offer(partner=self._create_partner("Lan"))
        order = self._quote()
        order.order_line.hstyle_offer_line_id = one.line_ids.id
        with self.assertRaisesRegex(UserError, "Dresses was used"):
            order.action_confirm()


@tagged("post_install", "-at_install")
class TestOfferPortal(HstyleOffersCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env, login="mei", groups="base.group_portal", lang="en_US"
        )
        cls.partner = cls.user.partner_id

    def test_my_offers(self):
        lan = self._create_partner("Lan")
        for partner in (self.partner, lan):
            self._know(partner, self.dresses)
        self._run()
        mine, theirs = self._get_lists(self.partner), self._get_lists(lan)
        self.authenticate("mei", "mei")
        page = self.url_open("/my/offers").text
        self.assertIn(mine.code, page)
        self.assertIn(mine.line_ids._format_depth(), page)
        self.assertIn("Dresses", page)
        self.assertNotIn(theirs.code, page)
        self.assertIn("/my/offers", self.url_open("/my/home").text)
        other = self.url_open(f"/my/offers/{theirs.id}/pdf")
        self.assertTrue(other.url.endswith("/my/offers"))
        mine.line_ids.sudo().state = "redeemed"
        self.env.flush_all()
        self.assertRegex(self.url_open("/my/offers").text, re.compile("Used"))

    def test_nothing(self):
        self.authenticate("mei", "mei")
        self.assertIn("no offers for you", self.url_open("/my/offers").text)
        self.authenticate(None, None)
        self.assertIn("/web/login", self.url_open("/my/offers").url)
