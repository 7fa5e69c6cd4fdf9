from odoo import fields, models

STATES = [("pending", "Unpaid"), ("paid", "Paid"), ("cancel", "Cancelled")]


class HstyleOrder(models.Model):
    """An order of another shop or platform: a fact, written by the import alone."""

    _name = "hstyle.order"
    _description = "Shop order"
    _inherit = ["hstyle.ticket.counter"]
    _order = "date_order desc, id desc"

    _ticket_path = "shop_order_id"

    name = fields.Char(string="Order number", required=True, readonly=True)
    shop_id = fields.Many2one(
        comodel_name="hstyle.shop",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        related="shop_id.company_id", store=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="shop_id.currency_id")
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    date_order = fields.Datetime(
        string="Order date", required=True, readonly=True, index=True
    )
    state = fields.Selection(selection=STATES, required=True, readonly=True)
    channel = fields.Char(readonly=True)
    line_ids = fields.One2many(
        comodel_name="hstyle.order.line", inverse_name="order_id", readonly=True
    )
    # Sums of the lines, in the shop's currency; a cancelled line counts as refunded.
    amount_paid = fields.Monetary(string="Amount paid", readonly=True)
    amount_discount = fields.Monetary(string="Discount", readonly=True)
    amount_refund = fields.Monetary(string="Refunded", readonly=True)
    amount_cost = fields.Monetary(
        string="Cost",
        readonly=True,
        help="What the goods cost us, where the sheet says so of all lines.",
    )
    currency_rate = fields.Float(
        digits=0,
        readonly=True,
        default=1.0,
        help="Shop currency per company currency on the day of the order.",
    )

    _name_unique = models.Constraint(
        "UNIQUE (shop_id, name)", "This shop has an order of this number already."
    )
    # Read by hstyle.purchase, and the index of the foreign key.
    _purchase_idx = models.Index(
        "(partner_id, company_id, date_order) "
        "INCLUDE (amount_paid, amount_refund, currency_rate, state, amount_cost, "
        "amount_discount)"
    )
