import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from .hstyle_habit import LOYALTIES, USAGES

_logger = logging.getLogger(__name__)

#: Offers that the nightly job moves in one transaction.
BATCH = 20_000
#: Days in which changes of an order change what its offers gave.
SETTLED = 90

_ADVANCE = """
UPDATE hstyle_offer_line
   SET state = %(state)s, order_id = NULL, redeemed_on = NULL, amount_given = 0
 WHERE id IN (
       SELECT l.id
         FROM hstyle_offer_line l
         JOIN hstyle_offer_list o ON o.id = l.list_id
        WHERE %(due)s
        LIMIT %(batch)s
          FOR UPDATE OF l SKIP LOCKED)
RETURNING list_id
"""

# The habit's last purchase is later than it was when the list was made.
_BOUGHT = """
l.state = 'open'
AND EXISTS (
    SELECT FROM hstyle_habit h
     WHERE h.partner_id = o.partner_id
       AND h.company_id = o.company_id
       AND h.category_id = l.category_id
       AND h.last_on >= o.date_from
       AND h.last_on > l.last_on)
"""

# Taken for an order that was deleted, or whose payment came to nothing.
_STALE = """
l.state = 'redeemed'
AND NOT EXISTS (
    SELECT FROM sale_order so
     WHERE so.id = l.order_id
       AND (so.state = 'sale'
            OR so.state IN ('draft', 'sent') AND l.redeemed_on > %(since)s
            OR EXISTS (
               SELECT FROM sale_order_transaction_rel rel
                 JOIN payment_transaction tx ON tx.id = rel.transaction_id
                WHERE rel.sale_order_id = so.id
                  AND tx.state IN ('pending', 'authorized', 'done'))))
"""

# What the discount of the offer took off the lines of its order.
_GIVEN = """
UPDATE hstyle_offer_line l
   SET amount_given = given.amount
  FROM (
        SELECT sol.hstyle_offer_line_id AS id,
               sum(round(sol.price_unit * sol.product_uom_qty * sol.discount / 100
                         / COALESCE(NULLIF(so.currency_rate, 0), 1), 2)) AS amount
          FROM sale_order_line sol
          JOIN sale_order so ON so.id = sol.order_id
          JOIN hstyle_offer_line offer
            ON offer.id = sol.hstyle_offer_line_id
           AND offer.order_id = so.id
           AND abs(offer.depth - sol.discount) < 0.005
         WHERE %s
         GROUP BY sol.hstyle_offer_line_id
       ) given
 WHERE given.id = l.id
   AND l.amount_given IS DISTINCT FROM given.amount
"""

_LISTS = """
UPDATE hstyle_offer_list o
   SET state = sums.state
  FROM (
        SELECT list_id,
               CASE WHEN bool_or(state = 'open') THEN 'open'
                    WHEN bool_or(state IN ('redeemed', 'bought')) THEN 'closed'
                    ELSE 'expired' END AS state
          FROM hstyle_offer_line
         WHERE list_id = ANY(%s)
         GROUP BY list_id
       ) sums
 WHERE sums.list_id = o.id AND o.state <> sums.state
"""


