from odoo.tests import tagged

from .test_hstyle_ticket import HstyleTicketCommon


@tagged("post_install", "-at_install")
class TestHstyleSolution(HstyleTicketCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["hstyle.solution"].search([]).active = False
        cls.env["res.lang"]._activate_lang("zh_CN")
        cls.solution = cls._create_solution("How do I return a dress?", "怎么退货")
        cls.other = cls._create_solution("Which size fits me?", "穿什么尺码")

    @classmethod
    def _create_solution(cls, name, chinese, **values):
        solution = cls.env["hstyle.solution"].create(
            {"name": name, "answer": "<p>Ask us.</p>", **values}
        )
        solution.with_context(lang="zh_CN").name = chinese
        return solution

    def _find(self, *args, **options):
        return self.env["hstyle.solution"]._find(*args, **options)

    def test_both_languages(self):
        for text in (
            "returned the dresses",
            "我想退货",
            "ＲＥＴＵＲＮ",
            "<b>Return</b>",
        ):
            self.assertEqual(self._find(text), self.solution, text)
        for text in ("\\ ' : & | ! (", "\0", "'", "quantum", "龘龘", "的"):
            self.assertFalse(self._find(text), text)
