import json
from collections import defaultdict, namedtuple
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from ..tools import commission

#: The rows of an order's line that wait for the same day: what was accrued, and what
#: is left of it.
Posted = namedtuple(
    "Posted", "line_id available_on month accrued_base accrued base amount"
)
_COLUMNS = {
    "pays": "bool",
    "agent_id": "int",
    "campus_id": "int",
    "company_id": "int",
    "referral_id": "int",
    "order_id": "int",
    "order_line_id": "int",
    "kind": "varchar",
    "base": "numeric",
    "rate": "numeric",
    "amount": "numeric",
    "date": "date",
    "month": "date",
    "available_on": "date",
}


class HstyleCommissionAccrual(models.AbstractModel):
    """The posting half of hstyle.commission: target versus posted.

    Whatever happens to an order, afterwards the rows of each of its lines add up to
    the commission on what the friend keeps of it. What was accrued keeps the rate that
    it had: a refund takes its share back, a refund cancelled brings it again. What is
    bought more is accrued by the plan of the day.
    """

    _name = "hstyle.commission.accrual"
    _description = "Posting of commission"

    @api.model
    def _accrue(self, orders):
        """Post what changed on orders, of whomever they are, in any state.

        The same call twice posts nothing new. Two at once on an order conflict: one of
        them must be repeated.

        :param orders: in the order in which their volume counts
        """
        self.env.flush_all()
        payers = self.env["hstyle.commission.order"].sudo()._decide(orders.sudo())
        posted = self._get_posted(payers.order_id)
        volumes = self._get_volumes(payers, posted)
        plans = payers.agent_id._get_commission_plans()
        # Read for all orders at once; the host's own ways go from order to order.
        lines = payers.order_id.order_line
        lines.product_id.categ_id.mapped("parent_path")
        rows = []
        for payer in payers:
            parts, plan = posted[payer.order_id.id], plans[payer.agent_id]
            bases = self._get_bases(payer.order_id, lines) if payer._is_kept() else {}
            rows += self._prepare_rows(payer, plan, bases, parts, volumes)
        self._insert(rows)
        self._release(payers.order_id)
        self.env["hstyle.commission"].invalidate_model(flush=False)

    # === WHAT IS POSTED === #

    @api.model
    def _get_posted(self, orders):
        """Return order id → list of Posted."""
        found = self.env.execute_query(
            SQL(
                """
                SELECT order_id, order_line_id, available_on, month,
                       COALESCE(SUM(base) FILTER (WHERE kind = 'accrual'), 0),
                       COALESCE(SUM(amount) FILTER (WHERE kind = 'accrual'), 0),
                       SUM(base), SUM(amount)
                  FROM hstyle_commission
                 WHERE order_id = ANY(%s)
                 GROUP BY order_id, order_line_id, available_on, month
                 ORDER BY order_id, order_line_id, available_on, month
                """,
                orders.ids,
            )
        )
        posted = defaultdict(list)
        for order_id, *key, bases, accrued, base, amount in found:
            sums = map(commission.exact, (bases, accrued, base, amount))
            posted[order_id].append(Posted(*key, *sums))
        return posted

    @api.model
    def _get_volumes(self, payers, posted):
        """Return (agent, month) → what friends keep of the month's orders."""
        months = {self._get_month(order) for order in payers.order_id}
        months |= {row.month for rows in posted.values() for row in rows}
        agents = payers.agent_id
        found = self.env.execute_query(
            SQL(
                """
                SELECT agent_id, month, SUM(base)
                  FROM hstyle_commission
                 WHERE agent_id = ANY(%s)
                   AND month = ANY(%s)
                 GROUP BY agent_id, month
                """,
                agents.ids,
                list(months),
            )
        )
        volumes = defaultdict(Decimal)
        for agent_id, month, base in found:
            volumes[agent_id, month] = commission.exact(base)
        return volumes

    # === WHAT SHOULD BE === #

    @api.model
    def _get_month(self, order):
        """Return the first day of the month in which the order was confirmed."""
        return order.company_id._hstyle_day(order.date_order).replace(day=1)

    @api.model
    def _get_available(self, order):
        """Return the day after the order's return window, or None."""
        if order.state == "cancel":
            # What came to nothing waits for nothing.
            return order.company_id._hstyle_today()
        start = order._get_hold_start()
        return start and start + self._get_hold(order)

    @api.model
    def _get_available_later(self, order):
        """Return the day after the return window of what is bought today, or None."""
        today = order.company_id._hstyle_today()
        day = self._get_available(order)
        return day and max(day, today + self._get_hold(order))

    @api.model
    def _get_hold(self, order):
        return relativedelta(days=order.company_id.hstyle_return_days + 1)

    @api.model
    def _get_bases(self, order, among):
        """Return line id → (base, pieces) that the friend keeps, in company currency.

        What rewards and discounts take off is spread over all goods; gift cards and
        eWallets are means of payment, and deliveries are no goods.

        :param among: the lines of all orders, which are read together
        """
        coin = self._get_coin(order)
        amounts = {
            line: line._get_points_amount() for line in order._get_points_lines()
        }
        goods = {line: amount for line, amount in amounts.items() if amount > 0}
        off = sum(amounts.values()) - sum(goods.values())
        off += sum(self._get_rewards(order).mapped("price_subtotal"))
        share = max(0, 1 + off / sum(goods.values())) if goods else 0
        share /= order.currency_rate or 1
        bases = {}
        for line in goods:
            line = line.with_prefetch(among.ids)
            kept = max(0, min(line._get_kept_amounts()))
            pieces = max(0, min(line._get_kept_quantities()))
            base = commission.to_coins(kept * share, coin)
            bases[line.id] = (base, commission.exact(pieces))
        return bases

    @api.model
    def _get_rewards(self, order):
        """Return the lines of rewards that take something off the goods."""
        lines = order.order_line - order._get_no_effect_on_threshold_lines()
        return lines.filtered(
            lambda line: (
                line.is_reward_line and not line.reward_id.program_id.is_payment_program
            )
        )

    # === THE DIFFERENCE === #

    @api.model
    def _prepare_rows(self, payer, plan, bases, posted, volumes):
        """Return the rows that bring an order's lines to what they should be."""
        by_line = defaultdict(list)
        for part in posted:
            by_line[part.line_id].append(part)
        rows = []
        # Those of goods in the order's order, then what is no longer there.
        for line_id in {**bases, **by_line}:
            kept = bases.get(line_id, (Decimal(0), Decimal(0)))
            parts = by_line[line_id]
            rows += self._prepare_reversal(payer, line_id, kept[0], parts, volumes)
            if payer.pays and payer.agent_id._is_earning():
                added = self._prepare_accrual(
                    payer, plan, line_id, kept, parts, volumes
                )
                if posted:
                    day = self._get_available_later(payer.order_id)
                    added = [{**row, "available_on": day} for row in added]
                rows += added
        return rows

    @api.model
    def _prepare_reversal(self, payer, line_id, base, parts, volumes):
        """Return the row that undoes a share of what was accrued, or brings it back.

        What is undone was to be free when the earliest of it was; what comes back
        waits for the window of the order as it stands.
        """
        whole = sum(part.accrued_base for part in parts)
        accrued = sum(part.accrued for part in parts)
        kept = min(base, whole)
        target = commission.get_target(
            whole, accrued, kept, self._get_coin(payer.order_id)
        )
        change = kept - sum(part.base for part in parts)
        if not change:
            return []
        values = {}
        if undone := change < 0 and next((p for p in parts if p.base > 0), None):
            values = {"available_on": undone.available_on, "month": undone.month}
        amount = target - sum(part.amount for part in parts)
        return [
            self._prepare_row(
                payer,
                volumes,
                order_line_id=line_id,
                kind="reversal",
                base=change,
                rate=accrued * 100 / whole,
                amount=amount,
                **values,
            )
        ]

    @api.model
    def _prepare_accrual(self, payer, plan, line_id, kept, parts, volumes):
        """Return the row for what is bought more than was ever accrued."""
        order, (base, pieces) = payer.order_id, kept
        more = base - sum(part.accrued_base for part in parts)
        if more <= 0:
            return []
        product = self.env["sale.order.line"].sudo().browse(line_id).product_id
        before = volumes[payer.agent_id.id, self._get_month(order)]
        amount = commission.to_coins(
            plan._get_amount(product, more, pieces * more / base, before),
            self._get_coin(order),
        )
        return [
            self._prepare_row(
                payer,
                volumes,
                order_line_id=line_id,
                kind="accrual",
                base=more,
                rate=amount * 100 / more,
                amount=amount,
            )
        ]

    @api.model
    def _prepare_row(self, payer, volumes, **values):
        """Return the columns of a row, which counts to the volume from now on."""
        order, agent = payer.order_id, payer.agent_id
        row = {
            "pays": True,
            "agent_id": agent.id,
            "campus_id": agent.campus_id.id,
            "company_id": agent.company_id.id,
            "referral_id": payer.referral_id.id,
            "order_id": order.id,
            "date": order.company_id._hstyle_today(),
            "month": self._get_month(order),
            "available_on": self._get_available(order),
            **values,
        }
        volumes[agent.id, row["month"]] += row["base"]
        return row

    @api.model
    def _get_coin(self, order):
        return commission.exact(order.company_id.currency_id.rounding)

    # === WRITING === #

    @api.model
    def _insert(self, rows):
        if not rows:
            return
        names = SQL(", ").join(map(SQL.identifier, _COLUMNS))
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_commission
                       (%(names)s, number, create_uid, create_date)
                SELECT %(names)s,
                       row_number() OVER (PARTITION BY order_id)
                           + (SELECT COALESCE(MAX(c.number), 0)
                                FROM hstyle_commission c
                               WHERE c.order_id = row.order_id),
                       %(user)s, now() AT TIME ZONE 'UTC'
                  FROM jsonb_to_recordset(%(rows)s) AS row (%(types)s)
                    ON CONFLICT (order_id, number) DO NOTHING
                """,
                names=names,
                user=self.env.uid,
                rows=json.dumps(rows, default=str),
                types=SQL(", ".join(f"{n} {t}" for n, t in _COLUMNS.items())),
            ),
            log_exceptions=False,
        )

    @api.model
    def _release(self, orders):
        """Write the day from which rows are free, where it was not known."""
        days = {order.id: self._get_available(order) for order in orders}
        known = {order_id: day for order_id, day in days.items() if day}
        if known:
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE hstyle_commission c
                       SET available_on = n.day
                      FROM unnest(%s::int[], %s::date[]) n (order_id, day)
                     WHERE c.order_id = n.order_id
                       AND c.available_on IS NULL
                    """,
                    list(known),
                    list(known.values()),
                )
            )
