from odoo import fields, models


class HstyleBuyer(models.Model):
    """A customer's account on a platform: the first key of the import."""

    _name = "hstyle.buyer"
    _description = "Buyer account"
    _rec_name = "ref"
    _order = "account_space, ref"

    partner_id = fields.Many2one(
        comodel_name="res.partner", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, index=True, ondelete="cascade"
    )
    account_space = fields.Char(string="Platform", required=True)
    ref = fields.Char(string="Account", required=True)

    _ref_unique = models.Constraint(
        "UNIQUE (company_id, account_space, ref)",
        "This account is already known for another customer.",
    )
