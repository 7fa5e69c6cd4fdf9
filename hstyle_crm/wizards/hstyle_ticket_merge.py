from odoo import api, fields, models


class HstyleTicketMerge(models.TransientModel):
    """Make one ticket of several of a customer."""

    _name = "hstyle.ticket.merge"
    _description = "Merge of tickets"

    ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket",
        string="Goes on",
        required=True,
        compute="_compute_ticket_id",
        store=True,
        readonly=False,
        domain="[('kind', '!=', 'closed'), ('id', 'in', ticket_ids)]",
        help="The others become a part of it, and are closed.",
    )
    ticket_ids = fields.Many2many(
        comodel_name="hstyle.ticket",
        string="Tickets",
        required=True,
        domain="[('kind', '!=', 'closed'), '|', ('partner_id', '=', False), "
        "('partner_id', 'child_of', customer_id)]",
        default=lambda self: self._get_candidates(),
    )
    customer_id = fields.Many2one(
        comodel_name="res.partner", compute="_compute_customer_id"
    )

    @api.model
    def _get_candidates(self):
        """Return the chosen tickets; beside a single one, what asks for the same."""
        chosen = self.env["hstyle.ticket"].browse(self.env.context.get("active_ids"))
        customer = chosen.partner_id.commercial_partner_id
        if len(chosen) != 1 or not customer:
            return chosen
        domain = [
            ("partner_id", "child_of", customer.id),
            ("company_id", "=", chosen.company_id.id),
            ("intent_id", "in", [False, chosen.intent_id.id]),
            ("kind", "not in", ("solved", "closed")),
        ]
        return chosen | chosen.search(domain)

    @api.depends("ticket_ids")
    def _compute_customer_id(self):
        for wizard in self:
            customers = wizard.ticket_ids.partner_id.commercial_partner_id
            wizard.customer_id = customers[:1]

    @api.depends("ticket_ids")
    def _compute_ticket_id(self):
        """Propose the ticket from which the wizard was opened, or the oldest."""
        for wizard in self:
            tickets = wizard.ticket_ids
            chosen = self.env.context.get("active_ids") or []
            first = tickets.filtered(lambda t, ids=chosen: t._origin.id in ids[:1])
            oldest = tickets.sorted(lambda t: (t.opened_at, t._origin.id))[:1]
            wizard.ticket_id = (first if len(chosen) == 1 else oldest) or oldest

    def action_merge(self):
        self.ensure_one()
        self.ticket_id._merge(self.ticket_ids - self.ticket_id)
        return self.ticket_id.get_formview_action()
