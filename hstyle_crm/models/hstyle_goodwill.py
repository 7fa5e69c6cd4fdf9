from odoo import SUPERUSER_ID, fields, models
from odoo.exceptions import AccessError, UserError

KINDS = [("points", "Points"), ("coupon", "Coupon"), ("price", "Member price")]


class HstyleGoodwill(models.Model):
    """What a customer got for trouble that we made, or what was asked for.

    Within the budget of the role it is given at once; above it a manager decides. Only
    `hstyle.ticket._compensate` makes one.
    """

    _name = "hstyle.goodwill"
    _description = "Goodwill"
    _inherit = ["mail.thread", "mail.activity.mixin", "hstyle.goodwill.gift"]
    _order = "id desc"
    _rec_name = "ticket_id"

    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    kind = fields.Selection(selection=KINDS, required=True, readonly=True)
    amount = fields.Monetary(string="Value", required=True, readonly=True)
    reason_id = fields.Many2one(
        comodel_name="hstyle.goodwill.reason",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    note = fields.Char(readonly=True)
    state = fields.Selection(
        selection=[("asked", "To approve"), ("given", "Given"), ("refused", "Refused")],
        required=True,
        readonly=True,
        default="asked",
        tracking=True,
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Asked by",
        required=True,
        readonly=True,
        index=True,
    )
    approver_id = fields.Many2one(
        comodel_name="res.users",
        string="Decided by",
        readonly=True,
        index="btree_not_null",
        help="Empty where a budget paid for it.",
    )
    budget_id = fields.Many2one(
        comodel_name="hstyle.goodwill.budget",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    team_id = fields.Many2one(related="ticket_id.team_id")
    intent_id = fields.Many2one(related="ticket_id.intent_id")
    product_id = fields.Many2one(related="ticket_id.product_id")

    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "Enter what the goodwill is worth."
    )

    # === ACTION METHODS === #

    def action_approve(self):
        """Give what somebody asked for."""
        for goodwill in self._decide():
            goodwill._give()

    def action_refuse(self):
        """Turn down what somebody asked for."""
        for goodwill in self._decide():
            goodwill.state = "refused"
            goodwill._tell(self.env._("Goodwill refused: %s", goodwill._describe()))

    # === BUSINESS METHODS === #

    def _settle(self):
        """Give what a budget of the user pays for; a manager decides on the rest."""
        self.ensure_one()
        if self.user_id.partner_id.commercial_partner_id == self.partner_id:
            # Nobody gives to oneself.
            self._ask()
        elif self.user_id._is_crm_manager():
            self.approver_id = self.user_id
            self._give()
        elif budget := self._charge():
            self.budget_id = budget
            self._give()
        else:
            self._ask()

    def _charge(self):
        budgets = self.env["hstyle.goodwill.budget"]
        return budgets._charge(self.user_id, self.company_id, self.amount)

    def _decide(self):
        """Return the goodwill, as superuser, with the decider's name on it.

        :raise AccessError: for who is not a manager, and on what one asked for oneself
        """
        self.check_access("read")
        user = self.env.user
        if not user._is_crm_manager() or user in self.user_id:
            raise AccessError(
                self.env._("A CRM manager decides on this, and not who asked for it.")
            )
        if any(goodwill.state != "asked" for goodwill in self):
            raise UserError(self.env._("Somebody has decided on this already."))
        self.sudo().approver_id = user
        self.sudo().activity_feedback(["mail.mail_activity_data_todo"])
        return self.sudo()

    def _ask(self):
        """Put the question on the list of the company's managers."""
        managers = self.env["res.users"]._get_crm_managers()
        for manager in managers:
            if manager.id != SUPERUSER_ID and self.company_id in manager.company_ids:
                self.activity_schedule(
                    "mail.mail_activity_data_todo",
                    user_id=manager.id,
                    summary=self.env._("Approve goodwill: %s", self._describe()),
                    note=self.note,
                )

    def _give(self):
        """Give it; the ticket says so."""
        self.ensure_one()
        goodwill = self.with_company(self.company_id)
        getattr(goodwill, f"_give_{self.kind}")()
        self.write({"state": "given", "given_on": self.company_id._hstyle_today()})
        self._tell(self.env._("Goodwill given: %s", self._describe()))

    def _tell(self, text):
        """Put a note on the ticket, and call who asked, if somebody else decided."""
        asker = self.user_id if self.user_id != self.env.user else self.user_id.browse()
        self.ticket_id.message_post(body=text, partner_ids=asker.partner_id.ids)

    def _describe(self):
        """Return value, kind and reason in words."""
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        amount = self.currency_id.format(self.amount)
        words = [kinds[self.kind], amount, self.reason_id.name, self.given_text]
        return ", ".join(filter(None, words))
