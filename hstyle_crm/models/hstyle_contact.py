from odoo import api, fields, models
from odoo.tools import SQL

from .hstyle_consent import CHANNELS, PURPOSES

REASONS = [
    ("archived", "The customer is archived"),
    ("no_address", "No address for this channel"),
    ("bounced", "Mail to this address came back"),
    ("blacklisted", "The address is on the blacklist"),
    ("withdrawn", "Consent was withdrawn"),
    ("no_consent", "Consent was never given"),
    ("ticket", "Has an open ticket"),
    ("control", "In the control group"),
    ("today", "Had an offer today already"),
    ("cap", "Had as many offers as agreed"),
    ("quiet", "Quiet hours"),
]


class HstyleContact(models.Model):
    """What was sent to a customer, or was not, and why: one row a message.

    Written by the gate alone (hstyle.contact.gate).
    """

    _name = "hstyle.contact"
    _description = "Contact with a customer"
    _order = "date desc, id desc"
    _rec_name = "what"
    _log_access = False

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    date = fields.Datetime(string="When", required=True, readonly=True)
    day = fields.Date(required=True, readonly=True)
    channel = fields.Selection(selection=CHANNELS, required=True, readonly=True)
    purpose = fields.Selection(selection=PURPOSES, required=True, readonly=True)
    state = fields.Selection(
        selection=[("sent", "Sent"), ("refused", "Not sent"), ("waiting", "Waits")],
        required=True,
        readonly=True,
    )
    reason = fields.Selection(selection=REASONS, string="Why not", readonly=True)
    what = fields.Char(string="Message", readonly=True)
    campaign_id = fields.Many2one(
        comodel_name="utm.campaign",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    # The message in the host's queue, such as "mail:7": it counts once.
    key = fields.Char(readonly=True)
    # The day of an offer: nobody gets two on one, whoever sends at the same time.
    slot = fields.Date(readonly=True)

    _key_unique = models.UniqueIndex("(key) WHERE key IS NOT NULL")
    _slot_unique = models.UniqueIndex("(partner_id, company_id, slot)")
    _partner_idx = models.Index("(partner_id, date)")

    @api.model
    def _log(self, partner_ids, state, reasons, **message):
        """Write a row for each person; return the keys that got one.

        An offer of the day that somebody else sends right now leaves none.

        :param reasons: one for each person, or None
        :param message: channel, purpose, company, and lists of whats, keys, campaigns
        """
        count = len(partner_ids)
        company, purpose = message["company"].sudo().root_id, message["purpose"]
        day = company._hstyle_today()
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO hstyle_contact (partner_id, reason, what, key, campaign_id,
                       company_id, date, day, slot, channel, purpose, state)
                SELECT n.*, %(company)s, %(now)s, %(day)s, %(slot)s, %(channel)s,
                       %(purpose)s, %(state)s
                  FROM unnest(%(partners)s::int[], %(reasons)s::varchar[],
                              %(whats)s::varchar[], %(keys)s::varchar[],
                              %(campaigns)s::int[]) n
                    ON CONFLICT DO NOTHING
                RETURNING key
                """,
                partners=list(partner_ids),
                reasons=list(reasons or [None] * count),
                whats=list(message.get("whats") or [None] * count),
                keys=list(message.get("keys") or [None] * count),
                campaigns=list(message.get("campaigns") or [None] * count),
                company=company.id,
                now=fields.Datetime.now(),
                day=day,
                slot=day if state == "sent" and purpose == "marketing" else None,
                channel=message["channel"],
                purpose=purpose,
                state=state,
            )
        )
        self.invalidate_model()
        return {key for (key,) in rows}

    @api.model
    def _merge_members(self, src_partners):
        """Keep the rows of merged customers: the host deletes what a slot forbids."""
        self.env.cr.execute(
            SQL(
                "UPDATE hstyle_contact SET slot = NULL WHERE partner_id = ANY(%s)",
                src_partners.ids,
            )
        )
        self.invalidate_model(["slot"])

    @api.model
    def _log_messages(self, messages, state, reasons, **kind):
        """Write a row for each message of a queue; see `_log`."""
        return self._log(
            [message["partner_id"] for message in messages],
            state,
            [reasons.get(message["key"]) for message in messages],
            whats=[message["what"] for message in messages],
            keys=[message["key"] for message in messages],
            campaigns=[message.get("campaign_id") or None for message in messages],
            **kind,
        )

    @api.model
    def _release(self, keys):
        """Let messages be judged anew that come to the gate again.

        What passed or waited but was not sent does not count against itself. What was
        refused stays on the customer's list.
        """
        if not keys:
            return
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM hstyle_contact
                 WHERE key = ANY(%(keys)s) AND state IN ('sent', 'waiting');
                UPDATE hstyle_contact SET key = NULL WHERE key = ANY(%(keys)s)
                """,
                keys=list(keys),
            )
        )
        self.invalidate_model()
