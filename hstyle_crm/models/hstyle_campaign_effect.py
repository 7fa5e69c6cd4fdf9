from odoo import fields, models

GOALS = [("revenue", "Net revenue"), ("orders", "Orders"), ("buyers", "Buyers")]
VERDICTS = [
    ("none", "No control group: no proof"),
    ("small", "Too few to judge"),
    ("open", "Not significant"),
    ("gain", "Significant gain"),
    ("loss", "Significant loss"),
]


class HstyleCampaignEffect(models.Model):
    """How much more the persons of one group bought than those of another.

    Written by the measurement of the campaign.
    """

    _name = "hstyle.campaign.effect"
    _description = "Effect of a campaign"
    _order = "campaign_id desc, pair, id"
    _rec_name = "measure"
    _log_access = False

    campaign_id = fields.Many2one(
        comodel_name="utm.campaign",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    pair = fields.Selection(
        selection=[
            ("control", "Treated against control group"),
            ("variant", "A against B"),
        ],
        string="Comparison",
        required=True,
        readonly=True,
    )
    measure = fields.Selection(
        selection=[*GOALS, ("margin", "Margin")], required=True, readonly=True
    )
    first = fields.Float(
        string="A person of the first", digits=(16, 3), readonly=True, aggregator=None
    )
    second = fields.Float(
        string="A person of the second", digits=(16, 3), readonly=True, aggregator=None
    )
    difference = fields.Float(digits=(16, 3), readonly=True, aggregator=None)
    low = fields.Float(
        string="95 % from", digits=(16, 3), readonly=True, aggregator=None
    )
    high = fields.Float(
        string="95 % to", digits=(16, 3), readonly=True, aggregator=None
    )
    p = fields.Float(
        string="Chance",
        digits=(6, 4),
        readonly=True,
        aggregator=None,
        help="How often chance alone makes a difference as large; below 0.05 is "
        "called significant.",
    )
    verdict = fields.Selection(selection=VERDICTS, required=True, readonly=True)
    gained = fields.Float(
        string="Gained in all",
        digits=(16, 2),
        readonly=True,
        help="The difference times the persons of the first group.",
    )
