from datetime import timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..tools import hashing
from .common import HstylePointsCommon


class HstyleSegmentCommon(HstylePointsCommon):
    """A segment of the customers of one city, and a way to fill it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"hstyle_quiet_from": 0, "hstyle_quiet_to": 0})
        cls.env["hstyle.segment"].search([]).active = False
        cls.segment = cls.env["hstyle.segment"].create(
            {"name": "Hangzhou", "domain": "[('city', '=', 'Hangzhou')]"}
        )
        cls.tag = cls.env["res.partner.category"].create({"name": "West lake"})
        cls.people = cls.env["res.partner"].create(
            [
                {"name": f"P{i}", "email": f"p{i}@example.com", "city": "Hangzhou"}
                for i in range(3)
            ]
        )

    @classmethod
    def _add(cls, kind, segment=None, **values):
        segment = segment or cls.segment
        segment.action_ids = [Command.create({"kind": kind, **values})]
        return segment.action_ids[-1]

    @classmethod
    def _rate(cls, partner, rating):
        values = {"res_model_id": cls.env["ir.model"]._get_id("res.partner")}
        values.update(res_id=partner.id, partner_id=partner.id, rating=rating)
        cls.env["rating.rating"].create({**values, "consumed": True})

    def _work(self, moment=None):
        """Let the workers do what is due, as their cron does."""
        with freeze_time(moment or fields.Datetime.now() + timedelta(seconds=1)):
            runs = self.env["hstyle.segment.run"]._take_due(0, 1)
            runs._work()
        return runs

    def _get_in(self, segment=None):
        return (segment or self.segment).member_ids.partner_id


@tagged("post_install", "-at_install")
class TestSegment(HstyleSegmentCommon):
    def test_entries_and_exits_are_dated(self):
        self.segment._refresh()
        self.assertEqual(self._get_in(), self.people)
        first = self.segment.member_ids
        self.people[0].city = "Ningbo"
        with freeze_time("2100-01-01"):
            self.segment._refresh()
        self.assertEqual(self._get_in(), self.people[1:])
        self.assertEqual(
            self.segment.member_ids,
            first[1:] if first[0].left_on else first.filtered(lambda m: not m.left_on),
        )
        gone = self.env["hstyle.segment.member"].search(
            [("partner_id", "=", self.people[0].id)]
        )
        self.assertEqual(str(gone.left_on), "2100-01-01 00:00:00")
        self.people[0].city = "Hangzhou"
        self.segment._refresh()
        self.assertEqual(self._get_in(), self.people)
        self.assertEqual(self.segment.member_count, 3)

    def test_a_refresh_writes_changes_alone(self):
        self.segment._refresh()
        before = self.segment.member_ids.ids
        self.segment._refresh()
        self.assertEqual(self.segment.member_ids.ids, before)
        [size] = self.env["hstyle.segment.size"].search(
            [("segment_id", "=", self.segment.id)]
        )
        self.assertEqual((size.customers, size.entered, size.left_count), (3, 3, 0))

    def test_contacts_and_colleagues_are_no_customers(self):
        self._create_partner("Child", city="Hangzhou", parent_id=self.people[0].id)
        self.clerk.partner_id.city = "Hangzhou"
        self.segment._refresh()
        self.assertEqual(self._get_in(), self.people)

    def test_a_company_looks_at_its_own_profiles(self):
        """A customer of two shops is in a segment by what this one knows."""
        other = self.env["res.company"].create({"name": "Other"})
        shop = self._create_shop("Theirs", company_id=other.id)
        self._import([("1", "1", "2026-03-01", "a", "", "", "10")])
        rows = [("2", "1", "2026-03-01", "b", "", "", "999")]
        self._import(rows, shop=shop, user=self.env.user)
        buyer = self._get_buyer("a")
        self.env["hstyle.order"].search([("name", "=", "2")]).partner_id = buyer
        self.env["hstyle.profile"]._refresh(full=True)
        self.assertEqual(len(buyer.hstyle_profile_ids), 2)
        domain = "[('hstyle_profile_ids.revenue', '>', 500)]"
        values = {"name": "Rich", "domain": domain}
        ours = self.env["hstyle.segment"].create(values)
        theirs = ours.copy({"company_id": other.id})
        (ours + theirs)._refresh()
        self.assertFalse(self._get_in(ours))
        self.assertEqual(self._get_in(theirs), buyer)

    def test_a_campaign_of_a_new_segment(self):
        """Not refreshed yet, it would be a campaign for nobody."""
        segment = self.segment.with_user(self.marketer)
        context = segment.action_campaign()["context"]
        campaign = self.env["utm.campaign"].with_user(self.marketer)
        campaign = campaign.with_context(**context).create({"hstyle_holdout": 0})
        campaign.action_hstyle_launch()
        self.assertEqual(campaign.hstyle_member_ids.partner_id, self.people)

    def test_conditions_that_cannot_be_read(self):
        for domain in ("[('nothing', '=', 1)]", "[(", "uid"):
            with self.assertRaises(ValidationError):
                self.env["hstyle.segment"].create({"name": "X", "domain": domain})

    def test_a_marketer_sees_no_more_through_a_segment(self):
        segments = self.env["hstyle.segment"].with_user(self.marketer)
        allowed = segments.create({"name": "City", "domain": "[('city', '=', 'X')]"})
        self.assertEqual(allowed.user_id, self.marketer)
        with self.assertRaises(AccessError):
            allowed.domain = "[('signup_type', '=', 'x')]"

    def test_what_the_doors_write_alone(self):
        """Nobody writes it by RPC: a segment of another author shows what they see."""
        segment = self.segment.with_user(self.marketer)
        author = self.segment.user_id
        own = {
            "user_id": self.manager.id,
            "launched_on": "2027-01-01",
            "refreshed_on": "2027-01-01",
            "member_count": 7,
        }
        segment.write(own)
        self.assertEqual(self.segment.user_id, author)
        other = segment.create({"name": "Mine", **own})
        self.assertEqual(other.user_id, self.marketer)
        for one in (self.segment, other):
            self.assertFalse(one.launched_on)
            self.assertFalse(one.refreshed_on)
            self.assertFalse(one.member_count)
        copy = segment.copy()
        self.assertEqual(copy.user_id, self.marketer)
        # Without its author it would show everything.
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.marketer.unlink()

    def test_the_shipped_ones(self):
        shipped = self.env["hstyle.segment"].with_context(active_test=False)
        shipped = shipped.search([("id", "!=", self.segment.id)])
        shipped.active = True
        self.assertGreaterEqual(len(shipped), 13)
        self._import([("1", "1", "2026-03-01", "a", "Li", "", "10")])
        self.env["hstyle.profile"]._refresh()
        shipped._refresh()
        self.assertFalse(shipped.filtered("error"))
        buyer = self._get_buyer("a")
        groups = self.env["hstyle.segment"].search(
            [("domain", "like", "rfm_group"), ("member_ids.partner_id", "=", buyer.id)]
        )
        self.assertEqual(len(groups), 1)

    def test_one_that_fails_leaves_the_others(self):
        bad = self.segment.copy({"name": "Bad"})
        self.env.cr.execute(
            "UPDATE hstyle_segment SET domain = '[(1)]' WHERE id = %s", (bad.id,)
        )
        bad.invalidate_recordset()
        with self.enter_registry_test_mode(), self.assertLogs(level="ERROR"):
            self.env.ref("hstyle_crm.ir_cron_segment").method_direct_trigger()
        self.assertTrue(bad.error)
        self.assertEqual(self._get_in(), self.people)

    def test_overlap(self):
        other = self.segment.copy({"domain": repr([("id", "=", self.people[0].id)])})
        (self.segment + other)._refresh()
        [row] = self.env["hstyle.segment.overlap"].search(
            [("segment_id", "=", self.segment.id)]
        )
        self.assertEqual((row.other_id, row.customers), (other, 1))
        self.assertAlmostEqual(row.share, 100 / 3)

    def test_birthday_this_month(self):
        segment = self.env.ref("hstyle_crm.hstyle_segment_birthday")
        self.people[0].birthday = "2000-02-29"
        with freeze_time("2027-02-01"):
            segment._refresh()
        self.assertEqual(self._get_in(segment), self.people[0])
        with freeze_time("2027-03-01"):
            segment._refresh()
        self.assertFalse(self._get_in(segment))

    def test_large_customers_who_complained(self):
        self._import([("1", "1", "2026-03-01", "a", "Li", "", "10")])
        self.env["hstyle.profile"]._refresh()
        buyer = self._get_buyer("a")
        segment = self.env.ref("hstyle_crm.hstyle_segment_large_complained")
        self._rate(buyer, 3)
        segment._refresh()
        self.assertFalse(self._get_in(segment) or buyer.has_complained)
        self._rate(buyer, 2)
        buyer.invalidate_recordset()
        segment._refresh()
        self.assertEqual(self._get_in(segment), buyer)
        self.assertTrue(buyer.has_complained)
        with freeze_time(fields.Datetime.now() + timedelta(days=367)):
            segment._refresh()
        self.assertFalse(self._get_in(segment))

    def test_a_merge_keeps_one_stay(self):
        self.segment._refresh()
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge(self.people[:2].ids, self.people[0])
        self.assertEqual(self._get_in(), self.people[0] + self.people[2])
        rows = self.env["hstyle.segment.member"].search_count(
            [("segment_id", "=", self.segment.id)]
        )
        self.assertEqual(rows, 3)
        self.segment._refresh()
        self.assertEqual(self.segment.member_count, 2)


@tagged("post_install", "-at_install")
class TestSegmentAction(HstyleSegmentCommon):
    def test_once_for_each_stay(self):
        self._add("tag", tag_id=self.tag.id)
        self.segment._launch()
        self.assertEqual(self._work().mapped("state"), ["done"] * 3)
        self.assertEqual(self.people.category_id, self.tag)
        self.segment._launch()
        self.assertFalse(self._work())
        self.people[0].city = "Ningbo"
        self.segment._refresh()
        self.people[0].city = "Hangzhou"
        with freeze_time(fields.Datetime.now() + timedelta(minutes=1)):
            self.segment._refresh()
        runs = self._work(fields.Datetime.now() + timedelta(minutes=2))
        self.assertEqual(runs.partner_id, self.people[0])

    def test_nothing_happens_before_the_launch(self):
        self._add("tag", tag_id=self.tag.id)
        self.segment._refresh()
        self.assertFalse(self._work())
        self.segment._launch()
        self.segment.action_pause()
        self.assertFalse(self._work())
        self.segment._launch()
        self.assertEqual(len(self._work()), 3)

    def test_after_a_delay_and_on_leaving(self):
        self._add("tag", tag_id=self.tag.id, delay=2, delay_unit="days")
        other = self.tag.copy({"name": "Gone"})
        self._add("tag", tag_id=other.id, event="leave")
        now = fields.Datetime.now()
        self.segment._launch()
        self.assertFalse(self._work())
        self.people[0].city = "Ningbo"
        with freeze_time(now + timedelta(hours=1)):
            self.segment._refresh()
        self.assertEqual(
            self._work(now + timedelta(hours=2)).partner_id, self.people[0]
        )
        self.assertEqual(self.people[0].category_id, other)
        runs = self._work(now + timedelta(days=2, minutes=1))
        ends = {run.partner_id: (run.state, run.reason) for run in runs}
        self.assertEqual(ends[self.people[0]], ("stopped", "left"))
        self.assertEqual(ends[self.people[1]], ("done", False))

    def test_stops_when_bought(self):
        self.segment.stop_bought = True
        self._add("tag", tag_id=self.tag.id, delay=1)
        now = fields.Datetime.now()
        with freeze_time(now):
            self.segment._launch()
        with freeze_time(now + timedelta(hours=1)):
            self._sell(partner=self.people[0])
        runs = self._work(now + timedelta(days=1, minutes=1))
        ends = {run.partner_id: run.reason for run in runs}
        self.assertEqual(ends[self.people[0]], "bought")
        self.assertFalse(ends[self.people[1]])

    def test_stops_when_complained(self):
        self._add("tag", tag_id=self.tag.id, delay=1)
        now = fields.Datetime.now()
        self.segment._launch()
        self._rate(self.people[0], 2)
        runs = self._work(now + timedelta(days=1, minutes=1))
        ends = {run.partner_id: run.reason for run in runs}
        self.assertEqual(ends[self.people[0]], "complained")
        self.assertFalse(ends[self.people[1]])

    def test_one_bad_customer_fails_alone(self):
        server = self.env["ir.actions.server"].create(
            {
                "name": "Picky",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "state": "code",
                "code": f"""
