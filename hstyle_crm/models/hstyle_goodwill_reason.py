from odoo import fields, models


class HstyleGoodwillReason(models.Model):
    """Why customers get goodwill. They read it beside their points."""

    _name = "hstyle.goodwill.reason"
    _description = "Goodwill reason"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
