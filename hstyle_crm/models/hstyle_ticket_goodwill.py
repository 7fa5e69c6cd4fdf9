from odoo import fields, models
from odoo.exceptions import UserError


class HstyleTicketGoodwill(models.AbstractModel):
    """Goodwill to the customer of a ticket: a half of hstyle.ticket."""

    _name = "hstyle.ticket.goodwill"
    _description = "Goodwill from tickets"

    goodwill_ids = fields.One2many(
        comodel_name="hstyle.goodwill", inverse_name="ticket_id"
    )
    goodwill_count = fields.Integer(compute="_compute_goodwill_count")

    def _compute_goodwill_count(self):
        groups = self.env["hstyle.goodwill"]._read_group(
            [("ticket_id", "in", self.ids)], ["ticket_id"], ["__count"]
        )
        counts = {ticket.id: count for ticket, count in groups}
        for ticket in self:
            ticket.goodwill_count = counts.get(ticket._origin.id, 0)

    def action_goodwill(self):
        """Open what the customer got, or asked for, by this ticket."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_goodwill_action"
        )
        return {**action, "domain": [("ticket_id", "=", self.id)], "context": {}}

    def _compensate(self, kind, amount, reason, note=""):
        """Give the customer goodwill, or ask a manager where the budget lacks it.

        :param str kind: points, coupon or price
        :param float amount: what it is worth, in the company's currency; a member
            price is worth what the settings say
        :param reason: hstyle.goodwill.reason
        :return: hstyle.goodwill, given or to approve
        :raise UserError: without a customer, or where the company lacks what to give
        """
        self.ensure_one()
        self.check_access("write")
        customer, company = self.partner_id.commercial_partner_id, self.company_id
        if not customer:
            raise UserError(self.env._("Who gets it? Enter the ticket's customer."))
        if kind == "price":
            amount = company.sudo().hstyle_goodwill_price_value
        goodwill = (
            self.env["hstyle.goodwill"]
            .sudo()
            .create(
                {
                    "ticket_id": self.id,
                    "partner_id": customer.id,
                    "company_id": company.id,
                    "kind": kind,
                    "amount": company.currency_id.round(amount),
                    "reason_id": reason.id,
                    "note": note,
                    "user_id": self.env.uid,
                }
            )
        )
        goodwill._settle()
        return goodwill.with_env(self.env)
