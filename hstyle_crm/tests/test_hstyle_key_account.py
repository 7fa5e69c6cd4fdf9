from datetime import date, datetime

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import HstyleCommon

MARCH = datetime(2026, 3, 2, 9)


@tagged("post_install", "-at_install")
class TestKeyAccount(HstyleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mei = cls._create_partner()
        cls.owner = new_test_user(
            cls.env, "owner", groups="hstyle_crm.hstyle_crm_group_user", lang="en_US"
        )
        cls.deputy = cls.clerk
        with freeze_time(MARCH):
            cls.env.flush_all()
            values = {"partner_id": cls.mei.id, "deputy_id": cls.deputy.id}
            accounts = cls.env["hstyle.key.account"].with_user(cls.owner)
            cls.account = accounts.create(values)
        cls.env.cr.execute("UPDATE hstyle_key_account SET create_date = %s", [MARCH])
        cls.account.invalidate_recordset()
        cls.env.add_to_compute(cls.account._fields["due_on"], cls.account)

    def _visit(self, start, **values):
        action = self.account.action_plan_visit()
        events = self.env["calendar.event"].with_context(**action["context"])
        values = {"start": start, "stop": start.replace(hour=start.hour + 1), **values}
        return events.with_user(self.owner).create(values)

    def _fill(self, day):
        with freeze_time(day):
            self.env["hstyle.key.account"]._add_visits(self.company)
        domain = [("partner_id", "=", self.mei.id), ("state", "=", "open")]
        return self.env["hstyle.todo"].search(domain)

    def test_cadence(self):
        """From the latest visit, made or planned; without one, from the beginning."""
        self.assertEqual(self.account.due_on, date(2026, 4, 1))
        visit = self._visit(datetime(2026, 4, 10, 9))
        self.assertEqual(self.account.latest_on, date(2026, 4, 10))
        self.assertEqual(self.account.due_on, date(2026, 5, 10))
        visit.active = False
        self.assertEqual(self.account.due_on, date(2026, 4, 1))
        self.account.with_user(self.owner).cadence_days = 10
        self.assertEqual(self.account.due_on, date(2026, 3, 12))

    def test_every_day_or_more(self):
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"):
            self.account.cadence_days = 0
            self.env.flush_all()

    def test_on_the_owners_day(self):
        """Once, until the visit stands in the calendar."""
        self.assertFalse(self._fill(date(2026, 3, 24)))
        todo = self._fill(date(2026, 3, 25))
        self.assertEqual((todo.user_id, todo.reason), (self.owner, "visit"))
        self.assertEqual(
            (todo.due, todo.name), (date(2026, 4, 1), self.mei.hstyle_why_now)
        )
        self.assertEqual(self._fill(date(2026, 3, 26)), todo)
        self._visit(datetime(2026, 4, 2, 9))
        self.assertEqual((todo.state, todo.result), ("done", "reached"))
        self.assertFalse(self._fill(date(2026, 3, 27)))

    def test_the_deputy_while_the_owner_is_away(self):
        managers = self.env["hstyle.account.manager"]
        managers.create({"user_id": self.owner.id, "away_until": "2026-04-30"})
        self.assertEqual(self._fill(date(2026, 3, 25)).user_id, self.deputy)

    def test_the_deputy_of_who_left(self):
        self.owner.active = False
        self.assertEqual(self._fill(date(2026, 3, 25)).user_id, self.deputy)

    def test_owner_and_deputy_work_on_it(self):
        self.account.with_user(self.deputy).goals = "Two friends"
        self.assertEqual(self.account.with_user(self.agent).goals, "Two friends")
        with self.assertRaises(AccessError):
            self.account.with_user(self.agent).goals = "Mine"
        with self.assertRaises(AccessError):
            self.account.with_user(self.owner).unlink()
        self.account.with_user(self.manager).user_id = self.agent

    def test_bad_people(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env, "stranger", company_id=other.id, company_ids=other.ids
        )
        for values in ({"deputy_id": self.owner.id}, {"user_id": stranger.id}):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.account.write(values)

    def test_a_merge_of_customers(self):
        twin = self._create_partner("Twin")
        second = self.env["hstyle.key.account"].create({"partner_id": twin.id})
        visit = self._visit(datetime(2026, 4, 10, 9))
        visit.hstyle_key_account_id = second
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([self.mei.id, twin.id], self.mei)
        self.assertFalse(second.exists())
        self.assertEqual(self.account.visit_ids, visit)
