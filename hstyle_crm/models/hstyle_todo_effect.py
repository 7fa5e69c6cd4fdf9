from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL

from .hstyle_day import KINDS

#: Days in which an order counts as what an action led to, and days that are shown.
WITHIN, SINCE = 30, 90


class HstyleTodoEffect(models.Model):
    """What a person did for a customer, and what the customer ordered then.

    A row is a task done, a ticket solved, a promise kept or a care card ended in the
    last 90 days. It led to the first order of the 30 days after it, whoever sold it,
    and to the revenue of these days. One order may follow several actions; which of
    them the customer would have come without is what hold-outs of campaigns tell.
    """

    _name = "hstyle.todo.effect"
    _description = "What my days led to"
    _auto = False
    _order = "done_at desc, id"
    _rec_name = "partner_id"

    kind = fields.Selection(selection=KINDS, string="What", readonly=True)
    name = fields.Char(string="Why", readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    user_id = fields.Many2one(comodel_name="res.users", string="Done by", readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    done_at = fields.Datetime(string="Done", readonly=True)
    result = fields.Char(readonly=True)
    ordered_at = fields.Datetime(string="First order since", readonly=True)
    ordered = fields.Float(
        string="Ordered since",
        readonly=True,
        aggregator="avg",
        help="Share of the actions after which the customer ordered within 30 days.",
    )
    revenue = fields.Monetary(
        string="Revenue since", readonly=True, help="Net, within 30 days."
    )

    _depends = {
        "hstyle.todo": ["state", "user_id", "done_at", "result"],
        "hstyle.ticket": ["solved_at", "user_id", "kind"],
        "hstyle.promise": ["done_on", "user_id", "state"],
        "hstyle.care": ["done_at", "user_id", "outcome"],
        "hstyle.order": ["partner_id", "company_id", "date_order", "state"],
        "sale.order": ["partner_id", "company_id", "date_order", "state"],
    }

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT d.id, d.kind, d.name, d.user_id, d.company_id, d.done_at,
                   d.result, p.commercial_partner_id AS partner_id, o.ordered_at,
                   (o.ordered_at IS NOT NULL)::int AS ordered,
                   COALESCE(o.revenue, 0) AS revenue
              FROM (%(sources)s) d
              JOIN res_partner p ON p.id = d.partner_id
              LEFT JOIN LATERAL (
                    SELECT min(h.date_order) FILTER (WHERE h.orders > 0) AS ordered_at,
                           sum(h.revenue) AS revenue
                      FROM hstyle_purchase h
                     WHERE h.contact_id IN (
                           SELECT id FROM res_partner
                            WHERE commercial_partner_id = p.commercial_partner_id)
                       AND h.company_id = d.company_id
                       AND h.date_order > d.done_at
                       AND h.date_order <= d.done_at + %(within)s * INTERVAL '1 day'
                   ) o ON TRUE
             WHERE d.done_at >= %(since)s
            """,
            sources=SQL(" UNION ALL ").join(self._get_sources()),
            within=WITHIN,
            since=fields.Datetime.now() - timedelta(days=SINCE),
        )

    @api.model
    def _get_sources(self):
        """Return the queries of what was done, numbered as those of `hstyle.day`."""
        return [
            SQL(
                """
                SELECT id * 16::bigint AS id, reason AS kind, name, user_id, company_id,
                       partner_id, done_at, result
                  FROM hstyle_todo
                 WHERE state = 'done'
                """
            ),
            SQL(
                """
                SELECT id * 16::bigint + 1, 'ticket', concat_ws(' ', number, name),
                       user_id, company_id, partner_id, solved_at, solve_verdict
                  FROM hstyle_ticket
                 WHERE solved_at IS NOT NULL AND kind IN ('solved', 'closed')
                """
            ),
            SQL(
                """
                SELECT p.id * 16::bigint + 2, 'promise', p.name, p.user_id,
                       p.company_id, p.partner_id,
                       p.done_on::timestamp AT TIME ZONE c.hstyle_tz AT TIME ZONE 'UTC',
                       p.state
                  FROM hstyle_promise p
                  JOIN res_company c ON c.id = p.company_id
                 WHERE p.done_on IS NOT NULL
                """
            ),
            SQL(
                """
                SELECT id * 16::bigint + 3, 'fell',
                       concat(previous_score, ' → ', score), user_id, company_id,
                       partner_id, done_at, outcome
                  FROM hstyle_care
                 WHERE outcome IS NOT NULL
                """
            ),
        ]

    def action_open_partner(self):
        """Open the customer's own form."""
        self.ensure_one()
        return self.partner_id.get_formview_action()

    @api.model
    def _describe_own(self):
        """Return what the user's last 30 days led to, as a paragraph, or nothing."""
        since = fields.Datetime.now() - timedelta(days=WITHIN)
        company = self.env.company
        domain = [
            ("user_id", "=", self.env.uid),
            ("company_id", "=", company.id),
            ("done_at", ">=", since),
        ]
        [(done, orders, revenue)] = self._read_group(
            domain, [], ["__count", "ordered:sum", "revenue:sum"]
        )
        if not done:
            return ""
        return Markup("<p>%s</p>") % self.env._(
            "In 30 days you turned to %(done)s customers' matters; %(orders)s of them "
            "were followed by an order, together %(revenue)s.",
            done=done,
            orders=round(orders),
            revenue=company.currency_id.format(revenue),
        )
