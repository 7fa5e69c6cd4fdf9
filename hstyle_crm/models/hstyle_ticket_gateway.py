from base64 import b64decode

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import email_normalize, plaintext2html

#: Characters of a message that become a ticket's subject.
SUBJECT = 80


class HstyleTicketGateway(models.AbstractModel):
    """What messengers and telephone systems deliver: a half of hstyle.ticket."""

    _name = "hstyle.ticket.gateway"
    _description = "Tickets from gateways"

    inbound_ids = fields.One2many(
        comodel_name="hstyle.ticket.inbound",
        inverse_name="ticket_id",
        string="Delivered messages",
    )

    @api.model
    def receive(
        self,
        channel,
        message_id,
        sender,
        text,
        team_id=None,
        order_ref=None,
        attachments=(),
    ):
        """Take a customer's message from a gateway, once; the API for gateways.

        Called with a service agent's key, as the host's documentation of JSON-2 says:
        ``POST /json/2/hstyle.ticket/receive``. It may be called again after any error.

        :param str channel: such as "im", "sms", "phone"
        :param str message_id: the gateway's; the same if it delivers again
        :param str sender: an account on a platform, an e-mail address or a number
        :param str text: what the customer says
        :param int team_id: whose ticket it is; the user's team without
        :param str order_ref: number of an order that it is about
        :param list attachments: dicts with "name" and "content" (base64)
        :return: dict with "id" and "number" of the ticket
        :raise UserError: says what is wrong with the message
        """
        self.check_access("create")
        files = [self._read_file(one) for one in attachments]
        # Gateways send numbers as numbers, too.
        message_id, sender, text = (str(v or "") for v in (message_id, sender, text))
        team = self.env["hstyle.ticket.team"].browse(team_id or [])
        team = team.exists() or self._get_default_team()
        if not team:
            raise UserError(self.env._("Create a service team first."))
        team.check_access("read")
        ticket = self._receive(
            channel, message_id, sender, text, team, order_ref, files
        )
        return {"id": ticket.id, "number": ticket.number}

    def _read_file(self, one):
        try:
            return one["name"], b64decode(one["content"], validate=True)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                self.env._("An attachment has a name, and its content in base64.")
            ) from error

    @api.model
    def _receive(
        self, channel, message_id, sender, text, team, order_ref=None, attachments=()
    ):
        """Take a customer's message, once: it opens a ticket or continues one.

        :param list attachments: (name, content)
        :return: the ticket; of a known message, the one that it went to
        """
        self._check_message(channel, message_id, sender, text.strip() or attachments)
        tickets = self.sudo().with_company(team.company_id)
        row, is_new = tickets.env["hstyle.ticket.inbound"]._log(
            team.company_id, channel, message_id, sender
        )
        if is_new:
            customer = tickets._find_sender(team.company_id, sender)
            row.ticket_id = tickets._find_open(row, customer) or tickets.create(
                tickets._prepare_received(row, customer, text, team)
            )
            row.ticket_id._note_order(order_ref)
            row.ticket_id._take_received(customer, sender, text, attachments)
        return row.ticket_id.with_env(self.env)

    def _check_message(self, channel, message_id, sender, content):
        channels = dict(self._fields["channel"].selection)
        if channel not in channels:
            raise UserError(
                self.env._(
                    "%(channel)s is no channel. Choose one of: %(channels)s.",
                    channel=channel,
                    channels=", ".join(channels),
                )
            )
        if not (message_id and sender and content):
            raise UserError(
                self.env._("A message has an id, a sender, and a text or a file.")
            )

    def _find_sender(self, company, sender):
        """Return the one customer whom a sender can be, or none."""
        buyers = [("ref", "=", sender), ("company_id", "=", company.id)]
        known = self.env["hstyle.buyer"].search(buyers).partner_id
        domains = [Domain("id", "in", known.ids)]
        if email := email_normalize(sender):
            domains.append(Domain("email_normalized", "=", email))
        phone = self.env["res.partner"]._phone_format(
            number=sender, country=company.country_id
        )
        if phone:
            domains.append(Domain("phone_sanitized", "=", phone))
        return self._find_one(Domain.OR(domains), company)

    def _find_open(self, row, customer):
        """Return the sender's latest ticket on the channel that is not closed."""
        sent = [("inbound_ids", "any", [("sender", "=", row.sender)])]
        if customer:
            members = ("partner_id", "child_of", customer.commercial_partner_id.ids)
            sent = ["|", members, *sent]
        domain = [
            ("company_id", "=", row.company_id.id),
            ("channel", "=", row.channel),
            ("kind", "!=", "closed"),
        ]
        return self.search([*domain, *sent], order="id desc", limit=1)

    def _prepare_received(self, row, customer, text, team):
        lines = (text or "").strip().splitlines()
        return {
            "name": lines[0][:SUBJECT] if lines else self.env._("No subject"),
            "description": plaintext2html(text or ""),
            "channel": row.channel,
            "team_id": team.id,
            "partner_id": customer.id,
            "email": customer.email or email_normalize(row.sender),
            "phone": customer.phone,
        }

    def _note_order(self, order_ref):
        """Note which of the customer's own orders a message is about."""
        if not (order_ref and self.partner_id) or self.order_id or self.shop_order_id:
            return
        mine = [
            ("partner_id", "child_of", self.partner_id.commercial_partner_id.ids),
            ("company_id", "=", self.company_id.id),
            ("name", "=", order_ref),
        ]
        self.order_id = self.env["sale.order"].search(mine, limit=1)
        if not self.order_id:
            self.shop_order_id = self.env["hstyle.order"].search(mine, limit=1)

    def _take_received(self, customer, sender, text, files):
        """Let a delivered message stand in the conversation as the customer's."""
        if customer:
            self._take_word(customer, text, files)
            return
        self.message_post(
            body=plaintext2html(text) if text else "",
            author_id=False,
            email_from=sender,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            attachments=files,
        )
