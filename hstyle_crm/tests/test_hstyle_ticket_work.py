from collections import Counter
from datetime import timedelta

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .test_hstyle_ticket import MONDAY, HstyleTicketCommon


class HstyleTicketWorkCommon(HstyleTicketCommon):
    """A team of three: Ann, Bo and, for defects alone, Cai."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ann, cls.bo, cls.cai = (
            new_test_user(
                cls.env, login=name, groups="hstyle_crm.hstyle_crm_group_agent"
            )
            for name in ("ann", "bo", "cai")
        )
        cls.defect = cls.env.ref("hstyle_crm.ticket_intent_defect")
        cls.advice = cls.env.ref("hstyle_crm.ticket_intent_advice")
        cls.team.member_ids = cls.ann | cls.bo | cls.cai
        cls.team.staff_ids.filtered(
            lambda m: m.user_id == cls.cai
        ).intent_ids = cls.defect
        cls.customer = cls._create_partner("Mei", email="mei@example.com")
        cls.dress = cls.env["product.product"].create({"name": "Dress"})

    def _get_member(self, user):
        return self.team.staff_ids.filtered(lambda m: m.user_id == user)

    def _create(self, count=1, **values):
        """Let somebody outside create tickets, which nobody owns yet."""
        values = {"name": "Late parcel", "team_id": self.team.id, **values}
        return self.env["hstyle.ticket"].create([values] * count)


@tagged("post_install", "-at_install")
class TestAssignment(HstyleTicketWorkCommon):
    def test_spread_evenly(self):
        tickets = self._create(100, intent_id=self.advice.id)
        self.assertEqual(
            Counter(ticket.user_id.login for ticket in tickets), {"ann": 50, "bo": 50}
        )
        self._create(20, intent_id=self.defect.id)
        self.assertEqual(
            self.env["hstyle.ticket.member"]._get_loads(self.cai)[self.cai],
            20,
            "Who has the least takes the next ones",
        )

    def test_capacity(self):
        self._get_member(self.ann).capacity = 60
        tickets = self._create(80, intent_id=self.advice.id)
        self.assertEqual(
            Counter(ticket.user_id.login for ticket in tickets), {"ann": 60, "bo": 20}
        )
        self._get_member(self.bo).capacity = 0
        self.assertEqual(self._create(intent_id=self.advice.id).user_id, self.ann)

    def test_constant_queries(self):
        """A hundred tickets at once are assigned by as many queries as ten are."""
        teams = [{"name": f"{n}"} for n in range(100)]
        customers = self.env["res.partner"].create(teams)
        counts = []
        for number in (10, 10, 100):
            tickets = self.env["hstyle.ticket"].create(
                [
                    {
                        "name": "x",
                        "team_id": self.team.id,
                        "user_id": self.agent.id,
                        "partner_id": customer.id,
                    }
                    for customer in customers[:number]
                ]
            )
            tickets.user_id = False
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            tickets.with_context(
                tracking_disable=True, mail_auto_subscribe_no_notify=True
            )._assign()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertTrue(all(tickets.mapped("user_id")))
        # The first one warms up.
        self.assertEqual(counts[1], counts[2])

    def test_absent(self):
        """The deputy takes what only who is away could take."""
        member = self._get_member(self.cai)
        self._get_member(self.ann).intent_ids = self.advice
        self._get_member(self.bo).intent_ids = self.advice
        old = self._create(intent_id=self.defect.id)
        self.assertEqual(old.user_id, self.cai)
        member.write({"deputy_id": self.bo.id, "away_until": fields.Date.today()})
        self.assertEqual(self._create(intent_id=self.defect.id).user_id, self.bo)
        self.assertEqual(old.user_id, self.cai, "One owner until it is closed")
        self.assertIn(self.bo.partner_id, old.message_partner_ids)
        self.assertEqual(old._get_helpers(), self.bo | self.manager)
        member.away_until = fields.Date.today() - timedelta(days=1)
        self.assertEqual(old._get_helpers(), self.cai | self.manager)
        self.assertEqual(self._create(intent_id=self.defect.id).user_id, self.cai)

    def test_all_away(self):
        self.team.staff_ids.away_until = fields.Date.today()
        self.assertFalse(self._create().user_id)

    def test_two_who_stand_in_for_each_other(self):
        today = fields.Date.today()
        self._get_member(self.ann).write({"deputy_id": self.bo.id, "away_until": today})
        self._get_member(self.bo).write({"deputy_id": self.ann.id, "away_until": today})
        tickets = self._create(3, intent_id=self.advice.id)
        self.assertEqual(tickets.user_id, self.cai, "Better than nobody")

    def test_named_manager_first(self):
        tier = self.env["res.partner.grade"].create(
            {"name": "Diamond", "is_tier": True, "has_manager": True}
        )
        managers = self.env["hstyle.account.manager"]
        deputy = managers.create({"user_id": self.bo.id})
        named = managers.create({"user_id": self.manager.id, "deputy_id": deputy.id})
        self.customer.grade_id = tier
        self.customer.hstyle_membership_ids.manager_id = self.manager
        child = self._create_partner("Mei's office", parent_id=self.customer.id)
        self.assertEqual(self._create(partner_id=child.id).user_id, self.manager)
        named.away_until = fields.Date.today()
        tickets = self._create(4, partner_id=self.customer.id)
        self.assertEqual(tickets.user_id, self.bo)
        # Who cannot work on tickets takes none, named or not.
        named.away_until = False
        self.customer.hstyle_membership_ids.manager_id = self.clerk
        self.assertIn(
            self._create(partner_id=self.customer.id).user_id, self.team.member_ids
        )

    def test_never_outsiders(self):
        portal = new_test_user(self.env, login="p", groups="base.group_portal")
        clerk = new_test_user(self.env, login="c", groups="base.group_user")
        self.bo.active = False
        self._get_member(self.cai).user_id = clerk
        self._get_member(self.ann).user_id = portal
        self.assertFalse(self._create().user_id)
        for user in portal | self.bo | self.env.ref("base.user_root"):
            with self.assertRaises(ValidationError, msg=user.login):
                self._create(user_id=user.id)
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            login="s",
            groups="hstyle_crm.hstyle_crm_group_agent",
            company_id=other.id,
            company_ids=other.ids,
        )
        self._get_member(clerk).user_id = stranger
        self.assertFalse(self._create().user_id)
        with self.assertRaises(ValidationError):
            self._create(user_id=stranger.id)

    def test_another_team(self):
        other = self.team.copy({"name": "Tailors", "member_ids": self.agent.ids})
        self.assertEqual(other.member_ids, self.agent)
        self.team.member_ids = False
        ticket = self._create()
        self.assertFalse(ticket.user_id)
        ticket.team_id = other
        self.assertEqual(ticket.user_id, self.agent)
        ticket.team_id = self.team
        self.assertEqual(ticket.user_id, self.agent, "One owner until it is closed")

    def test_own_team_is_proposed(self):
        other = self.team.copy({"name": "Tailors", "member_ids": self.agent.ids})
        tickets = self.env["hstyle.ticket"]
        self.assertEqual(tickets.with_user(self.agent)._get_default_team(), other)
        self.assertEqual(tickets.with_user(self.bo)._get_default_team(), self.team)


@tagged("post_install", "-at_install")
class TestHandOver(HstyleTicketWorkCommon):
    def test_take(self):
        self.team.member_ids = False
        ticket = self._create().with_user(self.ann)
        ticket.action_take()
        self.assertEqual(ticket.user_id, self.ann)
        with self.assertRaisesRegex(UserError, "note"):
            ticket.with_user(self.bo).action_take()

    def test_hand_over(self):
        ticket = self._create(user_id=self.ann.id).with_user(self.ann)
        wizards = self.env["hstyle.ticket.handover"].with_user(self.ann)
        form = Form(wizards.with_context(**ticket.action_hand_over()["context"]))
        form.user_id = self.bo
        form.note = "She waits\nfor a call"
        form.save().action_hand_over()
        self.assertEqual(ticket.user_id, self.bo)
        note = ticket.message_ids[0]
        self.assertIn("She waits<br>for a call", note.body.replace("<br/>", "<br>"))
        self.assertTrue(note.subtype_id.internal)
        self.assertEqual(note.notified_partner_ids, self.bo.partner_id)
        self.assertEqual(note.author_id, self.ann.partner_id)
        self.assertFalse(ticket.answered_at, "A note is no answer")

    def test_to_whom_has_time(self):
        tickets = self._create(6, user_id=self.ann.id, intent_id=self.advice.id)
        tickets.with_user(self.ann)._hand_over(self.env["res.users"], "On leave")
        self.assertEqual(tickets.user_id, self.bo)

    def test_to_another_team(self):
        other = self.team.copy({"name": "Tailors", "member_ids": self.agent.ids})
        ticket = self._create(user_id=self.ann.id).with_user(self.ann)
        ticket._hand_over(self.env["res.users"], "To be sewn", other)
        self.assertEqual((ticket.team_id, ticket.user_id), (other, self.agent))

    def test_refused(self):
        ticket = self._create(user_id=self.ann.id).with_user(self.ann)
        with self.assertRaisesRegex(UserError, "why"):
            ticket._hand_over(self.bo, " ")
        ticket.stage_id = self.stages["solved"]
        with self.assertRaisesRegex(UserError, "Reopen"):
            ticket._hand_over(self.bo, "x")


@tagged("post_install", "-at_install")
class TestUnion(HstyleTicketWorkCommon):
    def _say(self, ticket, text, **values):
        """Let the customer write on a ticket; return the message."""
        return ticket.message_post(
            body=text,
            author_id=self.customer.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            **values,
        )

    def _merge(self, survivor, others):
        wizards = self.env["hstyle.ticket.merge"].with_user(self.agent)
        tickets = (survivor | others).with_user(self.agent)
        context = {"active_ids": tickets.ids}
        wizard = wizards.with_context(**context).create({"ticket_id": survivor.id})
        return wizard.action_merge()

    def test_merge(self):
        first = self._open(
            MONDAY + timedelta(hours=9),
            partner_id=self.customer.id,
            intent_id=self.defect.id,
            tag_ids=self.env["crm.tag"].create({"name": "VIP"}).ids,
        )
        friend = self._create_partner("Friend")
        first.message_subscribe(friend.ids)
        said = self._say(first, "The seam", attachments=[("a.txt", b"x")])
        self._move(first, "waiting", MONDAY + timedelta(hours=10))
        first.activity_schedule(user_id=self.agent.id)
        promise = self.env["hstyle.promise"].create(
            {
                "name": "Call back",
                "partner_id": self.customer.id,
                "document": f"hstyle.ticket,{first.id}",
                "due_on": fields.Date.today() + timedelta(days=1),
            }
        )
        second = self._open(
            MONDAY + timedelta(hours=12), email="mei@example.com", reason_id=False
        )
        second.sudo().reopen_count = first.sudo().reopen_count = 1
        self._merge(second, first)
        self.assertEqual((first.kind, first.merged_into_id), ("closed", second))
        self.assertIn(said, second.message_ids)
        self.assertEqual(said.attachment_ids.res_id, second.id)
        self.assertEqual(len(second.activity_ids), 1)
        self.assertEqual(promise.document, second)
        self.assertIn(friend, second.message_partner_ids)
        self.assertEqual(second.partner_id, self.customer)
        self.assertEqual(second.intent_id, self.defect)
        self.assertEqual(second.tag_ids.name, "VIP")
        self.assertEqual(second.reopen_count, 2)
        # One hour until the customer was waited for, and again from 12:00 on.
        self.assertEqual(second.opened_at, MONDAY + timedelta(hours=9))
        self.assertEqual(second.answer_due, MONDAY + timedelta(hours=13))
        self.assertEqual(self.customer.hstyle_ticket_count, 1)

    def test_replies_land_on_the_survivor(self):
        first = self._open(MONDAY, partner_id=self.customer.id)
        second = self._open(MONDAY, partner_id=self.customer.id)
        third = self._open(MONDAY, partner_id=self.customer.id)
        self._merge(second, first)
        self._merge(third, second)
        self.assertEqual(first.merged_into_id, third)
        self._move(third, "waiting", MONDAY)
        message = self._say(first, "And now?")
        self.assertEqual(message.res_id, third.id)
        self.assertEqual((first.kind, third.kind), ("closed", "open"))
        with self.assertRaisesRegex(ValidationError, third.number):
            first.stage_id = self.stages["open"]

    def test_split_keeps_pauses(self):
        """The time in which the customer was waited for counts in no part."""
        ticket = self._open(MONDAY + timedelta(hours=9), partner_id=self.customer.id)
        with freeze_time(MONDAY + timedelta(hours=10)):
            said = self._say(ticket, "And my points?")
        self._move(ticket, "waiting", MONDAY + timedelta(hours=11))
        with freeze_time(MONDAY + timedelta(days=1, hours=11)):
            part = ticket._split(said, "Points")
        # An hour was used, seven are left.
        self.assertEqual(part.solve_due, MONDAY + timedelta(days=2, hours=10))

    def test_merge_of_two_that_were_asked_about(self):
        """The answers about both remain, though both were the first question."""
        tickets = self._open(MONDAY, partner_id=self.customer.id)
        tickets |= self._open(MONDAY, partner_id=self.customer.id)
        for ticket in tickets:
            self.env["rating.rating"].create(
                {
                    "res_model_id": self.env["ir.model"]._get_id("hstyle.ticket"),
                    "res_id": ticket.id,
                    "hstyle_question": "ticket",
                    "hstyle_round": 0,
                    "rating": 4,
                    "consumed": True,
                }
            )
        self._merge(tickets[0], tickets[1])
        self.assertEqual(len(tickets[0].rating_ids), 2)

    def test_another_customer_has_no_way_in(self):
        """A link that one customer has opens nothing that became another's."""
        ticket = self._open(MONDAY, partner_id=self.customer.id)
        token = ticket._portal_ensure_token()
        child = self._create_partner("At work", parent_id=self.customer.id)
        ticket.with_user(self.agent).partner_id = child
        self.assertEqual(ticket.access_token, token)
        ticket.with_user(self.agent).partner_id = self._create_partner("Another")
        self.assertFalse(ticket.access_token)

    def test_merge_with_an_owner_who_left(self):
        first = self._open(MONDAY, partner_id=self.customer.id)
        second = self._open(MONDAY, partner_id=self.customer.id)
        self.agent.active = False
        second.sudo().user_id = False
        second._merge(first)
        self.assertFalse(second.user_id)

    def test_opportunities_follow(self):
        first = self._open(MONDAY, partner_id=self.customer.id)
        second = self._open(MONDAY, partner_id=self.customer.id)
        self._move(first, "solved", MONDAY)
        first.action_create_opportunity()
        lead = self.env["crm.lead"].search([("hstyle_ticket_id", "=", first.id)])
        self.assertTrue(lead)
        second.sudo()._merge(first.sudo())
        self.assertEqual(lead.hstyle_ticket_id, second)

    def test_solutions_follow(self):
        """What both used is counted once, on the one that goes on."""
        solution = self.env["hstyle.solution"].create({"name": "Q", "answer": "A"})
        first, second = (
            self._open(MONDAY, partner_id=self.customer.id) for _number in range(2)
        )
        for ticket in (first, second):
            solution._note("inserted", ticket)
        self._merge(second, first)
        uses = self.env["hstyle.solution.use"].search(
            [("solution_id", "=", solution.id)]
        )
        self.assertEqual((uses.kind, uses.ticket_id), ("inserted", second))

    def test_answer_of_the_merged_one_counts(self):
        first = self._open(MONDAY + timedelta(hours=9), partner_id=self.customer.id)
        with freeze_time(MONDAY + timedelta(hours=10)):
            first.message_post(
                body="We look", message_type="comment", subtype_xmlid="mail.mt_comment"
            )
        second = self._open(MONDAY + timedelta(hours=10), partner_id=self.customer.id)
        self._merge(second, first)
        self.assertEqual(second.answered_at, MONDAY + timedelta(hours=10))
        self.assertEqual(second.answer_verdict, "met")

    def test_merge_refused(self):
        ticket = self._open(MONDAY, partner_id=self.customer.id)
        closed = self._open(MONDAY, partner_id=self.customer.id)
        closed.stage_id = self.stages["closed"]
        theirs = self._open(MONDAY, partner_id=self._create_partner("Other").id)
        stranger = self._open(MONDAY, email="bad@example.com")
        for other in (closed, theirs, stranger, ticket):
            with self.assertRaises(UserError):
                ticket._merge(other)
        with self.assertRaises(UserError):
            ticket.with_user(self.clerk)._merge(theirs)

    def test_wizard_proposes_the_customers_tickets(self):
        ticket = self._open(MONDAY, partner_id=self.customer.id)
        other = self._open(MONDAY, partner_id=self.customer.id)
        self._open(MONDAY, partner_id=self.customer.id, intent_id=self.advice.id)
        self._open(MONDAY, partner_id=self._create_partner("Other").id)
        wizards = self.env["hstyle.ticket.merge"].with_user(self.agent)
        form = Form(wizards.with_context(active_ids=other.ids))
        self.assertEqual(form.ticket_ids[:], ticket | other)
        self.assertEqual(form.ticket_id, other)

    def test_split(self):
        ticket = self._open(
            MONDAY + timedelta(hours=9),
            partner_id=self.customer.id,
            intent_id=self.defect.id,
        )
        with freeze_time(MONDAY + timedelta(hours=12)):
            said = self._say(ticket, "And my points?", attachments=[("a.txt", b"x")])
        wizards = self.env["hstyle.ticket.split"].with_user(self.agent)
        form = Form(wizards.with_context(active_id=ticket.id))
        self.assertEqual(form.message_ids[:], said)
        form.name = "Points"
        form.intent_id = self.advice
        part = self.env["hstyle.ticket"].browse(form.save().action_split()["res_id"])
        self.assertEqual((part.name, part.partner_id), ("Points", self.customer))
        self.assertEqual((part.intent_id, part.user_id), (self.advice, self.agent))
        self.assertEqual((part.related_ids, ticket.related_ids), (ticket, part))
        self.assertEqual((said.res_id, said.attachment_ids.res_id), (part.id, part.id))
        self.assertEqual(part.opened_at, MONDAY + timedelta(hours=12))
        self.assertEqual(part.answer_due, MONDAY + timedelta(hours=14))
        self.assertEqual(ticket.answer_due, MONDAY + timedelta(hours=11))
        other = self._open(MONDAY, partner_id=self.customer.id)
        with self.assertRaises(UserError):
            other._split(said, "x")

    def test_related_both_ways(self):
        first, second, third = (self._open(MONDAY) for _number in range(3))
        first.related_ids = second | third
        self.assertEqual((second.related_ids, third.related_ids), (first, first))
        second.related_ids -= first
        self.assertEqual(first.related_ids, third)
        first.related_ids = [Command.clear()]
        self.assertFalse(third.related_ids)


