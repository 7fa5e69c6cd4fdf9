from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..tools import ledger


class LoyaltyProgram(models.Model):
    _inherit = "loyalty.program"

    # The host counts orders, which not everybody who keeps a program may read.
    total_order_count = fields.Integer(compute_sudo=True)
    managed = fields.Boolean(
        string="Points ledger",
        help="Every point of the program's cards is explained by a row that nobody "
        "can change; points are earned, undone and expire by the rules below.",
    )

    # Earning.
    earn_on = fields.Selection(
        selection=[
            ("net", "What is paid after rewards"),
            ("gross", "The price before rewards"),
        ],
        string="Points on",
        default="net",
        required=True,
    )
    earn_tax = fields.Selection(
        selection=[("incl", "Tax included"), ("excl", "Tax excluded")],
        string="Amounts",
        default="incl",
        required=True,
    )
    order_cap = fields.Float(
        string="At most per order", help="Points; 0 is without limit."
    )
    day_cap = fields.Float(string="At most per day", help="Points; 0 is without limit.")
    month_cap = fields.Float(
        string="At most per month", help="Points; 0 is without limit."
    )
    campaign_ids = fields.One2many(
        comodel_name="hstyle.points.campaign",
        inverse_name="program_id",
        string="Points campaigns",
    )
    hstyle_campaign_id = fields.Many2one(
        comodel_name="utm.campaign",
        string="Marketing campaign",
        index="btree_not_null",
        ondelete="set null",
        help="Whose response the coupons of this program are.",
    )
    profile_points = fields.Float(
        string="Points for a complete profile",
        help="Given once, when name, phone, e-mail and birthday are known; 0 for none.",
    )
    rating_points = fields.Float(
        string="Points for an answered survey",
        help="Given once for each rating that the customer answers; 0 for none.",
    )

    # The clock.
    pending_days = fields.Integer(
        string="Available after",
        help="Points can be spent so many days after they were earned.",
    )
    expire_after = fields.Integer(
        string="Expire after",
        help="Days from the award to the last day of its points; 0 is never.",
    )
    expire_month_end = fields.Boolean(
        string="At the end of the month",
        default=True,
        help="Points live until the end of the month in which they would expire.",
    )

    # Spending.
    hold_minutes = fields.Integer(
        string="Hold while paying",
        default=30,
        help="Minutes for which points of an order whose payment is under way cannot "
        "be spent elsewhere.",
    )
    debt_policy = fields.Selection(
        selection=[
            ("debt", "Become a debt, paid by the next award"),
            ("forgive", "Are forgiven"),
            ("forbid", "Forbid the undoing"),
        ],
        string="Spent points of undone orders",
        default="debt",
        required=True,
    )

    # Bonuses and adjustments.
    clerk_limit = fields.Float(
        string="Clerk's limit",
        default=1000,
        help="Points that a clerk may give or take in a day without an approval.",
    )
    agent_limit = fields.Float(
        string="Service agent's limit",
        default=200,
        help="Points that a service agent may give or take in a day without an "
        "approval.",
    )
    point_value = fields.Float(
        string="Cost of a point",
        digits=(16, 6),
        compute="_compute_point_value",
        store=True,
        readonly=False,
        help="What a point costs the company when it is spent, in the program's "
        "currency; by default, what its reward takes off per point.",
    )

    breakage = fields.Float(
        string="Breakage (%)",
        digits=(5, 2),
        readonly=True,
        copy=False,
        help="Of the points that left the cards in the last 12 months, the share that "
        "expired unspent. Computed every night.",
    )

    @api.depends("reward_ids.discount", "reward_ids.discount_mode")
    def _compute_point_value(self):
        for program in self:
            per_point = program.reward_ids.filtered(
                lambda reward: reward.discount_mode == "per_point"
            )
            program.point_value = per_point[:1].discount or program.point_value

    @api.constrains("managed", "program_type", "applies_on")
    def _check_managed(self):
        for program in self.filtered("managed"):
            if (program.program_type, program.applies_on) != ("loyalty", "future"):
                raise ValidationError(
                    self.env._(
                        "A points ledger needs a program of loyalty cards for future "
                        "orders: points of an order cannot pay that very order. Choose "
                        "that type in %(program)s, or switch its ledger off.",
                        program=program.name,
                    )
                )

    @api.constrains("managed", "active", "company_id")
    def _check_managed_unique(self):
        for program in self.filtered(lambda p: p.managed and p.active):
            domain = [("managed", "=", True), ("active", "=", True)]
            others = self.search([*domain, ("id", "!=", program.id)])
            if clashing := others.filtered(program._shares_customers):
                raise ValidationError(
                    self.env._(
                        "%(program)s and %(other)s would both give points on the same "
                        "orders. Archive one of them, or give each a company of its "
                        "own.",
                        program=program.name,
                        other=clashing[0].name,
                    )
                )

    @api.constrains("pending_days", "expire_after", "hold_minutes")
    def _check_clock(self):
        for program in self:
            days = (program.pending_days, program.expire_after, program.hold_minutes)
            if min(days) < 0 or 0 < program.expire_after <= program.pending_days:
                raise ValidationError(
                    self.env._(
                        "In %(program)s points would expire before they are available. "
                        "Enter days from 0 on, and a longer life than the wait.",
                        program=program.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        programs = super().create(vals_list)
        programs.filtered("managed")._open_ledger()
        return programs

    def write(self, vals):
        opening = self.filtered(lambda p: vals.get("managed") and not p.managed)
        if "managed" in vals and not vals["managed"]:
            self._check_ledger_empty()
        opening._merge_double_cards()
        result = super().write(vals)
        opening._open_ledger()
        return result

    def _shares_customers(self, other):
        """Tell whether an order may belong to both programs."""
        self.ensure_one()
        ours, theirs = self.company_id, other.company_id
        related = set(ours.parent_ids.ids) & set(theirs.parent_ids.ids)
        return not ours or not theirs or bool(related)

    def _check_ledger_empty(self):
        """Refuse to drop a ledger that holds rows."""
        domain = [("card_id.program_id", "in", self.ids), ("kind", "!=", False)]
        if self.env["loyalty.history"].sudo().search_count(domain, limit=1):
            raise UserError(
                self.env._(
                    "The ledger holds points already and stays. To end the program, "
                    "archive it: its rows remain readable."
                )
            )

    def _merge_double_cards(self):
        """Leave one card to each customer, as the ledger wants; stock allows more."""
        cards = self.env["loyalty.card"].sudo().with_context(loyalty_no_mail=True)
        domain = [("program_id", "in", self.ids), ("partner_id", "!=", False)]
        for keeper, *others in (
            cards.search(domain, order="id")
            .grouped(lambda card: (card.program_id, card.partner_id))
            .values()
        ):
            for other in others:
                keeper.points += other.points
                other.write({"points": 0, "active": False})

    def _open_ledger(self):
        """Give each card that has points already an opening row."""
        cards = self.env["loyalty.card"].sudo().with_context(active_test=False)
        cards = cards.search([("program_id", "in", self.ids), ("points", "!=", 0)])
        if cards:
            balances = [(card, card.points) for card in cards]
            self.env.execute_query(
                SQL("UPDATE loyalty_card SET points = 0 WHERE id = ANY(%s)", cards.ids)
            )
            cards.invalidate_recordset(["points"])
            cards._post([card._prepare_opening(points) for card, points in balances])

    def _get_cards(self, partners):
        """Return the cards of customers, made where they are missing."""
        self.ensure_one()
        cards = self.env["loyalty.card"].sudo()
        domain = [("program_id", "=", self.id), ("partner_id", "in", partners.ids)]
        found = cards.search(domain)
        values = [
            {"program_id": self.id, "partner_id": partner.id}
            for partner in partners - found.partner_id
        ]
        quiet = cards.with_context(loyalty_no_mail=True, tracking_disable=True)
        return found | quiet.create(values)

    def _give_bonus(self, partners, points, reason, key=None):
        """Give each customer a bonus.

        :param key: a key for `_post`, if it must be given once only
        """
        cards = self._get_cards(partners)
        cards._post([c._prepare_move("bonus", points, reason, key=key) for c in cards])
        return cards.with_env(self.env)

    def _get_adjustment_limit(self, user):
        """Return the points that a user may give or take in a day; None: any."""
        self.ensure_one()
        if user._is_crm_manager():
            return None
        if user.has_group("hstyle_crm.hstyle_crm_group_clerk"):
            return self.clerk_limit
        agent = user.has_group("hstyle_crm.hstyle_crm_group_agent")
        return self.agent_limit if agent else 0

    @api.model
    def _get_points_program(self, company):
        """Return the program of the points of a company's members, maybe none."""
        companies = [company.id, *company.parent_ids.ids]
        domain = [*self._check_company_domain(companies), ("managed", "=", True)]
        return self.search(domain, limit=1)

    def _get_goodwill_reward(self):
        """Return the reward that makes coupons worth any amount, maybe none."""
        coupons = self.filtered(lambda p: p.program_type == "coupons")
        return coupons.reward_ids.filtered(
            lambda reward: reward.discount_mode == "per_point"
        )[:1]

    def _get_today(self):
        """Return the day of business of the program's company."""
        company = self.company_id or self.env.ref("base.main_company")
        return company._hstyle_today()

    def _get_expiration(self, day):
        """Return the last day of points that are awarded on a day, or False."""
        if not self.expire_after:
            return False
        last = day + relativedelta(days=self.expire_after)
        return ledger.month_end(last) if self.expire_month_end else last

    def _get_available(self, day):
        """Return the day from which an order's points can be spent, or False."""
        return self.pending_days and day + relativedelta(days=self.pending_days)

    def _update_breakage(self):
        """Work out which share of points expires unspent."""
        found = self.env.execute_query(
            SQL(
                """
                SELECT c.program_id,
                       100 * SUM(h.used) FILTER (WHERE h.kind = 'expire')
                           / NULLIF(SUM(h.used), 0)
                  FROM loyalty_history h
                  JOIN loyalty_card c ON c.id = h.card_id
                 WHERE h.kind IN ('expire', 'spend', 'reverse')
                   AND h.used <> 0
                   AND h.date > %s
                 GROUP BY c.program_id
                """,
                fields.Date.today() - relativedelta(years=1),
            )
        )
        shares = dict(found)
        for program in self:
            program.breakage = min(100, max(0, shares.get(program.id) or 0))
