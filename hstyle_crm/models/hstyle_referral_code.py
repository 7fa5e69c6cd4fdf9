import secrets

from odoo import api, fields, models

#: No letter or digit that is mistaken for another when it is read out.
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
LENGTH = 6


class HstyleReferralCode(models.Model):
    """What a friend types, or a link carries: who referred whom.

    A table of its own: when two contacts are merged, both their codes go on working.
    """

    _name = "hstyle.referral.code"
    _description = "Referral code"
    _inherit = ["hstyle.referral.touch"]
    _rec_name = "code"
    _order = "id"

    code = fields.Char(required=True, default=lambda self: self._draw_code())
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Referrer",
        required=True,
        index=True,
        ondelete="cascade",
    )

    _code_unique = models.Constraint(
        "UNIQUE (code)", "This code is taken. Choose another one."
    )

    @api.model
    def _draw_code(self):
        return "".join(secrets.choice(LETTERS) for _position in range(LENGTH))

    @api.model
    def _find(self, text):
        """Return the code that somebody typed, or none."""
        code = "".join((text or "").upper().split()).replace("-", "")
        return self.sudo().search([("code", "=", code)], limit=1)

    @api.model
    def _get_code(self, partner):
        """Return a customer's code: the first one, made if there is none."""
        customer = partner.commercial_partner_id
        found = self.sudo().search([("partner_id", "=", customer.id)], limit=1)
        return found or self.sudo().create({"partner_id": customer.id})

    def _get_link(self, company):
        """Return the address that a friend opens, or False without a code."""
        if not self:
            return False
        return f"{company.get_base_url()}/r/{self.code}"
