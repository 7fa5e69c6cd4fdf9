import logging

from odoo import api, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)


class HstylePointsAudit(models.AbstractModel):
    """The nightly comparison of balances, lots and rows: a half of loyalty.card."""

    _name = "hstyle.points.audit"
    _description = "Audit of the points ledger"

    @api.model
    def _cron_check(self):
        """Compare balances, lots and rows of every card; name those that disagree."""
        self.env.flush_all()
        programs = self.env["loyalty.program"].sudo().with_context(active_test=False)
        programs.search([("managed", "=", True)])._update_breakage()
        faults = self._find_faults()
        cards = self.browse({card_id for card_id, _fault in faults})
        _logger.info("Points ledger checked: %s cards disagree.", len(cards))
        if cards:
            self._alert(self.env._("The points ledger disagrees with itself"), cards)

    @api.model
    def _find_faults(self, ids=None):
        """Return (card id, fault) where sums differ; nothing is repaired.

        A card's balance is what remains of its rows that are not pending; what remains
        of a row is its points less what is drawn on it, and plus what it drew; a row
        draws on lots of its own card.

        :param ids: cards to look at, or None for all
        """
        scope = SQL("TRUE") if ids is None else SQL("card_id = ANY(%s)", list(ids))
        self._set_nested_loops(ids is not None)
        faults = self.env.execute_query(
            SQL(
                """
                WITH row AS (
                     SELECT id, card_id, points, remaining, pending
                       FROM loyalty_history
                      WHERE kind IS NOT NULL AND %(scope)s
                ), matched AS (
                     SELECT id, SUM(points) AS points
                       FROM (SELECT lot_id AS id, -points AS points
                               FROM hstyle_points_allocation
                              UNION ALL
                             SELECT row_id, points FROM hstyle_points_allocation) drawn
                      GROUP BY id
                ), balance AS (
                     SELECT card_id,
                            SUM(remaining) FILTER (WHERE NOT pending) AS available,
                            SUM(remaining) FILTER (WHERE pending) AS pending,
                            SUM(points) AS total
                       FROM row
                      GROUP BY card_id
                )
                SELECT c.id, 'balance'
                  FROM (SELECT id, id AS card_id, points, points_pending
                          FROM loyalty_card
                         WHERE managed
                            OR program_id IN (
                               SELECT id FROM loyalty_program WHERE managed)) c
                  LEFT JOIN balance b USING (card_id)
                 WHERE %(scope)s
                   AND (round(c.points::numeric, 2) <> COALESCE(b.available, 0)
                        OR COALESCE(c.points_pending, 0) <> COALESCE(b.pending, 0)
                        OR COALESCE(b.available, 0) + COALESCE(b.pending, 0)
                           <> COALESCE(b.total, 0))
                 UNION
                SELECT card_id, 'lot'
                  FROM row
                  LEFT JOIN matched USING (id)
                 WHERE row.points + COALESCE(matched.points, 0) <> row.remaining
                 UNION
                SELECT lot.card_id, 'draw'
                  FROM hstyle_points_allocation a
                  JOIN row lot ON lot.id = a.lot_id
                  JOIN loyalty_history r ON r.id = a.row_id
                 WHERE r.card_id <> lot.card_id
                 ORDER BY 1, 2
                """,
                scope=scope,
            )
        )
        self._set_nested_loops(True)
        return faults

    @api.model
    def _set_nested_loops(self, allowed):
        """Keep the planner from joining all rows one by one, where it knows too little.

        After a mass of new rows, before they are analyzed, that takes hours.
        """
        value = "on" if allowed else "off"
        self.env.cr.execute(
            SQL(
                "SELECT set_config('enable_nestloop', %s, TRUE),"
                # The clock may have left it off in this transaction.
                " set_config('enable_hashjoin', 'on', TRUE)",
                value,
            )
        )

    @api.model
    def _alert(self, subject, cards):
        """Tell the CRM managers which cards need a person."""
        names = [
            f"{card.code} ({card.partner_id.display_name or '-'})"
            for card in cards.sudo()[:100]
        ]
        body = self.env._(
            "%(count)s cards: %(names)s. Nothing was changed; open them and compare "
            "their rows with their balances.",
            count=len(cards),
            names=", ".join(names),
        )
        self.env["res.users"]._tell_crm_managers(subject, body)
