from odoo import fields, models


class HstyleGiftPack(models.Model):
    """A small gift that agents hand out on birthdays."""

    _name = "hstyle.gift.pack"
    _description = "Gift pack"
    _order = "name, id"
    _check_company_domain = models.check_company_domain_parent_of

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    cost = fields.Monetary(help="Of one pack. What was given keeps its cost of then.")

    _cost_positive = models.Constraint(
        "CHECK (cost >= 0)", "A pack does not cost less than nothing."
    )
