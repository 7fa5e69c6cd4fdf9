"""What each role does in the browser, with the least rights, in both languages."""

from datetime import timedelta

from odoo import Command, fields
from odoo.tests import HttpCase, new_test_user, tagged

from .common import HstyleTiersCommon
from .test_hstyle_goodwill import HstyleGoodwillCommon


@tagged("post_install", "-at_install")
class TestStories(HstyleGoodwillCommon, HstyleTiersCommon, HttpCase):
    language = "en_US"

    def _tell(self, story, url, user):
        """Let a user act; the cookie is the host's own, and tells the tour, too."""
        user.lang = self.language
        cookies = {"frontend_lang": self.language}
        self.start_tour(url, story, login=user.login, cookies=cookies)
        self.env.invalidate_all()

    def _create_account(self, login, group="base.group_portal"):
        return new_test_user(self.env, login=login, groups=group)

    def test_clerk(self):
        url = "/odoo/action-hstyle_crm.hstyle_import_action"
        self._tell("hstyle_clerk_import_story", f"{url}/new", self.clerk)
        done = self.env["hstyle.import"].search([], limit=1)
        self.assertEqual((done.state, done.create_uid), ("done", self.clerk))
        self.assertEqual((done.created_count, done.rejected_count), (2, 1))
        mei = self._get_buyer("mei")
        self.assertFalse(mei.grade_id)
        self.env.ref("hstyle_crm.ir_cron_tier").method_direct_trigger()
        self.assertTier(self.gold, mei)
        self._tell("hstyle_clerk_tier_story", url, self.clerk)

    def test_service(self):
        self.partner.phone = "138 0013 8000"
        card = self._create_card(500)
        self._tell("hstyle_service_story", "/odoo/call", self.agent)
        ticket = self.env["hstyle.ticket"].search([("name", "=", "Parcel is late")])
        self.assertEqual((ticket.partner_id, ticket.channel), (self.partner, "phone"))
        self.assertEqual(ticket.user_id, self.agent)
        goodwill = ticket.goodwill_ids
        self.assertEqual((goodwill.state, goodwill.amount), ("given", 20))
        self.assertEqual(self.budget.used, 20)
        self.assertBalance(card, 540)

    def test_marketer(self):
        tag = self.env["res.partner.category"].create({"name": "Spring"})
        values = {"category_id": [Command.link(tag.id)]}
        people = [{"name": f"P{number}", **values} for number in range(400)]
        self.env["res.partner"].create(people)
        domain = f"[('category_id', '=', {tag.id})]"
        values = {"name": "Spring", "domain": domain}
        segment = self.env["hstyle.segment"].create(values)
        url = f"/odoo/action-hstyle_crm.hstyle_segment_action/{segment.id}"
        self._tell("hstyle_marketer_launch_story", url, self.marketer)
        campaign = self.env["utm.campaign"].search([("title", "=", "Spring")])
        arms = campaign.hstyle_member_ids.grouped("arm")
        self.assertEqual(sum(map(len, arms.values())), 400)
        self.assertTrue(30 <= len(arms["control"]) <= 100, "15 % of 400, by chance")
        self._let_buy(campaign, arms)
        url = f"/odoo/action-hstyle_crm.utm_campaign_action/{campaign.id}"
        self._tell("hstyle_marketer_result_story", url, self.marketer)
        self.assertEqual(campaign.hstyle_verdict, "gain")
        persons = {r.arm: r.persons for r in campaign.hstyle_response_ids}
        self.assertEqual(persons["control"], len(arms["control"]))

    def _let_buy(self, campaign, arms):
        moment = campaign.hstyle_launched_on + timedelta(seconds=1)
        rows = [
            {
                "name": f"{arm}{number}",
                "shop_id": self.shop.id,
                "partner_id": partner.id,
                "date_order": moment,
                "state": "paid",
                "amount_paid": amount + number % 9,
                "amount_refund": 0,
            }
            for arm, amount in (("treated", 100), ("control", 40))
            for number, partner in enumerate(arms[arm].partner_id)
        ]
        self.env["hstyle.order"].create(rows)

    def test_gift(self):
        user = self._create_account("wen", "hstyle_crm.hstyle_crm_group_campus_agent")
        agent = self.env["hstyle.agent"].create(
            {
                "partner_id": user.partner_id.id,
                "campus_id": self.env["hstyle.campus"].create({"name": "North"}).id,
                "graduation_on": "2090-07-01",
                "state": "active",
            }
        )
        pack = self.env["hstyle.gift.pack"].create({"name": "Sweets", "cost": 8})
        values = {"agent_id": agent.id, "pack_id": pack.id, "quantity": 2}
        self.env["hstyle.gift.supply"].create(values)
        entry = self._add_classmate(agent)
        self._tell("hstyle_gift_story", "/my/agent", user)
        gift = entry.gift_ids
        self.assertEqual((gift.state, gift.receiver), ("given", "Wei"))
        self.assertEqual(agent._get_gift_stock()[agent], {pack: 1})

    def _add_classmate(self, agent):
        day = self.company._hstyle_today() + timedelta(days=1)
        values = {
            "name": "Wei",
            "birth_month": day.month,
            "birth_day": day.day,
            "place": "Room 12",
            "consent_source": "Told me",
            "consent_on": str(self.company._hstyle_today()),
        }
        return self.env["hstyle.roster"]._add(agent, values)

    def test_customer(self):
        # It is always open: the tests run on Sundays, too.
        self.team.calendar_id = False
        user = self._create_account("xin")
        card = self._create_card(500, user.partner_id)
        order = self._sell(partner=user.partner_id)
        self._tell("hstyle_customer_story", "/my/home", user)
        mine = [("partner_id", "=", user.partner_id.id)]
        ticket = self.env["hstyle.ticket"].search(mine)
        self.assertEqual((ticket.name, ticket.order_id), ("The zip is broken", order))
        self.assertEqual((ticket.kind, ticket.team_id), ("new", self.team))
        self.assertTrue(ticket.intent_id)
        self.assertBalance(card, 600)

    def test_manager(self):
        self._create_card(0)
        self._buy(1200, fields.Date.today())
        self._compensate("points", 20)
        self.env["hstyle.profile"]._refresh()
        url = "/odoo/action-hstyle_crm.hstyle_member_report_action"
        self._tell("hstyle_manager_story", url, self.manager)


@tagged("post_install", "-at_install")
class TestStoriesChinese(TestStories):
    language = "zh_CN"
