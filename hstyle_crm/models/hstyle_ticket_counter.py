from collections import Counter

from odoo import fields, models

from .hstyle_ticket_stage import DONE


class HstyleTicketCounter(models.AbstractModel):
    """A document that shows the tickets about it."""

    _name = "hstyle.ticket.counter"
    _description = "Tickets about a document"

    #: Where a ticket says what it is about.
    _ticket_path = "partner_id.commercial_partner_id"

    hstyle_ticket_count = fields.Integer(
        string="Tickets",
        compute="_compute_hstyle_tickets",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_open_ticket_count = fields.Integer(
        string="Open tickets",
        compute="_compute_hstyle_tickets",
        groups="hstyle_crm.hstyle_crm_group_user",
    )

    def _compute_hstyle_tickets(self):
        """Count for all records at once: lists of customers show it."""
        subjects = {record: record._get_ticket_subject() for record in self}
        ids = [subject.id for subject in subjects.values() if subject.id]
        total, still_open = Counter(), Counter()
        groups = self.env["hstyle.ticket"]._read_group(
            [(self._ticket_path, "in", ids), ("merged_into_id", "=", False)],
            [self._ticket_path, "kind"],
            ["__count"],
        )
        for subject, kind, number in groups:
            total[subject.id] += number
            still_open[subject.id] += number * (kind not in DONE)
        for record, subject in subjects.items():
            record.hstyle_ticket_count = total[subject.id]
            record.hstyle_open_ticket_count = still_open[subject.id]

    def _get_ticket_subject(self):
        """Return what tickets are about."""
        return self

    def _get_ticket_defaults(self):
        """Return what a new ticket about this document knows."""
        defaults = {"default_partner_id": self.partner_id.id}
        if "." not in self._ticket_path:
            defaults[f"default_{self._ticket_path}"] = self.id
        return defaults

    def action_hstyle_tickets(self):
        """Show the tickets about this document."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_ticket_action"
        )
        domain = [
            (self._ticket_path, "=", self._get_ticket_subject().id),
            ("merged_into_id", "=", False),
        ]
        views = [(False, "list"), (False, "kanban"), (False, "form")]
        context = self._get_ticket_defaults()
        return {**action, "domain": domain, "context": context, "views": views}
