from contextlib import contextmanager

from freezegun import freeze_time

from odoo.exceptions import UserError

from .common import HstyleTiersCommon


class HstyleRosterCommon(HstyleTiersCommon):
    """Two campuses, of which one is the campus manager's; two agents, and sweets."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        campuses = cls.env["hstyle.campus"]
        cls.campus_own = campuses.create({"name": "North", "manager_id": cls.campus.id})
        cls.campus_other = campuses.create({"name": "South"})
        cls.agent_ann = cls._create_agent("Ann")
        cls.agent_bo = cls._create_agent("Bo")
        cls.sweets = cls.env["hstyle.gift.pack"].create({"name": "Sweets", "cost": 8})
        cls.roster = cls.env["hstyle.roster"]
        cls.gifts = cls.env["hstyle.gift"]

    @classmethod
    def _create_agent(cls, name, campus=None, state="active"):
        return cls.env["hstyle.agent"].create(
            {
                "partner_id": cls._create_partner(name).id,
                "campus_id": (campus or cls.campus_own).id,
                "graduation_on": "2030-06-30",
                "state": state,
            }
        )

    @classmethod
    def _create_entry(cls, name="Mei Li", month=3, day=5, agent=None, **values):
        return cls.roster.create(
            {
                "name": name,
                "birth_month": month,
                "birth_day": day,
                "agent_id": (agent or cls.agent_ann).id,
                "consent_source": "Signed list",
                "consent_on": cls.company._hstyle_today(),
                **values,
            }
        )

    @classmethod
    def _supply(cls, quantity=10, agent=None, pack=None, **values):
        return cls.env["hstyle.gift.supply"].create(
            {
                "agent_id": (agent or cls.agent_ann).id,
                "pack_id": (pack or cls.sweets).id,
                "quantity": quantity,
                **values,
            }
        )

    def _pass_day(self, day):
        """Run the job on a day; return the tasks that it made."""
        before = self.gifts.search([]).ids
        with freeze_time(f"{day} 12:00:00"), self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_gift").method_direct_trigger()
        self.env.invalidate_all()
        return self.gifts.search([("id", "not in", before)])

    @contextmanager
    def assertRefused(self, word):
        """What is tried here is refused with a word, and undone as a request is."""
        with self.assertRaises(UserError) as caught:
            yield
        self.assertIn(word, str(caught.exception))