@tagged("post_install", "-at_install")
class TestTicketsElsewhere(HstyleTicketWorkCommon):
    def test_counters(self):
        order = self.env["sale.order"].create({"partner_id": self.customer.id})
        lead = self.env["crm.lead"].create(
            {"name": "x", "partner_id": self.customer.id}
        )
        self._import([("1", "1", "2026-03-01", "a", "", "", "10")])
        shop_order = self.env["hstyle.order"].search([])
        child = self._create_partner("Office", parent_id=self.customer.id)
        self._create(partner_id=child.id, order_id=order.id)
        done = self._create(
            partner_id=self.customer.id, shop_order_id=shop_order.id, order_id=order.id
        )
        done.stage_id = self.stages["solved"]
        for record, total, still_open in (
            (self.customer, 2, 1),
            (child, 2, 1),
            (order, 2, 1),
            (lead, 2, 1),
            (shop_order, 1, 0),
            (self.env["res.partner"].new({"name": "x"}), 0, 0),
        ):
            self.assertEqual(
                (record.hstyle_ticket_count, record.hstyle_open_ticket_count),
                (total, still_open),
                record,
            )
        action = order.action_hstyle_tickets()
        self.assertEqual(self.env["hstyle.ticket"].search_count(action["domain"]), 2)
        self.assertEqual(action["context"]["default_order_id"], order.id)

    def test_partner_list(self):
        """A list of 80 customers takes as many queries as one of 10."""
        people = self.env["res.partner"].create([{"name": f"{n}"} for n in range(80)])
        values = {"name": "x", "team_id": self.team.id}
        self.env["hstyle.ticket"].create(
            [{**values, "partner_id": partner.id} for partner in people]
        )
        counts, specification = [], {"name": {}, "hstyle_open_ticket_count": {}}
        for number in (10, 10, 80):
            self.env.flush_all()
            self.env.invalidate_all()
            customers = self.env["res.partner"].with_user(self.agent)
            customers.search_count([])
            before = self.env.cr.sql_log_count
            rows = customers.web_search_read(
                [("id", "in", people.ids)], specification, limit=number
            )["records"]
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual({row["hstyle_open_ticket_count"] for row in rows}, {1})
        # The first one warms up.
        self.assertEqual(counts[1], counts[2])

    def test_other_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        team = self.env["hstyle.ticket.team"].create(
            {"name": "Theirs", "company_id": other.id}
        )
        self._create(team_id=team.id, partner_id=self.customer.id)
        self.assertEqual(self.customer.with_user(self.agent).hstyle_ticket_count, 0)

    def test_opportunity_only_when_solved(self):
        ticket = self._open(MONDAY, partner_id=self.customer.id)
        with self.assertRaisesRegex(UserError, "Solve"):
            ticket.action_create_opportunity()
        ticket.stage_id = self.stages["solved"]
        for _time in range(2):
            action = ticket.action_create_opportunity()
        self.assertEqual(action["tag"], "display_notification")
        lead = self.env["crm.lead"].search([("hstyle_ticket_id", "=", ticket.id)])
        self.assertEqual(len(lead), 1)
        self.assertEqual(lead.partner_id, self.customer)
        self.assertEqual(lead.source_id.name, "Service")
        self.assertEqual(lead.referred, ticket.number)
        self.agent.group_ids |= self.env.ref("sales_team.group_sale_salesman_all_leads")
        self.assertEqual(ticket.action_create_opportunity()["res_id"], lead.id)

    def test_agent_opens_a_ticket_with_an_order(self):
        """Without a role in sales."""
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create({"name": "x", "product_id": self.dress.id})
                ],
            }
        )
        ticket = self._create(
            partner_id=self.customer.id,
            order_id=order.id,
            order_line_ids=order.order_line.ids,
            tag_ids=self.env["crm.tag"].create({"name": "VIP"}).ids,
        )
        for user in (self.agent, self.clerk):
            with Form(ticket.with_user(user)) as form:
                self.assertEqual(form.order_line_ids[:], order.order_line)

    def test_forms(self):
        """The forms of those who see tickets elsewhere open."""
        self.agent.group_ids |= self.env.ref("sales_team.group_sale_salesman_all_leads")
        order = self.env["sale.order"].create({"partner_id": self.customer.id})
        lead = self.env["crm.lead"].create(
            {"name": "x", "partner_id": self.customer.id}
        )
        self._create(partner_id=self.customer.id, order_id=order.id)
        for record in (order, lead, self.customer):
            form = Form(record.with_user(self.agent))
            self.assertEqual(form.hstyle_open_ticket_count, 1, record)
