from odoo import models

from .hstyle_ticket_stage import DONE


class HstyleCustomerAction(models.AbstractModel):
    """What one can do for a customer right from the form: a part of res.partner."""

    _name = "hstyle.customer.action"
    _description = "Actions for a customer"

    def action_hstyle_timeline(self):
        """Show all that happened with the customer."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_timeline_action"
        )
        domain = [("partner_id", "=", self.commercial_partner_id.id)]
        return {**action, "domain": domain, "context": {}}

    def action_hstyle_ticket(self):
        """Open the form of a new ticket of the customer."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New ticket"),
            "res_model": "hstyle.ticket",
            "view_mode": "form",
            "views": [(False, "form")],
            "context": {"default_partner_id": self.id},
        }

    def action_hstyle_goodwill(self):
        """Give goodwill by the customer's open ticket, or write one first."""
        self.ensure_one()
        mine = ("partner_id", "child_of", self.commercial_partner_id.id)
        ticket = self.env["hstyle.ticket"].search(
            [mine, ("kind", "not in", DONE)], order="id desc", limit=1
        )
        if not ticket:
            # Goodwill is for trouble that stands somewhere.
            return self.action_hstyle_ticket()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_ticket_compensation_action"
        )
        name = self.env._("Goodwill for %s", ticket.display_name)
        context = {"default_ticket_id": ticket.id}
        return {**action, "name": name, "context": context}

    def action_hstyle_call_result(self):
        """Note what came of a call."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_call_result_action"
        )
        return {**action, "context": {"default_partner_id": self.id}}

    def action_hstyle_quotation(self):
        """Open the form of a quotation for the customer."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Quotation"),
            "res_model": "sale.order",
            "view_mode": "form",
            "views": [(False, "form")],
            "context": {"default_partner_id": self.id},
        }

    def action_hstyle_offers(self):
        """Show the personal offers that the customer has."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_offer_list_action"
        )
        domain = [("partner_id", "=", self.commercial_partner_id.id)]
        return {**action, "domain": domain, "context": {}}
