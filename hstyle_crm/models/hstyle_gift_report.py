from odoo import fields, models


class HstyleGiftReport(models.Model):
    """Gift packs by agent: what came, what was given, what is left, what it cost.

    A row is a supply or a gift that was handed out; their sum is the stock.
    """

    _name = "hstyle.gift.report"
    _description = "Gift packs and their cost"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "pack_id"

    agent_id = fields.Many2one(comodel_name="hstyle.agent", readonly=True)
    campus_id = fields.Many2one(comodel_name="hstyle.campus", readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    pack_id = fields.Many2one(comodel_name="hstyle.gift.pack", readonly=True)
    date = fields.Date(readonly=True)
    supplied_count = fields.Integer(string="Supplied", readonly=True)
    given_count = fields.Integer(string="Given", readonly=True)
    left_count = fields.Integer(string="Left", readonly=True)
    cost = fields.Monetary(string="Cost of gifts", readonly=True)
    left_cost = fields.Monetary(
        string="Cost of what is left", readonly=True, help="At the cost of today."
    )

    _depends = {
        "hstyle.gift.supply": [
            "agent_id",
            "campus_id",
            "company_id",
            "pack_id",
            "date",
            "quantity",
        ],
        "hstyle.gift": [
            "agent_id",
            "campus_id",
            "company_id",
            "pack_id",
            "given_on",
            "cost",
            "state",
        ],
        "hstyle.gift.pack": ["cost"],
    }

    @property
    def _table_query(self):
        return """
            SELECT s.id * 2::bigint AS id, s.agent_id, s.campus_id, s.company_id,
                   s.pack_id, s.date, s.quantity AS supplied_count, 0 AS given_count,
                   s.quantity AS left_count, 0 AS cost,
                   s.quantity * COALESCE(p.cost, 0) AS left_cost
              FROM hstyle_gift_supply s
              JOIN hstyle_gift_pack p ON p.id = s.pack_id
             UNION ALL
            SELECT g.id * 2::bigint + 1, g.agent_id, g.campus_id, g.company_id,
                   g.pack_id,
                   (g.given_on AT TIME ZONE 'UTC' AT TIME ZONE c.hstyle_tz)::date,
                   0, 1, -1, g.cost, -COALESCE(p.cost, 0)
              FROM hstyle_gift g
              JOIN hstyle_gift_pack p ON p.id = g.pack_id
              JOIN res_company c ON c.id = g.company_id
             WHERE g.state = 'given'
        """
