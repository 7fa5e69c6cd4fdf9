from odoo import api, fields, models
from odoo.tools import SQL

from ..tools import rfm
from .hstyle_profile import CLASSES, STAGES

#: The labels whose history is kept.
HISTORY = ("abc", "abc_margin", "rfm_group", "stage")


class HstyleProfileMonth(models.Model):
    """How a customer's labels changed from one month to the next.

    Written by `_record` alone, at the first refresh of a month: a row for each customer
    of whom a label differs from the row before, with both. Who is new, or a month the
    first, has nothing before.
    """

    _name = "hstyle.profile.month"
    _description = "Change of a customer"
    _order = "month desc, id desc"
    _rec_name = "partner_id"
    _log_access = False

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, ondelete="cascade"
    )
    month = fields.Date(required=True, readonly=True)
    abc_from = fields.Selection(CLASSES, string="Grade before", readonly=True)
    abc = fields.Selection(CLASSES, string="Grade", readonly=True)
    abc_margin_from = fields.Selection(
        CLASSES, string="Grade by margin before", readonly=True
    )
    abc_margin = fields.Selection(CLASSES, string="Grade by margin", readonly=True)
    rfm_group_from = fields.Selection(
        rfm.GROUPS, string="RFM group before", readonly=True
    )
    rfm_group = fields.Selection(rfm.GROUPS, string="RFM group", readonly=True)
    stage_from = fields.Selection(STAGES, string="Lifecycle before", readonly=True)
    stage = fields.Selection(STAGES, string="Lifecycle", readonly=True)

    _partner_unique = models.Constraint(
        "UNIQUE (partner_id, company_id, month)", "A customer has one row in a month."
    )
    _month_idx = models.Index("(company_id, month)")

    def action_open_partner(self):
        """Open the customer's own form."""
        self.ensure_one()
        return self.partner_id.get_formview_action()

    @api.model
    def _record(self, company, today):
        """Write the rows of the month, unless they stand; return how many.

        Customers whose profile is gone keep their history, and get no row for it.
        """
        month = today.replace(day=1)
        domain = [("company_id", "=", company.id), ("month", ">=", month)]
        if self.sudo().search_count(domain, limit=1):
            return 0
        names = [SQL.identifier(name) for name in HISTORY]
        before = [SQL.identifier(f"{name}_from") for name in HISTORY]
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_profile_month
                       (partner_id, company_id, month, %(before)s, %(names)s)
                SELECT p.partner_id, p.company_id, %(month)s, %(old)s, %(new)s
                  FROM hstyle_profile p
                  LEFT JOIN (
                        SELECT DISTINCT ON (partner_id) *
                          FROM hstyle_profile_month
                         WHERE company_id = %(company)s
                         ORDER BY partner_id, month DESC
                       ) last ON last.partner_id = p.partner_id
                 WHERE p.company_id = %(company)s
                   AND (last.id IS NULL OR (%(old)s) IS DISTINCT FROM (%(new)s))
                    ON CONFLICT DO NOTHING
                """,
                before=SQL(", ").join(before),
                names=SQL(", ").join(names),
                month=month,
                old=SQL(", ").join(SQL("last.%s", name) for name in names),
                new=SQL(", ").join(SQL("p.%s", name) for name in names),
                company=company.id,
            )
        )
        return self.env.cr.rowcount
