from odoo import api, fields, models
from odoo.exceptions import ValidationError


class HstyleGoodwillSettings(models.AbstractModel):
    """What a company gives as goodwill: a part of res.company."""

    _name = "hstyle.goodwill.settings"
    _description = "Settings of goodwill"

    hstyle_goodwill_program_id = fields.Many2one(
        comodel_name="loyalty.program",
        string="Goodwill coupons",
        domain=[("program_type", "=", "coupons")],
        help="A program of coupons whose reward is worth money for each point: a coupon "
        "has as many points as it is worth.",
    )
    hstyle_goodwill_pricelist_id = fields.Many2one(
        comodel_name="product.pricelist", string="Goodwill prices"
    )
    hstyle_goodwill_price_value = fields.Float(
        string="Value of goodwill prices",
        digits=(16, 2),
        default=50,
        help="What a member price for a time takes from the budget, in the company's "
        "currency, whatever the customer buys.",
    )
    hstyle_goodwill_days = fields.Integer(
        string="Goodwill is valid for",
        default=30,
        help="Days in which coupons and member prices can be used.",
    )

    @api.constrains("hstyle_goodwill_days", "hstyle_goodwill_price_value")
    def _check_hstyle_goodwill(self):
        for company in self:
            if (
                company.hstyle_goodwill_days < 1
                or company.hstyle_goodwill_price_value < 1
            ):
                raise ValidationError(
                    self.env._(
                        "Goodwill is valid for a day or more, and a member price is "
                        "worth 1 or more."
                    )
                )

    @api.constrains("hstyle_goodwill_program_id")
    def _check_hstyle_goodwill_program(self):
        for program in self.hstyle_goodwill_program_id:
            if not program._get_goodwill_reward():
                raise ValidationError(
                    self.env._(
                        "%s is not for goodwill: choose a program of coupons whose "
                        "reward is a discount per point.",
                        program.name,
                    )
                )
