from odoo import api, fields, models

LOYALTIES = [
    ("store", "Store brand"),
    ("brand", "Brand-loyal"),
    ("switcher", "Switcher"),
]
USAGES = [("low", "Low"), ("middle", "Middle"), ("high", "High")]


class HstyleHabit(models.Model):
    """How a customer buys in a product category: how often, how much, which brands.

    Written by `_refresh` (hstyle.habit.refresh) alone, every night.
    """

    _name = "hstyle.habit"
    _description = "Habit of a customer"
    _inherit = ["hstyle.habit.refresh", "hstyle.cycle"]
    _order = "revenue_12m desc, id"
    _rec_name = "category_id"
    _rec_names_search = ["category_id", "partner_id"]
    _log_access = False

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    category_id = fields.Many2one(
        comodel_name="product.category",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    order_days = fields.Integer(string="Days with a purchase", readonly=True)
    previous_on = fields.Date(string="Bought before that on", readonly=True)
    last_on = fields.Date(string="Last bought on", readonly=True)
    gap_days = fields.Float(
        string="Median purchase gap", digits=(6, 1), readonly=True, aggregator="avg"
    )
    gap_low = fields.Integer(string="Short gap (days)", readonly=True, aggregator=None)
    gap_high = fields.Integer(string="Long gap (days)", readonly=True, aggregator=None)
    revenue_12m = fields.Monetary(string="Net revenue, 12 months", readonly=True)

    # The matrix of nine cells: loyalty to brands × usage.
    brand = fields.Char(
        string="Main brand",
        readonly=True,
        help="Of the brands of others, the one with the most spent in 12 months.",
    )
    loyalty = fields.Selection(
        selection=LOYALTIES,
        readonly=True,
        help="By what was spent in 12 months. Store brand: at least half on our own "
        "brands; brand-loyal: else at least half on one brand; switcher: else. Empty "
        "where no brand is known.",
    )
    usage = fields.Selection(
        selection=USAGES,
        readonly=True,
        help="A third of the category's customers each, by what they spent in 12 "
        "months. Equal amounts are in the same third.",
    )

    # When the next purchase is due: an interval, or nothing where too little is known.
    due_from = fields.Date(readonly=True)
    due_to = fields.Date(string="Due until", readonly=True)
    due_confidence = fields.Float(
        string="Confidence",
        readonly=True,
        aggregator="avg",
        help="So often the next purchase falls into the interval, if there is one and "
        "the customer goes on as before.",
    )
    cycle_source = fields.Selection(
        selection=[("own", "Own cycle"), ("category", "Cycle of the category")],
        readonly=True,
        help="The customer's own gaps from 3 of them; else the latest gaps of all "
        "customers of the category, if at least 30 bought again.",
    )
    due_text = fields.Char(string="Next purchase", compute="_compute_due_text")

    _partner_unique = models.Constraint(
        "UNIQUE (partner_id, company_id, category_id)",
        "A customer has one habit in a category.",
    )
    # Read by the list of what is due.
    _due_idx = models.Index("(company_id, due_from, due_to)")

    @api.depends("due_from", "due_to", "due_confidence")
    @api.depends_context("lang")
    def _compute_due_text(self):
        for habit in self:
            due = habit._get_due_text(
                habit.due_from, habit.due_to, habit.due_confidence
            )
            habit.due_text = due or self.env._("Not enough data")

    def action_open_partner(self):
        """Open the customer's own form."""
        self.ensure_one()
        return self.partner_id.get_formview_action()
