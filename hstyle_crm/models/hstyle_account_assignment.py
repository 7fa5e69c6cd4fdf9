from odoo import api, fields, models
from odoo.tools import SQL


class HstyleAccountAssignment(models.Model):
    """Who looked after a member, from when to when."""

    _name = "hstyle.account.assignment"
    _description = "Account manager's member"
    _order = "date_from desc, id desc"
    _rec_name = "partner_id"
    _log_access = False

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Account manager",
        required=True,
        readonly=True,
        index=True,
    )
    date_from = fields.Date(required=True, readonly=True)
    date_to = fields.Date(readonly=True)
    note = fields.Char(readonly=True)

    _open_unique = models.UniqueIndex(
        "(partner_id) WHERE date_to IS NULL", "A member has one account manager."
    )

    @api.model
    def _end(self, partner_ids):
        """End the assignments of customers today."""
        if partner_ids:
            self.env.cr.execute(
                SQL(
                    "UPDATE hstyle_account_assignment SET date_to = %s"
                    " WHERE partner_id = ANY(%s) AND date_to IS NULL",
                    self.env.company._hstyle_today(),
                    list(partner_ids),
                )
            )
            self.invalidate_model(["date_to"])
