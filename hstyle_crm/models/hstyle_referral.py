from odoo import fields, models

STATES = [
    ("referred", "Referred"),
    ("review", "To review"),
    ("hold", "On hold"),
    ("rewarded", "Rewarded"),
    ("rejected", "Rejected"),
]
SOURCES = [
    ("link", "Link or QR code"),
    ("order", "Code on the order"),
    ("staff", "Told to staff"),
]


class HstyleReferral(models.Model):
    """A friend whom a customer or an agent brought: one referrer, for ever.

    Written by `_claim` and `_advance` alone.
    """

    _name = "hstyle.referral"
    _description = "Referral"
    _order = "claimed_on desc, id desc"
    _rec_name = "friend_id"

    program_id = fields.Many2one(
        comodel_name="hstyle.referral.program",
        string="Programme",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    referrer_id = fields.Many2one(
        comodel_name="res.partner",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    agent_id = fields.Many2one(
        comodel_name="hstyle.agent",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Set if the referrer was an active agent then.",
    )
    campus_id = fields.Many2one(related="agent_id.campus_id", store=True, index=True)
    friend_id = fields.Many2one(
        comodel_name="res.partner",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    source = fields.Selection(selection=SOURCES, required=True, readonly=True)
    touched_on = fields.Datetime(string="First touch", required=True, readonly=True)
    claimed_on = fields.Datetime(required=True, readonly=True)
    state = fields.Selection(
        selection=STATES, required=True, readonly=True, default="referred"
    )
    order_id = fields.Many2one(
        comodel_name="sale.order",
        string="First order",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    hold_until = fields.Date(
        string="On hold until",
        readonly=True,
        help="Last day of the return window of the first order.",
    )
    rewarded_on = fields.Date(readonly=True)
    friend_points = fields.Float(string="Welcome points", readonly=True)
    referrer_points = fields.Float(string="Reward points", readonly=True)
