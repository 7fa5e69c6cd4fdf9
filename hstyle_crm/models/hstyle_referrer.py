from odoo import api, fields, models


class HstyleReferrer(models.AbstractModel):
    """Who brought a customer, and whom the customer brought: a half of res.partner."""

    _name = "hstyle.referrer"
    _description = "Referrer"

    referral_code = fields.Char(
        compute="_compute_referral_code",
        compute_sudo=True,
        groups="hstyle_crm.hstyle_crm_group_user",
        help="Friends give it with their first order.",
    )
    referral_link = fields.Char(
        compute="_compute_referral_code",
        compute_sudo=True,
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_referral_ids = fields.One2many(
        comodel_name="hstyle.referral",
        inverse_name="referrer_id",
        string="Friends brought",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_referred_ids = fields.One2many(
        comodel_name="hstyle.referral",
        inverse_name="friend_id",
        string="Brought by",
        groups="hstyle_crm.hstyle_crm_group_user",
    )

    @api.depends_context("company")
    def _compute_referral_code(self):
        codes = self.env["hstyle.referral.code"]
        for partner in self:
            customer = partner.commercial_partner_id
            code = codes.search([("partner_id", "=", customer.id)], limit=1)
            partner.referral_code = code.code
            partner.referral_link = code._get_link(self.env.company)

    def action_referral_code(self):
        """Give the customer a code of its own."""
        self.ensure_one()
        self.check_access("read")
        # An employee without a role reads customers, too.
        self.env["hstyle.referral"].check_access("read")
        self.env["hstyle.referral.code"]._get_code(self)
        self.invalidate_recordset(["referral_code", "referral_link"])
