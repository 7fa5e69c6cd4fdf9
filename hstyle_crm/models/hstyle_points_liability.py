from odoo import api, fields, models

from .loyalty_history import KINDS

#: A lot is owed in full until it expires; debt is owed to us.
_QUERY = """
SELECT h.id, h.card_id, c.partner_id, c.program_id, c.company_id, p.currency_id,
       CASE WHEN h.remaining < 0 THEN 'debt'
            WHEN h.pending THEN 'pending'
            ELSE 'available' END AS state,
       h.kind, h.date, h.expiration_date,
       h.remaining AS points,
       h.remaining * p.point_value AS value,
       h.remaining * p.point_value
           * CASE WHEN h.remaining < 0 THEN 1 ELSE 1 - COALESCE(p.breakage, 0) / 100 END
           AS expected_cost
  FROM loyalty_history h
  JOIN loyalty_card c ON c.id = h.card_id
  JOIN loyalty_program p ON p.id = c.program_id
 WHERE h.remaining <> 0
"""


class HstylePointsLiability(models.Model):
    """What the company owes its members: every open lot and debt, with its cost."""

    _name = "hstyle.points.liability"
    _description = "Points liability"
    _auto = False
    _order = "expiration_date, id"

    card_id = fields.Many2one(comodel_name="loyalty.card", readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    program_id = fields.Many2one(comodel_name="loyalty.program", readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    currency_id = fields.Many2one(comodel_name="res.currency", readonly=True)
    state = fields.Selection(
        selection=[
            ("available", "Available"),
            ("pending", "Pending"),
            ("debt", "Debt"),
        ],
        readonly=True,
    )
    kind = fields.Selection(selection=KINDS, string="Origin", readonly=True)
    date = fields.Date(string="Awarded on", readonly=True)
    expiration_date = fields.Date(string="Expires on", readonly=True)
    points = fields.Float(digits=(16, 2), readonly=True)
    value = fields.Monetary(
        readonly=True, help="What the points cost if all of them are spent."
    )
    expected_cost = fields.Monetary(
        readonly=True, help="The value less the share of points that expires unspent."
    )

    _depends = {
        "loyalty.history": [
            "card_id",
            "kind",
            "date",
            "remaining",
            "pending",
            "expiration_date",
        ],
        "loyalty.card": ["partner_id", "program_id", "company_id"],
        "loyalty.program": ["currency_id", "point_value", "breakage"],
    }

    @property
    def _table_query(self):
        return _QUERY

    @api.model
    def action_export(self):
        """Download the liability by program, state and month of expiry, as XLSX."""
        sums = ["points:sum", "value:sum", "expected_cost:sum"]
        groups = self._read_group(
            [], ["program_id", "state", "expiration_date:month"], sums
        )
        names = ["program_id", "state", "expiration_date", "points", "value"]
        labels = self.fields_get([*names, "expected_cost"], ["string"])
        states = dict(self._fields["state"]._description_selection(self.env))
        rows = (
            [program.name, states[state], month.strftime("%Y-%m") if month else ""]
            + totals
            for program, state, month, *totals in groups
        )
        header = [label["string"] for label in labels.values()]
        filename = self.env._("Points liability %s.xlsx", fields.Date.today())
        return self.env["hstyle.export"]._download(filename, header, rows)
