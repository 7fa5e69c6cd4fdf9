from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .solution_samples import QUESTIONS, SOLUTIONS
from .test_hstyle_ticket import MONDAY, HstyleTicketCommon


class HstyleSolutionCommon(HstyleTicketCommon):
    """Two solutions, in English and Chinese."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("zh_CN")
        cls.shipped = cls.env["hstyle.solution"].search([])
        cls.shipped.active = False
        cls.solution = cls._create_solution("How do I return a dress?", "怎么退货")
        cls.other = cls._create_solution("Which size fits me?", "穿什么尺码")

    @classmethod
    def _create_solution(cls, name, chinese, answer="Ask us.", said="请问", **values):
        values = {"name": name, "answer": f"<p>{answer}</p>", **values}
        solution = cls.env["hstyle.solution"].create(values)
        solution.with_context(lang="zh_CN").name = chinese
        solution.update_field_translations("answer", {"zh_CN": {answer: said}})
        return solution

    def _find(self, *args, **options):
        return self.env["hstyle.solution"]._find(*args, **options)


@tagged("post_install", "-at_install")
class TestHstyleSolution(HstyleSolutionCommon):
    # === SEARCH === #

    def test_both_languages(self):
        for text in (
            "returned the dresses",
            "我想退货",
            "ＲＥＴＵＲＮ",
            "<b>Return</b>",
        ):
            self.assertEqual(self._find(text), self.solution, text)
        for text in ("\\ ' : & | ! (", "\0", "'", "quantum", "龘龘", "的", None):
            self.assertFalse(self._find(text), text)

    def test_words_follow_translations(self):
        """Also those that are imported past the ORM."""
        self.assertFalse(self._find("寄回"))
        self.env.cr.execute(
            """
            UPDATE hstyle_solution SET answer = answer || '{"zh_CN": "<p>寄回</p>"}'
             WHERE id = %s
            """,
            [self.solution.id],
        )
        self.assertEqual(self._find("请寄回来"), self.solution)

    def test_intent_and_product(self):
        intent = self.env.ref("hstyle_crm.ticket_intent_return")
        same = self._create_solution("Return of a dress", "退货", intent_ids=intent.ids)
        self.assertEqual(self._find("return", intent=intent)[0], same)
        self.assertEqual(self._find("", intent=intent), same)
        dress, coat = self.env["product.product"].create(
            [{"name": "Dress"}, {"name": "Coat"}]
        )
        same.product_tmpl_ids = dress.product_tmpl_id
        self.assertIn(same, self._find("return", product=dress))
        self.assertIn(self.solution, self._find("return", product=dress))
        self.assertNotIn(same, self._find("return", product=coat))

    def test_who_finds_what(self):
        """Neither what is not for customers, nor what is of another company."""
        self.assertFalse(self._find("return", public=True))
        self.solution.is_public = True
        self.assertEqual(self._find("return", public=True), self.solution)
        company = self.env["res.company"].create({"name": "Other"})
        self.solution.company_id = company
        self.assertFalse(self._find("return"))
        theirs = self.env["hstyle.solution"].with_user(self.agent)
        self.assertFalse(theirs._find("return"))
        theirs_too = theirs.sudo().with_company(company)
        self.assertEqual(theirs_too._find("return"), self.solution)
        self.solution.company_id = False
        self.assertEqual(theirs._find("return"), self.solution)

    def test_relevance(self):
        """Of 54 solutions, what is meant comes first, in both languages."""
        self.env["ir.module.module"]._load_module_terms(["hstyle_crm"], ["zh_CN"])
        self.shipped.active = True
        (self.solution | self.other).unlink()
        names = self.shipped.get_external_id()
        keys = {id_: xmlid.split(".")[1] for id_, xmlid in names.items()}
        for key, (name, answer, chinese, said) in SOLUTIONS.items():
            solution = self._create_solution(name, chinese, answer, said)
            keys[solution.id] = key
        self.assertGreater(len(keys), 50)
        places = {}
        for text, key in QUESTIONS.items():
            found = [keys[one.id] for one in self._find(text)]
            places[text] = found.index(key) + 1 if key in found else None
        self._check(places)

    def _check(self, places):
        bad = {text: place for text, place in places.items() if place != 1}
        first = 1 - len(bad) / len(places)
        mean = sum(1 / (place or 999) for place in places.values()) / len(places)
        self.assertGreaterEqual(first, 0.9, bad)
        self.assertGreaterEqual(mean, 0.94, bad)
        self.assertNotIn(None, places.values(), bad)

    # === USE === #

    def _answer(self, ticket, solution):
        """Send a solution, as the dialog does that its button opens."""
        action = (
            solution.with_user(self.agent)
            .with_context(hstyle_ticket_id=ticket.id)
            .action_insert()
        )
        composer = self.env["mail.compose.message"].with_user(self.agent)
        composer = composer.with_context(**action["context"]).create({})
        composer.action_send_mail()
        return ticket.message_ids[0]

    def test_given_and_solved(self):
        partner = self._create_partner(email="mei@example.com", lang="zh_CN")
        ticket = self._open(MONDAY, name="Return?", partner_id=partner.id)
        self.assertEqual(ticket.solution_ids, self.solution)
        message = self._answer(ticket, self.solution)
        self.assertIn("请问", message.body)
        self.assertEqual(message.partner_ids, partner)
        self.assertTrue(ticket.answered_at)
        self.assertEqual(self.solution.inserted_count, 1)
        self.assertEqual(self.solution.solved_count, 0)
        for kind in ("solved", "closed", "open", "solved"):
            self._move(ticket, kind, MONDAY)
        self.solution.invalidate_recordset()
        self.assertEqual(self.solution.solved_count, 1)
        self.assertEqual(self.other.solved_count, 0)

    def test_not_sent_is_not_given(self):
        ticket = self._open(MONDAY, name="Return?")
        self.solution.with_context(hstyle_ticket_id=ticket.id).action_insert()
        self._move(ticket, "solved", MONDAY)
        self.assertFalse(self.solution.inserted_count or self.solution.solved_count)

    def test_counts(self):
        for _customer in range(2):
            self.solution._note("deflected")
        self.assertEqual(self.solution.deflected_count, 2)
        self.assertEqual(self.solution.use_ids.company_id, self.company)
        with self.assertRaises(AccessError):
            self.solution.use_ids[0].with_user(self.agent).kind = "solved"

    # === REVIEW === #

    def test_review(self):
        """The author is asked once, until the answer is read again."""
        day = fields.Date.to_date("2026-03-02")
        self.env["hstyle.solution"].search([]).review_on = "2027-01-01"
        self.solution.write({"review_on": day, "user_id": self.agent.id})
        with freeze_time(day):
            for _run in range(2):
                self.env["hstyle.solution"]._cron_review()
            self.assertEqual(self.solution.activity_ids.user_id, self.agent)
            self.assertEqual(len(self.solution.activity_ids), 1)
            self.assertFalse(self.other.activity_ids)
            self.solution.with_user(self.agent).action_review()
            self.assertFalse(self.solution.activity_ids)
            self.assertEqual(str(self.solution.review_on), "2026-09-02")
