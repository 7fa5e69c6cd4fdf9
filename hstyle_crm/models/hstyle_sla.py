from odoo import api, fields, models


class HstyleSla(models.Model):
    """How fast tickets are answered and solved; the first that fits a ticket holds."""

    _name = "hstyle.sla"
    _description = "Service level"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    intent_ids = fields.Many2many(
        comodel_name="hstyle.ticket.intent", string="Intents", help="Empty: all."
    )
    grade_ids = fields.Many2many(
        comodel_name="res.partner.grade",
        string="Tiers",
        domain=[("is_tier", "=", True)],
        help="Empty: all customers.",
    )
    priority = fields.Selection(
        selection=lambda self: self.env["hstyle.ticket"]._fields["priority"].selection,
        string="From priority",
        default="0",
        required=True,
    )
    answer_hours = fields.Float(
        string="First answer", required=True, help="In working hours of the team."
    )
    solve_hours = fields.Float(
        string="Time to solve", required=True, help="In working hours of the team."
    )

    _hours_valid = models.Constraint(
        "CHECK (answer_hours > 0 AND solve_hours >= answer_hours)",
        "The first answer takes some time, and the solution no less.",
    )

    @api.model
    def _get_by_ticket(self, tickets):
        """Return ticket → the service level that holds for it, maybe none."""
        levels = self.sudo().search([("company_id", "in", tickets.company_id.ids)])
        return {
            ticket: next(
                (level for level in levels if level._fits(ticket)), self.browse()
            )
            for ticket in tickets
        }

    def _fits(self, ticket):
        grade = ticket.partner_id.commercial_partner_id.sudo().grade_id
        return (
            self.company_id == ticket.company_id
            and (not self.intent_ids or ticket.intent_id in self.intent_ids)
            and (not self.grade_ids or grade in self.grade_ids)
            and ticket.priority >= self.priority
        )
