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
        # A day's row is that of its first lot, so that it is found by its id: an
        # aggregate would be made of all lots of all cards first.
        return """
            SELECT h.id, h.card_id, c.company_id, h.expiration_date, h.pending,
                   day.points
              FROM loyalty_history h
              JOIN loyalty_card c ON c.id = h.card_id
             CROSS JOIN LATERAL (
                    SELECT MIN(lot.id) AS first_id, SUM(lot.remaining) AS points
                      FROM loyalty_history lot
                     WHERE lot.card_id = h.card_id
                       AND lot.remaining > 0
                       AND lot.expiration_date IS NOT DISTINCT FROM h.expiration_date
                       AND lot.pending IS NOT DISTINCT FROM h.pending
                   ) day
             WHERE h.remaining > 0
               AND h.id = day.first_id
        """
