from odoo import api, fields, models
from odoo.tools import SQL


class HstyleReferralProgram(models.Model):
    """What a campaign gives to customers who bring friends, and to the friends."""

    _name = "hstyle.referral.program"
    _description = "Referral programme"
    _inherit = ["hstyle.referral.program.words"]
    _order = "date_from desc, id desc"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    date_from = fields.Date(
        string="From", required=True, default=fields.Date.context_today
    )
    date_to = fields.Date(string="Until", help="Empty: without end.")
    friend_points = fields.Float(
        string="Welcome points", default=100, help="For the friend."
    )
    referrer_points = fields.Float(
        string="Reward points",
        default=100,
        help="For the customer who referred. Agents get commission instead.",
    )
    minimum = fields.Monetary(
        string="Smallest order", help="Of which so much is kept, with taxes."
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    window_days = fields.Integer(
        string="A link holds (days)",
        default=30,
        required=True,
        help="From the first touch of a link until the friend signs up or orders.",
    )
    cap = fields.Integer(
        string="Rewards a year", default=20, help="For one referrer; 0: without limit."
    )
    budget = fields.Float(string="Budget of points", help="0: without limit.")
    velocity = fields.Integer(
        string="Friends a day", default=10, help="More are held for a review."
    )
    spent = fields.Float(string="Points given", readonly=True, copy=False)
    referral_ids = fields.One2many(
        comodel_name="hstyle.referral", inverse_name="program_id", string="Referrals"
    )

    _dates_valid = models.Constraint(
        "CHECK (date_to >= date_from)", "A programme ends after it starts."
    )
    _numbers_positive = models.Constraint(
        "CHECK (friend_points >= 0 AND referrer_points >= 0 AND minimum >= 0"
        " AND window_days > 0 AND cap >= 0 AND budget >= 0 AND velocity > 0)",
        "Points, amounts and numbers of a programme are not below zero.",
    )

    @api.model
    def _get_open(self, company, day):
        """Return the programme of a company on a day, the latest; or none."""
        domain = [
            ("company_id", "in", company.sudo().parent_ids.ids),
            ("date_from", "<=", day),
            "|",
            ("date_to", "=", False),
            ("date_to", ">=", day),
        ]
        return self.sudo().search(domain, limit=1)

    # === LIMITS === #

    def _is_below_cap(self, referral):
        """Tell whether a referrer may get one more reward this year."""
        year = referral._get_today().replace(month=1, day=1)
        domain = [
            ("program_id", "=", self.id),
            ("referrer_id", "=", referral.referrer_id.id),
            ("rewarded_on", ">=", year),
            ("referrer_points", ">", 0),
        ]
        return not self.cap or self.referral_ids.search_count(domain) < self.cap

    def _spend(self, points):
        """Take points from the budget; tell whether they were there.

        The update makes two jobs at once wait for each other, so that cap and budget
        hold.
        """
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_referral_program
                   SET spent = COALESCE(spent, 0) + %(points)s
                 WHERE id = %(id)s
                   AND (COALESCE(budget, 0) = 0
                        OR COALESCE(spent, 0) + %(points)s <= budget)
                """,
                points=points,
                id=self.id,
            )
        )
        self.invalidate_recordset(["spent"])
        return bool(self.env.cr.rowcount)
