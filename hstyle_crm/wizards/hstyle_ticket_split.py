from odoo import api, fields, models


class HstyleTicketSplit(models.TransientModel):
    """Make a ticket of its own of what a customer asked beside."""

    _name = "hstyle.ticket.split"
    _description = "Split of a ticket"

    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket",
        required=True,
        default=lambda self: self.env.context.get("active_id"),
    )
    name = fields.Char(string="Subject", required=True)
    intent_id = fields.Many2one(
        comodel_name="hstyle.ticket.intent", help="Empty: the same."
    )
    message_ids = fields.Many2many(
        comodel_name="mail.message",
        string="Messages that move",
        required=True,
        compute="_compute_message_ids",
        store=True,
        readonly=False,
        domain="[('model', '=', 'hstyle.ticket'), ('res_id', '=', ticket_id), "
        "('message_type', 'in', ('email', 'comment'))]",
    )

    @api.depends("ticket_id")
    def _compute_message_ids(self):
        """Propose the customer's last words."""
        for wizard in self:
            said = wizard.ticket_id.message_ids.filtered(
                lambda m: m.author_id.partner_share or m.message_type == "email"
            )
            wizard.message_ids = said.sorted("id")[-1:]

    def action_split(self):
        self.ensure_one()
        part = self.ticket_id._split(self.message_ids, self.name, self.intent_id)
        return part.get_formview_action()
