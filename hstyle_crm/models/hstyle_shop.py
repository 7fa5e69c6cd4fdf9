from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.res_partner import _tz_get

PLATFORMS = [
    ("tmall", "Tmall"),
    ("taobao", "Taobao"),
    ("jd", "JD.com"),
    ("pdd", "Pinduoduo"),
    ("douyin", "Douyin"),
    ("wechat", "WeChat"),
    ("store", "Own stores"),
    ("other", "Other"),
]


class HstyleShop(models.Model):
    _name = "hstyle.shop"
    _description = "Shop"
    _order = "name, id"

    name = fields.Char(required=True)
    platform = fields.Selection(selection=PLATFORMS, required=True, default="tmall")
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(
        comodel_name="res.currency",
        required=True,
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
        index=True,
    )
    tz = fields.Selection(
        selection=_tz_get,
        string="Timezone",
        required=True,
        default=lambda self: self.env.user.tz or "Asia/Shanghai",
        help="The dates in this shop's sheets are read in this timezone.",
    )
    active = fields.Boolean(default=True)
    account_space = fields.Char(
        compute="_compute_account_space",
        store=True,
        help="Where a buyer's account is known: on a platform one account is the "
        "same person in all shops; elsewhere each shop numbers its own buyers.",
    )
    column_map = fields.Json(
        help="Remembered by the import: the sheet's header → our column."
    )

    _name_unique = models.Constraint(
        "UNIQUE (company_id, name)",
        "A shop of this name exists already in the company. Choose another name.",
    )

    @api.depends("company_id")
    def _compute_currency_id(self):
        for shop in self:
            shop.currency_id = shop.company_id.currency_id

    @api.depends("platform")
    def _compute_account_space(self):
        for shop in self:
            own = shop.platform in ("store", "other")
            platform = "taobao" if shop.platform == "tmall" else shop.platform
            shop.account_space = f"shop:{shop.id}" if own else platform

    def write(self, vals):
        self._check_frozen(vals)
        return super().write(vals)

    def _check_frozen(self, vals):
        """Refuse to change what the orders of a shop were imported with."""
        if not {"platform", "company_id", "currency_id"} & vals.keys():
            return
        orders = self.env["hstyle.order"].sudo()
        orders = orders.search([("shop_id", "in", self.ids)], limit=1)
        if orders:
            raise UserError(
                self.env._(
                    "%(shop)s has orders: its platform, company and currency cannot be "
                    "changed. Archive it and create a new shop instead.",
                    shop=orders.shop_id.name,
                )
            )
