from odoo import fields, models

from ..models.hstyle_consent import CHANNELS, PURPOSES


class HstyleConsentChange(models.TransientModel):
    """Record what customers allow or withdraw, with the proof of it."""

    _name = "hstyle.consent.change"
    _description = "Record of a consent"

    partner_ids = fields.Many2many(
        comodel_name="res.partner", string="Customers", required=True
    )
    channel = fields.Selection(selection=CHANNELS, default="email", required=True)
    purpose = fields.Selection(selection=PURPOSES, default="marketing", required=True)
    given = fields.Selection(
        selection=[("yes", "They allow it"), ("no", "They withdraw it")],
        string="Decision",
        default="yes",
        required=True,
    )
    source = fields.Char(
        string="Where",
        required=True,
        help="Where they said so, such as the form at the till or a call.",
    )
    text = fields.Text(string="Wording", help="What they read or said, word by word.")

    def action_apply(self):
        """Write the decision down."""
        self.ensure_one()
        self.env["hstyle.consent"]._record(
            self.partner_ids,
            self.channel,
            self.purpose,
            self.given == "yes",
            self.source,
            self.text or "",
        )
        return True
