"""Use of the system by week and person, counted by hand."""

from collections import Counter
from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from .test_hstyle_goodwill import HstyleGoodwillCommon
from .test_hstyle_ticket import MONDAY

WEEK = MONDAY.date()
NEXT = WEEK + timedelta(days=7)


@tagged("post_install", "-at_install")
class TestUsage(HstyleGoodwillCommon):
    def _read(self, *kinds):
        rows = self.env["hstyle.usage"].with_user(self.manager)
        return {
            (row.week, row.user_id, row.kind): row.done
            for row in rows.search([("kind", "in", kinds)])
        }

    def test_tickets_by_week_of_the_company(self):
        """Late on Sunday in UTC is Monday in Shanghai; what is merged is not work."""
        self.company.hstyle_tz = "Asia/Shanghai"
        sunday = MONDAY + timedelta(days=6)
        moments = [MONDAY, sunday + timedelta(hours=15, minutes=59)]
        for moment in (*moments, sunday + timedelta(hours=16)):
            self._move(self._open(MONDAY), "solved", moment)
        self._open(MONDAY)
        merged = self._open(MONDAY)
        self._move(merged, "solved", MONDAY)
        merged.sudo().merged_into_id = self.ticket
        again = self._open(MONDAY)
        for kind in ("solved", "open"):
            self._move(again, kind, MONDAY + timedelta(hours=10))
        self.assertEqual(
            self._read("ticket"),
            {(WEEK, self.agent, "ticket"): 2, (NEXT, self.agent, "ticket"): 1},
        )
        rows = self.env["hstyle.usage"].search([("kind", "=", "ticket")])
        self.assertEqual(rows.team_id, self.team)

    def test_promises_and_care(self):
        promises = self.env["hstyle.promise"].with_user(self.clerk)
        values = {"name": "Send", "partner_id": self.partner.id}
        with freeze_time(MONDAY + timedelta(days=1)):
            made = promises.create(
                [{**values, "due_on": WEEK + timedelta(days=n)} for n in (1, 3, 9)]
            )
            made[0].action_keep()
        with freeze_time(MONDAY + timedelta(days=5)):
            # Three days late: it was broken.
            made[1].action_keep()
        with freeze_time(MONDAY + timedelta(days=8)):
            made[2].action_keep()
        kept = [promise for promise in made if promise.state == "kept"]
        expected = Counter((p.done_on, p.user_id, "promise") for p in kept)
        found = self._read("promise")
        self.assertEqual(sum(found.values()), sum(expected.values()))
        self.assertEqual(
            found, {(WEEK, self.clerk, "promise"): 1, (NEXT, self.clerk, "promise"): 1}
        )

    def test_goodwill_and_points(self):
        self.budget.month = WEEK.replace(day=1)
        with freeze_time(MONDAY):
            self._compensate("points", 20)
            self._compensate("points", 30)
            # To approve: given by nobody yet.
            self._compensate("points", 400)
            adjustment = self.env["hstyle.points.adjustment"].with_user(self.manager)
            adjustment = adjustment.create(
                {"card_id": self._get_card().id, "points": 5, "reason": "More"}
            )
            adjustment.action_confirm()
        self.assertEqual(
            self._read("goodwill", "points"),
            {(WEEK, self.agent, "goodwill"): 2, (WEEK, self.manager, "points"): 1},
        )
        rows = self.env["hstyle.usage"].search([("kind", "=", "goodwill")])
        self.assertEqual(rows.team_id, self.team)

    def test_sheets_in_and_out(self):
        """Who takes a sheet is written down, and stays so when the file is gone."""
        rows = [("1", "1", "2026-03-01", "a", "", "", "10")]
        self._import(rows)
        self.env["hstyle.profile"]._refresh()
        profiles = self.env["hstyle.profile"].with_user(self.agent).search([])
        with freeze_time(datetime(2026, 3, 4)):
            action = profiles.action_export()
        attachment_id = int(action["url"].split("/")[3].split("?")[0])
        self.env["ir.attachment"].browse(attachment_id).unlink()
        self.assertEqual(self._read("export"), {(WEEK, self.agent, "export"): 1})
        [taken] = self.env["hstyle.export"].with_user(self.manager).search([])
        self.assertEqual(taken.user_id, self.agent)
        [(week, user, _kind)] = self._read("import")
        today = date.today()
        self.assertEqual(week, today - timedelta(days=today.weekday()))
        self.assertEqual(user, self.clerk)
