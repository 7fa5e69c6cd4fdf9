from odoo import api, fields, models
from odoo.tools import html2plaintext


class HstyleTicketSolution(models.AbstractModel):
    """Solutions that fit a ticket, and what became of them: a half of hstyle.ticket.

    One that is sent counts as given; when the ticket is solved, as having solved it.
    """

    _name = "hstyle.ticket.solution"
    _description = "Solutions of tickets"

    solution_ids = fields.Many2many(
        comodel_name="hstyle.solution",
        string="Solutions that fit",
        compute="_compute_solutions",
    )
    solution_use_ids = fields.One2many(
        comodel_name="hstyle.solution.use", inverse_name="ticket_id", readonly=True
    )

    @api.depends("name", "description", "intent_id", "product_id", "company_id")
    def _compute_solutions(self):
        for ticket in self:
            text = f"{ticket.name or ''} {html2plaintext(ticket.description or '')}"
            solutions = self.env["hstyle.solution"].with_company(ticket.company_id)
            ticket.solution_ids = solutions._find(
                text, intent=ticket.intent_id, product=ticket.product_id
            )

    def _message_post_after_hook(self, message, msg_vals):
        if solution_id := self.env.context.get("hstyle_solution_id"):
            self.env["hstyle.solution"].browse(solution_id)._note("inserted", self)
        return super()._message_post_after_hook(message, msg_vals)

    def _solve(self, now, closed):
        result = super()._solve(now, closed)
        uses = self.sudo().solution_use_ids
        given = uses.filtered(lambda use: use.kind == "inserted").solution_id
        if given:
            given._note("solved", self)
        return result
