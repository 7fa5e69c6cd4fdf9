import re
from datetime import timedelta

from freezegun import freeze_time
from psycopg2.errors import CheckViolation, UniqueViolation

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .test_hstyle_ticket import MONDAY, HstyleTicketCommon

#: In the morning: nobody is asked at night.
NOW = MONDAY + timedelta(days=10, hours=10)


class HstyleSatisfactionCommon(HstyleTicketCommon):
    """Customers are asked a day after a ticket, and reminded after three days."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        policies = cls.env["hstyle.satisfaction.policy"]
        policies.search([]).active = False
        cls.policy = policies.search(
            [("question", "=", "ticket"), ("active", "=", False)]
        )
        cls.policy.write(
            {
                "active": True,
                "delay_hours": 24,
                "cooldown_days": 30,
                "reminder_days": 3,
                "valid_days": 14,
                "care_hours": 4,
                "asked_until": MONDAY,
            }
        )
        cls.mei = cls._create_partner("Mei", email="mei@example.com")

    def _solve(self, partner=None, moment=None, **values):
        """Open a ticket of a customer and solve it, by default two days ago."""
        moment = moment or NOW - timedelta(days=2)
        customer = {"partner_id": (partner or self.mei).id}
        ticket = self._open(moment, **customer, **values)
        self._move(ticket, "solved", moment)
        return ticket

    def _run(self, moment=NOW):
        with freeze_time(moment), self.enter_registry_test_mode():
            cron = self.env.ref("hstyle_crm.ir_cron_satisfaction")
            cron.with_user(self.env.ref("base.user_root")).method_direct_trigger()
        self.env.invalidate_all()

    def _get_questions(self, ticket):
        domain = [("res_model", "=", ticket._name), ("res_id", "=", ticket.id)]
        return self.env["rating.rating"].search(domain)

    def _rate(self, score, partner=None, moment=NOW, feedback="", **values):
        """Let a customer be asked about a ticket, and answer."""
        before = moment - timedelta(days=1)
        ticket = self._solve(partner, before, **values)
        with freeze_time(moment):
            self.policy.with_company(self.company)._ask(ticket)
            rating = self._get_questions(ticket)
            rating._answer(score, feedback)
        return rating

    def _get_mails(self):
        domain = [("recipient_ids", "in", self.mei.ids)]
        return self.env["mail.mail"].search(domain)

    def _get_cards(self):
        return self.env["hstyle.care"].search([("company_id", "=", self.company.id)])


@tagged("post_install", "-at_install")
class TestSatisfactionPolicy(HstyleSatisfactionCommon):
    def test_asked_once_after_the_delay(self):
        ticket = self._solve(moment=NOW - timedelta(hours=23))
        self._run()
        self.assertFalse(self._get_questions(ticket))
        for _run in range(2):
            self._run(NOW + timedelta(hours=1))
        rating = self._get_questions(ticket)
        self.assertRecordValues(
            rating,
            [
                {
                    "partner_id": self.mei.id,
                    "rated_partner_id": self.agent.partner_id.id,
                    "hstyle_question": "ticket",
                    "hstyle_asked_by": "email",
                    "consumed": False,
                    "access_token": False,
                }
            ],
        )
        mail = self._get_mails()
        self.assertEqual(mail.hstyle_purpose, "service")
        self.assertIn(rating._get_satisfaction_url(4), mail.body_html)
        self.assertFalse(mail.model, "Who reads answers does not read the links")

    def test_nobody_is_asked_at_night(self):
        ticket = self._solve()
        self._run(NOW.replace(hour=3))
        self.assertFalse(self._get_questions(ticket))

    def test_not_asked(self):
        """Given up, merged, opened again, of a colleague, old: none is asked."""
        given_up = self._solve(self._create_partner(email="a@example.com"))
        given_up.sudo().is_auto_closed = True
        merged = self._solve(self._create_partner(email="b@example.com"))
        merged.sudo().merged_into_id = given_up
        reopened = self._solve(self._create_partner(email="c@example.com"))
        self._move(reopened, "open", NOW - timedelta(hours=1))
        colleague = self._solve(self.clerk.partner_id)
        old = self._solve(moment=NOW - timedelta(days=9))
        silent = self._solve(self._create_partner("No address"))
        self._run()
        for ticket in (given_up, merged, reopened, colleague, old, silent):
            self.assertFalse(self._get_questions(ticket), ticket.partner_id.name)
        self.assertEqual(self.policy.asked_until, NOW - timedelta(days=1))

    def test_who_said_no_is_not_asked(self):
        record = self.env["hstyle.consent"]._record
        record(self.mei, "email", "service", False, "Phone", company=self.company)
        ticket = self._solve()
        for _run in range(2):
            self._run()
        self.assertFalse(self._get_questions(ticket))
        refused = [("partner_id", "=", self.mei.id), ("reason", "=", "withdrawn")]
        self.assertEqual(self.env["hstyle.contact"].search_count(refused), 1)

    def test_cool_down(self):
        """The latest of a family's tickets is asked about, and none for a month."""
        child = self._create_partner(
            "Lan", parent_id=self.mei.id, email="lan@example.com"
        )
        first = self._solve(child, NOW - timedelta(days=3))
        second = self._solve()
        self._run()
        self.assertFalse(self._get_questions(first))
        self.assertTrue(self._get_questions(second))
        third = self._solve(child, NOW + timedelta(days=1))
        self._run(NOW + timedelta(days=3))
        self.assertFalse(self._get_questions(third))
        fourth = self._solve(moment=NOW + timedelta(days=30))
        self._run(NOW + timedelta(days=32))
        self.assertTrue(self._get_questions(fourth))

    def test_each_time_that_it_is_solved(self):
        self.policy.cooldown_days = 0
        ticket = self._solve()
        self._run()
        self._move(ticket, "open", NOW + timedelta(hours=1))
        self._move(ticket, "solved", NOW + timedelta(hours=2))
        self._run(NOW + timedelta(days=2))
        rounds = self._get_questions(ticket).mapped("hstyle_round")
        self.assertEqual(sorted(rounds), [0, 1])

    def test_one_reminder(self):
        self._solve()
        self._run()
        for days in (2, 3, 4, 5):
            self._run(NOW + timedelta(days=days))
            self.assertEqual(len(self._get_mails()), 1 if days < 3 else 2, days)

    def test_no_reminder(self):
        """Who answered, who is served again, and whose time is over are not."""
        tickets = [
            self._solve(self._create_partner(email=f"{name}@example.com"))
            for name in "abc"
        ]
        self._run()
        answered, again, over = map(self._get_questions, tickets)
        with freeze_time(NOW):
            answered._answer(5)
        self._move(tickets[1], "open", NOW + timedelta(days=1))
        over.hstyle_expires_at = NOW + timedelta(days=2)
        mails = self.env["mail.mail"].search_count([])
        self._run(NOW + timedelta(days=4))
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)
        self.assertTrue(again.hstyle_reminded_at)
        self.assertFalse(answered.hstyle_reminded_at or over.hstyle_reminded_at)

    def test_by_sms(self):
        self.policy.sms_template_id = self.env["sms.template"].create(
            {
                "name": "Satisfied?",
                "model_id": self.env["ir.model"]._get_id("rating.rating"),
                "body": "{{ object._get_policy().text }} "
                "{{ object._get_satisfaction_url() }}",
            }
        )
        self.mei.write({"email": False, "phone": "+8613800138000"})
        ticket = self._solve()
        self._run()
        rating = self._get_questions(ticket)
        self.assertEqual(rating.hstyle_asked_by, "sms")
        sms = self.env["sms.sms"].search([("partner_id", "=", self.mei.id)])
        self.assertIn(rating._get_satisfaction_url(), sms.body)
        self.assertEqual(sms.hstyle_purpose, "service")

    def test_a_bad_one_keeps_nobody_waiting(self):
        bad = self._solve(self._create_partner("Bad", email="bad@example.com"))
        good = self._solve()
        template = self.policy.mail_template_id
        template.body_html = """<t t-if="object.partner_id.name == 'Bad'"
            t-out="1 / 0"/><p>Well?</p>"""
        with self.assertLogs("odoo.addons.hstyle_crm.models.hstyle_job", "ERROR"):
            self._run()
        self.assertTrue(self._get_questions(good))
        self.assertFalse(self._get_questions(bad))

    def test_after_a_delivery(self):
        """Without deliveries an order is delivered when it is confirmed."""
        policies = self.env["hstyle.satisfaction.policy"].with_context(
            active_test=False
        )
        policy = policies.search([("question", "=", "delivery")])
        policy.write({"active": True, "delay_hours": 72, "asked_until": MONDAY})
        product = self.env["product.product"].create(
            {"name": "Fitting", "type": "service"}
        )
        order = self.env["sale.order"].create(
            {
                "partner_id": self.mei.id,
                "order_line": [Command.create({"product_id": product.id})],
            }
        )
        with freeze_time(NOW - timedelta(days=2)):
            order.action_confirm()
        self._run()
        self.assertFalse(self._get_questions(order))
        self._run(NOW + timedelta(days=2))
        rating = self._get_questions(order)
        self.assertEqual(rating.hstyle_question, "delivery")
        with freeze_time(NOW + timedelta(days=2)):
            rating._answer(4)
        report = self.env["hstyle.satisfaction.product"].search(
            [("product_tmpl_id", "=", product.product_tmpl_id.id)]
        )
        self.assertEqual((report.score, report.top_box, report.top_two), (4, 0, 1))

    def test_constant_queries(self):
        """Twenty customers cost hardly more than ten."""
        counts = []
        for number in (10, 20):
            tickets = self.env["hstyle.ticket"].union(
                *(
                    self._solve(self._create_partner(email=f"{n}-{number}@example.com"))
                    for n in range(number)
                )
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with freeze_time(NOW):
                self.policy._find_due(MONDAY, NOW)
                self.policy._ask(tickets)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLess(counts[1] - counts[0], 3 * 10, counts)


@tagged("post_install", "-at_install")
class TestCliff(HstyleSatisfactionCommon):
    def test_falls(self):
        """From 5, or by two: nothing else, and nothing at first."""
        falls = {(5, 4), (5, 3), (5, 2), (5, 1), (4, 2), (4, 1), (3, 1)}
        for before in range(1, 6):
            for now in range(1, 6):
                partner = self._create_partner(email=f"{before}{now}@example.com")
                self._rate(before, partner, NOW - timedelta(days=40))
                cards = self.env["hstyle.care"].search(
                    [("partner_id", "=", partner.id)]
                )
                self.assertFalse(cards)
                self._rate(now, partner)
                cards = self.env["hstyle.care"].search(
                    [("partner_id", "=", partner.id)]
                )
                self.assertEqual(bool(cards), (before, now) in falls, (before, now))

    def test_a_card_with_owner_and_deadline(self):
        self._rate(5, moment=NOW - timedelta(days=40))
        rating = self._rate(4, feedback="The parcel was late")
        card = self._get_cards()
        self.assertRecordValues(
            card,
            [
                {
                    "partner_id": self.mei.id,
                    "rating_id": rating.id,
                    "previous_score": 5,
                    "score": 4,
                    "user_id": self.manager.id,
                    "due": NOW + timedelta(hours=4),
                    "feedback": "The parcel was late",
                }
            ],
        )
        self.assertEqual(card.activity_ids.user_id, self.manager)
        with self.assertRaises(UserError), freeze_time(NOW):
            rating._answer(1)
        self.assertEqual(len(self._get_cards()), 1)

    def test_against_the_last_answer(self):
        """A fall a year ago is no fall today; contacts of a customer are one."""
        self._rate(5, moment=NOW - timedelta(days=80))
        self._rate(2, moment=NOW - timedelta(days=40))
        self._rate(2, moment=NOW - timedelta(days=20))
        self.assertEqual(len(self._get_cards()), 1)
        child = self._create_partner(
            "Lan", parent_id=self.mei.id, email="lan@example.com"
        )
        self._rate(5, child, NOW - timedelta(days=10))
        self._rate(4)
        self.assertEqual(
            self._get_cards().sorted("id").mapped("previous_score"), [5, 5]
        )

    def test_other_companies_and_ratings_do_not_count(self):
        company = self.env["res.company"].create({"name": "Other"})
        rating = self._rate(5, moment=NOW - timedelta(days=40))
        rating.hstyle_company_id = company
        values = {"res_model_id": self.env["ir.model"]._get_id("res.partner")}
        values |= {"res_id": self.mei.id, "partner_id": self.mei.id}
        self.env["rating.rating"].create({**values, "rating": 5, "consumed": True})
        self._rate(1)
        self.assertFalse(self._get_cards())

    def test_the_named_manager_cares(self):
        tier = self.env.ref("hstyle_crm.tier_gold")
        tier.has_manager = True
        self.env["hstyle.account.manager"].create({"user_id": self.clerk.id})
        self.mei.grade_id = tier
        self._rate(5, moment=NOW - timedelta(days=40))
        self._rate(3)
        self.assertEqual(self._get_cards().user_id, self.clerk)
        self.clerk.active = False
        self._rate(1, moment=NOW + timedelta(days=40))
        self.assertEqual(self._get_cards().sorted("id")[-1].user_id, self.manager)

    def test_who_cares_may_work_on_the_card(self):
        """Whatever the role; colleagues with the same role may not, nor salespeople."""
        self.mei.user_id = new_test_user(
            self.env, "sale", groups="sales_team.group_sale_salesman"
        )
        self._rate(5, moment=NOW - timedelta(days=40))
        self._rate(3)
        card = self._get_cards()
        self.assertNotEqual(card.user_id, self.mei.user_id)
        card.user_id = self.clerk
        self.assertEqual(card.activity_ids.user_id, self.clerk)
        marketer = new_test_user(
            self.env, "mark", groups="hstyle_crm.hstyle_crm_group_marketer"
        )
        with self.assertRaises(AccessError):
            card.with_user(marketer).note = "Mine"
        card.with_user(self.clerk).write({"outcome": "kept", "note": "Called"})
        self.assertFalse(card.activity_ids)

    def test_a_card_that_had_no_owner(self):
        self._rate(5, moment=NOW - timedelta(days=40))
        self._rate(3)
        card = self._get_cards()
        card.user_id = False
        self.assertFalse(card.activity_ids)
        card.user_id = self.agent
        self.assertEqual(card.activity_ids.user_id, self.agent)

    def test_outcome(self):
        """A service agent works on a card to its end, and may take it over."""
        self._rate(5, moment=NOW - timedelta(days=40))
        self._rate(4)
        card = self._get_cards().with_user(self.agent)
        card.user_id = self.agent
        self.assertEqual(card.activity_ids.user_id, self.agent)
        card.write({"outcome": "kept", "note": "Sent a new one"})
        self.assertTrue(card.done_at)
        self.assertFalse(card.activity_ids)
        self.assertTrue(card.action_open_document()["res_id"])
        with self.assertRaises(AccessError):
            card.score = 5
        with self.assertRaises(AccessError):
            card.create({"rating_id": card.rating_id.id})

    def test_a_merge_of_customers(self):
        twin = self._create_partner("Mei", email="mei@example.com")
        self._rate(5, twin, NOW - timedelta(days=40))
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([self.mei.id, twin.id], self.mei)
        self._rate(4)
        self.assertEqual(self._get_cards().partner_id, self.mei)


@tagged("post_install", "-at_install")
class TestSatisfactionReports(HstyleSatisfactionCommon):
    def test_top_box_and_response_rate(self):
        scores = (5, 5, 4, 2)
        for score in scores:
            self._rate(score, self._create_partner(email=f"{score}@example.com"))
        self._solve()
        self._run()
        [total] = (
            self.env["hstyle.satisfaction"]
            .with_user(self.agent)
            .formatted_read_group(
                [("team_id", "=", self.team.id)],
                ["channel"],
                ["top_box:avg", "top_two:avg", "score:avg", "answered:avg"],
            )
        )
        self.assertEqual(total["channel"], "phone")
        self.assertEqual(
            (total["top_box:avg"], total["top_two:avg"], total["score:avg"]),
            (0.5, 0.75, 4),
        )
        self.assertAlmostEqual(total["answered:avg"], 0.8)

    def test_last_score(self):
        self._rate(5, moment=NOW - timedelta(days=40))
        self._rate(3)
        other = self._create_partner("Never asked")
        partners = self.env["res.partner"].with_user(self.clerk)
        both = [("id", "in", (self.mei | other).ids)]
        for domain, found in (
            ([("last_score", "=", 3)], self.mei),
            ([("last_score", "in", [1, 2, 3])], self.mei),
            ([("last_score", "=", 5)], partners),
            ([("last_score", "<=", 3)], self.mei | other),
            ([("last_score", ">", 0)], self.mei),
            ([("last_score", "=", 0)], other),
            ([("last_score", "!=", 3)], other),
        ):
            self.assertEqual(partners.search(both + domain), found, domain)
        self.assertEqual((self.mei.last_score, other.last_score), (3, 0))

    def test_false_loyalty(self):
        rows = [
            (str(number), "1", f"2026-0{month}-01", f"b{buyer}", "Li", "", "10")
            for number, (buyer, month) in enumerate(
                [(1, month) for month in range(1, 7)] + [(2, 1), (3, 1), (4, 2)]
            )
        ]
        self._import(rows)
        self.env["hstyle.profile"]._refresh()
        often, once = self._get_buyer("b1"), self._get_buyer("b2")
        (often | once).email = "b@example.com"
        self._rate(3, often)
        self._rate(3, once)
        segment = self.env.ref("hstyle_crm.hstyle_segment_false_loyalty")
        segment._refresh()
        self.assertEqual(segment.member_ids.partner_id, often)
        self._rate(4, often, NOW + timedelta(days=40))
        segment._refresh()
        self.assertNotIn(
            often, segment.member_ids.filtered(lambda m: not m.left_on).partner_id
        )

    def test_complaints(self):
        """1 and 2 are complaints; a question without an answer is none."""
        self._solve()
        self._run()
        self.assertFalse(self.mei.has_complained)
        with freeze_time(NOW):
            self._get_questions(self.env["hstyle.ticket"].search([]))._answer(2)
        self.mei.invalidate_recordset()
        with freeze_time(NOW + timedelta(days=1)):
            self.assertTrue(self.mei.has_complained)

    def test_repurchase(self):
        """Only what is bought within 18 months, and only of answers as old."""
        now = fields.Datetime.now()
        then, half = now - timedelta(days=700), now - timedelta(days=300)
        bought = {5: (100, 200, 300), 4: (100, 600, None), 3: (None,)}
        rows = []
        for score, orders in bought.items():
            for number, days in enumerate(orders):
                partner = self._create_partner(email=f"{score}{number}@example.com")
                self._rate(score, partner, then)
                for day in filter(None, (days, -10)):
                    rows.append((partner, then + timedelta(days=day)))
        self._rate(5, self._create_partner(email="young@example.com"), half)
        orders = self.env["hstyle.order"].create(
            [
                {
                    "shop_id": self.shop.id,
                    "name": str(number),
                    "partner_id": partner.id,
                    "date_order": day,
                    "amount_paid": 10,
                    "state": "paid",
                }
                for number, (partner, day) in enumerate(rows)
            ]
        )
        self.assertTrue(orders)
        self.env.flush_all()
        report = self.env["hstyle.satisfaction.loyalty"].search(
            [("company_id", "=", self.company.id)]
        )
        self.assertRecordValues(
            report,
            [
                {"score": 5, "answers": 3, "bought": 3, "published": 6},
                {"score": 4, "answers": 3, "bought": 1, "published": 1},
                {"score": 3, "answers": 1, "bought": 0, "published": 0},
            ],
        )
        self.assertAlmostEqual(report[0].factor, 3)


@tagged("post_install", "-at_install")
class TestSatisfactionRights(HstyleSatisfactionCommon):
    def test_answers_are_the_customers_own(self):
        """Nobody here writes, adds or deletes one; who has no role reads none."""
        rating = self._rate(3)
        employee = new_test_user(self.env, login="plain", groups="base.group_user")
        for user in (self.agent, self.manager):
            mine = rating.with_user(user)
            self.assertEqual(mine.rating, 3)
            for work in (
                lambda mine=mine: mine.write({"rating": 5}),
                lambda mine=mine: mine.reset(),
                lambda mine=mine: mine.unlink(),
                lambda mine=mine: mine.create(
                    {"res_id": 1, "hstyle_question": "ticket"}
                ),
            ):
                with self.assertRaises(AccessError):
                    work()
        theirs = self.env["rating.rating"].with_user(employee)
        self.assertFalse(theirs.search([("hstyle_question", "!=", False)]))
        with self.assertRaises(AccessError):
            rating.with_user(employee).read(["rating"])
        with self.assertRaises(AccessError):
            theirs.create({"res_id": 1, "hstyle_question": "ticket"})

    def test_other_company(self):
        rating = self._rate(3)
        rating.hstyle_company_id = self.env["res.company"].create({"name": "Other"})
        for model in ("rating.rating", "hstyle.satisfaction"):
            records = self.env[model].with_user(self.manager)
            self.assertFalse(records.search([("id", "=", rating.id)]))

    def test_whole_numbers(self):
        rating = self._rate(3)
        with mute_logger("odoo.sql_db"), self.assertRaises(CheckViolation):
            rating.rating = 3.5
            self.env.flush_all()

    def test_one_question_a_time(self):
        rating = self._rate(3)
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
            rating.create(
                {
                    "res_model_id": rating.res_model_id.id,
                    "res_id": rating.res_id,
                    "hstyle_question": "ticket",
                    "hstyle_round": 0,
                }
            )
            self.env.flush_all()

    def test_the_salesperson_reads_the_order(self):
        """The note on the document says the score, without a face."""
        rating = self._rate(3, feedback="<b>Late</b>")
        message = rating._get_document().message_ids[0]
        self.assertIn("3 of 5", message.body)
        self.assertIn("&lt;b&gt;Late", message.body)
        self.assertEqual(rating._get_document().kind, "solved", "It stays solved")


@tagged("post_install", "-at_install")
class TestSatisfactionPage(HstyleSatisfactionCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lan = new_test_user(
            cls.env, login="lan", groups="base.group_portal", lang="en_US"
        ).partner_id
        cls.xin = new_test_user(
            cls.env, login="xin", groups="base.group_portal", lang="en_US"
        ).partner_id

    def _ask(self, partner=None):
        now = fields.Datetime.now()
        ticket = self._solve(partner, now - timedelta(days=1))
        self.policy.with_company(self.company)._ask(ticket)
        return self._get_questions(ticket)

    def _get_path(self, rating, score=None):
        url = rating._get_satisfaction_url(score)
        return "/" + url.split("/", 3)[3]

    def _post(self, path, **data):
        page = self.url_open(path).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        return self.url_open(path, data={"csrf_token": token, **data})

    def test_a_link_shows_and_a_form_answers(self):
        rating = self._ask()
        path = self._get_path(rating, 4)
        page = self.url_open(path)
        self.assertEqual(page.status_code, 200)
        self.assertRegex(page.text, r'value="4"\s+checked')
        self.assertIn("</textarea>", page.text)
        self.assertEqual(page.headers["Referrer-Policy"], "no-referrer")
        rating.invalidate_recordset()
        self.assertFalse(rating.consumed, "Looking is no answer")
        self.assertIn("Thank you", self._post(path, score="4", feedback="Well").text)
        rating.invalidate_recordset()
        self.assertRecordValues(
            rating, [{"rating": 4, "consumed": True, "feedback": "Well"}]
        )

    def test_only_by_a_form_of_ours(self):
        rating = self._ask()
        path = self._get_path(rating)
        with mute_logger("odoo.http"):
            for token in ({}, {"csrf_token": "x"}):
                response = self.url_open(path, data={"score": "5", **token})
                self.assertEqual(response.status_code, 400)
        self.url_open(f"{path}?score=5&feedback=x")
        rating.invalidate_recordset()
        self.assertFalse(rating.consumed)

    def test_no_score(self):
        rating = self._ask()
        for score in ("0", "6", "4.5", "-1", "x", ""):
            response = self._post(self._get_path(rating), score=score, feedback="So")
            self.assertIn("Choose a number from 1 to 5", response.text)
            self.assertIn("So</textarea>", response.text)
        rating.invalidate_recordset()
        self.assertFalse(rating.consumed)

    def test_once(self):
        rating = self._ask()
        path = self._get_path(rating)
        page = self.url_open(path).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        for score in ("5", "1"):
            self.url_open(path, data={"csrf_token": token, "score": score})
        rating.invalidate_recordset()
        self.assertEqual(rating.rating, 5)

    def test_expired(self):
        rating = self._ask()
        rating.hstyle_expires_at = fields.Datetime.now() - timedelta(minutes=1)
        path = self._get_path(rating)
        page = self.url_open(path).text
        self.assertIn("This question is closed", page)
        self.assertNotIn('name="score"', page)
        with self.assertRaises(UserError):
            rating._answer(5)

    def test_a_longer_time_needs_a_new_link(self):
        rating = self._ask()
        path = self._get_path(rating)
        rating.hstyle_expires_at += timedelta(days=1)
        self.assertEqual(self.url_open(path).status_code, 404)

    def test_no_other_link(self):
        mine, other = self._ask(), self._ask(self.lan)
        token = self._get_path(other).rsplit("/", 1)[1]
        for path in (
            f"/satisfaction/{mine.id}/{token}",
            f"/satisfaction/{mine.id}/x",
            f"/satisfaction/{mine.id + 10000}/{token}",
        ):
            self.assertEqual(self.url_open(path).status_code, 404, path)
        plain = self.env["rating.rating"].create(
            {
                "res_model_id": self.env["ir.model"]._get_id("res.partner"),
                "res_id": self.mei.id,
            }
        )
        self.assertEqual(
            self.url_open(f"/satisfaction/{plain.id}/{token}").status_code, 404
        )

    def test_the_hosts_page_knows_none(self):
        rating = self._ask()
        for token in ("False", "", "None", self._get_path(rating).rsplit("/", 1)[1]):
            response = self.url_open(f"/rate/{token}/5")
            self.assertEqual(response.status_code, 404, token)

    def test_who_is_logged_in_answers_for_oneself(self):
        rating = self._ask(self.lan)
        path = self._get_path(rating)
        for login in ("xin", "hstyle_agent"):
            self.authenticate(login, login)
            self.assertEqual(self.url_open(path).status_code, 404)
        self.authenticate("lan", "lan")
        self.assertIn("Thank you", self._post(path, score="5").text)

    def test_portal_users_read_no_answers(self):
        rating = self._rate(3, self.lan)
        self.authenticate("lan", "lan")
        for model in ("rating.rating", "hstyle.satisfaction", "hstyle.care"):
            for method in ("read", "search_read", "formatted_read_group"):
                with mute_logger("odoo.http"), self.assertRaises(Exception) as caught:
                    self.make_jsonrpc_request(
                        f"/web/dataset/call_kw/{model}/{method}",
                        {
                            "model": model,
                            "method": method,
                            "args": [rating.ids] if method == "read" else [[]],
                            "kwargs": {},
                        },
                    )
                self.assertIn("Access", str(caught.exception))

    def test_a_fall_makes_a_card_at_once(self):
        self._rate(5, moment=fields.Datetime.now() - timedelta(days=40))
        self._post(self._get_path(self._ask()), score="4", feedback="<script>")
        card = self._get_cards()
        self.assertEqual((card.previous_score, card.score), (5, 4))
