from odoo import models


class HstylePromiseCustomer(models.AbstractModel):
    """What was promised to a customer, about whatever: a part of res.partner."""

    _name = "hstyle.promise.customer"
    _description = "Promises to customers"
    _inherit = "hstyle.promise.document"

    def _compute_hstyle_promise_count(self):
        groups = self.env["hstyle.promise"]._read_group(
            [
                ("commercial_partner_id", "in", self.commercial_partner_id.ids),
                ("done_on", "=", False),
            ],
            ["commercial_partner_id"],
            ["__count"],
        )
        counts = {customer.id: count for customer, count in groups}
        for partner in self:
            customer = partner.commercial_partner_id._origin
            partner.hstyle_promise_count = counts.get(customer.id, 0)

    def _get_promise_customer(self):
        return self

    def _get_promise_domain(self):
        return [("commercial_partner_id", "=", self.commercial_partner_id.id)]

    def _get_promises(self, limit=5):
        """Return promises to the customer: what is owed first, then what was last."""
        self.ensure_one()
        promises, domain = self.env["hstyle.promise"], self._get_promise_domain()
        owed = promises.search([*domain, ("done_on", "=", False)], limit=limit)
        if len(owed) == limit:
            return owed
        done = [*domain, ("done_on", "!=", False)]
        rest = limit - len(owed)
        return owed + promises.search(done, order="done_on desc, id desc", limit=rest)
