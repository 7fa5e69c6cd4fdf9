from odoo import models
from odoo.tools import format_amount

from ..tools.days import say_day


class HstyleReferralWords(models.AbstractModel):
    """What a referrer reads of a friend: a part of hstyle.referral.

    When the friend came and how far it is; never who it is, nor what speaks against it.
    """

    _name = "hstyle.referral.words"
    _description = "Words on a referral"

    def _describe_friend(self):
        """Return what stands for the friend's name."""
        day = self.company_id._hstyle_day(self.claimed_on)
        return self.env._("Friend of %s", say_day(day, self.env.lang))

    def _describe_state(self):
        """Return how far the referral is, in words."""
        if self.state == "hold":
            return self._describe_hold()
        if self.state == "rewarded":
            return self._describe_reward()
        return {
            "referred": self.env._("No order yet"),
            "review": self.env._("Being checked"),
            "rejected": self.env._(
                "Does not count: the conditions of the programme are not met"
            ),
        }[self.state]

    def _describe_hold(self):
        if not self.hold_until:
            return self.env._("On hold: the return time starts with the delivery")
        return self.env._("On hold until %s", say_day(self.hold_until, self.env.lang))

    def _describe_reward(self):
        if self.referrer_points:
            points = f"{self.referrer_points:g}"
            return self.env._("Kept: %s points for you", points)
        texts = {
            "cap": self.env._("Kept; your rewards of the year are used up"),
            "budget": self.env._("Kept; the points of the programme are used up"),
        }
        return texts.get(self.reason) or self.env._("Kept")


class HstyleReferralProgramWords(models.AbstractModel):
    """What a programme promises: a part of hstyle.referral.program."""

    _name = "hstyle.referral.program.words"
    _description = "Words on a referral programme"

    def _describe_welcome(self):
        """Return what a friend gets the welcome points for."""
        if not self.minimum:
            return self.env._(
                "welcome points for your first order. You get them when its return "
                "time is over."
            )
        return self.env._(
            "welcome points for your first order of at least %s. You get them when "
            "its return time is over.",
            self._format_minimum(),
        )

    def _describe_rewards(self):
        """Return what the friend and who refers get."""
        points = {
            "friend": f"{self.friend_points:g}",
            "referrer": f"{self.referrer_points:g}",
        }
        if not self.minimum:
            return self.env._(
                "Your friend gets %(friend)s points, and you get %(referrer)s: for "
                "your friend's first order, when its return time is over.",
                **points,
            )
        return self.env._(
            "Your friend gets %(friend)s points, and you get %(referrer)s: for your "
            "friend's first order of at least %(minimum)s, when its return time is "
            "over.",
            **points,
            minimum=self._format_minimum(),
        )

    def _describe_cap(self):
        return self.cap and self.env._("At most %s rewards a year.", self.cap)

    def _format_minimum(self):
        return format_amount(self.env, self.minimum, self.currency_id)
