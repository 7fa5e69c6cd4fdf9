from odoo import fields, models
from odoo.tools import SQL

from ..tools import referral


class HstyleReferralJudge(models.AbstractModel):
    """What speaks against a referral: a half of hstyle.referral.

    The rules are `tools.referral`; this reads what they compare.
    """

    _name = "hstyle.referral.judge"
    _description = "Judgement of referrals"

    def _judge(self, order=None):
        """Return the reasons against a referral, the gravest first.

        :param order: the friend's order, whose delivery address counts, too
        """
        addresses = order.partner_shipping_id if order else None
        friend = self._read_person(self.friend_id, addresses)
        history = self._read_history(friend, order)
        return referral.judge(self._read_person(self.referrer_id), friend, history)

    def _read_person(self, customer, addresses=None):
        """Return a customer, with all addresses, as a Person."""
        family = customer.child_ids | (addresses or customer.browse()) | customer
        return referral.Person(
            id=customer.id,
            names=tuple(family.mapped("name")),
            phones=tuple(p.phone_sanitized or p.phone for p in family),
            emails=tuple(family.mapped("email_normalized")),
            addresses=tuple((p.street, p.zip, p.city) for p in family),
        )

    def _read_history(self, friend, order):
        """Return the History of both in one query; the order itself is none."""
        self.env.flush_all()
        [row] = self.env.execute_query(
            SQL(
                """
                SELECT EXISTS (
                       SELECT FROM res_users u
                         JOIN res_partner p ON p.id = u.partner_id
                        WHERE p.commercial_partner_id = %(friend)s AND NOT u.share),
                       EXISTS (
                       SELECT FROM hstyle_agent a
                        WHERE a.partner_id = %(friend)s
                          AND a.company_id = %(company)s AND a.active),
                       EXISTS (%(bought)s AND p.partner_id = %(friend)s),
                       EXISTS (%(bought)s AND p.partner_id IN (
                           SELECT o.commercial_partner_id
                             FROM res_partner o
                            WHERE (o.phone_sanitized = ANY(%(phones)s)
                               OR o.email_normalized = ANY(%(emails)s))
                              AND o.commercial_partner_id <> %(friend)s)),
                       (SELECT COUNT(*) FROM hstyle_referral r
                         WHERE r.referrer_id = %(referrer)s
                           AND r.company_id = %(company)s
                           AND r.id <> %(own)s
                           AND r.claimed_on > %(now)s - INTERVAL '1 day'
                           AND r.claimed_on <= %(now)s),
                       pattern.ordering, pattern.refunded
                  FROM (%(pattern)s) pattern
                """,
                friend=friend.id,
                referrer=self.referrer_id.id,
                company=self.company_id.id,
                phones=list(filter(None, friend.phones)),
                emails=list(filter(None, friend.emails)),
                own=self._origin.id or 0,
                now=self.claimed_on,
                bought=self._sql_bought_before(order),
                pattern=self._sql_pattern(),
            )
        )
        employee, agent, customer, known, recent, ordering, refunded = row
        return referral.History(
            employee=employee,
            agent_account=agent,
            customer=customer,
            known=known,
            recent=recent,
            velocity=self.program_id.velocity,
            ordering=ordering,
            refunded=refunded,
        )

    def _sql_bought_before(self, order):
        """Return the query of purchases before the first touch."""
        return SQL(
            """
            SELECT FROM hstyle_purchase p
             WHERE p.company_id = %s
               AND p.orders > 0
               AND p.date_order < %s
               AND p.sale_order_id IS DISTINCT FROM %s
            """,
            self.company_id.id,
            self.touched_on,
            (order and order.id) or 0,
        )

    def _sql_pattern(self):
        """Return the query of the referrer's other friends: who ordered, kept nothing.

        A cancelled order is none.
        """
        return SQL(
            """
            SELECT COUNT(*) AS ordering,
                   COUNT(*) FILTER (WHERE net <= 0) AS refunded
              FROM (
                    SELECT SUM(p.revenue) AS net
                      FROM hstyle_referral r
                      JOIN hstyle_purchase p
                        ON p.partner_id = r.friend_id
                       AND p.company_id = r.company_id
                       AND p.date_order >= r.touched_on
                     WHERE r.referrer_id = %s
                       AND r.company_id = %s
                       AND r.friend_id <> %s
                     GROUP BY r.friend_id
                   ) friend
            """,
            self.referrer_id.id,
            self.company_id.id,
            self.friend_id.id,
        )

    def _explain(self, reasons):
        """Return what speaks against a referral, for staff."""
        labels = dict(self._fields["reason"]._description_selection(self.env))
        return "\n".join(labels[reason] for reason in reasons)

    def _check_again(self, order):
        """Judge anew, with the delivery of the first order; tell whether it counts."""
        if self.reviewed_on:
            return True
        # Friends of a day were counted when this one came.
        reasons = [reason for reason in self._judge(order) if reason != "velocity"]
        if reasons:
            self.write(
                {
                    "state": referral.get_state(reasons),
                    "reason": reasons[0],
                    "explanation": self._explain(reasons),
                    "order_id": order.id,
                }
            )
            self._mark_orders()
        return not reasons

    def _get_today(self):
        self.ensure_one()
        return self.company_id._hstyle_today()

    def _get_hold_end(self, order):
        """Return the last day of an order's return window, or None if not begun."""
        start = order._get_hold_start()
        return start and fields.Date.add(start, days=self.company_id.hstyle_return_days)
