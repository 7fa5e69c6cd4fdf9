from datetime import timedelta

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from odoo import fields
from odoo.tests import Form, tagged

from .common import HstyleTiersCommon

NOW = "2026-06-15 12:00:00"


@tagged("post_install", "-at_install")
class TestDigest(HstyleTiersCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.digest = cls.env.ref("hstyle_crm.digest_digest_week")
        cls.company.resource_calendar_id.tz = "UTC"

    def _tell(self, user=None, company=None, now=NOW):
        """Return the figures of the last seven days that a user is told of."""
        user = user or self.manager
        with freeze_time(now):
            self.env.flush_all()
            kpis = self.digest._compute_kpis(company or self.company, user)
        return {
            kpi["kpi_name"].removeprefix("kpi_hstyle_"): kpi["kpi_col2"]["value"]
            for kpi in kpis
        }

    def test_shipped(self):
        """It ships weekly, for everybody's own company, with all our figures."""
        digest = self.digest
        self.assertEqual((digest.periodicity, digest.state), ("weekly", "activated"))
        self.assertFalse(digest.company_id)
        ours = [name for name in digest._fields if name.startswith("kpi_hstyle_")]
        figures = [name for name in ours if not name.endswith("_value")]
        self.assertEqual(len(figures), 8)
        self.assertTrue(all(digest[name] for name in figures))
        with Form(digest) as form:
            for name in figures:
                form[name] = False
        self.assertFalse(any(digest[name] for name in figures))

    def test_members(self):
        """Who has just joined is no member yet; who came again had bought before."""
        other = self._create_partner("Lan")
        self._buy(100, "2026-06-01")
        self._buy(300, "2026-06-10")
        self._buy(100, "2026-06-11", partner=other)
        self.env["hstyle.profile"]._refresh()
        told = self._tell()
        self.assertEqual(told["member_share"], "75.00")
        self.assertEqual(told["repurchase"], "50.00")
        self.assertEqual(told["joined"], 1)

    def test_nothing(self):
        """Where nothing happened there is no error."""
        told = self._tell()
        self.assertEqual(told["member_share"], "0.00")
        self.assertEqual(told["repurchase"], "0.00")
        self.assertEqual(told["satisfied"], "0.00")
        self.assertEqual((told["late"], told["fell"], told["overdue"]), (0, 0, 0))

    def test_liability(self):
        """What is owed at the end: points posted since do not count."""
        self.program.point_value = 0.5
        self._create_card(100)
        owed, nothing = (
            self.digest._format_currency_amount(amount, self.company.currency_id)
            for amount in ("50", "0")
        )
        self.assertEqual(self._tell()["liability"], nothing)
        tomorrow = fields.Datetime.now() + timedelta(days=1)
        self.assertEqual(self._tell(now=tomorrow)["liability"], owed)

    def test_tickets(self):
        """Late is what was not answered or solved by then, though it is since."""
        tickets = self.env["hstyle.ticket"].create(
            [{"name": name, "partner_id": self.partner.id} for name in "abcd"]
        )
        late, answered, solved, merged = tickets
        breaches = self.env["hstyle.ticket.breach"].sudo()
        self.env.flush_all()
        breaches.search([("ticket_id", "in", tickets.ids)]).unlink()
        moment = fields.Datetime.to_datetime("2026-06-12 12:00:00")
        for ticket in tickets:
            breaches.create(
                {"ticket_id": ticket.id, "deadline": "answer", "due": moment}
            )
        breaches.create({"ticket_id": late.id, "deadline": "solve", "due": moment})
        after = moment + timedelta(days=5)
        values = {
            late: {"answered_at": after},
            answered: {"answered_at": moment + timedelta(days=1)},
            solved: {"solved_at": moment + timedelta(days=1)},
            merged: {"merged_into_id": late.id},
        }
        for ticket, changes in values.items():
            for name, value in changes.items():
                self.env.cr.execute(
                    f"UPDATE hstyle_ticket SET {name} = %s WHERE id = %s",
                    [value, ticket.id],
                )
        self.env.invalidate_all()
        self.assertEqual(self._tell()["late"], 1)

    def test_overdue(self):
        """Everybody is told of the own work that was due before today."""
        values = {"partner_id": self.partner.id, "name": "Call"}
        with freeze_time("2026-06-01 12:00:00"):
            promises = self.env["hstyle.promise"].create(
                [
                    {**values, "user_id": user.id, "due_on": day}
                    for user, day in (
                        (self.manager, "2026-06-14"),
                        (self.manager, "2026-06-15"),
                        (self.agent, "2026-06-14"),
                    )
                ]
            )
            activity = self.partner.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=fields.Date.to_date("2026-06-10"),
                user_id=self.manager.id,
            )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE mail_activity SET create_date = '2026-06-01' WHERE id = %s",
            [activity.id],
        )
        self.assertEqual(len(promises), 3)
        self.assertEqual(self._tell()["overdue"], 2)
        self.assertEqual(self._tell(self.agent)["overdue"], 1)

    def test_rights(self):
        """Nobody is told of what the own role does not read."""
        self.assertEqual(len(self._tell()), 8)
        clerk = self._tell(self.clerk)
        self.assertNotIn("liability", clerk)
        self.assertIn("member_share", clerk)
        stranger = self.env["res.users"].create(
            {"name": "Stranger", "login": "hstyle_stranger"}
        )
        told = self._tell(stranger)
        self.assertFalse(
            {"member_share", "repurchase", "liability", "fell"} & set(told)
        )

    def test_companies(self):
        """A figure is the receiver's company's, or the digest's if that is open."""
        self._buy(100, "2026-06-01")
        self._buy(300, "2026-06-10")
        self.env["hstyle.profile"]._refresh()
        other = self.env["res.company"].create({"name": "Other"})
        self.manager.company_ids += other
        self.assertEqual(self._tell(company=other)["member_share"], "0.00")
        self.assertEqual(self._tell()["member_share"], "100.00")
        self.digest.company_id = other
        self.assertEqual(self._tell()["member_share"], "0.00")
        self.manager.company_ids -= other
        self.assertNotIn("member_share", self._tell())

    def test_mail(self):
        """The mail goes to the receiver, in the receiver's words."""
        self.digest.user_ids = self.manager
        for lang in ("en_US", "zh_CN"):
            self.manager.lang = lang
            before = self.env["mail.mail"].search([]).ids
            self.digest.action_send_manual()
            mail = self.env["mail.mail"].search([("id", "not in", before)])
            names = self.env["ir.model.fields"].with_context(lang=lang)
            field = names._get("digest.digest", "kpi_hstyle_joined")
            self.assertIn(field.field_description, mail.body_html)
            self.assertEqual(mail.email_to, self.manager.email_formatted)

    def test_turns(self):
        """It goes out by the host's job, when a week has passed."""
        self.digest.user_ids = self.manager
        today = fields.Date.today()
        self.digest.next_run_date = today
        self.env["digest.digest"]._cron_send_digest_email()
        week = today + relativedelta(weeks=1)
        # A receiver who never logs in is written to less often; that is the host's.
        self.assertGreaterEqual(self.digest.next_run_date, week)
