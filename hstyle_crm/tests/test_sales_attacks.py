from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from .common import HstyleCommon

MARCH = datetime(2026, 3, 2, 9)


@tagged("post_install", "-at_install")
class TestSalesAttacks(HstyleCommon):
    """What broke the sales team's day when it was attacked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mei = cls._create_partner(email="mei@example.com")
        groups = "sales_team.group_sale_salesman,hstyle_crm.hstyle_crm_group_agent"
        cls.anna = new_test_user(cls.env, "anna", groups=groups, lang="en_US")
        cls.ben = new_test_user(cls.env, "ben", groups=groups, lang="en_US")
        cls.plain = new_test_user(
            cls.env, "plain", groups="sales_team.group_sale_salesman", lang="en_US"
        )
        cls.other = cls.env["res.company"].create({"name": "Other"})

    def _hand_over(self, user=None, **values):
        values = {
            "user_id": self.anna.id,
            "successor_id": self.ben.id,
            "note": "Call in the evening",
            **values,
        }
        wizards = self.env["hstyle.customer.handover"].with_user(user or self.manager)
        return wizards.create(values)

    def _account(self, **values):
        values = {"partner_id": self.mei.id, "user_id": self.anna.id, **values}
        account = self.env["hstyle.key.account"].create(values)
        self.env.cr.execute(
            "UPDATE hstyle_key_account SET create_date = %s WHERE id = %s",
            [MARCH, account.id],
        )
        account.invalidate_recordset()
        self.env.add_to_compute(account._fields["due_on"], account)
        return account

    def _visit(self, account, start, **values):
        return self.env["calendar.event"].create(
            {
                "name": "Visit",
                "start": start,
                "stop": start + timedelta(hours=1),
                "hstyle_key_account_id": account.id,
                **values,
            }
        )

    def _fill(self, day=date(2026, 3, 28)):
        with freeze_time(day):
            self.env["hstyle.key.account"]._add_visits(self.company)
        domain = [("partner_id", "=", self.mei.id), ("state", "=", "open")]
        return self.env["hstyle.todo"].search(domain)

    # === LEADS === #

    def test_plain_salesperson(self):
        """Who has no role of ours works with opportunities as ever."""
        self.mei.user_id = self.anna
        leads = self.env["crm.lead"].with_user(self.plain)
        with Form(leads, view="crm.crm_lead_view_form") as form:
            form.name = "Dress"
            form.partner_id = self.mei
        lead = form.save()
        lead.web_read({"hstyle_known_text": {}, "hstyle_customer_id": {}})
        self.assertIn("anna", lead.hstyle_known_text)
        mail = leads.create({"name": "Suit", "email_from": "mei@example.com"})
        mail.action_hstyle_customer()
        mail.action_hstyle_link()
        views = [(False, kind) for kind in ("kanban", "list", "form", "search")]
        leads.get_views(views)
        lead.action_set_won()

    def test_assigned_within_a_pipeline(self):
        """Who gets an opportunity of a pipeline works on it there."""
        team = self.env.ref("hstyle_crm.crm_team_winback")
        self.env["crm.team"].create(
            {"name": "Web", "member_ids": [Command.link(self.plain.id)]}
        )
        lead = self.env["crm.lead"].create(
            {"name": "Dress", "type": "opportunity", "team_id": team.id}
        )
        lead.user_id = self.plain
        self.assertEqual(lead.team_id, team)

    def test_a_pipeline_that_is_gone(self):
        leads = self.env["crm.lead"].with_user(self.plain)
        leads = leads.with_context(default_team_id=2**30)
        stages = leads.env["crm.stage"].search([])
        self.assertGreaterEqual(leads._read_group_stage_ids(stages, []), stages)

    # === HAND-OVER === #

    def test_opportunities_without_a_customer(self):
        lead = self.env["crm.lead"].create({"name": "Mail", "user_id": self.anna.id})
        self._hand_over().action_hand_over()
        self.assertEqual(lead.user_id, self.ben)

    def test_managers_hear_of_opportunities(self):
        self.env["crm.lead"].create({"name": "Mail", "user_id": self.anna.id})
        self.anna.active = False
        domain = [("partner_ids", "in", self.manager.partner_id.ids)]
        notice = self.env["mail.message"].search(domain, limit=1, order="id desc")
        self.assertIn("left: hand the customers over", notice.subject or "")

    def test_contacts_of_a_company(self):
        """Their orders would go to the one who left."""
        firm = self._create_partner("Firm", is_company=True, user_id=self.anna.id)
        contact = self._create_partner("Lin", parent_id=firm.id)
        self.assertEqual(contact.user_id, self.anna)
        self._hand_over().action_hand_over()
        self.assertEqual((firm | contact).user_id, self.ben)

    def test_pipeline_handed_over(self):
        team = self.env.ref("hstyle_crm.crm_team_winback")
        lead = self.env["crm.lead"].create(
            {
                "name": "Dress",
                "type": "opportunity",
                "partner_id": self.mei.id,
                "team_id": team.id,
                "user_id": self.anna.id,
            }
        )
        self._hand_over().action_hand_over()
        self.assertEqual((lead.user_id, lead.team_id), (self.ben, team))

    def test_another_company(self):
        """A manager hands nothing over where the manager does not work."""
        self.anna.company_ids |= self.other
        self.ben.company_ids |= self.other
        lead = self.env["crm.lead"].create(
            {
                "name": "Theirs",
                "partner_id": self.mei.id,
                "company_id": self.other.id,
                "user_id": self.anna.id,
            }
        )
        wizard = self._hand_over(company_id=self.other.id)
        with self.assertRaises(AccessError):
            wizard.read(["summary"])
        with self.assertRaises(AccessError):
            wizard.action_hand_over()
        self.assertEqual(lead.user_id, self.anna)

    def test_only_managers_of_the_company_hear(self):
        self.anna.company_ids |= self.other
        self.env["crm.lead"].create(
            {
                "name": "Theirs",
                "company_id": self.other.id,
                "partner_id": self.mei.id,
                "user_id": self.anna.id,
            }
        )
        self.anna.active = False
        domain = [("partner_ids", "in", self.manager.partner_id.ids)]
        notice = self.env["mail.message"].search(domain, limit=1, order="id desc")
        self.assertNotIn("Other", notice.body or "")

    def test_words_of_the_reader(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        self._account()
        model = self.env["ir.model"]._get("hstyle.key.account").sudo()
        model.with_context(lang="zh_CN").name = "大客户"
        wizard = self._hand_over().with_context(lang="zh_CN")
        self.assertIn("大客户: 1", wizard.summary)

    def test_planned_visits(self):
        """Nobody would go to the customer on that day."""
        account = self._account()
        start = fields.Datetime.now() + timedelta(days=3)
        people = (self.anna.partner_id | self.mei).ids
        visit = self._visit(
            account, start, user_id=self.anna.id, partner_ids=[Command.set(people)]
        )
        made = self._visit(account, MARCH, user_id=self.anna.id)
        self._hand_over().action_hand_over()
        self.assertEqual(visit.user_id, self.ben)
        self.assertEqual(visit.partner_ids, self.ben.partner_id | self.mei)
        self.assertEqual(made.user_id, self.anna)

    def test_next_steps(self):
        """The host deletes the activities of whoever is archived."""
        self.mei.user_id = self.anna
        step = self.mei.activity_schedule(summary="Call", user_id=self.anna.id)
        self._hand_over().action_hand_over()
        self.assertEqual(step.user_id, self.ben)

    def test_a_successor_without_rights(self):
        """Who sees no customer looks after none."""
        self.mei.user_id = self.anna
        employee = new_test_user(self.env, "employee", groups="base.group_user")
        with self.assertRaisesRegex(UserError, "no role"):
            self._hand_over(successor_id=employee.id).action_hand_over()

    def test_an_old_deputy(self):
        """That a deputy left the company does not keep the owner here."""
        self.env["res.users"].browse(self.clerk.id).company_ids |= self.other
        account = self._account(deputy_id=self.clerk.id)
        self.clerk.write({"company_id": self.other.id, "company_ids": self.other.ids})
        self._hand_over().action_hand_over()
        self.assertEqual(account.user_id, self.ben)

    def test_hundreds(self):
        """Customers and opportunities take less than a query each."""
        counts = []
        for number in (20, 120):
            partners = self.mei.create(
                [{"name": str(n), "user_id": self.anna.id} for n in range(number)]
            )
            self.env["crm.lead"].create(
                [
                    {"name": "x", "partner_id": p.id, "user_id": self.anna.id}
                    for p in partners
                ]
            )
            wizard = self._hand_over()
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            wizard.action_hand_over()
            counts.append(self.env.cr.sql_log_count - before)
            self.anna, self.ben = self.ben, self.anna
            self.mei.search([("user_id", "=", self.anna.id)]).user_id = False
            self.env["crm.lead"].search([("user_id", "=", self.anna.id)]).unlink()
        self.assertLess(counts[1], counts[0] + 200)

    # === KEY ACCOUNTS === #

    def test_a_visit_that_falls_away(self):
        """The customer is on the list again."""
        account = self._account()
        self.assertEqual(len(self._fill()), 1)
        visit = self._visit(account, datetime(2026, 4, 2, 9))
        self.assertFalse(self._fill())
        visit.unlink()
        self.assertEqual(account.due_on, date(2026, 4, 1))
        self.assertEqual(len(self._fill()), 1)

    def test_one_task_for_a_visit(self):
        account = self._account()
        first = self._fill()
        account.cadence_days = 28
        self.assertEqual(self._fill(), first)

    def test_a_new_owner(self):
        account = self._account()
        todo = self._fill()
        account.with_user(self.manager).user_id = self.ben
        self.assertEqual(todo.user_id, self.ben)

    def test_an_archived_account(self):
        account = self._account()
        self._fill()
        account.with_user(self.manager).active = False
        self.assertFalse(self._fill())

    def test_a_deleted_account(self):
        account = self._account()
        self._fill()
        account.with_user(self.manager).unlink()
        self.assertFalse(self._fill())

    def test_recurring_visits(self):
        """In the company's days; the last one counts, and all may fall away."""
        self.company.hstyle_tz = "Asia/Shanghai"
        account = self._account()
        self._fill()
        visit = self._visit(
            account,
            datetime(2026, 4, 1, 20),
            recurrency=True,
            rrule_type="weekly",
            interval=1,
            thu=True,
            event_tz="Asia/Shanghai",
            end_type="count",
            count=4,
        )
        self.assertEqual(len(account.visit_ids), 4)
        self.assertEqual(account.latest_on, date(2026, 4, 23))
        self.assertFalse(self._fill())
        visit.recurrence_id.calendar_event_ids.unlink()
        self.assertFalse(account.latest_on)
        self.assertEqual(len(self._fill()), 1)

    def test_moved_by_an_employee_without_a_role(self):
        employee = new_test_user(self.env, "employee", groups="base.group_user")
        account = self._account()
        visit = self._visit(
            account,
            datetime(2026, 4, 2, 9),
            partner_ids=[Command.set(employee.partner_id.ids)],
        )
        self.env.invalidate_all()
        visit.with_user(employee).write(
            {"start": "2026-04-03 09:00:00", "stop": "2026-04-03 10:00:00"}
        )
        self.assertEqual(account.latest_on, date(2026, 4, 3))
