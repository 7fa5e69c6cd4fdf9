from odoo import models
from odoo.tools import float_round

from ..tools import proof


class HstyleCampaignWords(models.AbstractModel):
    """What a campaign can show and has shown, in words for who pays for it."""

    _name = "hstyle.campaign.words"
    _description = "Words on a campaign"

    def _get_sizes(self, total):
        """Return how many of an audience will be treated and be controls."""
        drawn = total * (1 - self.company_id.hstyle_control_share / 100)
        control = round(drawn * self.hstyle_holdout / 100)
        return round(drawn) - control, control

    def _get_preview(self, past):
        """Return what the groups of the plan can show, from the audience's past."""
        total = past.buyers.size
        treated, control = self._get_sizes(total)
        lines = [
            self.env._(
                "%(total)s customers: %(treated)s will be treated, %(control)s are the "
                "control group, %(others)s are in the control group of all campaigns.",
                total=total,
                treated=treated,
                control=control,
                others=total - treated - control,
            ),
            self.env._(
                "In the %(days)s days before today %(buyers)s of them bought, for "
                "%(each)s a customer on average.",
                days=self.hstyle_days,
                buyers=round(past.buyers.total),
                each=self.currency_id.format(past.revenue.mean),
            ),
            self._get_smallest(past, treated, control),
        ]
        return "\n".join(lines)

    def _get_smallest(self, past, treated, control):
        """Return the smallest effect that can be seen, in words."""
        if not control or not treated:
            return self.env._(
                "Without a control group nothing can be proven: what the customers "
                "buy, they might have bought anyway."
            )
        sample = getattr(past, self.hstyle_goal)
        if not sample.variance:
            return self.env._(
                "They all bought alike, or nothing: their past cannot tell the "
                "smallest effect that they will show."
            )
        effect = proof.get_smallest_effect(treated, control, sample.variance**0.5)
        show = self.env["hstyle.proof"]._get_show(self.hstyle_goal, self.currency_id)
        share = 100 * effect / sample.mean if sample.mean else 0
        text = self.env._(
            "The smallest effect that they will most likely show is %(effect)s a "
            "customer (%(share)s %%), %(all)s in all; a smaller one will read as not "
            "significant.",
            effect=show(effect),
            share=round(share, 1),
            all=float_round(effect * treated, precision_digits=0),
        )
        groups = (
            proof.Figures(*(part.resize(size) for part in past))
            for size in (treated, control)
        )
        if proof.is_judgeable(*groups):
            return text
        return (
            text
            + "\n"
            + self.env._(
                "The control group is too small to judge amounts of money: a few large "
                "customers would decide. Widen the audience or enlarge the control "
                "group."
            )
        )

    def _get_result_words(self):
        """Return the lines of the result in words."""
        lines = []
        if not self.hstyle_ended:
            lines.append(
                self.env._(
                    "Interim result, before the end on %s: who looks often, takes "
                    "chance for an effect sooner or later. Only the last one counts.",
                    self.hstyle_last_day,
                )
            )
        proven = self.hstyle_effect_ids.filtered(lambda e: e.pair == "control")
        effect = proven.filtered(lambda e: e.measure == self.hstyle_goal)
        lines += self._get_proof_words(effect) if effect else [self._get_no_proof()]
        if self.hstyle_response:
            lines.append(
                self.env._(
                    "%s %% of the treated redeemed a coupon.",
                    round(self.hstyle_response, 1),
                )
            )
        return lines

    def _get_no_proof(self):
        return self.env._(
            "No control group: no proof. What these customers bought, they might have "
            "bought anyway."
        )

    def _get_proof_words(self, effect):
        """Return what the goal's effect says, what it brought and what it cost."""
        proofs = self.env["hstyle.proof"]
        show = proofs._get_show(self.hstyle_goal, self.currency_id)
        numbers = (effect.difference, effect.low, effect.high)
        lines = [proofs._explain(effect.verdict, *numbers, show)]
        if self.hstyle_target:
            lines.append(
                self.env._(
                    "Target: %(target)s more; measured: %(gained)s.",
                    target=self.hstyle_target,
                    gained=float_round(self.hstyle_gained, precision_digits=2),
                )
            )
        money = {
            "margin": self.currency_id.format(self.hstyle_gained_margin),
            "cost": self.currency_id.format(self.hstyle_cost),
        }
        if effect.verdict in ("gain", "loss"):
            text = self.env._("Margin gained: %(margin)s; cost: %(cost)s.", **money)
        else:
            text = self.env._(
                "Margin gained, if it were not chance: %(margin)s; cost: %(cost)s.",
                **money,
            )
        return [*lines, text]
