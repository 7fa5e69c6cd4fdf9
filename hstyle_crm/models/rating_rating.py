from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, hmac, urls

from .hstyle_consent import CHANNELS
from .hstyle_satisfaction_policy import QUESTIONS
from .hstyle_ticket_stage import DONE


class RatingRating(models.Model):
    """Answers of customers; what we asked ourselves has a question.

    Our questions are written by their policy and by the customer's signed page alone.
    """

    _inherit = "rating.rating"

    hstyle_question = fields.Selection(
        selection=QUESTIONS, string="Question", readonly=True, copy=False
    )
    hstyle_round = fields.Integer(
        string="Question number",
        readonly=True,
        copy=False,
        help="A ticket opened again counts on.",
    )
    hstyle_asked_by = fields.Selection(
        selection=CHANNELS, string="Question sent by", readonly=True, copy=False
    )
    hstyle_company_id = fields.Many2one(
        comodel_name="res.company",
        string="Company",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )
    hstyle_asked_at = fields.Datetime(
        string="Question sent on", readonly=True, copy=False
    )
    hstyle_reminded_at = fields.Datetime(string="Reminded", readonly=True, copy=False)
    hstyle_expires_at = fields.Datetime(string="Open until", readonly=True, copy=False)

    _hstyle_whole = models.Constraint(
        "CHECK (hstyle_question IS NULL OR rating = trunc(rating))",
        "Satisfaction is a whole number.",
    )
    _hstyle_question_unique = models.UniqueIndex(
        "(res_model, res_id, hstyle_round) WHERE hstyle_question IS NOT NULL",
        "The customer was asked about this already.",
    )
    # Read by the policy, and by the cliff.
    _hstyle_partner_idx = models.Index(
        "(partner_id, hstyle_asked_at) WHERE hstyle_question IS NOT NULL"
    )
    _hstyle_waiting_idx = models.Index(
        "(hstyle_company_id, hstyle_asked_at) "
        "WHERE hstyle_question IS NOT NULL AND hstyle_reminded_at IS NULL "
        "AND consumed IS NOT TRUE"
    )

    def write(self, vals):
        answered = self.filtered(lambda r: vals.get("consumed") and not r.consumed)
        result = super().write(vals)
        answered._award_points()
        self.env["hstyle.care"]._watch(answered.filtered("hstyle_question"))
        return result

    def _award_points(self):
        """Thank customers for their answers."""
        # Customers answer by the public pages; what an employee enters is no answer.
        for rating in self if self.env.su else self.browse():
            partner = rating.partner_id
            if partner and partner.partner_share:
                partner._award_event(
                    "rating_points",
                    f"rating:{rating.res_model}:{rating.res_id}",
                    self.env._("Thank you for your answer"),
                )

    # === THE CUSTOMER'S PAGE === #

    def _get_satisfaction_url(self, score=None):
        """Return the signed page on which the customer answers; it expires."""
        self.ensure_one()
        token = self._sign_satisfaction()
        url = urls.urljoin(self.get_base_url(), f"/satisfaction/{self.id}/{token}")
        return f"{url}?score={score}" if score else url

    def _sign_satisfaction(self):
        expires = fields.Datetime.to_string(self.hstyle_expires_at)
        return hmac(self.env(su=True), "hstyle_satisfaction", (self.id, expires))

    def _get_policy(self):
        """Return by which policy the customer was asked, though it may be off now."""
        policies = self.env["hstyle.satisfaction.policy"].with_context(
            active_test=False
        )
        domain = [
            ("company_id", "=", self.hstyle_company_id.id),
            ("question", "=", self.hstyle_question),
        ]
        return policies.search(domain, limit=1)

    def _get_scores(self):
        """Return (score, label): no heart and no colour leads to one of them."""
        labels = (
            self.env._("Completely satisfied"),
            self.env._("Satisfied"),
            self.env._("Neither"),
            self.env._("Dissatisfied"),
            self.env._("Completely dissatisfied"),
        )
        return list(zip(range(5, 0, -1), labels, strict=True))

    def _get_document(self):
        """Return what the customer was asked about; it may be gone."""
        return self.env[self.res_model].browse(self.res_id).exists()

    def _is_finished(self):
        document = self._get_document()
        if self.res_model == "hstyle.ticket":
            return document.kind in DONE and not document.merged_into_id
        return document.state == "sale"

    def _is_open(self):
        """Tell whether the customer may still answer."""
        return not self.consumed and self.hstyle_expires_at > fields.Datetime.now()

    def _answer(self, score, feedback=""):
        """Record the customer's answer, once.

        :param int score: 1 to 5
        :raise UserError: if it is no score, or the question is over
        """
        if score not in range(1, 6):
            raise UserError(self.env._("Choose a number from 1 to 5."))
        if not self._is_open():
            raise UserError(self.env._("This question is closed."))
        self.write({"rating": score, "feedback": feedback, "consumed": True})
        self._get_document().message_post(
            body=self._describe_answer(),
            author_id=self.partner_id.id,
            subtype_xmlid="mail.mt_note",
        )

    def _describe_answer(self):
        words = self.env._("Satisfaction: %s of 5", int(self.rating))
        return Markup("<b>%s</b><br/>%s") % (words, self.feedback or "")

    def _get_previous_score(self):
        """Return the customer's answer before this one: 1 to 5, or 0 for none."""
        customer = self.partner_id.commercial_partner_id
        domain = [
            ("id", "!=", self.id),
            ("hstyle_question", "!=", False),
            ("hstyle_company_id", "=", self.hstyle_company_id.id),
            ("partner_id.commercial_partner_id", "=", customer.id),
            ("consumed", "=", True),
        ]
        before = self.search(domain, order="rated_on desc, id desc", limit=1)
        return int(before.rating)

    @api.model
    def _sql_last_scores(self, company):
        """Return SQL: customer and score of the last answer of each customer."""
        return SQL(
            """
            SELECT DISTINCT ON (a.commercial_partner_id)
                   a.commercial_partner_id AS customer, g.rating::int AS score
              FROM rating_rating g
              JOIN res_partner a ON a.id = g.partner_id
             WHERE g.hstyle_question IS NOT NULL
               AND g.hstyle_company_id = %s
               AND g.consumed
             ORDER BY a.commercial_partner_id, g.rated_on DESC, g.id DESC
            """,
            company.id,
        )
