"""Campaigns in the hands of a marketer: drawn once, sent to the treated, measured."""

import itertools
import random
from collections import Counter
from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import SQL

from ..tools import hashing
from .common import HstylePointsCommon

#: The day of the launch, in UTC and of the company.
DAY = "2026-03-10"
_NUMBERS = itertools.count(1)


class CampaignCommon(HstylePointsCommon):
    """Customers of a shop, and campaigns for them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {"hstyle_opt_in": False, "hstyle_quiet_from": 0, "hstyle_quiet_to": 0}
        )
        cls.tag = cls.env["res.partner.category"].create({"name": "Audience"})
        cls.people = cls._create_people(400)

    @classmethod
    def _create_people(cls, number, prefix="P"):
        return cls.env["res.partner"].create(
            [
                {
                    "name": f"{prefix}{n}",
                    "email": f"{prefix}{n}@example.com",
                    "category_id": [Command.link(cls.tag.id)],
                }
                for n in range(number)
            ]
        )

    def _plan(self, user=None, **values):
        values = {
            "title": "Spring",
            "hstyle_domain": f"[('category_id', '=', {self.tag.id})]",
            "hstyle_days": 10,
            **values,
        }
        campaigns = self.env["utm.campaign"].with_user(user or self.marketer)
        return campaigns.create(values)

    def _launch(self, day=DAY, **values):
        campaign = self._plan(**values)
        with freeze_time(f"{day} 09:00:00"):
            campaign.action_hstyle_launch()
        return campaign

    def _prepare_order(self, partner, amount, moment, shop=None, **values):
        return {
            "name": f"M{next(_NUMBERS)}",
            "shop_id": (shop or self.shop).id,
            "partner_id": partner.id,
            "date_order": moment,
            "state": "paid",
            "amount_paid": amount,
            "amount_refund": 0,
            **values,
        }

    def _order(self, *args, **options):
        """Let a customer buy on a marketplace."""
        values = self._prepare_order(*args, **options)
        return self.env["hstyle.order"].create(values)

    def _merge(self, survivor, partners):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        survivor = survivor.with_env(self.env)
        wizard._merge(partners.ids, survivor, extra_checks=False)
        self.env.invalidate_all()

    def _get_arms(self, campaign):
        return {m.partner_id: (m.arm, m.variant) for m in campaign.hstyle_member_ids}

    def _get_group(self, campaign, arm):
        members = campaign.hstyle_member_ids.filtered(lambda m: m.arm == arm)
        return members.partner_id

    def _create_wave(self, campaign, **values):
        """Create a wave as a marketer does, to all contacts."""
        values = {
            "subject": "News",
            "body_html": "<p>News</p>",
            "campaign_id": campaign.id,
            "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
            "mailing_domain": "[]",
            "user_id": self.marketer.id,
            **values,
        }
        return self.env["mailing.mailing"].with_user(self.marketer).create(values)


@tagged("post_install", "-at_install")
class TestDraw(CampaignCommon):
    def test_python_and_sql_agree(self):
        ids = [1, 2, 3, 99, 12345, 2**31 - 1]
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %s FROM unnest(%s) id",
                SQL(hashing.DRAW, "salt 会员", SQL("id")),
                ids,
            )
        )
        expected = [(n, hashing.draw("salt 会员", n)) for n in ids]
        self.assertEqual(sorted(rows), sorted(expected))

    def test_groups_follow_from_the_draws(self):
        campaign = self._launch(hstyle_holdout=15, hstyle_share_a=40)
        salt = campaign.sudo().hstyle_salt
        arms = self._get_arms(campaign)
        self.assertEqual(set(arms), set(self.people))
        for partner, (arm, variant) in arms.items():
            control = hashing.draw(salt, partner.id) < 1500
            self.assertEqual(arm, "control" if control else "treated")
            is_a = hashing.draw(f"{salt}:ab", partner.id) < 4000
            expected = False if control else "a" if is_a else "b"
            self.assertEqual(variant, expected)
        sizes = Counter(arms.values())
        self.assertAlmostEqual(sizes["control", False], 60, delta=30)
        self.assertAlmostEqual(sizes["treated", "a"], 136, delta=45)

    def test_whom_it_is_for(self):
        """Neither contacts of a customer, nor colleagues, nor strangers."""
        company = self._create_partner(
            "Firm", is_company=True, category_id=self.tag.ids
        )
        child = self._create_partner(
            "Child", parent_id=company.id, category_id=self.tag.ids
        )
        colleague = new_test_user(self.env, login="colleague").partner_id
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self._create_partner("Theirs", company_id=other.id)
        gone = self._create_partner("Gone", active=False)
        ours = self.company.partner_id
        (colleague | theirs | gone | ours).category_id = self.tag
        drawn = self._launch().hstyle_member_ids.partner_id
        self.assertIn(company, drawn)
        self.assertFalse(drawn & (child | colleague | theirs | gone | ours))

    def test_joining_changes_nothing(self):
        campaign = self._launch()
        before = self._get_arms(campaign)
        self._create_people(50, "New")
        self.people[:20].category_id = False
        self.env.invalidate_all()
        self.assertEqual(self._get_arms(campaign), before)
        with self.assertRaises(UserError):
            campaign.action_hstyle_launch()
        self.assertEqual(self._get_arms(campaign), before)

    def test_merge_keeps_the_own_group(self):
        """Whoever of the two survives has the group that he was drawn into."""
        campaign, second = self._launch(), self._launch()
        control = self._get_group(campaign, "control")
        treated = self._get_group(campaign, "treated")
        before = {c: self._get_arms(c) for c in (campaign, second)}
        pairs = [
            (control[0], treated[0]),
            (treated[1], control[1]),
            (treated[2], control[2]),
        ]
        stranger = self._create_partner("Stranger")
        pairs.append((stranger, control[3]))
        # Where only one of the two was drawn, the group stays with whom is left.
        only = [("id", "in", [treated[0].id, control[1].id])]
        third = self._launch(hstyle_domain=repr(only), hstyle_holdout=0)
        for survivor, gone in pairs:
            self._merge(survivor, (survivor | gone))
        self.env.invalidate_all()
        for one, arms in before.items():
            expected = {
                partner: arm
                for partner, arm in arms.items()
                if partner not in {gone for _survivor, gone in pairs}
            }
            # Who was in no group takes that of the one merged into him.
            expected[stranger] = arms[control[3]]
            self.assertEqual(self._get_arms(one), expected)
        expected = dict.fromkeys((control[0], treated[1]), ("treated", False))
        self.assertEqual(self._get_arms(third), expected)

    def test_merge_of_three_who_were_drawn(self):
        """Two strangers' groups meet in a survivor who has none: one is kept."""
        campaign = self._launch()
        one = self._get_group(campaign, "control")[0]
        two = self._get_group(campaign, "treated")[0]
        survivor = self._create_partner("Survivor")
        self._merge(survivor, (survivor | one | two))
        self.env.invalidate_all()
        members = campaign.hstyle_member_ids.filtered(
            lambda m: m.partner_id == survivor
        )
        first = min(one | two, key=lambda p: p.id)
        self.assertEqual(members.arm, "control" if first == one else "treated")
        self.assertEqual(campaign.hstyle_member_count, 399)

    def test_control_group_of_all_campaigns(self):
        self.company.hstyle_control_share = 10
        one, two = self._launch(), self._launch()
        held = self._get_group(one, "global")
        self.assertEqual(held, self._get_group(two, "global"))
        self.assertAlmostEqual(len(held), 40, delta=25)
        salt = f"global:{self.company.id}:2026"
        for partner in self.people:
            inside = hashing.draw(salt, partner.id) < 1000
            self.assertEqual(partner in held, inside)
        next_year = self._launch(day="2027-03-10")
        self.assertNotEqual(held, self._get_group(next_year, "global"))

    def test_campaigns_draw_unlike_groups(self):
        one = self._get_group(self._launch(hstyle_holdout=15), "control")
        two = self._get_group(self._launch(hstyle_holdout=15), "control")
        self.assertLess(len(one & two), len(one) / 2)

    def test_plan_stands_after_the_launch(self):
        campaign = self._launch()
        for values in (
            {"hstyle_domain": "[]"},
            {"hstyle_holdout": 0},
            {"hstyle_days": 1},
            {"hstyle_goal": "buyers"},
            {"hstyle_target": 5},
        ):
            with self.assertRaises(UserError):
                campaign.write(values)
        campaign.write({"hstyle_budget": 5, "hstyle_days": 10})
        copy = campaign.copy()
        self.assertEqual(copy.hstyle_state, "draft")
        self.assertNotEqual(copy.sudo().hstyle_salt, campaign.sudo().hstyle_salt)
        self.assertFalse(copy.hstyle_member_ids)

    def test_nothing_to_launch(self):
        with self.assertRaises(UserError):
            self._plan(hstyle_domain=False).action_hstyle_launch()
        with self.assertRaises(UserError):
            self._plan(hstyle_domain="[('id', '=', 0)]").action_hstyle_launch()
        with self.assertRaises(ValidationError):
            self._plan(hstyle_domain="[('nonsense', '=', 0)]")
        with self.assertRaises(ValidationError):
            self._plan(hstyle_domain="__import__('os')")


