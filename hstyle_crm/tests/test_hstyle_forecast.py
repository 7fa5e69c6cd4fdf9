from datetime import timedelta

import numpy as np

from odoo import fields
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import mute_logger

from ..models.hstyle_profile_refresh import LABELS, SUMS
from ..models.hstyle_profile_score import SCORES
from ..tools import clv
from .common import HstyleCommon
from .test_clv import WORLD, simulate

TODAY = "2026-03-15 12:00:00"
BUYERS = 560


@tagged("post_install", "-at_install")
@freeze_time(TODAY)
class TestHstyleForecast(HstyleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.forecasts = cls.env["hstyle.forecast"]
        cls.profiles = cls.env["hstyle.profile"]
        cls.today = fields.Date.to_date(TODAY[:10])
        cls._sell(cls.shop, BUYERS)

    @classmethod
    def _sell(cls, shop, count):
        """Let new customers order as the model has it, over two years."""
        draw = np.random.default_rng(11)
        ages = draw.integers(1, 730, count)
        partners = cls.env["res.partner"].create(
            [{"name": f"Buyer {number}"} for number in range(count)]
        )
        rows = [
            (partner, cls.today - timedelta(days=int(age) - int(7 * week)))
            for partner, age, weeks in zip(
                partners, ages, simulate(draw, count, WORLD, ages / 7), strict=True
            )
            for week in (0, *weeks)
        ]
        cls._order(shop, rows, draw.gamma(3, 50, len(rows)))
        cls.profiles._refresh()
        return partners

    @classmethod
    def _order(cls, shop, rows, amounts):
        number = cls.env["hstyle.order"].search_count([])
        cls.env["hstyle.order"].create(
            [
                {
                    "name": f"{number + place}",
                    "shop_id": shop.id,
                    "partner_id": partner.id,
                    "date_order": fields.Datetime.to_datetime(day),
                    "state": "paid",
                    "amount_paid": round(float(amount), 2),
                    "amount_refund": 0,
                }
                for place, ((partner, day), amount) in enumerate(
                    zip(rows, amounts, strict=True)
                )
            ]
        )

    def _make(self, company=None):
        return self.forecasts._make(company or self.company)

    def _dump(self, *names):
        """Return the profiles as they stand in the database."""
        self.env.flush_all()
        names = ", ".join(("company_id", "partner_id", *names))
        self.env.cr.execute(f"SELECT {names} FROM hstyle_profile ORDER BY 1, 2")
        return self.env.cr.fetchall()

    def _open_company(self, count=0):
        company = self.env["res.company"].create({"name": "Other", "hstyle_tz": "UTC"})
        shop = self._create_shop("Second", company_id=company.id)
        self._sell(shop, count)
        return company

    def test_days_with_an_order(self):
        partner = self._create_partner("Mei")
        yesterday = self.today - timedelta(days=1)
        rows = [(partner, yesterday), (partner, yesterday), (partner, self.today)]
        self._order(self.shop, rows, [1, 2, 3])
        self.profiles._refresh()
        profile = self._get_profile(partner)
        self.assertEqual((profile.order_count, profile.order_days), (3, 2))

    def test_scores_are_the_tools(self):
        """Each customer has what the tool says of the customer's own orders."""
        forecast = self._make()
        self.assertRecordValues(
            forecast,
            [
                {
                    "state": "fitted",
                    "reason": False,
                    "date": self.today,
                    "version": clv.VERSION,
                    "buyer_count": BUYERS,
                    "company_id": self.company.id,
                }
            ],
        )
        orders = self.env["hstyle.order"].search([]).grouped("partner_id")
        model = clv.Purchases(forecast.r, forecast.alpha, forecast.a, forecast.b)
        prices = clv.Spending(forecast.p, forecast.q, forecast.gamma)
        profiles = self.profiles.search([])
        self.assertEqual(len(profiles), BUYERS)
        for profile in profiles:
            days = sorted({o.date_order.date() for o in orders[profile.partner_id]})
            total = sum(orders[profile.partner_id].mapped("amount_paid"))
            age = (self.today - days[0]).days / 7
            known = (len(days) - 1, (days[-1] - days[0]).days / 7, age)
            expected = float(model.get_expected(*known))
            self.assertEqual(profile.forecast_id, forecast)
            self.assertAlmostEqual(profile.expected_orders_12m, expected, delta=1e-4)
            self.assertAlmostEqual(
                profile.expected_value_12m,
                expected * prices.get_expected(len(days), total),
                delta=0.1,
            )
            alive = float(model.get_alive(*known)) if len(days) > 1 else 0
            self.assertAlmostEqual(profile.p_alive, alive, delta=1e-4)

    def test_fit_is_the_tools(self):
        """The cells of the database are the customers."""
        forecast = self._make()
        profiles = self.profiles.search([])
        first, last = (
            np.array([p[name].toordinal() for p in profiles])
            for name in ("first_order_on", "last_order_on")
        )
        x = np.array(profiles.mapped("order_days")) - 1
        found = clv.fit_purchases(
            x, (last - first) / 7, (self.today.toordinal() - first) / 7, x * 0 + 1
        )
        for name, value in vars(found).items():
            self.assertAlmostEqual(forecast[name] / value, 1, places=3)
        self.assertEqual(forecast.repeater_count, (x > 0).sum())
        self.assertEqual(forecast.day_count, self.today.toordinal() - first.min())

    def test_refresh_leaves_predictions_alone(self):
        self._make()
        before = self._dump(*SCORES)
        for options in ({}, {"full": True}):
            done = self.profiles._refresh(**options)
            self.assertFalse(done["inserted"] + done["updated"] + done["deleted"])
        with freeze_time("2026-06-15 12:00:00"):
            self.profiles._refresh()
            incremental = self._dump(*SUMS, *LABELS)
            self.profiles._refresh(full=True)
            self.assertEqual(incremental, self._dump(*SUMS, *LABELS))
        self.assertEqual(before, self._dump(*SCORES), "as of the forecast's day")

    def test_only_changed_rows_are_written(self):
        forecast = self._make()
        with freeze_time("2026-03-18 12:00:00"):
            self.assertEqual(self.profiles._score(forecast), 0)
            partner = self.profiles.search([], limit=1).partner_id
            self._order(self.shop, [(partner, self.today)], [1000])
            self.profiles._refresh()
            self.assertEqual(self.profiles._score(forecast), 1)

    def test_new_buyer_has_no_prediction(self):
        self._make()
        partner = self._create_partner("Mei")
        self._order(self.shop, [(partner, self.today)], [10])
        self.profiles._refresh()
        profile = self._get_profile(partner)
        self.assertFalse(profile.forecast_id)
        nulls = [row[2:] for row in self._dump(*SCORES) if row[1] == partner.id]
        self.assertEqual(nulls, [(None,) * 4])
        for name in SCORES[:3]:
            self.assertNotIn(profile, self.profiles.search([(name, "<", 1e9)]), name)
            self.assertNotIn(profile, self.profiles.search([(name, "=", 0)]), name)
            self.assertIn(profile, self.profiles.search([(name, "=", False)]), name)
        [average] = self.profiles.formatted_read_group(
            [("partner_id", "=", partner.id)], [], ["p_alive:avg"]
        )
        self.assertFalse(average["p_alive:avg"])
        rows = self._open_download(profile.action_export())
        # Empty cells at the end of a row are cut off.
        cells = dict(zip(*rows, strict=False))
        self.assertFalse(cells["Expected revenue, next 12 months"])

    def test_who_came_once_may_come_back(self):
        self._make()
        once = self.profiles.search([("order_days", "=", 1)])
        self.assertTrue(once and all(once.mapped("expected_orders_12m")))
        self.assertFalse(once & self.profiles.search([("p_alive", "<=", 1)]))

    def test_thin_data_in_words(self):
        company = self._open_company(20)
        forecast = self._make(company)
        self.assertEqual((forecast.state, forecast.reason), ("thin", "buyers"))
        form = Form(forecast.with_user(self.env.user))
        self.assertEqual(form.reason, "buyers")
        self.assertIn("500", dict(forecast._fields["reason"].selection)["buyers"])
        self.assertFalse(
            self.profiles.search([("company_id", "=", company.id)]).forecast_id
        )

    def test_thin_data_takes_predictions_away(self):
        self._make()
        paid = self.env["hstyle.order"].search([], order="id desc", limit=2000)
        gone = paid.partner_id[:100]
        paid.filtered(lambda order: order.partner_id in gone).unlink()
        self.profiles._refresh()
        self.assertEqual(self._make().reason, "buyers")
        self.assertFalse(self.profiles.search([("forecast_on", "!=", False)]))
        self.assertEqual({row[2:] for row in self._dump(*SCORES)}, {(None,) * 4})

    def test_companies_are_apart(self):
        company = self._open_company(BUYERS + 40)
        ours = self._make()
        self.assertFalse(
            self.profiles.search([("company_id", "=", company.id)]).forecast_id
        )
        mine = [row for row in self._dump(*SCORES) if row[0] == self.company.id]
        theirs = self._make(company)
        self.assertEqual(theirs.buyer_count, BUYERS + 40)
        self.assertEqual(
            mine, [row for row in self._dump(*SCORES) if row[0] == self.company.id]
        )
        profiles = self.profiles.search([("company_id", "=", company.id)])
        self.assertEqual(profiles.forecast_id, theirs)
        visible = self.forecasts.with_user(self.marketer).search([])
        self.assertEqual(visible, ours)

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_forecast").method_direct_trigger()

    def test_cron_goes_on(self):
        """Who has a forecast of this week is left; who failed is tried again."""
        company = self._open_company(3)
        real = type(self.forecasts)._make

        def fail(forecasts, which):
            if which == self.company:
                raise ValueError("planted")
            return real(forecasts, which)

        self.patch(type(self.forecasts), "_make", fail)
        with mute_logger("odoo.addons.hstyle_crm.models.hstyle_forecast"):
            self._run_cron()
        self.assertEqual(self.forecasts.search([]).company_id, company)
        self.patch(type(self.forecasts), "_make", real)
        self._run_cron()
        self.assertEqual(self.forecasts.search([]).company_id, company | self.company)
        for day, count in (("21", 2), ("22", 4)):
            with freeze_time(f"2026-03-{day} 12:00:00"):
                self._run_cron()
                self.assertEqual(self.forecasts.search_count([]), count)

    def test_profiles_show_it(self):
        self._make()
        profile = self.profiles.with_user(self.clerk).search([], limit=1)
        read = profile.web_read(
            {"forecast_id": {"fields": {"display_name": {}}}, "p_alive": {}}
        )
        self.assertIn("2026-03-15", read[0]["forecast_id"]["display_name"])
