from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, freeze_time, tagged

from .common import HstylePointsCommon


@tagged("post_install", "-at_install")
class TestLoyaltyProgram(HstylePointsCommon):
    def test_the_shipped_program(self):
        program = self.env.ref("hstyle_crm.loyalty_program_member")
        self.assertTrue(program.managed)
        self.assertEqual(program.point_value, 0.01)

    def test_a_manager_without_rights_on_sales_opens_the_form(self):
        with Form(self.program.with_user(self.manager)) as form:
            form.order_cap = 500
        self.assertEqual(self.program.order_cap, 500)

    def test_one_for_each_company(self):
        with self.assertRaises(ValidationError):
            self._create_program()
        with self.assertRaises(ValidationError):
            currency = self.program.currency_id.id
            self._create_program(company_id=False, currency_id=currency)
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        with self.assertRaises(ValidationError):
            self._create_program(company_id=branch.id)
        other = self.env["res.company"].create({"name": "Other"})
        self.assertTrue(self._create_program(company_id=other.id))

    def test_orders_of_a_branch(self):
        """A branch collects on its parent's program; nobody lacks a right."""
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        users = self.salesperson | self.agent
        users.write({"company_ids": [Command.link(branch.id)], "company_id": branch.id})
        only = {"allowed_company_ids": branch.ids}
        order = self._create_order(2, company_id=branch.id).with_context(**only)
        order.action_confirm()
        card = self._get_card()
        self.assertBalance(card, 200)
        card = card.with_user(self.agent).with_context(**only)
        self.assertEqual(card.history_ids.mapped("points"), [200])
        order._action_cancel()
        self.assertBalance(card.sudo(), 0)

    def test_only_loyalty_for_future_orders(self):
        with self.assertRaises(ValidationError):
            self.program.applies_on = "both"

    def test_a_life_longer_than_the_wait(self):
        with self.assertRaises(ValidationError):
            self.program.write({"pending_days": 30, "expire_after": 30})

    def test_switching_the_ledger_on_and_off(self):
        self.program.active = False
        program = self._create_program(managed=False)
        values = {"program_id": program.id, "partner_id": self.partner.id, "points": 70}
        card = self.env["loyalty.card"].create(values)
        program.managed = True
        self.assertBalance(card, 70)
        self.assertEqual(self._get_rows(card), [("opening", 70)])
        with self.assertRaises(UserError):
            program.managed = False

    def test_a_card_opened_with_points(self):
        card = self._create_card(partner=self._create_partner("Lan"))
        self.assertBalance(card, 0)
        values = {"program_id": self.program.id, "partner_id": self.partner.id}
        card = self.env["loyalty.card"].create({**values, "points": 12})
        self.assertBalance(card, 12)

    def test_codes_of_many_cards_differ(self):
        """Of so many codes of the host's 32 random bits about ten would meet."""
        codes = {self.env["loyalty.card"]._generate_code() for _card in range(300_000)}
        self.assertEqual(len(codes), 300_000)

    def test_the_wizard_of_the_host_gives_a_bonus(self):
        card = self._create_card(5)
        other = self._create_partner("Lan")
        wizard = self.env["loyalty.generate.wizard"].with_user(self.manager)
        values = {
            "program_id": self.program.id,
            "mode": "selected",
            "customer_ids": [Command.set([self.partner.id, other.id])],
            "points_granted": 20,
            "description": "Spring gift",
        }
        wizard.create(values).generate_coupons()
        self.assertBalance(card, 25)
        self.assertBalance(self._get_card(other), 20)
        self.assertEqual(card.history_ids[0].description, "Spring gift")
        with self.assertRaises(UserError):
            wizard.create({**values, "mode": "anonymous"}).generate_coupons()
        with self.assertRaises(UserError):
            wizard.with_user(self.salesperson).create(values).generate_coupons()

    # === EVENTS === #

    def test_a_complete_profile(self):
        self.program.profile_points = 50
        card = self._create_card()
        self.partner.write({"phone": "13812345678", "email": "mei@example.com"})
        self.assertBalance(card, 0)
        self.partner.birthday = "2000-02-29"
        self.assertBalance(card, 50)
        self.partner.birthday = "2000-03-01"
        self.assertBalance(card, 50)

    def test_a_complete_profile_before_the_first_order(self):
        self.program.profile_points = 50
        values = {"phone": "1", "email": "lan@example.com", "birthday": "2000-01-01"}
        partner = self._create_partner("Lan", **values)
        self.assertFalse(self._get_card(partner), "only members get points")
        self._sell(1, partner=partner)
        self.assertBalance(self._get_card(partner), 150)

    def test_an_answered_survey(self):
        self.program.rating_points = 30
        rating = self.env["rating.rating"].create(
            {
                "res_model_id": self.env["ir.model"]._get_id("res.partner"),
                "res_id": self.partner.id,
                "partner_id": self.partner.id,
            }
        )
        rating.write({"rating": 4, "consumed": True})
        self.assertBalance(self._get_card(), 30)
        rating.write({"consumed": True})
        rating.write({"consumed": False})
        rating.write({"consumed": True})
        self.assertBalance(self._get_card(), 30)

    # === LIABILITY === #

    @freeze_time("2026-05-01 10:00:00")
    def test_liability(self):
        self.program.breakage = 25
        card = self._create_card()
        move = card._prepare_move
        card._post(
            [
                move("bonus", 100, "x", expiration_date="2026-12-31"),
                move("bonus", 40, "x", available_on="2026-06-01"),
            ]
        )
        other = self._create_partner("Lan")
        order = self._sell(1, partner=other)
        self._sell(1, partner=other, spend=100)
        order._action_cancel()
        self.env.flush_all()
        report = self.env["hstyle.points.liability"].with_user(self.manager)
        sums = ["points:sum", "value:sum", "expected_cost:sum"]
        domain = [("program_id", "=", self.program.id)]
        found = {s: v for s, *v in report._read_group(domain, ["state"], sums)}
        self.assertEqual(
            found,
            {
                "available": [100, 100, 75],
                "pending": [40, 40, 30],
                "debt": [-100, -100, -100],
            },
        )
        rows = self._open_download(report.action_export())
        self.assertIn("2026-12", [row[2] for row in rows])
        self.assertEqual(rows[0][:3], ["Program", "State", "Expires on"])
