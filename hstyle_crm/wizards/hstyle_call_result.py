from markupsafe import Markup

from odoo import fields, models

RESULTS = [
    ("reached", "Reached"),
    ("unreachable", "Not reached"),
    ("interested", "Wants an offer"),
    ("ordered", "Ordered"),
    ("refused", "Wants no calls"),
]


class HstyleCallResult(models.TransientModel):
    """What came of a call with a customer, and what comes next."""

    _name = "hstyle.call.result"
    _description = "Result of a call"

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    result = fields.Selection(selection=RESULTS, required=True, default="reached")
    note = fields.Text(string="What was said")
    next_step = fields.Char(help="A task on your list; empty: nothing is left to do.")
    next_on = fields.Date(
        string="Do it on",
        default=lambda self: fields.Date.add(self.env.company._hstyle_today(), days=1),
    )

    def action_confirm(self):
        """Note it on the customer, and plan the next step.

        Service agents do not write customers: the note and the task are ours.
        """
        self.ensure_one()
        self.partner_id.check_access("read")
        customer = self.partner_id.sudo()
        customer.message_post(
            body=self._get_words(), subtype_xmlid="hstyle_crm.mt_call"
        )
        if step := (self.next_step or "").strip():
            customer.activity_schedule(
                "mail.mail_activity_data_call",
                self.next_on,
                step,
                user_id=self.env.uid,
            )
        if self.result == "refused":
            self._withdraw_consent()
        if self.result != "unreachable":
            self._finish_tasks()
        return {"type": "ir.actions.act_window_close"}

    def _get_words(self):
        labels = dict(self._fields["result"]._description_selection(self.env))
        words = [labels[self.result], *(self.note or "").splitlines()]
        return Markup("<br/>").join(filter(None, map(str.strip, words)))

    def _finish_tasks(self):
        """End what the user was to call for; who was met is not called, but visited."""
        todos = self.env["hstyle.todo"].search(
            [
                ("partner_id", "=", self.partner_id.commercial_partner_id.id),
                ("user_id", "=", self.env.uid),
                ("state", "=", "open"),
                ("reason", "!=", "visit"),
            ]
        )
        todos._finish("declined" if self.result == "refused" else "reached")

    def _withdraw_consent(self):
        self.env["hstyle.consent"].sudo()._record(
            self.partner_id, "phone", "marketing", False, self.env._("Call")
        )
