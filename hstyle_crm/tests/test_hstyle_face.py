from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from ..models.hstyle_face import TILES
from .customer_common import HstyleCustomerCommon
from .test_hstyle_satisfaction import NOW


@tagged("post_install", "-at_install")
class TestHstyleFace(HstyleCustomerCommon):
    def _get_face(self, partner=None, user=None):
        self.env.invalidate_all()
        partner = (partner or self.partner).with_user(user or self.agent)
        return {tile["key"]: tile for tile in partner.hstyle_face or []}

    def test_who_is_this(self):
        """Every tile, against the records that it speaks of."""
        self._live()
        self.env["hstyle.profile"]._refresh()
        self.partner.user_id = self.salesperson
        face = self._get_face()
        self.assertEqual([*face], [key for key in TILES if key != "forecast"])
        self.assertEqual(face["now"]["value"], "Satisfaction fell")
        self.assertEqual(face["tier"]["value"], "Gold")
        self.assertIn(self.partner.tier_keep_text, face["tier"]["detail"])
        self.assertEqual(face["points"]["value"], "1,410")
        self.assertIn("1,410", face["value"]["value"])
        self.assertIn("Grade", face["value"]["detail"])
        self.assertEqual(face["satisfaction"]["value"], "4 of 5")
        self.assertEqual(face["satisfaction"]["detail"], "5 → 4")
        self.assertEqual(face["satisfaction"]["tone"], "danger")
        self.assertEqual(face["service"]["value"], "2")
        self.assertEqual(face["service"]["tone"], "danger", "A deadline is over.")
        self.assertIn("2099", face["service"]["detail"])
        self.assertEqual(face["people"]["value"], self.salesperson.name)

    def test_a_click_leads_on(self):
        self._live()
        self.env["hstyle.profile"]._refresh()
        partner = self.partner.with_user(self.agent)
        actions = {tile["action"] for tile in partner.hstyle_face if "action" in tile}
        self.assertTrue(actions)
        for name in actions:
            self.assertIn("res_model", getattr(partner, name)())

    def test_a_stranger_has_no_face(self):
        self.assertFalse(self._get_face(self._create_partner("Supplier")))
        with Form(self.env["res.partner"]) as form:
            form.name = "New"
            self.assertFalse(form.hstyle_face)

    def test_contact_of_a_company(self):
        firm = self._create_partner("Firm", is_company=True)
        contact = self._create_partner("Buyer", parent_id=firm.id)
        self._sell(partner=contact)
        self.assertEqual(self._get_face(contact), self._get_face(firm))
        self.assertTrue(self._get_face(contact))

    def test_points_that_expire(self):
        card = self._create_card()
        today = self.company._hstyle_today()
        days = [fields.Date.add(today, days=n) for n in (40, 10)]
        card._post(
            [
                {**card._prepare_move("bonus", points, "x"), "expiration_date": day}
                for points, day in zip((30, 20), days, strict=True)
            ]
        )
        detail = self._get_face()["points"]["detail"]
        self.assertTrue(detail.startswith("20 expire on"), detail)

    def test_why_now(self):
        self._sell()
        task = {"partner_id": self.partner.id, "user_id": self.agent.id}
        task |= {"company_id": self.company.id, "reason": "call", "name": "Asked us"}
        self.env["hstyle.todo"]._add([task])
        tile = self._get_face()["now"]
        self.assertEqual((tile["value"], tile["detail"]), ("Call back", "Asked us"))

    def test_overdue(self):
        profile = self._get_overdue_profile()
        self.assertEqual(self._get_face()["orders"]["tone"], "warning")
        profile.sudo().next_order_to = "2099-01-01"
        self.assertFalse(self._get_face()["orders"]["tone"])

    def _get_overdue_profile(self):
        self._sell()
        self.env["hstyle.profile"]._refresh()
        profile = self._get_profile(self.partner)
        profile.next_order_from, profile.next_order_to = "2020-01-01", "2020-02-01"
        return profile

    def test_forecast(self):
        """The predicted value stands with its interval, or not at all."""
        self._sell()
        self.env["hstyle.profile"]._refresh()
        self.assertNotIn("forecast", self._get_face())
        today = self.company._hstyle_today()
        self.env["hstyle.forecast"].create(
            {
                "company_id": self.company.id,
                "date": today,
                "version": "x",
                "state": "fitted",
                "r": 0.5,
            }
        )
        self._get_profile(self.partner).write(
            {
                "forecast_on": today,
                "expected_orders_12m": 4,
                "expected_value_12m": 400,
                "order_days": 6,
                "p_alive": 1,
            }
        )
        tile = self._get_face()["forecast"]
        self.assertIn("400", tile["value"])
        least, most = self._get_profile(self.partner)._get_expected_range()
        self.assertLess(least, 400)
        self.assertGreater(most, 400)
        self.assertIn(f"{most:,.0f}", tile["detail"])

    def test_trend(self):
        self.partner.email = "mei@example.com"
        for number, (score, tone) in enumerate(
            [(3, "danger"), (4, ""), (5, "success"), (5, "success"), (4, "danger")]
        ):
            self._rate(score, self.partner, fields.Datetime.add(NOW, days=40 * number))
            face = self._get_face()["satisfaction"]
            self.assertEqual(face["tone"], tone)
        self.assertEqual(face["detail"], "5 → 5 → 4")

    def test_late_promise(self):
        with freeze_time(NOW):
            self.env["hstyle.promise"].create(
                {"name": "Call", "partner_id": self.partner.id, "due_on": NOW.date()}
            )
        self.ticket.stage_id = self.stages["solved"]
        self.assertEqual(self._get_face()["service"]["tone"], "danger")

    def test_other_companies(self):
        """Of what another company knows, nothing is said."""
        self._live()
        self.env["hstyle.profile"]._refresh()
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            login="stranger",
            groups="hstyle_crm.hstyle_crm_group_manager",
            company_id=other.id,
            company_ids=[fields.Command.set(other.ids)],
        )
        self.assertFalse(self._get_face(user=stranger))

    def test_nobody_else(self):
        employee = new_test_user(self.env, login="employee", groups="base.group_user")
        with self.assertRaises(AccessError):
            self._get_face(user=employee)

    def test_constant_queries(self):
        """The form of a customer of many orders reads as often as one of few."""
        few = self._live(self._create_partner("Few"))
        many = self._live(self._create_partner("Many"), times=4)
        self.env["hstyle.profile"]._refresh()
        model = self.env["res.partner"].with_user(self.agent)
        shown = self._get_specification("base.view_partner_form", self.agent)
        self.assertIn("hstyle_face", shown)
        counts = []
        for partner in (many, few, many):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            model.browse(partner.id).web_read(shown)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])
