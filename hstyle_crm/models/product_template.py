from odoo import api, fields, models
from odoo.exceptions import AccessError


class ProductTemplate(models.Model):
    _inherit = "product.template"

    hstyle_brand = fields.Char(
        string="Brand",
        help="The brand of another maker. Empty for our own brand.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        templates = super().create(vals_list)
        templates._check_tier()
        return templates

    def write(self, vals):
        result = super().write(vals)
        if "grade_id" in vals:
            self._check_tier()
        return result

    def _check_tier(self):
        """Refuse the sale of tiers by others than CRM managers: a buyer gets the tier.

        A constraint would run as the superuser.
        """
        tiers = self.sudo().grade_id.filtered("is_tier")
        if tiers and not (self.env.su or self.env.user._is_crm_manager()):
            raise AccessError(self.env._("Only CRM managers sell member tiers."))
