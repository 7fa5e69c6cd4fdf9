from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from .hstyle_profile import CLASSES

#: Days since which is looked at who bought again, and before which at who was served.
SINCE = 180
BEFORE = 365
VERDICTS = [
    ("none", "No ticket"),
    ("met", "Served in time"),
    ("breached", "A deadline missed"),
    ("open", "Not judged"),
]

SHEET = (
    "partner_id",
    "abc",
    "grade_id",
    "verdict",
    "tickets",
    "bought_again",
    "orders",
    "revenue",
)


class HstyleServiceValue(models.Model):
    """Who bought again after a ticket, beside customers without one.

    A row is a customer of a company who ordered in the year that ended half a year
    ago. Tickets of that year tell how the customer was served; orders of the half year
    since tell who stayed. All are looked at in the same two spans, so that the rates
    can be compared; within a grade, like with like.
    """

    _name = "hstyle.service.value"
    _description = "Value of service"
    _auto = False
    _order = "revenue desc, id"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    abc = fields.Selection(selection=CLASSES, string="Grade", readonly=True)
    grade_id = fields.Many2one(
        comodel_name="res.partner.grade", string="Tier", readonly=True
    )
    verdict = fields.Selection(
        selection=VERDICTS,
        string="Service",
        readonly=True,
        help="By the customer's tickets of that year: all deadlines kept, or one "
        "missed.",
    )
    tickets = fields.Integer(readonly=True)
    bought_again = fields.Float(
        readonly=True,
        aggregator="avg",
        help="Share of the customers who ordered in the half year since.",
    )
    orders = fields.Integer(string="Orders since", readonly=True)
    revenue = fields.Monetary(
        string="Revenue since", readonly=True, help="Net, in the half year since."
    )

    _depends = {
        "hstyle.ticket": [
            "company_id",
            "partner_id",
            "opened_at",
            "answer_verdict",
            "solve_verdict",
            "merged_into_id",
        ],
        "hstyle.profile": ["partner_id", "company_id", "abc"],
        "res.partner": ["commercial_partner_id"],
        "hstyle.membership": ["partner_id", "company_id", "grade_id"],
        "hstyle.order": ["partner_id", "company_id", "date_order", "state"],
        "sale.order": ["partner_id", "company_id", "date_order", "state"],
    }

    @property
    def _table_query(self):
        since = fields.Datetime.now() - timedelta(days=SINCE)
        return SQL(
            """
            SELECT f.id, f.partner_id, f.company_id, f.abc, m.grade_id,
                   COALESCE(s.tickets, 0) AS tickets,
                   CASE WHEN s.partner_id IS NULL THEN 'none'
                        WHEN s.missed THEN 'breached'
                        WHEN s.kept THEN 'met'
                        ELSE 'open' END AS verdict,
                   (b.orders > 0)::int AS bought_again, b.orders, b.revenue
              FROM (%(bought)s) b
              JOIN hstyle_profile f
                ON f.partner_id = b.partner_id AND f.company_id = b.company_id
              LEFT JOIN (%(served)s) s
                ON s.partner_id = b.partner_id AND s.company_id = b.company_id
              JOIN res_company c ON c.id = b.company_id
              LEFT JOIN hstyle_membership m
                ON m.partner_id = b.partner_id
               AND m.company_id::text = ANY(string_to_array(c.parent_path, '/'))
            """,
            bought=self._sql_bought(since),
            served=self._sql_served(since),
        )

    def _sql_bought(self, since):
        """Return the query of customers who ordered before, with orders since."""
        return SQL(
            """
            SELECT partner_id, company_id,
                   COALESCE(sum(orders) FILTER (WHERE date_order >= %(since)s), 0)
                       AS orders,
                   COALESCE(sum(revenue) FILTER (WHERE date_order >= %(since)s), 0)
                       AS revenue
              FROM hstyle_purchase
             WHERE date_order >= %(start)s
             GROUP BY partner_id, company_id
            HAVING sum(orders) FILTER (WHERE date_order < %(since)s) > 0
            """,
            since=since,
            start=since - timedelta(days=BEFORE),
        )

    def _sql_served(self, since):
        """Return the query of customers with tickets, and how they were served."""
        return SQL(
            """
            SELECT p.commercial_partner_id AS partner_id, t.company_id,
                   count(*) AS tickets,
                   bool_or('breached' IN (t.answer_verdict, t.solve_verdict)) AS missed,
                   bool_and(t.solve_verdict = 'met') AS kept
              FROM hstyle_ticket t
              JOIN res_partner p ON p.id = t.partner_id
             WHERE t.opened_at >= %(start)s
               AND t.opened_at < %(since)s
               AND t.merged_into_id IS NULL
             GROUP BY p.commercial_partner_id, t.company_id
            """,
            since=since,
            start=since - timedelta(days=BEFORE),
        )

    def action_export(self):
        """Download the chosen customers as a sheet."""
        exports = self.env["hstyle.export"]
        return exports._download_records(
            f"{self.env._('Value of service')}.xlsx", exports._get_chosen(self), SHEET
        )
