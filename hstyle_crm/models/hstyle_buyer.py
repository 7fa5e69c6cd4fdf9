from odoo import api, fields, models


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
    account_space = fields.Char(required=True)
    platform = fields.Char(compute="_compute_platform")
    ref = fields.Char(string="Account", required=True)

    _ref_unique = models.Constraint(
        "UNIQUE (company_id, account_space, ref)",
        "This account is already known for another customer.",
    )

    @api.depends("account_space")
    def _compute_platform(self):
        """Name the platform, or the shop that numbers its own buyers."""
        spaces = self.mapped("account_space")
        Shop = self.env["hstyle.shop"].with_context(active_test=False)
        shops = Shop.search([("account_space", "in", spaces)])
        own = shops.filtered(lambda shop: ":" in shop.account_space)
        names = dict(Shop._fields["platform"]._description_selection(self.env))
        names |= {shop.account_space: shop.name for shop in own}
        for buyer in self:
            buyer.platform = names.get(buyer.account_space, buyer.account_space)
