from odoo import api, fields, models


class HstyleMembership(models.Model):
    """A customer's membership: the tier, since when, until when.

    One a customer, in the company of its tier. Written by `res.partner.grade._assign`
    and by the nightly job alone; the customer's grade and pricelist follow it.
    """

    _name = "hstyle.membership"
    _description = "Membership"
    _inherit = ["hstyle.tier.evaluation", "hstyle.tier.job", "hstyle.visit"]
    _order = "since desc, id desc"
    _rec_name = "partner_id"
    _rec_names_search = ["partner_id.name", "partner_id.email", "partner_id.phone"]
    _log_access = False

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    grade_id = fields.Many2one(
        comodel_name="res.partner.grade",
        string="Tier",
        required=True,
        readonly=True,
        ondelete="restrict",
        group_expand="_expand_tiers",
    )
    joined_on = fields.Date(string="Member since", required=True, readonly=True)
    since = fields.Date(string="Tier since", required=True, readonly=True)
    period_start = fields.Date(string="Valid from", required=True, readonly=True)
    valid_until = fields.Date(string="Valid until", readonly=True)
    pinned_until = fields.Date(
        string="Set by hand until",
        readonly=True,
        help="Until the end of this day the rules neither raise nor lower the tier.",
    )
    # The net spend on which an upgrade stood: with less of it, a refund was posted.
    spent_at_since = fields.Float(digits=(16, 2), readonly=True)
    undo_on = fields.Date(
        string="Refunded, kept until",
        readonly=True,
        help="A refund took back what the tier was given for. After this day it goes.",
    )
    warned_for = fields.Date(readonly=True)
    notice = fields.Selection(
        selection=[("change", "The tier changed"), ("warning", "The tier may be lost")],
        readonly=True,
        help="A message that waits to be sent.",
    )
    manager_id = fields.Many2one(
        comodel_name="res.users", string="Account manager", readonly=True, index=True
    )

    color = fields.Char(related="grade_id.color")
    icon = fields.Selection(related="grade_id.icon")
    email = fields.Char(related="partner_id.email")
    phone = fields.Char(related="partner_id.phone")
    next_text = fields.Char(related="partner_id.tier_next_text")
    keep_text = fields.Char(related="partner_id.tier_keep_text")
    progress = fields.Float(related="partner_id.tier_progress")
    silent = fields.Boolean(
        compute="_compute_silent",
        search="_search_silent",
        help="Used no benefit and no points for twelve months.",
    )

    _partner_unique = models.Constraint(
        "UNIQUE (partner_id)", "A customer has one membership."
    )
    _grade_idx = models.Index("(grade_id, since)")
    _notice_idx = models.Index("(id) WHERE notice IS NOT NULL")

    def _expand_tiers(self, grades, domain):
        """Show the columns of all tiers, those without members too."""
        companies = self.env.companies.ids
        return grades.search([("is_tier", "=", True), ("company_id", "in", companies)])

    def _compute_silent(self):
        silent = self.search([("id", "in", self.ids), ("silent", "=", True)])
        for member in self:
            member.silent = member in silent

    def _search_silent(self, operator, value):
        if operator not in ("in", "=") or not value:
            return NotImplemented
        year = fields.Date.subtract(fields.Date.context_today(self), years=1)
        uses = self.env["hstyle.benefit.use"].sudo()
        rows = self.env["loyalty.history"].sudo()
        used = uses._search([("date", ">", year)]).subselect("partner_id")
        spent = rows._search([("kind", "=", "spend"), ("date", ">", year)])
        cards = (
            self.env["loyalty.card"]
            .sudo()
            ._search([("id", "in", spent.subselect("card_id"))])
        )
        return [
            ("partner_id", "not in", used),
            ("partner_id", "not in", cards.subselect("partner_id")),
        ]

    def action_open_partner(self):
        """Open the customer's own form."""
        self.ensure_one()
        return self.partner_id.get_formview_action()

    def _set_manager(self, user, note=False):
        """Give members an account manager (None: nobody), and keep who had them."""
        assignments = self.env["hstyle.account.assignment"].sudo()
        assignments._end(self.partner_id.ids)
        if user:
            assignments.create(
                [
                    {
                        "partner_id": member.partner_id.id,
                        "company_id": member.company_id.id,
                        "user_id": user.id,
                        "date_from": member.company_id._hstyle_today(),
                        "note": note,
                    }
                    for member in self
                ]
            )
        self.sudo().manager_id = user or False

    @api.model
    def _merge_members(self, src_partners, dst_partner):
        """Leave the merged customer with the highest tier of all.

        The others leave before their rows become those of the merged customer, so
        that the statement counts each of them once.
        """
        grades = self.env["res.partner.grade"].sudo()
        ours = self.sudo().search([("partner_id", "=", dst_partner.id)])
        others = self.sudo().search([("partner_id", "in", src_partners.ids)])
        highest = max(ours | others, key=lambda m: m.grade_id.sequence, default=ours)
        # A copy: the memberships of the others are gone after the next step.
        values = highest.read(
            ["joined_on", "period_start", "valid_until", "pinned_until"]
        )
        grade = highest.grade_id
        # Both may have used the same slot of a benefit: theirs get another number.
        uses = self.env["hstyle.benefit.use"].sudo()
        for use in uses.search([("partner_id", "in", src_partners.ids)]):
            use.slot = -use.id
        grades._assign(
            [
                grades._prepare_change(other.partner_id, grades.browse(), "merged")
                for other in others
            ]
        )
        if highest and highest != ours:
            values = {n: v or None for n, v in values[0].items() if n != "id"}
            change = grades._prepare_change(dst_partner, grade, "merged", **values)
            grades._assign([change])
