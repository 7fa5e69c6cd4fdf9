from datetime import timedelta

from odoo import fields
from odoo.tests import new_test_user

from .common import HstylePointsCommon


class HstyleAgentCommon(HstylePointsCommon):
    """Two campuses, each with a manager of its own; agents and friends by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.hstyle_agent_contract = "Commission on what is kept, and no fee."
        cls.stranger = new_test_user(
            cls.env, login="stranger", groups="hstyle_crm.hstyle_crm_group_campus"
        )
        cls.site = cls._create_campus("Fudan", manager_id=cls.campus.id)
        cls.other_site = cls._create_campus("Nanjing", manager_id=cls.stranger.id)
        cls.referral_program = cls.env["hstyle.referral.program"].create(
            {"name": "Friends", "date_from": "2020-01-01"}
        )
        cls.student = cls._create_partner("Xiaoyu", email="xiaoyu@example.cn")

    @classmethod
    def _create_campus(cls, name, **values):
        return cls.env["hstyle.campus"].create({"name": name, **values})

    @classmethod
    def _prepare_application(cls, **values):
        today = fields.Date.today()
        return {
            "study_from": today - timedelta(days=300),
            "graduation_on": today + timedelta(days=700),
            "motivation": "I know everybody.",
            **values,
        }

    @classmethod
    def _apply(cls, partner=None, site=None, **values):
        """Apply as the portal does."""
        values = cls._prepare_application(**values)
        agents = cls.env["hstyle.agent"]
        return agents._apply(partner or cls.student, site or cls.site, values)

    @classmethod
    def _create_agent(cls, name, site=None, **values):
        agent = cls._apply(cls._create_partner(name), site, **values)
        agent.action_activate()
        return agent

    @classmethod
    def _refer(cls, agent, friend, claimed_on, state="referred", **values):
        """Write a referral as `_claim` and `_advance` leave it."""
        return cls.env["hstyle.referral"].create(
            {
                "program_id": cls.referral_program.id,
                "company_id": cls.company.id,
                "referrer_id": (agent.partner_id or cls.partner).id,
                "agent_id": agent.id,
                "friend_id": friend.id,
                "source": "link",
                "touched_on": claimed_on,
                "claimed_on": claimed_on,
                "state": state,
                **values,
            }
        )
