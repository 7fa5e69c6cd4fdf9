import random
from datetime import timedelta
from itertools import pairwise
from statistics import median

import pandas as pd

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import freeze_time, tagged

from ..models import hstyle_profile, hstyle_profile_refresh
from ..models.hstyle_profile_refresh import LABELS, SUMS
from ..tools import rfm
from .common import HstyleCommon

TODAY = "2026-03-15 12:00:00"
HEADER = ("order number", "date", "buyer", "paid", "refund", "status")


@tagged("post_install", "-at_install")
@freeze_time(TODAY)
class TestHstyleProfile(HstyleCommon):
    def _buy(self, *rows):
        """Import orders: (number, days ago, buyer, paid[, refund[, status]])."""
        now = fields.Datetime.now()
        sheet = []
        for number, days, buyer, paid, *rest in rows:
            refund, status = [*rest, "", ""][:2]
            date = (now - timedelta(days=days)).isoformat(" ", "seconds")
            sheet.append([number, date, buyer, paid, refund, status])
        done = self._import(sheet, HEADER)
        self.assertFalse(done.rejected_count)

    def _refresh(self, **options):
        return self.env["hstyle.profile"]._refresh(**options)

    def _dump(self):
        """Return every profile as it stands in the database, without ids."""
        names = ", ".join(("company_id", "partner_id", *SUMS, *LABELS))
        self.env.cr.execute(f"SELECT {names} FROM hstyle_profile ORDER BY 1, 2")
        return self.env.cr.fetchall()

    def _profile_of(self, ref):
        return self._get_profile(self._get_buyer(ref))

    def test_sums(self):
        self._buy(
            ("1", 400, "mei", 10),
            ("2", 300, "mei", 20, 5),
            ("3", 300, "mei", 30),
            ("4", 100, "mei", 40),
            ("5", 800, "mei", 50),
            ("6", 10, "mei", 60, 0, "交易关闭"),
            ("7", 10, "mei", 70, 0, "等待买家付款"),
        )
        self._refresh()
        self.assertRecordValues(
            self._profile_of("mei"),
            [
                {
                    "order_count": 5,
                    "revenue": 145,
                    "refund": 5,
                    "first_order_on": fields.Date.today() - timedelta(days=800),
                    "last_order_on": fields.Date.today() - timedelta(days=100),
                    "order_count_12m": 3,
                    "revenue_12m": 85,
                    "order_count_prev_12m": 1,
                    "revenue_prev_12m": 10,
                    "gap_days": 200,
                }
            ],
        )

    def test_stages(self):
        self._buy(
            ("1", 89, "new", 1),
            ("2", 89, "active", 1),
            ("3", 200, "active", 1),
            ("4", 90, "lapsing", 1),
            ("5", 180, "lapsed", 1),
            ("6", 365, "lost", 1),
        )
        self._refresh()
        for stage in dict(hstyle_profile.STAGES):
            self.assertEqual(self._profile_of(stage).stage, stage)

    def test_stage_days_are_the_companys(self):
        self._buy(("1", 50, "mei", 1))
        self.company.hstyle_active_days = 50
        self._refresh()
        self.assertEqual(self._profile_of("mei").stage, "lapsing")
        with self.assertRaisesRegex(ValidationError, "must grow"):
            self.company.hstyle_active_days = 180

    def test_one_time_buyers_score_low(self):
        """Most customers bought once: they are the worst, not the middle."""
        self._buy(*[(f"{n}", n, f"once{n}", 10) for n in range(8)])
        self._buy(*[(f"t{n}", n, "twice", 10) for n in range(2)])
        self._refresh()
        self.assertEqual(self._profile_of("once0").f_score, 1)
        self.assertEqual(self._profile_of("twice").f_score, 5)

    def test_ties_of_recency_score_high(self):
        """Most customers ordered today: they are the best, not the worst."""
        self._buy(*[(f"{n}", 0, f"today{n}", 10) for n in range(8)])
        self._buy(("a", 3, "before", 10), ("b", 9, "long", 10))
        self._refresh()
        scores = [self._profile_of(ref).r_score for ref in ("today0", "before", "long")]
        self.assertEqual(scores, [5, 1, 1])

    def test_grades(self):
        self._buy(
            *[(f"{n}", 1, f"b{n}", paid) for n, paid in enumerate((80, 15, 5, 0))]
        )
        self._refresh()
        grades = [self._profile_of(f"b{n}").abc for n in range(4)]
        self.assertEqual(grades, ["a", "b", "c", "c"])

    def _draw_orders(self, draw, count, tag):
        return [
            (
                f"{tag}{n}",
                draw.choice([0, 1, 30, 89, 90, 91, 364, 365, 366, 700, 730, 731]),
                f"b{int(draw.paretovariate(0.7)) % 60}",
                draw.choice([0, 10, 19.99, 100, 1234.56]),
                draw.choice([0, 0, 0, 10]),
                draw.choice(["", "", "", "交易关闭"]),
            )
            for n in range(count)
        ]

    def test_labels_by_pandas(self):
        """An independent recomputation on the same orders gives the same profiles."""
        orders = self._draw_orders(random.Random(7), 600, "R")
        self._buy(*orders)
        self._refresh()
        frame = pd.DataFrame(
            orders, columns=["no", "days", "buyer", "paid", "refund", "status"]
        )
        frame = frame[frame.status == ""]
        net = (frame.paid - frame.refund).round(2)
        expected = (
            frame.assign(net=net)
            .groupby("buyer")
            .agg(
                r=("days", "min"),
                f=("no", "count"),
                m=("net", "sum"),
                days=("days", list),
            )
        )
        expected["m"] = expected["m"].round(2)
        for column in "rfm":
            ordered = sorted(expected[column])
            cuts = [ordered[-(-len(ordered) * i // 5) - 1] for i in range(1, 5)]
            expected[f"{column}_score"] = [
                1 + sum(value > cut for cut in cuts) for value in expected[column]
            ]
        expected["r_score"] = 6 - expected["r_score"]  # Days since: fewer are better.
        for buyer, row in expected.iterrows():
            profile = self._profile_of(buyer)
            scores = [int(row[f"{column}_score"]) for column in "rfm"]
            self.assertEqual(
                [profile.r_score, profile.f_score, profile.m_score], scores, buyer
            )
            self.assertEqual(profile.rfm_group, rfm.group(*scores))
            self.assertEqual((profile.order_count, profile.revenue), (row.f, row.m))
            days = sorted(set(row.days))
            gaps = [later - day for day, later in pairwise(days)]
            self.assertEqual(profile.gap_days, median(gaps) if gaps else 0)
        self.assertEqual(self._count("hstyle.profile"), [len(expected)])

    def test_incremental_equals_full(self):
        """Whatever happens from day to day, both ways give the same rows."""
        draw = random.Random(3)
        self._buy(*self._draw_orders(draw, 200, "A"))
        self._refresh(full=True)
        for day in range(6):
            with freeze_time(
                fields.Datetime.to_datetime(TODAY) + timedelta(days=day * 3)
            ):
                self._buy(*self._draw_orders(draw, 20, f"D{day}-"))
                self._buy(*self._draw_orders(draw, 10, "A"))
                orders = self.env["hstyle.order"].search([], order="id")
                draw.choice(orders).unlink()
                orders = orders.exists()
                draw.choice(orders).partner_id = draw.choice(orders.partner_id)
                self._refresh(limit=7)
                self._refresh()
                incremental = self._dump()
                again = self._refresh()
                self.assertEqual(again.total(), 0, "a second run changes nothing")
                self._refresh(full=True)
                self.assertEqual(incremental, self._dump())

    def assertIncrementalIsFull(self):
        self._refresh()
        incremental = self._dump()
        self._refresh(full=True)
        self.assertEqual(incremental, self._dump())

    def test_another_timezone_or_clock(self):
        self._buy(*self._draw_orders(random.Random(5), 60, "Z"))
        self._refresh()
        self.company.hstyle_tz = "America/New_York"
        self.assertIncrementalIsFull()
        for day in ("2026-03-07", "2026-03-09", "2026-02-01", "2024-02-29"):
            with freeze_time(f"{day} 12:00:00"):
                self.assertIncrementalIsFull()

    def test_archived_company(self):
        company = self.env["res.company"].create({"name": "Other"})
        shop = self._create_shop("Second", company_id=company.id)
        self._refresh()
        company.active = False
        rows = [("1", "2026-03-01", "a", "7", "", "")]
        self._import(rows, HEADER, shop=shop, user=self.env.user)
        self._refresh()
        company.active = True
        self.assertEqual(self._profile_of("a").revenue, 7)

    def test_refresh_now(self):
        self.assertTrue(
            self.env["hstyle.profile"].with_user(self.manager).action_refresh()
        )
        settings = self.env["res.config.settings"]
        for user in (self.agent, self.marketer, self.env.ref("base.public_user")):
            with self.assertRaises(AccessError):
                settings.with_user(user).action_hstyle_refresh()

    def test_days_pass_without_orders(self):
        self._buy(("1", 364, "mei", 10), ("2", 80, "lan", 10), ("3", 1, "lan", 10))
        self._refresh()
        self.assertEqual(self._profile_of("mei").order_count_12m, 1)
        with freeze_time("2026-03-16 12:00:00"):
            self._refresh()
            self.assertEqual(self._profile_of("mei").order_count_12m, 0)
            self.assertEqual(self._profile_of("mei").stage, "lost")
            incremental = self._dump()
            self._refresh(full=True)
            self.assertEqual(incremental, self._dump())

    def test_day_is_the_companys(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        header = ("order number", "date", "buyer", "paid")
        self._import([("1", "2026-03-01 20:00:00", "mei", "1")], header)
        self._refresh()
        self.assertEqual(str(self._profile_of("mei").last_order_on), "2026-03-02")

    def test_companies(self):
        company = self.env["res.company"].create({"name": "Other"})
        shop = self._create_shop("Second", company_id=company.id)
        partner = self._create_partner(phone="13812345678")
        header = ("order number", "date", "phone", "paid")
        rows = [("1", "2026-03-01", "13812345678", "7")]
        self._import(rows, header)
        self._import(rows, header, shop=shop, user=self.env.user)
        self._refresh()
        profiles = self._get_profile(partner)
        self.assertEqual(profiles.mapped("revenue"), [7, 7])
        self.assertEqual(profiles.company_id, self.company | company)

    def test_cron(self):
        self.patch(hstyle_profile_refresh, "BATCH", 2)
        self._buy(*[(f"{n}", n, f"b{n}", 10) for n in range(9)])
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_profile").method_direct_trigger()
        self.assertEqual(self._count("hstyle.profile", "hstyle.profile.dirty"), [9, 0])

    def test_partners_are_not_written(self):
        self._buy(("1", 1, "mei", 10))
        stamp = self._get_buyer("mei").write_date
        self._refresh()
        self.assertEqual(self._get_buyer("mei").write_date, stamp)

    def test_kanban_shows_all_stages(self):
        self._buy(("1", 1, "mei", 10))
        self._refresh()
        profiles = self.env["hstyle.profile"].with_context(read_group_expand=True)
        groups = profiles.web_read_group([], ["stage"], ["revenue:sum"])
        stages = [group["stage"] for group in groups["groups"]]
        self.assertEqual(stages, list(dict(hstyle_profile.STAGES)))

    def test_open_partner(self):
        self._buy(("1", 1, "mei", 10))
        self._refresh()
        profile = self._profile_of("mei").with_user(self.agent)
        self.assertEqual(profile.action_open_partner()["res_id"], profile.partner_id.id)
