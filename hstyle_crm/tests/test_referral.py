from datetime import timedelta

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import HstylePointsCommon


class HstyleReferralCommon(HstylePointsCommon):
    """A campus with an active agent, and Lin, who brings friends with a code."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.hstyle_return_days = 14
        cls.env["hstyle.referral.program"].search([]).active = False
        cls.referral_program = cls.env["hstyle.referral.program"].create(
            {"name": "Bring a friend", "date_from": "2020-01-01"}
        )
        cls.campus_site = cls.env["hstyle.campus"].create(
            {"name": "Fudan", "manager_id": cls.campus.id}
        )
        cls.lin = cls._create_partner("Lin", phone="+8613800138001")
        cls.code = cls.env["hstyle.referral.code"]._get_code(cls.lin)
        cls.student = cls._create_partner("Mei Chen", email="mei@example.com")
        cls.student_agent = cls.env["hstyle.agent"].create(
            {
                "partner_id": cls.student.id,
                "campus_id": cls.campus_site.id,
                "graduation_on": "2099-06-30",
            }
        )
        cls.student_agent.state = "active"
        cls.env["hstyle.commission.plan"].search([]).active = False
        cls.env["hstyle.commission.plan"].create(
            {"name": "Plan", "bracket_ids": [Command.create({"percent": 5})]}
        )
        cls.agent_code = cls.env["hstyle.referral.code"]._get_code(cls.student)
        cls.referrals = cls.env["hstyle.referral"]

    def _claim(self, friend, code=None, source="staff", **values):
        code = code or self.code
        return self.referrals._claim(code.code, friend, source, **values)

    def _friend(self, name="Xia", **values):
        return self._create_partner(name, **values)

    def _buy(self, friend, quantity=1, **values):
        """Let a friend order, and the job follow."""
        order = self._sell(quantity, friend, **values)
        self._follow()
        return order

    def _follow(self):
        dirty = self.env["hstyle.referral.dirty"]
        orders = dirty._take(dirty._get_last(), 1000)
        self.referrals._follow(orders)
        self.referrals._find_due()._advance()
        self.env.flush_all()

    def _points(self, partner):
        return self._get_card(partner).points


@tagged("post_install", "-at_install")
class TestReferral(HstyleReferralCommon):
    # === CODES AND CLAIMS === #

    def test_code_is_typed_in_any_way(self):
        text = f" {self.code.code[:3].lower()}-{self.code.code[3:]} "
        self.assertEqual(self.env["hstyle.referral.code"]._find(text), self.code)

    def test_one_code_for_a_customer(self):
        again = self.env["hstyle.referral.code"]._get_code(self.lin)
        self.assertEqual(again, self.code)

    def test_claim(self):
        found = self._claim(friend := self._friend())
        self.assertEqual(
            (found.state, found.friend_id, found.referrer_id, found.source),
            ("referred", friend, self.lin, "staff"),
        )
        self.assertFalse(found.agent_id)
        self.assertFalse(found.reason)

    def test_same_claim_same_result(self):
        friend = self._friend()
        self.assertEqual(self._claim(friend), self._claim(friend))

    def test_rejected_claim_is_not_tried_again(self):
        self.assertEqual(self._claim(self.lin).state, "rejected")
        self.assertEqual(self._claim(self.lin), self._claim(self.lin))
        self.assertEqual(len(self.lin.hstyle_referral_ids), 1)

    def test_one_referrer_for_ever(self):
        first = self._claim(friend := self._friend())
        self.assertEqual(self._claim(friend, self.agent_code), first)
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"):
            first.copy({"referrer_id": self.student.id})

    def test_unknown_code(self):
        with self.assertRaisesRegex(UserError, "no referral code “NOPE”"):
            self.referrals._claim("NOPE", self._friend(), "staff")

    def test_no_programme(self):
        self.referral_program.date_to = "2020-12-31"
        with self.assertRaisesRegex(UserError, "no programme"):
            self._claim(self._friend())

    def test_link_holds_for_its_days(self):
        now = fields.Datetime.now()
        young = now - timedelta(days=29, hours=23)
        self.assertTrue(self._claim(self._friend(), touched_on=young))
        with self.assertRaisesRegex(UserError, "more than 30 days ago"):
            self._claim(self._friend("Old"), touched_on=now - timedelta(days=30))

    def test_agent_brings_friends_into_the_circle(self):
        found = self._claim(self._friend(), self.agent_code)
        self.assertEqual(found.agent_id, self.student_agent)
        self.assertEqual(found.campus_id, self.campus_site)

    def test_paused_agent_refers_as_a_customer(self):
        self.student_agent.state = "paused"
        self.assertFalse(self._claim(self._friend(), self.agent_code).agent_id)

    # === FRAUD: WHAT IS READ FOR THE RULES === #

    def assertVerdict(self, found, state, reason):
        self.assertEqual((found.state, found.reason), (state, reason))
        self.assertTrue(found.explanation)

    def test_own_account(self):
        self.assertVerdict(self._claim(self.lin), "rejected", "self")

    def test_own_company_contact(self):
        contact = self._create_partner("At work", parent_id=self.lin.id)
        self.assertVerdict(self._claim(contact), "rejected", "self")

    def test_own_phone(self):
        twin = self._friend(phone="138 0013 8001")
        self.assertVerdict(self._claim(twin), "rejected", "phone")

    def test_own_email(self):
        twin = self._friend(email="Mei+shop@Example.com")
        self.assertVerdict(self._claim(twin, self.agent_code), "rejected", "email")

    def test_own_address_waits_for_review(self):
        home = {"street": "Handan Road 220", "zip": "200433"}
        self.lin.write(home)
        mate = self._friend(street="handan road  220", zip="200433")
        self.assertVerdict(self._claim(mate), "review", "address")

    def test_delivery_to_the_referrer(self):
        found = self._claim(friend := self._friend())
        place = self._create_partner("LIN", parent_id=friend.id, type="delivery")
        self._buy(friend, partner_shipping_id=place.id)
        self.assertVerdict(found, "review", "name")
        self.assertTrue(found.order_id)

    def test_customer_before(self):
        friend = self._friend()
        with freeze_time(fields.Datetime.now() - timedelta(days=1)):
            self._sell(partner=friend)
        self.assertVerdict(self._claim(friend), "rejected", "customer")

    def test_bought_after_the_first_touch(self):
        """The link came first: the order in between is the friend's first."""
        friend = self._friend()
        touched_on = fields.Datetime.now() - timedelta(days=3)
        with freeze_time(touched_on + timedelta(days=1)):
            self._sell(partner=friend)
        found = self._claim(friend, touched_on=touched_on)
        self.assertEqual(found.state, "referred")

    def test_customer_of_a_shop(self):
        rows = [("1", "1", "2026-03-01", "xia", "Xia", "", "100")]
        self._import(rows)
        found = self._claim(self._get_buyer("xia"))
        self.assertVerdict(found, "rejected", "customer")

    def test_customer_before_by_another_account(self):
        old = self._friend("Old", phone="+8613700137003")
        with freeze_time(fields.Datetime.now() - timedelta(days=1)):
            self._sell(partner=old)
        new = self._friend("New", phone="+8613700137003")
        self.assertVerdict(self._claim(new), "rejected", "known")

    def test_agent_as_friend(self):
        self.assertVerdict(self._claim(self.student), "rejected", "agent_account")

    def test_employee_as_friend(self):
        found = self._claim(self.clerk.partner_id)
        self.assertVerdict(found, "rejected", "employee")

    def test_velocity(self):
        self.referral_program.velocity = 3
        for number in range(3):
            self.assertEqual(self._claim(self._friend(f"F{number}")).state, "referred")
        self.assertVerdict(self._claim(self._friend("F4")), "review", "velocity")
        with freeze_time(fields.Datetime.now() + timedelta(days=2)):
            self.assertEqual(self._claim(self._friend("F5")).state, "referred")

    def test_refund_pattern(self):
        for number in range(3):
            self._claim(friend := self._friend(f"F{number}"))
            self._refund(self._invoice(self._buy(friend)))
        self.assertVerdict(self._claim(self._friend("F4")), "review", "refunds")

    # === THE ORDER === #

    def test_code_on_the_order(self):
        friend = self._friend()
        order = self._create_order(partner=friend, referral_code=self.code.code.lower())
        self.assertEqual(order.referral_text, "Brought by Lin")
        order.action_confirm()
        found = friend.hstyle_referred_ids
        self.assertEqual((found.referrer_id, found.source), (self.lin, "order"))

    def test_slow_confirmation(self):
        """A code that is noted after the confirmation holds for that order."""
        now = fields.Datetime.now()
        order = self._create_order(partner=self._friend(), referral_code=self.code.code)
        order.write({"state": "sale", "date_order": now - timedelta(seconds=9)})
        order._claim_referrals()
        found = order.sudo().partner_id.hstyle_referred_ids
        found._advance()
        self.assertEqual(found.order_id.id, order.id)

    def test_first_order_is_no_order_before(self):
        self._sell(partner=(friend := self._friend()), referral_code=self.code.code)
        self.assertEqual(friend.hstyle_referred_ids.state, "referred")

    def test_unknown_code_on_the_order(self):
        with self.assertRaisesRegex(ValidationError, "Ask the customer for it"):
            self._create_order(referral_code="NOPE")

    def test_code_that_does_not_count_is_told(self):
        order = self._create_order(partner=self.lin, referral_code=self.code.code)
        self.assertIn("The referrer's own account", order.referral_text)
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_quotation_form(self):
        with Form(self.env["sale.order"].with_user(self.salesperson)) as form:
            form.partner_id = self._friend()
            form.referral_code = self.code.code
            self.assertEqual(form.referral_text, "Brought by Lin")

    def test_programme_ended_meanwhile(self):
        order = self._create_order(partner=self._friend(), referral_code=self.code.code)
        self.referral_program.active = False
        order.action_confirm()
        self.assertEqual(order.state, "sale")
        self.assertIn("no programme", order.message_ids[0].body)

    # === HOLD AND REWARD === #

    def _pass(self, days):
        """Let days pass and the job follow."""
        with freeze_time(fields.Datetime.now() + timedelta(days=days)):
            self._follow()

    def test_both_are_rewarded_after_the_return_window(self):
        found = self._claim(friend := self._friend())
        self._buy(friend)
        today = self.company._hstyle_today()
        self.assertEqual(
            (found.state, found.hold_until), ("hold", today + timedelta(days=14))
        )
        self._pass(14)
        self.assertEqual(found.state, "hold")
        self._pass(15)
        self.assertEqual(found.state, "rewarded")
        self.assertEqual((found.friend_points, found.referrer_points), (100, 100))
        self.assertEqual(self._points(self.lin), 100)
        # The dress itself gave 100.
        self.assertEqual(self._points(friend), 200)
        self.assertEqual(self.referral_program.spent, 200)

    def test_reward_once(self):
        found = self._claim(friend := self._friend())
        self._buy(friend)
        self._pass(15)
        self._buy(friend)
        self._pass(60)
        found._advance()
        self.assertEqual(self._points(self.lin), 100)

    def _get_commission(self, order):
        return sum(
            order.sudo()
            .env["hstyle.commission"]
            .search([("order_id", "=", order.id)])
            .mapped("amount")
        )

    def test_commission_follows_the_verdict(self):
        """An order to the agent's own phone pays nothing, unless staff approves it."""
        self.student.phone = "+8613800138002"
        found = self._claim(friend := self._friend(), self.agent_code)
        place = self._create_partner(
            "Home", parent_id=friend.id, type="delivery", phone=self.student.phone
        )
        order = self._buy(friend, partner_shipping_id=place.id)
        self.assertVerdict(found, "rejected", "phone")
        self.assertEqual(self._get_commission(order), 0)
        found.with_user(self.clerk).action_approve()
        self._follow()
        self.assertEqual(self._get_commission(order), 5)
        found.with_user(self.clerk).action_reject()
        self._follow()
        self.assertEqual(self._get_commission(order), 0)

    def test_fraud_that_is_found_late(self):
        """Commission is taken back, and no other code brings the friend again."""
        found = self._claim(friend := self._friend(), self.agent_code)
        order = self._buy(friend)
        self._pass(15)
        self.assertEqual(found.state, "rewarded")
        found.with_user(self.clerk).action_reject()
        self._follow()
        self.assertEqual((found.state, self._get_commission(order)), ("rejected", 0))
        with freeze_time(fields.Datetime.now() + timedelta(days=1)):
            self.assertVerdict(self._claim(friend), "rejected", "customer")

    def test_agent_gets_no_points(self):
        self._claim(friend := self._friend(), self.agent_code)
        self._buy(friend)
        self._pass(15)
        self.assertFalse(self._get_card(self.student))
        self.assertEqual(self._points(friend), 200)

    def test_first_order_sent_back(self):
        """The next order counts, and waits for its own window."""
        found = self._claim(friend := self._friend())
        order = self._buy(friend)
        self._refund(self._invoice(order))
        self._follow()
        self.assertEqual((found.state, found.order_id.id), ("referred", False))
        self._pass(20)
        self.assertFalse(self._get_card(self.lin))
        order = self._buy(friend)
        self.assertEqual((found.state, found.order_id), ("hold", order))

    def test_first_order_cancelled(self):
        found = self._claim(friend := self._friend())
        self._buy(friend)._action_cancel()
        self._follow()
        self.assertEqual(found.state, "referred")

    def test_a_part_is_kept(self):
        self.referral_program.minimum = 100
        found = self._claim(friend := self._friend())
        invoice = self._invoice(self._buy(friend, 2))
        self._refund(invoice, 1)
        self._follow()
        self.assertEqual(found.state, "hold")
        self._refund(invoice, 0.5)
        self._follow()
        self.assertEqual(found.state, "referred")

    def test_small_order(self):
        self.referral_program.minimum = 150
        found = self._claim(friend := self._friend())
        self._buy(friend)
        self.assertEqual(found.state, "referred")
        self._buy(friend, 2)
        self.assertEqual(found.state, "hold")

    def test_cap(self):
        self.referral_program.cap = 1
        found = self.referrals
        for number in range(2):
            found |= self._claim(friend := self._friend(f"F{number}"))
            self._buy(friend)
        self._pass(15)
        self.assertEqual(found.mapped("referrer_points"), [100, 0])
        self.assertEqual(found[1].reason, "cap")
        self.assertEqual(found.mapped("friend_points"), [100, 100])

    def test_budget(self):
        self.referral_program.budget = 250
        found = self.referrals
        for number in range(2):
            found |= self._claim(friend := self._friend(f"F{number}"))
            self._buy(friend)
        self._pass(15)
        self.assertEqual(found.mapped("referrer_points"), [100, 0])
        self.assertEqual(found[1].reason, "budget")
        self.assertEqual(self.referral_program.spent, 200)

    def test_without_a_points_programme(self):
        self.program.active = False
        found = self._claim(friend := self._friend())
        self._buy(friend)
        self._pass(15)
        self.assertEqual((found.state, found.reason), ("rewarded", "points"))
        self.assertEqual((found.friend_points, self.referral_program.spent), (0, 0))

    def test_other_friend_gets_the_order(self):
        """An order given to another customer is nobody's first order any more."""
        found = self._claim(friend := self._friend())
        order = self._buy(friend)
        order.partner_id = self._friend("Other")
        self._follow()
        self.assertEqual(found.state, "referred")

    # === REVIEW === #

    def test_review(self):
        """The lowest role decides; what is approved is not asked again."""
        found = self._claim(self._friend("Lin"))
        self.assertEqual(found.state, "review")
        found.with_user(self.clerk).action_approve()
        self.assertEqual((found.state, found.reviewer_id), ("referred", self.clerk))
        self._buy(found.friend_id)
        self.assertEqual(found.state, "hold")

    def test_reject(self):
        found = self._claim(self._friend())
        found.with_user(self.clerk).action_reject()
        self.assertEqual((found.state, found.reason), ("rejected", "staff"))
        self._buy(found.friend_id)
        self.assertEqual(found.state, "rejected")

    def test_who_may_review(self):
        found = self._claim(self._friend("Lin"), self.agent_code)
        for user in (self.agent, self.marketer, self.campus):
            with self.assertRaises(AccessError):
                found.with_user(user).action_approve()

    def test_approve_where_another_one_stands(self):
        found = self._claim(friend := self._friend(phone=self.lin.phone))
        self.assertEqual(found.state, "rejected")
        other = self.env["hstyle.referral.code"]._get_code(self._friend("Bo"))
        self.assertEqual(self._claim(friend, other).state, "referred")
        with self.assertRaisesRegex(UserError, "was referred by Bo already"):
            found.with_user(self.clerk).action_approve()

    def test_nobody_approves_oneself(self):
        with self.assertRaisesRegex(UserError, "Nobody refers oneself"):
            self._claim(self.lin).with_user(self.clerk).action_approve()

    def test_told_to_staff(self):
        friend = self._friend()
        entry = self.env["hstyle.referral.entry"].with_user(self.agent)
        entry = entry.create({"friend_id": friend.id, "code": self.code.code})
        action = entry.action_claim()
        self.assertEqual(action["res_id"], friend.hstyle_referred_ids.id)
        entry.code = self.agent_code.code
        with self.assertRaisesRegex(UserError, "was referred by Lin already"):
            entry.action_claim()

    # === COMMISSION === #

    def _bring(self, **values):
        """Let the agent, who earns 10 %, bring a friend."""
        self.env["hstyle.commission.plan"].search([]).active = False
        bracket = Command.create({"from_amount": 0, "percent": 10})
        self.env["hstyle.commission.plan"].create(
            {"name": "Plan", "bracket_ids": [bracket]}
        )
        self.student.phone = "+8613900139001"
        return self._claim(self._friend(**values), self.agent_code)

    def _get_commission(self, order):
        domain = [("order_id", "=", order.id)]
        rows = self.env["hstyle.commission"].search(domain)
        return sum(rows.mapped("amount"))

    def test_rejected_by_its_order_earns_nothing(self):
        found = self._bring()
        place = self._create_partner(
            "Door", parent_id=found.friend_id.id, phone=self.student.phone
        )
        order = self._buy(found.friend_id, partner_shipping_id=place.id)
        self.assertVerdict(found, "rejected", "phone")
        self._follow()
        self.assertEqual(self._get_commission(order), 0)

    def test_commission_waits_for_the_review(self):
        found = self._bring(name="Mei Chen")
        self.assertVerdict(found, "review", "name")
        order = self._buy(found.friend_id)
        self.assertEqual(self._get_commission(order), 0)
        found.with_user(self.clerk).action_approve()
        self._follow()
        self.assertEqual(self._get_commission(order), 10)

    def test_a_review_takes_commission_back_until_it_is_approved(self):
        found = self._bring()
        first = self._buy(found.friend_id)
        self.assertEqual(self._get_commission(first), 10)
        first._action_cancel()
        place = self._create_partner("Mei Chen", parent_id=found.friend_id.id)
        second = self._buy(found.friend_id, partner_shipping_id=place.id)
        self._follow()
        self.assertVerdict(found, "review", "name")
        self.assertEqual(self._get_commission(second), 0)
        found.with_user(self.clerk).action_approve()
        self._follow()
        self.assertEqual(self._get_commission(second), 10)

    def test_approved_after_a_rejection(self):
        found = self._bring()
        order = self._buy(found.friend_id)
        found.with_user(self.clerk).action_reject()
        self._follow()
        self.assertEqual(self._get_commission(order), 0)
        found.with_user(self.clerk).action_approve()
        self._follow()
        self.assertEqual(self._get_commission(order), 10)

    def test_orders_in_a_branch_earn_too(self):
        found = self._bring()
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        self.salesperson.company_ids += branch
        code = self.code.code
        draft = self._create_order(
            partner=found.friend_id, company_id=branch.id, referral_code=code
        )
        self.assertEqual(draft.referral_text, "Brought by Mei Chen")
        order = self._buy(found.friend_id, company_id=branch.id)
        self.assertEqual(self._get_commission(order), 10)
        found.with_user(self.clerk).action_reject()
        self._follow()
        self.assertEqual(self._get_commission(order), 0)

    # === JOB === #

    def test_first_order_deleted(self):
        """Before the job saw that it was cancelled."""
        found = self._claim(friend := self._friend())
        order = self._buy(friend)
        self.assertEqual(found.state, "hold")
        order._action_cancel()
        order.sudo().unlink()
        with freeze_time(fields.Datetime.now() + timedelta(days=16)):
            self._follow()
        self.assertEqual((found.state, found.hold_until), ("referred", False))

    def test_job(self):
        self._claim(friend := self._friend())
        self._sell(partner=friend)
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_referral").method_direct_trigger()
        self.assertEqual(friend.hstyle_referred_ids.state, "hold")
        self.assertFalse(self.env["hstyle.referral.dirty"].search([]))

    def test_bad_record_keeps_nobody_waiting(self):
        good, bad = self._claim(self._friend("A")), self._claim(self._friend("B"))
        for record in (bad, good):
            self._sell(partner=record.friend_id)
        # An order of which nothing can be said.
        order = self.env["sale.order"].search([("partner_id", "=", bad.friend_id.id)])
        self.company.hstyle_return_days = 14
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sale_order SET date_order = '9999-12-31' WHERE id = %s", [order.id]
        )
        self.env.invalidate_all()
        with (
            self.assertLogs("odoo.addons.hstyle_crm", "ERROR"),
            self.enter_registry_test_mode(),
        ):
            self.env.ref("hstyle_crm.ir_cron_referral").method_direct_trigger()
        self.assertEqual((good.state, bad.state), ("hold", "referred"))
        waiting = self.env["hstyle.referral.dirty"].search([])
        self.assertEqual(waiting.mapped("order_id"), order.ids)

    def test_orders_of_others_are_not_queued(self):
        self._sell()
        self.assertFalse(self.env["hstyle.referral.dirty"].search([]))

    # === MERGE === #

    def _merge(self, *partners):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([p.id for p in partners], partners[0])

    def test_merged_friends_keep_the_older_referrer(self):
        first = self._claim(one := self._friend("One"))
        second = self._claim(two := self._friend("Two"), self.agent_code)
        self._merge(two, one)
        self.assertEqual(first.friend_id, two)
        self.assertEqual((first.state, second.state), ("referred", "rejected"))

    def test_merged_friends_are_rewarded_once(self):
        waiting = self._claim(one := self._friend("One"))
        done = self._claim(two := self._friend("Two"))
        self._buy(two)
        with freeze_time(fields.Datetime.now() + timedelta(days=16)):
            self._follow()
            self.assertEqual(done.state, "rewarded")
            before = self._points(self.lin)
            self._merge(two, one)
            self._follow()
            self.assertEqual((done.state, waiting.state), ("rewarded", "rejected"))
            self._buy(two)
        with freeze_time(fields.Datetime.now() + timedelta(days=40)):
            self._follow()
        self.assertEqual(self._points(self.lin), before)

    def test_merged_with_the_referrer(self):
        found = self._claim(friend := self._friend())
        self._merge(self.lin, friend)
        self.assertEqual((found.state, found.reason), ("rejected", "merged"))

    def test_codes_survive_a_merge(self):
        other = self._friend("Other")
        code = self.env["hstyle.referral.code"]._get_code(other)
        self._merge(self.lin, other)
        self.assertEqual(code.partner_id, self.lin)
        self.assertEqual(self.code.partner_id, self.lin)
