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
    hstyle_margin_rate = fields.Float(
        related="company_id.hstyle_margin_rate", readonly=False
    )
    hstyle_abc_a = fields.Integer(related="company_id.hstyle_abc_a", readonly=False)
    hstyle_abc_b = fields.Integer(related="company_id.hstyle_abc_b", readonly=False)
    hstyle_tz = fields.Selection(related="company_id.hstyle_tz", readonly=False)
    hstyle_control_share = fields.Float(
        related="company_id.hstyle_control_share", readonly=False
    )
    hstyle_profile_date = fields.Date(related="company_id.hstyle_profile_date")
    hstyle_sms_provider = fields.Selection(
        related="company_id.hstyle_sms_provider", readonly=False
    )
    hstyle_tencent_secret_id = fields.Char(
        related="company_id.hstyle_tencent_secret_id", readonly=False
    )
    hstyle_tencent_secret_key = fields.Char(
        related="company_id.hstyle_tencent_secret_key", readonly=False
    )
    hstyle_tencent_app_id = fields.Char(
        related="company_id.hstyle_tencent_app_id", readonly=False
    )
    hstyle_tencent_sign = fields.Char(
        related="company_id.hstyle_tencent_sign", readonly=False
    )
    hstyle_sms_callback = fields.Char(related="company_id.hstyle_sms_callback")

    hstyle_opt_in = fields.Boolean(related="company_id.hstyle_opt_in", readonly=False)
    hstyle_contact_cap = fields.Integer(
        related="company_id.hstyle_contact_cap", readonly=False
    )
    hstyle_quiet_from = fields.Float(
        related="company_id.hstyle_quiet_from", readonly=False
    )
    hstyle_quiet_to = fields.Float(related="company_id.hstyle_quiet_to", readonly=False)

    hstyle_ticket_close_days = fields.Integer(
        related="company_id.hstyle_ticket_close_days", readonly=False
    )
    hstyle_todo_limit = fields.Integer(
        related="company_id.hstyle_todo_limit", readonly=False
    )
    hstyle_gift_days = fields.Integer(
        related="company_id.hstyle_gift_days", readonly=False
    )

    hstyle_goodwill_program_id = fields.Many2one(
        related="company_id.hstyle_goodwill_program_id", readonly=False
    )
    hstyle_goodwill_pricelist_id = fields.Many2one(
        related="company_id.hstyle_goodwill_pricelist_id", readonly=False
    )
    hstyle_goodwill_price_value = fields.Float(
        related="company_id.hstyle_goodwill_price_value", readonly=False
    )
    hstyle_goodwill_days = fields.Integer(
        related="company_id.hstyle_goodwill_days", readonly=False
    )

    def action_hstyle_refresh(self):
        """Refresh the customer profiles now, in the background."""
        return self.env["hstyle.profile"].action_refresh()
