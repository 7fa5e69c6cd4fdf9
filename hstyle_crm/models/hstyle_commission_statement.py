from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .hstyle_commission_closing import FIGURES

STATES = [
    ("empty", "Nothing to pay"),
    ("carried", "Carried forward"),
    ("billed", "Billed"),
]
_FROZEN = (
    "agent_id, campus_id, company_id, month, opening, accrued, reversed, total, "
    "carried, billed, minimum, held, held_until"
)
_OLD, _NEW = (
    ", ".join(f"{row}.{name}" for name in _FROZEN.split(", ")) for row in ("OLD", "NEW")
)
_SQL_TRIGGERS = f"""
DROP TRIGGER IF EXISTS hstyle_commission_statement_stay ON hstyle_commission_statement;
CREATE TRIGGER hstyle_commission_statement_stay
BEFORE DELETE ON hstyle_commission_statement
FOR EACH ROW EXECUTE FUNCTION hstyle_commission_freeze();
DROP TRIGGER IF EXISTS hstyle_commission_statement_freeze
    ON hstyle_commission_statement;
CREATE TRIGGER hstyle_commission_statement_freeze
BEFORE UPDATE ON hstyle_commission_statement
FOR EACH ROW WHEN (({_OLD}) IS DISTINCT FROM ({_NEW}))
EXECUTE FUNCTION hstyle_commission_freeze();
"""


class HstyleCommissionStatement(models.Model):
    """What an agent earned in a month, what is paid, and why it may be nothing.

    `_settle` alone makes them; their figures never change.
    """

    _name = "hstyle.commission.statement"
    _inherit = ["hstyle.commission.closing"]
    _description = "Commission statement"
    _order = "month desc, agent_id"

    name = fields.Char(string="Number", required=True, readonly=True)
    agent_id = fields.Many2one(
        comodel_name="hstyle.agent",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(related="agent_id.partner_id")
    campus_id = fields.Many2one(
        comodel_name="hstyle.campus",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    month = fields.Date(required=True, readonly=True)
    # opening + accrued + reversed = total = carried + billed
    opening = fields.Monetary(
        string="Brought forward", readonly=True, help="From the statement before."
    )
    accrued = fields.Monetary(
        string="Commission earned",
        readonly=True,
        help="On orders whose return window is over.",
    )
    reversed = fields.Monetary(
        readonly=True, help="On what was sent back or cancelled since."
    )
    total = fields.Monetary(readonly=True)
    carried = fields.Monetary(string="Carried forward", readonly=True)
    billed = fields.Monetary(string="To pay", readonly=True)
    minimum = fields.Monetary(string="Smallest payout", readonly=True)
    held = fields.Monetary(
        string="On hold",
        readonly=True,
        help="On orders whose return window was not over at the end of the month.",
    )
    held_until = fields.Date(
        string="On hold until",
        readonly=True,
        help="The last day of the hold; empty if no one knows it yet.",
    )
    orders = fields.Integer(readonly=True, help="Orders that were settled.")
    state = fields.Selection(selection=STATES, required=True, readonly=True)
    reason = fields.Char(
        compute="_compute_reason", help="Why nothing is paid, or not all."
    )
    bill_id = fields.Many2one(
        comodel_name="account.move",
        string="Vendor bill",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        copy=False,
    )
    bill_state = fields.Selection(related="bill_id.state", string="Bill status")
    line_ids = fields.One2many(
        comodel_name="hstyle.commission",
        inverse_name="statement_id",
        string="Commission",
    )

    _month_unique = models.Constraint(
        "UNIQUE (agent_id, month)", "The agent has a statement of this month already."
    )
    _sums = models.Constraint(
        "CHECK (opening + accrued + reversed = total AND carried + billed = total"
        " AND billed >= 0 AND accrued >= 0)",
        "A statement pays or carries forward what was earned, and nothing else.",
    )

    def init(self):
        self.env.cr.execute(_SQL_TRIGGERS)

    @api.depends("state", "held", "held_until", "minimum", "total")
    @api.depends_context("lang")
    def _compute_reason(self):
        for statement in self:
            statement.reason = self._explain(
                statement.company_id,
                {name: statement[name] for name in FIGURES},
            )

    def action_open_bill(self):
        """Open the vendor bill."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.bill_id.id,
            "view_mode": "form",
            "context": {"default_move_type": "in_invoice"},
        }

    def action_bill_again(self):
        """Make a new bill in place of one that was cancelled."""
        self.ensure_one()
        self.check_access("read")
        if not self.bill_id or self.bill_id.state != "cancel":
            raise UserError(
                self.env._("Only a statement whose bill was cancelled is billed again.")
            )
        self._bill()
        return self.action_open_bill()

    # === BILLS === #

    def _bill(self):
        """Make a draft vendor bill for each statement that is to be paid."""
        for company, statements in self.sudo().grouped("company_id").items():
            due = statements.filtered("billed")
            bills = self.env["account.move"].sudo().with_company(company)
            values = [statement._prepare_bill() for statement in due]
            for statement, bill in zip(due, bills.create(values), strict=True):
                statement.bill_id = bill

    def _prepare_bill(self):
        """Return the vendor bill of a statement."""
        self.ensure_one()
        product = self.env.ref("hstyle_crm.product_agent_commission")
        month = format_date(self.env, self.month, date_format="MMMM y")
        line = {
            "product_id": product.id,
            "name": self.env._(
                "Commission of %(month)s; orders of friends: %(count)s",
                month=month,
                count=self.orders,
            ),
            "quantity": 1,
            "price_unit": self.billed,
        }
        return {
            "move_type": "in_invoice",
            "partner_id": self.partner_id.id,
            "company_id": self.company_id.id,
            "currency_id": self.currency_id.id,
            "invoice_date": self.company_id._hstyle_today(),
            "ref": self.name,
            "invoice_origin": self.name,
            "invoice_line_ids": [Command.create(line)],
        }
