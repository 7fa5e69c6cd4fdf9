from odoo import fields, models

from .hstyle_ticket import CHANNELS
from .hstyle_timeline_source import ROOM

KINDS = [
    ("order", "Order"),
    ("refund", "Refund"),
    ("points", "Points"),
    ("tier", "Tier"),
    ("benefit", "Benefit"),
    ("goodwill", "Goodwill"),
    ("ticket", "Ticket"),
    ("answer", "Answer"),
    ("score", "Satisfaction"),
    ("care", "Care"),
    ("promise", "Promise"),
    ("call", "Call"),
    ("todo", "Task done"),
    ("visit", "Visit"),
    ("message", "Message sent"),
    ("refused", "Not sent"),
]


class HstyleTimeline(models.Model):
    """What happened between a customer and us, from all that is stored, in one list.

    Every source is read by its own rules: a row is there for who may read what it
    comes from. So the query is another one for each reader. Read it for a customer:
    ``("partner_id", "=", …)`` finds each source by its index.
    """

    _name = "hstyle.timeline"
    _description = "Timeline of a customer"
    _inherit = ["hstyle.union", "hstyle.timeline.source", "hstyle.timeline.words"]
    _auto = False
    _order = "date desc, id desc"
    _room = ROOM
    _depends = {
        "calendar.event": ["active", "start", "privacy", "user_id", "partner_ids"],
        "hstyle.appointment": ["start", "ticket_id", "company_id", "user_id"],
        "hstyle.benefit.use": ["date", "partner_id", "company_id"],
        "hstyle.care": ["partner_id", "company_id", "user_id"],
        "hstyle.contact": ["date", "partner_id", "company_id", "state", "channel"],
        "hstyle.goodwill": ["partner_id", "company_id", "amount", "ticket_id"],
        "hstyle.order": ["date_order", "partner_id", "state", "amount_paid"],
        "hstyle.promise": ["partner_id", "company_id", "user_id"],
        "hstyle.ticket": ["opened_at", "partner_id", "company_id", "merged_into_id"],
        "hstyle.todo": ["done_at", "partner_id", "company_id", "user_id", "state"],
        "hstyle.tier.move": ["date", "partner_id", "company_id"],
        "loyalty.card": ["partner_id", "company_id"],
        "loyalty.history": ["date", "kind", "points"],
        "mail.message": ["model", "res_id", "subtype_id", "date"],
        "rating.rating": ["partner_id", "consumed", "hstyle_question", "rated_on"],
        "res.partner": ["commercial_partner_id", "partner_share"],
        "sale.order": ["date_order", "partner_id", "state", "amount_total"],
    }

    kind = fields.Selection(selection=KINDS, readonly=True)
    date = fields.Datetime(string="When", readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount = fields.Monetary(readonly=True, falsy_value=None)
    points = fields.Float(digits=(16, 2), readonly=True, falsy_value=None)
    shop_id = fields.Many2one(comodel_name="hstyle.shop", readonly=True)
    channel = fields.Selection(selection=CHANNELS, readonly=True)
    user_id = fields.Many2one(
        comodel_name="res.users", string="Colleague", readonly=True
    )
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(
        string="Document", model_field="res_model", readonly=True
    )

    @property
    def _table_query(self):
        return self._sql_sources()

    def action_open(self):
        """Open what the row is about, if it has a page of its own."""
        self.ensure_one()
        if not self.res_id:
            return False
        return self.env[self.res_model].browse(self.res_id).get_formview_action()
