from psycopg2.extensions import TRANSACTION_STATUS_INERROR

from odoo import api, fields, models

#: Failures that are of one mail: the next may well go out.
_OWN_FAULT = {"mail_email_invalid", "mail_email_missing"}


class MailMail(models.Model):
    _inherit = "mail.mail"

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
