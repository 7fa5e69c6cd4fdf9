from secrets import token_hex

from psycopg2 import errors

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

from ..tools.later import settles_later
from ..tools.ledger import exact

#: Fields of a managed card that only its keepers write.
_GUARDED = {"points", "program_id", "partner_id", "active"}
#: Fields that nobody writes: they follow from others.
_DERIVED = {"managed", "points_pending", "notice_30_until", "notice_7_until"}


class LoyaltyCard(models.Model):
    """A member's card: its points are what the ledger says.

    `_post` (hstyle.points.post) alone moves the points of managed cards.
    """

    _name = "loyalty.card"
    _inherit = [
        "loyalty.card",
        "hstyle.points.post",
        "hstyle.points.clock",
        "hstyle.points.notice",
        "hstyle.points.audit",
    ]

    managed = fields.Boolean(related="program_id.managed", store=True, precompute=True)
    points_pending = fields.Float(
        string="Pending points",
        digits=(16, 2),
        readonly=True,
        copy=False,
        help="Earned, but to be spent later only.",
    )
    tier_multiplier = fields.Float(
        string="Points multiplier",
        compute="_compute_tier_multiplier",
        help="By the customer's tier.",
    )
    ledger_ids = fields.One2many(
        comodel_name="loyalty.history",
        inverse_name="card_id",
        domain=[("kind", "!=", False)],
        readonly=True,
    )
    expiry_ids = fields.One2many(
        comodel_name="hstyle.points.expiry",
        inverse_name="card_id",
        string="Next expiries",
        readonly=True,
    )

    _member_unique = models.UniqueIndex(
        "(program_id, partner_id) WHERE managed AND active AND partner_id IS NOT NULL",
        "This customer has a card of this program already: open that one.",
    )
    # Stock searches the card of a cancelled order without an index.
    _order_idx = models.Index("(order_id) WHERE order_id IS NOT NULL")

    @api.depends("partner_id", "company_id")
    def _compute_tier_multiplier(self):
        for card in self:
            company = card.company_id or self.env.company
            card.tier_multiplier = card.partner_id._get_tier_multiplier(company)

    def _compute_display_name(self):
        members = self.filtered(lambda card: card.managed and card.partner_id)
        for card in members:
            card.display_name = f"{card.partner_id.display_name} ({card.code})"
        return super(LoyaltyCard, self - members)._compute_display_name()

    # === ACTION METHODS === #

    def action_adjust_points(self):
        """Open the form that gives or takes points, with a reason."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_points_adjustment_action_new"
        )
        return {**action, "context": {"default_card_id": self.id}}

    def action_loyalty_update_balance(self):
        if self.managed:
            return self.action_adjust_points()
        return super().action_loyalty_update_balance()

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [self._drop_derived(vals) for vals in vals_list]
        managed = self._get_managed(vals_list)
        if not managed:
            return super().create(vals_list)
        if any(vals.get("points") for vals in managed):
            self._check_keeper()
        self._check_member_unique(managed)
        balances = [vals.get("points", 0) for vals in vals_list]
        drafts = [{**v, "points": 0} if v in managed else v for v in vals_list]
        try:
            cards = super().create(drafts)
        except errors.UniqueViolation as error:
            raise self._ask_again() from error
        cards._open(balances)
        cards.partner_id._award_profile()
        return cards

    def write(self, vals):
        vals = self._drop_derived(vals)
        if "program_id" in vals and self._get_managed([vals]):
            raise self._get_stays()
        managed = self.filtered("managed") if _GUARDED & vals.keys() else self.browse()
        if not managed:
            return super().write(vals)
        rest = managed._check_write(vals)
        if rest:
            super(LoyaltyCard, managed).write(rest)
        if "points" in vals and not settles_later(self.env):
            managed._set_balance(vals["points"])
        return super(LoyaltyCard, self - managed).write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        domain = [("card_id", "in", self.ids), ("kind", "!=", False)]
        if self.env["loyalty.history"].sudo().search_count(domain, limit=1):
            raise UserError(
                self.env._(
                    "A card with posted points is never deleted: archive it instead."
                )
            )

    @api.model
    def _generate_code(self):
        """Lengthen the host's code: its 32 random bits meet among a million cards."""
        return f"{super()._generate_code()}-{token_hex(4)}"

    @api.model
    def _get_managed(self, vals_list):
        """Return those values that are of managed programs."""
        default = self.default_get(["program_id"]).get("program_id")
        ids = {vals.get("program_id", default) for vals in vals_list}
        programs = self.env["loyalty.program"].sudo().browse(filter(None, ids))
        managed = set(programs.exists().filtered("managed").ids)
        return [v for v in vals_list if v.get("program_id", default) in managed]

    @api.model
    def _check_member_unique(self, vals_list):
        """Refuse a second card of a member, before the database does."""
        for vals in vals_list:
            domain = [
                ("program_id", "=", vals.get("program_id")),
                ("partner_id", "=", vals.get("partner_id")),
            ]
            if vals.get("partner_id") and (card := self.sudo().search(domain, limit=1)):
                raise ValidationError(
                    self.env._(
                        "%(customer)s has a card of this program already: %(card)s.",
                        customer=card.partner_id.display_name,
                        card=card.code,
                    )
                )

    def _open(self, balances):
        """Post what new cards shall hold from the start."""
        opened = zip(self, balances, strict=True)
        moves = [c._prepare_opening(p) for c, p in opened if c.managed and p]
        if moves:
            self._post(moves)

    def _check_write(self, vals):
        """Return the values but for points, if the user may write them."""
        guarded = _GUARDED & vals.keys()
        if settles_later(self.env):
            guarded -= {"points"}
        if guarded:
            self._check_keeper()
        if "program_id" in vals or ("partner_id" in vals and not self.env.su):
            raise self._get_stays()
        return {name: value for name, value in vals.items() if name != "points"}

    @api.model
    def _check_keeper(self):
        """Let CRM managers alone set balances and owners of managed cards."""
        if not self.env.su and not self.env.user._is_crm_manager():
            raise AccessError(
                self.env._(
                    "The points of a member are not written by hand. Use the card's "
                    "button “Adjust points”, or ask a CRM manager."
                )
            )

    @api.model
    def _drop_derived(self, vals):
        return {name: value for name, value in vals.items() if name not in _DERIVED}

    def _get_stays(self):
        return UserError(
            self.env._(
                "A member's card stays in its program and with its customer. If two "
                "contacts are one customer, merge them."
            )
        )

    def _set_balance(self, points):
        """Post what brings the cards to a balance that somebody wrote."""
        reason = self.env.context.get("points_reason")
        reason = reason or self.env._("Balance set to %s", points)
        self._post(
            [
                card._prepare_move("adjust", difference, reason)
                for card in self
                if (difference := exact(points) - exact(card.points))
            ]
        )

    def _get_earning_room(self):
        """Return how many points the card may still earn today, or None.

        What is undone makes room on the day on which it was earned.
        """
        self.ensure_one()
        program = self.program_id
        if not program.day_cap and not program.month_cap:
            return None
        today = program._get_today()
        [(day, month)] = self.env.execute_query(
            SQL(
                """
                SELECT COALESCE(SUM(issued) FILTER (WHERE day = %s), 0),
                       COALESCE(SUM(issued), 0)
                  FROM (
                        SELECT SUM(issued) AS issued,
                               MAX(date) FILTER (WHERE kind = 'earn') AS day
                          FROM loyalty_history
                         WHERE card_id = %s
                           AND kind IN ('earn', 'reverse')
                         GROUP BY order_model, order_id
                       ) document
                 WHERE day BETWEEN %s AND %s
                """,
                today,
                self.id,
                today.replace(day=1),
                today,
            )
        )
        caps = ((program.day_cap, day), (program.month_cap, month))
        return max(0, min(cap - earned for cap, earned in caps if cap))

    # === MERGING MEMBERS === #

    @api.model
    def _merge_members(self, sources, target):
        """Bring the points of merged customers to the card of the one that stays."""
        partners = sources | target
        domain = [("managed", "=", True), ("partner_id", "in", partners.ids)]
        for cards in self.sudo().search(domain).grouped("program_id").values():
            own = cards.filtered(lambda card: card.partner_id == target)
            keeper = (own or cards)[:1]
            (cards - keeper)._merge_into(keeper)
            keeper.partner_id = target

    def _merge_into(self, keeper):
        """Move these cards' rows, and all that refers to the cards, to another.

        Rows move as they are, so that lots keep their age and documents their rows;
        a row of kind merge says from which card they came.
        """
        if not self:
            return
        (self | keeper)._post()
        self.env.flush_all()
        for card in self:
            card._move_rows(keeper)
        self._move_references(keeper)
        self.env.invalidate_all()
        self._post()
        self.active = False
        keeper._post([keeper._prepare_merge(card) for card in self])

    def _prepare_merge(self, card):
        description = self.env._(
            "Merged with card %(card)s of %(customer)s",
            card=card.code,
            customer=card.partner_id.display_name,
        )
        return self._prepare_move("merge", 0, description, key=f"merge:{card.id}")

    def _move_rows(self, keeper):
        """Move the rows of a card; a key that both cards used stays with one."""
        self.env.cr.execute(
            SQL("SELECT set_config('hstyle.points_merge', %s, TRUE)", str(self.id))
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_history h
                   SET card_id = %s,
                       key = CASE WHEN EXISTS (
                                  SELECT 1 FROM loyalty_history k
                                   WHERE k.card_id = %s AND k.key = h.key)
                             THEN h.key || ':' || h.card_id ELSE h.key END
                 WHERE card_id = %s
                """,
                keeper.id,
                keeper.id,
                self.id,
            )
        )
        self.env.cr.execute(SQL("SELECT set_config('hstyle.points_merge', '', TRUE)"))

    def _move_references(self, keeper):
        """Let orders earn and spend on the card that stays."""
        for model, name in (
            ("sale.order", "points_card_id"),
            ("sale.order.line", "coupon_id"),
            ("hstyle.points.adjustment", "card_id"),
        ):
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s = %s WHERE %s = ANY(%s)",
                    SQL.identifier(self.env[model]._table),
                    SQL.identifier(name),
                    keeper.id,
                    SQL.identifier(name),
                    self.ids,
                )
            )
        entries = self.env["sale.order.coupon.points"].sudo()
        taken = entries.search([("coupon_id", "=", keeper.id)]).order_id
        for entry in entries.search([("coupon_id", "in", self.ids)]):
            # An order has one entry for a card.
            if entry.order_id in taken:
                entry.unlink()
            else:
                taken |= entry.order_id
                entry.coupon_id = keeper
