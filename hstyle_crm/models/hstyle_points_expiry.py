from odoo import fields, models


class HstylePointsExpiry(models.Model):
    """What of a card expires when: its open lots, summed by day."""

    _name = "hstyle.points.expiry"
    _description = "Points by day of expiry"
    _auto = False
    _order = "expiration_date, id"

    card_id = fields.Many2one(comodel_name="loyalty.card", readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    expiration_date = fields.Date(readonly=True)
    points = fields.Float(digits=(16, 2), readonly=True)
    pending = fields.Boolean(readonly=True)

    _depends = {
        "loyalty.history": ["card_id", "remaining", "pending", "expiration_date"],
        "loyalty.card": ["company_id"],
    }

    @property
    def _table_query(self):
        return """
            SELECT MIN(h.id) AS id, h.card_id, c.company_id, h.expiration_date,
                   h.pending, SUM(h.remaining) AS points
              FROM loyalty_history h
              JOIN loyalty_card c ON c.id = h.card_id
             WHERE h.remaining > 0
             GROUP BY h.card_id, c.company_id, h.expiration_date, h.pending
        """
