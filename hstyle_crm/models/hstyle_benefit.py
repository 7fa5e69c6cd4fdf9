from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, split_every

#: Members whose birthdays are settled in one transaction.
BIRTHDAYS = 500


KINDS = [
    ("birthday_gift", "Birthday gift"),
    ("free_return", "Free return"),
    ("fast_lane", "Fast lane in service"),
    ("preview", "Preview access"),
    ("points", "Bonus points"),
    ("other", "Other"),
]
PERIODS = [
    ("month", "A month"),
    ("year", "A calendar year"),
    ("tier", "The validity of the tier"),
]
OCCASIONS = [
    ("request", "On request"),
    ("entry", "On entering the tier"),
    ("birthday", "On the birthday"),
]


class HstyleBenefit(models.Model):
    """What members of a tier are entitled to, and how often."""

    _name = "hstyle.benefit"
    _description = "Benefit"
    _order = "grade_id, sequence, id"

    sequence = fields.Integer(default=10)
    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    grade_id = fields.Many2one(
        comodel_name="res.partner.grade",
        string="Tier",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("is_tier", "=", True)],
    )
    company_id = fields.Many2one(related="grade_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    kind = fields.Selection(selection=KINDS, default="other", required=True)
    occasion = fields.Selection(
        selection=OCCASIONS,
        default="request",
        required=True,
        help="Bonus points are given by themselves on an entry or a birthday.",
    )
    quota = fields.Integer(
        string="Times", default=1, help="Times in a period; 0 is without limit."
    )
    period = fields.Selection(
        selection=PERIODS, string="Within", default="year", required=True
    )
    value = fields.Monetary(
        string="Cost of a use", help="What one use costs the company, for the reports."
    )
    points = fields.Float(help="Points that a use gives.")
    description = fields.Char(translate=True, help="The member reads it in the portal.")
    use_count = fields.Integer(
        string="Used", compute="_compute_rate", help="Times, in the last 12 months."
    )
    use_rate = fields.Float(
        string="Members who use it (%)",
        compute="_compute_rate",
        help="Of the members of the tier, in the last 12 months.",
    )

    _quota_positive = models.Constraint(
        "CHECK (quota >= 0 AND points >= 0 AND value >= 0)",
        "Times, points and cost of a benefit are not below zero.",
    )

    @api.constrains("kind", "occasion", "points", "quota")
    def _check_points(self):
        for benefit in self:
            if benefit.kind == "points" and not (benefit.points and benefit.quota):
                raise ValidationError(
                    self.env._("How many points does it give, and how many times?")
                )
            if benefit.occasion != "request" and benefit.kind != "points":
                raise ValidationError(
                    self.env._(
                        "Only points are given by themselves; all else on request."
                    )
                )

    def _compute_rate(self):
        year = fields.Date.subtract(fields.Date.context_today(self), years=1)
        uses = self.env["hstyle.benefit.use"]._read_group(
            [("benefit_id", "in", self.ids), ("date", ">", year)],
            ["benefit_id"],
            ["__count", "partner_id:count_distinct"],
        )
        used = {benefit: (count, people) for benefit, count, people in uses}
        members = dict(
            self.env["hstyle.membership"]._read_group(
                [("grade_id", "in", self.grade_id.ids)], ["grade_id"], ["__count"]
            )
        )
        for benefit in self:
            benefit.use_count, people = used.get(benefit, (0, 0))
            total = members.get(benefit.grade_id, 0)
            benefit.use_rate = 100 * people / total if total else 0

    # === ENTITLEMENT === #

    @api.model
    def _get_open(self, partner, kind=None):
        """Return the benefits that a customer can use now: the tier's, within quota.

        :param kind: such as "fast_lane", to ask for one
        """
        domain = [
            ("partner_id", "=", partner.commercial_partner_id.id),
            ("is_open", "=", True),
        ]
        if kind:
            domain.append(("benefit_id.kind", "=", kind))
        entitlements = self.env["hstyle.entitlement"].sudo().search(domain)
        return entitlements.benefit_id.with_env(self.env)

    # === USE === #

    def _use(self, partner, note=False, document=None):
        """Let a customer use the benefit once, atomically.

        The slot of a use is unique: of two who take the last one at once, the host
        repeats one, which then finds none left.

        :param document: record that it was used on, if any
        :return: the use
        :raise UserError: if the customer has not this benefit, or it is used up
        """
        self.ensure_one()
        member = partner.commercial_partner_id.sudo().hstyle_membership_ids
        if member.grade_id != self.sudo().grade_id or not self.active:
            raise UserError(
                self.env._(
                    "%(customer)s is no member of %(tier)s.",
                    customer=partner.display_name,
                    tier=self.sudo().grade_id.name,
                )
            )
        if self.kind == "birthday_gift":
            company = self.sudo().company_id
            gifts = self.env["hstyle.gift"].sudo()
            gifts._claim_year(
                member.partner_id, company, company._hstyle_today().year, "shop"
            )
        use = self._insert_uses(member, note, document)
        if not use:
            raise UserError(
                self.env._(
                    "%(customer)s has used “%(benefit)s” %(quota)s times in this "
                    "period, as often as the tier allows.",
                    customer=partner.display_name,
                    benefit=self.name,
                    quota=self.quota,
                )
            )
        self._give_points(use)
        return use

    def _grant(self, members):
        """Let all members use the benefit who have not used it up."""
        self._give_points(self._insert_uses(members))

    def _insert_uses(self, members, note=False, document=None):
        """Insert a use for each member in the next free slot of the period."""
        uses = self.env["hstyle.benefit.use"]
        self.env.flush_all()
        found = self.env.execute_query(
            SQL(
                """
                INSERT INTO hstyle_benefit_use
                       (benefit_id, kind, partner_id, grade_id, company_id,
                        period_start, slot, date, note, res_model, res_id, user_id,
                        value)
                SELECT b.id, b.kind, m.partner_id, m.grade_id, m.company_id,
                       period.start, GREATEST(MAX(u.slot), 0) + 1, %(today)s, %(note)s,
                       %(model)s, %(res_id)s, %(user)s, b.value
                  FROM hstyle_membership m
                  JOIN res_company c ON c.id = m.company_id
                  JOIN hstyle_benefit b ON b.id = %(benefit)s
                 CROSS JOIN LATERAL (SELECT %(start)s AS start) period
                  LEFT JOIN hstyle_benefit_use u
                    ON u.benefit_id = b.id
                   AND u.partner_id = m.partner_id
                   AND u.period_start = period.start
                 WHERE m.id = ANY(%(members)s)
                 GROUP BY m.id, b.id, period.start
                HAVING b.quota = 0 OR COUNT(u.id) < b.quota
                 ORDER BY m.partner_id
                    ON CONFLICT DO NOTHING
             RETURNING id
                """,
                benefit=self.id,
                start=self.env["hstyle.entitlement"]._sql_period_start(),
                today=self.company_id._hstyle_today(),
                note=note or None,
                model=(document and document._name) or None,
                res_id=(document and document.id) or None,
                user=self.env.uid,
                members=members.ids,
            )
        )
        uses.invalidate_model()
        return uses.browse(use_id for (use_id,) in found)

    def _give_points(self, uses):
        """Give the points of uses, once for each."""
        program = self._get_company_program(self.sudo().company_id)
        if not (self.points and program and uses):
            return
        uses = uses.sudo()
        cards = program._get_cards(uses.partner_id).grouped("partner_id")
        moves = [
            cards[use.partner_id]._prepare_move(
                "bonus", self.points, self.name, key=f"benefit:{use.id}"
            )
            for use in uses
        ]
        self.env["loyalty.card"].sudo()._post(moves)

    @api.model
    def _get_company_program(self, company):
        """Return the points program of a company, or none."""
        programs = self.env["loyalty.program"].sudo()
        domain = programs._check_company_domain(company.parent_ids)
        return programs.search([*domain, ("managed", "=", True)], limit=1)

    @api.model
    def _grant_entry(self, changes):
        """Give who entered a tier the points of that occasion."""
        entered = {}
        for change in changes:
            entered.setdefault(change["grade"], []).append(change["partner_id"])
        for grade, partner_ids in entered.items():
            for benefit in grade.sudo().benefit_ids.filtered(
                lambda benefit: benefit.occasion == "entry"
            ):
                domain = [("partner_id", "in", partner_ids)]
                benefit._grant(self.env["hstyle.membership"].sudo().search(domain))

    @api.model
    def _cron_birthdays(self):
        """Give members the points of their birthdays, of today and of missed days.

        Who got them in the last half year gets none, so that a run that is repeated
        finds nobody.
        """
        commit = self.env["ir.cron"]._commit_progress
        for benefit in self.search([("occasion", "=", "birthday")]):
            members = benefit._find_birthdays()
            commit(remaining=len(members))
            for chunk in split_every(BIRTHDAYS, members.ids, members.browse):
                benefit._grant(chunk)
                if not commit(len(chunk)):
                    return

    def _find_birthdays(self):
        """Return members with a birthday in this week's days until today, not used.

        Who was born on 29 February has it on 28 February in other years.
        """
        today = self.company_id._hstyle_today()
        days = [today - relativedelta(days=back) for back in range(7)]
        found = self.env.execute_query(
            SQL(
                """
                SELECT m.id
                  FROM hstyle_membership m
                  JOIN res_partner p ON p.id = m.partner_id AND p.active
                 WHERE m.grade_id = %s
                   AND to_char(p.birthday, 'MM-DD') = ANY(%s)
                   AND NOT EXISTS (
                       SELECT FROM hstyle_benefit_use u
                        WHERE u.benefit_id = %s
                          AND u.partner_id = p.id
                          AND u.date > %s)
                 ORDER BY m.id
                """,
                self.grade_id.id,
                self._list_birthdays(days),
                self.id,
                today - relativedelta(months=6),
            )
        )
        return self.env["hstyle.membership"].browse(member_id for (member_id,) in found)

    @api.model
    def _list_birthdays(self, days):
        names = [day.strftime("%m-%d") for day in days]
        leap = [
            day.year
            for day in days
            if (day.month, day.day) == (2, 28)
            and (day + relativedelta(days=1)).day == 1
        ]
        return names + ["02-29"] * bool(leap)
