from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL

from .hstyle_todo import REASONS

KINDS = [
    ("ticket", "Ticket"),
    ("promise", "Promise due"),
    ("approval", "To approve"),
    ("activity", "Activity"),
    *REASONS,
]
URGENCIES = [("1", "Late"), ("2", "Today"), ("3", "Coming")]
#: What is for another day, if its day is.
PLANNED = ("promise", "activity", "visit", "call")


class HstyleDay(models.Model):
    """What a person has to do: rows of `hstyle.todo` and of the documents themselves.

    A row is shown to who is responsible, and ends with its document. The most valuable
    customers come first, after those who have waited too long.
    """

    _name = "hstyle.day"
    _description = "My day"
    _auto = False
    _order = "urgency, value desc, due, id"

    name = fields.Char(string="Why now", readonly=True)
    kind = fields.Selection(selection=KINDS, string="What", readonly=True)
    urgency = fields.Selection(selection=URGENCIES, readonly=True)
    res_model = fields.Char(string="Kind of document", readonly=True)
    res_id = fields.Integer(string="Document number", readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    phone = fields.Char(related="partner_id.phone")
    grade_id = fields.Many2one(
        comodel_name="res.partner.grade", string="Tier", readonly=True
    )
    user_id = fields.Many2one(
        comodel_name="res.users", string="Responsible", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    due = fields.Date(string="Until", readonly=True)
    value = fields.Monetary(
        readonly=True,
        help="Net revenue to expect in the next 12 months; without a forecast, that "
        "of the last 12 months.",
    )

    _depends = {
        "hstyle.todo": ["state", "user_id", "name", "due"],
        "hstyle.ticket": ["kind", "user_id", "name", "number", "next_due"],
        "hstyle.promise": ["done_on", "user_id", "name", "due_on"],
        "hstyle.care": ["outcome", "user_id", "due", "previous_score", "score"],
        "hstyle.goodwill": ["state", "partner_id", "company_id"],
        "hstyle.points.adjustment": ["state", "card_id"],
        "loyalty.card": ["partner_id", "company_id"],
        "mail.activity": ["active", "user_id", "summary", "date_deadline"],
        "crm.lead": ["partner_id", "company_id", "name"],
        "sale.order": ["partner_id", "company_id"],
        "res.partner": ["active", "commercial_partner_id", "grade_id", "company_id"],
        "hstyle.profile": ["expected_value_12m", "revenue_12m"],
    }

    # === QUERY === #

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT t.id, t.res_model, t.res_id, t.kind, t.name, t.user_id,
                   t.company_id, t.due, p.commercial_partner_id AS partner_id,
                   customer.grade_id,
                   COALESCE(f.expected_value_12m, f.revenue_12m, 0) AS value,
                   CASE WHEN t.due < now.today THEN '1'
                        WHEN t.due > now.today AND t.kind = ANY(%(planned)s) THEN '3'
                        ELSE '2' END AS urgency
              FROM (%(sources)s) t
              JOIN res_company c ON c.id = t.company_id
             CROSS JOIN LATERAL (
                    SELECT (%(now)s::timestamp AT TIME ZONE 'UTC'
                                AT TIME ZONE c.hstyle_tz)::date AS today
                   ) now
              LEFT JOIN res_partner p ON p.id = t.partner_id
              LEFT JOIN res_partner customer ON customer.id = p.commercial_partner_id
              LEFT JOIN hstyle_profile f
                ON f.partner_id = p.commercial_partner_id
               AND f.company_id = t.company_id
            """,
            planned=list(PLANNED),
            now=fields.Datetime.now(),
            sources=SQL(" UNION ALL ").join(self._get_sources()),
        )

    @api.model
    def _get_sources(self):
        """Return the queries of what is to be done; a module may add its own.

        The ids of source n of s are n more than multiples of 16.
        """
        return [
            self._sql_todos(),
            self._sql_tickets(),
            self._sql_promises(),
            self._sql_cares(),
            self._sql_goodwill(),
            self._sql_adjustments(),
            self._sql_activities(),
        ]

    @api.model
    def _sql_todos(self):
        """Nobody turns to a customer who is archived."""
        return SQL(
            """
            SELECT t.id * 16::bigint AS id, 'hstyle.todo' AS res_model, t.id AS res_id,
                   t.reason AS kind, t.name, t.user_id, t.company_id, t.partner_id,
                   t.due
              FROM hstyle_todo t
              JOIN res_partner p ON p.id = t.partner_id AND p.active
             WHERE t.state = 'open'
            """
        )

    @api.model
    def _sql_tickets(self):
        """Who waits for the customer has nothing to do."""
        return SQL(
            """
            SELECT t.id * 16::bigint + 1, 'hstyle.ticket', t.id, 'ticket',
                   concat_ws(' ', t.number, t.name), t.user_id, t.company_id,
                   t.partner_id,
                   (t.next_due AT TIME ZONE 'UTC' AT TIME ZONE c.hstyle_tz)::date
              FROM hstyle_ticket t
              JOIN res_company c ON c.id = t.company_id
             WHERE t.kind NOT IN ('solved', 'closed') AND t.kind <> 'waiting'
               AND t.user_id IS NOT NULL
            """
        )

    @api.model
    def _sql_promises(self):
        return SQL(
            """
            SELECT id * 16::bigint + 2, 'hstyle.promise', id, 'promise', name, user_id,
                   company_id, partner_id, due_on
              FROM hstyle_promise
             WHERE done_on IS NULL
            """
        )

    @api.model
    def _sql_cares(self):
        return SQL(
            """
            SELECT t.id * 16::bigint + 3, 'hstyle.care', t.id, 'fell',
                   concat(t.previous_score, ' → ', t.score), t.user_id, t.company_id,
                   t.partner_id,
                   (t.due AT TIME ZONE 'UTC' AT TIME ZONE c.hstyle_tz)::date
              FROM hstyle_care t
              JOIN res_company c ON c.id = t.company_id
             WHERE t.outcome IS NULL
            """
        )

    @api.model
    def _sql_goodwill(self):
        return SQL(
            """
            SELECT a.id * 16::bigint + 4, 'hstyle.goodwill', d.id, 'approval',
                   a.summary, a.user_id, d.company_id, d.partner_id, a.date_deadline
              FROM mail_activity a
              JOIN hstyle_goodwill d ON d.id = a.res_id AND d.state = 'asked'
             WHERE a.active AND a.res_model = 'hstyle.goodwill'
            """
        )

    @api.model
    def _sql_adjustments(self):
        return SQL(
            """
            SELECT a.id * 16::bigint + 5, 'hstyle.points.adjustment', d.id, 'approval',
                   a.summary, a.user_id, COALESCE(card.company_id, u.company_id),
                   card.partner_id, a.date_deadline
              FROM mail_activity a
              JOIN hstyle_points_adjustment d
                ON d.id = a.res_id AND d.state = 'waiting'
              JOIN loyalty_card card ON card.id = d.card_id
              JOIN res_users u ON u.id = a.user_id
             WHERE a.active AND a.res_model = 'hstyle.points.adjustment'
            """
        )

    @api.model
    def _sql_activities(self):
        """What is planned with a customer, on an opportunity or an order."""
        return SQL(
            """
            SELECT a.id * 16::bigint + 6, 'mail.activity', a.id, 'activity',
                   concat_ws(': ', COALESCE(NULLIF(a.summary, ''),
                                            kind.name->>%(lang)s,
                                            kind.name->>'en_US'),
                             lead.name, sale.name),
                   a.user_id,
                   COALESCE(lead.company_id, sale.company_id, p.company_id,
                            u.company_id),
                   COALESCE(lead.partner_id, sale.partner_id, p.id), a.date_deadline
              FROM mail_activity a
              JOIN res_users u ON u.id = a.user_id
              LEFT JOIN mail_activity_type kind ON kind.id = a.activity_type_id
              LEFT JOIN crm_lead lead
                ON a.res_model = 'crm.lead' AND lead.id = a.res_id
              LEFT JOIN sale_order sale
                ON a.res_model = 'sale.order' AND sale.id = a.res_id
              LEFT JOIN res_partner p
                ON a.res_model = 'res.partner' AND p.id = a.res_id
             WHERE a.active
               AND a.res_model IN ('crm.lead', 'sale.order', 'res.partner')
            """,
            lang=self.env.lang or "en_US",
        )

    # === ACTION METHODS === #

    def _get_document(self):
        """Return what the row is about: the task, the ticket, the promise …"""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id)

    def action_open(self):
        """Open what is to be done, or the customer whom a task is about."""
        document = self._get_document()
        if document._name == "mail.activity":
            document = self.env[document.res_model].browse(document.res_id)
        if document._name == "hstyle.todo":
            document = document.partner_id
        return document.get_formview_action()

    def action_open_partner(self):
        """Open the customer's own form."""
        self.ensure_one()
        return self.partner_id.get_formview_action()

    def action_done(self):
        """End it in place; where something has to be said of it, ask for that."""
        document = self._get_document()
        if self.res_model == "hstyle.promise":
            return document.action_keep()
        if self.res_model == "mail.activity":
            document.action_feedback()
            return None
        if self.res_model == "hstyle.todo":
            xmlid = "hstyle_crm.hstyle_todo_done_action"
            action = self.env["ir.actions.actions"]._for_xml_id(xmlid)
            return action | {"context": {"default_todo_id": document.id}}
        return self.action_open()

    def action_approve(self):
        """Give what somebody asked for."""
        self._get_document().action_approve()

    def action_refuse(self):
        """Turn down what somebody asked for."""
        self._get_document().action_refuse()

    # === EMPTY SCREEN === #

    @api.model
    def get_empty_list_help(self, help_message):
        """Tell who has nothing to do what the last days led to."""
        words = super().get_empty_list_help(help_message)
        return Markup(words or "") + self.env["hstyle.todo.effect"]._describe_own()
