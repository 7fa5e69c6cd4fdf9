from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import split_every

from ..tools import rfm
from .hstyle_profile_label import BREADTH, LABELS
from .hstyle_profile_refresh import SUMS
from .hstyle_profile_score import SCORES

BREADTHS = [("narrow", "Narrow"), ("usual", "Usual"), ("broad", "Broad")]
CLASSES = [("a", "A"), ("b", "B"), ("c", "C")]

STAGES = [
    ("new", "New"),
    ("active", "Active"),
    ("lapsing", "Lapsing"),
    ("lapsed", "Lapsed"),
    ("lost", "Lost"),
]


class HstyleProfile(models.Model):
    """What we know of a customer from the purchases: one narrow row a company.

    Written by `_refresh` (hstyle.profile.refresh) alone, but for the predictions, which
    `_score` (hstyle.profile.score) writes. Every column is a function of the purchases
    and of the day, and none changes by itself every day.
    """

    _name = "hstyle.profile"
    _description = "Customer"
    _inherit = ["hstyle.profile.refresh", "hstyle.profile.score", "hstyle.cycle"]
    _order = "revenue desc, id"
    _rec_name = "partner_id"
    _rec_names_search = ["partner_id.name", "partner_id.email", "partner_id.phone"]
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

    # Sums of the purchases, in company currency, net of refunds.
    order_count = fields.Integer(string="Orders", readonly=True)
    revenue = fields.Monetary(string="Net revenue", readonly=True)
    refund = fields.Monetary(string="Refunded", readonly=True)
    margin = fields.Monetary(
        readonly=True,
        help="What remained of the revenue after the cost of the goods, less refunds. "
        "Where a shop order has no cost, the assumed margin of the settings.",
    )
    discount_share = fields.Float(
        string="Share of discounted orders",
        readonly=True,
        aggregator="avg",
        help="Orders on which discounts of lines, coupons and rewards saved at least "
        "3 % of the list value, among all orders. Member prices are no discount.",
    )
    order_days = fields.Integer(
        string="Days with an order", readonly=True, help="Orders of one day are one."
    )
    first_order_on = fields.Date(string="First order", readonly=True)
    previous_order_on = fields.Date(string="Order day before the last", readonly=True)
    last_order_on = fields.Date(string="Last order", readonly=True)
    order_count_12m = fields.Integer(string="Orders, 12 months", readonly=True)
    revenue_12m = fields.Monetary(string="Net revenue, 12 months", readonly=True)
    order_count_prev_12m = fields.Integer(
        string="Orders, 12 months before", readonly=True
    )
    revenue_prev_12m = fields.Monetary(
        string="Net revenue, 12 months before", readonly=True
    )
    gap_days = fields.Float(
        string="Median purchase gap",
        digits=(6, 1),
        readonly=True,
        aggregator="avg",
        help="Half of the customer's days with an order follow the one before within "
        "so many days. Empty below two such days.",
    )
    # Of the gaps in ascending order, those between which the next one is expected.
    gap_low = fields.Integer(string="Short gap (days)", readonly=True, aggregator=None)
    gap_high = fields.Integer(string="Long gap (days)", readonly=True, aggregator=None)

    # Predictions of the last forecast, as of its day. Without one they are empty, which
    # a search must not take for zero.
    p_alive = fields.Float(
        string="Chance of another order",
        readonly=True,
        aggregator="avg",
        falsy_value=None,
        help="How likely the customer will order again, ever. Empty for who ordered "
        "on one day only: of these the model can tell only how much they will order.",
    )
    expected_orders_12m = fields.Float(
        string="Expected orders, next 12 months",
        readonly=True,
        falsy_value=None,
        help="Days with an order to expect in the 12 months after the forecast.",
    )
    expected_value_12m = fields.Monetary(
        string="Expected revenue, next 12 months",
        readonly=True,
        falsy_value=None,
        help="Net revenue to expect in the 12 months after the forecast.",
    )
    # A day, not the forecast, whose foreign key would cost as much as all the rest.
    forecast_on = fields.Date(
        string="Predicted on",
        readonly=True,
        help="Day of the forecast that the predictions come from. Empty where there is "
        "not enough data: in the company, or as the first order came later.",
    )
    forecast_id = fields.Many2one(
        comodel_name="hstyle.forecast", compute="_compute_forecast_id"
    )

    # Labels: where the customer stands among all of the company.
    r_score = fields.Integer(
        string="Recency", readonly=True, aggregator="avg", help="5: ordered last."
    )
    f_score = fields.Integer(
        string="Frequency", readonly=True, aggregator="avg", help="5: most orders."
    )
    m_score = fields.Integer(
        string="Money", readonly=True, aggregator="avg", help="5: most revenue."
    )
    rfm_group = fields.Selection(
        selection=rfm.GROUPS, string="RFM group", readonly=True, group_expand=True
    )
    abc = fields.Selection(
        selection=CLASSES,
        string="Grade",
        readonly=True,
        help="A: the largest customers who together bring 80 % of the revenue; "
        "B: those up to 95 %; C: the others. The settings may say other shares.",
    )
    abc_margin = fields.Selection(
        selection=CLASSES,
        string="Grade by margin",
        readonly=True,
        help="As the grade, by margin in place of revenue.",
    )
    abc_prev = fields.Selection(
        selection=CLASSES,
        string="Grade, 12 months before",
        readonly=True,
        help="As the grade, by the revenue of the 12 months before the last 12. Empty "
        "for who had no order then.",
    )
    yoy = fields.Float(
        string="Year over year",
        readonly=True,
        aggregator="avg",
        help="Net revenue of the last 12 months against the 12 months before.",
    )
    stage = fields.Selection(
        selection=STAGES, string="Lifecycle", readonly=True, group_expand=True
    )

    # When the next order is due: an interval, or nothing where too little is known.
    next_order_from = fields.Date(string="Next order from", readonly=True)
    next_order_to = fields.Date(string="Next order until", readonly=True)
    next_order_confidence = fields.Float(
        string="Confidence of the next order",
        readonly=True,
        aggregator="avg",
        help="So often the next order falls into the interval, if there is one and the "
        "customer goes on as before.",
    )
    next_order_source = fields.Selection(
        selection=[("own", "Own cycle"), ("all", "All customers' cycle")],
        string="Cycle of the next order",
        readonly=True,
        help="The customer's own gaps from 3 of them; else the latest gaps of all "
        "customers, if at least 30 ordered again.",
    )
    next_order_text = fields.Char(
        string="Next order expected", compute="_compute_next_order_text"
    )

    # Written with the habits.
    category_count = fields.Integer(
        string="Categories, 12 months", readonly=True, aggregator="avg"
    )
    breadth = fields.Selection(
        selection=BREADTHS,
        readonly=True,
        help="Categories bought from in 12 months, against the median of customers of "
        "the same money score: narrow is at most half of it, broad at least 1.5 times.",
    )

    email = fields.Char(related="partner_id.email")
    phone = fields.Char(related="partner_id.phone")
    grade_id = fields.Many2one(related="partner_id.grade_id", string="Tier")
    why_now = fields.Char(related="partner_id.hstyle_why_now")

    _partner_unique = models.Constraint(
        "UNIQUE (partner_id, company_id)", "A customer has one profile in a company."
    )
    # Read by the kanban and its columns; and by segments, which want the customers.
    _stage_idx = models.Index("(company_id, stage, revenue) INCLUDE (partner_id)")
    _group_idx = models.Index("(company_id, rfm_group, revenue) INCLUDE (partner_id)")

    def init(self):
        # A new prediction each week for everybody: with room beside the old one, no
        # index has to know. Written over itself each week, the table is not larger.
        self.env.cr.execute("ALTER TABLE hstyle_profile SET (fillfactor = 50)")

    # === COMPUTE METHODS === #

    @api.depends("next_order_from", "next_order_to", "next_order_confidence")
    @api.depends_context("lang")
    def _compute_next_order_text(self):
        for profile in self:
            due = profile._get_due_text(
                profile.next_order_from,
                profile.next_order_to,
                profile.next_order_confidence,
            )
            profile.next_order_text = profile._get_sourced_text(due)

    def _get_sourced_text(self, due):
        """Return an interval in words with whose cycle it is from."""
        if not due:
            return self.env._("Not enough data")
        if self.next_order_source == "own":
            return self.env._("%s; from the own cycle", due)
        return self.env._("%s; from all customers' cycle", due)

    @api.depends("forecast_on")
    def _compute_forecast_id(self):
        forecasts = self.env["hstyle.forecast"]._get_by_day(self)
        for profile in self:
            day = (profile.company_id, profile.forecast_on)
            profile.forecast_id = forecasts.get(day)

    # === ACTION METHODS === #

    def action_open_partner(self):
        """Open the customer's own form."""
        self.ensure_one()
        return self.partner_id.get_formview_action()

    @api.model
    def action_refresh(self):
        """Refresh all profiles now, in the background; for managers."""
        if not self.env.user._is_crm_manager():
            raise AccessError(
                self.env._("Only a CRM manager may refresh the profiles.")
            )
        self.env.ref("hstyle_crm.ir_cron_profile").sudo()._trigger()
        message = self.env._("The profiles are being refreshed in the background.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"message": message, "type": "info"},
        }

    def action_export(self):
        """Download the chosen customers as XLSX."""
        profiles = self.env["hstyle.export"]._get_chosen(self)
        return self._export(list(dict.fromkeys(profiles.mapped("partner_id.id"))))

    # === EXPORT === #

    @api.model
    def _export(self, partner_ids):
        """Return the action that downloads customers as XLSX, in their order."""
        names = [*SUMS, *SCORES, *LABELS, *BREADTH]
        labels = self.env["res.partner"].fields_get(
            ["name", "email", "phone"], ["string"]
        )
        labels |= self.fields_get(["company_id", *names], ["string"])
        header = [
            labels[name]["string"]
            for name in ("name", "email", "phone", "company_id", *names)
        ]
        rows = self._prepare_export_rows(partner_ids, names)
        return self.env["hstyle.export"]._download(
            f"{self.env._('customers')}.xlsx", header, rows
        )

    def _prepare_export_rows(self, partner_ids, names):
        """Yield a row for each customer and company, or one without a profile."""
        for chunk in split_every(5000, partner_ids, list):
            profiles = self.search_fetch(
                [("partner_id", "in", chunk)], ["partner_id", "company_id", *names]
            ).grouped("partner_id")
            for partner in self.env["res.partner"].browse(chunk):
                contact = [partner.name, partner.email or None, partner.phone or None]
                for profile in profiles.get(partner, self.browse()):
                    yield [*contact, *profile._get_cells(["company_id", *names])]
                if partner not in profiles:
                    yield contact
            self.env.invalidate_all()

    def _get_cells(self, names):
        """Return values as a sheet shows them: labels, names, dates, numbers."""
        return [self._get_cell(name) for name in names]

    def _get_cell(self, name):
        field = self._fields[name]
        if name in SCORES:
            known = self._has_score(name)
        else:
            known = self[name] or field.type in ("integer", "monetary")
        return field.convert_to_export(self[name], self) if known else None
