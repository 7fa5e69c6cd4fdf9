from datetime import date, datetime, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common import HstyleTiersCommon


@tagged("post_install", "-at_install")
class TestTierLife(HstyleTiersCommon):
    def test_joins_with_the_first_kept_order(self):
        self._create_order(1)
        self.assertTier(None)
        self._buy(50, "2026-03-01")
        self.assertTier(self.silver)
        [move] = self.partner.hstyle_tier_move_ids
        self.assertEqual(
            (move.kind, move.origin, move.cause), ("join", "auto", "rules")
        )
        self.assertIn("1 of 1", move.figures_text)
        member = self._get_member()
        self.assertEqual(member.joined_on, date(2026, 3, 1))
        self.assertFalse(member.valid_until)

    def test_borders_belong_to_the_higher_tier(self):
        for amount, tier in (
            (999.99, self.silver),
            (1000, self.gold),
            (1000.01, self.gold),
            (2999.99, self.gold),
            (3000, self.platinum),
        ):
            partner = self._create_partner(f"Buyer of {amount}")
            self._buy(amount, "2026-03-01", partner)
            self.assertTier(tier, partner)

    def test_upgrade_is_kept_until_its_end_and_renewed(self):
        self._buy(1200, "2026-03-10")
        member = self._get_member()
        self.assertEqual(member.valid_until, date(2027, 3, 10))
        self.assertFalse(self._pass_night("2027-03-10"))
        self._buy(900, "2027-03-10")
        [move] = self._pass_night("2027-03-11")
        self.assertEqual((move.kind, move.cause), ("keep", "renewed"))
        self.assertTier(self.gold)
        self.assertEqual(self._get_member().valid_until, date(2028, 3, 10))
        self.assertFalse(self._pass_night("2027-03-11"), "nothing the second time")

    def test_downgrade_after_validity_and_grace(self):
        self._buy(3500, "2026-03-10")
        self.assertTier(self.platinum)
        self._buy(100, "2027-01-10")
        self.assertFalse(self._pass_night("2027-04-09"), "30 days of grace")
        [move] = self._pass_night("2027-04-10")
        self.assertEqual((move.kind, move.cause), ("down", "expired"))
        self.assertTier(self.gold)

    def test_an_order_in_grace_keeps_the_tier(self):
        self._buy(1000, "2026-03-10")
        self._buy(800, "2027-04-01")
        self.assertEqual(self.partner.hstyle_tier_move_ids[0].kind, "keep")
        self.assertEqual(self._get_member().valid_until, date(2028, 3, 10))
        self.assertFalse(self._pass_night("2027-04-02"))

    def test_downgrade_to_where_the_value_belongs(self):
        self.platinum.downgrade = "value"
        self._buy(3500, "2026-03-10")
        self._pass_night("2027-04-10")
        self.assertTier(self.silver)

    def test_a_refund_undoes_an_upgrade_after_grace(self):
        self._buy(100, "2026-02-01")
        order = self._buy(1500, "2026-03-10")
        with freeze_time("2026-03-12"):
            self._refund(self._invoice(order))
        self.assertFalse(self._pass_night("2026-03-13"))
        self.assertTier(self.gold)
        self.assertEqual(self._get_member().undo_on, date(2026, 4, 12))
        self.assertFalse(self._pass_night("2026-04-12"))
        [move] = self._pass_night("2026-04-13")
        self.assertEqual((move.kind, move.cause), ("down", "refund"))
        self.assertTier(self.silver)

    def test_a_new_order_in_grace_saves_the_upgrade(self):
        order = self._buy(1500, "2026-03-10")
        with freeze_time("2026-03-12"):
            self._refund(self._invoice(order))
        self._pass_night("2026-03-13")
        self._buy(1100, "2026-03-20")
        self._pass_night("2026-03-21")
        self.assertFalse(self._get_member().undo_on)
        self.assertTier(self.gold)

    def test_a_cancelled_first_order_ends_the_membership(self):
        self.silver.grace_days = 0
        order = self._buy(50, "2026-03-10")
        order.sudo()._action_cancel()
        [move] = self._pass_night("2026-03-11")
        self.assertEqual((move.kind, move.cause), ("left", "refund"))
        self.assertTier(None)

    def test_spending_points_lowers_no_tier(self):
        self._create_tier("Points", "points", 100)
        self._buy(100, "2026-03-10")
        self.assertEqual(self.partner.grade_id.name, "Points")
        card = self._get_card()
        card._post([card._prepare_move("adjust", -90, "Spent")])
        self.assertFalse(self._pass_night("2026-03-11"))

    def test_override_survives_the_night_until_its_end(self):
        self._buy(50, "2026-03-10")
        with freeze_time("2026-03-11"):
            self._change(self.platinum, pinned_until="2026-06-30")
        self.assertTier(self.platinum)
        self._buy(1200, "2026-04-01")
        self.assertFalse(self._pass_night("2026-06-30"))
        self.assertTier(self.platinum)
        self.assertFalse(self._pass_night("2026-07-30"), "grace")
        [move] = self._pass_night("2026-07-31")
        self.assertEqual(move.cause, "expired")
        self.assertTier(self.gold)

    def _change(self, tier, user=None, **values):
        wizard = self.env["hstyle.tier.change"].with_user(user or self.manager)
        wizard = wizard.create(
            {
                "partner_ids": self.partner.ids,
                "grade_id": tier.id,
                "note": "A good reason",
                **values,
            }
        )
        return wizard.action_apply()

    def test_who_may_change_a_tier(self):
        self._change(self.silver, self.clerk)
        self.assertEqual(self.partner.hstyle_tier_move_ids.cause, "invitation")
        for user in (self.clerk, self.agent):
            with self.assertRaises(AccessError):
                self._change(self.gold, user)
        with self.assertRaises(AccessError):
            self.partner.with_user(self.clerk).grade_id = self.gold
        with self.assertRaises(UserError):
            self._change(self.gold, pinned_until="2020-01-01")
        self.partner.with_user(self.manager).grade_id = self.gold
        self.assertTier(self.gold)
        move = self.partner.hstyle_tier_move_ids[0]
        self.assertEqual((move.origin, move.user_id), ("manual", self.manager))
        self._change(self.env["res.partner.grade"])
        self.assertTier(None)
        self.assertEqual(self.partner.hstyle_tier_move_ids[0].kind, "left")

    def test_who_was_let_go_comes_back_with_a_new_order(self):
        self._buy(50, "2026-03-10")
        with freeze_time("2026-03-12"):
            self._change(self.env["res.partner.grade"])
        self.assertFalse(self._pass_night("2026-03-13"))
        self.assertTier(None)
        self._buy(50, "2026-03-14")
        self.assertTier(self.silver)

    def test_a_bought_membership(self):
        product = self._create_product("Membership", 10, grade_id=self.gold.id)
        product.service_tracking = "partnership"
        order = self._create_order()
        order.order_line.product_id = product
        order.action_confirm()
        self.assertTier(self.gold)
        self.assertIn("sold", self.partner.hstyle_tier_move_ids.mapped("cause"))

    def test_grades_of_other_uses_stay_apart(self):
        reseller = self.env["res.partner.grade"].create({"name": "Reseller"})
        self.partner.grade_id = reseller
        self.assertFalse(self._get_member())
        self.partner.with_user(self.manager).grade_id = self.gold
        self.partner.with_user(self.manager).grade_id = reseller
        self.assertEqual(self.partner.grade_id, reseller)
        self.assertFalse(self._get_member())

    def test_a_contact_is_the_membership_of_its_family(self):
        child = self._create_partner("Child", parent_id=self.partner.id)
        self._buy(1200, "2026-03-10", child)
        self.assertTier(self.gold)
        self.assertEqual(child._get_tier_multiplier(self.company), 1)

    def test_a_copy_is_no_member(self):
        self._buy(1200, "2026-03-10")
        self.assertFalse(self.partner.copy().grade_id)

    def test_merge_keeps_the_highest_tier(self):
        other = self._create_partner("Mei again")
        self._buy(1200, "2026-03-10", other)
        self._buy(50, "2026-03-10")
        benefit = self._create_benefit(self.gold)
        use = benefit._use(other)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.partner | other).ids, self.partner)
        self.assertTier(self.gold)
        kinds = self.partner.hstyle_tier_move_ids.sorted("id").mapped("kind")
        self.assertEqual(kinds, ["join", "join", "left", "up"])
        self.assertEqual(use.partner_id, self.partner)
        self.assertBalanced()

    def _create_benefit(self, tier, **values):
        return self.env["hstyle.benefit"].create(
            {"name": "Free return", "grade_id": tier.id, **values}
        )

    def assertBalanced(self, date_from="2020-01-01", date_to="2030-01-01"):
        statement = self.env["hstyle.tier.statement"].create(
            {"date_from": date_from, "date_to": date_to}
        )
        names = ("opening", "auto_up", "manual_up", "auto_down", "manual_down", "left")
        for line in statement.line_ids:
            self.assertEqual(sum(line[name] for name in names), line.closing)
            members = self.memberships.search_count(
                [("grade_id", "=", line.grade_id.id)]
            )
            self.assertEqual(line.closing, members)
        return statement

    def test_the_statement_balances(self):
        first, second = (self._create_partner(name) for name in "ab")
        self._buy(50, "2026-01-10", first)
        self._buy(3000, "2026-02-10", first)
        self._buy(1000, "2026-02-11", second)
        self._pass_night("2027-04-09")
        statement = self.assertBalanced(date_from="2026-02-01")
        silver = statement.line_ids.filtered(lambda line: line.grade_id == self.silver)
        self.assertEqual((silver.opening, silver.auto_up, silver.closing), (1, -1, 1))
        rows = self._open_download(statement.action_export())
        self.assertEqual(rows[-1][0], "Total")
        self.assertEqual(rows[-1][-1], "2")

    def test_one_query_on_the_way_of_an_order(self):
        self._buy(50, "2026-03-01")
        order = self._create_order(1)
        order.action_confirm()
        self.env.flush_all()
        company = self.company.sudo()
        memberships = self.memberships.sudo()
        memberships._settle(company, self.partner.ids)
        with self.assertQueryCount(1):
            memberships._settle(company, self.partner.ids)

    def test_warning_with_the_missing_amount(self):
        manager = self._create_manager()
        self.gold.has_manager = True
        self.partner.email = "mei@example.com"
        self._buy(1000, "2026-03-10")
        member = self._get_member()
        self.assertEqual(member.manager_id, manager.user_id)
        member.notice = False
        self._buy(300, "2026-08-10")
        self._pass_night("2027-02-07")
        self.assertFalse(member.notice)
        self.gold.rule_ids.filtered(lambda r: r.purpose == "keep").copy(
            {"threshold": 1000}
        )._activate()
        self._pass_night("2027-02-08")
        self.assertEqual(member.notice, "warning")
        with freeze_time("2027-02-08"):
            self.assertEqual(
                self.partner.tier_keep_text,
                "To keep Gold: $ 700.00 by 03/10/2027",
            )
        todo = self.env["hstyle.todo"].search([("reason", "=", "downgrade")])
        self.assertEqual(todo.user_id, manager.user_id)
        self.assertEqual(todo.name, "To keep Gold: $ 700.00 by 03/10/2027")
        self.assertEqual(todo.due.isoformat(), "2027-03-10")
        self._notify()
        mail = self.env["mail.mail"].search([("subject", "like", "What is missing")])
        self.assertIn("700.00", mail.body_html)
        self.assertFalse(member.notice)
        self._pass_night("2027-02-09")
        self.assertFalse(member.notice, "once")

    def _notify(self):
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_tier_notify").method_direct_trigger()
        self.env.invalidate_all()

    def _create_manager(self, login="ann", **values):
        user = new_test_user(self.env, login=login, groups="base.group_user")
        return self.env["hstyle.account.manager"].create({"user_id": user.id, **values})

    def test_mails_about_changes_pass_the_gate(self):
        self.partner.email = "mei@example.com"
        silent = self._create_partner("No address")
        self._buy(1000, "2026-03-10")
        self._buy(1000, "2026-03-10", silent)
        self._notify()
        mails = self.env["mail.mail"].search([("subject", "=", "You are Gold now")])
        self.assertEqual(mails.recipient_ids, self.partner)
        self.assertIn("more until Platinum", mails.body_html)
        self.assertFalse(self.memberships.search([("notice", "!=", False)]))

    def test_explanations(self):
        self.assertEqual(self.partner.tier_next_text, False)
        self._buy(680, "2026-03-10")
        with freeze_time("2026-03-11"):
            text = self.partner.tier_next_text
            self.assertEqual(text, "$ 320.00 more until Gold by 03/09/2027")
            self.assertAlmostEqual(self.partner.tier_progress, 68)
        self._buy(500, "2026-04-10")
        with freeze_time("2026-04-11"):
            self.assertIn("Net spend of 12 months", self.partner.tier_rule_text)
            self.assertEqual(
                self.partner.tier_keep_text, "To keep Gold: $ 800.00 by 04/10/2027"
            )
        self._buy(800, "2026-05-10")
        with freeze_time("2026-05-11"):
            self.assertIn("Gold is safe", self.partner.tier_keep_text)

    def test_one_bad_customer_stops_nobody(self):
        bad, good = (self._create_partner(name) for name in ("Bad", "Good"))
        self._close_tills()
        for partner in (bad, good):
            self._buy(50, "2026-03-10", partner)
        assign = type(self.gold)._assign

        def fail(grades, changes):
            if bad.id in [change["partner_id"] for change in changes]:
                raise ValueError("bad customer")
            return assign(grades, changes)

        self.patch(type(self.gold), "_assign", fail)
        with mute_logger("odoo.addons.hstyle_crm.models.hstyle_tier_job"):
            self._pass_night("2026-03-11")
        self.assertTier(self.silver, good)
        self.assertTier(None, bad)

    def test_rules_are_tried_before_they_decide(self):
        self._buy(1500, "2026-03-10")
        draft = self.gold.rule_ids.filtered(lambda r: r.purpose == "entry").copy(
            {"threshold": 1600}
        )
        keep = self.gold.rule_ids.filtered(lambda r: r.purpose == "keep").copy(
            {"threshold": 1600}
        )
        self.assertEqual((draft | keep).mapped("state"), ["draft", "draft"])
        with freeze_time("2026-03-11"):
            trial = self.env["hstyle.tier.trial"].with_user(self.manager).create({})
            [line] = trial.line_ids
            self.assertEqual(
                (line.grade_from_id, line.grade_to_id, line.members),
                (self.gold, self.silver, 1),
            )
            self.assertEqual(trial.moved, 1)
            trial.action_activate()
        self.assertEqual(draft.state, "active")
        self.assertTrue(self.company.hstyle_tier_quiet)
        self.assertEqual(len(self.gold.rule_ids), 2, "they replace those before")
        with self.assertRaises(UserError):
            draft.threshold = 5
        self.assertFalse(self._pass_night("2026-03-12"), "valid as it was given")
        self.assertFalse(self.company.hstyle_tier_quiet)

    def test_bad_tiers_and_rules(self):
        rules = self.env["hstyle.tier.rule"]
        for values in ({"validity_months": -1}, {"grace_days": -1}):
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
                self._try(self.gold.write, values)
        with self.assertRaises(ValidationError):
            self.gold.company_id = False
        for values in ({"months": 0, "threshold": 1}, {"threshold": -1}):
            values["grade_id"] = self.gold.id
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
                self._try(rules.create, values)
        with self.assertRaises(ValidationError):
            values = {"measure": "orders", "threshold": 1.5}
            rules.create({"grade_id": self.gold.id, **values})
        self._buy(1500, "2026-03-10")
        for values in ({"active": False}, {"is_tier": False}):
            with self.assertRaises(ValidationError):
                self.gold.write(values)
        with self.assertRaises(UserError):
            self.gold.unlink()

    def _try(self, method, values):
        with self.env.cr.savepoint():
            method(values)
            self.env.flush_all()


