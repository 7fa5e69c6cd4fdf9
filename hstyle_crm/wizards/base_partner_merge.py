from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge_loyalty_cards(self, src_partners, dst_partner):
        # Before the host adds up the points of the others: it knows of no rows.
        self.env["loyalty.card"]._merge_members(src_partners, dst_partner)
        self.env["hstyle.membership"]._merge_members(src_partners, dst_partner)
        self.env["hstyle.contact"]._merge_members(src_partners)
        self.env["hstyle.segment.member"]._merge_members(src_partners, dst_partner)
        self.env["hstyle.campaign.member"]._merge_members(src_partners, dst_partner)
        self.env["hstyle.referral"]._merge_members(src_partners, dst_partner)
        self.env["hstyle.redemption"]._merge_members(src_partners, dst_partner)
        self.env["hstyle.todo"]._merge_members(src_partners, dst_partner)
        self.env["hstyle.agent"]._merge_members(src_partners, dst_partner)
        return super()._merge_loyalty_cards(src_partners, dst_partner)
