import re

from odoo.tests import HttpCase, new_test_user, tagged

from .common import HstylePointsCommon, HstyleTiersCommon


@tagged("post_install", "-at_install")
class TestPortal(HstylePointsCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env, login="mei", groups="base.group_portal", lang="en_US"
        )
        cls.partner = cls.user.partner_id
        cls.program.reward_ids.required_points = 10

    def test_my_points(self):
        card = self._create_card(500)
        move = card._prepare_move
        card._post(
            [
                move("bonus", 77, "Birthday", expiration_date="2099-12-31"),
                *(move("bonus", 1, f"Gift {i}") for i in range(90)),
            ]
        )
        other = self._create_card(9, partner=self._create_partner("Lan"))
        self.authenticate("mei", "mei")
        page = self.url_open("/my/points").text
        self.assertIn("667 ", page)
        self.assertIn("12/31/2099", page)
        self.assertIn("Gift 89", page)
        self.assertNotIn("Birthday", page)
        self.assertIn("Birthday", self.url_open("/my/points/page/2").text)
        self.assertNotIn(other.code, page)
        self.assertIn("/my/points", self.url_open("/my/home").text)

    def test_a_row_of_a_deleted_order(self):
        order = self._sell(1)
        order._action_cancel()
        order.sudo().unlink()
        self.authenticate("mei", "mei")
        self.assertIn("cancelled", self.url_open("/my/points").text)

    def test_no_points_yet(self):
        self.authenticate("mei", "mei")
        self.assertIn("You have no points yet", self.url_open("/my/points").text)

    def test_only_for_who_logs_in(self):
        self.assertIn("/web/login", self.url_open("/my/points").url)

    def _quote(self):
        order = self._create_order(1)
        order.sudo().state = "sent"
        order.sudo()._portal_ensure_token()
        return order.sudo()

    def _choose(self, order, points, **data):
        url = order.get_portal_url()
        page = self.url_open(url).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        path = f"/my/orders/{order.id}/points"
        data = {"access_token": order.access_token, "points": points, **data}
        if token:
            data.setdefault("csrf_token", token[1])
        response = self.url_open(path, data=data)
        order.invalidate_recordset()
        return response

    def test_points_on_a_quotation(self):
        self._create_card(60)
        order = self._quote()
        for user in (None, "mei"):
            self.authenticate(user, user)
            self._choose(order, 40)
            self.assertEqual(order.amount_total, 60)
            self._choose(order, 0)
            self.assertEqual(order.amount_total, 100)
            for wrong in ("45", "70", "-10", "x", "nan", "inf"):
                page = self._choose(order, wrong).text
                self.assertIn("cannot be spent", page, wrong)
                self.assertEqual(order.amount_total, 100)

    def test_state_changes_by_post_with_a_token_only(self):
        self._create_card(60)
        order = self._quote()
        path = f"/my/orders/{order.id}/points"
        query = f"?access_token={order.access_token}&points=40"
        self.assertEqual(self.url_open(path + query).status_code, 405)
        self.assertEqual(self._choose(order, 40, csrf_token="x").status_code, 400)
        self._choose(order, 40, access_token="wrong")
        self.assertEqual(order.amount_total, 100)
        order.action_confirm()
        self._choose(order, 40)
        self.assertEqual(order.amount_total, 100)

    def test_the_order_of_somebody_else(self):
        other = self._create_partner("Lan")
        self._create_card(60, partner=other)
        order = self._create_order(1, partner=other)
        self.authenticate("mei", "mei")
        self._choose(order.sudo(), 40, access_token="")
        self.assertEqual(order.amount_total, 100)


@tagged("post_install", "-at_install")
class TestMembershipPortal(HstyleTiersCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env, login="mei", groups="base.group_portal", lang="en_US"
        )
        cls.partner = cls.user.partner_id
        values = {"name": "Free return", "grade_id": cls.gold.id, "quota": 2}
        cls.benefit = cls.env["hstyle.benefit"].create(values)

    def test_no_member_yet(self):
        self.authenticate("mei", "mei")
        page = self.url_open("/my/membership").text
        self.assertIn("You are no member yet", page)
        self.assertNotIn("visit_moment", page)
        self.assertIn("/my/membership", self.url_open("/my/home").text)

    def test_my_membership(self):
        other = self._create_partner("Lan")
        (self.partner | other).sudo().grade_id = self.gold
        self.benefit._use(self.partner)
        self.authenticate("mei", "mei")
        page = self.url_open("/my/membership").text
        self.assertIn("Gold", page)
        self.assertIn("more until Platinum", page)
        self.assertIn("To keep Gold", page)
        self.assertIn("1 of 2", page)
        self.assertNotIn("visit_moment", page, "nobody to visit")

    def test_only_for_who_logs_in(self):
        self.assertIn("/web/login", self.url_open("/my/membership").url)

    def _announce(self, **data):
        page = self.url_open("/my/membership").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        data = {"csrf_token": token[1], "place": "Gate 2", **data}
        return self.url_open("/my/visit", data=data)

    def test_a_visit(self):
        manager = new_test_user(self.env, login="ann", groups="base.group_user")
        self.env["hstyle.account.manager"].create({"user_id": manager.id})
        self.gold.has_manager = True
        self.partner.sudo().grade_id = self.gold
        self.authenticate("mei", "mei")
        note = "<script>alert(1)</script>"
        page = self._announce(moment="2099-05-01T14:30", note=note).text
        self.assertIn("looking forward to your visit", page)
        event = self.env["calendar.event"].search([("user_id", "=", manager.id)])
        self.assertEqual((event.location, len(event)), ("Gate 2", 1))
        self.assertNotIn("<script>", event.description)
        self.assertIn("Choose a day", self._announce(moment="2000-01-01T10:00").text)
        response = self.url_open("/my/visit?moment=2099-05-01T14:30&place=x")
        self.assertEqual(response.status_code, 405)
        self.url_open("/my/visit", data={"moment": "2099-05-01T14:30", "place": "x"})
        self.assertEqual(
            self.env["calendar.event"].search_count([("user_id", "=", manager.id)]), 1
        )
