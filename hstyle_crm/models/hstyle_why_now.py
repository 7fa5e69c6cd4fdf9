from odoo import api, fields, models
from odoo.tools import SQL

from .hstyle_todo import REASONS

#: Days ahead of which a promise is a reason to turn to a customer.
AHEAD = 1


class HstyleWhyNow(models.AbstractModel):
    """Why to turn to a customer now: the part of it that lives on `res.partner`."""

    _name = "hstyle.why.now"
    _description = "Reason to turn to a customer"

    hstyle_why_now = fields.Char(
        string="Why now",
        compute="_compute_hstyle_why_now",
        help="The most urgent open reason to turn to the customer; empty for none.",
    )
    hstyle_why_now_reason = fields.Selection(
        selection=[*REASONS, ("promise", "Promise due")],
        string="Reason now",
        compute="_compute_hstyle_why_now",
    )

    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_hstyle_why_now(self):
        found = self._get_why_now(self.commercial_partner_id.ids)
        for partner in self:
            reason, name = found.get(partner.commercial_partner_id.id, (False, ""))
            partner.hstyle_why_now_reason = reason
            partner.hstyle_why_now = self._get_why_text(reason, name)

    @api.model
    def _get_why_text(self, reason, name):
        """Return a reason in one line of the reader's language."""
        if reason == "promise":
            return self.env._("Promised: %s", name)
        if reason == "fell":
            return self.env._("Satisfaction fell: %s", name)
        return name

    @api.model
    def _get_why_now(self, partner_ids):
        """Return commercial partner's id → (reason, words): what is due first.

        Who may not read tasks gets nothing.
        """
        if not partner_ids or not self.env["hstyle.todo"].has_access("read"):
            return {}
        self.env.flush_all()
        query = self._sql_why_now(partner_ids)
        return {partner: why for partner, *why in self.env.execute_query(query)}

    @api.model
    def _sql_why_now(self, partner_ids):
        return SQL(
            """
            SELECT DISTINCT ON (partner_id) partner_id, reason, name
              FROM (
                    SELECT partner_id, company_id, reason, name, due, 2 AS rank
                      FROM hstyle_todo
                     WHERE state = 'open'
                     UNION ALL
                    SELECT partner_id, company_id, 'fell',
                           concat(previous_score, ' → ', score), due::date, 1
                      FROM hstyle_care
                     WHERE outcome IS NULL AND %(cares)s
                     UNION ALL
                    SELECT commercial_partner_id, company_id, 'promise', name, due_on, 0
                      FROM hstyle_promise
                     WHERE done_on IS NULL AND due_on <= %(soon)s
                   ) why
             WHERE partner_id = ANY(%(partners)s) AND company_id = ANY(%(companies)s)
             ORDER BY partner_id, due, rank, reason
            """,
            soon=fields.Date.add(self.env.company._hstyle_today(), days=AHEAD),
            cares=self.env["hstyle.care"].has_access("read"),
            partners=partner_ids,
            companies=self.env.companies.ids,
        )
