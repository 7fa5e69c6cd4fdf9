from odoo import api, fields, models


class SmsTracker(models.Model):
    _inherit = "sms.tracker"

    hstyle_serial = fields.Char(
        string="Provider's serial", readonly=True, index="btree_not_null"
    )

    @api.model
    def _report(self, errors):
        """Note what was delivered: {serial: None, or (error, reason)}."""
        for tracker in self.search([("hstyle_serial", "in", list(errors))]):
            error = errors[tracker.hstyle_serial]
            if not error:
                tracker._action_update_from_sms_state("sent")
                continue
            known = tracker.with_context(sms_known_failure_reason=error[1])
            known._action_update_from_provider_error(error[0])
