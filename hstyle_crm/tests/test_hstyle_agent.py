from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .agent_common import HstyleAgentCommon


@tagged("post_install", "-at_install")
class TestHstyleAgent(HstyleAgentCommon):
    def _log_in(self, partner, login="student"):
        """Give a contact an account of the portal."""
        return new_test_user(
            self.env, login=login, groups="base.group_portal", partner_id=partner.id
        )

    def _is_agent_user(self, user):
        return user.has_group("hstyle_crm.hstyle_crm_group_campus_agent")

    def _mine(self, agent):
        return agent.with_user(self.campus)

    # === APPLICATION === #

    def test_application(self):
        agent = self._apply()
        self.assertEqual(agent.state, "applicant")
        self.assertEqual(agent.contract_text, self.company.hstyle_agent_contract)
        self.assertTrue(agent.contract_agreed_on)
        self.assertEqual(agent.activity_ids.user_id, self.campus)
        self.assertEqual(self.student.campus_id, self.site)
        self.assertEqual(self.student.graduation_on, agent.graduation_on)
        self.company.hstyle_agent_contract = "Something else"
        self.assertIn("no fee", agent.contract_text)
        self.assertFalse(agent.code)

    def test_applications_that_are_refused(self):
        today = fields.Date.today()
        for values in (
            {"graduation_on": today},
            {"graduation_on": False},
            {"study_from": today + timedelta(days=900)},
        ):
            with self.assertRaises(UserError, msg=values):
                self._apply(**values)
        no_campus = self.env["hstyle.campus"]
        with self.assertRaisesRegex(UserError, "Choose your campus"):
            no_campus.env["hstyle.agent"]._apply(self.student, no_campus, {})
        company = self._create_partner("Ltd", is_company=True)
        contact = self._create_partner("Lei", parent_id=company.id)
        for partner in (company, contact):
            with self.assertRaises(ValidationError):
                self._apply(partner)
        self.company.hstyle_agent_contract = False
        with self.assertRaisesRegex(UserError, "Write the contract"):
            self._apply()
        self.assertFalse(self.env["hstyle.agent"].search([]))

    def test_who_applied_cannot_again(self):
        agent = self._apply()
        with self.assertRaisesRegex(UserError, "applied already"):
            self._apply()
        agent.action_activate()
        with self.assertRaisesRegex(UserError, "applied already"):
            self._apply(site=self.other_site)

    def test_declined_and_applied_again(self):
        agent = self._apply()
        self._mine(agent).action_reject()
        self.assertFalse(agent.active or agent.activity_ids)
        again = self._apply(site=self.other_site, motivation="Once more")
        self.assertEqual(again, agent)
        self.assertTrue(agent.active)
        self.assertEqual(
            (agent.campus_id, agent.motivation), (self.other_site, "Once more")
        )
        self.assertEqual(agent.activity_ids.user_id, self.stranger)

    # === LIFE, BY THE LOWEST ROLE === #

    def test_life(self):
        user = self._log_in(self.student)
        agent = self._mine(self._apply())
        self.assertFalse(self._is_agent_user(user))
        agent.action_activate()
        self.assertEqual(
            (agent.state, agent.activated_on), ("active", fields.Date.today())
        )
        self.assertTrue(self._is_agent_user(user))
        self.assertIn(f"/r/{agent.code}", agent.link)
        self.assertTrue(agent.qr)
        self.assertFalse(agent.activity_ids)
        for action, state in (
            ("action_pause", "paused"),
            ("action_resume", "active"),
            ("action_graduate", "alumnus"),
        ):
            getattr(agent, action)()
            self.assertEqual(agent.state, state)
        self.assertTrue(self._is_agent_user(user), "statements stay readable")

    def test_wrong_order(self):
        agent = self._mine(self._apply())
        for action in ("action_pause", "action_resume", "action_graduate"):
            with self.assertRaisesRegex(UserError, "another state"):
                getattr(agent, action)()
        agent.action_activate()
        for action in ("action_activate", "action_resume", "action_reject"):
            with self.assertRaisesRegex(UserError, "another state"):
                getattr(agent, action)()

    def test_paper_contract(self):
        """A manager enters a student by the form; a signed paper comes first."""
        form = Form(self.env["hstyle.agent"].with_user(self.campus))
        form.partner_id = self.student
        form.campus_id = self.site
        form.graduation_on = fields.Date.today() + timedelta(days=100)
        form.target = 3
        agent = form.save()
        with self.assertRaisesRegex(UserError, "has not agreed"):
            agent.action_activate()
        agent.action_agree()
        signed = agent.contract_agreed_on
        self.company.hstyle_agent_contract = "Another one"
        agent.action_agree()
        self.assertEqual(agent.contract_agreed_on, signed)
        self.assertIn("no fee", agent.contract_text)
        agent.action_activate()
        self.assertEqual(agent.state, "active")

    def test_too_late_to_begin(self):
        agent = self._mine(self._apply())
        with freeze_time(agent.graduation_on), self.assertRaises(UserError):
            agent.action_activate()
        agent.action_activate()
        agent.action_pause()
        with freeze_time(agent.graduation_on), self.assertRaises(UserError):
            agent.action_resume()

    def test_alumni_study_again(self):
        agent = self._mine(self._apply())
        agent.action_activate()
        agent.action_graduate()
        agent.graduation_on += timedelta(days=730)
        agent.action_resume()
        self.assertEqual(agent.state, "active")
        self.assertEqual(self.student.graduation_on, agent.graduation_on)

    def test_invitation(self):
        agent = self._mine(self._apply())
        agent.action_activate()
        self.assertFalse(agent.has_account)
        agent.action_invite()
        agent.invalidate_recordset()
        self.assertTrue(agent.has_account)
        user = self.student.user_ids
        self.assertEqual(user.login, self.student.email)
        self.assertTrue(self._is_agent_user(user))
        self.assertFalse(user._is_internal())
        with self.assertRaises(UserError):
            agent.action_invite()

    def test_account_that_comes_later(self):
        """By the host's own wizard or by an invitation in a mail."""
        self._apply()
        early = self._log_in(self.student)
        self.assertFalse(self._is_agent_user(early))
        agent = self._create_agent("Haoran")
        user = self._log_in(agent.partner_id, "later")
        self.assertTrue(self._is_agent_user(user))
        # Colleagues stay colleagues.
        clerk = self._apply(self.clerk.partner_id)
        clerk.action_activate()
        self.assertFalse(self._is_agent_user(self.clerk))

    # === WHAT ONLY THE BUTTONS DO === #

    def test_nobody_writes_the_state(self):
        agent = self._apply()
        for user in (self.campus, self.manager):
            for values in (
                {"state": "active"},
                {"contract_agreed_on": "2026-01-01"},
                {"contract_text": "Everything"},
                {"activated_on": "2026-01-01"},
            ):
                with self.assertRaises(AccessError, msg=values):
                    agent.with_user(user).write(values)
            values = self._prepare_application(
                partner_id=self.partner.id, campus_id=self.site.id, state="active"
            )
            with self.assertRaises(AccessError):
                self.env["hstyle.agent"].with_user(user).create(values)
        # Nor by what a client says is the default.
        del values["state"]
        agents = self.env["hstyle.agent"].with_user(user)
        made = agents.with_context(default_state="active").create(values)
        self.assertEqual(made.state, "applicant")

    def test_an_account_is_not_handed_over(self):
        agent = self._mine(self._create_agent("Haoran"))
        with self.assertRaisesRegex(UserError, "stays"):
            agent.partner_id = self.partner
        with self.assertRaisesRegex(UserError, "Pause"):
            agent.action_archive()
        with self.assertRaisesRegex(UserError, "kept"):
            agent.with_user(self.manager).unlink()
        with self.assertRaises(AccessError):
            agent.unlink()
        with self.assertRaisesRegex(UserError, "company of a campus"):
            other = self.env["res.company"].create({"name": "Other"})
            self.site.company_id = other

    def test_an_account_stays_in_its_company(self):
        """What was earned there would be settled nowhere."""
        agent = self._create_agent("Haoran")
        other = self.env["res.company"].create({"name": "Other"})
        abroad = self._create_campus("Abroad", company_id=other.id)
        with self.assertRaisesRegex(UserError, "company"):
            agent.campus_id = abroad
        agent.campus_id = self.other_site

    def test_others_read_and_do_nothing(self):
        """Another campus does not exist; the office reads, and leaves it alone."""
        agent = self._create_agent("Haoran")
        agents = self.env["hstyle.agent"].with_user(self.stranger)
        self.assertFalse(agents.search([]))
        self.assertFalse(agents.search_read([("partner_id.name", "=", "Haoran")]))
        self.assertFalse(agents._read_group([], ["campus_id"], ["__count"]))
        applicant = self._apply()
        for user in (self.stranger, self.clerk, self.agent, self.marketer):
            for action in ("action_agree", "action_activate", "action_reject"):
                with self.assertRaises(AccessError, msg=f"{user.login} {action}"):
                    getattr(applicant.with_user(user), action)()
            for action in ("action_pause", "action_graduate", "action_invite"):
                with self.assertRaises(AccessError, msg=f"{user.login} {action}"):
                    getattr(agent.with_user(user), action)()
        values = self._prepare_application(
            partner_id=self.partner.id, campus_id=self.site.id
        )
        with self.assertRaises(AccessError):
            agents.create(values)
        figures = self.site.with_user(self.stranger)
        self.assertEqual((figures.agent_count, figures.applicant_count), (0, 0))
        self.assertEqual((self.site.agent_count, self.site.applicant_count), (1, 1))

    # === GRADUATION === #

    def _pass_night(self):
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_agent").method_direct_trigger()
        self.env.invalidate_all()

    def test_graduation(self):
        end = fields.Date.today() + timedelta(days=10)
        first = self._create_agent("Haoran", graduation_on=end)
        paused = self._create_agent("Jiayi", graduation_on=end)
        paused.action_pause()
        later = self._create_agent("Siqi", graduation_on=end + timedelta(days=1))
        applicant = self._apply(graduation_on=end)
        agents = first + paused + later + applicant
        domain = [("model", "=", "hstyle.campus"), ("res_id", "=", self.site.id)]
        messages = self.env["mail.message"].search_count(domain)
        with freeze_time(f"{end - timedelta(days=1)} 23:00:00"):
            self._pass_night()
            self.assertEqual(first.state, "active")
        with freeze_time(f"{end} 01:00:00"):
            self._pass_night()
            self._pass_night()
        states = ["alumnus", "alumnus", "active", "applicant"]
        self.assertEqual(agents.mapped("state"), states)
        message = self.env["mail.message"].search(domain)[0]
        self.assertEqual(self.env["mail.message"].search_count(domain), messages + 1)
        self.assertEqual(message.notified_partner_ids, self.campus.partner_id)
        self.assertIn("Haoran, Jiayi", message.body)

    def test_graduation_by_the_days_of_the_company(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        end = date(2030, 7, 1)
        agent = self._create_agent("Haoran", graduation_on=end)
        with freeze_time("2030-06-30 15:59:00"):
            self._pass_night()
            self.assertEqual(agent.state, "active")
        with freeze_time("2030-06-30 16:01:00"):
            self._pass_night()
        self.assertEqual(agent.state, "alumnus")

    def test_a_campus_that_fails_leaves_the_others(self):
        end = fields.Date.today() + timedelta(days=10)
        bad = self._create_agent("Haoran", graduation_on=end)
        good = self._create_agent("Jiayi", self.other_site, graduation_on=end)
        tell = type(bad)._tell_graduated

        def fail(agents, campus):
            if campus == self.site:
                raise ValueError("planted")
            return tell(agents, campus)

        with (
            patch.object(type(bad), "_tell_graduated", fail),
            freeze_time(end),
            mute_logger("odoo.addons.hstyle_crm.models.hstyle_agent_life"),
        ):
            self._pass_night()
        self.assertEqual((bad.state, good.state), ("active", "alumnus"))
        with freeze_time(end):
            self._pass_night()
        self.assertEqual(bad.state, "alumnus")

    # === BOARDS === #

    def test_idle(self):
        """The field and the filter agree, from the 60th day on."""
        with freeze_time("2026-03-01 12:00:00"):
            busy, lazy = self._create_agent("Haoran"), self._create_agent("Jiayi")
            cheat, paused = self._create_agent("Siqi"), self._create_agent("Bowen")
            paused.action_pause()
        for agent, state in ((busy, "referred"), (cheat, "rejected")):
            friend = self._create_partner(f"Friend of {agent.id}")
            self._refer(agent, friend, "2026-04-20 10:00:00", state)
        agents = busy + lazy + cheat + paused
        for moment, idle in (
            ("2026-04-29 12:00:00", self.env["hstyle.agent"]),
            ("2026-04-30 12:00:00", lazy + cheat),
            ("2026-06-19 09:00:00", lazy + cheat),
            ("2026-06-19 11:00:00", busy + lazy + cheat),
        ):
            with freeze_time(moment):
                agents.invalidate_recordset()
                found = self.env["hstyle.agent"].search([("is_idle", "=", True)])
                self.assertEqual(found, idle, moment)
                self.assertEqual(agents.filtered("is_idle"), idle, moment)
                found = self.env["hstyle.agent"].search([("is_idle", "=", False)])
                self.assertEqual(found, agents - idle, moment)

    def test_figures(self):
        agent = self._create_agent("Haoran")
        agent.target = 4
        for number, (state, kept) in enumerate(
            [
                ("referred", False),
                ("review", False),
                ("rejected", False),
                ("hold", False),
                ("rewarded", "2026-04-30"),
                ("rewarded", "2026-05-01"),
                ("rewarded", "2026-05-20"),
            ]
        ):
            friend = self._create_partner(f"Friend {number}")
            self._refer(agent, friend, "2026-04-01", state, rewarded_on=kept)
        with freeze_time("2026-05-20"):
            agent.invalidate_recordset()
            agent = self._mine(agent)
            self.assertEqual(
                (agent.friend_count, agent.hold_count, agent.kept_count), (5, 1, 3)
            )
            self.assertEqual((agent.kept_month, agent.progress), (2, 50))
        self.assertEqual((self.site.friend_count, self.site.kept_count), (5, 3))
        for user, friends in ((self.campus, 5), (self.stranger, 0)):
            self.assertEqual(self.site.with_user(user).friend_count, friends)

    def test_boards_cost_the_same_for_more_agents(self):
        agents = self.env["hstyle.agent"].union(
            *(self._create_agent(f"Agent {number}") for number in range(8))
        )
        names = ["code", "friend_count", "kept_month", "is_idle", "circle_revenue"]
        agents[:1].read(names)
        counts = []
        for some in (agents[:2], agents):
            self.env.invalidate_all()
            with self.assertQueryCount(1000):
                before = self.env.cr.sql_log_count
                some.read(names)
                counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_screens_open(self):
        """For each reader, and the new form for the managers."""
        agent = self._create_agent("Haoran")
        for user in (self.clerk, self.agent, self.marketer, self.campus, self.manager):
            self.assertTrue(Form(agent.with_user(user)).record)
            self.assertTrue(Form(self.site.with_user(user)).record)
            self.assertTrue(Form(agent.partner_id.with_user(user)).record)

    # === MERGED CONTACTS === #

    def _merge(self, source, target):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((source | target).ids, target)

    def test_merged_student(self):
        agent = self._create_agent("Haoran")
        self._merge(agent.partner_id, self.partner)
        self.assertEqual(agent.partner_id, self.partner)
        self.assertTrue(agent.code)

    def test_merged_applicant(self):
        """The agent stays, and the application of the other one is dropped."""
        agent, applicant = self._create_agent("Haoran"), self._apply()
        self._merge(agent.partner_id, self.student)
        self.assertFalse(applicant.exists())
        self.assertEqual(agent.partner_id, self.student)

    def test_two_agents_do_not_merge(self):
        one, two = self._create_agent("Haoran"), self._create_agent("Jiayi")
        with self.assertRaisesRegex(UserError, "account of their own"):
            self._merge(one.partner_id, two.partner_id)
        self.assertTrue(one.exists() and two.exists())
