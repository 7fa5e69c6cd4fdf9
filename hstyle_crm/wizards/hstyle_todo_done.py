from odoo import fields, models

from ..models.hstyle_todo import DROPPED, RESULTS


class HstyleTodoDone(models.TransientModel):
    """Say what became of a task, and when to try again."""

    _name = "hstyle.todo.done"
    _description = "Result of a task"

    todo_id = fields.Many2one(
        comodel_name="hstyle.todo",
        string="Customer to turn to",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    # As the reader may read the task: its id is whatever a caller says.
    partner_id = fields.Many2one(related="todo_id.partner_id", related_sudo=False)
    phone = fields.Char(related="todo_id.partner_id.phone", related_sudo=False)
    why = fields.Char(related="todo_id.name", string="Why now", related_sudo=False)
    result = fields.Selection(
        selection=[r for r in RESULTS if r[0] not in DROPPED - {"needless"}],
        required=True,
        default="reached",
    )
    note = fields.Char()
    again_on = fields.Date(string="Call again on")

    def action_finish(self):
        """End the task, and open one for the next call."""
        self.ensure_one()
        self.todo_id._finish(self.result, self.note or "")
        if self.again_on:
            self.todo_id._call_again(self.again_on, self.note)
        return {"type": "ir.actions.act_window_close"}
