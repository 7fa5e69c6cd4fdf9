from odoo import models


class RatingRating(models.Model):
    _inherit = "rating.rating"

    def write(self, vals):
        answered = self.filtered(lambda r: vals.get("consumed") and not r.consumed)
        result = super().write(vals)
        answered._award_points()
        return result

    def _award_points(self):
        """Thank customers for their answers."""
        # Customers answer by the public pages; what an employee enters is no answer.
        for rating in self if self.env.su else self.browse():
            partner = rating.partner_id
            if partner and partner.partner_share:
                partner._award_event(
                    "rating_points",
                    f"rating:{rating.res_model}:{rating.res_id}",
                    self.env._("Thank you for your answer"),
                )
