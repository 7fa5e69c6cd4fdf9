from odoo import api, models
from odoo.tools import SQL

#: Orders, or referrals, that are followed in one transaction.
BATCH = 200


class HstyleReferralJob(models.AbstractModel):
    """How referrals go on: a half of hstyle.referral.

    Orders of referred friends that changed stand in a queue (`hstyle.referral.dirty`);
    the job follows them and what time brings: the end of return windows.
    """

    _name = "hstyle.referral.job"
    _inherit = ["hstyle.job"]
    _description = "Progress of referrals"

    # === THE DOOR === #

    def _advance(self):
        """Bring each referral to where its orders and the calendar have it.

        A friend's first order that is kept holds the referral until its return window
        is over; then both are rewarded. If it is sent back before, the next one counts.
        """
        for record in self.sudo().filtered(lambda r: r.state in ("referred", "hold")):
            order = record._find_first_order()
            # An order may be deleted before we saw that it was cancelled.
            if order != record.order_id or bool(order) != (record.state == "hold"):
                record._hold(order)
            if record.state == "hold":
                record.hold_until = record._get_hold_end(record.order_id)
                if record.hold_until and record.hold_until < record._get_today():
                    record._reward()

    def _find_first_order(self):
        """Return the friend's first order since the touch that is kept, or none."""
        orders = self.env["sale.order"].search(
            [
                ("partner_id.commercial_partner_id", "=", self.friend_id.id),
                ("company_id", "child_of", self.company_id.id),
                ("state", "=", "sale"),
                ("date_order", ">=", self.touched_on),
            ],
            order="date_order, id",
        )
        least = self.program_id.minimum
        for order in orders:
            kept = order._get_kept_total()
            if kept > 0 and kept >= least:
                return order
        return orders.browse()

    def _hold(self, order):
        """Let the referral wait for the return window of an order, or for an order."""
        if not order:
            self.write({"state": "referred", "order_id": False, "hold_until": False})
        elif self._check_again(order):
            self.write({"state": "hold", "order_id": order.id})

    # === REWARD === #

    def _reward(self):
        """Give both their points, as far as cap and budget allow; once for ever."""
        friend, referrer, reason = self._get_reward()
        points = self.env["hstyle.benefit"]._get_company_program(self.company_id)
        key = f"referral:{self.id}"
        if friend:
            env = self.with_context(lang=self.friend_id.lang).env
            text = env._("Welcome: a friend brought you")
            points._give_bonus(self.friend_id, friend, text, key=key)
        if referrer:
            env = self.with_context(lang=self.referrer_id.lang).env
            text = env._("You brought a friend")
            points._give_bonus(self.referrer_id, referrer, text, key=key)
        self.write(
            {
                "state": "rewarded",
                "reason": reason,
                "rewarded_on": self._get_today(),
                "friend_points": friend,
                "referrer_points": referrer,
            }
        )

    def _get_reward(self):
        """Return (the friend's points, the referrer's, why less than promised)."""
        program, reason = self.program_id, False
        friend, referrer = program.friend_points, program.referrer_points
        if not self.env["hstyle.benefit"]._get_company_program(self.company_id):
            return 0, 0, "points"
        if self.agent_id:
            referrer = 0
        elif not program._is_below_cap(self):
            referrer, reason = 0, "cap"
        if not program._spend(friend + referrer):
            return 0, 0, "budget"
        return friend, referrer, reason

    # === QUEUE AND JOB === #

    def _mark_orders(self):
        """Queue all orders of the friends: their commissions follow the referral."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_referral_dirty (order_id)
                SELECT so.id
                  FROM hstyle_referral r
                  JOIN res_partner p ON p.commercial_partner_id = r.friend_id
                  JOIN sale_order so
                    ON so.partner_id = p.id
                 WHERE r.id = ANY(%s)
                   AND so.state IN ('sale', 'cancel')
                """,
                self.ids,
            )
        )
        self._wake()

    @api.model
    def _wake(self):
        self.env.ref("hstyle_crm.ir_cron_referral").sudo()._trigger()

    @api.model
    def _cron_advance(self):
        """Follow orders that changed, then reward what waited long enough."""
        dirty = self.env["hstyle.referral.dirty"]
        last, failed = dirty._get_last(), self.browse()
        self.env["ir.cron"]._commit_progress(
            remaining=dirty.search_count([("id", "<=", last)]) + len(self._find_due())
        )

        def follow():
            orders = dirty._take(last, BATCH)
            dirty._put_back(self._try_each(orders, self._follow))
            return len(orders)

        def reward():
            nonlocal failed
            due = (self._find_due() - failed)[:BATCH]
            failed |= self._try_each(due, lambda records: records._advance())
            return len(due)

        if self._repeat(follow, "orders followed"):
            self._repeat(reward, "return windows over")

    @api.model
    def _find_due(self):
        """Return referrals whose return window is over, in each company's days."""
        due = self.browse()
        held = self._read_group([("state", "=", "hold")], ["company_id"])
        for [company] in held:
            domain = [
                ("company_id", "=", company.id),
                ("state", "=", "hold"),
                ("hold_until", "<", company._hstyle_today()),
            ]
            due |= self.search(domain, order="id")
        return due

    @api.model
    def _follow(self, orders):
        """Let commissions and referrals follow orders that changed."""
        customers = orders.partner_id.commercial_partner_id
        domain = [
            "|",
            ("order_id", "in", orders.ids),
            ("friend_id", "in", customers.ids),
        ]
        self.search(domain)._advance()
        # Of a friend who turned out to be none, nothing is paid.
        orders = orders.sorted(lambda order: (order.date_order, order.id))
        self.env["hstyle.commission"]._accrue(orders)
