from odoo import api, fields, models
from odoo.exceptions import UserError


class HstyleGoodwillGift(models.AbstractModel):
    """How goodwill is given: a half of `hstyle.goodwill`.

    Points go through their ledger, coupons and prices are the host's and ours.
    """

    _name = "hstyle.goodwill.gift"
    _description = "Giving goodwill"

    given_on = fields.Date(readonly=True)
    points = fields.Float(string="Points given", digits=(16, 2), readonly=True)
    card_id = fields.Many2one(
        comodel_name="loyalty.card",
        string="Card or coupon",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    grant_id = fields.Many2one(
        comodel_name="hstyle.price.grant",
        string="Price for a time",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    given_text = fields.Char(
        string="What was given", compute="_compute_given_text", compute_sudo=True
    )

    @api.depends("kind", "points", "card_id", "grant_id")
    def _compute_given_text(self):
        for goodwill in self:
            goodwill.given_text = False
            if goodwill.grant_id:
                goodwill.given_text = self.env._(
                    "%(pricelist)s until %(day)s",
                    pricelist=goodwill.grant_id.pricelist_id.name,
                    day=goodwill.grant_id.date_to,
                )
            elif goodwill.kind == "coupon":
                goodwill.given_text = goodwill.card_id.code
            elif goodwill.card_id:
                goodwill.given_text = goodwill.card_id._format_points(goodwill.points)

    def _give_points(self):
        program = self.env["loyalty.program"]._get_points_program(self.company_id)
        self.points = self._get_points(program.currency_id, program.point_value)
        words = self.with_context(lang=self.partner_id.lang).reason_id.name
        key = f"{self._name}:{self.id}"
        self.card_id = program._give_bonus(self.partner_id, self.points, words, key=key)

    def _give_coupon(self):
        program = self.company_id.hstyle_goodwill_program_id
        reward = program._get_goodwill_reward()
        self.points = self._get_points(program.currency_id, reward.discount)
        self.card_id = self.env["loyalty.card"].create(
            {
                "program_id": program.id,
                "partner_id": self.partner_id.id,
                "points": self.points,
                "expiration_date": self._get_last_day(),
            }
        )

    def _give_price(self):
        pricelist = self.company_id.hstyle_goodwill_pricelist_id
        if not pricelist:
            raise self._get_missing()
        self.grant_id = self.env["hstyle.price.grant"].create(
            {
                "partner_id": self.partner_id.id,
                "company_id": self.company_id.id,
                "pricelist_id": pricelist.id,
                "date_to": self._get_last_day(),
                "reason": self.reason_id.name,
            }
        )

    def _get_points(self, currency, worth):
        """Return how many points are worth the amount.

        :param worth: of a point, in a currency
        :raise UserError: if a point is worth nothing
        """
        if not worth:
            raise self._get_missing()
        company = self.company_id
        amount = company.currency_id._convert(
            self.amount, currency, company, company._hstyle_today()
        )
        return round(amount / worth, 2)

    def _get_last_day(self):
        days = self.company_id.hstyle_goodwill_days
        return fields.Date.add(self.company_id._hstyle_today(), days=days - 1)

    def _get_missing(self):
        return UserError(
            self.env._(
                "%s cannot give this yet: choose in the settings a program of points "
                "with a cost of a point, goodwill coupons or goodwill prices.",
                self.company_id.name,
            )
        )
