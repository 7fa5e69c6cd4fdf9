from odoo import api, fields, models

from .hstyle_consent import PURPOSES


class SmsSms(models.Model):
    """The queue of SMS: what goes to customers passes the contact gate here."""

    _inherit = "sms.sms"

    hstyle_purpose = fields.Selection(
        selection=PURPOSES,
        string="Purpose",
        help="What the message is to its customer. The contact gate asks for it.",
    )
    hstyle_company_id = fields.Many2one(
        comodel_name="res.company",
        string="Sender",
        help="The company that writes, whose consents count.",
    )
    hstyle_waits = fields.Boolean(
        string="Waits", help="Until the customer's night is over."
    )

    def _send(self, unlink_failed=False, unlink_sent=True, raise_exception=False):
        allowed = self._filter_gate()
        if not allowed:
            return None
        return super(SmsSms, allowed)._send(
            unlink_failed=unlink_failed,
            unlink_sent=unlink_sent,
            raise_exception=raise_exception,
        )

    # === THE CONTACT GATE === #

    def _filter_gate(self):
        """Return the messages that may go now; the others wait or are cancelled."""
        messages = self._prepare_messages()
        refusals = self.env["res.partner"].sudo()._pass_gate(messages)
        by_reason = self.grouped(lambda sms: refusals.get(f"sms:{sms.id}"))
        for reason, kept_back in by_reason.items():
            if reason == "quiet":
                # Out of the queue, whose head they would block.
                kept_back.write({"state": "canceled", "hstyle_waits": True})
            elif reason:
                failure = "sms_blacklist" if reason == "blacklisted" else "sms_optout"
                kept_back._update_sms_state_and_trackers("canceled", failure)
        return by_reason.get(None, self.browse())

    def _prepare_messages(self):
        """Return what the gate must know of those messages that it judges."""
        judged = self.filtered(lambda sms: sms._get_purpose())
        customers = judged._get_customers()
        return [
            {
                "key": f"sms:{sms.id}",
                "partner_id": customers[sms],
                "channel": "sms",
                "purpose": sms._get_purpose(),
                "company": sms._get_sender(),
                "what": sms.body or "",
                "campaign_id": sms.mailing_id.campaign_id.id,
            }
            for sms in judged.sorted("id")
            if customers.get(sms)
        ]

    def _get_purpose(self):
        """Return the purpose of a message to customers, or nothing."""
        return self.hstyle_purpose or (self.mailing_id and "marketing")

    def _get_sender(self):
        """Return the company that writes."""
        return (
            self.hstyle_company_id
            or self.mail_message_id.record_company_id
            or self.mailing_id.user_id.company_id
            or self.env.company
        )

    def _get_customers(self):
        """Return message → id of the person who gets it, by document or by number."""
        unknown = self.filtered(lambda sms: not sms.partner_id)
        domain = [("phone_sanitized", "in", unknown.mapped("number"))]
        people = self.env["res.partner"].sudo().with_context(active_test=False)
        found = people.search(domain, order="active, id desc")
        ids = {partner.phone_sanitized: partner.id for partner in found}
        return {sms: sms.partner_id.id or ids.get(sms.number) for sms in self}

    @api.model
    def _cron_resume(self):
        """Put back into the queue what waited for the end of the night.

        Where it is still night the gate lets it wait again.
        """
        waiting = self.search([("hstyle_waits", "=", True)])
        waiting.write({"state": "outgoing", "hstyle_waits": False})
        if waiting:
            self.env.ref("sms.ir_cron_sms_scheduler_action")._trigger()