@tagged("post_install", "-at_install")
class TestCampaignAccess(CampaignCommon):
    def test_results_are_not_written_by_hand(self):
        campaign = self._launch()
        for values in (
            {"hstyle_state": "measured"},
            {"hstyle_verdict": "gain"},
            {"hstyle_lift": 99},
            {"hstyle_salt": "mine"},
        ):
            with self.assertRaises(AccessError, msg=values):
                campaign.with_user(self.manager).write(values)
            with self.assertRaises(AccessError, msg=values):
                self._plan(user=self.manager, **values)
        with self.assertRaises(AccessError):
            campaign.hstyle_member_ids.with_user(self.manager)[0].arm = "treated"

    def test_who_is_no_marketer(self):
        """A service agent reads results and plans nothing."""
        campaign = self._launch().with_user(self.agent)
        self.assertEqual(campaign.hstyle_state, "launched")
        self.assertTrue(campaign.hstyle_member_count)
        for action in ("action_hstyle_measure", "action_hstyle_estimate"):
            with self.assertRaises(AccessError):
                getattr(campaign, action)()
        with self.assertRaises(AccessError):
            campaign.hstyle_budget = 9
        with self.assertRaises(AccessError):
            self._plan(user=self.agent)

    def test_employees_keep_the_hosts_campaigns(self):
        """Who has nothing to do with us uses campaigns as before, and sees no more."""
        ours = self._launch()
        seller = self.salesperson
        campaigns = self.env["utm.campaign"].with_user(seller)
        campaign = campaigns.create({"title": "Plain"})
        campaign.title = "Plainer"
        found = campaigns.search([("id", "in", (campaign | ours).ids)])
        self.assertIn(campaign, found)
        with self.assertRaises(AccessError):
            ours.with_user(seller).read(["hstyle_budget"])
        with self.assertRaises(AccessError):
            ours.with_user(seller).hstyle_domain = "[]"

    def test_who_is_no_marketer_copies(self):
        """The host lets them; the plan is not theirs to copy."""
        ours = self._launch()
        for user in (self.salesperson, self.clerk):
            user.group_ids += self.env.ref("sales_team.group_sale_salesman")
            copy = ours.with_user(user).copy().sudo()
            self.assertEqual((copy.hstyle_domain, copy.hstyle_state), (False, "draft"))
        self.assertTrue(ours.with_user(self.marketer).copy().hstyle_domain)

    def test_waves_of_other_companies(self):
        """The host shows all mailings to all: a wave could not be opened there."""
        wave = self._create_wave(self._launch())
        plain = self.env["mailing.mailing"].create(
            {"subject": "Shared", "mailing_model_id": wave.mailing_model_id.id}
        )
        other = self.env["res.company"].create({"name": "Other"})
        users = [
            new_test_user(
                self.env,
                login=f"mailer_{company.id}",
                groups="mass_mailing.group_mass_mailing_user",
                company_id=company.id,
                company_ids=[Command.set(company.ids)],
            )
            for company in (self.company, other)
        ]
        found = [
            self.env["mailing.mailing"].with_user(user).search([]) for user in users
        ]
        self.assertIn(wave, found[0])
        self.assertNotIn(wave, found[1])
        for user in users:
            Form(plain.with_user(user))

    def test_other_companies(self):
        campaign = self._launch()
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            login="stranger",
            groups="hstyle_crm.hstyle_crm_group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        with self.assertRaises(AccessError):
            campaign.with_user(stranger).read(["hstyle_state"])
        with self.assertRaises(AccessError):
            campaign.with_user(stranger).action_hstyle_measure()
        theirs = self._plan(user=stranger, company_id=other.id)
        with self.assertRaises(AccessError):
            theirs.company_id = self.company
            theirs.action_hstyle_launch()
        plain = self.env["utm.campaign"].create({"title": "Shared"})
        self.assertTrue(plain.with_user(stranger).read(["title"]))


