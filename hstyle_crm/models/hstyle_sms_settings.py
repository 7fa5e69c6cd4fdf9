from odoo import fields, models
from odoo.tools import consteq, hmac
from odoo.tools.urls import urljoin


class HstyleSmsSettings(models.AbstractModel):
    """Who sends a company's SMS: a part of res.company."""

    _name = "hstyle.sms.settings"
    _description = "Provider of SMS"

    hstyle_sms_provider = fields.Selection(
        selection=[("host", "Odoo"), ("tencent", "Tencent Cloud")],
        string="SMS by",
        required=True,
        default="host",
        help="Tencent Cloud reaches mainland China, with texts that it approved.",
    )
    hstyle_tencent_secret_id = fields.Char(
        string="SecretId", groups="base.group_system"
    )
    hstyle_tencent_secret_key = fields.Char(
        string="SecretKey", groups="base.group_system"
    )
    hstyle_tencent_app_id = fields.Char(
        string="SdkAppId", help="The number of the application in the SMS console."
    )
    hstyle_tencent_sign = fields.Char(
        string="SMS signature",
        help="The approved name that stands in 【】 before each SMS.",
    )
    hstyle_sms_callback = fields.Char(
        string="Address for replies",
        compute="_compute_hstyle_sms_callback",
        groups="base.group_system",
        help="Enter it at the provider for replies and delivery reports. Keep it "
        "secret: who knows it can write in your customers' names.",
    )

    def _compute_hstyle_sms_callback(self):
        for company in self:
            path = f"/hstyle/sms/{company.id}/{company._get_sms_token()}"
            company.hstyle_sms_callback = urljoin(company.get_base_url(), path)

    def _get_sms_token(self):
        """Return the company's part of the address that nobody guesses."""
        return hmac(self.env(su=True), "hstyle_crm-sms", self.id)

    def _is_sms_token(self, token):
        """Tell whether a token is the company's, in the same time for any."""
        known = self._get_sms_token() if self else ""
        return bool(known) and consteq(token.encode(), known.encode())
