from unittest.mock import patch

from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..models import hstyle_points_clock
from .common import HstylePointsCommon


@tagged("post_install", "-at_install")
class TestHstylePointsJob(HstylePointsCommon):
    def _run(self, name):
        with self.enter_registry_test_mode():
            self.env.ref(f"hstyle_crm.ir_cron_points_{name}").method_direct_trigger()

    def _run_clock(self):
        self._run("clock_0")
        self._run("clock_1")

    def _give(self, number, **values):
        """Give 10 points to each of so many members."""
        partners = self.env["res.partner"].create(
            [{"name": f"M{i}", "email": f"m{i}@example.com"} for i in range(number)]
        )
        cards = self.program._get_cards(partners)
        moves = [card._prepare_move("bonus", 10, "Gift", **values) for card in cards]
        cards._post(moves)
        return cards

    # === THE CLOCK === #

    def test_release_and_expiry(self):
        with freeze_time("2026-05-01 10:00:00"):
            cards = self._give(
                5, available_on="2026-05-10", expiration_date="2026-06-30"
            )
            self._run_clock()
            self.assertEqual(set(cards.mapped("points")), {0})
        with freeze_time("2026-05-10 10:00:00"):
            self._run_clock()
            for card in cards:
                self.assertBalance(card, 10)
        with freeze_time("2026-06-30 10:00:00"):
            self._run_clock()
            self.assertBalance(cards[0], 10)
        with freeze_time("2026-07-01 10:00:00"):
            self._run_clock()
            for card in cards:
                self.assertBalance(card, 0)
            count = len(cards.history_ids)
            self._run_clock()
            self.assertEqual(len(cards.history_ids), count, "nothing is left to do")
        rows = cards[0].history_ids
        self.assertEqual(rows.mapped("kind"), ["expire", "bonus"])

    def test_the_job_posts_what_the_door_posts(self):
        """One by one or set by set: rows, draws and balances are the same."""
        with freeze_time("2026-05-01 10:00:00"):
            cards = self._give(2, expiration_date="2026-05-31")
            for card in cards:
                card._post([card._prepare_move("adjust", -3, "Less")])
        with freeze_time("2026-06-01 10:00:00"):
            cards[0]._post()
            cards[1]._tick(cards[1].history_ids.ids)
        columns = [
            "kind",
            "points",
            "issued",
            "used",
            "remaining",
            "date",
            "description",
        ]
        one, other = (card.history_ids.read(columns) for card in cards)
        for row in one + other:
            row.pop("id")
        self.assertEqual(one, other)
        self.assertBalance(cards[1], 0)

    def test_released_points_pay_debts(self):
        with freeze_time("2026-05-01 10:00:00"):
            order = self._sell(1)
            card = self._get_card()
            self._sell(1, spend=100)
            order._action_cancel()
            self.assertBalance(card, -100)
            move = card._prepare_move("bonus", 150, "Gift", available_on="2026-05-05")
            card._post([move])
            self.assertBalance(card, -100, pending=150)
        with freeze_time("2026-05-05 10:00:00"):
            self._run_clock()
            self.assertBalance(card, 50)

    def test_shards_share_the_cards(self):
        with freeze_time("2026-05-01 10:00:00"):
            cards = self._give(6, expiration_date="2026-05-31")
        with freeze_time("2026-06-01 10:00:00"):
            self._run("clock_1")
            odd = cards.filtered(lambda card: card.id % 2)
            self.assertEqual(set(odd.mapped("points")), {0})
            self.assertEqual(set((cards - odd).mapped("points")), {10})

    def test_chunks(self):
        with freeze_time("2026-05-01 10:00:00"):
            cards = self._give(7, expiration_date="2026-05-31")
        with freeze_time("2026-06-01"), patch.object(hstyle_points_clock, "CHUNK", 2):
            self._run_clock()
        self.assertEqual(set(cards.mapped("points")), {0})

    def test_a_bad_card_does_not_stop_the_others(self):
        with freeze_time("2026-05-01 10:00:00"):
            cards = self._give(4, expiration_date="2026-05-31")
        bad = cards[0]
        # Something that the database refuses, for this card alone.
        refusal = f"CHECK (kind <> 'expire' OR card_id <> {bad.id}) NOT VALID"
        self.cr.execute(f"ALTER TABLE loyalty_history ADD CONSTRAINT bad {refusal}")
        with (
            freeze_time("2026-06-01 10:00:00"),
            mute_logger(hstyle_points_clock.__name__, "odoo.sql_db"),
        ):
            self._run_clock()
        self.assertEqual(set((cards - bad).mapped("points")), {0})
        self.assertIn(bad.code, self._get_alert("released or expired"))

    def _get_alert(self, subject):
        """Return the latest message to the managers on a subject."""
        message = self.env["mail.message"].search(
            [
                ("subject", "ilike", subject),
                ("partner_ids", "=", self.manager.partner_id.id),
            ],
            limit=1,
        )
        return message.body or ""

    # === THE AUDIT === #

    def test_nothing_to_find(self):
        self._give(3)
        self._run("check")
        self.assertFalse(self._get_alert("disagrees"))

    def test_each_fault_is_found_and_left(self):
        cards = self._give(5)
        statements = (
            "UPDATE loyalty_card SET points = 11 WHERE id = %s",
            "UPDATE loyalty_card SET points_pending = 1 WHERE id = %s",
            "UPDATE loyalty_history SET remaining = 9 WHERE card_id = %s",
            "UPDATE loyalty_history SET pending = TRUE WHERE card_id = %s",
        )
        for card, statement in zip(cards, statements, strict=False):
            self.cr.execute(statement, [card.id])
        self._run("check")
        body = self._get_alert("disagrees")
        for card in cards[:4]:
            self.assertIn(card.code, body)
        self.assertNotIn(cards[4].code, body)
        cards.invalidate_recordset()
        self.assertEqual(cards[0].points, 11, "nothing is repaired silently")

    def test_breakage(self):
        with freeze_time("2026-05-01 10:00:00"):
            card = self._give(1, expiration_date="2026-05-31")
            card._post([card._prepare_move("spend", -4, "Order")])
        with freeze_time("2026-06-01 10:00:00"):
            self._run_clock()
            self._run("check")
        self.assertEqual(self.program.breakage, 60)

    # === NOTICES === #

    def _get_mails(self):
        return self.env["mail.mail"].search([("subject", "ilike", "expire soon")])

    def test_notices(self):
        with freeze_time("2026-05-01 10:00:00"):
            cards = self._give(2, expiration_date="2026-06-30")
            self._run("notify")
            self.assertFalse(self._get_mails())
        with freeze_time("2026-05-31 10:00:00"):
            self._run("notify")
            mails = self._get_mails()
            self.assertEqual(mails.recipient_ids, cards.partner_id)
            self.assertIn("10 Points", mails[0].body_html)
            self._run("notify")
            self.assertEqual(self._get_mails(), mails, "told once")
            mails.unlink()
        with freeze_time("2026-06-22 10:00:00"):
            self._run("notify")
            self.assertFalse(self._get_mails())
        with freeze_time("2026-06-23 10:00:00"):
            self._run("notify")
            self.assertEqual(len(self._get_mails()), 2)

    def test_at_most_one_notice_in_a_week(self):
        with freeze_time("2026-05-01 10:00:00"):
            card = self._give(1, expiration_date="2026-05-31")
            move = card._prepare_move
            card._post(
                [
                    move("bonus", 1, "x", expiration_date=f"2026-06-0{d}")
                    for d in range(1, 8)
                ]
            )
        count = 0
        for day in range(1, 9):
            with freeze_time(f"2026-05-0{day} 10:00:00"):
                self._run("notify")
                count += len(self._get_mails())
                self._get_mails().unlink()
        self.assertEqual(count, 2)

    def test_no_notice_of_an_archived_program(self):
        with freeze_time("2026-06-01 10:00:00"):
            self._give(1, expiration_date="2026-06-02")
            self.program.active = False
            self._run("notify")
        self.assertFalse(self._get_mails())

    def test_notices_pass_the_gate(self):
        with freeze_time("2026-06-01 10:00:00"):
            cards = self._give(3, expiration_date="2026-06-02")
            self.env["mail.blacklist"]._add("m0@example.com")
            cards[1].partner_id.email = False
            self._run("notify")
        self.assertEqual(self._get_mails().recipient_ids, cards[2].partner_id)

    def test_notices_in_the_language_of_the_customer(self):
        with freeze_time("2026-06-01 10:00:00"):
            card = self._give(1, expiration_date="2026-06-02")
            card.partner_id.lang = "zh_CN"
            self._run("notify")
        mail = self.env["mail.mail"].search(
            [("recipient_ids", "in", card.partner_id.ids)]
        )
        self.assertIn("积分", mail.subject)
        self.assertIn("您", mail.body_html)
