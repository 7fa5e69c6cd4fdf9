import random
from datetime import date, timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from .agent_common import HstyleAgentCommon


@tagged("post_install", "-at_install")
class TestHstyleStudent(HstyleAgentCommon):
    def _model(self, partner, today):
        """Return the stage in plain words."""
        if partner.graduation_on:
            return "student" if partner.graduation_on > today else "graduate"
        return "student" if partner.campus_id else False

    def test_stages(self):
        """Field and filter agree with the model, for any days."""
        draw, today = random.Random(36), date(2027, 6, 30)
        days = [False, today] + [
            today + timedelta(days=draw.randrange(-400, 400)) for _ in range(20)
        ]
        people = self.env["res.partner"].create(
            [
                {
                    "name": f"Person {number}",
                    "campus_id": draw.choice([False, self.site.id]),
                    "graduation_on": draw.choice(days),
                }
                for number in range(60)
            ]
        )
        people = people.with_user(self.clerk)
        with freeze_time("2027-06-30 12:00:00"):
            found = set()
            for partner in people:
                self.assertEqual(partner.life_stage, self._model(partner, today))
                found.add(partner.life_stage)
            self.assertEqual(found, {"student", "graduate", False})
            for stages in (["student"], ["graduate"], [False], ["student", False]):
                self.assertEqual(
                    people.search(
                        [("id", "in", people.ids), ("life_stage", "in", stages)]
                    ),
                    people.filtered(lambda p, s=stages: p.life_stage in s).sorted(),
                )
            graduates = [("id", "in", people.ids), ("life_stage", "!=", "graduate")]
            self.assertEqual(
                people.search(graduates),
                people.filtered(lambda p: p.life_stage != "graduate").sorted(),
            )

    def test_graduation_moves_between_segments(self):
        """Nobody does anything: the day comes."""
        student = self._create_partner(
            "Lan", campus_id=self.site.id, graduation_on="2027-06-30"
        )
        students = self.env.ref("hstyle_crm.hstyle_segment_students")
        graduated = self.env.ref("hstyle_crm.hstyle_segment_graduated")
        segments = students + graduated
        for moment, found in (
            ("2027-06-29", students),
            ("2027-06-30", graduated),
            ("2028-06-29", graduated),
            ("2028-06-30", self.env["hstyle.segment"]),
        ):
            with freeze_time(f"{moment} 12:00:00"):
                segments._refresh()
                domain = [("partner_id", "=", student.id), ("left_on", "=", False)]
                stays = self.env["hstyle.segment.member"].search(domain)
                self.assertEqual(stays.segment_id & segments, found, moment)

    def test_campus_of_another_company(self):
        """The form of a shared customer opens for who cannot see the campus."""
        company = self.env["res.company"].create({"name": "Other"})
        site = self._create_campus("Theirs", company_id=company.id)
        student = self._create_partner("Lan", campus_id=site.id)
        self.env.invalidate_all()
        found = student.with_user(self.manager).web_read(
            {"name": {}, "campus_id": {"fields": {"display_name": {}}}}
        )
        self.assertEqual(found[0]["name"], "Lan")