@tagged("post_install", "-at_install")
class TestWaves(CampaignCommon):
    def _get_recipients(self, wave):
        return self.env["res.partner"].browse(wave._get_recipients())

    def test_only_the_treated_get_it(self):
        campaign = self._launch(hstyle_holdout=15, hstyle_share_a=50)
        wave = self._create_wave(campaign)
        treated = self._get_group(campaign, "treated")
        self.assertEqual(self._get_recipients(wave), treated)
        self.assertEqual(wave.total, len(treated))
        arms = self._get_arms(campaign)
        for variant in ("a", "b"):
            wave.hstyle_variant = variant
            members = treated.filtered(lambda p, variant=variant: arms[p][1] == variant)
            self.assertEqual(self._get_recipients(wave), members)
        wave.mailing_domain = repr([("id", "in", self.people[:10].ids)])
        self.assertEqual(self._get_recipients(wave), members & self.people[:10])
        sms = self._create_wave(campaign, mailing_type="sms", body_plaintext="News")
        self.assertEqual(self._get_recipients(sms), treated)

    def test_mails_are_for_the_treated(self):
        campaign = self._launch(hstyle_holdout=15)
        wave = self._create_wave(campaign)
        wave.action_launch()
        with self.enter_registry_test_mode():
            self.env.ref(
                "mass_mailing.ir_cron_mass_mailing_queue"
            ).method_direct_trigger()
        reached = set(wave.mailing_trace_ids.mapped("res_id"))
        self.assertEqual(reached, set(self._get_group(campaign, "treated").ids))
        self.assertEqual(wave.state, "done")

    def test_no_wave_before_the_launch(self):
        campaign = self._plan()
        wave = self._create_wave(campaign)
        with self.assertRaises(UserError):
            wave.action_launch()
        with self.assertRaises(UserError):
            wave.action_send_mail()
        wave.write(
            {"schedule_type": "scheduled", "schedule_date": "2026-03-01 08:00:00"}
        )
        wave.action_put_in_queue()
        self._work_queue("2026-03-02")
        self.assertEqual(wave.state, "draft")
        self.assertIn("not launched", campaign.hstyle_notice)
        self.assertFalse(wave.mailing_trace_ids)

    def _work_queue(self, day):
        with freeze_time(f"{day} 10:00:00"), self.enter_registry_test_mode():
            self.env.ref(
                "mass_mailing.ir_cron_mass_mailing_queue"
            ).method_direct_trigger()
        self.env.invalidate_all()

    def test_waves_go_to_contacts(self):
        """Of others nobody knows who is in the control group."""
        model = self.env["ir.model"]._get_id("mailing.list")
        with self.assertRaises(ValidationError):
            self._create_wave(self._launch(), mailing_model_id=model)
        plain = self.env["utm.campaign"].create({"title": "Plain"})
        wave = self._create_wave(plain, mailing_model_id=model)
        plain.with_user(self.marketer).hstyle_domain = "[]"
        with self.assertRaises(ValidationError):
            plain.with_user(self.marketer).action_hstyle_launch()
        self.assertFalse(wave._get_recipients())

    def test_a_plain_campaign_is_the_hosts(self):
        plain = self.env["utm.campaign"].create({"title": "Plain"})
        wave = self._create_wave(
            plain, mailing_domain=repr([("id", "in", self.people.ids)])
        )
        self.assertEqual(self._get_recipients(wave), self.people)
        wave.action_launch()
        self.assertEqual(wave.state, "in_queue")

    def test_stop_at_the_budget(self):
        """The wave that would pass the cap does not start, and that is said."""
        campaign = self._launch(
            hstyle_budget=100, hstyle_cost_fixed=10, hstyle_cost_email=0.5
        )
        ten = [("id", "in", self._get_group(campaign, "treated")[:100].ids)]
        first = self._create_wave(campaign, mailing_domain=repr(ten))
        second = self._create_wave(campaign, subject="More", mailing_domain=repr(ten))
        later = {"schedule_type": "scheduled", "schedule_date": "2026-03-11 08:00:00"}
        (first | second).write(later)
        (first | second).action_put_in_queue()
        self._work_queue("2026-03-12")
        self.assertEqual((first.state, second.state), ("done", "draft"))
        self.assertEqual(campaign.hstyle_cost, 60)
        self.assertIn("More would cost", campaign.hstyle_notice)
        said = "".join(second.sudo().message_ids.mapped("body"))
        self.assertIn("More would cost", said)
        self.assertFalse(second.mailing_trace_ids)
        with self.assertRaises(UserError):
            second.action_launch()
        campaign.hstyle_budget = 110
        second.action_launch()
        self.assertFalse(campaign.hstyle_notice)
        # Nobody gets two offers on a day.
        self._work_queue("2026-03-13")
        self.assertEqual(second.state, "done")
        self.assertEqual(campaign.hstyle_cost, 110)

    def test_a_wave_on_its_way_is_not_halved(self):
        campaign = self._launch(hstyle_budget=100, hstyle_cost_email=0.1)
        wave = self._create_wave(campaign)
        wave.action_launch()
        wave.state = "sending"
        campaign.hstyle_budget = 1
        self._work_queue("2026-03-12")
        self.assertEqual(wave.state, "done")


