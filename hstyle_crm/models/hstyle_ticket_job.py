from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .hstyle_ticket_stage import DONE

#: Tickets that are planned or closed in one transaction.
BATCH = 500


class HstyleTicketJob(models.AbstractModel):
    """What time and changed rules do to tickets: a half of hstyle.ticket."""

    _name = "hstyle.ticket.job"
    _inherit = ["hstyle.job"]
    _description = "Scheduled work on tickets"

    is_auto_closed = fields.Boolean(
        string="Closed without an answer",
        readonly=True,
        copy=False,
        help="The customer was waited for and never answered.",
    )

    @api.model
    def _mark_stale(self, domain):
        """Have open tickets planned again, by the job or when they are decided."""
        domain = [*domain, ("kind", "not in", DONE), ("is_stale", "=", False)]
        query = self.sudo()._search(domain)
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE hstyle_ticket SET is_stale = TRUE WHERE id IN %s",
                query.subselect(),
            )
        )
        self.invalidate_model(["is_stale"])

    @api.model
    def _sql_stops_marketing(self, customer, company):
        """Return SQL: a customer has an open ticket with a company or its branches.

        :param SQL customer: a commercial partner's id
        """
        return SQL(
            """
            %(customer)s IN (
                SELECT c.commercial_partner_id
                  FROM hstyle_ticket t
                  JOIN res_partner c ON c.id = t.partner_id
                  JOIN res_company f ON f.id = t.company_id
                  LEFT JOIN hstyle_ticket_intent i ON i.id = t.intent_id
                 WHERE NOT t.kind = ANY(%(done)s)
                   AND split_part(f.parent_path, '/', 1) = %(root)s
                   AND i.stops_marketing IS NOT FALSE
            )
            """,
            customer=customer,
            done=list(DONE),
            root=str(company.sudo().root_id.id),
        )

    @api.model
    def _cron_deadlines(self):
        """Follow changed rules, find deadlines that are over, and tell who can help."""
        self.env["hstyle.ticket.team"]._watch()
        if self._work_off([("is_stale", "=", True)], "planned again", "_plan"):
            self.env["hstyle.ticket.breach"]._escalate_late()

    @api.model
    def _cron_close(self):
        """Close tickets of which nobody has said anything for so many days."""
        for company in self.env["res.company"].search([("id", "!=", False)]):
            days = company.hstyle_ticket_close_days
            since = fields.Datetime.now() - timedelta(days=days)
            mine = [("company_id", "=", company.id)]
            solved = [*mine, ("kind", "=", "solved"), ("solved_at", "<", since)]
            waiting = [
                *mine,
                ("kind", "=", "waiting"),
                ("pause_ids", "any", [("stop", "=", False), ("start", "<", since)]),
                ("appointment_ids", "not any", [("state", "=", "booked")]),
            ]
            self._work_off(solved, "closed", "_close")
            self._work_off(waiting, "closed without an answer", "_give_up")

    @api.model
    def _work_off(self, domain, text, method):
        """Call a method on all tickets of a domain, each once; tell if none is left."""
        last, failed = 0, self.browse()

        def work():
            nonlocal last, failed
            tickets = self.search([*domain, ("id", ">", last)], order="id", limit=BATCH)
            failed |= self._try_each(tickets, lambda some: getattr(some, method)())
            last = max(tickets.ids, default=last)
            return len(tickets)

        return self._repeat(work, text)

    def _close(self):
        self.stage_id = self._get_stage("closed")

    def _give_up(self):
        self.is_auto_closed = True
        self._close()
