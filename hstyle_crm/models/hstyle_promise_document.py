from collections import Counter

from odoo import fields, models

GROUPS = "hstyle_crm.hstyle_crm_group_user,sales_team.group_sale_salesman"


class HstylePromiseDocument(models.AbstractModel):
    """What promises are made about: a ticket, an order, an opportunity, a customer."""

    _name = "hstyle.promise.document"
    _description = "Document with promises"

    hstyle_promise_count = fields.Integer(
        string="Promises to keep",
        compute="_compute_hstyle_promise_count",
        groups=GROUPS,
    )

    def _compute_hstyle_promise_count(self):
        """Count what is still owed, for all documents at once."""
        names = [f"{self._name},{document_id}" for document_id in self.ids]
        owed = self.env["hstyle.promise"].search(
            [("document", "in", names), ("done_on", "=", False)]
        )
        counts = Counter(promise.document.id for promise in owed)
        for document in self:
            document.hstyle_promise_count = counts[document._origin.id]

    def action_hstyle_promises(self):
        """Open the document's promises, and offer to make one."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_promise_action"
        )
        defaults = {
            "default_document": f"{self._name},{self.id}",
            "default_partner_id": self._get_promise_customer().id,
            "default_company_id": (self.company_id or self.env.company).id,
        }
        return {**action, "domain": self._get_promise_domain(), "context": defaults}

    def _get_promise_customer(self):
        return self.partner_id

    def _get_promise_domain(self):
        return [("document", "=", f"{self._name},{self.id}")]
