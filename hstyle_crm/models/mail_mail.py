from psycopg2.extensions import TRANSACTION_STATUS_INERROR

from odoo import api, fields, models
from odoo.tools import email_normalize, hmac, urls

from .hstyle_consent import PURPOSES

#: Failures that are of one mail: the next may well go out.
_OWN_FAULT = {"mail_email_invalid", "mail_email_missing"}


class MailMail(models.Model):
    """The queue of mails: what goes to customers passes the contact gate here."""

    _inherit = "mail.mail"

    hstyle_purpose = fields.Selection(
        selection=PURPOSES,
        string="Purpose",
        help="What the mail is to its customer. The contact gate asks for it.",
    )

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        allowed = self._filter_gate()
        return super(MailMail, allowed).send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            post_send_callback=post_send_callback,
        )

    # === THE QUEUE === #

    @api.model
    def process_email_queue(self, email_ids=(), batch_size=1000):
        """Drain the queue: the host would send a thousand, and wait for an hour.

        Where nothing goes out, the server is at fault: the rest is left to the host's
        next run, and neither tried nor failed at once.
        """
        done = []
        queue = self.with_context(hstyle_done=done)
        result = super(MailMail, queue).process_email_queue(email_ids, batch_size)
        if done and not email_ids:
            self._continue_queue()
        return result

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        if not failure_type or failure_type in _OWN_FAULT:
            self.env.context.get("hstyle_done", []).extend(self.ids)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason, failure_type
        )

    def _continue_queue(self):
        """Let the queue run again at once if mail is due."""
        cr = self.env.cr
        if cr.connection.get_transaction_status() == TRANSACTION_STATUS_INERROR:
            # The host has logged it; all mail before it was committed.
            cr.rollback()
        now = fields.Datetime.now()
        due = [("scheduled_date", "=", False), ("scheduled_date", "<=", now)]
        if self.search(["&", ("state", "=", "outgoing"), "|", *due], limit=1):
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    # === THE CONTACT GATE === #

    def _filter_gate(self):
        """Return the mails that may go now; the others wait or are cancelled."""
        messages = self._prepare_messages()
        if not messages:
            return self
        partners = self.env["res.partner"].sudo()
        refusals = partners._pass_gate(messages)
        by_key = {message["key"]: message for message in messages}
        kept_back = self.browse()
        for mail in self:
            if reason := refusals.get(f"mail:{mail.id}"):
                mail._keep_back(reason, by_key[f"mail:{mail.id}"])
                kept_back += mail
        return self - kept_back

    def _keep_back(self, reason, message):
        """Let a mail wait for the morning or for tomorrow, or cancel it."""
        partner = self.env["res.partner"].browse(message["partner_id"])
        if partner._may_wait(message, reason):
            chance = partner._get_next_chance(message["company"], reason)
            self.scheduled_date = chance
            return
        reasons = dict(
            self.env["hstyle.contact"]
            ._fields["reason"]
            ._description_selection(self.env)
        )
        self.write({"state": "cancel", "failure_reason": reasons[reason]})
        self.mailing_trace_ids.set_canceled()

    def _prepare_messages(self):
        """Return what the gate must know of those mails that it judges."""
        # The host sends no others, whatever it is given.
        outgoing = self.filtered(lambda mail: mail.state == "outgoing")
        judged = outgoing.filtered(lambda mail: mail._get_purpose())
        customers = judged._get_customers()
        return [
            {
                "key": f"mail:{mail.id}",
                "partner_id": customers[mail],
                "channel": "email",
                "purpose": mail._get_purpose(),
                "company": mail._get_sender(),
                "what": mail.subject or "",
                "campaign_id": mail.mailing_id.campaign_id.id,
                "patient": not mail.mailing_id,
            }
            for mail in judged.sorted("id")
            if customers.get(mail)
        ]

    def _get_purpose(self):
        """Return the purpose of a mail to customers, or nothing.

        A mailing is an offer; one without traces is a test to colleagues.
        """
        return self.hstyle_purpose or (self.mailing_trace_ids and "marketing")

    def _get_sender(self):
        """Return the company that writes."""
        company = self.record_company_id or self.mailing_id.user_id.company_id
        if company or not self.res_id:
            return company or self.env.company
        document = self.env[self.model].sudo().browse(self.res_id)
        return document._mail_get_companies(default=self.env.company)[document.id]

    def _get_customers(self):
        """Return mail → id of the person who gets it, by document or by address."""
        customers = {}
        for mail in self:
            to_partner = mail.model == "res.partner" and mail.res_id
            customers[mail] = to_partner or mail.recipient_ids[:1].id
        addresses = {
            mail: email_normalize(mail.email_to)
            for mail in self
            if not customers[mail] and mail.email_to
        }
        domain = [("email_normalized", "in", list(filter(None, addresses.values())))]
        # Of several the first one counts; who is archived said no to all.
        people = self.env["res.partner"].sudo().with_context(active_test=False)
        found = people.search(domain, order="active, id desc")
        ids = {partner.email_normalized: partner.id for partner in found}
        return customers | {
            mail: ids.get(address) for mail, address in addresses.items()
        }

    # === THE PREFERENCE CENTRE === #

    def _get_preferences_url(self):
        """Return the page where the person who gets this mail chooses what we send.

        It is signed for the mail, not for the customer: it outlives a merge.
        """
        token = self._sign_preferences(self.id)
        return urls.urljoin(self.get_base_url(), f"/preferences/{self.id}/{token}")

    def _sign_preferences(self, mail_id):
        return hmac(self.env(su=True), "hstyle_preferences", mail_id)

    def _prepare_outgoing_body(self):
        body = super()._prepare_outgoing_body()
        person = self._get_contact().partner_id
        return self._link_preferences(body, person) if body and person else body

    def _prepare_outgoing_list(self, mail_server=False, doc_to_followers=None):
        """Let programs of mail offer the way out, too; mailings have the host's."""
        emails = super()._prepare_outgoing_list(mail_server, doc_to_followers)
        if not self.mailing_id and self._get_contact():
            for email in emails:
                url = f"<{self._get_preferences_url()}>"
                email["headers"].setdefault("List-Unsubscribe", url)
        return emails

    def _get_contact(self):
        """Return the row of a mail that passed the gate, or none."""
        if not self._get_purpose():
            return self.env["hstyle.contact"].browse()
        domain = [("key", "=", f"mail:{self.id}")]
        return self.env["hstyle.contact"].sudo().search(domain, limit=1)

    def _link_preferences(self, body, person):
        """Lead the mailing's own link to our page, or add one below."""
        url = self._get_preferences_url()
        host_link = f"{self.mailing_id.get_base_url()}/unsubscribe_from_list"
        if host_link in body:
            return body.replace(host_link, url)
        qweb = self.env["ir.qweb"].with_context(lang=person.lang)
        return body + qweb._render("hstyle_crm.mail_preferences_link", {"url": url})
