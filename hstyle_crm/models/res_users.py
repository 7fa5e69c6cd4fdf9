from odoo import api, models
from odoo.http import request

from .hstyle_referral_touch import COOKIE


class ResUsers(models.Model):
    _inherit = "res.users"

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        domain = [("partner_id", "in", users.partner_id.ids)]
        self.env["hstyle.agent"].sudo().search(domain)._open_portal()
        return users

    def write(self, vals):
        leavers = self.filtered("active") if vals.get("active") is False else self[:0]
        result = super().write(vals)
        leavers._tell_what_is_open()
        return result

    def _tell_what_is_open(self):
        """Tell the CRM managers what a colleague who left had open with customers."""
        wizards = self.env["hstyle.customer.handover"].sudo()
        for user in self.filtered(lambda user: not user.share):
            for company in user.company_ids:
                leaving = wizards.new({"user_id": user.id, "company_id": company.id})
                if any(leaving._get_open()):
                    self._tell_crm_managers(
                        self.env._("%s left: hand the customers over", user.name),
                        self.env._(
                            "Still open in %(company)s: %(summary)s. Choose who takes "
                            "over under Sell, Hand customers over.",
                            company=company.name,
                            summary=leaving.summary,
                        ),
                        company,
                    )

    def _is_crm_manager(self):
        """Tell whether the user is a CRM manager."""
        return self.has_group("hstyle_crm.hstyle_crm_group_manager")

    @api.model
    def _get_crm_managers(self):
        """Return the CRM managers, those with access to more included."""
        group = self.env.ref("hstyle_crm.hstyle_crm_group_manager")
        return group.sudo().all_user_ids.filtered("active")

    @api.model
    def _tell_crm_managers(self, subject, body, company=None):
        """Send a message to the CRM managers, all or of a company, who act."""
        managers = self._get_crm_managers()
        if company:
            managers = managers.filtered(lambda user: company in user.company_ids)
        self.env["mail.thread"].sudo().message_notify(
            partner_ids=managers.partner_id.ids,
            subject=subject,
            body=body,
        )

    @api.model
    def _signup_create_user(self, values):
        """Remember who referred the visitor; who only logs in does not come here."""
        user = super()._signup_create_user(values)
        if request:
            touch = request.cookies.get(COOKIE)
            self.env["hstyle.referral.code"]._claim_touch(touch, user.partner_id)
        return user