if {self.people[1].id} in records.ids:
    raise UserError("Not this one")
records.write({{"comment": "seen"}})
""",
            }
        )
        self._add("server", server_action_id=server.id)
        self.segment._launch()
        with self.assertLogs(level="WARNING"):
            runs = self._work()
        bad = runs.filtered(lambda run: run.partner_id == self.people[1])
        self.assertEqual(bad.state, "failed")
        self.assertEqual(bad.error, "Not this one")
        self.assertEqual((runs - bad).mapped("state"), ["done", "done"])
        self.assertIn("seen", self.people[2].comment)
        server.code = "records.write({'comment': 'mended'})"
        bad.with_user(self.marketer).action_retry()
        self._work()
        self.assertEqual(bad.state, "done")
        self.assertIn("mended", self.people[1].comment)

    def test_points_coupon_price_work(self):
        coupons = self.env["loyalty.program"].create(
            {
                "name": "Ten off",
                "program_type": "coupons",
                "trigger": "with_code",
                "reward_ids": [Command.create({"required_points": 1})],
            }
        )
        pricelist = self.env["product.pricelist"].create({"name": "Come back"})
        activity = self.env.ref("mail.mail_activity_data_call")
        team = self.env["crm.team"].create({"name": "Care"})
        self._add("points", points=50)
        self._add("coupon", program_id=coupons.id)
        self._add("price", pricelist_id=pricelist.id, days=10)
        self._add("activity", activity_type_id=activity.id, user_id=self.agent.id)
        self._add("lead", team_id=team.id, summary="Win back")
        self._add("owner", user_id=self.clerk.id)
        self.segment._launch()
        runs = self._work()
        self.assertEqual(set(runs.mapped("state")), {"done"}, runs.mapped("error"))
        for person in self.people:
            self.assertEqual(person.hstyle_points, 50)
            self.assertEqual(person.user_id, self.clerk)
            self.assertEqual(person.activity_ids.user_id, self.agent)
        cards = self.env["loyalty.card"].search([("program_id", "=", coupons.id)])
        self.assertEqual(cards.partner_id, self.people)
        self.assertEqual(len(set(cards.mapped("code"))), 3)
        leads = self.env["crm.lead"].search([("partner_id", "in", self.people.ids)])
        self.assertEqual(
            leads.mapped("name"),
            [f"Win back: {lead.partner_id.name}" for lead in leads],
        )

    def test_a_price_ends_by_itself(self):
        group = self.env.ref("product.group_product_pricelist")
        self.env.ref("base.group_user").implied_ids = [Command.link(group.id)]
        pricelist = self.env["product.pricelist"].create({"name": "Come back"})
        self._add("price", pricelist_id=pricelist.id, days=10)
        person = self.people[0]
        usual = person.property_product_pricelist
        with freeze_time("2027-05-01 10:00"):
            self.segment._launch()
            self._work()
        for day, price in (
            ("2027-05-01", pricelist),
            ("2027-05-10", pricelist),
            ("2027-05-11", usual),
        ):
            self.env.invalidate_all()
            with freeze_time(f"{day} 10:00"):
                self.assertEqual(person.property_product_pricelist, price, day)

    def test_messages_take_the_way_that_is_allowed(self):
        mail = self.env["mail.template"].create(
            {
                "name": "Come back",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "subject": "Hello {{ object.name }}",
                "body_html": "<p>Hello</p>",
                "partner_to": "{{ object.id }}",
                "use_default_to": False,
            }
        )
        sms = self.env["sms.template"].create(
            {
                "name": "Come back",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "body": "Hello {{ object.name }}",
            }
        )
        action = self._add("message", mail_template_id=mail.id, sms_template_id=sms.id)
        by_mail, by_sms, nobody = self.people
        by_sms.phone = "+8613800138000"
        consents = self.env["hstyle.consent"]
        consents._record(by_mail, "email", "marketing", True, "Till")
        consents._record(by_sms, "sms", "marketing", True, "Till")
        trial = self.env["hstyle.segment.trial"].browse(
            self.segment.with_user(self.marketer).action_try()["res_id"]
        )
        verdicts = {line.partner_id: line.verdict for line in trial.line_ids}
        self.assertEqual(
            verdicts, {by_mail: "gets", by_sms: "gets", nobody: "no_consent"}
        )
        self.assertIn("never given", trial.summary)
        trial.with_user(self.marketer).action_launch()
        runs = self._work()
        ends = {run.partner_id: (run.state, run.reason) for run in runs}
        self.assertEqual(ends[nobody], ("refused", "no_consent"))
        self.assertEqual(ends[by_mail], ("done", False))
        mails = self.env["mail.mail"].search([("subject", "like", "Hello P")])
        self.assertEqual(mails.recipient_ids, by_mail)
        self.assertEqual(mails.hstyle_purpose, "marketing")
        messages = self.env["sms.sms"].search([("partner_id", "in", self.people.ids)])
        self.assertEqual(messages.partner_id, by_sms)
        self.assertEqual(messages.body, "Hello P1")
        self.assertEqual(action.done_count, 2)

    def test_the_hold_out_gets_nothing_and_stays(self):
        people = self.env["res.partner"].create(
            [{"name": f"Q{i}", "city": "Hangzhou"} for i in range(200)]
        )
        self.segment._refresh()
        self.segment.holdout = 15
        self._add("tag", tag_id=self.tag.id)
        self.segment._launch()
        self._work()
        with self.assertRaisesRegex(UserError, "its hold-out stays"):
            self.segment.holdout = 5
        held = self.segment.member_ids.filtered("held").partner_id
        salt = f"segment:{self.segment.id}"
        drawn = (people | self.people).filtered(
            lambda p: hashing.draw(salt, p.id) < 1500
        )
        self.assertEqual(held, drawn)
        self.assertTrue(held)
        self.assertFalse(held.category_id)
        self.assertEqual(
            len((people | self.people).filtered("category_id")), 203 - len(held)
        )

    def test_what_is_archived_does_nothing(self):
        action = self._add("tag", tag_id=self.tag.id)
        self.segment._launch()
        action.active = False
        self.assertFalse(self._work())
        action.active, self.segment.active = True, False
        self.assertFalse(self._work())
        self.segment.active = True
        self.assertEqual(len(self._work()), 3)

    def test_who_acted_is_not_deleted(self):
        self._add("tag", tag_id=self.tag.id)
        self.segment._launch()
        self.segment.action_pause()
        with self.assertRaisesRegex(UserError, "archive it instead"):
            self.segment.unlink()

    def test_runs_are_written_by_the_workers_alone(self):
        self._add("tag", tag_id=self.tag.id)
        self.segment._launch()
        runs = self._work()
        for user in (self.marketer, self.manager):
            with self.assertRaises(AccessError):
                runs.with_user(user).write({"state": "waiting"})
        runs._finish("failed", error="Test")
        with self.assertRaises(AccessError):
            runs.with_user(self.agent).action_retry()
        runs.with_user(self.marketer).action_retry()
        self.assertEqual(set(runs.mapped("state")), {"waiting"})

    def test_templates_of_other_documents(self):
        template = self.env["mail.template"].create(
            {"name": "Order", "model_id": self.env["ir.model"]._get_id("sale.order")}
        )
        with self.assertRaisesRegex(ValidationError, "for contacts"):
            self._add("message", mail_template_id=template.id)

    def test_a_pricelist_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        values = {"name": "Theirs", "company_id": other.id}
        pricelist = self.env["product.pricelist"].create(values)
        with self.assertRaises(UserError):
            self._add("price", pricelist_id=pricelist.id)
        values = {"partner_id": self.people[0].id, "date_to": "2099-01-01"}
        with self.assertRaises(UserError):
            self.env["hstyle.price.grant"].create(
                {**values, "pricelist_id": pricelist.id}
            )

    def test_days_that_cannot_be(self):
        pricelist = self.env["product.pricelist"].create({"name": "Come back"})
        for values in ({"days": -5}, {"delay": -1}, {"delay": 10_000}):
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
                self._add("price", pricelist_id=pricelist.id, **values)
                self.env.flush_all()

    def test_an_sms_is_of_the_segments_company(self):
        """The queue runs in another company, with other consents."""
        other = self.env["res.company"].create({"name": "Other"})
        other.write({"hstyle_quiet_from": 0, "hstyle_quiet_to": 0})
        segment = self.segment.copy({"company_id": other.id})
        template = self.env["sms.template"].create(
            {
                "name": "Come back",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "body": "Hello",
            }
        )
        self._add("message", segment=segment, sms_template_id=template.id)
        person = self.people[0]
        person.phone = "+86 138 0013 8000"
        for company, given in ((other, True), (self.company, False)):
            self.env["hstyle.consent"]._record(
                person, "sms", "marketing", given, "Till", company=company
            )
        segment._launch()
        self._work()
        sms = self.env["sms.sms"].search([("partner_id", "=", person.id)])
        self.assertEqual(sms._filter_gate(), sms)
        self.assertEqual(person.hstyle_contact_ids.company_id, other)

    def test_the_control_group_of_all_campaigns_gets_no_gifts(self):
        self.company.hstyle_control_share = 15
        people = self.env["res.partner"].create(
            [{"name": f"Q{i}", "city": "Hangzhou"} for i in range(100)]
        )
        self._add("points", points=5)
        self._add("tag", tag_id=self.tag.id)
        trial = self.env["hstyle.segment.trial"].browse(
            self.segment.action_try()["res_id"]
        )
        said = trial.line_ids.filtered(lambda line: line.verdict == "control")
        self.segment._launch()
        self._work()
        left_out = (people | self.people).filtered(lambda p: not p.hstyle_points)
        self.assertTrue(left_out)
        self.assertEqual(said.partner_id, left_out)
        self.assertEqual(left_out.category_id, self.tag)
        self.assertLess(len(left_out), 50)

    def test_bad_input_says_what_to_do(self):
        with self.assertRaisesRegex(UserError, "Add the first one"):
            self.segment._launch()
        with self.assertRaisesRegex(ValidationError, "choose Points"):
            self._add("points", points=0)

    def test_server_actions_are_for_managers(self):
        server = self.env["ir.actions.server"].create(
            {
                "name": "Anything",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "state": "code",
                "code": "pass",
            }
        )
        values = {"kind": "server", "server_action_id": server.id}
        segment = self.segment.with_user(self.marketer)
        with self.assertRaises(AccessError):
            segment.action_ids = [Command.create(values)]
        self.segment.with_user(self.manager).action_ids = [Command.create(values)]

    def test_a_marketer_makes_a_segment_in_the_form(self):
        with Form(self.env["hstyle.segment"].with_user(self.marketer)) as form:
            form.name = "Mine"
            form.domain = "[('city', '=', 'Hangzhou')]"
            with form.action_ids.new() as action:
                action.kind = "tag"
                action.tag_id = self.tag
        segment = form.save()
        segment.action_refresh()
        self.assertEqual(segment.member_count, 3)

    def test_the_crons_work(self):
        self._add("tag", tag_id=self.tag.id)
        self.segment._launch()
        with (
            freeze_time(fields.Datetime.now() + timedelta(seconds=1)),
            self.enter_registry_test_mode(),
        ):
            for shard in (0, 1):
                cron = self.env.ref(f"hstyle_crm.ir_cron_segment_work_{shard}")
                cron.method_direct_trigger()
        self.assertEqual(self.people.category_id, self.tag)
