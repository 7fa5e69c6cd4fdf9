from odoo import fields, models

from .hstyle_consent import CHANNELS as WAYS
from .hstyle_satisfaction_policy import QUESTIONS
from .hstyle_ticket import CHANNELS

#: One row a question to a customer; without an answer all scores are empty.
SATISFACTION = """
SELECT g.id, g.hstyle_company_id AS company_id,
       a.commercial_partner_id AS partner_id, g.hstyle_question AS question,
       g.hstyle_asked_by AS asked_by, g.hstyle_asked_at AS asked_at,
       g.feedback, t.id AS ticket_id, o.id AS order_id, t.channel, t.team_id,
       t.intent_id, COALESCE(t.user_id, o.user_id) AS user_id,
       COALESCE(g.consumed, FALSE)::int AS answered,
       CASE WHEN g.consumed THEN g.rating::int END AS score,
       CASE WHEN g.consumed THEN (g.rating = 5)::int END AS top_box,
       CASE WHEN g.consumed THEN (g.rating >= 4)::int END AS top_two
  FROM rating_rating g
  JOIN res_partner a ON a.id = g.partner_id
  LEFT JOIN hstyle_ticket t ON t.id = g.res_id AND g.res_model = 'hstyle.ticket'
  LEFT JOIN sale_order o ON o.id = g.res_id AND g.res_model = 'sale.order'
 WHERE g.hstyle_question IS NOT NULL
"""
DEPENDS = {
    "rating.rating": [
        "hstyle_company_id",
        "hstyle_question",
        "hstyle_asked_by",
        "hstyle_asked_at",
        "partner_id",
        "res_model",
        "res_id",
        "rating",
        "feedback",
        "consumed",
    ],
    "hstyle.ticket": ["channel", "team_id", "intent_id", "user_id", "product_id"],
    "res.partner": ["commercial_partner_id"],
    "sale.order": ["user_id"],
}


class HstyleSatisfaction(models.Model):
    """How satisfied customers say they are: a row for each who was asked.

    The silent rate "satisfied" out of politeness. So the share of complete
    satisfaction (5, top box) stands beside that of 4 and 5 (top two), and beside both
    how many answered at all.
    """

    _name = "hstyle.satisfaction"
    _description = "Satisfaction"
    _auto = False
    _order = "asked_at desc, id desc"
    _rec_name = "partner_id"
    _depends = DEPENDS

    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    question = fields.Selection(selection=QUESTIONS, readonly=True)
    asked_by = fields.Selection(
        selection=WAYS, string="Question sent by", readonly=True
    )
    asked_at = fields.Datetime(string="Question sent on", readonly=True)
    feedback = fields.Text(string="Words", readonly=True)
    ticket_id = fields.Many2one(comodel_name="hstyle.ticket", readonly=True)
    order_id = fields.Many2one(
        comodel_name="sale.order", string="Sales order", readonly=True
    )
    channel = fields.Selection(
        selection=CHANNELS, readonly=True, help="By which the ticket came."
    )
    team_id = fields.Many2one(
        comodel_name="hstyle.ticket.team", string="Service team", readonly=True
    )
    intent_id = fields.Many2one(comodel_name="hstyle.ticket.intent", readonly=True)
    user_id = fields.Many2one(
        comodel_name="res.users", string="Served by", readonly=True
    )
    answered = fields.Float(string="Response rate", readonly=True, aggregator="avg")
    score = fields.Float(
        string="Average", readonly=True, aggregator="avg", falsy_value=None
    )
    top_box = fields.Float(
        string="Top box (5)",
        readonly=True,
        aggregator="avg",
        falsy_value=None,
        help="Completely satisfied, of those who answered.",
    )
    top_two = fields.Float(
        string="Top two (4 and 5)",
        readonly=True,
        aggregator="avg",
        falsy_value=None,
        help="Satisfied or completely satisfied, of those who answered.",
    )

    @property
    def _table_query(self):
        return SATISFACTION

    def action_open_document(self):
        """Open the ticket or the order that the customer was asked about."""
        self.ensure_one()
        return (self.ticket_id or self.order_id).get_formview_action()
