from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.ledger import exact


class HstylePointsSpending(models.AbstractModel):
    """How orders spend points: the spending half of sale.order.

    A customer chooses how many; a payment holds them; confirming checks them.
    """

    _name = "hstyle.points.spending"
    _description = "Points that orders spend"

    def _get_free_rewards(self):
        """Return the rewards whose points the customer may choose, or has chosen."""
        claimable = self._get_claimable_rewards().values()
        rewards = self.order_line.reward_id.union(*claimable)
        return rewards.filtered(lambda reward: reward._is_free_choice())

    def _get_points_card(self, program):
        """Return the customer's card of a program, as far as there is one."""
        domain = [
            ("partner_id", "=", self.partner_id.id),
            ("program_id", "=", program.id),
        ]
        return self.env["loyalty.card"].sudo().search(domain, limit=1)

    def _get_most_points(self, reward):
        """Return how many points the order may spend on a reward of free choice."""
        self.ensure_one()
        card = self._get_points_card(reward.program_id)
        spent = sum(
            self.order_line.filtered(lambda line: line.coupon_id == card).mapped(
                "points_cost"
            )
        )
        available = self._get_real_points_for_coupon(card) + spent if card else 0
        return reward._get_most_points(self, available, 0)

    def _get_portal_reward(self):
        """Return the reward whose points the customer may choose in the portal."""
        self.ensure_one()
        if self.state not in ("draft", "sent") or self.is_expired:
            return self.env["loyalty.reward"]
        domain = [*self._get_program_domain(), ("managed", "=", True)]
        rewards = self.env["loyalty.program"].sudo().search(domain).reward_ids
        return rewards.filtered(
            lambda reward: reward._is_free_choice() and self._get_most_points(reward)
        )[:1]

    def _choose_points(self, reward, points):
        """Spend so many points on a quotation, in place of those it spent; 0 is none.

        :raise UserError: if they are no full steps, too few or too many
        """
        self.ensure_one()
        if not reward or self.state not in ("draft", "sent") or points < 0:
            raise UserError(self.env._("Points can be spent on open quotations only."))
        most = self._get_most_points(reward)
        if points and reward._get_most_points(self, most, points) != points:
            raise UserError(self._explain_choice(reward, most))
        card = self._get_points_card(reward.program_id)
        chosen = self.order_line.filtered(lambda line: line.reward_id == reward)
        chosen.unlink()
        self.points_wanted = points
        if points:
            status = self._apply_program_reward(reward, card.with_env(self.env))
            if "error" in status:
                raise UserError(status["error"])
        self._update_programs_and_rewards()

    def _explain_choice(self, reward, most):
        return self.env._(
            "Choose from %(least)s to %(most)s points, in steps of %(step)s.",
            least=f"{max(reward.minimum_points, reward.required_points):g}",
            most=f"{most:g}",
            step=f"{reward.required_points:g}",
        )

    def _explain_too_few(self, reward):
        return self.env._(
            "Points are spent here from %(least)s on, in steps of %(step)s, for at "
            "most %(share)s %% of an order. The customer has too few, or the order is "
            "too small.",
            least=f"{max(reward.minimum_points, reward.required_points):g}",
            step=f"{reward.required_points:g}",
            share=f"{reward.order_share or 100:g}",
        )

    # === CONFIRMING MANY === #

    def _lock_cards(self):
        """Lock the cards of many orders at once, in the order of their ids.

        Of two lists that are confirmed from both ends, each would else wait for the
        other. A single order locks its card when it posts, as late as it can.
        """
        if len(self) > 1:
            orders = self.sudo()
            cards = orders.coupon_point_ids.coupon_id | orders.order_line.coupon_id
            cards.filtered("managed")._lock()

    def _refuse_overdrawn(self):
        """Return the orders that would spend points which orders before them spend.

        :raise UserError: if that leaves none to confirm
        """
        spent, taken = defaultdict(Decimal), self.browse()
        for order in self:
            costs = order._get_points_costs()
            if order._can_spend(costs, spent, taken):
                taken |= order
                for card, cost in costs.items():
                    spent[card] += cost
        if self and not taken:
            raise UserError(self._explain_refused())
        return self - taken

    def _can_spend(self, costs, spent, taken):
        """Tell whether the order's own customer has the points that its rewards cost.

        :param spent: card → points that orders before it spend
        :param taken: these orders, whose holds are spent already
        """
        return all(
            card.partner_id == self.partner_id
            and exact(card.points - (taken | self)._get_points_held(card))
            >= cost + spent[card]
            for card, cost in costs.items()
        )

    def _explain_refused(self):
        names = [f"{order.name} ({order.partner_id.display_name})" for order in self]
        return self.env._(
            "Too few points are left for %(orders)s. Take the reward off, or spend "
            "fewer points, and confirm again.",
            orders=", ".join(names),
        )

    def _notify_refused(self, done):
        """Return the message of a confirmation that left out these orders."""
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "title": self.env._("%s orders confirmed, not all", done),
                "message": self._explain_refused(),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _get_points_costs(self):
        """Return managed card → points that the order's rewards cost."""
        costs = defaultdict(Decimal)
        for line in self.order_line:
            if line.points_cost and line.coupon_id.managed:
                costs[line.coupon_id] += exact(line.points_cost)
        return costs

    # === HOLDING POINTS WHILE A PAYMENT IS UNDER WAY === #

    def _hold_points(self):
        """Keep the points of unconfirmed orders for them, for some minutes.

        :raise UserError: if they are not there any more
        """
        for order in self:
            costs = order._get_points_costs()
            if not costs or order.state not in ("draft", "sent"):
                continue
            cards = self.env["loyalty.card"].sudo().union(*costs)
            # Two payments at once must not both hold the points: this locks them.
            cards._post()
            order._refuse_overdrawn()
            minutes = max(cards.program_id.mapped("hold_minutes"))
            order.sudo().points_held_until = fields.Datetime.now() + timedelta(
                minutes=minutes
            )

    def _get_points_held(self, card):
        """Return the points of a card that other orders hold at this moment."""
        held = self.env.context.get("points_held", {}).get(card.id)
        if held is None:
            held = self._read_points_held(card)[card.id]
        return sum(held[order_id] for order_id in held.keys() - set(self.ids))

    def _knowing_points_held(self):
        """Return the orders with what is held of their cards, read once for all.

        The host asks for the points of a card up to eight times to confirm an order.
        """
        cards = self.order_line.coupon_id | self.sudo().coupon_point_ids.coupon_id
        held = self._read_points_held(cards.filtered("managed"))
        return self.with_context(points_held=held)

    @api.model
    def _read_points_held(self, cards):
        """Return card id → order id → points that the order holds at this moment."""
        self.env["sale.order.line"].flush_model(["coupon_id", "points_cost"])
        self.env["sale.order"].flush_model(["state", "points_held_until"])
        found = self.env.execute_query(
            SQL(
                """
                SELECT l.coupon_id, l.order_id, SUM(l.points_cost)
                  FROM sale_order_line l
                  JOIN sale_order o ON o.id = l.order_id
                 WHERE l.coupon_id = ANY(%s)
                   AND o.state IN ('draft', 'sent')
                   AND (o.points_held_until > %s
                        OR o.points_held_until IS NOT NULL
                           AND EXISTS (
                               SELECT FROM sale_order_transaction_rel rel
                                 JOIN payment_transaction tx
                                   ON tx.id = rel.transaction_id
                                WHERE rel.sale_order_id = o.id
                                  AND tx.state IN ('pending', 'authorized')))
                 GROUP BY l.coupon_id, l.order_id
                """,
                cards.ids,
                fields.Datetime.now(),
            )
        )
        held = {card_id: {} for card_id in cards.ids}
        for card_id, order_id, points in found:
            held[card_id][order_id] = points
        return held
