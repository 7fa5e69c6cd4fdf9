from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .hstyle_ticket_stage import DONE

#: Questions that are asked in one transaction.
BATCH = 200
#: Nobody is asked later than that, for example after the server stood still.
LATEST = timedelta(days=7)
QUESTIONS = [("delivery", "After the delivery"), ("ticket", "After a ticket")]
DOCUMENTS = {"delivery": "sale.order", "ticket": "hstyle.ticket"}


class HstyleSatisfactionPolicy(models.Model):
    """When customers of a company are asked how satisfied they are, and how often."""

    _name = "hstyle.satisfaction.policy"
    _description = "Satisfaction question"
    _inherit = ["hstyle.job"]
    _order = "company_id, question"
    _rec_name = "text"

    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    question = fields.Selection(selection=QUESTIONS, string="Asked", required=True)
    text = fields.Char(string="Question", required=True, translate=True)
    delay_hours = fields.Integer(
        string="Delay (hours)",
        default=24,
        required=True,
        help="Asked so long after the delivery, or after the ticket was solved.",
    )
    cooldown_days = fields.Integer(
        string="Cool-down (days)",
        default=30,
        required=True,
        help="Who was asked anything is left in peace for so long.",
    )
    reminder_days = fields.Integer(
        string="Reminder (days)",
        default=3,
        required=True,
        help="Who does not answer is reminded once after so long. 0: never.",
    )
    valid_days = fields.Integer(
        string="Open for (days)",
        default=14,
        required=True,
        help="Then the link expires.",
    )
    care_hours = fields.Float(
        string="Care within",
        default=8,
        required=True,
        help="When the answers of a customer fall, somebody cares within so many "
        "working hours of the service team.",
    )
    mail_template_id = fields.Many2one(
        comodel_name="mail.template",
        string="E-mail",
        domain=[("model", "=", "rating.rating")],
        ondelete="restrict",
        default=lambda self: self.env.ref(
            "hstyle_crm.mail_template_satisfaction", raise_if_not_found=False
        ),
    )
    sms_template_id = fields.Many2one(
        comodel_name="sms.template",
        string="SMS",
        domain=[("model", "=", "rating.rating")],
        ondelete="restrict",
        help="For customers who prefer it or have no e-mail address.",
    )
    asked_until = fields.Datetime(
        readonly=True,
        required=True,
        copy=False,
        default=fields.Datetime.now,
        help="What was finished until then is settled.",
    )

    _question_unique = models.Constraint(
        "UNIQUE (company_id, question)", "A company asks each question by one policy."
    )
    # After an hour each transaction that finished something is over and seen.
    _delay_valid = models.Constraint(
        "CHECK (delay_hours >= 1)", "Ask one hour later, or more."
    )
    _days_valid = models.Constraint(
        "CHECK (cooldown_days >= 0 AND reminder_days >= 0 AND valid_days > 0 "
        "AND reminder_days < valid_days)",
        "The link is open for longer than until the reminder.",
    )
    _care_valid = models.Constraint(
        "CHECK (care_hours > 0)", "Care takes some time: enter more than zero hours."
    )

    # === ASKING === #

    @api.model
    def _cron_ask(self):
        """Ask customers and remind them, by day."""
        gate = self.env["res.partner"]
        for policy in self.search([("active", "=", True)]):
            company = policy.company_id
            policy = policy.with_company(company)
            if gate._is_quiet(company.root_id, company.hstyle_tz):
                continue
            if not (policy._ask_all() and policy._remind_all()):
                return

    def _ask_all(self):
        """Ask about what was finished since the last run; tell if none is left."""
        until = fields.Datetime.now() - timedelta(hours=self.delay_hours)
        due = self._find_due(max(self.asked_until, until - LATEST), until)

        def ask():
            documents = due[:BATCH]
            model = self.env[DOCUMENTS[self.question]]
            self._try_each(model.browse(documents), self._ask)
            # Only now: a batch that met somebody else's work comes again.
            del due[:BATCH]
            if not due:
                self.asked_until = max(self.asked_until, until)
            return len(documents)

        return self._repeat(ask, "customers to ask")

    def _find_due(self, since, until):
        """Return the ids of documents to ask about: the latest of each customer.

        :param since: a moment; what was finished until then is left out
        :param until: a moment
        """
        self.env.flush_all()
        found = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (p.commercial_partner_id) d.id
                  FROM (%(finished)s) d
                  JOIN res_partner p ON p.id = d.partner_id AND p.partner_share
                 WHERE d.finished_at > %(since)s
                   AND d.finished_at <= %(until)s
                   AND NOT EXISTS (
                       SELECT FROM rating_rating g
                        WHERE g.res_model = %(model)s
                          AND g.res_id = d.id
                          AND g.hstyle_round = d.round
                          AND g.hstyle_question IS NOT NULL)
                   AND NOT EXISTS (
                       SELECT FROM rating_rating g
                         JOIN res_partner a ON a.id = g.partner_id
                        WHERE a.commercial_partner_id = p.commercial_partner_id
                          AND g.hstyle_company_id = %(company)s
                          AND g.hstyle_asked_at > %(rested)s)
                 ORDER BY p.commercial_partner_id, d.finished_at DESC, d.id DESC
                """,
                finished=self._sql_finished(since),
                since=since,
                until=until,
                model=DOCUMENTS[self.question],
                company=self.company_id.id,
                rested=fields.Datetime.now() - timedelta(days=self.cooldown_days),
            )
        )
        return [document_id for (document_id,) in found]

    def _sql_finished(self, since):
        """Return SQL: id, partner_id, finished_at and round of documents."""
        if self.question == "ticket":
            return self._sql_solved()
        return self._sql_delivered(since)

    def _sql_solved(self):
        """Return SQL of the tickets that customers are asked about."""
        return SQL(
            """
            SELECT id, partner_id, solved_at AS finished_at, reopen_count AS round
              FROM hstyle_ticket
             WHERE company_id = %s
               AND kind = ANY(%s)
               AND merged_into_id IS NULL
               AND is_auto_closed IS NOT TRUE
            """,
            self.company_id.id,
            list(DONE),
        )

    def _sql_delivered(self, since):
        """Return SQL of the orders that customers are asked about.

        A hook: an addon that knows of deliveries says when the last goods came.
        """
        return SQL(
            """
            SELECT id, partner_id, date_order AS finished_at, 0 AS round
              FROM sale_order
             WHERE company_id = %s AND state = 'sale' AND date_order > %s
            """,
            self.company_id.id,
            since,
        )

    def _ask(self, documents):
        """Ask the customers of documents, by the way that each prefers."""
        routes, _refused = documents.partner_id._route(
            self._get_channels(), "service", self.text
        )
        for channel, partners in routes.items():
            reached = documents.filtered(
                lambda one, them=partners: one.partner_id in them
            )
            ratings = self.env["rating.rating"].create(
                [self._prepare_question(one, channel) for one in reached]
            )
            self._send(channel, ratings)

    def _get_channels(self):
        """Return the ways to ask, the usual one first."""
        ways = {"email": self.mail_template_id, "sms": self.sms_template_id}
        return [channel for channel, template in ways.items() if template]

    def _prepare_question(self, document, channel):
        now = fields.Datetime.now()
        return {
            "res_model_id": self.env["ir.model"]._get_id(document._name),
            "res_id": document.id,
            "partner_id": document.partner_id.id,
            "rated_partner_id": document.user_id.partner_id.id,
            # The host's own page must not find it: our link is signed and expires.
            "access_token": False,
            "hstyle_question": self.question,
            "hstyle_round": document.reopen_count if self.question == "ticket" else 0,
            "hstyle_asked_by": channel,
            "hstyle_company_id": self.company_id.id,
            "hstyle_asked_at": now,
            "hstyle_expires_at": now + timedelta(days=self.valid_days),
        }

    # === REMINDING === #

    def _remind_all(self):
        """Remind, once, those who do not answer; tell if none is left."""
        if not self.reminder_days:
            return True
        now = fields.Datetime.now()
        domain = [
            ("hstyle_company_id", "=", self.company_id.id),
            ("hstyle_question", "=", self.question),
            ("hstyle_asked_at", "<=", now - timedelta(days=self.reminder_days)),
            ("hstyle_expires_at", ">", now),
            ("hstyle_reminded_at", "=", False),
            ("consumed", "=", False),
        ]

        def remind():
            ratings = self.env["rating.rating"].search(domain, limit=BATCH, order="id")
            ratings.hstyle_reminded_at = now
            self._try_each(ratings, self._remind)
            return len(ratings)

        return self._repeat(remind, "customers to remind")

    def _remind(self, ratings):
        """Ask again by the same way, unless the ticket was opened again."""
        ratings = ratings.filtered(lambda one: one._is_finished())
        for channel, asked in ratings.grouped("hstyle_asked_by").items():
            partners = asked.partner_id._filter_contactable(
                channel, "service", self.text
            )
            told = asked.filtered(lambda one, them=partners: one.partner_id in them)
            if channel in self._get_channels():
                self._send(channel, told)

    # === SENDING === #

    def _send(self, channel, ratings):
        if ratings and channel == "email":
            self._send_email(ratings)
        elif ratings:
            self._send_sms(ratings)

    def _send_email(self, ratings):
        # A message about no document: who may read answers does not read the links.
        values = {
            "hstyle_purpose": "service",
            "record_company_id": self.company_id.id,
            "model": False,
            "res_id": False,
        }
        self.mail_template_id.send_mail_batch(ratings.ids, email_values=values)

    def _send_sms(self, ratings):
        bodies = self.sms_template_id._render_field(
            "body", ratings.ids, compute_lang=True
        )
        self.env["sms.sms"].create(
            [
                {
                    "partner_id": rating.partner_id.id,
                    "number": rating.partner_id.phone_sanitized,
                    "body": bodies[rating.id],
                    "hstyle_purpose": "service",
                    "record_company_id": self.company_id.id,
                }
                for rating in ratings
            ]
        )
