from psycopg2 import errors

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError


class HstylePointsAdjustment(models.Model):
    """Points that a person gives or takes, with a reason.

    Within the limit of the role they are posted at once; above it a manager decides.
    """

    _name = "hstyle.points.adjustment"
    _description = "Points adjustment"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "reason"

    card_id = fields.Many2one(
        comodel_name="loyalty.card",
        required=True,
        index=True,
        ondelete="restrict",
        domain=[("managed", "=", True)],
    )
    partner_id = fields.Many2one(related="card_id.partner_id", string="Customer")
    company_id = fields.Many2one(related="card_id.company_id")
    balance = fields.Float(
        related="card_id.points", string="Current balance", tracking=False
    )
    kind = fields.Selection(
        selection=[("bonus", "Bonus"), ("adjust", "Correction")],
        required=True,
        default="bonus",
    )
    points = fields.Float(
        digits=(16, 2), required=True, help="Below zero to take points away."
    )
    reason = fields.Char(required=True, help="The customer reads it beside the points.")
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("waiting", "To approve"),
            ("done", "Posted"),
            ("refused", "Refused"),
        ],
        required=True,
        default="draft",
        readonly=True,
        copy=False,
        tracking=True,
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Asked by",
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.user,
    )
    approver_id = fields.Many2one(
        comodel_name="res.users",
        string="Decided by",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )
    posted_on = fields.Date(readonly=True, copy=False)
    # Which of the user's adjustments of the day: two at once cannot both be the third.
    day_number = fields.Integer(readonly=True, copy=False)

    _day_unique = models.UniqueIndex("(user_id, posted_on, day_number)")

    @api.constrains("card_id")
    def _check_card(self):
        self.sudo().card_id._check_managed()

    @api.constrains("points", "kind")
    def _check_points(self):
        for adjustment in self:
            if not round(adjustment.points, 2):
                raise ValidationError(
                    self.env._("Enter the points to give, or below zero to take.")
                )
            if adjustment.kind == "bonus" and adjustment.points < 0:
                raise ValidationError(
                    self.env._(
                        "A bonus gives points. To take some away, choose a correction."
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        adjustments = super().create(vals_list)
        adjustments._check_drafts()
        return adjustments

    def write(self, vals):
        self._check_drafts()
        result = super().write(vals)
        self._check_drafts()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_asked(self):
        self._check_drafts()

    def _check_drafts(self):
        """Let only drafts, and only one's own, be written by hand.

        :raise UserError: if an adjustment is asked for already
        """
        if self.env.su:
            return
        asked = ("approver_id", "posted_on", "day_number")
        if any(a.state != "draft" or any(a[name] for name in asked) for a in self):
            raise UserError(
                self.env._("What is asked for is not changed any more. Ask anew.")
            )
        if any(adjustment.user_id != self.env.user for adjustment in self):
            raise AccessError(self.env._("Ask for points in your own name."))

    def action_confirm(self):
        """Post the points, or ask a manager where they exceed the role's limit."""
        self.ensure_one()
        self._check_drafts()
        if self._is_within_limit():
            self._number()
            self._apply()
            return {"type": "ir.actions.act_window_close"}
        self.sudo().state = "waiting"
        self._ask_managers()
        return self._notify_waiting()

    def action_approve(self):
        """Post points that somebody asked for."""
        self._decide()._apply()

    def action_refuse(self):
        """Turn down points that somebody asked for."""
        self._decide().sudo().state = "refused"

    def _decide(self):
        """Return the adjustments, with the decider's name on them.

        :raise AccessError: for who is not a manager
        """
        if not self.env.user._is_crm_manager():
            raise AccessError(self.env._("A CRM manager decides on these points."))
        if any(adjustment.state != "waiting" for adjustment in self):
            raise UserError(self.env._("Somebody has decided on these points already."))
        self.sudo().approver_id = self.env.user
        self.sudo().activity_feedback(["mail.mail_activity_data_todo"])
        return self

    def _apply(self):
        """Post the points, once."""
        for adjustment in self.sudo():
            card = adjustment.card_id
            key = f"{adjustment._name}:{adjustment.id}"
            move = card._prepare_move(
                adjustment.kind, adjustment.points, adjustment.reason, key=key
            )
            card._post([move])
            adjustment.write(
                {"state": "done", "posted_on": card.program_id._get_today()}
            )

    def _get_done_today(self):
        """Return what the user posted today on the own authority."""
        today = self.sudo().card_id.program_id._get_today()
        domain = [("user_id", "=", self.env.uid), ("posted_on", "=", today)]
        return self.sudo().search([*domain, ("day_number", ">", 0)])

    def _is_within_limit(self):
        """Tell whether the user may post these points on top of those of today."""
        program = self.sudo().card_id.program_id
        limit = program._get_adjustment_limit(self.env.user)
        given = sum(abs(done.points) for done in self._get_done_today())
        return limit is None or given + abs(self.points) <= limit

    def _number(self):
        """Take the next number of the user's day.

        :raise TryAgainError: if another request of the user took it meanwhile
        """
        values = {
            "day_number": len(self._get_done_today()) + 1,
            "posted_on": self.sudo().card_id.program_id._get_today(),
        }
        try:
            self.sudo().write(values)
            self.flush_recordset()
        except errors.UniqueViolation as error:
            raise self.card_id._ask_again() from error

    def _ask_managers(self):
        """Put the question on the managers' list of activities."""
        for manager in (
            self.env["res.users"]
            ._get_crm_managers()
            .filtered(lambda user: user.id != SUPERUSER_ID)
        ):
            self.sudo().activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=manager.id,
                summary=self.env._("Approve %s points", self.points),
                note=self.reason,
            )

    def _notify_waiting(self):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "title": self.env._("A manager will decide"),
                "message": self.env._(
                    "This is more than you may give in a day. The CRM managers find it "
                    "in their activities."
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
