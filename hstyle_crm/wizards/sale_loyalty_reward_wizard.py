from odoo import api, fields, models


class SaleLoyaltyRewardWizard(models.TransientModel):
    _inherit = "sale.loyalty.reward.wizard"

    is_free_choice = fields.Boolean(compute="_compute_points_most")
    points_most = fields.Float(
        string="At most", digits=(16, 2), compute="_compute_points_most"
    )
    points_wanted = fields.Float(
        string="Points to spend",
        digits=(16, 2),
        compute="_compute_points_wanted",
        store=True,
        readonly=False,
    )

    def _compute_claimable_reward_ids(self):
        result = super()._compute_claimable_reward_ids()
        for wizard in self:
            wizard.reward_ids |= wizard.order_id._get_free_rewards()
        return result

    @api.depends("selected_reward_id")
    def _compute_points_most(self):
        for wizard in self:
            reward = wizard.selected_reward_id
            wizard.is_free_choice = bool(reward) and reward._is_free_choice()
            wizard.points_most = (
                wizard.is_free_choice and wizard.order_id._get_most_points(reward)
            )

    @api.depends("points_most")
    def _compute_points_wanted(self):
        for wizard in self:
            wizard.points_wanted = wizard.points_most

    def action_apply(self):
        if self.is_free_choice:
            self.order_id._choose_points(self.selected_reward_id, self.points_wanted)
            return True
        return super().action_apply()