@tagged("post_install", "-at_install")
class TestTierPrices(HstyleTiersCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gold.default_pricelist_id = cls._create_pricelist("Gold price", 5)
        cls.platinum.default_pricelist_id = cls._create_pricelist("Platinum price", 10)

    @classmethod
    def _create_pricelist(cls, name, percent, **values):
        item = {"compute_price": "percentage", "percent_price": percent}
        return cls.env["product.pricelist"].create(
            {"name": name, "item_ids": [Command.create(item)], **values}
        )

    def _get_price(self, partner=None, user=None):
        order = self._create_order(1, partner=partner, user=user)
        return order.amount_total, order.tier_price_text

    def test_the_price_follows_the_tier(self):
        self.assertEqual(self._get_price(), (100, False))
        self._buy(1200, "2026-03-10")
        self.assertEqual(self._get_price(), (95, "Gold price"))
        self.assertEqual(self._get_price(user=self.env.user), (95, "Gold price"))
        self._buy(3000, "2026-03-10")
        self.assertEqual(self._get_price(), (90, "Platinum price"))
        self._pass_night("2027-04-10")
        self.assertEqual(self._get_price(), (95, "Gold price"))
        self._pass_night("2028-08-10")
        self.assertTier(self.silver)
        self.assertEqual(self._get_price(), (100, False))

    def test_a_member_by_create(self):
        partner = self._create_partner("New", grade_id=self.gold.id)
        self.assertTier(self.gold, partner)
        self.assertEqual(self._get_price(partner), (95, "Gold price"))

    def test_contacts_of_the_customer_pay_it_too(self):
        child = self._create_partner("Child", parent_id=self.partner.id)
        self._buy(1200, "2026-03-10")
        self.assertEqual(self._get_price(child), (95, "Gold price"))

    def test_who_is_no_member_never_gets_it(self):
        others = self.env["product.pricelist"].search([])
        (others - self.gold.default_pricelist_id).active = False
        self.assertEqual(self._get_price(), (100, False))

    def test_a_pricelist_by_hand_outlives_a_tier_without_one(self):
        mine = self._create_pricelist("Friend", 20)
        self.partner.specific_property_product_pricelist = mine
        self._buy(50, "2026-03-10")
        self.assertEqual(self._get_price()[0], 80)

    def test_a_new_pricelist_of_the_tier(self):
        self._buy(1200, "2026-03-10")
        self.gold.default_pricelist_id = self._create_pricelist("Gold", 7)
        self.assertEqual(self._get_price()[0], 93)
        self.gold.default_pricelist_id = False
        self.assertEqual(self._get_price()[0], 100)

    def test_another_company_keeps_its_prices(self):
        company = self.env["res.company"].create({"name": "Other"})
        self._buy(1200, "2026-03-10")
        partner = self.partner.with_company(company)
        self.assertNotEqual(
            partner.property_product_pricelist, self.gold.default_pricelist_id
        )
        self.assertEqual(
            self.partner.property_product_pricelist, self.gold.default_pricelist_id
        )

    def test_a_membership_moves_to_another_company(self):
        company = self.env["res.company"].create({"name": "Other"})
        theirs = self.env["res.partner.grade"].create(
            {"name": "Theirs", "is_tier": True, "company_id": company.id}
        )
        self._buy(1200, "2026-03-10")
        self.partner.sudo().grade_id = theirs
        self.assertEqual(self._get_member().company_id, company)
        kinds = self.partner.hstyle_tier_move_ids.mapped("kind")
        self.assertEqual(kinds, ["join", "left", "join"])
        self.assertEqual(self._get_price(), (100, False))


@tagged("post_install", "-at_install")
class TestBenefits(HstyleTiersCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.benefit = cls._create_benefit(quota=2, value=12, kind="free_return")

    @classmethod
    def _create_benefit(cls, **values):
        return cls.env["hstyle.benefit"].create(
            {"name": "Free return", "grade_id": cls.gold.id, **values}
        )

    def test_quota_of_a_period(self):
        with freeze_time("2026-03-10"):
            with self.assertRaises(UserError):
                self.benefit._use(self.partner)
            self.partner.sudo().grade_id = self.gold
            self.benefit._use(self.partner, note="Parcel 1")
            use = self.benefit._use(self.partner, document=self.partner)
            self.assertEqual((use.slot, use.value, use.grade_id), (2, 12, self.gold))
            self.assertEqual(use.res_id, self.partner.id)
            with self.assertRaises(UserError):
                self.benefit._use(self.partner)
            self.assertFalse(self.env["hstyle.benefit"]._get_open(self.partner))
        with freeze_time("2027-01-01"):
            self.assertTrue(self.env["hstyle.benefit"]._get_open(self.partner))
            self.benefit._use(self.partner)

    def test_staff_lets_a_member_use_it(self):
        self.partner.sudo().grade_id = self.gold
        line = self.partner.with_user(self.agent).hstyle_entitlement_ids
        self.assertEqual((line.left_text, line.is_open), ("2 of 2", True))
        line.action_use()
        line.invalidate_recordset()
        self.assertEqual(line.left_text, "1 of 2")
        with self.assertRaises(AccessError):
            line.with_user(self.marketer).action_use()
        self.assertEqual((self.benefit.use_count, self.benefit.use_rate), (1, 100))

    def test_points_on_entry(self):
        self.benefit.write({"kind": "points", "points": 50, "occasion": "entry"})
        self.partner.sudo().grade_id = self.gold
        self.assertBalance(self._get_card(), 50)
        self.partner.sudo().grade_id = self.silver
        self.partner.sudo().grade_id = self.gold
        self.partner.sudo().grade_id = self.silver
        self.partner.sudo().grade_id = self.gold
        self.assertBalance(self._get_card(), 100)

    def _pass_birthdays(self, day):
        with freeze_time(f"{day} 12:00:00"), self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_birthday").method_direct_trigger()
        self.env.invalidate_all()

    def test_points_on_the_birthday(self):
        self.benefit.write({"kind": "points", "points": 50, "occasion": "birthday"})
        leap = self._create_partner("Leap", birthday="2004-02-29")
        self.partner.birthday = "2003-06-15"
        (self.partner | leap).sudo().grade_id = self.gold
        self._pass_birthdays("2027-02-27")
        self.assertFalse(self._get_card(leap))
        self._pass_birthdays("2027-02-28")
        self._pass_birthdays("2027-03-01")
        self.assertBalance(self._get_card(leap), 50)
        self.assertFalse(self._get_card())
        self._pass_birthdays("2027-06-18")
        self._pass_birthdays("2027-06-18")
        self.assertBalance(self._get_card(), 50)

    def test_silent_members(self):
        other = self._create_partner("Other")
        (self.partner | other).sudo().grade_id = self.gold
        self.benefit._use(self.partner)
        silent = self.memberships.with_user(self.marketer).search(
            [("silent", "=", True)]
        )
        self.assertEqual(silent.partner_id, other)
        self.assertTrue(silent.silent)

    def test_bad_benefits(self):
        for values in ({"kind": "points"}, {"occasion": "entry"}):
            with self.assertRaises(ValidationError):
                self.benefit.write(values)


@tagged("post_install", "-at_install")
class TestMemberReport(HstyleTiersCommon):
    def test_shares_of_members(self):
        """Orders, revenue and margin, of Odoo and of other shops, less refunds."""
        self.dress.standard_price = 40
        order = self._sell(3)
        self._refund(self._invoice(order), 1)
        self._import([("1", "1", "2026-03-01", "a", "", "", "80")])
        self.env["hstyle.profile"]._refresh(full=True)
        report = self.env["hstyle.member.report"].with_user(self.marketer)
        sums = [
            "order_share:sum",
            "revenue_share:sum",
            "margin:sum",
            "margin_share:sum",
        ]
        groups = report._read_group([], ["grade_id"], [*sums, "repurchased:avg"])
        figures = {tier.name: values for tier, *values in groups}
        orders, revenue, margin, share, again = figures["Silver"]
        self.assertEqual((orders, margin, again), (0.5, 120, 0))
        self.assertAlmostEqual(revenue, 200 / 280)
        self.assertAlmostEqual(share, 120 / 160)
        self.assertEqual(figures[False][2], 40, "half of the revenue is assumed")


@tagged("post_install", "-at_install")
class TestAccountManagers(HstyleTiersCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gold.has_manager = True
        cls.ann, cls.bob = (cls._create_manager(login) for login in ("ann", "bob"))

    @classmethod
    def _create_manager(cls, login):
        user = new_test_user(cls.env, login=login, groups="base.group_user")
        return cls.env["hstyle.account.manager"].create(
            {"user_id": user.id, "capacity": 2}
        )

    def _create_members(self, count):
        partners = self.env["res.partner"].create(
            [{"name": f"Member {number}"} for number in range(count)]
        )
        partners.sudo().grade_id = self.gold
        return self.memberships.search([("partner_id", "in", partners.ids)], order="id")

    def test_by_load_up_to_the_capacity(self):
        company = self.env["res.company"].create({"name": "Other"})
        elsewhere = {"user_id": self.clerk.id, "company_id": company.id}
        self.env["hstyle.account.manager"].create(elsewhere)
        members = self._create_members(5)
        self.assertEqual((self.ann.member_count, self.bob.member_count), (2, 2))
        self.assertEqual(len(members.filtered("manager_id")), 4)

    def test_history_and_end(self):
        [member] = self._create_members(1)
        partner = member.partner_id
        partner.sudo().grade_id = self.silver
        self.assertFalse(member.manager_id)
        history = self.env["hstyle.account.assignment"].search([])
        self.assertEqual(
            (history.user_id, bool(history.date_to)), (self.ann.user_id, True)
        )

    def test_who_is_away_gets_nobody_new_and_has_a_deputy(self):
        [member] = self._create_members(1)
        managers = self.env["hstyle.account.manager"]
        self.assertEqual(managers._get_contact(member), self.ann.user_id)
        self.ann.write({"deputy_id": self.bob.id, "away_until": "2099-01-01"})
        self.assertEqual(managers._get_contact(member), self.bob.user_id)
        self._create_members(2)
        self.assertEqual((self.ann.member_count, self.bob.member_count), (1, 2))

    def test_handover_in_bulk(self):
        members = self._create_members(2)
        mine = members.filtered(lambda m: m.manager_id == self.ann.user_id)
        wizard = self.env["hstyle.account.handover"].with_user(self.manager)
        wizard = wizard.create({"manager_id": self.ann.id, "note": "Leaves"})
        wizard.action_hand_over()
        self.assertEqual(mine.manager_id, self.bob.user_id)
        self.env.flush_all()
        history = mine.partner_id.hstyle_membership_ids.env[
            "hstyle.account.assignment"
        ].search([("partner_id", "=", mine.partner_id.id)])
        self.assertEqual(history.mapped("note"), ["Leaves", False])

    def test_an_announced_visit(self):
        [member] = self._create_members(1)
        with freeze_time("2026-03-10 12:00:00"):
            for moment, place in (
                ("x", "Gate 2"),
                ("2026-03-10T11:00", "Gate 2"),
                ("2026-03-11T11:00", " "),
            ):
                with self.assertRaises(UserError):
                    member._announce_visit(moment, place)
            event = member._announce_visit("2026-03-11T11:00", "Gate 2", "Size M")
            self.assertEqual(member._get_visits(), event)
        self.assertEqual(event.user_id, self.ann.user_id)
        self.assertIn(member.partner_id, event.partner_ids)
        self.assertEqual(event.location, "Gate 2")
        self.assertTrue(event.alarm_ids)


@tagged("post_install", "-at_install")
class TestTierAttacks(HstyleTiersCommon):
    """Tiers, points and prices by side doors, and what must go on working."""

    def _invite(self, partner=None, tier=None):
        (partner or self.partner).sudo().grade_id = tier or self.gold

    def test_nobody_else_ends_a_membership(self):
        self._invite()
        reseller = self.env["res.partner.grade"].create({"name": "Reseller"})
        for user in (self.clerk, self.salesperson):
            for grade in (False, reseller.id):
                with self.assertRaises(AccessError):
                    self.partner.with_user(user).grade_id = grade
        self.assertTier(self.gold)

    def test_a_clerk_merges_members(self):
        self.env["hstyle.benefit"].create(
            {
                "name": "Welcome",
                "grade_id": self.gold.id,
                "kind": "points",
                "points": 50,
                "occasion": "entry",
            }
        )
        self._invite()
        keeper = self._create_partner("Keeper")
        wizard = self.env["base.partner.merge.automatic.wizard"].with_user(self.clerk)
        merged = (self.partner | keeper).ids
        wizard.create({})._merge(merged, keeper.with_user(self.clerk))
        self.assertTier(self.gold, keeper)
        self.assertBalance(self._get_card(keeper), 50)

    def test_an_import_of_the_same_tier(self):
        self._invite()
        self.partner.with_user(self.clerk).write({"grade_id": self.gold.id})
        self.assertEqual(len(self.partner.hstyle_tier_move_ids), 1)
        vals = {"name": "New", "grade_id": self.gold.id}
        with self.assertRaises(AccessError):
            self.env["res.partner"].with_user(self.clerk).create([vals])
        self.assertEqual(vals["grade_id"], self.gold.id, "the caller's own")

    def test_a_default_tier(self):
        partners = self.env["res.partner"].with_context(default_grade_id=self.gold.id)
        with self.assertRaises(AccessError):
            partners.with_user(self.clerk).create({"name": "New"})
        member = partners.with_user(self.manager).create({"name": "New"})
        self.assertTier(self.gold, member)

    def test_a_level_is_no_tier(self):
        grades = self.env["res.partner.grade"].with_user(self.salesperson)
        level = grades.create({"name": "Mine", "tier_multiplier": 100})
        self.partner.with_user(self.salesperson).grade_id = level
        self.assertEqual(self.partner._get_tier_multiplier(self.company), 1)
        with self.assertRaises(AccessError):
            level.is_tier = True
        with self.assertRaises(ValidationError):
            level.with_user(self.manager).is_tier = True
        self.assertTrue(Form(level).record)

    def test_who_sells_a_tier(self):
        product = self._create_product("Membership", 0)
        product.service_tracking = "partnership"
        role = "product.group_product_manager"
        seller = new_test_user(self.env, login="products", groups=role)
        self.manager.group_ids |= self.env.ref(role)
        with self.assertRaisesRegex(AccessError, "sell member tiers"):
            product.product_tmpl_id.with_user(seller).grade_id = self.gold
        product.product_tmpl_id.with_user(self.manager).grade_id = self.gold

    def _sell_tier(self, tier):
        product = self._create_product(f"{tier.name} membership", 10)
        product.write({"service_tracking": "partnership", "grade_id": tier.id})
        order = self._create_order()
        order.order_line.product_id = product
        order.action_confirm()

    def test_a_purchase_never_lowers(self):
        self._invite(tier=self.platinum)
        self._sell_tier(self.gold)
        self.assertTier(self.platinum)

    def test_a_second_purchase_lasts_longer(self):
        self._sell_tier(self.gold)
        end = self._get_member().valid_until
        self._sell_tier(self.gold)
        self.assertEqual((self._get_member().valid_until - end).days // 360, 1)

    def test_a_purchase_respects_an_override(self):
        day = self.company._hstyle_today() + timedelta(days=30)
        self.partner.sudo()._set_tier(self.silver, pinned_until=day, valid_until=day)
        self._sell_tier(self.gold)
        self.assertTier(self.silver)

    def test_an_archived_tier(self):
        self._invite(tier=self.silver)
        self.gold.active = False
        self._sell_tier(self.gold)
        self.assertTier(self.silver)
        with self.assertRaises(UserError):
            self.partner.with_user(self.manager).grade_id = self.gold

    def test_a_price_by_hand_outranks_the_tier(self):
        self.gold.default_pricelist_id = self.env["product.pricelist"].create(
            {"name": "Gold price"}
        )
        mine = self.env["product.pricelist"].create({"name": "Friend"})
        self.partner.specific_property_product_pricelist = mine
        self._invite()
        self.assertEqual(self.partner.property_product_pricelist, mine)
        self._invite(tier=self.silver)
        self.assertEqual(self.partner.property_product_pricelist, mine)

    def test_other_companies(self):
        company = self.env["res.company"].create({"name": "Other"})
        other = new_test_user(
            self.env,
            login="other",
            groups="hstyle_crm.hstyle_crm_group_manager,sales_team.group_sale_salesman",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self._invite()
        for model in ("hstyle.tier.statement", "hstyle.tier.trial"):
            wizard = self.env[model].with_user(other)
            with self.assertRaises(AccessError):
                wizard.create({"company_id": self.company.id}).line_ids.mapped("id")
        stranger = self._create_partner("Stranger").with_user(other)
        with self.assertRaises(AccessError):
            stranger.grade_id = self.gold
        self.assertEqual(self.partner.with_user(other)._get_tier_multiplier(company), 1)

    def test_benefits_that_come_by_themselves(self):
        values = {"kind": "points", "points": 50, "occasion": "birthday"}
        self.env["hstyle.benefit"].create(
            {"name": "Birthday", "grade_id": self.gold.id, **values}
        )
        self._invite()
        line = self.partner.with_user(self.agent).hstyle_entitlement_ids
        self.assertFalse(line.is_open)
        with self.assertRaises(UserError):
            line.action_use()
        with self.assertRaises(ValidationError):
            line.benefit_id.sudo().write({"quota": 0})

    def test_a_failed_chunk_leaves_nothing_behind(self):
        self.silver.has_manager = True
        manager = new_test_user(self.env, login="ann", groups="base.group_user")
        self.env["hstyle.account.manager"].create({"user_id": manager.id})
        bad, good = (self._create_partner(name) for name in ("Bad", "Good"))
        self._close_tills()
        for partner in (bad, good):
            self._buy(50, "2026-03-10", partner)
        mark = type(self.memberships)._mark

        def fail(members, rows, *rest):
            if bad.id in [row["partner_id"] for row in rows]:
                raise ValueError("bad customer")
            return mark(members, rows, *rest)

        self.patch(type(self.memberships), "_mark", fail)
        with mute_logger("odoo.addons.hstyle_crm.models.hstyle_tier_job"):
            self._pass_night("2026-03-11")
        assignments = self.env["hstyle.account.assignment"]
        open_ones = assignments.search([("date_to", "=", False)])
        self.assertEqual(open_ones.partner_id, good)
        self.assertEqual(self._get_member(good).manager_id, manager)

    def test_members_without_a_manager_get_one_at_night(self):
        self._invite()
        self.gold.has_manager = True
        manager = new_test_user(self.env, login="ann", groups="base.group_user")
        self.env["hstyle.account.manager"].create({"user_id": manager.id})
        self.assertFalse(self._get_member().manager_id)
        self._pass_night(str(self.company._hstyle_today()))
        self.assertEqual(self._get_member().manager_id, manager)

    def test_active_rules_are_not_deleted(self):
        with self.assertRaises(UserError):
            self.gold.rule_ids.with_user(self.manager).unlink()
        rules = self.env["hstyle.tier.rule"].with_context(default_state="active")
        values = {"grade_id": self.gold.id, "threshold": 1}
        self.assertEqual(rules.create(values).state, "draft")

    def test_a_quiet_activation_outlives_a_running_job(self):
        self.company.hstyle_tier_quiet = "2026-03-10 12:00:00"
        self.memberships._finish(datetime(2026, 3, 10, 11))
        self.assertTrue(self.company.hstyle_tier_quiet)
        self.memberships._finish(datetime(2026, 3, 10, 13))
        self.assertFalse(self.company.hstyle_tier_quiet)
