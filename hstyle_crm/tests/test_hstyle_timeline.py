from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..models.hstyle_timeline import KINDS
from .customer_common import HstyleCustomerCommon
from .test_hstyle_satisfaction import NOW

#: What the web client reads of a page of the timeline.
SPECIFICATION = {
    "name": {},
    "kind": {},
    "date": {},
    "amount": {},
    "points": {},
    "currency_id": {"fields": {}},
    "shop_id": {"fields": {"display_name": {}}},
    "user_id": {"fields": {"display_name": {}}},
}


@tagged("post_install", "-at_install")
class TestHstyleTimeline(HstyleCustomerCommon):
    def test_everything_is_there(self):
        self._live()
        rows = self._get_timeline()
        kinds = {kind for kind, _label in KINDS}
        self.assertEqual(set(rows.mapped("kind")), kinds)
        self.assertTrue(all(rows.mapped("name")), "Every row says what it is.")
        self.assertEqual(
            rows.sorted("date", reverse=True).mapped("date"), rows.mapped("date")
        )
        self.assertEqual(len(rows), len(set(rows.ids)))

    def test_figures(self):
        """Against the records themselves: amounts net, points as in the ledger."""
        self._live()
        rows = self._get_timeline()
        order = rows.filtered(lambda r: r.kind == "order" and not r.shop_id)
        self.assertEqual(order.amount, 1500)
        self.assertEqual(rows.filtered(lambda r: r.kind == "refund").amount, -100)
        shop = rows.filtered("shop_id")
        self.assertEqual((shop.amount, shop.shop_id), (10, self.shop))
        ledger = self._get_card().history_ids
        points = rows.filtered(lambda r: r.kind == "points")
        self.assertEqual(sum(points.mapped("points")), sum(ledger.mapped("points")))
        self.assertEqual(len(points), len(ledger))

    def test_words(self):
        self._live()
        rows = self._get_timeline()
        names = {row.kind: row.name for row in rows.sorted("id")}
        self.assertIn("5 → 4", names["care"])
        self.assertIn("– → Gold", names["tier"])
        self.assertIn("No address", names["refused"])
        self.assertIn("We look for it", names["answer"])
        self.assertIn("Call back", names["promise"])
        self.assertEqual(names["call"], "Spoke")

    def test_open(self):
        """Each row that says a document opens it, for the lowest role."""
        self._live()
        for row in self._get_timeline():
            action = row.action_open()
            if row.res_id:
                self.assertEqual(action["res_model"], row.res_model)
                record = self.env[action["res_model"]].with_user(self.agent)
                self.assertTrue(record.browse(action["res_id"]).has_access("read"))
            else:
                self.assertFalse(action, row.kind)

    def test_contacts_of_a_company(self):
        """What contacts do is their company's; a row stands with one customer."""
        firm = self._create_partner("Firm", is_company=True)
        contact = self._create_partner("Buyer", parent_id=firm.id)
        self._sell(partner=contact)
        self._meet(firm)
        self._meet(contact | self.partner)
        rows = self._get_timeline(partner=firm)
        self.assertEqual(
            sorted(set(rows.mapped("kind"))), ["order", "points", "tier", "visit"]
        )
        meetings = self.env["hstyle.timeline"].with_user(self.agent)
        domain = [("kind", "=", "visit")]
        self.assertEqual(len(meetings.search(domain)), 2, "Each meeting once")

    def test_colleagues_have_no_timeline_of_meetings(self):
        self._meet(self.partner)
        rows = self._get_timeline(partner=self.agent.partner_id)
        self.assertNotIn("visit", rows.mapped("kind"))

    def test_private_meetings(self):
        self._meet(self.partner, privacy="private")
        self.assertIn("visit", self._get_timeline().mapped("kind"))
        self.assertNotIn("visit", self._get_timeline(self.clerk).mapped("kind"))

    # === ACCESS === #

    def test_rules_of_the_sources(self):
        """Who sells sees own orders alone, here as there."""
        order = self._sell()
        seller = new_test_user(
            self.env,
            login="two_roles",
            groups="sales_team.group_sale_salesman,hstyle_crm.hstyle_crm_group_agent",
        )
        self.assertNotIn("order", self._get_timeline(seller).mapped("kind"))
        order.user_id = seller
        self.assertIn("order", self._get_timeline(seller).mapped("kind"))

    def test_who_may_not_read_a_source(self):
        """Has no row of it, not even in a sum, and by no id."""
        self._live()
        rows = self._get_timeline().filtered(lambda r: r.kind in ("ticket", "answer"))
        self.assertTrue(rows)
        access = self.env["ir.model.access"].search(
            [("model_id.model", "=", "hstyle.ticket")]
        )
        access.active = False
        self.env.registry.clear_cache()
        kinds = self._get_timeline().mapped("kind")
        self.assertFalse({"ticket", "answer"} & set(kinds))
        self.assertIn("points", kinds)
        model = self.env["hstyle.timeline"].with_user(self.agent)
        groups = model.formatted_read_group([], ["kind"], ["__count"])
        self.assertNotIn("ticket", [group["kind"] for group in groups])
        self.env.invalidate_all()
        self.assertFalse(model.browse(rows.ids).read(["name", "kind"]))

    def test_other_companies(self):
        """Of a customer of both companies, each sees what is its own."""
        self._live()
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            login="stranger",
            groups="hstyle_crm.hstyle_crm_group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.assertFalse(self._get_timeline(stranger).mapped("kind"))

    def test_nobody_else(self):
        self._live()
        for groups in ("base.group_user", "base.group_portal", "base.group_public"):
            user = new_test_user(self.env, login=f"no_{groups}", groups=groups)
            with self.assertRaises(AccessError):
                self._get_timeline(user)

    # === VOLUME === #

    def test_constant_queries(self):
        """A customer of many orders costs as many queries as one of few."""
        few = self._live(self._create_partner("Few"))
        many = self._live(self._create_partner("Many"), times=4)
        self.assertGreater(
            len(self._get_timeline(partner=many)),
            3 * len(self._get_timeline(partner=few)),
        )
        self._read(many)  # Rules, translations and the like are read once.
        counts = []
        for partner in (few, many):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._read(partner)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)
        self.assertLess(counts[0], 60)

    def _read(self, partner):
        """Read what the form shows of the timeline, as the web client does."""
        rows = self.env["hstyle.timeline"].with_user(self.agent)
        domain = [("partner_id", "=", partner.id)]
        rows.formatted_read_group(domain, ["kind"], ["__count"])
        rows.web_search_read(domain, SPECIFICATION, limit=500)


