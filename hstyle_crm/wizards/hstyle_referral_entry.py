from odoo import fields, models
from odoo.exceptions import UserError


class HstyleReferralEntry(models.TransientModel):
    """A code that a customer told to staff."""

    _name = "hstyle.referral.entry"
    _description = "Referral told to staff"

    friend_id = fields.Many2one(
        comodel_name="res.partner", string="New customer", required=True
    )
    code = fields.Char(required=True, help="Who brought the customer has it.")

    def action_claim(self):
        """Let the customer be referred by who has the code; open what it gave."""
        self.ensure_one()
        self.friend_id.check_access("read")
        found = self.env["hstyle.referral"]._claim(self.code, self.friend_id, "staff")
        code = self.env["hstyle.referral.code"]._find(self.code)
        if found.referrer_id != code.partner_id:
            raise UserError(
                self.env._(
                    "%(friend)s was referred by %(referrer)s already, for ever.",
                    friend=self.friend_id.display_name,
                    referrer=found.referrer_id.display_name,
                )
            )
        return {
            "type": "ir.actions.act_window",
            "res_model": "hstyle.referral",
            "res_id": found.id,
            "view_mode": "form",
        }