class HstyleOfferLine(models.Model):
    """An offer to a customer: goods of a category, once, at a discount.

    Written by SQL alone: by the run, by the orders that take it, and every night.
    """

    _name = "hstyle.offer.line"
    _description = "Offer"
    _order = "list_id desc, depth desc, id"
    _rec_name = "category_id"
    _log_access = False

    list_id = fields.Many2one(
        comodel_name="hstyle.offer.list",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(related="list_id.partner_id")
    plan_id = fields.Many2one(related="list_id.plan_id")
    company_id = fields.Many2one(related="list_id.company_id")
    currency_id = fields.Many2one(related="list_id.currency_id")
    date_from = fields.Date(related="list_id.date_from")
    date_to = fields.Date(related="list_id.date_to")
    category_id = fields.Many2one(
        comodel_name="product.category",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    loyalty = fields.Selection(selection=LOYALTIES, readonly=True)
    usage = fields.Selection(selection=USAGES, readonly=True)
    last_on = fields.Date(
        string="Last bought before", readonly=True, help="When the list was made."
    )
    value = fields.Monetary(
        string="Expected spending",
        readonly=True,
        help="What the customer spends on the category in a cycle, or in the days of "
        "the list if these are longer.",
    )
    depth = fields.Float(
        string="Depth (%)", digits=(4, 1), readonly=True, aggregator="avg"
    )
    amount_planned = fields.Monetary(string="Planned amount", readonly=True)
    sponsor_id = fields.Many2one(
        comodel_name="res.partner",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    sponsor_share = fields.Float(
        string="Share of the sponsor (%)",
        digits=(5, 2),
        readonly=True,
        aggregator=None,
    )

    # What came of it.
    state = fields.Selection(
        selection=[
            ("open", "Valid"),
            ("redeemed", "Redeemed"),
            ("bought", "Bought without it"),
            ("expired", "Expired"),
        ],
        required=True,
        readonly=True,
    )
    order_id = fields.Many2one(
        comodel_name="sale.order",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    redeemed_on = fields.Datetime(readonly=True)
    amount_given = fields.Monetary(
        string="Saved", readonly=True, help="What the offer took off the price."
    )

    def _format_depth(self):
        """Return how much is off, as the customer reads it."""
        self.ensure_one()
        return f"−{self.depth:g} %"

    # === ORDERS TAKE OFFERS === #

    @api.model
    def _find(self, customers, company):
        """Return (customer id, category id) → the best valid offer; one query."""
        found = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (o.partner_id, l.category_id)
                       o.partner_id, l.category_id, l.id
                  FROM hstyle_offer_list o
                  JOIN hstyle_offer_line l ON l.list_id = o.id AND l.state = 'open'
                 WHERE o.partner_id = ANY(%(customers)s)
                   AND o.company_id = %(company)s
                   AND o.date_from <= %(today)s
                   AND o.date_to >= %(today)s
                 ORDER BY o.partner_id, l.category_id, l.depth DESC, l.id
                """,
                customers=customers.ids,
                company=company.id,
                today=company._hstyle_today(),
            )
        )
        offers = self.browse(line_id for _partner, _category, line_id in found)
        keys = [(partner_id, category_id) for partner_id, category_id, _id in found]
        return dict(zip(keys, offers, strict=True))

    def _redeem(self, order):
        """Let an order take these offers: each is open, or is not taken.

        The update waits for another order that takes the same; the host then calls the
        second one again, which finds the offer taken.

        :raise UserError: naming those that are gone
        """
        taken = self.env.execute_query(
            SQL(
                """
                UPDATE hstyle_offer_line l
                   SET state = 'redeemed', order_id = %(order)s,
                       redeemed_on = COALESCE(l.redeemed_on, %(now)s)
                  FROM hstyle_offer_list o
                 WHERE o.id = l.list_id
                   AND l.id = ANY(%(ids)s)
                   AND o.partner_id = %(customer)s
                   AND (l.state = 'open' AND %(today)s BETWEEN o.date_from AND o.date_to
                        OR l.state = 'redeemed' AND l.order_id = %(order)s)
             RETURNING l.id
                """,
                order=order.id,
                now=fields.Datetime.now(),
                ids=self.ids,
                customer=order.partner_id.commercial_partner_id.id,
                today=order.company_id._hstyle_today(),
            )
        )
        gone = self - self.browse(line_id for (line_id,) in taken)
        if gone:
            raise UserError(
                self.env._(
                    "%(order)s: the offer on %(goods)s was used in another order or is "
                    "over. Press “Update offers” and tell the customer the price.",
                    order=order.name,
                    goods=", ".join(gone.category_id.mapped("name")),
                )
            )
        self._measure(SQL("offer.id = ANY(%s)", self.ids))
        self._settle_lists(self.list_id.ids)

    @api.model
    def _release(self, orders, kept):
        """Give back what orders took, except for some; what is over has expired."""
        released = self.env.execute_query(
            SQL(
                """
                UPDATE hstyle_offer_line l
                   SET state = CASE WHEN o.date_to >= %s THEN 'open' ELSE 'expired' END,
                       order_id = NULL, redeemed_on = NULL, amount_given = 0
                  FROM hstyle_offer_list o
                 WHERE o.id = l.list_id
                   AND l.order_id = ANY(%s)
                   AND l.id <> ALL(%s)
             RETURNING o.id
                """,
                orders.company_id[:1]._hstyle_today(),
                orders.ids,
                kept.ids,
            )
        )
        self._settle_lists([list_id for (list_id,) in released])

    @api.model
    def _measure(self, which):
        """Write what offers gave, of those (an SQL condition) that orders took."""
        self.env["sale.order.line"].flush_model()
        self.env["sale.order"].flush_model(["currency_rate"])
        self.env.cr.execute(SQL(_GIVEN, which))

    @api.model
    def _settle_lists(self, list_ids):
        """Open and close lists, as their lines say."""
        if list_ids:
            self.env.cr.execute(SQL(_LISTS, list(set(list_ids))))
        self.env["hstyle.offer.list"].invalidate_model(["state"])
        self.invalidate_model(["state", "order_id", "redeemed_on", "amount_given"])

    # === EVERY NIGHT === #

    @api.model
    def _advance(self):
        """Close what was bought otherwise or is over, in committed batches."""
        self.env.flush_all()
        since = fields.Datetime.subtract(fields.Datetime.now(), days=1)
        steps = [("open", SQL(_STALE, since=since)), ("bought", SQL(_BOUGHT))]
        for company in self.env["hstyle.profile"]._get_companies():
            over = SQL(
                "l.state = 'open' AND o.company_id = %s AND o.date_to < %s",
                company.id,
                company._hstyle_today(),
            )
            steps.append(("expired", over))
        for state, due in steps:
            while self._advance_batch(state, due) == BATCH:
                pass
        since = fields.Datetime.subtract(fields.Datetime.now(), days=SETTLED)
        self._measure(SQL("offer.state = 'redeemed' AND offer.redeemed_on > %s", since))
        self.env["ir.cron"]._commit_progress()

    @api.model
    def _advance_batch(self, state, due):
        """Move a batch of offers to a state, and commit; return how many."""
        query = SQL(_ADVANCE, state=state, due=due, batch=BATCH)
        try:
            moved = [list_id for (list_id,) in self.env.execute_query(query)]
            self._settle_lists(moved)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # An order took one of them meanwhile: the next night sees the rest.
            self.env.cr.rollback()
            _logger.info("Orders take the same offers; they are closed tomorrow.")
            return 0
        self.env["ir.cron"]._commit_progress(len(moved))
        return len(moved)
