import random
from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.mail.tests.common import MailCommon

from ..tools import hashing, offers
from .offers_common import TODAY, HstyleOffersCommon


@tagged("post_install", "-at_install")
@freeze_time(TODAY)
class TestOfferPlan(HstyleOffersCommon, MailCommon):
    def test_sql_shares_as_python_does(self):
        """Hundreds of customers, all bounds; depths and cents are the same."""
        chance = random.Random(5)
        categories = self.dresses | self.coats
        for number in range(150):
            partner = self._create_partner(f"C{number}")
            for category in categories:
                usage = chance.choice(["low", "middle", "high"])
                revenue = round(chance.lognormvariate(5, 1), 2)
                self._know(partner, category, revenue, usage=usage)
        total = 0
        for budget in (1, 300, 555.55, 700, 900, 5000):
            self.plan.budget = budget
            figures = self.plan._allocate(fields.Date.today())
            self.env.cr.execute(
                "SELECT value::bigint, pull::bigint, tenths::int, cents::bigint"
                " FROM hstyle_offer_shared ORDER BY position"
            )
            values, pulls, *shares = zip(*self.env.cr.fetchall(), strict=True)
            cents, bounds = round(budget * 100), (self.plan.floor, self.plan.ceiling)
            target, bound = offers.get_target(sum(values), cents, *bounds)
            expected = offers.share(values, pulls, cents, *bounds)
            self.assertEqual(list(zip(*shares, strict=True)), expected, budget)
            self.assertEqual(
                (figures["planned"], figures["bound"]), (target / 100, bound)
            )
            self.assertEqual(figures["lines"], 300)
            self.assertEqual(sum(count for *_, count in figures["depths"]), 300)
            total += not bound
        self.assertGreaterEqual(total, 2, "budgets within the bounds")

    def test_a_run(self):
        """Two customers, twice the value: twice the depth, and the budget exactly."""
        other = self._create_partner("Lan")
        self._know(self.partner, self.dresses, revenue=365, gap=20)
        self._know(other, self.dresses, revenue=730, gap=20)
        # Values 20 and 40: 20×10 % + 40×20 % = 10.
        run = self._run()
        self.assertEqual((run.list_count, run.line_count), (2, 2))
        self.assertEqual((run.amount_planned, run.bound), (10, False))
        one, two = self._get_offer(), self._get_offer(other)
        self.assertRecordValues(
            one | two,
            [
                {"value": 20, "depth": 10, "amount_planned": 2, "state": "open"},
                {"value": 40, "depth": 20, "amount_planned": 8, "state": "open"},
            ],
        )
        codes = (one | two).list_id.mapped("code")
        self.assertEqual(len(set(codes)), 2)
        for code in codes:
            self.assertRegex(code, r"^([0-9A-F]{5}-){3}[0-9A-F]{5}$")
        self.assertEqual(str(one.date_to), "2026-03-28")
        self.assertEqual(str(self.plan.next_run_on), "2026-03-29")

    def test_who_and_what(self):
        """Above the threshold, active, due within the days; own cycles first."""
        self.plan.lines_per_list = 2
        hats = self.env["product.category"].create({"name": "Hats"})
        self._know(self.partner, self.dresses, 200, cycle_source="category")
        self._know(self.partner, self.coats, 50)
        self._know(self.partner, hats, 300, cycle_source="category")
        poor = self._create_partner("Poor")
        self._know(poor, self.dresses)
        self._get_profile(poor).revenue_12m = 100
        gone = self._create_partner("Gone", active=False)
        self._know(gone, self.dresses)
        late, early = self._create_partner("Late"), self._create_partner("Early")
        self._know(late, self.dresses, due=-8)
        self._know(early, self.dresses, due=14)
        just = self._create_partner("Just")
        self._know(just, self.dresses, due=13)
        nothing = self._create_partner("Nothing")
        self._know(nothing, self.dresses, 0, usage=False)
        self._run()
        found = self._get_lists()
        self.assertEqual(found.partner_id, self.partner | just)
        categories = self._get_lists(self.partner).line_ids.category_id
        self.assertEqual(categories, self.coats | hats, "own first, then what pulls")

    def test_cells(self):
        """Heavy users get the strongest; weight 0 gets none; unknown is a switcher."""
        people = {}
        for usage in ("low", "middle", "high"):
            people[usage] = self._create_partner(usage)
            self._know(people[usage], self.dresses, usage=usage)
        people["unknown"] = self._create_partner("unknown")
        self._know(people["unknown"], self.dresses, loyalty=False)
        none = self._create_partner("none")
        self._know(none, self.dresses, loyalty="store", usage="low")
        cells = self.plan.cell_ids
        cells.filtered(lambda c: (c.loyalty, c.usage) == ("store", "low")).weight = 0
        self._run()
        depths = {key: self._get_offer(who).depth for key, who in people.items()}
        self.assertTrue(
            5 <= depths["low"] < depths["middle"] < depths["high"] < depths["unknown"]
        )
        self.assertFalse(self._get_lists(none))
        self.assertEqual(sum(self._get_lists().line_ids.mapped("amount_planned")), 10)

    def test_ceiling_in_the_way(self):
        self._know(self.partner, self.dresses, gap=20)
        self.plan.budget = 100
        run = self._run()
        self.assertEqual((run.bound, run.amount_planned), ("ceiling", 6))
        self.assertIn("upper depth of 30 %", run.result_text)
        self.assertEqual(self._get_offer().depth, 30)

    def test_floor_in_the_way(self):
        """More than the budget is never planned: no list, and a reason."""
        self._know(self.partner, self.dresses, gap=20)
        self.plan.budget = 0.5
        self.plan.action_dry_run()
        self.assertIn("lower depth of 5 % alone costs", self.plan.dry_run_text)
        self.plan.action_start()
        with self.assertRaisesRegex(UserError, "lower depth"), self.cr.savepoint():
            self.plan.with_user(self.marketer).action_run()
        with self.mock_mail_gateway():
            self._pass_night()
        self.assertFalse(self._get_lists())
        notices = self.env["mail.message"].search([("subject", "like", "Fortnight")])
        self.assertIn("lower depth", notices[:1].body)
        self.plan.budget = 5
        self.plan.next_run_on = fields.Date.today()
        self._pass_night()
        self.assertTrue(self._get_lists(), "the same day, as the first made none")

    def test_dry_run_comes_first(self):
        self._know(self.partner, self.dresses, gap=20)
        plan = self.plan.with_user(self.marketer)
        with self.assertRaisesRegex(UserError, "dry first"):
            plan.action_start()
        with self.assertRaisesRegex(UserError, "Start"):
            plan.action_run()
        plan.budget = 2
        plan.action_dry_run()
        self.assertIn("1 customers, 1 offers.", plan.dry_run_text)
        self.assertIn("10–15 %: 1 offers", plan.dry_run_text)
        self.assertFalse(self._count("hstyle.offer.list", "hstyle.offer.run")[0])
        plan.cell_ids[0].weight = 2
        self.assertTrue(plan.dry_run_text)
        plan.budget = 3
        self.assertFalse(plan.dry_run_text, "other rules, another dry run")
        plan.action_dry_run()
        plan.action_start()
        plan.action_run()
        self.assertEqual(self._get_offer().amount_planned, 3)

    def test_twice_is_once(self):
        self._know(self.partner, self.dresses)
        run = self._run()
        before = self._get_lists().line_ids.read()
        self.assertEqual(self.plan._run(), run)
        self.plan.next_run_on = fields.Date.today()
        self._pass_night()
        self.assertEqual(self._get_lists().line_ids.read(), before)
        with self.assertRaisesRegex(UserError, "valid until"):
            self.plan.action_run()

    def test_a_purchase_renews(self):
        """From real purchases: due, listed, bought, closed, and due again later."""
        self.plan.write({"threshold": 10, "budget": 1})
        header = ("order number", "date", "buyer", "category", "paid")

        def buy(number, day):
            self._import([(number, f"2026-{day}", "mei", "Dresses", "50")], header)

        def refresh():
            self.env["hstyle.profile"]._refresh()
            self.env["hstyle.habit"]._refresh()

        for number, day in enumerate(("01-18", "02-01", "02-15", "03-01")):
            buy(number, day)
        refresh()
        self.plan.action_dry_run()
        self.plan.action_start()
        self._pass_night()
        partner = self._get_buyer("mei")
        first = self._get_lists(partner)
        self.assertEqual(first.line_ids.mapped("state"), ["open"])
        self._pass_night()
        self.assertEqual(
            first.state, "open", "what was bought before does not close it"
        )
        with freeze_time("2026-03-16 20:00:00"):
            buy("9", "03-16")
            refresh()
            self._pass_night()
        self.assertEqual(first.line_ids.mapped("state"), ["bought"])
        self.assertEqual(first.state, "closed")
        with freeze_time("2026-03-29 20:00:00"):
            refresh()
            self._pass_night()
            both = self._get_lists(partner)
            self.assertEqual(len(both), 2, "due on the 30th, by its own cycle")
            self.assertEqual(both[0].state, "open")
        with freeze_time("2026-04-12 20:00:00"):
            self.plan.action_stop()
            self._pass_night()
        self.assertEqual(both.mapped("state"), ["expired", "closed"])
        self.assertEqual(len(self._get_lists(partner)), 2, "stopped")

    def test_bought_on_the_day_of_the_list(self):
        """What was bought earlier on the day of the list does not close its offer."""
        self._know(self.partner, self.dresses, gap=7, due=7)
        self._run()
        self._pass_night()
        self.assertEqual(self._get_offer().state, "open")
        habit = self.env["hstyle.habit"].search([("partner_id", "=", self.partner.id)])
        habit.last_on = fields.Date.today() + timedelta(days=1)
        self._pass_night()
        self.assertEqual(self._get_offer().state, "bought")

    def test_sponsors(self):
        """The nearest category with a sponsor counts."""
        gowns = self.env["product.category"].create(
            {"name": "Gowns", "parent_id": self.dresses.id}
        )
        balls = self.env["product.category"].create(
            {"name": "Ball gowns", "parent_id": gowns.id}
        )
        acme, gala = self._create_partner("Acme"), self._create_partner("Gala")
        self.plan.sponsor_ids = [
            Command.create({"partner_id": acme.id, "category_id": self.dresses.id}),
            Command.create(
                {"partner_id": gala.id, "category_id": gowns.id, "share": 80}
            ),
        ]
        for category in (self.dresses, gowns, balls, self.coats):
            self._know(self.partner, category)
        self._run()
        found = {
            line.category_id: (line.sponsor_id, line.sponsor_share)
            for line in self._get_lists().line_ids
        }
        none = (acme.browse(), 0)
        self.assertEqual(
            found,
            {self.dresses: (acme, 50), gowns: (gala, 80), balls: (gala, 80),
             self.coats: none},
        )  # fmt: skip

    def test_letters(self):
        """Sent once, through the gate, to who may be written to."""
        self.partner.write({"email": "mei@example.com", "lang": "en_US"})
        silent = self._create_partner("Silent")
        self.env["hstyle.consent"]._record(
            self.partner, "email", "marketing", True, "Till"
        )
        for partner in (self.partner, silent):
            self._know(partner, self.dresses)
        self._run()
        lists = self._get_lists()
        self.assertEqual(lists.mapped("to_mail"), [True, True])
        with self.mock_mail_gateway(), self.enter_registry_test_mode():
            cron = self.env.ref("hstyle_crm.ir_cron_offer_mail")
            cron.method_direct_trigger()
            cron.method_direct_trigger()
        mails = self._new_mails
        self.assertEqual(mails.recipient_ids, self.partner)
        self.assertEqual(len(mails), 1)
        offer = self._get_offer()
        for text in ("Dresses", offer._format_depth(), offer.list_id.code):
            self.assertIn(text, mails.body_html)
        self.env.invalidate_all()
        self.assertEqual(lists.mapped("to_mail"), [False, False])
        self.assertEqual(mails.hstyle_purpose, "marketing")

    def test_letters_after_another_offer(self):
        """Segments write at nine and offers later: they must not lose theirs."""
        self.partner.write({"email": "mei@example.com", "lang": "en_US"})
        self.company.write({"hstyle_quiet_from": 0, "hstyle_quiet_to": 0})
        self.env["hstyle.consent"]._record(
            self.partner, "email", "marketing", True, "Till"
        )
        self._know(self.partner, self.dresses)
        self._run()
        values = {"model": "res.partner", "res_id": self.partner.id}
        values.update(email_to="mei@example.com", hstyle_purpose="marketing")
        cron = self.env.ref("hstyle_crm.ir_cron_offer_mail")
        with self.mock_mail_gateway(), self.enter_registry_test_mode():
            self.env["mail.mail"].create(values).send()
            cron.method_direct_trigger()
            self.env.invalidate_all()
            self.assertTrue(self._get_lists().to_mail)
        tomorrow = fields.Datetime.now() + timedelta(days=1)
        with freeze_time(tomorrow), self.mock_mail_gateway():
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
            self.assertEqual(self._new_mails.recipient_ids, self.partner)
        self.env.invalidate_all()
        self.assertFalse(self._get_lists().to_mail)

    def test_control_group_of_all_campaigns(self):
        """Who gets no campaign gets no offers: their orders would take them."""
        people = self.env["res.partner"].create([{"name": f"{n}"} for n in range(60)])
        for partner in people:
            self._know(partner, self.dresses)
        self.company.hstyle_control_share = 15
        salt = f"global:{self.company.id}:2026"
        held = people.filtered(lambda p: hashing.draw(salt, p.id) < 1500)
        self.assertTrue(held)
        self.plan.budget = 1000
        self._run()
        self.assertEqual(self._get_lists().partner_id, people - held)

    def test_an_outlook_is_used_where_there_is_one(self):
        self._know(self.partner, self.dresses, revenue=365, gap=20)
        profile = self._get_profile(self.partner)
        if "expected_value_12m" in profile._fields:
            profile.expected_value_12m = 500
            self._run()
            self.assertEqual(self._get_offer().value, 10)
        else:
            self._run()
            self.assertEqual(self._get_offer().value, 20)

    def test_the_form(self):
        with Form(self.env["hstyle.offer.plan"].with_user(self.marketer)) as form:
            form.name = "Weekly"
            form.every_days = 7
            form.valid_days = 7
            form.budget = 100
            with form.sponsor_ids.new() as sponsor:
                sponsor.partner_id = self.partner
                sponsor.category_id = self.dresses
        self.assertEqual(len(form.record.cell_ids), 9)

    def test_print(self):
        self._know(self.partner, self.dresses)
        self._run()
        one = self._get_lists().with_user(self.clerk)
        report = self.env["ir.actions.report"].with_user(self.clerk)
        name = "hstyle_crm.hstyle_offer_list_report"
        html = report._render_qweb_html(name, one.ids)[0].decode()
        for text in (
            "Dresses",
            one.code,
            "data:image/svg+xml;base64,",
            one.partner_id.name,
        ):
            self.assertIn(text, html)

    def test_small_cells_of_sponsors(self):
        """Five customers make a row; fewer are put together, or left out."""
        acme = self._create_partner("Acme")
        hats, socks = self.env["product.category"].create(
            [{"name": "Hats"}, {"name": "Socks"}]
        )
        categories = self.dresses | self.coats | hats | socks
        self.plan.write(
            {
                "budget": 100,
                "sponsor_ids": [
                    Command.create({"partner_id": acme.id, "category_id": c.id})
                    for c in categories
                ],
            }
        )
        people = [self._create_partner(f"P{n}") for n in range(14)]
        for number, partner in enumerate(people):
            category = categories[0 if number < 6 else 1 if number < 9 else 2]
            self._know(partner, category, revenue=3650)
        self._know(people[13], socks)
        self._run()
        report = self.env["hstyle.offer.report"].with_user(self.marketer)
        self.assertFalse(report.search([]), "not while lists are open")
        lines = self._get_lists().line_ids
        for line in lines.filtered(lambda x: x.category_id == hats):
            line.sudo().write({"state": "redeemed", "amount_given": 7})
        with freeze_time("2026-03-30 12:00:00"):
            self.plan.action_stop()
            self.env.flush_all()
            # These have no order; without the job's look for such ones.
            self.env.cr.execute(
                "UPDATE hstyle_offer_line SET state = 'expired' WHERE state = 'open'"
            )
            self.env["hstyle.offer.line"]._settle_lists(lines.list_id.ids)
            rows = report.search([])
        found = {
            row.category_id: (row.list_count, row.redeemed_count, row.amount_sponsor)
            for row in rows
        }
        self.assertEqual(
            found,
            {self.dresses: (6, 0, 0), hats: (5, 5, 17.5)},
            "coats (3) and socks (1) are fewer than five even together",
        )
        self.assertNotIn("partner_id", report._fields)
        total = report.formatted_read_group([], [], ["list_count:sum"])
        self.assertEqual(total[0]["list_count:sum"], 11)
        lines.filtered(lambda x: x.category_id == hats)[0].sudo().state = "expired"
        self.env.flush_all()
        self.env.invalidate_all()
        four = report.search([("category_id", "=", hats.id)])
        self.assertEqual((four.redeemed_count, four.amount_given), (0, 0))
        folded = lines.filtered(lambda x: x.category_id in self.coats | socks)
        self._know(people[0], socks)
        folded[0].copy({"list_id": self._get_lists(people[0]).id, "state": "expired"})
        self.env.flush_all()
        self.env.invalidate_all()
        [other] = report.search([("category_id", "=", False)])
        self.assertEqual(other.list_count, 5)

    def test_days(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.cr.savepoint(),
        ):
            self.plan.valid_days = 15
            self.env.flush_all()
        today = fields.Date.today()
        self.assertEqual(self.plan._get_end(today), today + timedelta(13))