@tagged("post_install", "-at_install")
class TestCallResult(HstyleCustomerCommon):
    def _note(self, user=None, **values):
        results = self.env["hstyle.call.result"].with_user(user or self.agent)
        results.create({"partner_id": self.partner.id, **values}).action_confirm()

    def _get_calls(self):
        return self._get_timeline().filtered(lambda row: row.kind == "call")

    def test_noted(self):
        """By who may not write customers; a task only where there is a next step."""
        self._note(note="Likes coats\nComes on Saturday")
        call = self._get_calls()
        self.assertEqual(call.name, "Reached Likes coats Comes on Saturday")
        self.assertEqual(call.user_id, self.agent)
        self.assertFalse(self.partner.activity_ids)

    def test_next_step(self):
        self._note(next_step="Send photos", next_on="2099-01-02")
        activity = self.partner.activity_ids
        self.assertEqual(
            (activity.summary, activity.user_id), ("Send photos", self.agent)
        )
        activity.with_user(self.agent).action_feedback()

    def test_tasks_are_done(self):
        """Of the caller alone; who was not reached is still to be called."""
        todos = self.env["hstyle.todo"]
        task = {"partner_id": self.partner.id, "company_id": self.company.id}
        task |= {"name": "Order expected", "reason": "order_due"}
        mine, theirs = (
            todos._add([{**task, "user_id": user.id, "key": user.login}])
            for user in (self.agent, self.manager)
        )
        visit = todos._add([{**task, "user_id": self.agent.id, "reason": "visit"}])
        self._note(result="unreachable")
        self.assertEqual(mine.state, "open")
        self._note()
        self.assertEqual((mine.state, mine.result), ("done", "reached"))
        self.assertEqual((theirs | visit).mapped("state"), ["open", "open"])

    def test_sales_team(self):
        self._note(self.salesperson, result="interested")
        self.assertEqual(self._get_calls().user_id, self.salesperson)

    def test_no_calls_wanted(self):
        self._note(result="refused")
        consent = self.partner.hstyle_consent_ids
        self.assertEqual((consent.channel, consent.given), ("phone", False))
        self.assertEqual(consent.create_uid, self.agent)

    def test_no_mark_up(self):
        self._note(note="<b onclick='x'>Hi</b>")
        message = self.partner.message_ids[:1]
        self.assertIn("&lt;b onclick", message.body)

    def test_not_of_another_company(self):
        company = self.env["res.company"].create({"name": "Other"})
        self.partner.company_id = company
        with self.assertRaises(AccessError):
            self._note()

    def test_at_hand(self):
        """What the head of the form offers, opens for service agents."""
        partner = self.partner.with_user(self.agent)
        self.ticket.stage_id = self.stages["solved"]
        goodwill = partner.action_hstyle_goodwill()
        self.assertEqual(goodwill["res_model"], "hstyle.ticket")
        ticket = self._open(NOW, partner_id=self.partner.id)
        goodwill = partner.action_hstyle_goodwill()
        self.assertEqual(goodwill["context"]["default_ticket_id"], ticket.id)
        self.assertEqual(
            partner.action_hstyle_ticket()["context"],
            {"default_partner_id": partner.id},
        )
        for name in ("call_result", "offers", "timeline", "quotation", "promise"):
            self.assertIn("res_model", getattr(partner, f"action_hstyle_{name}")())
