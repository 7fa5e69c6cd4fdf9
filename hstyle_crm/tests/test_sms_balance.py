from odoo.tests import tagged

from .common import HstylePointsCommon


@tagged("post_install", "-at_install")
class TestSmsBalance(HstylePointsCommon):
    """The keyword JF: points by SMS, to the member's own number only."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner.phone = "+8613800138000"
        cls.env["sms.sms"].search([]).unlink()

    def _ask(self, text="JF", number="+8613800138000", ref="1"):
        replies = self.env["hstyle.sms.reply"]
        return replies._receive(self.company, number, text, ref)

    def test_balance(self):
        self._create_card(1234.5)
        reply = self._ask()
        self.assertEqual(reply.answer, "You have 1234.5 points.")
        sms = self.env["sms.sms"].search([])
        self.assertEqual((sms.number, sms.body), ("+8613800138000", reply.answer))
        self.assertEqual(sms.partner_id, self.partner)
        self.assertFalse(self._ask())

    def test_next_expiry(self):
        card = self._create_card(10)
        card._post(
            [
                card._prepare_move("bonus", 7, "A", expiration_date="2099-12-31"),
                card._prepare_move("bonus", 5, "B", expiration_date="2099-06-30"),
            ]
        )
        answer = self._ask("积分").answer
        self.assertEqual(answer, "You have 22 points. 5 of them end on 2099-06-30.")

    def test_strangers_learn_nothing(self):
        """No member, two members and a card of another company answer alike."""
        unknown = self._ask(number="+8613900000000").answer
        self.assertIn("no member card", unknown)
        self.assertEqual(self._ask(ref="2").answer, unknown)
        card = self._create_card(50)
        other = self.env["res.company"].create({"name": "Other"})
        replies = self.env["hstyle.sms.reply"]
        asked = replies._receive(other, "+8613800138000", "JF", "3")
        self.assertEqual(asked.answer, unknown)
        twin = self._create_partner("Twin", phone=self.partner.phone)
        self.assertEqual(self._ask(ref="4").answer, "You have 50 points.")
        self._create_card(7, partner=twin)
        self.assertEqual(self._ask(ref="5").answer, unknown)
        self.assertEqual(card.points, 50)

    def test_a_few_answers_a_day(self):
        self._create_card(50)
        answers = [self._ask(ref=str(i)).answer for i in range(7)]
        self.assertEqual([bool(answer) for answer in answers], [True] * 5 + [False] * 2)
        self.assertEqual(self.env["sms.sms"].search_count([]), 5)
        self.assertTrue(self._ask(number="+8613900000000", ref="x").answer)

    def test_own_wording(self):
        self._create_card(50)
        self.env["hstyle.sms.text"].create(
            {
                "name": "积分",
                "purpose": "balance",
                "body": "您的积分余额为{1}分。",
                "template": "7",
            }
        )
        self.assertEqual(self._ask().answer, "您的积分余额为50分。")
