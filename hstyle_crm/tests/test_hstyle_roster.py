from base64 import b64encode
from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, freeze_time, tagged

from .roster_common import HstyleRosterCommon

INPUT = {
    "name": "Mei Li",
    "birth_month": "3",
    "birth_day": "5",
    "place": "Room 4",
    "consent_source": "Signed list",
    "consent_on": "2026-02-01",
}


@tagged("post_install", "-at_install")
@freeze_time("2026-02-02 10:00:00")
class TestHstyleRoster(HstyleRosterCommon):
    # === ENTRIES === #

    def test_an_agent_adds_a_classmate(self):
        extra = {"phone": "13812345678", "partner_id": 1, "expires_on": "2099-01-01"}
        entry = self.roster._add(self.agent_ann, {**INPUT, **extra})
        self.assertEqual(
            (entry.name, entry.birth_month, entry.birth_day, entry.place),
            ("Mei Li", 3, 5, "Room 4"),
        )
        self.assertEqual(entry.campus_id, self.campus_own)
        self.assertEqual(str(entry.expires_on), "2027-02-01")
        self.assertFalse(entry.partner_id)

    def test_what_an_agent_may_not_add(self):
        self.roster._add(self.agent_ann, INPUT)
        paused = self._create_agent("Cy", state="paused")
        for agent, change, word in (
            (self.agent_ann, {"name": "mei  LI"}, "already"),
            (self.agent_bo, {"name": ""}, "Enter"),
            (self.agent_bo, {"name": "·"}, "name"),
            (self.agent_bo, {"name": "x" * 101}, "name"),
            (self.agent_bo, {"birth_day": "30", "birth_month": "2"}, "no day"),
            (self.agent_bo, {"birth_day": "abc"}, "numbers"),
            (self.agent_bo, {"birth_day": "9" * 12}, "no day"),
            (self.agent_bo, {"birth_month": "9" * 30}, "no day"),
            (self.agent_bo, {"consent_on": "9999-12-31"}, "to come"),
            (self.agent_bo, {"consent_source": None}, "agreed"),
            (self.agent_bo, {"consent_on": "soon"}, "dates"),
            (self.agent_bo, {"consent_on": "2026-02-03"}, "to come"),
            (self.agent_bo, {"consent_on": "2025-01-01"}, "ended"),
            (paused, {}, "active"),
        ):
            with self.assertRefused(word):
                self.roster._add(agent, {**INPUT, **change})
        self.assertTrue(self.roster._add(self.agent_bo, INPUT), "on another list")

    def test_29_february(self):
        self.assertTrue(self._create_entry(month=2, day=29))
        with self.assertRaises(ValidationError):
            self._create_entry(month=2, day=30)

    def test_a_consent_holds_for_two_years_at_most(self):
        entry = self._create_entry(expires_on="2028-02-02")
        self.assertEqual(str(entry.expires_on), "2028-02-02")
        for day in ("2028-02-03", "2026-02-01", False):
            with self.assertRaises(ValidationError):
                entry.expires_on = day
        with freeze_time("2026-09-03"):
            entry.consent_on = "2026-09-03"
        self.assertEqual(str(entry.expires_on), "2027-09-03", "a new consent")

    def test_one_person_on_several_lists(self):
        entry = self._create_entry("Mei Li")
        same = self._create_entry("MEI LI", agent=self.agent_bo)
        self.assertEqual(entry.person, same.person)
        self.assertNotIn("mei", entry.person)
        south = self._create_agent("Di", self.campus_other)
        for other in (
            self._create_entry("Mei Lin"),
            self._create_entry("Mei Li", day=6),
            self._create_entry("Mei Li", agent=south),
        ):
            self.assertNotEqual(other.person, entry.person)

    # === CUSTOMERS === #

    def test_a_friend_is_linked(self):
        ours = self._create_entry("Mei Li")
        same = self._create_entry("Mei Li", agent=self.agent_bo)
        south = self._create_agent("Di", self.campus_other)
        other = self._create_entry("Mei Li", agent=south)
        friend = self._create_partner("MEI LI")
        found = self.roster._link(friend, self.agent_ann)
        self.assertEqual(found, ours | same)
        self.assertEqual((ours | same).partner_id, friend)
        self.assertFalse(other.partner_id)
        again = self._create_partner("Mei Li")
        self.assertFalse(self.roster._link(again, self.agent_ann), "linked already")
        self.assertEqual(ours.partner_id, friend)

    def test_two_who_could_be_meant(self):
        one = self._create_entry("Mei Li", day=5)
        two = self._create_entry("Mei Li", day=6)
        friend = self._create_partner("Mei Li")
        self.assertFalse(self.roster._link(friend, self.agent_ann))
        self.assertFalse((one | two).partner_id)
        friend.birthday = "2004-03-06"
        self.assertEqual(self.roster._link(friend, self.agent_ann), two)

    def test_who_is_not_meant(self):
        entry = self._create_entry("Mei Li")
        friend = self._create_partner("Mei Li", birthday="2004-03-06")
        self.assertFalse(self.roster._link(friend, self.agent_ann), "another day")
        friend.birthday = False
        nobody = self.env["hstyle.agent"]
        self.assertFalse(self.roster._link(friend, nobody), "not from an agent")
        self.assertFalse(entry.partner_id)
        self.assertFalse(self.roster._link(self._create_partner("·"), self.agent_ann))

    def test_a_merge_keeps_the_link(self):
        friend, other = self._create_partner("Mei"), self._create_partner("Mei Li")
        entry = self._create_entry(partner_id=friend.id, month=2, day=4)
        merge = self.env["base.partner.merge.automatic.wizard"].create({})
        merge._merge([friend.id, other.id], other)
        self.env.invalidate_all()
        self.assertEqual(entry.partner_id, other)
        self.assertEqual(entry.gift_ids.partner_id, other)

    # === END === #

    def test_an_entry_ends_with_its_consent(self):
        mei = self._create_entry("Mei Li", month=2, day=4)
        lan = self._create_entry("Lan", month=2, day=5)
        self._supply()
        gift = mei.gift_ids
        gift._hand_out(receiver="Mei Li", photo=self._photo())
        photos = [("res_model", "=", "hstyle.gift"), ("res_field", "=", "photo")]
        self.assertTrue(self.env["ir.attachment"].search(photos))
        self._pass_day("2027-02-02")
        self.assertTrue(mei.exists() and lan.exists(), "the last day counts")
        self._pass_day("2027-02-03")
        self.assertFalse((mei | lan).exists())
        self.assertEqual(self.gifts.search([]), gift, "the gift stays for its cost")
        self.assertEqual((gift.cost, gift.pack_id), (8, self.sweets))
        facts = (gift.receiver, gift.photo, gift.birthday, gift.person)
        self.assertFalse(any(facts), facts)
        self.assertFalse(self.env["ir.attachment"].search(photos))
        self.assertEqual(gift.display_name, "Sweets")

    def test_who_is_forgotten_gets_no_second_gift(self):
        entry = self._create_entry(month=2, day=4)
        self._supply()
        entry.gift_ids._hand_out("Mei Li")
        entry.with_user(self.campus).unlink()
        again = self._create_entry(month=2, day=4)
        self.assertFalse(again.gift_ids)
        self.assertFalse(self._pass_day("2026-02-03"))
        self.assertTrue(self._pass_day("2027-01-30"), "but one next year")

    @staticmethod
    def _photo():
        """Return the smallest PNG."""
        return (
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
            "WjR9awAAAABJRU5ErkJggg=="
        )

    # === IMPORT === #

    def _open(self, rows, header=("姓名", "生日", "宿舍"), user=None, **values):
        model = self.env["hstyle.roster.import"].with_user(user or self.campus)
        return model.create(
            {
                "agent_id": self.agent_ann.id,
                "consent_source": "Signed list",
                "consent_on": "2026-02-01",
                "file": b64encode(self._write_csv(rows, header)),
                "filename": "list.csv",
                **values,
            }
        )

    def test_dry_run_then_import(self):
        self._create_entry("Lan", 4, 1)
        rows = [
            ("张三", "3月5日", "4号楼 202"),
            ("李四", "2004-02-29", ""),
            ("", "3-6", "x"),
            ("王五", "2-30", ""),
            ("lan", "04/01", ""),
            ("张 三", "3-5", "again"),
            ("x" * 101, "3-5", ""),
        ]
        wizard = self._open(rows)
        wizard.action_check()
        self.assertEqual(self.roster.search([]).mapped("name"), ["Lan"])
        counts = (wizard.new_count, wizard.known_count, wizard.fault_count)
        self.assertEqual(counts, (2, 2, 3))
        faults = wizard.faults.splitlines()
        self.assertEqual(
            [fault[:6] for fault in faults], ["Row 4:", "Row 5:", "Row 8:"]
        )
        self.assertIn("2-30", faults[1])
        wizard.action_import()
        self.env.flush_all()
        found = {(e.name, e.birth_month, e.birth_day) for e in self.roster.search([])}
        expected = {("Lan", 4, 1), ("张三", 3, 5), ("李四", 2, 29)}
        self.assertEqual(found, expected)
        self.assertTrue(wizard.faults, "bad rows stay told")
        self.assertFalse(wizard.file)
        entry = self.roster.search([("name", "=", "张三")])
        self.assertEqual(
            (entry.place, entry.consent_source, entry.consent_on),
            ("4号楼 202", "Signed list", date(2026, 2, 1)),
        )

    def test_the_same_sheet_again(self):
        rows = [("Mei", "3-5"), ("Lan", "2/29"), ("Lan", "3/1")]
        header = ("Name", "Birthday")
        self._open(rows, header).action_import()
        again = self._open(rows, header)
        again.action_import()
        self.assertEqual((again.new_count, again.known_count), (0, 3))
        self.assertEqual(self.roster.search_count([]), 3)

    def test_a_sheet_that_is_none(self):
        with self.assertRefused("columns"):
            self._open([("a", "b")], ("one", "two")).action_check()
        with self.assertRefused("cannot be read"):
            self._open([]).write({"file": b64encode(b"\0\1")})
            self._open([], file=b64encode(b"\0\1")).action_check()
        for day in ("2026-02-03", "2025-01-01"):
            with self.assertRaises(UserError):
                self._open(
                    [("Mei", "3-5")], ("name", "birthday"), consent_on=day
                ).action_check()

    def test_columns_that_are_not_asked_for(self):
        """A phone number in the sheet goes nowhere."""
        wizard = self._open([("Mei", "138", "3-5")], ("name", "phone", "birthday"))
        wizard.action_import()
        entry = self.roster.search([("name", "=", "Mei")])
        self.assertNotIn("138", str(entry.read()))

    # === ACCESS === #

    def test_a_campus_manager_sees_the_own_campus(self):
        south = self._create_agent("Di", self.campus_other)
        ours, theirs = self._create_entry(), self._create_entry("Lan", agent=south)
        roster = self.roster.with_user(self.campus)
        self.assertEqual(roster.search([]), ours)
        with self.assertRaises(AccessError):
            theirs.with_user(self.campus).place = "Here"
        with self.assertRaises(AccessError):
            theirs.with_user(self.campus).unlink()
        with self.assertRaises(AccessError):
            ours.with_user(self.campus).agent_id = south
        with self.assertRaises(AccessError):
            self._open(
                [("A", "3-5")], ("name", "birthday"), agent_id=south.id
            ).action_import()
        self.assertEqual(self.roster.with_user(self.manager).search([]), ours | theirs)

    def test_a_campus_manager_keeps_the_list(self):
        with Form(self.roster.with_user(self.campus)) as form:
            form.name, form.birth_month, form.birth_day = "Mei", 3, 5
            form.agent_id = self.agent_ann
            form.consent_source, form.consent_on = "Form", "2026-02-01"
        entry = form.record
        entry.partner_id = self._create_partner("Mei")
        entry.agent_id = self.agent_bo
        self.assertEqual(entry.campus_id, self.campus_own)
        entry.unlink()
