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

    def _is_crm_manager(self):
        """Tell whether the user is a CRM manager."""
        return self.has_group("hstyle_crm.hstyle_crm_group_manager")

    @api.model
    def _get_crm_managers(self):
        """Return the CRM managers, those with access to more included."""
        group = self.env.ref("hstyle_crm.hstyle_crm_group_manager")
        return group.sudo().all_user_ids.filtered("active")

    @api.model
    def _tell_crm_managers(self, subject, body):
        """Send a message to the CRM managers: something needs a person."""
        self.env["mail.thread"].sudo().message_notify(
            partner_ids=self._get_crm_managers().partner_id.ids,
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
