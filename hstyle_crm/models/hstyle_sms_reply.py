from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ..tools import sms_text

#: Answers to a number in a day, so that nobody burns our money.
ANSWERS_A_DAY = 5
#: Letters of a message that are kept.
LENGTH = 1000


class HstyleSmsReply(models.Model):
    """An SMS from outside, and what we did with it. `_receive` alone creates it."""

    _name = "hstyle.sms.reply"
    _description = "SMS reply"
    _order = "id DESC"
    _rec_name = "number"

    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    number = fields.Char(required=True, readonly=True)
    text = fields.Text(readonly=True)
    ref = fields.Char(
        string="Reference",
        required=True,
        readonly=True,
        help="A message that the provider delivers twice has the same.",
    )
    kind = fields.Selection(
        selection=[
            ("stop", "No advertising"),
            ("start", "Advertising again"),
            ("balance", "Points?"),
            ("message", "Message"),
        ],
        string="Meaning",
        required=True,
        readonly=True,
    )
    partner_ids = fields.Many2many(
        comodel_name="res.partner",
        relation="hstyle_sms_reply_partner_rel",
        string="Customers",
        readonly=True,
        help="Who has this number.",
    )
    answer = fields.Text(readonly=True)

    _ref_unique = models.UniqueIndex("(company_id, ref)")
    # Read to count the answers of a day.
    _number_idx = models.Index("(number, create_date)")

    # === THE DOOR === #

    @api.model
    def _receive(self, company, number, text, ref):
        """Log an SMS once and do what it asks for; return it, or none if known."""
        replies = self.with_user(SUPERUSER_ID).with_company(company)
        number = replies._format(company, number)
        reply = replies._log(company, number, text[:LENGTH], ref)
        if reply:
            reply.partner_ids = reply._find_partners()
            getattr(reply, f"_handle_{reply.kind}")()
        return reply

    def _format(self, company, number):
        """Return a number as customers' numbers are stored."""
        country = company.country_id
        partners = self.env["res.partner"]
        return partners._phone_format(number=number, country=country) or number

    def _log(self, company, number, text, ref):
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO hstyle_sms_reply
                       (company_id, number, text, ref, kind,
                        create_uid, create_date, write_uid, write_date)
                VALUES (%(company)s, %(number)s, %(text)s, %(ref)s, %(kind)s,
                        %(user)s, now() AT TIME ZONE 'UTC',
                        %(user)s, now() AT TIME ZONE 'UTC')
                    ON CONFLICT (company_id, ref) DO NOTHING
                RETURNING id
                """,
                company=company.id,
                number=number,
                text=text,
                ref=ref,
                kind=sms_text.get_keyword(text),
                user=self.env.uid,
            )
        )
        return self.browse(row_id for (row_id,) in rows)

    def _find_partners(self):
        """Return the customers of the number, archived ones too: they may return."""
        domain = [
            ("phone_sanitized", "=", self.number),
            ("company_id", "in", [False, self.company_id.id]),
        ]
        return self.env["res.partner"].with_context(active_test=False).search(domain)

    # === WHAT CUSTOMERS ASK FOR === #

    def _handle_stop(self):
        """Advertise no more to anybody who has the number."""
        self._record_consent(given=False)
        self._answer("stop")

    def _handle_start(self):
        """Take a consent back from the one person it can be of."""
        if len(self.partner_ids) > 1:
            self._handle_message()
            return
        self._record_consent(given=True)
        self._answer("start")

    def _handle_balance(self):
        """Tell the points of the one member who has the number, and only of one."""
        cards = self.env["loyalty.card"].search(
            [
                ("partner_id", "in", self.partner_ids.ids),
                ("managed", "=", True),
                ("company_id", "in", [False, self.company_id.id]),
            ]
        )
        if len(cards.partner_id) != 1:
            self._answer("unknown")
            return
        points = self._show(sum(cards.mapped("points")))
        expiries = self.env["hstyle.points.expiry"]
        domain = [("expiration_date", "!=", False), ("pending", "=", False)]
        rows = expiries.search([("card_id", "in", cards.ids), *domain])
        if not rows:
            self._answer("balance", points)
            return
        day = min(rows.mapped("expiration_date"))
        next_rows = rows.filtered(lambda e: e.expiration_date == day)
        ending = self._show(sum(next_rows.mapped("points")))
        self._answer("expiring", points, ending, day.isoformat())

    @staticmethod
    def _show(points):
        return f"{points:.2f}".rstrip("0").rstrip(".")

    def _handle_message(self):
        """Put it before the people who know the customer."""
        for partner in self.partner_ids:
            partner.message_post(
                body=self.env._(
                    "SMS from %(number)s: %(text)s", number=self.number, text=self.text
                ),
                author_id=self.env.ref("base.partner_root").id,
                partner_ids=partner.user_id.partner_id.ids,
                subtype_xmlid="mail.mt_note",
            )

    # === CONSENT AND ANSWER === #

    def _record_consent(self, given):
        """Record it of each customer; where there is none, of the number."""
        if self.partner_ids:
            self.env["hstyle.consent"]._record(
                self.partner_ids,
                "sms",
                "marketing",
                given,
                self.env._("SMS from %s", self.number),
                self.text,
                company=self.company_id,
            )
        elif not given:
            self.env["phone.blacklist"]._add([self.number], message=self.text)
        if given:
            self._take_off_blacklist()

    def _take_off_blacklist(self):
        blacklist = self.env["phone.blacklist"]
        if blacklist.search([("number", "=", self.number)], limit=1):
            blacklist._remove([self.number], message=self.text)

    def _answer(self, purpose, *values):
        """Send an answer to the number that asked, a few times a day."""
        if self._count_answers() >= ANSWERS_A_DAY:
            return
        partner = self.partner_ids if len(self.partner_ids) == 1 else None
        lang = (partner or self.company_id.partner_id).lang
        texts = self.env["hstyle.sms.text"].with_context(lang=lang)
        self.answer = texts._compose(self.company_id, purpose, values)
        self.env["sms.sms"].create(
            {
                "number": self.number,
                "body": self.answer,
                "partner_id": partner and partner.id,
                "record_company_id": self.company_id.id,
                "hstyle_purpose": "service",
            }
        )

    def _count_answers(self):
        day = fields.Datetime.now() - timedelta(days=1)
        return self.search_count(
            [
                ("number", "=", self.number),
                ("company_id", "=", self.company_id.id),
                ("create_date", ">", day),
                ("answer", "!=", False),
            ]
        )
