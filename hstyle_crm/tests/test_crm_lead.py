from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import Form, new_test_user, tagged

from .common import HstyleCommon


@tagged("post_install", "-at_install")
class TestCrmLead(HstyleCommon):
    """Who works on an opportunity knows the customer behind it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mei = cls._create_partner(email="mei@example.com", phone="+8613800138000")
        groups = "sales_team.group_sale_salesman,hstyle_crm.hstyle_crm_group_user"
        cls.anna = new_test_user(cls.env, "anna", groups=groups, lang="en_US")
        cls.ben = new_test_user(cls.env, "ben", groups=groups, lang="en_US")

    def _open(self, user=None, **values):
        values = {"name": "Dress", "type": "opportunity", **values}
        return self.env["crm.lead"].with_user(user or self.anna).create(values)

    def test_the_customer_s_form(self):
        """Opens for who sells and looks after members, without another role."""
        form = Form(self.mei.with_user(self.anna), "base.view_partner_form")
        self.assertEqual(form.name, "Mei")

    def test_known_by_address(self):
        mail = self._open(email_from="Mei <MEI@example.com>")
        phone = self._open(phone="138 0013 8000", country_id=self.env.ref("base.cn").id)
        nobody = self._open(email_from="new@example.com")
        self.assertEqual((mail | phone).hstyle_customer_id, self.mei)
        self.assertFalse(nobody.hstyle_customer_id)
        self.assertFalse(nobody.hstyle_known_text)
        self.assertIn("Mei is a customer already", mail.hstyle_known_text)
        mail.action_hstyle_link()
        self.assertEqual(mail.partner_id, self.mei)
        self.assertFalse(mail.hstyle_known_text)

    def test_an_address_of_two(self):
        """Tells nothing: the wrong customer is worse than none."""
        self._create_partner("Mother", email="mei@example.com")
        self.assertFalse(self._open(email_from="mei@example.com").hstyle_customer_id)

    def test_colleagues_are_not_customers(self):
        lead = self._open(email_from=self.clerk.partner_id.email or "x@example.com")
        self.assertFalse(lead.hstyle_customer_id)

    def test_whose_customer(self):
        self.mei.user_id = self.ben
        lead = self._open(partner_id=self.mei.id, user_id=self.anna.id)
        self.assertIn("ben", lead.hstyle_known_text)
        lead.user_id = self.ben
        self.assertFalse(lead.hstyle_known_text)

    def test_two_offers(self):
        """Also for who reads own documents only."""
        order = self.env["sale.order"].create(
            {"partner_id": self.mei.id, "user_id": self.ben.id}
        )
        lead = self._open(partner_id=self.mei.id, user_id=self.anna.id)
        self.assertIn(order.name, lead.hstyle_known_text)
        order.action_cancel()
        lead.invalidate_recordset()
        self.assertFalse(lead.hstyle_known_text)

    def test_two_quotations(self):
        """Also without opportunities; those of one deal are one offer."""
        quotes = self.env["sale.order"].with_user(self.anna)
        theirs = self.env["sale.order"].create(
            {"partner_id": self.mei.id, "user_id": self.ben.id}
        )
        quote = quotes.create({"partner_id": self.mei.id})
        self.assertIn(f"{theirs.name} (ben", quote.hstyle_rival_text)
        lead = self._open(partner_id=self.mei.id, user_id=self.anna.id)
        self.assertIn(theirs.name, lead.hstyle_known_text)
        (theirs | quote.sudo()).opportunity_id = lead
        self.env.invalidate_all()
        self.assertFalse(quote.hstyle_rival_text)
        self.assertFalse(lead.hstyle_known_text)
        theirs.opportunity_id = False
        quote.sudo().action_confirm()
        self.assertFalse(quote.hstyle_rival_text)

    def test_a_new_quotation_warns(self):
        """Before it is saved."""
        self.env["sale.order"].create(
            {"partner_id": self.mei.id, "user_id": self.ben.id}
        )
        with Form(self.env["sale.order"].with_user(self.anna)) as form:
            self.assertFalse(form.hstyle_rival_text)
            form.partner_id = self.mei
            self.assertIn("(ben", form.hstyle_rival_text)

    def test_value_and_reason(self):
        self._import([("1", "1", "2026-03-01", "mei", "", "", "250")])
        customer = self._get_buyer("mei")
        self.env["hstyle.profile"]._refresh()
        value = self._get_profile(customer).revenue_12m
        lead = self._open(partner_id=customer.id)
        self.assertEqual(lead.hstyle_value, value)
        row = {"partner_id": customer.id, "user_id": self.anna.id, "reason": "call"}
        row |= {"company_id": self.company.id, "name": "Asked for a call"}
        self.env["hstyle.todo"]._add([row])
        lead.invalidate_recordset()
        self.assertEqual(lead.hstyle_why_now, "Asked for a call")

    def test_queries(self):
        """As many for forty opportunities as for two."""
        fields = ["hstyle_customer_id", "hstyle_value", "hstyle_why_now"]
        partners = self.mei.create([{"name": str(n)} for n in range(20)])
        leads = self.env["crm.lead"]
        for partner in partners:
            leads |= self._open(partner_id=partner.id)
            leads |= self._open(email_from=f"{partner.id}@example.com")
        counts = []
        for some in (leads, leads[:2], leads):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some.with_user(self.anna).read(fields)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    # === PIPELINES === #

    def test_stages_of_a_pipeline(self):
        """A pipeline has stages of its own; other teams see none of them."""
        team = self.env.ref("hstyle_crm.crm_team_winback")
        lead = self._open(team_id=team.id)
        stages = self.env["crm.lead"].with_context(default_team_id=team.id)
        columns = stages._read_group_stage_ids(lead.stage_id, [])
        self.assertEqual(columns.team_ids, team)
        self.assertEqual(len(columns), 4)
        self.assertEqual(lead.stage_id, columns[0])
        self.assertTrue(columns[-1].is_won)
        other = self._open(team_id=self.env["crm.team"].create({"name": "Web"}).id)
        self.assertFalse(other.stage_id.team_ids)

    def test_won_in_several_pipelines(self):
        """Each is won in its own stage."""
        names = ("winback", "repair")
        teams = [self.env.ref(f"hstyle_crm.crm_team_{name}") for name in names]
        leads = self.env["crm.lead"].union(
            *(self._open(team_id=team.id) for team in teams)
        )
        leads.action_set_won()
        for lead in leads:
            self.assertTrue(lead.stage_id.is_won)
            self.assertEqual(lead.stage_id.team_ids, lead.team_id)

    def test_a_segment_fills_it(self):
        """The shipped action opens an opportunity in the first stage."""
        action = self.env.ref("hstyle_crm.hstyle_segment_action_repair")
        segment = action.segment_id
        segment.domain = [("id", "=", self.mei.id)]
        segment._launch()
        self.env["hstyle.segment.run"]._take_due(0, 1)._work()
        lead = self.env["crm.lead"].search([("partner_id", "=", self.mei.id)])
        self.assertEqual(lead.team_id, self.env.ref("hstyle_crm.crm_team_repair"))
        self.assertEqual(lead.stage_id.team_ids, lead.team_id)


@tagged("post_install", "-at_install")
class TestCustomerHandover(HstyleCommon):
    """Who leaves leaves nothing behind."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "sales_team.group_sale_salesman,hstyle_crm.hstyle_crm_group_agent"
        cls.old = new_test_user(cls.env, "old", groups=groups)
        cls.new = new_test_user(cls.env, "new", groups=groups)
        cls.mei = cls._create_partner(user_id=cls.old.id)
        cls.lin = cls._create_partner("Lin")
        owned = {"user_id": cls.old.id}
        cls.lead = cls.env["crm.lead"].create(
            {"name": "Suit", "partner_id": cls.mei.id, **owned}
        )
        cls.promise = cls.env["hstyle.promise"].create(
            {
                "name": "Call back",
                "partner_id": cls.lin.id,
                "document": f"res.partner,{cls.lin.id}",
                "due_on": "2030-01-01",
                **owned,
            }
        )
        cls.team = cls.env["hstyle.ticket.team"].create(
            {"name": "Team", "member_ids": [Command.link(cls.old.id)]}
        )
        cls.ticket = cls.env["hstyle.ticket"].create(
            {
                "name": "Torn",
                "team_id": cls.team.id,
                "partner_id": cls.lin.id,
                **owned,
            }
        )
        cls.account = cls.env["hstyle.key.account"].create(
            {"partner_id": cls.mei.id, "deputy_id": cls.new.id, **owned}
        )
        row = {"partner_id": cls.mei.id, "company_id": cls.company.id, **owned}
        cls.todo = cls.env["hstyle.todo"]._add(
            [{**row, "reason": "call", "name": "Call"}]
        )

    def _new(self, user=None, **values):
        values = {
            "user_id": self.old.id,
            "successor_id": self.new.id,
            "note": "Mei likes to be called in the evening",
            **values,
        }
        wizards = self.env["hstyle.customer.handover"]
        return wizards.with_user(user or self.manager).create(values)

    def test_everything(self):
        wizard = self._new()
        self.assertIn("Key account: 1", wizard.summary)
        self.assertEqual(wizard.promise_ids, self.promise)
        action = wizard.action_hand_over()
        self.assertEqual(action["res_model"], "hstyle.profile")
        owned = (
            self.mei,
            self.lead,
            self.promise,
            self.ticket,
            self.account,
            self.todo,
        )
        for record in owned:
            self.assertEqual(record.user_id, self.new, record._name)
        self.assertFalse(self.account.deputy_id)
        for customer in (self.mei, self.lin):
            self.assertIn("in the evening", customer.message_ids[0].body)
        notice = self.env["mail.message"].search(
            [("partner_ids", "in", self.new.partner_id.ids)], limit=1, order="id desc"
        )
        self.assertIn("in the evening", notice.body)
        with self.assertRaisesRegex(UserError, "nothing is to be handed over"):
            self._new().action_hand_over()

    def test_deals_and_what_fills_the_list(self):
        """Quotations are the deals; an automation would bring customers again."""
        quote = self.env["sale.order"].create(
            {"partner_id": self.lin.id, "user_id": self.old.id}
        )
        done = quote.copy({"user_id": self.old.id})
        done.action_confirm()
        segment = self.env["hstyle.segment"].create({"name": "Regulars"})
        action = self.env["hstyle.segment.action"].create(
            {"segment_id": segment.id, "kind": "owner", "user_id": self.old.id}
        )
        wizard = self._new()
        self.assertIn("Segment action: 1", wizard.summary)
        wizard.action_hand_over()
        self.assertEqual((quote.user_id, action.user_id), (self.new, self.new))
        self.assertEqual(done.user_id, self.old)

    def test_page(self):
        """What happened and what comes next, of these customers alone."""
        buyer = self._create_partner("Buyer", user_id=self.old.id)
        stranger = self._create_partner("Stranger")
        for partner in (stranger, buyer):
            order = self.env["sale.order"].create({"partner_id": partner.id})
            order.action_confirm()
        self.env["hstyle.profile"]._refresh()
        step = buyer.activity_schedule(summary="Call", user_id=self.old.id)
        stranger.activity_schedule(summary="Call", user_id=self.old.id)
        mine = buyer.activity_schedule(summary="Mine", user_id=self.new.id)
        with Form(self.env["hstyle.customer.handover"].with_user(self.manager)) as form:
            form.user_id = self.old
            self.assertEqual(form.profile_ids[:].partner_id, buyer)
        wizard = form.save()
        # As the browser asks: rows within a form have no ids of their own.
        spec = {"user_id": {}, "timeline_ids": {"fields": {"name": {}, "amount": {}}}}
        values = {"user_id": self.old.id, "company_id": self.company.id}
        asked = wizard.browse().onchange(values, ["user_id"], spec)
        names = [line[2]["name"] for line in asked["value"]["timeline_ids"]]
        self.assertIn(order.name, [name for name in names if name])
        self.assertEqual(wizard.timeline_ids.partner_id, buyer)
        self.assertEqual(wizard.display_name, self.old.name)
        self.assertIn("order", wizard.timeline_ids.mapped("kind"))
        self.assertIn(step, wizard.activity_ids)
        self.assertNotIn(mine, wizard.activity_ids)
        self.assertNotIn(stranger.id, wizard.activity_ids.mapped("res_id"))

    def test_refused(self):
        portal = new_test_user(self.env, "portal", groups="base.group_portal")
        for values in (
            {"note": " "},
            {"successor_id": False},
            {"successor_id": self.old.id},
            {"successor_id": portal.id},
        ):
            with self.assertRaises(UserError):
                self._new(**values).action_hand_over()
        self.assertEqual(self.mei.user_id, self.old)

    def test_who_serves_no_tickets_gets_none(self):
        self.new.group_ids -= self.env.ref("hstyle_crm.hstyle_crm_group_agent")
        self.team.member_ids = [Command.link(self.agent.id)]
        self._new().action_hand_over()
        self.assertEqual(self.ticket.user_id, self.agent)
        self.assertEqual(self.mei.user_id, self.new)

    def test_managers_hear_of_who_left(self):
        self.old.active = False
        notice = self.env["mail.message"].search(
            [("partner_ids", "in", self.manager.partner_id.ids)],
            limit=1,
            order="id desc",
        )
        self.assertIn("left: hand the customers over", notice.subject)
        self.assertIn("Key account: 1", notice.body)
        self._new().action_hand_over()
        self.assertEqual(self.lead.user_id, self.new)
