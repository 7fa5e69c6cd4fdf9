from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from odoo import api, fields, models
from odoo.tools import SQL

from .hstyle_consent import CHANNELS

#: Mails that came back before an address is given up.
BOUNCES = 3
#: Days in which a customer's offers are counted.
CAP_DAYS = 30
#: Read from the disk once.
ZONES = sorted(available_timezones())


class HstyleContactGate(models.AbstractModel):
    """The gate that every message to a customer passes: a half of res.partner.

    `_filter_contactable` leaves out early whom a sender need not prepare a message
    for. `_pass_gate` has the last word, when the queue of mails or SMS sends.
    """

    _name = "hstyle.contact.gate"
    _description = "Contact gate"

    hstyle_consent_ids = fields.One2many(
        comodel_name="hstyle.consent",
        inverse_name="partner_id",
        string="Consents",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_contact_ids = fields.One2many(
        comodel_name="hstyle.contact",
        inverse_name="partner_id",
        string="Messages to the customer",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    preferred_channel = fields.Selection(
        selection=CHANNELS,
        help="Taken where a message has more than one way to the customer.",
    )
    offer_cap = fields.Integer(
        string="Offers a month",
        help="As the customer wishes, below the company's own limit. 0: no wish.",
    )
    accepts_email = fields.Boolean(
        string="Accepts offers by e-mail",
        compute="_compute_accepts",
        search="_search_accepts_email",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    accepts_sms = fields.Boolean(
        string="Accepts offers by SMS",
        compute="_compute_accepts",
        search="_search_accepts_sms",
        groups="hstyle_crm.hstyle_crm_group_user",
    )

    # === WHO ACCEPTS OFFERS === #

    @api.depends("hstyle_consent_ids")
    @api.depends_context("company")
    def _compute_accepts(self):
        for channel in ("email", "sms"):
            name = f"accepts_{channel}"
            domain = [(name, "=", True), ("id", "in", self.ids)]
            accepting = self.with_context(active_test=False).search(domain)
            for partner in self:
                partner[name] = partner in accepting

    def _search_accepts_email(self, operator, value):
        return self._search_accepts("email", operator, value)

    def _search_accepts_sms(self, operator, value):
        return self._search_accepts("sms", operator, value)

    @api.model
    def _search_accepts(self, channel, operator, value):
        if operator != "in":
            return NotImplemented
        company = self.env.company

        def allowed(_model, alias, _query):
            person = SQL.identifier(alias, "id")
            return self.env["hstyle.consent"]._sql_allowed(
                person, company, channel, "marketing"
            )

        accepts = fields.Domain.custom(to_sql=allowed)
        return accepts if True in value else ~accepts

    # === THE GATE === #

    def _filter_contactable(self, channel, purpose, what=""):
        """Return those who may be written to; the others are noted with the reason.

        Quiet hours refuse nobody here: the queue waits for their end.

        :param str channel: "email", "sms" or "phone"
        :param str purpose: "marketing", "membership" or "service"
        :param str what: what it is about, for the customer's list of messages
        """
        refusals = self._get_refusals(channel, purpose)
        refused = self.filtered(lambda p: refusals[p.id] not in (None, "quiet"))
        for reason, people in refused.grouped(lambda p: refusals[p.id]).items():
            people._note_refused(reason, channel, purpose, what)
        return self - refused

    def _route(self, channels, purpose, what=""):
        """Choose the way to each person; note those whom none may reach.

        :param channels: the ways there are, the usual one first
        :return: channel → persons, and reason → persons refused
        """
        verdicts = {way: self._get_refusals(way, purpose) for way in channels}
        routes, refusals = {}, {}
        for person in self:
            ways = sorted(channels, key=lambda way: way != person.preferred_channel)
            reasons = {way: verdicts[way][person.id] for way in ways}
            way = next((w for w in ways if reasons[w] in (None, "quiet")), None)
            kinds = routes if way else refusals
            kinds.setdefault(way or reasons[ways[0]], []).append(person.id)
        for reason, ids in refusals.items():
            if reason != "today":
                self.browse(ids)._note_refused(reason, channels[0], purpose, what)
        return (
            {way: self.browse(ids) for way, ids in routes.items()},
            {reason: self.browse(ids) for reason, ids in refusals.items()},
        )

    def _note_refused(self, reason, channel, purpose, what):
        self.env["hstyle.contact"].sudo()._log(
            self.ids,
            "refused",
            [reason] * len(self),
            channel=channel,
            purpose=purpose,
            company=self.env.company,
            whats=[what] * len(self),
        )

    def _get_refusals(self, channel, purpose, company=None):
        """Return person id → the first reason not to write now, or None.

        One query for all; it writes nothing.
        """
        company = (company or self.env.company).sudo().root_id
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                SELECT id, reason
                  FROM (SELECT unnest(%s::int[]) AS id) asked
                 CROSS JOIN LATERAL (%s) verdict
                """,
                list(self.ids),
                self._sql_verdict(channel, purpose, company),
            )
        )
        return dict.fromkeys(self.ids, "archived") | dict(self.env.cr.fetchall())

    @api.model
    def _sql_verdict(self, channel, purpose, company):
        """Return SQL: the reason (NULL: none) for the person ``asked.id``."""
        rules = self._get_rules(channel, purpose, company)
        return SQL(
            """
            SELECT CASE %(rules)s END AS reason
              FROM res_partner p
              LEFT JOIN LATERAL (
                   SELECT count(*) AS offers, max(day) AS last_day
                     FROM hstyle_contact sent
                    WHERE sent.partner_id = p.id
                      AND sent.company_id = %(company)s
                      AND sent.date >= %(since)s
                      AND sent.day > %(today)s::date - %(days)s
                      AND sent.state = 'sent'
                      AND sent.purpose = 'marketing'
                   ) had ON %(counts)s
             WHERE p.id = asked.id
            """,
            rules=SQL(" ").join(
                SQL("WHEN %s THEN %s", condition, reason)
                for reason, condition in rules.items()
            ),
            company=company.id,
            today=company._hstyle_today(),
            since=fields.Datetime.now() - timedelta(days=CAP_DAYS + 1),
            days=CAP_DAYS,
            counts=purpose == "marketing",
        )

    @api.model
    def _get_rules(self, channel, purpose, company):
        """Return reason → SQL that is true for a person ``p`` whom it keeps out.

        In the order in which they are asked. A module that knows of more reasons adds
        them here.
        """
        consents = self.env["hstyle.consent"]
        person = SQL.identifier("p", "id")
        given = consents._sql_given(person, company, channel, purpose)
        rules = {"archived": SQL("NOT p.active"), **self._get_address_rules(channel)}
        if purpose == "service":
            rules.pop("blacklisted", None)
        rules["withdrawn"] = SQL("%s IS FALSE", given)
        if purpose == "marketing":
            rules |= {
                "no_consent": SQL(
                    "NOT %s",
                    consents._sql_allowed(person, company, channel, purpose),
                ),
                "ticket": self.env["hstyle.ticket"]._sql_stops_marketing(
                    SQL.identifier("p", "commercial_partner_id"), company
                ),
                "control": company._sql_is_held_out(
                    SQL.identifier("p", "commercial_partner_id")
                ),
                "today": SQL("had.last_day >= %s", company._hstyle_today()),
                "cap": SQL(
                    "had.offers >= LEAST(NULLIF(GREATEST(p.offer_cap, 0), 0), %s)",
                    company.hstyle_contact_cap,
                ),
            }
        if purpose != "service":
            rules["quiet"] = SQL(
                "COALESCE(NULLIF(p.tz, ''), %s) = ANY(%s)",
                company.hstyle_tz,
                self._get_quiet_zones(company),
            )
        return rules

    @api.model
    def _get_address_rules(self, channel):
        """Return reason → SQL for a person ``p`` whom the channel does not reach."""
        if channel == "email":
            return {
                "no_address": SQL("p.email_normalized IS NULL"),
                "bounced": SQL("p.message_bounce >= %s", BOUNCES),
                "blacklisted": SQL(
                    "EXISTS (SELECT FROM mail_blacklist b"
                    " WHERE b.email = p.email_normalized AND b.active)"
                ),
            }
        return {
            "no_address": SQL("p.phone_sanitized IS NULL"),
            "blacklisted": SQL(
                "EXISTS (SELECT FROM phone_blacklist b"
                " WHERE b.number = p.phone_sanitized AND b.active)"
            ),
        }

    # === QUIET HOURS === #

    @api.model
    def _get_quiet_zones(self, company):
        """Return the timezones in which it is night now."""
        return [tz for tz in ZONES if self._is_quiet(company, tz)]

    @api.model
    def _is_quiet(self, company, tz):
        start, end = company.hstyle_quiet_from, company.hstyle_quiet_to
        now = fields.Datetime.now().replace(tzinfo=UTC).astimezone(ZoneInfo(tz))
        hour = now.hour + now.minute / 60
        if start <= end:
            return start <= hour < end
        return hour >= start or hour < end

    def _get_quiet_end(self, company):
        """Return the moment (UTC) when this person's night is over."""
        self.ensure_one()
        company = company.sudo().root_id
        tz = ZoneInfo(self.tz or company.hstyle_tz)
        now = fields.Datetime.now().replace(tzinfo=UTC).astimezone(tz)
        minutes = round(company.hstyle_quiet_to * 60)
        end = datetime.combine(now.date(), datetime.min.time(), tz)
        end += timedelta(minutes=minutes)
        if end <= now:
            end += timedelta(days=1)
        return end.astimezone(UTC).replace(tzinfo=None)

    @api.model
    def _may_wait(self, message, reason):
        """Tell whether a message comes again: after the night, or tomorrow.

        A mailing goes out once; what a customer is to get alone waits for its day.
        """
        return reason == "quiet" or (reason == "today" and message.get("patient"))

    def _get_next_chance(self, company, reason):
        """Return the moment (UTC) when a message that waits may come again."""
        if reason == "quiet":
            return self._get_quiet_end(company)
        company = company.root_id.sudo()
        tomorrow = company._hstyle_today() + timedelta(days=1)
        start = datetime.combine(tomorrow, time.min, ZoneInfo(company.hstyle_tz))
        start += timedelta(hours=company.hstyle_quiet_to)
        return start.astimezone(UTC).replace(tzinfo=None)

    # === THE LAST WORD === #

    @api.model
    def _pass_gate(self, messages):
        """Decide on messages that the queue is about to send; note each decision.

        A message that passed before is judged again: it may be late, and its customer
        may have said no since. It does not count against itself.

        :param messages: dicts of key, partner_id, channel, purpose, company, what,
                         campaign_id (or None) and patient (see `_may_wait`)
        :return: key → the reason not to send; those to be sent are not in it
        """
        contacts = self.env["hstyle.contact"].sudo()
        contacts._release([message["key"] for message in messages])
        refusals, groups = {}, {}
        for message in messages:
            kind = (message["channel"], message["purpose"], message["company"])
            groups.setdefault(kind, []).append(message)
        for (channel, purpose, company), group in groups.items():
            refusals |= self._judge(group, channel, purpose, company)
        return refusals

    @api.model
    def _judge(self, messages, channel, purpose, company):
        """Decide on messages of one kind; see `_pass_gate`."""
        people = self.browse({message["partner_id"] for message in messages})
        reasons = people._get_refusals(channel, purpose, company)
        contacts = self.env["hstyle.contact"].sudo()
        kind = {"channel": channel, "purpose": purpose, "company": company}
        allowed = [m for m in messages if not reasons[m["partner_id"]]]
        sent = contacts._log_messages(allowed, "sent", {}, **kind)
        late = {m["key"]: "today" for m in allowed if m["key"] not in sent}
        refusals = late | {
            m["key"]: reasons[m["partner_id"]]
            for m in messages
            if reasons[m["partner_id"]]
        }
        kept_back = [m for m in messages if m["key"] in refusals]
        waiting = [m for m in kept_back if self._may_wait(m, refusals[m["key"]])]
        refused = [m for m in kept_back if not self._may_wait(m, refusals[m["key"]])]
        contacts._log_messages(waiting, "waiting", refusals, **kind)
        contacts._log_messages(refused, "refused", refusals, **kind)
        return refusals
