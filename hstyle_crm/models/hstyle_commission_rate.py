from odoo import fields, models

from ..tools import commission


class HstyleCommissionRate(models.Model):
    """The rate of a product, or of a category and those below it."""

    _name = "hstyle.commission.rate"
    _description = "Commission rate"
    _order = "plan_id, id"

    plan_id = fields.Many2one(
        comodel_name="hstyle.commission.plan",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="plan_id.company_id", store=True)
    product_id = fields.Many2one(
        comodel_name="product.product", index="btree_not_null", ondelete="cascade"
    )
    categ_id = fields.Many2one(
        comodel_name="product.category",
        string="Category",
        index="btree_not_null",
        ondelete="cascade",
    )
    kind = fields.Selection(
        selection=[("percent", "Percent"), ("fixed", "Amount per piece")],
        required=True,
        default="percent",
    )
    value = fields.Float(
        string="Rate",
        digits=(16, 2),
        required=True,
        help="Percent of what the friend paid, without taxes; or an amount for each "
        "piece, at most half of what the friend paid for it.",
    )

    _one_object = models.Constraint(
        "CHECK ((product_id IS NULL) <> (categ_id IS NULL))",
        "A rate is for a product or for a category: agents are paid for goods alone.",
    )
    _value_valid = models.Constraint(
        "CHECK (value >= 0 AND (kind <> 'percent' OR value <= 50))",
        "A rate is not below zero, and at most 50 percent.",
    )
    _product_unique = models.Constraint(
        "UNIQUE (plan_id, product_id)", "The plan has a rate for this product already."
    )
    _categ_unique = models.Constraint(
        "UNIQUE (plan_id, categ_id)", "The plan has a rate for this category already."
    )

    def _get_amount(self, base, pieces):
        """Return the commission on a base, unrounded."""
        value = commission.exact(self.value)
        if self.kind == "fixed":
            return commission.get_fixed(value, pieces, base)
        return base * value / 100
