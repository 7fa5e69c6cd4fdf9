from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .hstyle_ticket_stage import DONE


class HstyleTicketMember(models.Model):
    """A colleague in a service team: what for, how much, and who stands in."""

    _name = "hstyle.ticket.member"
    _description = "Member of a service team"
    _order = "team_id, id"
    _rec_name = "user_id"

    team_id = fields.Many2one(
        comodel_name="hstyle.ticket.team",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="team_id.company_id")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Employee",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("share", "=", False)],
    )
    intent_ids = fields.Many2many(
        comodel_name="hstyle.ticket.intent",
        string="Skills",
        help="What this member takes tickets of. Empty: all.",
    )
    capacity = fields.Integer(
        default=20,
        help="Open tickets that are a full load; the emptiest takes the next one. Who "
        "has none takes none.",
    )
    deputy_id = fields.Many2one(
        comodel_name="res.users",
        string="Deputy",
        index="btree_not_null",
        ondelete="set null",
        domain="[('share', '=', False), ('id', '!=', user_id)]",
        help="Takes the new tickets while the member is away, hears of late ones, and "
        "follows those that are open.",
    )
    away_until = fields.Date(help="Through this day the deputy stands in.")
    open_count = fields.Integer(string="Open tickets", compute="_compute_open_count")

    _user_unique = models.Constraint(
        "UNIQUE (team_id, user_id)", "This employee is a member of the team already."
    )
    _capacity_valid = models.Constraint(
        "CHECK (capacity >= 0)", "A capacity is not below zero."
    )

    def _compute_open_count(self):
        loads = self._get_loads(self.user_id)
        for member in self:
            member.open_count = loads[member.user_id]

    @api.constrains("user_id", "deputy_id")
    def _check_deputy(self):
        for member in self:
            if member.deputy_id == member.user_id or member.deputy_id.share:
                raise ValidationError(
                    self.env._(
                        "The deputy of %s is another employee.", member.user_id.name
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        members = super().create(vals_list)
        members._brief_deputies()
        return members

    def write(self, vals):
        result = super().write(vals)
        if "away_until" in vals or "deputy_id" in vals:
            self._brief_deputies()
        return result

    # === WHO TAKES TICKETS === #

    @api.model
    def _get_loads(self, users):
        """Return Counter of user → open tickets, of all companies."""
        groups = (
            self.env["hstyle.ticket"]
            .sudo()
            ._read_group(
                [("user_id", "in", users.ids), ("kind", "not in", DONE)],
                ["user_id"],
                ["__count"],
            )
        )
        return Counter({user.with_env(self.env): n for user, n in groups})

    def _is_away(self):
        today = self.company_id._hstyle_today()
        return bool(self.away_until and self.away_until >= today)

    def _get_present(self):
        """Return the user who works for a member today: the member or the deputy."""
        return self.deputy_id if self._is_away() else self.user_id

    def _brief_deputies(self):
        """Let deputies hear what customers say on the tickets of who is away."""
        for member in self.sudo():
            if member.deputy_id and member._is_away():
                domain = [
                    ("user_id", "=", member.user_id.id),
                    ("team_id", "=", member.team_id.id),
                    ("kind", "not in", DONE),
                ]
                tickets = self.env["hstyle.ticket"].sudo().search(domain)
                tickets.message_subscribe(member.deputy_id.partner_id.ids)
