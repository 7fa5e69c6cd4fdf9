from odoo import fields, models


class MailNotification(models.Model):
    _inherit = "mail.notification"

    # The host has "Blacklisted" for mailings only.
    failure_type = fields.Selection(
        selection_add=[
            ("sms_blacklist", "Blacklisted"),
            ("hstyle_sms_text", "Text Not Approved"),
        ]
    )
