from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, tagged

from .common import HstyleCommon, HstylePointsCommon, HstyleTiersCommon


@tagged("post_install", "-at_install")
class TestTours(HstyleCommon, HttpCase):
    def test_import(self):
        url = "/odoo/action-hstyle_crm.hstyle_import_action/new"
        self.start_tour(url, "hstyle_import_tour", login="hstyle_clerk")
        done = self.env["hstyle.import"].search([], limit=1)
        self.assertEqual((done.state, done.filename), ("done", "orders.csv"))
        self.assertEqual((done.created_count, done.rejected_count), (1, 1))
        self.assertEqual(self._get_buyer("mei").name, "Mei")
        self.assertFalse(self._get_buyer("lan"))

    def test_customers(self):
        day = fields.Datetime.now() - timedelta(days=1)
        header = ("order number", "date", "buyer", "buyer name", "paid")
        rows = [(n, day, "mei", "Mei", 100) for n in range(3)]
        self._import([*rows, (9, day, "lan", "Lan", 5)], header)
        self.env["hstyle.profile"]._refresh()
        url = "/odoo/action-hstyle_crm.hstyle_profile_action"
        self.start_tour(url, "hstyle_customers_tour", login="hstyle_agent")


@tagged("post_install", "-at_install")
class TestPointsTours(HstylePointsCommon, HttpCase):
    def test_adjust(self):
        card = self._create_card(500)
        url = "/odoo/action-hstyle_crm.loyalty_card_action"
        self.start_tour(url, "hstyle_points_adjust_tour", login="hstyle_agent")
        self.assertBalance(card, 530)
        self.assertEqual(card.history_ids[0].create_uid, self.agent)

    def test_spend(self):
        card = self._create_card(500)
        order = self._create_order(1)
        url = f"/odoo/sales/{order.id}"
        self.start_tour(url, "hstyle_points_spend_tour", login="hstyle_seller")
        self.assertEqual((order.state, order.amount_total), ("sale", 60))
        self.assertBalance(card, 500 - 40 + 60)


@tagged("post_install", "-at_install")
class TestTierTours(HstyleTiersCommon, HttpCase):
    def test_benefit(self):
        values = {"name": "Free return", "grade_id": self.gold.id, "quota": 2}
        benefit = self.env["hstyle.benefit"].create(values)
        self.partner.sudo().grade_id = self.gold
        url = "/odoo/action-hstyle_crm.hstyle_membership_action"
        self.start_tour(url, "hstyle_benefit_tour", login="hstyle_agent")
        use = self.env["hstyle.benefit.use"].search([("benefit_id", "=", benefit.id)])
        self.assertEqual((use.partner_id, use.user_id), (self.partner, self.agent))

    def test_trial(self):
        self.partner.sudo().grade_id = self.gold
        url = "/odoo/action-hstyle_crm.res_partner_grade_action"
        self.start_tour(url, "hstyle_tier_trial_tour", login="hstyle_manager")
        entry = self.gold.rule_ids.filtered(lambda rule: rule.purpose == "entry")
        self.assertEqual((entry.threshold, entry.state), (1500, "active"))
