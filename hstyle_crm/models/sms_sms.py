from datetime import timedelta

from odoo import api, fields, models

from ..sms_api import SmsApiTencent
from .hstyle_consent import PURPOSES

#: What the provider would not take yet is tried again after this, for two days.
PAUSE = timedelta(minutes=15)
PATIENCE = timedelta(days=2)
_QUEUED = [("state", "=", "outgoing"), ("to_delete", "!=", True)]


class SmsSms(models.Model):
    """The queue of SMS: what goes to customers passes the contact gate here."""

    _inherit = "sms.sms"

    hstyle_purpose = fields.Selection(
        selection=PURPOSES,
        string="Purpose",
        help="What the message is to its customer. The contact gate asks for it.",
    )

    # Named as the host's next version will have it: whose provider sends this.
    record_company_id = fields.Many2one(
        comodel_name="res.company",
        string="Company",
        compute="_compute_record_company_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="set null",
    )
    retry_at = fields.Datetime(
        string="Next try",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Put off until then: the provider was out of reach, or its limit was.",
    )
    failure_type = fields.Selection(
        selection_add=[("hstyle_sms_text", "Text Not Approved")]
    )

    @api.depends("mailing_id")
    def _compute_record_company_id(self):
        for sms in self:
            company = sms.record_company_id or sms.mailing_id.user_id.company_id
            sms.record_company_id = company or self.env.company

    def _get_sms_company(self):
        company = self.mail_message_id.record_company_id or self.record_company_id
        return company or super()._get_sms_company()

    # === THE QUEUE === #

    @api.model
    def _process_queue(self):
        """Send the queue without a pause, and no SMS twice should it be killed."""
        self._resume()
        first = self.search(_QUEUED, limit=1, order="id")
        queue = self.with_context(hstyle_sms_queue=True)
        result = super(SmsSms, queue)._process_queue()
        left = self.search(_QUEUED, limit=1, order="id")
        if left and left != first:
            self._trigger_queue()
        return result

    def _trigger_queue(self, moment=None):
        self.env.ref("sms.ir_cron_sms_scheduler_action")._trigger(moment)

    @api.model
    def _resume(self):
        """Take up what was put off until now; give up what is two days old."""
        now = fields.Datetime.now()
        sms = self.search([("state", "=", "process"), ("retry_at", "<=", now)])
        old = sms.filtered(lambda s: s.create_date < now - PATIENCE)
        old._update_sms_state_and_trackers("error", failure_type="sms_server")
        (sms - old).state = "outgoing"
        sms.retry_at = False

    def _postpone(self, moment):
        """Put off SMS in the queue until a moment."""
        self.sudo().write({"state": "process", "retry_at": moment})
        self._trigger_queue(moment)

    # === SENDING === #

    def _split_by_api(self):
        """Yield (api, SMS): those of a company with an account by that account."""
        rest = self.browse()
        for company, sms in self.grouped(lambda s: s._get_sms_company()).items():
            if company.hstyle_sms_provider == "host":
                rest |= sms
                continue
            api_of_company = company._get_sms_api_class()(self.env)
            api_of_company._set_company(company)
            yield api_of_company, sms
        if rest:
            yield from super(SmsSms, rest)._split_by_api()

    def _send(self, unlink_failed=False, unlink_sent=True, raise_exception=False):
        """Send SMS of any companies; the host's queue takes them for one's."""
        options = {
            "unlink_failed": unlink_failed,
            "unlink_sent": unlink_sent,
            "raise_exception": raise_exception,
        }
        if self.env.context.get("sms_api"):
            return super()._send(**options)
        for sms_api, sms in self._split_by_api():
            for call in sms._split_calls(sms_api):
                claimed = call._claim(sms_api).with_context(sms_api=sms_api)
                if claimed:
                    super(SmsSms, claimed)._send(**options)
                if not self._save():
                    return None
        return None

    def _split_calls(self, sms_api):
        """Yield the SMS of one call to the provider after the other."""
        if not isinstance(sms_api, SmsApiTencent):
            yield self
            return
        sms_of = {sms.uuid: sms.id for sms in self}
        for call in sms_api.get_calls(self._get_messages()):
            yield self.browse(sms_of[uuid] for uuid in call.numbers.values())

    def _get_messages(self):
        """Return what the host hands to a provider."""
        return [
            {
                "content": body,
                "numbers": [{"number": s.number, "uuid": s.uuid} for s in sms],
            }
            for body, sms in self.grouped("body").items()
        ]

    def _claim(self, sms_api):
        """Return what is still to be sent, noted as failed until the answer.

        As the host does with mail: who finds it after a crash may send it again, the
        queue will not.
        """
        if not isinstance(sms_api, SmsApiTencent):
            return self
        sms = self.try_lock_for_update().filtered_domain(_QUEUED)
        if sms and self.env.context.get("hstyle_sms_queue"):
            sms.write({"state": "error", "failure_type": "sms_server"})
            self._save()
        return sms

    def _save(self):
        """Commit in the queue; return the seconds that it may go on."""
        if not self.env.context.get("hstyle_sms_queue"):
            return float("inf")
        return self.env["ir.cron"]._commit_progress()

    def _send_with_api(self, sms_api, **options):
        allowed = self._filter_gate()
        if not allowed:
            return None
        result = super(SmsSms, allowed)._send_with_api(sms_api, **options)
        allowed._forget_refused()
        postponed = getattr(sms_api, "postponed", set())
        sms = allowed.filtered(lambda s: s.uuid in postponed)
        if sms:
            sms._postpone(fields.Datetime.now() + PAUSE)
        return result

    def _forget_refused(self):
        """Count what the provider refused as no offer: nobody got it.

        After an error of the server nobody knows.
        """
        refused = self.exists().filtered(
            lambda s: s.state == "error" and s.failure_type != "sms_server"
        )
        keys = [f"sms:{sms.id}" for sms in refused]
        self.env["hstyle.contact"].sudo()._release(keys)

    def _handle_call_result_hook(self, results):
        """Remember the provider's serial: its report of the delivery names it."""
        serials = {result["uuid"]: result.get("serial") for result in results}
        for tracker in self.sms_tracker_id:
            if serials.get(tracker.sms_uuid):
                tracker.hstyle_serial = serials[tracker.sms_uuid]
        return super()._handle_call_result_hook(results)

    # === THE CONTACT GATE === #

    def _filter_gate(self):
        """Return the messages that may go now; the others wait or are cancelled."""
        messages = self._prepare_messages()
        refusals = self.env["res.partner"].sudo()._pass_gate(messages)
        by_reason = self.grouped(lambda sms: refusals.get(f"sms:{sms.id}"))
        for reason, kept_back in by_reason.items():
            kept_back -= kept_back._wait(reason, messages)
            if reason and kept_back:
                failure = "sms_blacklist" if reason == "blacklisted" else "sms_optout"
                kept_back._update_sms_state_and_trackers("canceled", failure)
        return by_reason.get(None, self.browse())

    def _wait(self, reason, messages):
        """Put off what may wait for the morning or for tomorrow; return it."""
        by_key = {message["key"]: message for message in messages}
        waiting = self.browse()
        for sms in self if reason else waiting:
            message = by_key[f"sms:{sms.id}"]
            partner = self.env["res.partner"].browse(message["partner_id"])
            if partner._may_wait(message, reason):
                sms._postpone(partner._get_next_chance(message["company"], reason))
                waiting += sms
        return waiting

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
                "company": sms._get_sms_company(),
                "what": sms.body or "",
                "campaign_id": sms.mailing_id.campaign_id.id,
                "patient": not sms.mailing_id,
            }
            for sms in judged.sorted("id")
            if customers.get(sms)
        ]

    def _get_purpose(self):
        """Return the purpose of a message to customers, or nothing."""
        return self.hstyle_purpose or (self.mailing_id and "marketing")

    def _get_customers(self):
        """Return message → id of the person who gets it, by document or by number."""
        unknown = self.filtered(lambda sms: not sms.partner_id)
        domain = [("phone_sanitized", "in", unknown.mapped("number"))]
        people = self.env["res.partner"].sudo().with_context(active_test=False)
        found = people.search(domain, order="active, id desc")
        ids = {partner.phone_sanitized: partner.id for partner in found}
        return {sms: sms.partner_id.id or ids.get(sms.number) for sms in self}
