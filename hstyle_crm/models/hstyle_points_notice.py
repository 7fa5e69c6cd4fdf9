import logging

from odoo import api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Customers who get a notice in one transaction.
NOTICES = 200
#: Days before the last day of points on which their owner hears of it.
HORIZONS = (30, 7)
#: Days between two notices of a kind to one member.
PAUSE = 7


class HstylePointsNotice(models.AbstractModel):
    """Notices that points expire soon: a half of loyalty.card."""

    _name = "hstyle.points.notice"
    _description = "Notices of expiring points"

    notice_30_until = fields.Date(
        readonly=True, copy=False, help="Expiries to this day were announced early."
    )
    notice_7_until = fields.Date(
        readonly=True, copy=False, help="Expiries to this day were announced again."
    )

    @api.model
    def _cron_notify(self):
        """Write to members whose points expire soon: 30 days before, and 7."""
        commit = self.env["ir.cron"]._commit_progress
        total = 0
        # The later notice first: who gets it needs no earlier one.
        for days in sorted(HORIZONS):
            while cards := self._find_expiring(days, NOTICES):
                total += len(cards._notify_expiring(days))
                if not commit(len(cards)):
                    return
        _logger.info("%s members were told that points expire.", total)

    @api.model
    def _find_expiring(self, days, limit):
        """Return cards with points that expire in so many days, and no notice yet."""
        field = SQL.identifier(f"notice_{days}_until")
        nearest = max((h for h in HORIZONS if h < days), default=-1)
        found = self.env.execute_query(
            SQL(
                """
                SELECT h.card_id
                  FROM loyalty_history h
                  JOIN loyalty_card c ON c.id = h.card_id AND c.active
                  JOIN loyalty_program p ON p.id = c.program_id AND p.active
                 WHERE h.remaining > 0
                   AND h.expiration_date > %(start)s
                   AND h.expiration_date <= %(end)s
                   AND (c.%(field)s IS NULL
                        OR h.expiration_date > c.%(field)s
                           AND c.%(field)s <= %(again)s)
                   AND c.partner_id IS NOT NULL
                 GROUP BY h.card_id
                 ORDER BY h.card_id
                 LIMIT %(limit)s
                """,
                start=fields.Date.add(fields.Date.today(), days=nearest),
                end=fields.Date.add(fields.Date.today(), days=days),
                # At most one notice in a week, whatever expires on each day.
                again=fields.Date.add(fields.Date.today(), days=days - PAUSE),
                field=field,
                limit=limit,
            )
        )
        return self.browse(card_id for (card_id,) in found)

    def _filter_told(self, company):
        """Return the cards whose customers this company may write to."""
        partners = self.partner_id.with_company(company)._filter_contactable(
            "email", "membership", self.env._("Points expire soon")
        )
        return self.filtered(lambda card: card.partner_id in partners)

    def _notify_expiring(self, days):
        """Send the notice, and remember which expiries it named; return the told."""
        until = fields.Date.add(fields.Date.today(), days=days)
        by_company = self.grouped(lambda card: card.company_id or self.env.company)
        told = self.browse().union(
            *(cards._filter_told(company) for company, cards in by_company.items())
        )
        template = self.env.ref("hstyle_crm.mail_template_points_expiry")
        if told:
            told = told.with_context(points_until=until)
            template.with_env(told.env).send_mail_batch(
                told.ids, email_values={"hstyle_purpose": "membership"}
            )
        self.env.cr.execute(
            SQL(
                "UPDATE loyalty_card SET %s = %s WHERE id = ANY(%s)",
                SQL.identifier(f"notice_{days}_until"),
                until,
                self.ids,
            )
        )
        self.invalidate_recordset([f"notice_{days}_until"])
        return told

    def _get_expiring(self):
        """Return the next expiries of the card that its notice names."""
        self.ensure_one()
        until = self.env.context.get("points_until")
        return self.expiry_ids.filtered(
            lambda expiry: (
                expiry.expiration_date
                and (not until or expiry.expiration_date <= until)
            )
        )
