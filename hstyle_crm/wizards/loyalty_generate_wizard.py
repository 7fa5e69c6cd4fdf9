from odoo import models
from odoo.exceptions import UserError


class LoyaltyGenerateWizard(models.TransientModel):
    _inherit = "loyalty.generate.wizard"

    def generate_coupons(self):
        managed = self.filtered(lambda wizard: wizard.program_id.managed)
        cards = self.env["loyalty.card"]
        for wizard in managed:
            cards |= wizard._give_bonus()
        others = self - managed
        return cards | super(LoyaltyGenerateWizard, others).generate_coupons()

    def _give_bonus(self):
        """Give the chosen customers a bonus on the cards that they have, or get.

        :raise UserError: without customers, or for who may not set balances
        """
        self.ensure_one()
        self.env["loyalty.card"]._check_keeper()
        partners = self._get_partners()
        if not partners:
            raise UserError(
                self.env._("Choose the customers: points belong to members by name.")
            )
        reason = self.description or self.env._("Gift for customer")
        return self.program_id._give_bonus(partners, self.points_granted, reason)
