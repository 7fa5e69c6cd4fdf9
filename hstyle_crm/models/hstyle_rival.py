from odoo import models

#: Documents of colleagues that a warning names at most.
_MOST = 3


class HstyleRival(models.AbstractModel):
    """What colleagues have open for a customer: two offers of a shop are one too many.

    For documents with ``user_id`` and ``company_id``.
    """

    _name = "hstyle.rival"
    _description = "Offers of colleagues to the same customer"

    def _get_deal(self):
        """Return the quotations and opportunities of this deal, one's own included."""
        return self.env["sale.order"], self.env["crm.lead"]

    def _get_rivals(self, customer):
        """Return up to three names of what colleagues have open, and theirs.

        Read for the name alone, as who has own documents only would see none.
        """
        orders, leads = self._get_deal()
        same = [
            ("partner_id.commercial_partner_id", "=", customer.id),
            ("user_id", "not in", [False, self.user_id.id]),
            ("company_id", "in", [False, (self.company_id or self.env.company).id]),
        ]
        quotations = orders.sudo().search(
            [*same, ("state", "in", ("draft", "sent")), ("id", "not in", orders.ids)],
            limit=_MOST,
        )
        pending = leads.sudo().search(
            [*same, ("won_status", "=", "pending"), ("id", "not in", leads.ids)],
            limit=_MOST,
        )
        found = [*quotations, *pending][:_MOST]
        return [f"{document.name} ({document.user_id.name})" for document in found]

    def _tell_rivals(self, customer):
        """Return a sentence about what colleagues have open for a customer, or ""."""
        self.ensure_one()
        names = self._get_rivals(customer) if customer else []
        if not names:
            return ""
        return self.env._(
            "Others are at it, too: %s. Agree on one offer before you send yours.",
            ", ".join(names),
        )
