from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..tools import worktime

OUTCOMES = [
    ("kept", "Satisfied again"),
    ("unreachable", "Not reached"),
    ("lost", "Lost"),
]


#: What the answer says, and the clock.
OWN = {
    "rating_id",
    "partner_id",
    "company_id",
    "previous_score",
    "score",
    "due",
    "done_at",
}


class HstyleCare(models.Model):
    """A customer whose satisfaction fell: somebody cares before the customer leaves.

    Made by the answer itself, once. Satisfied customers (4) leave about as often as
    indifferent ones; only completely satisfied ones (5) stay: Jones & Sasser, "Why
    Satisfied Customers Defect", Harvard Business Review, November 1995.
    """

    _name = "hstyle.care"
    _description = "Care card"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "done_at desc, due, id"

    rating_id = fields.Many2one(
        comodel_name="rating.rating",
        string="Answer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    phone = fields.Char(related="partner_id.phone")
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    previous_score = fields.Integer(string="Before", readonly=True, aggregator="avg")
    score = fields.Integer(string="Now", readonly=True, aggregator="avg")
    feedback = fields.Text(string="Words", related="rating_id.feedback")
    subject = fields.Char(string="About", related="rating_id.res_name")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Owner",
        index="btree_not_null",
        domain=[("share", "=", False)],
        tracking=True,
    )
    due = fields.Datetime(string="Care until", readonly=True)
    outcome = fields.Selection(selection=OUTCOMES, tracking=True)
    note = fields.Text(string="What was done")
    done_at = fields.Datetime(string="Done on", readonly=True)

    _rating_unique = models.Constraint(
        "UNIQUE (rating_id)", "There is a care card for this answer already."
    )

    @api.depends("partner_id", "previous_score", "score")
    def _compute_display_name(self):
        for card in self:
            name = card.partner_id.display_name
            card.display_name = f"{name}: {card.previous_score} → {card.score}"

    def write(self, vals):
        if not self.env.su and vals.keys() & OWN:
            raise AccessError(self.env._("Only the answer itself may write this."))
        result = super().write(vals)
        if "outcome" in vals:
            self._follow_outcome()
        elif "user_id" in vals:
            # Who hands a card on is not its owner any more.
            self.sudo()._follow_owner()
        return result

    def _follow_owner(self):
        """Put the task on the list of who owns the card now."""
        open_cards = self.filtered(lambda card: not card.outcome)
        open_cards.activity_unlink(["mail.mail_activity_data_todo"])
        for card in open_cards:
            card._schedule()

    def _follow_outcome(self):
        """Note when care was over; take the task off the owner's list."""
        for card in self:
            card.sudo().done_at = card.outcome and fields.Datetime.now()
        done = self.filtered("outcome")
        done.activity_feedback(["mail.mail_activity_data_todo"])

    def action_open_document(self):
        """Open the ticket or the order that the answer is about."""
        self.ensure_one()
        return self.rating_id.sudo()._get_document().sudo(False).get_formview_action()

    # === THE CLIFF === #

    @api.model
    def _watch(self, ratings):
        """Make a card for each answer with which a customer's satisfaction fell."""
        for rating in ratings.sudo():
            before, now = rating._get_previous_score(), int(rating.rating)
            if now < before and (before == 5 or before - now >= 2):
                self.sudo()._open_card(rating, before, now)

    @api.model
    def _open_card(self, rating, before, now):
        """Give a fall to who is to care, until when."""
        company = rating.hstyle_company_id
        document, team = rating._get_document(), self._get_team(rating)
        customer = rating.partner_id.commercial_partner_id
        card = self.with_company(company).create(
            {
                "rating_id": rating.id,
                "partner_id": customer.id,
                "company_id": company.id,
                "previous_score": before,
                "score": now,
                "user_id": self._get_owner(customer, company, document, team).id,
                "due": self._get_due(rating, team),
            }
        )
        card._schedule()

    def _schedule(self):
        if self.user_id:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=self.company_id._hstyle_day(self.due),
                summary=self.env._("Satisfaction fell: care for the customer"),
                user_id=self.user_id.id,
            )

    @api.model
    def _get_team(self, rating):
        document, company = rating._get_document(), rating.hstyle_company_id
        if document._name == "hstyle.ticket":
            return document.team_id
        domain = [("company_id", "=", company.id)]
        return self.env["hstyle.ticket.team"].search(domain, limit=1)

    @api.model
    def _get_due(self, rating, team):
        """Return until when somebody cares, in the team's working time."""
        now, hours = fields.Datetime.now(), rating._get_policy().care_hours or 8
        spans = team._iter_spans(now) if team else worktime.ALWAYS
        return worktime.get_deadline(spans, now, round(hours * 60)) or now

    @api.model
    def _get_owner(self, customer, company, document, team):
        """Return who cares: the named manager, the team leader, or who served."""
        member = self.env["hstyle.membership"].search(
            [("partner_id", "=", customer.id), ("company_id", "=", company.id)], limit=1
        )
        managers = self.env["hstyle.account.manager"]
        named = (
            managers._get_contact(member) if member.manager_id else member.manager_id
        )
        candidates = (named, team.manager_id, document.user_id, customer.user_id)
        for user in candidates:
            if user.active and self._may_care(user) and company in user.company_ids:
                return user
        return self.env["res.users"]

    @api.model
    def _may_care(self, user):
        """Tell whether a user may work on cards; portal users never have a role."""
        return user and user.has_group("hstyle_crm.hstyle_crm_group_user")
