from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, JsonRpcException, new_test_user, tagged
from odoo.tools import mute_logger

from .test_hstyle_ticket import MONDAY, HstyleTicketCommon

REPORTS = ("hstyle.ticket.report", "hstyle.complaint.heat", "hstyle.service.value")


class HstyleReportCommon(HstyleTicketCommon):
    """A dress that is sold, and complaints about its seam."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.seam = cls.env.ref("hstyle_crm.ticket_reason_defect_seam")
        cls.dress = cls._create_dress()
        cls.buyer = cls._create_partner("Buyer")

    @classmethod
    def _create_dress(cls, name="Dress"):
        return cls.env["product.product"].create(
            {"name": name, "type": "service", "list_price": 100, "taxes_id": []}
        )

    @classmethod
    def _sell(cls, day, quantity=1, partner=None, product=None):
        line = {
            "product_id": (product or cls.dress).id,
            "product_uom_qty": quantity,
        }
        with freeze_time(day):
            order = cls.env["sale.order"].create(
                {
                    "partner_id": (partner or cls.buyer).id,
                    "order_line": [Command.create(line)],
                }
            )
            order.action_confirm()
        return order

    @classmethod
    def _complain(cls, day, number=1, **values):
        values = {
            "intent_id": cls.seam.intent_id.id,
            "reason_id": cls.seam.id,
            "product_id": cls.dress.id,
            **values,
        }
        return [cls._open(day, **values) for _ticket in range(number)]


@tagged("post_install", "-at_install")
class TestTicketReport(HstyleReportCommon):
    def _read(self, measures, **groups):
        domain = [("team_id", "=", self.team.id)]
        reports = self.env["hstyle.ticket.report"].with_user(self.clerk)
        return reports._read_group(domain, list(groups), measures)

    def test_working_hours(self):
        """From Friday afternoon to Monday, with a wait in between."""
        friday = MONDAY + timedelta(days=4)
        ticket = self._open(friday + timedelta(hours=15))
        with freeze_time(friday + timedelta(hours=16, minutes=30)):
            ticket.message_post(
                body="We look", message_type="comment", subtype_xmlid="mail.mt_comment"
            )
        self._move(ticket, "waiting", friday + timedelta(hours=16, minutes=45))
        self._move(ticket, "open", friday + timedelta(days=3, hours=10))
        self._move(ticket, "solved", friday + timedelta(days=3, hours=11))
        self.assertEqual((ticket.answer_hours, ticket.solve_hours), (1.5, 2.75))
        # The past stays as it was, whatever the calendar becomes.
        self.team.calendar_id = False
        self.env.invalidate_all()
        self.assertEqual(ticket.solve_hours, 2.75)
        self._move(ticket, "open", friday + timedelta(days=4))
        self.assertFalse(ticket.solve_hours)

    def test_rates(self):
        """What is open yet counts in no average."""
        self._open(MONDAY + timedelta(hours=9))
        kept = self._open(MONDAY + timedelta(hours=9))
        self._move(kept, "solved", MONDAY + timedelta(hours=10))
        self._move(kept, "open", MONDAY + timedelta(hours=11))
        self._move(kept, "solved", MONDAY + timedelta(hours=12))
        late = self._open(MONDAY + timedelta(hours=9))
        self._move(late, "closed", MONDAY + timedelta(days=2))
        merged = self._open(MONDAY + timedelta(hours=9))
        merged.sudo().merged_into_id = kept
        [(count, met, reopened, hours)] = self._read(
            ["__count", "solve_met:avg", "reopened:avg", "solve_hours:avg"]
        )
        self.assertEqual((count, met, reopened), (3, 0.5, 0.5))
        # Two hours of the first, and two days of eight of the other.
        self.assertEqual(hours, (2 + 16) / 2)

    def test_groups(self):
        tier = self.env.ref("hstyle_crm.tier_gold")
        member = self._create_partner("Member", grade_id=tier.id)
        person = self._create_partner("Person", parent_id=member.id)
        self._open(MONDAY, partner_id=person.id, channel="im")
        self._open(MONDAY + timedelta(days=40), channel="shop")
        rows = self._read(["__count"], **{"grade_id": 1, "opened_at:month": 1})
        self.assertEqual(
            [(grade.name, month.date(), n) for grade, month, n in rows],
            [
                (tier.name, MONDAY.date().replace(day=1), 1),
                (False, datetime(2026, 4, 1).date(), 1),
            ],
        )

    def test_members_of_the_company_in_a_branch(self):
        """A membership is the company's: its tier stands at tickets of branches, too.

        That of a company beside is nobody's here.
        """
        tier = self.env.ref("hstyle_crm.tier_gold")
        member = self._create_partner("Member", grade_id=tier.id)
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        other = self.env["res.company"].create({"name": "Other"})
        teams = self.env["hstyle.ticket.team"].create(
            [
                {"name": company.name, "company_id": company.id}
                for company in branch | other
            ]
        )
        for team in teams:
            self.env["hstyle.ticket"].create(
                {"name": "Late", "team_id": team.id, "partner_id": member.id}
            )
        reports = self.env["hstyle.ticket.report"]
        for team, grade in zip(teams, (tier, tier.browse()), strict=True):
            [row] = reports.search([("team_id", "=", team.id)])
            self.assertEqual(row.grade_id, grade, team.name)

    def test_rates_of_a_sheet(self):
        """What was missed is 0, what is not judged is empty: 1 of 2, and not 100 %."""
        for hours in (1, 20):
            ticket = self._open(MONDAY + timedelta(hours=9))
            self._move(ticket, "solved", MONDAY + timedelta(hours=9 + hours))
        self._open(MONDAY + timedelta(hours=9))
        rows = self.env["hstyle.ticket.report"].with_user(self.agent)
        rows = rows.search([("team_id", "=", self.team.id)], order="id")
        header, *sheet = self._open_download(rows.action_export())
        label = rows.fields_get(["solve_met"])["solve_met"]["string"]
        column = header.index(label)
        # A sheet leaves out what is empty at the end of a row.
        cells = [(row[column:] or [""])[0] for row in sheet]
        self.assertEqual(cells, ["1", "0", ""])

    def test_sheet(self):
        ticket = self._open(MONDAY, channel="im")
        reports = self.env["hstyle.ticket.report"].with_user(self.agent)
        row = reports.search([("ticket_id", "=", ticket.id)])
        sheet = self._open_download(row.action_export())
        self.assertEqual(len(sheet), 2)
        self.assertIn(ticket.number, sheet[1][0])


@tagged("post_install", "-at_install")
class TestComplaintHeat(HstyleReportCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.heats = cls.env["hstyle.complaint.heat"]
        # Ten a week for sixteen weeks, and one complaint in each of the first eight.
        cls.weeks = [MONDAY + timedelta(weeks=week) for week in range(16)]
        for number, week in enumerate(cls.weeks):
            cls._sell(week, 10)
            if number < 8:
                cls._complain(week + timedelta(hours=9))

    def _refresh(self, moment):
        with freeze_time(moment):
            self.heats._cron_refresh()
        return self.heats.search([("is_hot", "=", True)])

    def test_against_the_first_weeks(self):
        """One a week is expected, so that up to 1 + 3 √1 are chance."""
        self._complain(self.weeks[12], 4)
        self.assertFalse(self._refresh(self.weeks[12]))
        [row] = self.heats.search([("week", "=", self.weeks[12])])
        self.assertEqual(
            (row.complaints, row.units, row.rate, row.baseline, row.threshold),
            (4, 10, 40, 10, 4),
        )
        self._complain(self.weeks[12])
        self.assertEqual(self._refresh(self.weeks[12]), row)
        self.assertEqual(row.complaints, 5)

    def test_weeks_by_hand(self):
        """Two a week more are sold from the ninth week on, twelve of each on average.

        So that 15 complaints in the last week are 15 / 12 for each unit a week, against
        8 / 80 of the first weeks: 1.2 are expected, and hot is above 1.2 + 3 √1.2.
        """
        for week in self.weeks[8:]:
            self._sell(week, 2)
        self._complain(self.weeks[15], 15)
        [row] = self._refresh(self.weeks[15])
        self.assertEqual((row.complaints, row.units), (15, 12))
        self.assertAlmostEqual(row.rate, 100 * 15 / 12, 2)
        self.assertAlmostEqual(row.baseline, 100 * 8 / 80, 2)
        self.assertAlmostEqual(row.threshold, 1.2 + 3 * 1.2**0.5, 1)

    def test_no_baseline_yet(self):
        self._complain(self.weeks[7], 20)
        self.assertFalse(self._refresh(self.weeks[7] + timedelta(days=6)))
        [row] = self.heats.search([("week", "=", self.weeks[7])])
        self.assertFalse(row.threshold)

    def test_told_once(self):
        tickets = self._complain(self.weeks[12], 6)
        for _run in range(2):
            hot = self._refresh(self.weeks[12] + timedelta(days=1))
        self.assertEqual(hot.activity_ids.user_id, self.manager)
        self.assertEqual(len(hot.activity_ids), 1)
        # The next week is as bad: it is told already.
        self._complain(self.weeks[13], 6)
        self.assertEqual(len(self._refresh(self.weeks[13])), 2)
        activities = [("res_model", "=", self.heats._name)]
        self.assertEqual(self.env["mail.activity"].search_count(activities), 1)
        action = hot[0].with_user(self.clerk).action_tickets()
        found = self.env["hstyle.ticket"].search(action["domain"])
        self.assertEqual(found.ids, [ticket.id for ticket in tickets][::-1])

    def test_another_reason_and_what_is_corrected(self):
        tickets = self._complain(self.weeks[12], 6)
        hot = self._refresh(self.weeks[12])
        self.assertEqual(hot.reason_id, self.seam)
        colour = self.env.ref("hstyle_crm.ticket_reason_defect_colour")
        for ticket in tickets:
            ticket.reason_id = colour
        self.assertEqual(self._refresh(self.weeks[12]).reason_id, colour)
        self.assertFalse(hot.exists())

    def test_products_of_order_lines(self):
        """A ticket without a product is about its order lines; no intent, no heat."""
        skirt = self._create_dress("Skirt")
        order = self._sell(self.weeks[3], 1, product=skirt)
        [ticket] = self._complain(self.weeks[3], product_id=False)
        ticket.sudo().order_line_ids = order.order_line
        advice = self.env.ref("hstyle_crm.ticket_intent_advice")
        self._complain(
            self.weeks[3], product_id=skirt.id, intent_id=advice.id, reason_id=False
        )
        self._refresh(self.weeks[3])
        template = skirt.product_tmpl_id
        rows = self.heats.search([("product_tmpl_id", "=", template.id)])
        self.assertEqual(rows.mapped("complaints"), [1])

    def test_a_quiet_night_writes_nothing(self):
        self._refresh(self.weeks[12])
        query = "SELECT id, ctid::text FROM hstyle_complaint_heat ORDER BY id"
        self.env.cr.execute(query)
        before = self.env.cr.fetchall()
        self._refresh(self.weeks[12] + timedelta(days=1))
        self.env.cr.execute(query)
        self.assertEqual(self.env.cr.fetchall(), before)


@tagged("post_install", "-at_install")
class TestServiceValue(HstyleReportCommon):
    TODAY = datetime(2027, 3, 1, 12)

    def _read(self):
        """Return verdict → (customers, share who bought again)."""
        with freeze_time(self.TODAY):
            self.env["hstyle.profile"]._refresh()
            values = self.env["hstyle.service.value"].with_user(self.clerk)
            names = ["Served", "Missed", "Waits", "Without", "Gone"]
            domain = [("partner_id.name", "in", names)]
            measures = ["__count", "bought_again:avg"]
            rows = values._read_group(domain, ["verdict"], measures)
        return {verdict: (count, share) for verdict, count, share in rows}

    def _serve(self, name, kind, hours, again):
        """Let a customer buy, complain, be served, and maybe buy again."""
        customer = self._create_partner(name)
        self._sell(MONDAY, partner=customer)
        if kind:
            ticket = self._open(MONDAY + timedelta(hours=9), partner_id=customer.id)
            self._move(ticket, kind, MONDAY + timedelta(hours=9 + hours))
        if again:
            self._sell(self.TODAY - timedelta(days=30), partner=customer)
        return customer

    def test_by_verdict(self):
        self._serve("Served", "solved", 1, again=True)
        self._serve("Served", "closed", 1, again=False)
        self._serve("Missed", "solved", 20, again=False)
        self._serve("Without", None, 0, again=True)
        late = self._serve("Gone", None, 0, again=True)
        # A ticket of the last half year says nothing yet.
        self._open(self.TODAY - timedelta(days=40), partner_id=late.id)
        self._serve("Waits", "waiting", 1, again=True)
        new = self._create_partner("Without")
        self._sell(self.TODAY - timedelta(days=20), partner=new)
        self.assertEqual(
            self._read(),
            {"met": (2, 0.5), "breached": (1, 0), "none": (2, 1), "open": (1, 1)},
        )

    def test_what_they_brought(self):
        """Orders and net revenue since, of a member's branch and its tickets alone."""
        tier = self.env.ref("hstyle_crm.tier_gold")
        served = self._serve("Served", "solved", 1, again=True)
        served.sudo().grade_id = tier
        self._sell(self.TODAY - timedelta(days=20), 3, partner=served)
        # Before the half year, and before the year.
        self._sell(MONDAY + timedelta(days=3), 7, partner=served)
        self._sell(self.TODAY - timedelta(days=600), 9, partner=served)
        with freeze_time(self.TODAY):
            self.env["hstyle.profile"]._refresh()
            values = self.env["hstyle.service.value"].with_user(self.clerk)
            [row] = values.search([("partner_id", "=", served.id)])
            self.assertEqual(
                (row.orders, row.revenue, row.tickets, row.verdict, row.grade_id),
                (2, 400, 1, "met", tier),
            )
            sheet = self._open_download(row.action_export())
        self.assertEqual(sheet[1][-3:], ["1", "2", "400"])


