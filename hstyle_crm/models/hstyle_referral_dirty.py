from odoo import api, fields, models
from odoo.tools import SQL


class HstyleReferralDirty(models.Model):
    """Orders of referred friends that changed since the job followed them.

    Insert-only and without a unique key, so that no two orders ever wait for each
    other.
    """

    _name = "hstyle.referral.dirty"
    _description = "Order of a referred friend that changed"
    _log_access = False

    # No foreign key: a row for an order that is gone does no harm.
    order_id = fields.Integer(required=True)

    @api.model
    def _mark(self, orders):
        """Queue those of the orders that concern a referral or a commission."""
        self.env["sale.order"].flush_model(["partner_id", "company_id"])
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        self.env["hstyle.referral"].flush_model(["friend_id", "order_id"])
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_referral_dirty (order_id)
                SELECT so.id
                  FROM sale_order so
                  JOIN res_partner p ON p.id = so.partner_id
                  JOIN res_company c ON c.id = so.company_id
                 WHERE so.id = ANY(%s)
                   AND (EXISTS (SELECT FROM hstyle_referral r
                                 WHERE r.friend_id = p.commercial_partner_id
                                   AND '/' || c.parent_path
                                       LIKE '%%/' || r.company_id || '/%%')
                        OR EXISTS (SELECT FROM hstyle_referral r
                                    WHERE r.order_id = so.id)
                        OR EXISTS (SELECT FROM hstyle_commission c
                                    WHERE c.order_id = so.id))
                """,
                orders.ids,
            )
        )
        if self.env.cr.rowcount:
            self.env["hstyle.referral"]._wake()

    @api.model
    def _get_last(self):
        """Return the newest row: what comes later, or fails, waits for the next run."""
        return self.search([], order="id desc", limit=1).id or 0

    @api.model
    def _take(self, last, limit):
        """Take rows from the queue; return their orders, as far as they exist."""
        found = self.env.execute_query(
            SQL(
                """
                DELETE FROM hstyle_referral_dirty
                 WHERE id IN (SELECT id FROM hstyle_referral_dirty
                               WHERE id <= %s ORDER BY id LIMIT %s)
             RETURNING order_id
                """,
                last,
                limit,
            )
        )
        self.invalidate_model()
        ids = {order_id for (order_id,) in found}
        return self.env["sale.order"].browse(ids).exists()

    @api.model
    def _put_back(self, orders):
        """Queue orders again that could not be followed."""
        self.create([{"order_id": order.id} for order in orders])