@tagged("post_install", "-at_install")
class TestResult(CampaignCommon):
    def _measure(self, campaign, day="2026-04-01"):
        with freeze_time(f"{day} 12:00:00"):
            campaign.action_hstyle_measure()
        self.env.invalidate_all()
        return campaign

    def _get_response(self, campaign, arm):
        return campaign.hstyle_response_ids.filtered(lambda r: r.arm == arm)

    def _get_effect(self, campaign, measure, pair="control"):
        return campaign.hstyle_effect_ids.filtered(
            lambda e: (e.measure, e.pair) == (measure, pair)
        )

    def test_what_counts(self):
        """All shops, in the window, net of refunds; contacts are their customer."""
        campaign = self._launch()
        one, two, three = self._get_group(campaign, "treated")[:3]
        contact = self._create_partner("Contact", parent_id=one.id)
        self._order(one, 100, f"{DAY} 09:00:00")
        self._order(contact, 30, "2026-03-19 23:59:59", amount_refund=10)
        self._order(one, 500, f"{DAY} 08:59:59")
        self._order(one, 500, "2026-03-20 00:00:00")
        self._order(two, 70, "2026-03-12 10:00:00", state="cancel")
        with freeze_time("2026-03-12 10:00:00"):
            self._sell(partner=three, date_order="2026-03-12 09:00:00")
        sold = self.env["sale.order"].search([("partner_id", "=", three.id)])
        sold.date_order = "2026-03-12 09:00:00"
        self._measure(campaign)
        response = self._get_response(campaign, "treated")
        self.assertEqual((response.buyers, response.orders), (2, 3))
        self.assertEqual((response.revenue, response.margin), (220, 160))
        self.assertEqual(response.persons, len(self._get_group(campaign, "treated")))

    def test_days_are_the_companys(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        campaign = self._launch(hstyle_days=1)
        one = self._get_group(campaign, "treated")[0]
        # The launch is at 17:00 in Shanghai, and its day ends at 16:00 UTC.
        self._order(one, 1, f"{DAY} 15:59:59")
        self._order(one, 10, f"{DAY} 16:00:00")
        self.assertEqual(str(campaign.hstyle_last_day), DAY)
        self._measure(campaign)
        self.assertEqual(self._get_response(campaign, "treated").revenue, 1)

    def test_purchases_elsewhere_in_the_group_of_companies(self):
        """Branches count, other companies do not."""
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        other = self.env["res.company"].create({"name": "Other"})
        campaign = self._launch()
        one = self._get_group(campaign, "treated")[0]
        for company, amount in ((branch, 5), (other, 50)):
            shop = self._create_shop(company.name, company_id=company.id)
            self._order(one, amount, f"{DAY} 10:00:00", shop=shop)
        self._measure(campaign)
        self.assertEqual(self._get_response(campaign, "treated").revenue, 5)

    def test_starts_of_their_own(self):
        """An action treats each customer at another time, and some twice."""
        one, two, three = self.people[:3]
        starts = [
            (one.id, "treated", datetime(2026, 3, 1, 12)),
            (two.id, "treated", datetime(2026, 3, 5, 12)),
            (two.id, "treated", datetime(2026, 3, 20, 12)),
            (three.id, "control", datetime(2026, 3, 20, 12)),
        ]
        for partner, amount, moment in (
            (one, 1, "2026-03-01 12:00:00"),
            (one, 10, "2026-03-02 23:59:59"),
            (one, 500, "2026-03-03 00:00:00"),
            (two, 500, "2026-03-02 12:00:00"),
            (two, 3, "2026-03-06 12:00:00"),
            (two, 500, "2026-03-10 12:00:00"),
            (two, 7, "2026-03-21 12:00:00"),
            (three, 500, "2026-03-06 12:00:00"),
        ):
            self._order(partner, amount, moment)
        members = SQL(
            "SELECT * FROM unnest(%s, %s, %s) m (partner_id, arm, start)",
            *(list(column) for column in zip(*starts, strict=True)),
        )
        figures = self.env["hstyle.proof"]._measure(members, self.company, 2)
        treated, control = figures["treated"], figures["control"]
        self.assertEqual(treated.revenue[:3], (3, 21, 11**2 + 3**2 + 7**2))
        self.assertEqual(treated.orders[:2], (3, 4))
        self.assertEqual(treated.buyers, (3, 3, 3, 3))
        self.assertEqual(control.revenue, (1, 0, 0, 0))

    def test_a_gain_and_its_return(self):
        campaign = self._launch(
            hstyle_holdout=15, hstyle_cost_fixed=1000, hstyle_target=20000
        )
        draw = random.Random(1)
        for arm, mean in (("treated", 100), ("control", 40)):
            for partner in self._get_group(campaign, arm):
                amount = round(draw.gauss(mean, 10), 2)
                self._order(partner, amount, "2026-03-11 10:00:00")
        self._measure(campaign)
        effect = self._get_effect(campaign, "revenue")
        response = self._get_response(campaign, "treated")
        control = self._get_response(campaign, "control")
        gap = response.revenue / response.persons - control.revenue / control.persons
        self.assertAlmostEqual(effect.difference, gap, places=2)
        self.assertTrue(effect.low < gap < effect.high)
        self.assertAlmostEqual(effect.high - gap, gap - effect.low, places=2)
        self.assertLess(effect.p, 0.0001)
        self.assertEqual(effect.verdict, campaign.hstyle_verdict)
        self.assertEqual(campaign.hstyle_verdict, "gain")
        self.assertAlmostEqual(
            campaign.hstyle_gained, gap * response.persons, delta=0.5
        )
        gained = campaign.hstyle_gained_margin
        self.assertAlmostEqual(gained, campaign.hstyle_gained / 2, delta=0.5)
        self.assertAlmostEqual(campaign.hstyle_return, gained / 10 - 100, delta=0.1)
        self.assertIn("Significant:", campaign.hstyle_result)
        self.assertIn("Target: 20000.0", campaign.hstyle_result)
        self.assertEqual(campaign.hstyle_state, "measured")

    def test_not_significant_is_said(self):
        campaign = self._launch(hstyle_holdout=15)
        for arm in ("treated", "control"):
            for number, partner in enumerate(self._get_group(campaign, arm)):
                amount = 10 + 10 * (number % 9)
                self._order(partner, amount, "2026-03-11 10:00:00")
        self._measure(campaign)
        self.assertEqual(campaign.hstyle_verdict, "open")
        self.assertIn("Not significant", campaign.hstyle_result)

    def test_too_few_to_judge(self):
        campaign = self._launch(hstyle_holdout=15)
        for partner in self._get_group(campaign, "treated"):
            self._order(partner, 1000, "2026-03-11 10:00:00")
        self._measure(campaign)
        self.assertEqual(campaign.hstyle_verdict, "small")
        self.assertIn("Too few", campaign.hstyle_result)

    def test_without_a_control_group(self):
        campaign = self._launch(hstyle_holdout=0)
        self._order(self.people[0], 1000, "2026-03-11 10:00:00")
        self._measure(campaign)
        self.assertEqual(campaign.hstyle_verdict, "none")
        self.assertIn("no proof", campaign.hstyle_result)
        self.assertFalse(campaign.hstyle_effect_ids)

    def test_variants_are_compared(self):
        campaign = self._launch(hstyle_share_a=50, hstyle_goal="buyers")
        arms = self._get_arms(campaign)
        for partner, (_arm, variant) in arms.items():
            if variant == "a":
                self._order(partner, 10, "2026-03-11 10:00:00")
        self._measure(campaign)
        effect = self._get_effect(campaign, "buyers", "variant")
        self.assertEqual((effect.first, effect.second), (1, 0))
        self.assertEqual(effect.verdict, "gain")
        both = self._get_response(campaign, "treated")
        self.assertEqual(set(both.mapped("variant")), {"a", "b"})

    def test_interim_and_final(self):
        campaign = self._launch()
        self._measure(campaign, "2026-03-12")
        self.assertEqual(campaign.hstyle_state, "launched")
        with freeze_time("2026-03-12 12:00:00"):
            campaign.invalidate_recordset()
            self.assertIn("Interim", campaign.hstyle_result)
        with freeze_time("2026-03-19 20:00:00"):
            self._run_cron()
        self.assertEqual(campaign.hstyle_state, "launched")
        one = self._get_group(campaign, "treated")[0]
        self._order(one, 7, "2026-03-19 10:00:00")
        with freeze_time("2026-03-20 20:00:00"):
            self._run_cron()
            self.assertNotIn("Interim", campaign.hstyle_result)
        self.assertEqual(campaign.hstyle_state, "measured")
        self.assertEqual(self._get_response(campaign, "treated").revenue, 7)

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_campaign").method_direct_trigger()
        self.env.invalidate_all()

    def test_measuring_twice_is_measuring_once(self):
        campaign = self._launch()
        self._order(self.people[0], 7, "2026-03-11 10:00:00")
        names = ["arm", "variant", "persons", "buyers", "orders", "revenue"]
        first = self._measure(campaign).hstyle_response_ids.read(names)
        again = self._measure(campaign).hstyle_response_ids.read(names)
        for row in [*first, *again]:
            del row["id"]
        self.assertEqual(first, again)
        self.assertEqual(len(campaign.hstyle_effect_ids), 4)

    def test_a_bad_campaign_stops_no_other(self):
        bad, good = self._launch(), self._launch()
        self.env.cr.execute(
            "UPDATE hstyle_campaign_member SET variant = 'x:y' WHERE campaign_id = %s",
            [bad.id],
        )
        with self.assertLogs("odoo.addons.hstyle_crm", "ERROR"):
            self._run_cron()
        self.assertEqual(good.hstyle_state, "measured")
        self.assertEqual(bad.hstyle_state, "launched")

    def test_coupons(self):
        """Of Odoo on confirmed orders, of elsewhere as imported; by members only."""
        campaign = self._launch(hstyle_holdout=15)
        one, two = self._get_group(campaign, "treated")[:2]
        control = self._get_group(campaign, "control")[0]
        program = self.env["loyalty.program"].create(
            {
                "name": "Spring coupon",
                "program_type": "coupons",
                "trigger": "with_code",
                "hstyle_campaign_id": campaign.id,
                "reward_ids": [Command.create({"discount": 10})],
            }
        )
        for partner in (one, self._create_partner("Stranger")):
            card = self.env["loyalty.card"].create(
                {"program_id": program.id, "points": 1}
            )
            order = self._create_order(partner=partner)
            status = order.sudo()._try_apply_code(card.code)
            reward = {c: r for c, r in status.items() if c == card}[card]
            self.assertFalse(order.sudo()._apply_program_reward(reward, card))
            order.action_confirm()
        redemptions = self.env["hstyle.redemption"].with_user(self.marketer)
        for partner, code in ((one, "x"), (one, "y"), (two, "x"), (control, "x")):
            values = {"campaign_id": campaign.id, "date": DAY, "code": code}
            redemptions.create({**values, "partner_id": partner.id})
        self._measure(campaign)
        treated = self._get_response(campaign, "treated")
        self.assertEqual((treated.redeemers, treated.redemptions), (2, 4))
        self.assertEqual(self._get_response(campaign, "control").redeemers, 1)
        share = 100 * 2 / treated.persons
        self.assertAlmostEqual(campaign.hstyle_response, share, places=1)
        self.assertIn("redeemed a coupon", campaign.hstyle_result)

    def test_merge_of_who_redeemed_the_same(self):
        campaign = self._launch()
        one, two = self.people[:2]
        for partner, code in ((one, "x"), (two, "x"), (two, "y")):
            values = {"campaign_id": campaign.id, "date": DAY, "code": code}
            self.env["hstyle.redemption"].create({**values, "partner_id": partner.id})
        self._merge(one, (one | two))
        domain = [("campaign_id", "=", campaign.id)]
        rows = self.env["hstyle.redemption"].search(domain)
        self.assertEqual(rows.partner_id, one)
        self.assertEqual(sorted(rows.mapped("code")), ["x", "y"])

    def test_a_campaign_of_elsewhere(self):
        """Who got it counts, and the result says that nothing is proven."""
        campaign = self._plan()
        moment = datetime(2026, 3, 10, 9)
        campaign.sudo()._take_over(self.people[:100].ids, moment)
        self._order(self.people[0], 50, "2026-03-11 10:00:00")
        self._order(self.people[100], 70, "2026-03-11 10:00:00")
        self._measure(campaign)
        response = campaign.hstyle_response_ids
        self.assertEqual((response.persons, response.revenue), (100, 50))
        self.assertEqual(campaign.hstyle_verdict, "none")

    def test_preview_before_the_launch(self):
        """What the audience did before says what the groups can show."""
        campaign = self._plan(hstyle_holdout=10)
        for n, partner in enumerate(self.people[:200]):
            self._order(partner, 100 + n % 2, "2026-03-05 10:00:00")
        self._order(self.people[0], 9999, "2026-02-27 10:00:00")
        with freeze_time(f"{DAY} 09:00:00"):
            campaign.action_hstyle_estimate()
            # As a later request reads it.
            self.env.flush_all()
            self.env.invalidate_all()
            text = campaign.hstyle_preview
        self.assertIn("360 will be treated, 40 are the control group", text)
        self.assertIn("200 of them bought", text)
        self.assertIn("50.25", text)
        # 2.8016 × √(n/(n − 1)) × 50.2525 × √(1/360 + 1/40) = 23.49
        self.assertIn("23.49", text)
        self.assertIn("too small to judge", text)
        campaign.hstyle_goal = "buyers"
        # 2.8016 × √(n/(n − 1)) × 0.5 × √(1/360 + 1/40) = 0.2338
        self.assertIn("23.38 percentage points", campaign.hstyle_preview)
        campaign.hstyle_holdout = 0
        self.assertIn("nothing can be proven", campaign.hstyle_preview)
        campaign.hstyle_domain = "[]"
        self.assertFalse(campaign.hstyle_preview)

    def test_downloads(self):
        campaign = self._measure(self._launch(hstyle_holdout=15))
        rows = self._open_download(campaign.action_hstyle_export_members())
        self.assertEqual(len(rows), 401)
        arms = Counter(row[4] for row in rows)
        control = len(self._get_group(campaign, "control"))
        self.assertEqual(arms["Control group"], control)
        rows = self._open_download(campaign.action_hstyle_export_result())
        self.assertEqual(len(rows), 3)

    def test_nothing_is_found_where_nothing_is(self):
        """40 launched campaigns without waves: hardly any is called significant.

        The purchases are skewed as a shop's are, and the same for all; each campaign
        draws its own groups. More than 9 of 40 at a level of 5 % come by chance in one
        of 10,000 runs.
        """
        draw = random.Random(3)
        people = self.people | self._create_people(1600, "Q")
        start = datetime(2026, 3, 10, 10)
        self.env["hstyle.order"].create(
            [
                self._prepare_order(
                    partner,
                    draw.lognormvariate(4, 0.6),
                    start + timedelta(hours=draw.randrange(200)),
                )
                for partner in people
                for _order in range(draw.choice([0, 0, 1, 1, 2]))
            ]
        )
        verdicts = Counter()
        for number in range(40):
            campaign = self._plan(hstyle_holdout=15)
            campaign.sudo().hstyle_salt = f"campaign {number}"
            with freeze_time(f"{DAY} 09:00:00"):
                campaign.action_hstyle_launch()
            verdicts[self._measure(campaign).hstyle_verdict] += 1
        self.assertFalse(verdicts["small"], verdicts)
        self.assertLessEqual(verdicts["gain"] + verdicts["loss"], 9, verdicts)