@tagged("post_install", "-at_install")
class TestReportAccess(HstyleReportCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["res.company"].create({"name": "Other"})
        cls.stranger = new_test_user(
            cls.env,
            login="hstyle_stranger",
            password="hstyle_stranger",
            groups="hstyle_crm.hstyle_crm_group_manager",
            company_id=cls.other.id,
            company_ids=[Command.set(cls.other.ids)],
        )
        cls.users = [
            new_test_user(cls.env, login=login, password=login, groups=groups)
            for login, groups in (
                ("portal_a", "base.group_portal"),
                ("portal_b", "base.group_portal"),
                ("plain_employee", "base.group_user"),
            )
        ]
        ago = fields.Datetime.now() - timedelta(days=250)
        cls.customer = cls.users[0].partner_id
        cls._sell(ago, partner=cls.customer)
        cls._complain(ago + timedelta(days=1), partner_id=cls.customer.id)
        cls.env["hstyle.complaint.heat"]._refresh()
        cls.env["hstyle.profile"]._refresh()

    def _ask(self, model, method, *args, **options):
        params = {"model": model, "method": method, "args": args, "kwargs": options}
        url = f"/web/dataset/call_kw/{model}/{method}"
        return self.make_jsonrpc_request(url, params)

    def test_by_http(self):
        """Nobody without a role reads a report; another company's manager none."""
        agent = self.agent.sudo()
        agent.password = agent.login
        for model in REPORTS:
            self.authenticate(agent.login, agent.login)
            self.assertTrue(self._ask(model, "search_read", [], ["id"]), model)
            self.authenticate(self.stranger.login, self.stranger.login)
            self.assertEqual(self._ask(model, "search_read", [], ["id"]), [], model)
            [total] = self._ask(model, "formatted_read_group", [], [], ["__count"])
            self.assertEqual(total["__count"], 0, model)
            for user in self.users:
                self.authenticate(user.login, user.login)
                for method, args in (
                    ("search_read", ([], ["id"])),
                    ("formatted_read_group", ([], [], ["__count"])),
                ):
                    with (
                        mute_logger("odoo.http"),
                        self.assertRaisesRegex(JsonRpcException, "AccessError"),
                    ):
                        self._ask(model, method, *args)

    def test_sheets_of_other_companies(self):
        """Ids that somebody else may see give no sheet."""
        for model in REPORTS:
            row = self.env[model].search([], limit=1)
            with self.assertRaises(AccessError, msg=model):
                row.with_user(self.stranger).action_export()
