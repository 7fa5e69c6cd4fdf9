from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import HstyleCommon


@tagged("post_install", "-at_install")
class TestTodo(HstyleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.todos = cls.env["hstyle.todo"]
        cls.mei = cls._create_partner()

    def _prepare(self, **values):
        return {
            "partner_id": self.mei.id,
            "user_id": self.agent.id,
            "company_id": self.company.id,
            "reason": "call",
            "name": "Asked to be called back",
            **values,
        }

    def test_each_occasion_once(self):
        row = self._prepare(key="1", due="2026-03-01")
        todo = self.todos._add([row, row])
        self.assertEqual(len(todo), 1)
        self.assertEqual(todo.due.isoformat(), "2026-03-01")
        self.assertFalse(self.todos._add([row]))
        self.assertTrue(self.todos._add([self._prepare(key="2")]))

    def test_of_the_company_of_a_contact(self):
        contact = self._create_partner("Clerk", parent_id=self.mei.id)
        self.mei.is_company = True
        todo = self.todos._add([self._prepare(partner_id=contact.id)])
        self.assertEqual(todo.partner_id, self.mei)
        self.assertEqual(contact.hstyle_why_now, "Asked to be called back")

    def test_only_the_responsible_finishes(self):
        todo = self.todos._add([self._prepare()])
        with self.assertRaises(AccessError):
            todo.with_user(self.marketer)._finish("reached")
        self.assertEqual(todo.state, "open")
        todo.with_user(self.agent)._finish("reached", "Comes on Friday")
        self.assertEqual((todo.state, todo.note), ("done", "Comes on Friday"))
        todo.with_user(self.manager)._finish("declined")
        self.assertEqual(todo.result, "reached")

    def test_why_now(self):
        self.assertFalse(self.mei.hstyle_why_now)
        self.todos._add([self._prepare(due="2026-03-01")])
        self.todos._add([self._prepare(reason="visit", name="V", due="2026-02-01")])
        mei = self.mei.with_user(self.clerk)
        self.assertEqual(
            (mei.hstyle_why_now, mei.hstyle_why_now_reason), ("V", "visit")
        )
