from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class HstyleOrderReferral(models.AbstractModel):
    """The code of who brought the customer: a half of sale.order."""

    _name = "hstyle.order.referral"
    _description = "Referral of orders"

    referral_code = fields.Char(
        copy=False,
        help="The code of the friend or campus agent who brought the customer.",
    )
    referral_touched_on = fields.Datetime(
        string="Link opened on",
        readonly=True,
        copy=False,
        help="Set if the code came by a link.",
    )
    referral_text = fields.Char(
        string="Referral",
        compute="_compute_referral_text",
        compute_sudo=True,
        # Customers read their orders, too.
        groups="base.group_user",
    )

    @api.depends("partner_id", "referral_code", "state")
    def _compute_referral_text(self):
        for order in self:
            order.referral_text = order._describe_referral()

    def _describe_referral(self):
        """Return who brought the customer; or why the code will not count."""
        found = self._find_referral()
        name = found.referrer_id.display_name
        if not found:
            return False
        if found.state == "rejected":
            why = found._explain([found.reason])
            return self.env._(
                "The code of %(name)s does not count: %(why)s", name=name, why=why
            )
        return self.env._("Brought by %s", name)

    def _find_referral(self):
        """Return the customer's referral, or one as the code will give it, or none."""
        referrals = self.env["hstyle.referral"]
        friend, company = self.partner_id.commercial_partner_id, self.company_id
        code = self.env["hstyle.referral.code"]._find(self.referral_code)
        standing = referrals._find_standing(friend, code.partner_id, company)
        programs = self.env["hstyle.referral.program"]
        program = programs._get_open(company, company._hstyle_today())
        if standing or not (code and program and friend):
            return standing
        touched_on = self.referral_touched_on or fields.Datetime.now()
        values = {"source": "order", "touched_on": touched_on}
        order = self._origin
        return referrals._draft(code, friend, company, program, values, order)

    @api.constrains("referral_code")
    def _check_referral_code(self):
        codes = self.env["hstyle.referral.code"]
        for order in self.filtered("referral_code"):
            if not codes._find(order.referral_code):
                raise ValidationError(
                    self.env._(
                        "There is no referral code “%s”. Ask the customer for it "
                        "again, or leave it out.",
                        order.referral_code,
                    )
                )

    def _claim_referrals(self):
        """Let the customers of orders be referred by the codes on them.

        A code that does not count keeps nobody from ordering: it is noted.
        """
        for order in self.sudo().filtered("referral_code"):
            touched_on = order.referral_touched_on
            source = "link" if touched_on else "order"
            try:
                self.env["hstyle.referral"]._claim(
                    order.referral_code, order.partner_id, source, touched_on, order
                )
            except UserError as error:
                order.message_post(body=str(error))

    def _get_hold_start(self):
        """Return the day from which the return window counts, or None.

        A hook: an addon that knows of deliveries waits for one.
        """
        self.ensure_one()
        return self.company_id._hstyle_day(self.date_order)

    def _get_kept_total(self):
        """Return what is kept of the order, with taxes, in the company's currency."""
        self.ensure_one()
        return self.amount_total * self._get_kept_share() / (self.currency_rate or 1)
