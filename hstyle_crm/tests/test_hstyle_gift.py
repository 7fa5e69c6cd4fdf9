from base64 import b64encode

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .roster_common import HstyleRosterCommon

JOB = "odoo.addons.hstyle_crm.models.hstyle_gift_job"


@tagged("post_install", "-at_install")
@freeze_time("2026-02-20 10:00:00")
class TestHstyleGift(HstyleRosterCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tea = cls.env["hstyle.gift.pack"].create({"name": "Tea", "cost": 20})
        cls.benefit = cls.env["hstyle.benefit"].create(
            {"name": "Gift", "grade_id": cls.gold.id, "kind": "birthday_gift"}
        )

    def _give(self, gift, **options):
        gift._hand_out(**{"receiver": "Mei", **options})

    # === TASKS === #

    def test_tasks_come_in_time_and_once(self):
        self._create_entry("Mei", 3, 5)
        self._create_entry("Lan", 3, 6)
        self.assertFalse(self._pass_day("2026-02-25"))
        [mei] = self._pass_day("2026-02-26")
        self.assertEqual((mei.roster_id.name, mei.state), ("Mei", "todo"))
        self.assertEqual(
            (str(mei.birthday), str(mei.due_on)), ("2026-03-05", "2026-02-26")
        )
        self.assertEqual((mei.year, mei.agent_id), (2026, self.agent_ann))
        self.assertFalse(self._pass_day("2026-02-26"), "the job is started again")
        [lan] = self._pass_day("2026-02-28")
        self.assertEqual(lan.roster_id.name, "Lan")
        self.assertFalse(self._pass_day("2026-03-05"))

    def test_an_entry_gets_its_task_at_once(self):
        entry = self._create_entry("Mei", 2, 20)
        self.assertEqual(str(entry.gift_ids.birthday), "2026-02-20")
        self.assertFalse(self._create_entry("Lan", 2, 19).gift_ids)
        self.assertFalse(self._create_entry("Lan", 2, 28).gift_ids)

    def test_so_many_days_ahead(self):
        self.company.hstyle_gift_days = 0
        self._create_entry("Mei", 3, 5)
        self.assertFalse(self._pass_day("2026-03-04"))
        self.assertTrue(self._pass_day("2026-03-05"))
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.company.hstyle_gift_days = 61
            self.company.flush_recordset()

    def test_29_february(self):
        self._create_entry("Leap", 2, 29)
        self._create_entry("Day", 2, 28)
        found = self.gifts.search([])
        self.assertFalse(found)
        found = self._pass_day("2026-02-25")
        self.assertEqual([str(g.birthday) for g in found], ["2026-02-28"] * 2)
        self.roster.search([]).expires_on = "2028-02-20"
        with freeze_time("2027-12-01"):
            self.roster.search([]).consent_on = "2027-12-01"
        found = self._pass_day("2028-02-25")
        days = {g.roster_id.name: str(g.birthday) for g in found}
        self.assertEqual(days, {"Leap": "2028-02-29", "Day": "2028-02-28"})

    def test_the_end_of_the_year(self):
        self._create_entry("Mei", 1, 3)
        self._create_entry("Lan", 12, 31)
        found = self._pass_day("2026-12-28")
        days = {(g.roster_id.name, str(g.birthday), g.year) for g in found}
        expected = {("Mei", "2027-01-03", 2027), ("Lan", "2026-12-31", 2026)}
        self.assertEqual(days, expected)
        self.assertFalse(self._pass_day("2027-01-02"))
        self.roster.search([]).write({"expires_on": "2028-01-31"})
        self.assertEqual(self._pass_day("2027-12-29").mapped("year"), [2027, 2028])

    def test_the_day_is_the_company_s(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        self._create_entry("Mei", 3, 6)
        with freeze_time("2026-02-26 15:59:00"):
            self.gifts._make(self.company)
            self.assertFalse(self.gifts.search([]))
        with freeze_time("2026-02-26 16:01:00"):
            self.gifts._make(self.company)
            self.assertTrue(self.gifts.search([]))

    def test_who_gets_no_task(self):
        for number, state in enumerate(("applicant", "paused", "alumnus")):
            agent = self._create_agent(state, state=state)
            self._create_entry(f"Friend {number}", 3, 5, agent=agent)
        self._create_entry("Mei", 3, 5, expires_on="2026-02-25")
        with freeze_time("2026-02-26 10:00:00"):
            self.assertFalse(self.gifts._make(self.company), "before it is deleted")
        self.assertFalse(self._pass_day("2026-02-26"))

    def test_a_task_that_nobody_did(self):
        entry = self._create_entry("Mei", 2, 24)
        gift = entry.gift_ids
        self._pass_day("2026-03-03")
        self.assertEqual(gift.state, "todo")
        self._pass_day("2026-03-04")
        self.assertEqual(gift.state, "missed")
        self._supply()
        with self.assertRefused("closed"):
            self._give(gift)

    def test_a_bad_company_stays_alone(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.env["hstyle.campus"].create({"name": "A", "company_id": other.id})
        self._create_entry("Mei", 3, 5)
        miss = type(self.gifts)._miss

        def fail(gifts, company):
            if company == other:
                raise ValueError("broken")
            return miss(gifts, company)

        self.patch(type(self.gifts), "_miss", fail)
        # A real roll-back would take this test's data along.
        self.patch(type(self.gifts), "_start_again", lambda _gifts: None)
        with self.assertLogs(JOB, "ERROR"):
            self.assertTrue(self._pass_day("2026-02-26"))

    # === CHANGES OF THE LIST === #

    def test_open_tasks_follow_the_entry(self):
        entry = self._create_entry("Mei", 2, 24)
        entry.with_user(self.campus).agent_id = self.agent_bo
        self.assertEqual(entry.gift_ids.agent_id, self.agent_bo)
        self._supply(agent=self.agent_bo)
        self._give(entry.gift_ids)
        entry.agent_id = self.agent_ann
        self.assertEqual(entry.gift_ids.agent_id, self.agent_bo, "who gave it")

    def test_an_entry_of_a_paused_agent_waits(self):
        paused = self._create_agent("Cy", state="paused")
        entry = self._create_entry("Mei", 2, 24, agent=paused)
        self.assertFalse(entry.gift_ids)
        entry.agent_id = self.agent_bo
        self.assertEqual(entry.gift_ids.agent_id, self.agent_bo)

    def test_a_birthday_is_corrected(self):
        entry = self._create_entry("Mei", 2, 24)
        gift = entry.gift_ids
        entry.birth_day = 25
        self.assertFalse(gift.exists())
        self.assertEqual(str(entry.gift_ids.birthday), "2026-02-25")
        entry.birth_month = 7
        self.assertFalse(entry.gift_ids)

    def test_a_name_is_corrected_after_the_gift(self):
        """On another list the right name finds that the gift was given."""
        self._supply()
        entry = self._create_entry("Mie", 2, 24)
        self._give(entry.gift_ids)
        entry.name = "Mei"
        self.assertEqual(entry.gift_ids.state, "given")
        self.assertFalse(self._create_entry("Mei", 2, 24, agent=self.agent_bo).gift_ids)
        self.assertFalse(self._pass_day("2026-02-21"))

    # === ONE A YEAR === #

    def test_one_gift_on_two_lists(self):
        one = self._create_entry("Mei", 3, 5)
        two = self._create_entry("mei", 3, 5, agent=self.agent_bo)
        [gift] = self._pass_day("2026-02-26")
        self.assertEqual(gift.roster_id, one)
        one.unlink()
        [gift] = self._pass_day("2026-02-27")
        self.assertEqual(gift.roster_id, two)

    def test_two_names_of_one_customer(self):
        self._supply()
        customer = self._create_partner("Mei Li")
        one = self._create_entry("Mei", 2, 24, partner_id=customer.id).gift_ids
        two = self._create_entry("May", 2, 24, partner_id=customer.id).gift_ids
        self.assertEqual((one.state, two.state), ("todo", "todo"))
        self._give(one)
        self.assertEqual((one.state, two.state), ("given", "skipped"))
        self.assertEqual(two.had, "pack")

    def test_linking_later_keeps_it_at_one(self):
        self._supply()
        customer = self._create_partner("Mei Li")
        one = self._create_entry("Mei", 2, 24).gift_ids
        other = self._create_entry("May", 2, 24)
        self._give(one)
        (one.roster_id | other).partner_id = customer
        self.assertEqual(other.gift_ids.state, "skipped")

    def test_two_gifts_before_the_link_stay_facts(self):
        self._supply()
        one, two = self._create_entry("Mei", 2, 24), self._create_entry("May", 2, 24)
        for entry in (one, two):
            self._give(entry.gift_ids)
        (one | two).partner_id = self._create_partner("Mei Li")
        self.assertEqual((one | two).gift_ids.mapped("state"), ["given"] * 2)

    def _make_member(self):
        self.partner.sudo().grade_id = self.gold
        return self.partner

    def test_who_had_the_gift_in_the_shop(self):
        member = self._make_member()
        self.benefit._use(member)
        entry = self._create_entry("Mei", 2, 24, partner_id=member.id)
        self.assertEqual(entry.gift_ids.state, "skipped")
        self.assertEqual(entry.gift_ids.had, "shop")
        self.assertFalse(self._pass_day("2026-02-21"))
        entry.expires_on = "2027-03-01"
        self.assertTrue(self._pass_day("2027-02-20"), "another year")

    def test_the_shop_gives_it_before_the_agent(self):
        member = self._make_member()
        self._supply()
        gift = self._create_entry("Mei", 2, 24, partner_id=member.id).gift_ids
        self.benefit._use(member)
        self.assertEqual(gift.state, "skipped", "the agent need not look")
        with self.assertRefused("shop"):
            self._give(gift)

    def test_the_agent_gave_it_before_the_shop(self):
        member = self._make_member()
        self._supply()
        gift = self._create_entry("Mei", 2, 24, partner_id=member.id).gift_ids
        self._give(gift)
        with self.assertRefused("of 2026 already: A gift pack from a campus agent"):
            self.benefit._use(member)
        gift.roster_id.unlink()
        with self.assertRefused("campus agent"):
            self.benefit._use(member)
        with freeze_time("2027-02-20"):
            self.assertTrue(self.benefit._use(member))

    def test_other_benefits_are_no_gift(self):
        member = self._make_member()
        self._supply()
        other = self.benefit.copy({"kind": "free_return"})
        gift = self._create_entry("Mei", 2, 24, partner_id=member.id).gift_ids
        other._use(member)
        self._give(gift)
        self.assertEqual(gift.state, "given")

    def test_a_use_that_the_task_does_not_know_of(self):
        """The hand-out itself asks, whatever the list says."""
        member = self._make_member()
        self._supply()
        gift = self._create_entry("Mei", 2, 24, partner_id=member.id).gift_ids
        self.benefit._insert_uses(member.hstyle_membership_ids)
        with self.assertRefused("shop"):
            self._give(gift)
        self.assertEqual(gift.state, "todo")
        self._pass_day("2026-02-21")
        self.assertEqual(gift.state, "skipped")

    def _launch_coupons(self, *partners):
        """Let a segment of birthdays give its coupon; return who got one."""
        program = self.env["loyalty.program"].create(
            {"name": "Coupon", "program_type": "coupons"}
        )
        domain = [("has_birthday_this_month", "=", True)]
        segment = self.env["hstyle.segment"].create(
            {
                "name": "Birthdays",
                "company_id": self.company.id,
                "domain": repr(domain),
                "action_ids": [
                    Command.create({"kind": "coupon", "program_id": program.id})
                ],
            }
        )
        for partner in partners:
            partner.birthday = "2004-02-24"
        segment._launch()
        with self.enter_registry_test_mode():
            for shard in (0, 1):
                cron = self.env.ref(f"hstyle_crm.ir_cron_segment_work_{shard}")
                cron.method_direct_trigger()
        self.env.invalidate_all()
        domain = [("program_id", "=", program.id)]
        return self.env["loyalty.card"].search(domain).partner_id

    def test_the_birthday_coupon_is_the_gift_too(self):
        self._supply()
        had, has_not = self._create_partner("Mei"), self._create_partner("Lan")
        mei = self._create_entry("Mei", 2, 24, partner_id=had.id).gift_ids
        lan = self._create_entry("Lan", 2, 24, partner_id=has_not.id).gift_ids
        self._give(mei)
        self.assertEqual(self._launch_coupons(had, has_not), has_not)
        run = self.env["hstyle.segment.run"].search([("partner_id", "=", had.id)])
        self.assertEqual((run.state, run.reason), ("refused", "gift"))
        self.assertEqual(lan.state, "skipped")
        later = self._create_entry("May", 2, 25, partner_id=has_not.id).gift_ids
        self.assertEqual(later.state, "skipped")
        self.assertEqual((lan.had, later.had), ("coupon", "coupon"))

    # === HAND-OUT === #

    def test_hand_out(self):
        self._supply(3)
        gift = self._create_entry("Mei", 2, 24).gift_ids
        gift._hand_out(receiver=" Mei ")
        self.assertEqual((gift.state, gift.receiver, gift.cost), ("given", "Mei", 8))
        self.assertEqual(str(gift.given_on), "2026-02-20 10:00:00")
        self.sweets.cost = 9
        self.assertEqual(gift.cost, 8, "frozen")
        self.assertEqual(self.agent_ann.gift_stock, 2)
        with self.assertRefused("got this gift already"):
            gift._hand_out(receiver="Mei")
        self.assertEqual(self.agent_ann.gift_stock, 2)

    def test_a_proof_is_needed(self):
        self._supply()
        gift = self._create_entry("Mei", 2, 24).gift_ids
        for receiver, photo, word in (
            (None, None, "photo"),
            ("  ", None, "photo"),
            (None, b64encode(b"<svg onload='alert(1)'/>"), "JPEG"),
            (None, "%%%", "JPEG"),
            ("Mei", b64encode(b"%PDF-1.4"), "JPEG"),
        ):
            with self.assertRefused(word):
                gift._hand_out(receiver=receiver, photo=photo)
        self.assertEqual(gift.state, "todo")

    def test_stock(self):
        gifts = self.gifts
        for name in ("Mei", "Lan", "Bai"):
            gifts |= self._create_entry(name, 2, 24).gift_ids
        with self.assertRefused("Ask your campus manager"):
            self._give(gifts[0])
        self._supply(1, agent=self.agent_bo)
        with self.assertRaises(UserError):
            self._give(gifts[0])
        self._supply(1)
        self._supply(1, pack=self.tea)
        self.assertEqual(self.agent_ann.gift_stock_text, "Sweets 1, Tea 1")
        self._give(gifts[0], pack=self.tea)
        with self.assertRefused("Your stock of Tea is used up"):
            self._give(gifts[1], pack=self.tea)
        self._give(gifts[1])
        self.assertEqual(gifts[:2].mapped("cost"), [20, 8])
        with self.assertRaises(UserError):
            self._give(gifts[2])
        self.assertEqual(self.agent_ann.gift_stock, 0)

    def test_packs_go_back(self):
        self._supply(5)
        self._supply(-2)
        self.assertEqual(self.agent_ann.gift_stock, 3)
        with self.assertRefused("Sweets"):
            self._supply(-4)
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self._supply(0)

    def test_packs_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        pack = self.sweets.copy({"company_id": other.id})
        with self.assertRaises(UserError):
            self._supply(pack=pack)

    # === STAFF === #

    def test_the_day_of_a_campus_manager(self):
        supplies = self.env["hstyle.gift.supply"].with_user(self.campus)
        supplies.create({"agent_id": self.agent_ann.id, "pack_id": self.sweets.id})
        self._create_entry("Mei", 2, 24)
        gifts = self.gifts.with_user(self.campus)
        gift = gifts.search([("birthday", ">=", "today"), ("birthday", "<=", "+7d")])
        with self.assertRefused("photo"):
            gift.action_hand_out()
        with Form(gift) as form:
            form.receiver = "Mei"
        gift.action_hand_out()
        self.assertEqual((gift.state, gift.pack_id), ("given", self.sweets))
        with self.assertRaises(UserError):
            gift.receiver = "Somebody else"
        report = self.env["hstyle.gift.report"].with_user(self.campus)
        [row] = report._read_group(
            [],
            ["agent_id"],
            ["supplied_count:sum", "given_count:sum", "left_count:sum", "cost:sum"],
        )
        self.assertEqual(row, (self.agent_ann, 1, 1, 0, 8))

    def test_a_task_is_skipped_for_a_reason(self):
        gift = self._create_entry("Mei", 2, 24).gift_ids.with_user(self.campus)
        with self.assertRefused("why"):
            gift.action_skip()
        gift.reason = "Studies abroad"
        gift.action_skip()
        self.assertEqual(gift.state, "skipped")
        with self.assertRefused("Studies abroad"):
            gift.action_hand_out()
        with self.assertRaises(UserError):
            gift.action_skip()

    def test_what_staff_may_not_write(self):
        gift = self._create_entry("Mei", 2, 24).gift_ids.with_user(self.campus)
        for values in (
            {"state": "given"},
            {"agent_id": self.agent_bo.id},
            {"cost": 0},
            {"birthday": "2026-02-25"},
        ):
            with self.assertRaises(AccessError):
                gift.write(values)
        with self.assertRaises(AccessError):
            gift.unlink()
        supply = self._supply().with_user(self.manager)
        for act in (lambda: supply.write({"quantity": 2}), supply.unlink):
            with self.assertRaises(AccessError):
                act()

    def test_gifts_of_other_campuses(self):
        south = self._create_agent("Di", self.campus_other)
        gift = self._create_entry("Mei", 2, 24, agent=south).gift_ids
        self._supply(agent=south)
        self._give(gift)
        for model in ("hstyle.gift", "hstyle.gift.supply", "hstyle.gift.report"):
            records = self.env[model].with_user(self.campus)
            self.assertFalse(records.search([]), model)
            [[count]] = records._read_group([], [], ["__count"])
            self.assertEqual(count, 0)
            self.assertTrue(self.env[model].with_user(self.manager).search([]))
        with self.assertRaises(AccessError):
            self.env["hstyle.gift.supply"].with_user(self.campus).create(
                {"agent_id": south.id, "pack_id": self.sweets.id}
            )
        with self.assertRaises(AccessError):
            gift.with_user(self.campus).action_hand_out()

    def test_the_stock_is_for_campus_managers(self):
        self._supply(3)
        self.assertEqual(self.agent_ann.with_user(self.campus).gift_stock, 3)
        with self.assertRaises(AccessError):
            self.agent_ann.with_user(self.clerk).read(["gift_stock"])

    def test_a_photo_is_for_those_who_see_the_gift(self):
        self._supply()
        gift = self._create_entry("Mei", 2, 24).gift_ids
        png = b64encode(bytes.fromhex(_PNG))
        gift._hand_out(photo=png)
        self.assertTrue(gift.with_user(self.campus).photo)
        domain = [("res_model", "=", "hstyle.gift"), ("res_field", "=", "photo")]
        photo = self.env["ir.attachment"].search(domain)
        self.assertTrue(photo.with_user(self.campus).datas)
        stranger = new_test_user(
            self.env, login="stranger", groups="hstyle_crm.hstyle_crm_group_campus"
        )
        for user in (stranger, self.clerk):
            with self.assertRaises(AccessError):
                photo.with_user(user).read(["datas"])


#: A picture of one pixel.
_PNG = (
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6364f8cf500f0003860180"
    "5a347d6b0000000049454e44ae426082"
)
