from odoo import api, models


class ProductPricelist(models.Model):
    _inherit = "product.pricelist"

    def _get_partner_pricelist_multi_search_domain_hook(self, company_id):
        """Keep the pricelists of tiers from customers who have none of their own.

        The host falls back on the first pricelist there is.
        """
        domain = super()._get_partner_pricelist_multi_search_domain_hook(company_id)
        tiers = self.env["res.partner.grade"].sudo().with_context(active_test=False)
        priced = tiers.search(
            [("is_tier", "=", True), ("default_pricelist_id", "!=", False)]
        )
        return [*domain, ("id", "not in", priced.default_pricelist_id.ids)]

    @api.model
    def _get_partner_pricelist_multi(self, partner_ids):
        """Put prices that are granted for a time before all others."""
        pricelists = super()._get_partner_pricelist_multi(partner_ids)
        if pricelists:
            pricelists.update(
                self.env["hstyle.price.grant"]._get_pricelists(partner_ids)
            )
        return pricelists
