from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

#: Column → which moves it nets: arrivals less departures of the tier.
_COLUMNS = {
    "auto_up": SQL("kind IN ('join', 'up') AND origin = 'auto'"),
    "manual_up": SQL("kind IN ('join', 'up') AND origin = 'manual'"),
    "auto_down": SQL("kind = 'down' AND origin = 'auto'"),
    "manual_down": SQL("kind = 'down' AND origin = 'manual'"),
    "left": SQL("kind = 'left'"),
}


class HstyleTierStatement(models.TransientModel):
    """The movement of members over the tiers in a period.

    Opening + upgrades + downgrades + left = closing, for each tier and in all; each
    column is what came into the tier less what went out of it.
    """

    _name = "hstyle.tier.statement"
    _description = "Tier movement statement"

    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
    )
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: self.env.company._hstyle_today().replace(day=1),
    )
    date_to = fields.Date(
        string="To",
        required=True,
        default=lambda self: self.env.company._hstyle_today(),
    )
    line_ids = fields.One2many(
        comodel_name="hstyle.tier.statement.line",
        inverse_name="statement_id",
        compute="_compute_line_ids",
        # The company is one of the user's own.
        compute_sudo=False,
        store=True,
    )

    @api.depends("company_id", "date_from", "date_to")
    def _compute_line_ids(self):
        for statement in self:
            lines = [Command.create(values) for values in statement._measure()]
            statement.line_ids = [Command.clear(), *lines]

    def _measure(self):
        if not (self.date_from and self.date_to and self.company_id):
            return []
        self.company_id._check_hstyle_company()
        if self.date_from > self.date_to:
            raise UserError(self.env._("The period ends before it begins."))
        self.env.flush_all()
        return self.env.execute_query_dict(
            SQL(
                """
                SELECT g.id AS grade_id,
                       COALESCE(SUM(f.n) FILTER (WHERE f.date < %(start)s), 0)
                           AS opening,
                       %(columns)s,
                       COALESCE(SUM(f.n), 0) AS closing
                  FROM res_partner_grade g
                  LEFT JOIN (
                        SELECT grade_to_id AS grade_id, date, kind, origin, 1 AS n
                          FROM hstyle_tier_move
                         WHERE company_id = %(company)s AND kind <> 'keep'
                           AND grade_to_id IS NOT NULL
                         UNION ALL
                        SELECT grade_from_id, date, kind, origin, -1
                          FROM hstyle_tier_move
                         WHERE company_id = %(company)s AND kind <> 'keep'
                           AND grade_from_id IS NOT NULL
                       ) f ON f.grade_id = g.id AND f.date <= %(end)s
                 WHERE g.is_tier AND g.company_id = %(company)s
                 GROUP BY g.id
                 ORDER BY g.sequence DESC, g.id DESC
                """,
                company=self.company_id.id,
                start=self.date_from,
                end=self.date_to,
                columns=SQL(", ").join(
                    SQL(
                        "COALESCE(SUM(f.n) FILTER ("
                        "WHERE f.date >= %s AND %s), 0) AS %s",
                        self.date_from,
                        condition,
                        SQL.identifier(name),
                    )
                    for name, condition in _COLUMNS.items()
                ),
            )
        )

    def action_export(self):
        """Download the statement as XLSX."""
        self.ensure_one()
        names = ["grade_id", "opening", *_COLUMNS, "closing"]
        labels = self.line_ids.fields_get(names, ["string"])
        rows = [
            [line.grade_id.name, *(line[name] for name in names[1:])]
            for line in self.line_ids
        ]
        totals = [sum(self.line_ids.mapped(name)) for name in names[1:]]
        rows.append([self.env._("Total"), *totals])
        filename = self.env._(
            "Tier movements %(start)s to %(end)s.xlsx",
            start=self.date_from,
            end=self.date_to,
        )
        header = [labels[name]["string"] for name in names]
        return self.env["hstyle.export"]._download(filename, header, rows)


class HstyleTierStatementLine(models.TransientModel):
    _name = "hstyle.tier.statement.line"
    _description = "Line of a tier movement statement"

    statement_id = fields.Many2one(
        comodel_name="hstyle.tier.statement", required=True, ondelete="cascade"
    )
    grade_id = fields.Many2one(comodel_name="res.partner.grade", string="Tier")
    opening = fields.Integer()
    auto_up = fields.Integer(string="Up by the rules")
    manual_up = fields.Integer(string="Up by hand")
    auto_down = fields.Integer(string="Down by the rules")
    manual_down = fields.Integer(string="Down by hand")
    left = fields.Integer(string="Leavers")
    closing = fields.Integer()
