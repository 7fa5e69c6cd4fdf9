from odoo import api, fields, models


class HstyleTicketHandover(models.TransientModel):
    """Give tickets to another owner or team, and say why."""

    _name = "hstyle.ticket.handover"
    _description = "Hand-over of tickets"

    ticket_ids = fields.Many2many(
        comodel_name="hstyle.ticket",
        string="Tickets",
        required=True,
        default=lambda self: self.env.context.get("active_ids"),
    )
    company_id = fields.Many2one(
        comodel_name="res.company", compute="_compute_company_id"
    )
    team_id = fields.Many2one(
        comodel_name="hstyle.ticket.team",
        domain="[('company_id', '=', company_id)]",
        help="Empty: the team stays.",
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="New owner",
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        help="Empty: who has the skill and the least load.",
    )
    note = fields.Text(
        required=True, help="The new owner reads it; the customer does not."
    )

    @api.depends("ticket_ids")
    def _compute_company_id(self):
        for wizard in self:
            wizard.company_id = wizard.ticket_ids.company_id[:1]

    def action_hand_over(self):
        self.ensure_one()
        self.ticket_ids._hand_over(self.user_id, self.note, self.team_id)
        return True
