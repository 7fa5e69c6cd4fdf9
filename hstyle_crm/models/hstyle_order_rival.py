from odoo import api, fields, models


class HstyleOrderRival(models.AbstractModel):
    """A quotation tells of colleagues who have one open for the same customer."""

    _name = "hstyle.order.rival"
    _description = "Quotations of colleagues to the same customer"
    _inherit = ["hstyle.rival"]

    hstyle_rival_text = fields.Char(
        string="Colleagues' offers", compute="_compute_hstyle_rival_text"
    )

    @api.depends("partner_id", "user_id", "company_id", "state")
    def _compute_hstyle_rival_text(self):
        for order in self:
            offered = order.state in ("draft", "sent")
            customer = offered and order.partner_id.commercial_partner_id
            order.hstyle_rival_text = order._tell_rivals(customer)

    def _get_deal(self):
        leads = self.opportunity_id
        return self._origin | leads.sudo().order_ids.sudo(self.env.su), leads
