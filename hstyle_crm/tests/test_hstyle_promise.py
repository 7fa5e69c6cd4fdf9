from datetime import date

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common import HstylePointsCommon
from .test_hstyle_ticket import HstyleTicketCommon

NOON = "2026-03-02 12:00:00"
TODAY = date(2026, 3, 2)


@tagged("post_install", "-at_install")
class TestHstylePromise(HstyleTicketCommon, HstylePointsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.promises = cls.env["hstyle.promise"].with_user(cls.agent)

    def _promise(self, due_on=TODAY, user=None, **values):
        values = {"name": "Send the belt", "partner_id": self.partner.id, **values}
        promises = self.promises.with_user(user or self.agent)
        with freeze_time(NOON):
            return promises.create({"due_on": due_on, **values})

    def _pass_day(self, day, clock="12:00"):
        with freeze_time(f"{day} {clock}:00"), self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_promise").method_direct_trigger()
        self.env.invalidate_all()

    def _keep(self, promise, day):
        with freeze_time(f"{day} 12:00:00"):
            promise.action_keep()

    def test_not_kept_by_a_default(self):
        promises = self.env["hstyle.promise"].with_user(self.agent)
        promise = promises.with_context(
            default_state="kept", default_done_on="2026-01-01"
        ).create(
            {
                "name": "Parcel",
                "partner_id": self._create_partner().id,
                "due_on": "2099-01-01",
            }
        )
        self.assertEqual((promise.state, promise.done_on), ("open", False))

    def test_kept(self):
        promise = self._promise()
        self.assertEqual((promise.user_id, promise.state), (self.agent, "open"))
        self._keep(promise, "2026-03-02")
        self.assertEqual((promise.state, promise.done_on), ("kept", TODAY))

    def test_done_too_late(self):
        """Whether or not the job has seen it already."""
        for seen in (False, True):
            promise = self._promise()
            if seen:
                self._pass_day("2026-03-03")
                self.assertEqual(promise.state, "broken")
            self._keep(promise, "2026-03-03")
            self.assertEqual(promise.state, "broken")
            self.assertEqual(promise.done_on, date(2026, 3, 3))

    def test_not_done_after_all(self):
        promise = self._promise()
        self._keep(promise, "2026-03-02")
        with freeze_time(NOON):
            promise.action_reopen()
        self.assertEqual((promise.state, promise.done_on), ("open", False))
        self._keep(promise, "2026-03-02")
        with freeze_time("2026-03-05"):
            promise.action_reopen()
            self.assertEqual(promise.state, "broken")

    def test_reminders(self):
        """A day ahead, once, on the list of who is responsible; done ends it."""
        promise = self._promise(due_on=date(2026, 3, 5))
        self._pass_day("2026-03-03")
        self.assertFalse(promise.activity_ids)
        for _run in range(2):
            self._pass_day("2026-03-04")
        activity = promise.activity_ids
        self.assertEqual(activity.user_id, self.agent)
        self.assertEqual(activity.date_deadline, date(2026, 3, 5))
        promise.with_user(self.manager).user_id = self.clerk
        self.assertEqual(promise.activity_ids.user_id, self.clerk)
        self._keep(promise.with_user(self.clerk), "2026-03-05")
        self.assertFalse(promise.activity_ids)
        self.assertEqual((promise.state, promise.create_uid), ("kept", self.agent))

    def test_day_of_the_company(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        promise = self._promise()
        for clock, state in (("15:59", "open"), ("16:01", "broken")):
            self._pass_day("2026-03-02", clock)
            self.assertEqual(promise.state, state)

    def test_who_left(self):
        """Promises of who left go to the managers; one bad does not stop others."""
        gone = new_test_user(
            self.env, login="gone", groups="hstyle_crm.hstyle_crm_group_agent"
        )
        bad, left = self._promise(), self._promise(user=gone)
        gone.active = False
        bad.sudo().user_id = self.env.ref("base.public_user")
        fine = self._promise()
        with mute_logger("odoo.addons.hstyle_crm.models.hstyle_job"):
            self._pass_day("2026-03-02")
        self.assertIn(self.manager, left.activity_ids.user_id)
        self.assertEqual(fine.activity_ids.user_id, self.agent)

    def test_what_was_promised_stays(self):
        promise = self._promise()
        facts = {"state": "kept", "done_on": TODAY}
        words = {"name": "Less", "due_on": "2100-01-01", "document": False}
        for name, value in (facts | words).items():
            with self.assertRaises(AccessError, msg=name):
                promise.write({name: value})
        for name, value in facts.items():
            with self.assertRaises(AccessError, msg=name):
                self._promise(**{name: value})
            with self.assertRaises(AccessError, msg=name):
                promise.with_user(self.manager).write({name: value})
        promise.with_user(self.manager).due_on = "2026-03-09"
        with self.assertRaises(AccessError):
            promise.unlink()

    def test_for_a_day_to_come(self):
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"):
            self._promise(due_on=date(2026, 3, 1))

    def test_from_documents(self):
        """From a ticket, an order, a lead and a call; each counts what is owed."""
        ticket = self._open(NOON, partner_id=self.partner.id)
        order = self._create_order()
        lead = self.env["crm.lead"].create(
            {
                "name": "Uniforms",
                "partner_id": self.partner.id,
                "user_id": self.salesperson.id,
            }
        )
        for document, user in (
            (ticket, self.agent),
            (order, self.salesperson),
            (lead, self.salesperson),
            (self.partner, self.clerk),
        ):
            document = document.with_user(user)
            action = document.action_hstyle_promises()
            new = document.action_hstyle_promise()
            self.assertEqual(new["context"], action["context"])
            promises = self.env["hstyle.promise"].with_user(user)
            form = Form(promises.with_context(**action["context"]))
            form.name, form.due_on = "Call back", "2100-01-01"
            promise = form.save()
            self.assertEqual(promise.partner_id, self.partner)
            self.assertEqual(promise.document, document)
            self.assertIn(promise, promises.search(action["domain"]))
            document.invalidate_recordset(["hstyle_promise_count"])
            owed = 4 if document == self.partner else 1
            self.assertEqual(document.hstyle_promise_count, owed, document)
        # An agent, who reads no leads, reads what was promised about them.
        shown = self.promises.search([]).web_read(
            {"name": {}, "document": {"fields": {"display_name": {}}}}
        )
        self.assertEqual(len(shown), 4)
        promise.with_user(self.clerk).action_keep()
        self.partner.invalidate_recordset(["hstyle_promise_count"])
        self.assertEqual(self.partner.hstyle_promise_count, 3)
        for document in (ticket, order, lead, self.partner):
            Form(
                document.with_user(
                    self.manager if document == ticket else self.env.user
                )
            )
        for document, user in (
            (ticket, self.agent),
            (order, self.salesperson),
            (lead, self.salesperson),
            (self.partner, self.clerk),
        ):
            self.assertTrue(Form(document.with_user(user)).record)

    def test_counts_of_many(self):
        partners = self.env["res.partner"].create([{"name": f"{n}"} for n in range(40)])
        tickets = self.env["hstyle.ticket"].create(
            [
                {
                    "name": "Late",
                    "partner_id": partner.id,
                    "team_id": self.team.id,
                    "user_id": self.agent.id,
                }
                for partner in partners
            ]
        )
        for ticket in tickets[:10]:
            self._promise(
                partner_id=ticket.partner_id.id,
                document=f"hstyle.ticket,{ticket.id}",
                due_on="2100-01-01",
            )
        for records in (partners.with_user(self.agent), tickets.with_user(self.agent)):
            self.env.invalidate_all()
            records.mapped("display_name")
            records.has_access("read")
            with self.assertQueryCount(4):
                self.assertEqual(sum(records.mapped("hstyle_promise_count")), 10)

    def test_promises_of_a_customer(self):
        """Of the company and all its people: what is owed first, then the latest."""
        contact = self._create_partner("Lin", parent_id=self.partner.id)
        late = self._promise(name="Late", due_on=date(2026, 3, 9))
        soon = self._promise(
            name="Soon", partner_id=contact.id, due_on=date(2026, 3, 4)
        )
        done = self._promise(name="Done")
        older = self._promise(name="Older")
        self._promise(name="Other's", partner_id=self._create_partner("Bo").id)
        self._keep(older, "2026-03-02")
        self._keep(done, "2026-03-03")
        promises = contact.with_user(self.agent)._get_promises()
        self.assertEqual(list(promises), [soon, late, done, older])
        self.assertEqual(len(self.partner._get_promises(limit=1)), 1)

    def test_kept_share(self):
        for day in ("2026-03-02", "2026-03-02", "2026-03-02", "2026-03-03"):
            self._keep(self._promise(), day)
        self._promise()
        [group] = self.promises.formatted_read_group(
            [("state", "!=", "open"), ("partner_id", "=", self.partner.id)],
            ["user_id"],
            ["kept_share:avg"],
        )
        self.assertEqual(group["kept_share:avg"], 75)

    def test_a_merged_customer(self):
        """What was promised in a call goes along."""
        call = f"res.partner,{self.partner.id}"
        promise = self._promise(due_on="2100-01-01", document=call)
        keeper = self._create_partner("Mei Lin")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([self.partner.id, keeper.id], keeper)
        self.env.invalidate_all()
        self.assertEqual(promise.document, keeper)
        self.assertEqual(promise.commercial_partner_id, keeper)
        self.assertEqual(keeper._get_promises(), promise)
