from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    hstyle_active_days = fields.Integer(
        related="company_id.hstyle_active_days", readonly=False
    )
    hstyle_lapsing_days = fields.Integer(
        related="company_id.hstyle_lapsing_days", readonly=False
    )
    hstyle_lapsed_days = fields.Integer(
        related="company_id.hstyle_lapsed_days", readonly=False
    )
    hstyle_tz = fields.Selection(related="company_id.hstyle_tz", readonly=False)
    hstyle_control_share = fields.Float(
        related="company_id.hstyle_control_share", readonly=False
    )
    hstyle_profile_date = fields.Date(related="company_id.hstyle_profile_date")

    def action_hstyle_refresh(self):
        """Refresh the customer profiles now, in the background."""
        return self.env["hstyle.profile"].action_refresh()
