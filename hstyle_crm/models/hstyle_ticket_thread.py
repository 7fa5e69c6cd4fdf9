from odoo import api, models
from odoo.tools import html2plaintext


class HstyleTicketThread(models.AbstractModel):
    """What is said on a ticket: a half of hstyle.ticket.

    Any word of the customer lets the clock go on; the first word of a colleague to the
    customer is the first answer.
    """

    _name = "hstyle.ticket.thread"
    _description = "Conversation of tickets"

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Open a ticket by a mail."""
        values = {
            "name": msg_dict.get("subject") or self.env._("No subject"),
            "partner_id": msg_dict.get("author_id"),
            "email": msg_dict.get("from"),
            "channel": "email",
            "description": msg_dict.get("body"),
            **(custom_values or {}),
        }
        return super().message_new(msg_dict, custom_values=values)

    def message_update(self, msg_dict, update_vals=None):
        self._hear()
        return super().message_update(msg_dict, update_vals=update_vals)

    def _message_post_after_hook(self, message, msg_vals):
        author = message.author_id
        is_said = message.message_type in ("comment", "email")
        if is_said and message.subtype_id == self.env.ref("mail.mt_comment"):
            if not author or author.partner_share or author == self.partner_id:
                self._hear()
            elif html2plaintext(message.body or "").strip():
                self._answer()
        return super()._message_post_after_hook(message, msg_vals)

    def _hear(self):
        """Let a ticket whose customer said something go on, or open it again."""
        quiet = (
            self.sudo()
            ._get_survivors()
            .filtered(lambda t: t.kind in ("waiting", "solved", "closed"))
        )
        quiet.stage_id = quiet._get_stage("open")
