from collections import defaultdict, namedtuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import NO_ACCESS
from odoo.tools import SQL

from ..tools import ledger
from ..tools.later import SETTLE_LATER, settles_later

#: Points of an order on a card: net of what was undone; and what was taken back.
#: And what it earned before there was a ledger.
Posted = namedtuple("Posted", "earned spent taken_back before")
_NOTHING = Posted(*[ledger.exact(0)] * 4)


class SaleOrder(models.Model):
    """Orders earn and spend points: always by target versus posted.

    The host moves the points of cards at many places. On managed cards those writes are
    dropped (`tools.later`), and `_settle_points` posts what follows from the order as
    it stands.
    """

    _name = "sale.order"
    _inherit = [
        "sale.order",
        "hstyle.points.spending",
        "hstyle.order.discount",
        "hstyle.order.offer",
        "hstyle.order.referral",
        "hstyle.promise.document",
        "hstyle.ticket.counter",
        "hstyle.customer.key",
        "hstyle.order.rival",
    ]
    _ticket_path = "order_id"

    # Our roles read orders; to accept and to pay them is the customer's.
    access_token = fields.Char(
        groups="sales_team.group_sale_salesman,account.group_account_readonly,"
        "account.group_account_invoice,base.group_portal"
    )

    points_wanted = fields.Float(
        string="Points to spend",
        digits=(16, 2),
        copy=False,
        help="As many points as the customer chose; 0 is as many as possible.",
    )
    points_card_id = fields.Many2one(
        comodel_name="loyalty.card",
        copy=False,
        index="btree_not_null",
        groups=NO_ACCESS,
        help="The card on which the order earns its points.",
    )
    points_held_until = fields.Datetime(
        copy=False,
        groups=NO_ACCESS,
        help="Until then nothing else can spend the points of this order.",
    )

    tier_price_text = fields.Char(
        string="Member price",
        compute="_compute_tier_price_text",
        compute_sudo=True,
        help="The tier whose pricelist the order has.",
    )

    # Read by hstyle.purchase: sums per customer come from the index alone.
    _hstyle_purchase_idx = models.Index(
        "(partner_id, company_id, date_order) INCLUDE (amount_total, currency_rate, "
        "margin, hstyle_discounted) WHERE state = 'sale'"
    )

    # === THE HOST'S FLOWS === #

    def action_confirm(self):
        known = self._knowing_points_held()
        refused = known._refuse_overdrawn()
        chosen = self - refused
        later = (known - refused).with_context(**SETTLE_LATER)
        result = super(SaleOrder, later).action_confirm()
        chosen._claim_referrals()
        chosen._lock_cards()
        for order in chosen:
            order._fix_points()
            order._settle_points(fresh=True)
        chosen._settle_offers()
        chosen._settle_tiers()
        return refused._notify_refused(len(chosen)) if refused else result

    def _action_cancel(self):
        # Salespeople may cancel, but the host does not let them delete these.
        entries = self.sudo().coupon_point_ids
        entries.filtered(lambda entry: entry.coupon_id.managed).unlink()
        later = self.with_context(**SETTLE_LATER)
        result = super(SaleOrder, later)._action_cancel()
        self._settle_points()
        self._settle_offers()
        return result

    def _recompute_prices(self):
        self.action_update_offers()
        return super()._recompute_prices()

    def _add_points_for_coupon(self, coupon_points):
        # The host adds to the points of these very records.
        later = {c.with_context(**SETTLE_LATER): p for c, p in coupon_points.items()}
        return super()._add_points_for_coupon(later)

    def _update_programs_and_rewards(self):
        """Settle once, when the host has taken all rewards off and put them back."""
        later = self.with_context(**SETTLE_LATER)
        result = super(SaleOrder, later)._update_programs_and_rewards()
        self._settle_changed()
        return result

    def write(self, vals):
        result = super().write(vals)
        if "partner_id" in vals:
            self._drop_foreign_points()
            self.env["hstyle.referral.dirty"].sudo()._mark(self)
        if "state" in vals and not settles_later(self.env):
            self.filtered(lambda order: order.state == "cancel")._settle_points()
        return result

    def _drop_foreign_points(self):
        """Take what is on the card of another customer off quotations."""
        for order in self.sudo().filtered(lambda o: o.state in ("draft", "sent")):
            foreign = order._get_foreign_cards()
            order.applied_coupon_ids -= foreign
            grouped = order.order_line.grouped("coupon_id")
            entries = order.coupon_point_ids.grouped("coupon_id")
            for card in foreign:
                grouped.get(card, order.order_line.browse()).unlink()
                entries.get(card, order.coupon_point_ids.browse()).unlink()

    def _get_foreign_cards(self):
        """Return the members' cards on the order that are not its customer's."""
        cards = self.order_line.coupon_id | self.coupon_point_ids.coupon_id
        cards |= self.applied_coupon_ids
        return cards.filtered(
            lambda card: card.managed and card.partner_id != self.partner_id
        )

    def _program_check_compute_points(self, programs):
        result = super()._program_check_compute_points(programs)
        for program in programs.filtered("managed"):
            if "points" in result[program]:
                points = sum(self._get_points_by_line(program).values())
                result[program]["points"] = [float(ledger.floor(points))]
        return result

    def _get_real_points_for_coupon(self, coupon, post_confirm=False):
        points = super()._get_real_points_for_coupon(coupon, post_confirm)
        if coupon.managed and self.state not in ("sale", "done"):
            # Debt keeps nobody from ordering: it is paid by what the order earns.
            points = max(0, points - self._get_points_held(coupon))
        return min(points, self.env.context.get("points_limit", points))

    def _get_reward_values_discount(self, reward, coupon, **kwargs):
        order = self
        if reward._is_free_choice():
            available = self._get_real_points_for_coupon(coupon)
            most = reward._get_most_points(self, available, self.points_wanted)
            if not most:
                raise UserError(self._explain_too_few(reward))
            order = self.with_context(points_limit=most)
        return super(SaleOrder, order)._get_reward_values_discount(
            reward, coupon, **kwargs
        )

    def action_open_reward_wizard(self):
        self.ensure_one()
        self._update_programs_and_rewards()
        if self._get_free_rewards():
            # The host applies a single reward at once: there would be no choice.
            return self.env["ir.actions.actions"]._for_xml_id(
                "sale_loyalty.sale_loyalty_reward_wizard_action"
            )
        return super().action_open_reward_wizard()

    # === TIERS === #

    @api.depends("pricelist_id", "partner_id.commercial_partner_id.grade_id")
    def _compute_tier_price_text(self):
        for order in self:
            grade = order.partner_id.commercial_partner_id.grade_id
            priced = grade.is_tier and order.pricelist_id
            order.tier_price_text = (
                self.env._("%s price", grade.name)
                if priced and priced == grade.default_pricelist_id
                else False
            )

    def _settle_tiers(self):
        """Raise customers at once whose order reaches a tier: one query, if none."""
        memberships = self.env["hstyle.membership"].sudo()
        for company, orders in self.sudo().grouped("company_id").items():
            if ladder_company := memberships._get_tier_company(company):
                customers = orders.partner_id.commercial_partner_id
                memberships._settle(ladder_company, customers.ids)

    def _add_partnership(self):
        # Who confirms an order need not be one who may give tiers by hand.
        selling = self.filtered(lambda order: order.sudo().assigned_grade_id.is_tier)
        for order in selling.sudo():
            order.partner_id.commercial_partner_id._buy_tier(order.assigned_grade_id)
        return super(SaleOrder, self - selling)._add_partnership()

    # === WHAT AN ORDER EARNS === #

    def _get_points_lines(self):
        """Return the lines on which points are earned."""
        lines = self.order_line - self._get_no_effect_on_threshold_lines()
        return lines.filtered(
            lambda line: (
                line.product_id
                and not line.is_reward_line
                and not line.combo_item_id
                and line.product_uom_qty
            )
        )

    def _get_product_amount(self):
        """Return the amount of the order before rewards, with taxes."""
        lines = self._get_points_lines()
        return sum(line._get_points_amount("price_total") for line in lines)

    def _get_paid_by_points(self, reward):
        """Return what points pay of the order by other rewards than this one."""
        lines = self.order_line.filtered(
            lambda line: (
                line.reward_id != reward
                and line.reward_id
                and line.reward_id._is_free_choice()
            )
        )
        return -sum(lines.mapped("price_total"))

    def _get_points_by_line(self, program):
        """Return line → points that the order earns in a program, unrounded.

        Rules give the points, the customer's tier multiplies them, then the campaigns
        of the day in their order; the cap of an order comes last.
        """
        self.ensure_one()
        lines = self._get_points_lines()
        amounts = self._get_earning_amounts(program, lines)
        tier = self.partner_id._get_tier_multiplier(self.company_id)
        campaigns = self._get_points_campaigns(program)
        points = defaultdict(float)
        for rule in program.rule_ids:
            for line, given in rule._get_line_points(self, lines, amounts).items():
                points[line] += given * tier * campaigns._multiply(line.product_id)
        return self._cap(points, program.order_cap)

    def _get_points_campaigns(self, program):
        """Return the program's campaigns that are open for the customer today."""
        day, partner = program._get_today(), self.partner_id
        return program.campaign_ids.filtered(lambda c: c._is_open(day, partner))

    def _get_earning_amounts(self, program, lines):
        """Return line → amount that earns, in the program's currency.

        What rewards take off is spread over all lines, unless points are given on
        prices before rewards. Gift cards and eWallets are means of payment.
        """
        field = "price_total" if program.earn_tax == "incl" else "price_subtotal"
        amounts = {line: line._get_points_amount(field) for line in lines}
        whole = sum(amounts.values())
        off = 0
        if program.earn_on == "net":
            off = sum(
                line[field]
                for line in self.order_line
                if line.is_reward_line
                and not line.reward_id.program_id.is_payment_program
            )
        share = max(0, 1 + off / whole) if whole else 0
        rate = self.currency_id._get_conversion_rate(
            self.currency_id, program.currency_id, self.company_id, self.date_order
        )
        return {line: amount * share * rate for line, amount in amounts.items()}

    @api.model
    def _cap(self, points, cap, room=None):
        """Return line → points, scaled down to a cap (0: none) and to a room."""
        total = sum(points.values())
        most = min(total, cap or total, total if room is None else room)
        share = most / total if total else 0
        return {line: given * share for line, given in points.items()}

    def _fix_points(self):
        """Fix what each line of a confirmed order earns, once and for all."""
        self.ensure_one()
        order = self.sudo()
        cards = order.coupon_point_ids.coupon_id | order.order_line.coupon_id
        order.points_card_id = card = cards.filtered("managed")[:1]
        if card:
            points = order._get_points_by_line(card.program_id)
            for line, given in self._cap(points, 0, card._get_earning_room()).items():
                line._fix_points(given)

    def _fix_increase(self):
        """Fix what was added to a confirmed order: it earns by the rules of the day.

        What was cut and comes back earns what it did before.
        """
        card = self.points_card_id
        points, added = self._get_points_by_line(card.program_id), {}
        for line, given in points.items():
            now, before = line._get_points_amount(), line.points_amount
            if abs(now) > abs(before):
                added[line] = given * (1 - before / now)
        room = card._get_earning_room()
        if cap := card.program_id.order_cap:
            left = max(0, cap - sum(self.order_line.mapped("points_earned")))
            room = left if room is None else min(room, left)
        for line, given in self._cap(added, 0, room).items():
            line._fix_points(line.points_earned + given)

    # === TARGET VERSUS POSTED === #

    def _settle_changed(self):
        """Settle confirmed orders that changed, unless the caller settles later."""
        if not settles_later(self.env):
            self.filtered(lambda order: order.state == "sale")._settle_points()

    def _settle_points(self, fresh=False):
        """Post the difference of what the orders should have moved and have.

        Whatever happened to an order, and however often this is called: afterwards
        the rows of the order add up to what it earns and spends as it stands.

        :param fresh: the orders were confirmed now: they earn anew
        :raise UserError: if the points to spend are not there
        """
        self.env["hstyle.referral.dirty"].sudo()._mark(self)
        posted = self._get_points_posted()
        moves = []
        for order in self.sudo():
            for card in order._get_points_cards(posted[order.id]):
                done = posted[order.id].get(card.id, _NOTHING)
                moves += order._prepare_spend(card, done)
                moves += order._prepare_earn(card, done, fresh)
        if moves:
            self.env["loyalty.card"]._post(moves)

    def _get_points_posted(self):
        """Return order id → card id → what the ledger says.

        The host's rows count too: they are of orders older than the ledger.
        """
        self.env["loyalty.history"].flush_model()
        found = self.env.execute_query(
            SQL(
                """
                SELECT h.order_id, h.card_id,
                       SUM(h.issued), SUM(h.used),
                       -SUM(CASE WHEN h.kind = 'reverse' THEN h.issued ELSE 0 END),
                       SUM(CASE WHEN h.kind IS NULL THEN h.issued ELSE 0 END)
                  FROM loyalty_history h
                  JOIN loyalty_card c
                    ON c.id = h.card_id
                   AND c.managed
                 WHERE h.order_model = 'sale.order'
                   AND h.order_id = ANY(%s)
                   AND (h.kind IN ('earn', 'spend', 'reverse') OR h.kind IS NULL)
                 GROUP BY h.order_id, h.card_id
                """,
                self.ids,
            )
        )
        posted = defaultdict(dict)
        for order_id, card_id, *sums in found:
            posted[order_id][card_id] = Posted(*map(ledger.exact, sums))
        return posted

    def _get_points_cards(self, posted):
        """Return the managed cards on which the order earns or spends, or did."""
        self.ensure_one()
        cards = self.env["loyalty.card"].sudo().browse(posted)
        if self.state == "sale":
            cards |= self.points_card_id
            cards |= self.order_line.coupon_id.filtered("managed")
        return cards

    def _prepare_spend(self, card, posted):
        """Return the moves that bring the card to what the order should spend."""
        missing = self._get_spend_target(card) - posted.spent
        kind = "spend" if missing > 0 else "reverse"
        return [self._prepare_move(card, kind, -missing, "used")] if missing else []

    def _prepare_earn(self, card, posted, fresh):
        """Return the moves that bring the card to what the order should earn.

        What was taken back too much returns to its lots, at its age.
        """
        missing = self._get_earn_target(card, posted.before) - posted.earned
        undone = min(missing, _NOTHING.earned if fresh else posted.taken_back)
        moves = []
        if undone:
            moves.append(self._prepare_move(card, "reverse", undone, "issued"))
        if missing > undone:
            moves.append(self._prepare_move(card, "earn", missing - undone, "issued"))
        return moves

    def _prepare_move(self, card, kind, points, side):
        values = {}
        if kind == "earn":
            today = card.program_id._get_today()
            values = self._prepare_availability(card.program_id, today)
        description = self._describe_points(kind, card)
        return card._prepare_move(kind, points, description, self, side=side, **values)

    def _prepare_availability(self, program, today):
        """Return when points that are earned today can be spent.

        A hook: an addon that knows of deliveries lets them wait for one.
        """
        return {"available_on": program._get_available(today)}

    def _describe_points(self, kind, card):
        """Return what the customer reads about a movement."""
        self.ensure_one()
        if kind == "reverse":
            if self.state == "cancel":
                return self.env._("Order %s cancelled", self.name)
            return self.env._("Order %s changed or refunded", self.name)
        parts = [self.env._("Order %s", self.name)]
        if kind == "earn":
            customer = self.partner_id.commercial_partner_id
            factor = customer._get_tier_multiplier(self.company_id)
            if factor != 1:
                parts.append(f"{customer.sudo().grade_id.name} ×{factor:g}")
            campaigns = self._get_points_campaigns(card.program_id)
            products = self._get_points_lines().product_id
            applied = campaigns.browse().union(*map(campaigns._get_applied, products))
            parts += [f"{c.name} ×{c.multiplier:g}" for c in campaigns & applied]
        return " · ".join(parts)

    def _get_earn_target(self, card, before):
        """Return the points that the order should have earned by now.

        :param before: points that it earned before there was a ledger
        """
        if self.state != "sale":
            return ledger.exact(0)
        if before:
            return ledger.floor(float(before) * self._get_kept_share())
        lines = self.order_line if card == self.points_card_id else []
        points = sum(line.points_earned * line._get_kept_share() for line in lines)
        # The host's sums of floats, and the six digits of a line, fall a bit short.
        return max(ledger.exact(0), ledger.floor(round(points, 4)))

    def _get_kept_share(self):
        """Return the share (0–1) of an order without points by line that is kept."""
        lines = self._get_points_lines()
        kept = sum(min(line._get_kept_amounts()) for line in lines)
        whole = sum(max(line._get_kept_amounts()) for line in lines)
        return max(0.0, min(1.0, kept / whole)) if whole else 1.0

    def _get_spend_target(self, card):
        """Return the points that the order's rewards should have cost by now."""
        if self.state != "sale":
            return ledger.exact(0)
        lines = self.order_line.filtered(lambda line: line.coupon_id == card)
        total = ledger.exact(0)
        for _code, group in lines.grouped("reward_identifier_code").items():
            cost = sum(group.mapped("points_cost"))
            total += ledger.exact(cost * group._get_reward_share())
        return total
