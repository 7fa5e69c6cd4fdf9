from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL


class HstyleEntitlement(models.Model):
    """What a member can use today: a row for each benefit of the tier."""

    _name = "hstyle.entitlement"
    _inherit = ["hstyle.union"]
    _description = "Entitlement"
    _auto = False
    _order = "sequence, benefit_id"
    _rec_name = "benefit_id"
    _room = 1_000_000

    partner_id = fields.Many2one(
        comodel_name="res.partner", string="Customer", readonly=True
    )
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    grade_id = fields.Many2one(
        comodel_name="res.partner.grade", string="Tier", readonly=True
    )
    benefit_id = fields.Many2one(comodel_name="hstyle.benefit", readonly=True)
    sequence = fields.Integer(readonly=True)
    kind = fields.Selection(related="benefit_id.kind")
    description = fields.Char(related="benefit_id.description")
    quota = fields.Integer(readonly=True, aggregator=None)
    used = fields.Integer(string="Used in the period", readonly=True)
    is_open = fields.Boolean(string="Can be used", readonly=True)
    left_text = fields.Char(string="Left", compute="_compute_left_text")

    _depends = {
        "hstyle.membership": ["partner_id", "company_id", "grade_id", "period_start"],
        "hstyle.benefit": ["grade_id", "quota", "period", "sequence", "active"],
        "hstyle.benefit.use": ["benefit_id", "partner_id", "period_start"],
    }

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT m.id::bigint * %(room)s + b.id AS id, m.id AS source_id,
                   b.id AS source, m.partner_id, m.company_id,
                   m.grade_id, b.id AS benefit_id, b.sequence, b.quota, taken.used,
                   b.occasion = 'request' AND (b.quota = 0 OR taken.used < b.quota)
                       AS is_open
              FROM hstyle_membership m
              JOIN res_company c ON c.id = m.company_id
              JOIN hstyle_benefit b ON b.grade_id = m.grade_id AND b.active
             CROSS JOIN LATERAL (
                    SELECT COUNT(*)::int AS used
                      FROM hstyle_benefit_use u
                     WHERE u.benefit_id = b.id
                       AND u.partner_id = m.partner_id
                       AND u.period_start = %(start)s
                   ) taken
            """,
            room=self._room,
            start=self._sql_period_start(),
        )

    @api.model
    def _sql_period_start(self):
        """Return the first day of the period of benefit ``b`` that runs today.

        The day is that of company ``c``; the validity is that of member ``m``.
        """
        return SQL(
            """
            CASE b.period
                 WHEN 'tier' THEN m.period_start
                 ELSE date_trunc(b.period, %s::timestamp AT TIME ZONE 'UTC'
                                           AT TIME ZONE c.hstyle_tz)::date
            END
            """,
            fields.Datetime.now(),
        )

    @api.depends("quota", "used")
    def _compute_left_text(self):
        for line in self:
            line.left_text = (
                self.env._(
                    "%(left)s of %(quota)s",
                    left=max(line.quota - line.used, 0),
                    quota=line.quota,
                )
                if line.quota
                else self.env._("Without limit")
            )

    def action_use(self):
        """Let the member use the benefit, by a clerk or an agent."""
        self.ensure_one()
        self.check_access("read")
        roles = ("hstyle_crm_group_clerk", "hstyle_crm_group_agent")
        if not any(self.env.user.has_group(f"hstyle_crm.{role}") for role in roles):
            raise AccessError(self.env._("Benefits are used by clerks and agents."))
        if not self.is_open:
            raise UserError(self.env._("This benefit is used up, or comes by itself."))
        self.benefit_id._use(self.partner_id)
