from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import format_date

from ..tools import tiers

_READERS = "hstyle_crm.hstyle_crm_group_user"


class HstyleTierExplanation(models.AbstractModel):
    """Why a customer has a tier, and what is missing: the words of res.partner.

    The form, the kanban, the portal and the mails all say it in these words.
    """

    _name = "hstyle.tier.explanation"
    _description = "Explanation of tiers"

    hstyle_membership_ids = fields.One2many(
        comodel_name="hstyle.membership",
        inverse_name="partner_id",
        string="Membership",
        groups=_READERS,
    )
    hstyle_tier_move_ids = fields.One2many(
        comodel_name="hstyle.tier.move",
        inverse_name="partner_id",
        string="Tier moves",
        groups=_READERS,
    )
    tier_since = fields.Date(
        related="hstyle_membership_ids.since", string="Tier since", groups=_READERS
    )
    tier_until = fields.Date(
        related="hstyle_membership_ids.valid_until",
        string="Tier until",
        groups=_READERS,
    )
    tier_manager_id = fields.Many2one(
        related="hstyle_membership_ids.manager_id",
        string="Account manager",
        groups=_READERS,
    )
    hstyle_entitlement_ids = fields.One2many(
        comodel_name="hstyle.entitlement",
        inverse_name="partner_id",
        string="Benefits",
        groups=_READERS,
    )
    tier_next_text = fields.Char(
        string="Next tier", compute="_compute_tier_texts", groups=_READERS
    )
    tier_progress = fields.Float(
        string="Progress",
        compute="_compute_tier_texts",
        groups=_READERS,
        help="How much of the next tier is reached, in percent.",
    )
    tier_keep_text = fields.Char(
        string="To keep the tier", compute="_compute_tier_texts", groups=_READERS
    )
    tier_rule_text = fields.Char(
        string="Given for", compute="_compute_tier_texts", groups=_READERS
    )

    @api.depends("hstyle_membership_ids", "grade_id")
    @api.depends_context("company", "lang")
    def _compute_tier_texts(self):
        rows = self._read_tier_figures()
        for partner in self:
            customer = partner.commercial_partner_id
            company, row = rows.get(customer.id, (None, None))
            partner.tier_rule_text = customer._explain_rule()
            partner.tier_next_text = company and customer._explain_next(company, row)
            partner.tier_keep_text = company and customer._explain_keep(company, row)
            partner.tier_progress = company and self._get_tier_progress(company, row)

    def _read_tier_figures(self):
        """Return customer id → (company, row of `_evaluate`), for those it knows."""
        self.env.flush_all()
        customers = self.commercial_partner_id
        memberships = self.env["hstyle.membership"].sudo()
        ours = memberships._get_tier_company(self.env.company)
        companies = {
            m.partner_id: m.company_id for m in customers.sudo().hstyle_membership_ids
        }
        rows = {}
        for company, members in customers.grouped(
            lambda customer: companies.get(customer, ours)
        ).items():
            found = company and memberships._evaluate(
                company, members.ids, everybody=True
            )
            rows |= {row["partner_id"]: (company, row) for row in found or []}
        return rows

    @api.model
    def _forget_tier_texts(self):
        """Let the words be found anew: what they say changes by SQL."""
        names = [name for name in self._fields if name.startswith("tier_")]
        self.invalidate_model(
            ["hstyle_membership_ids", "hstyle_tier_move_ids", *names], flush=False
        )

    @api.model
    def _get_next_step(self, company, row):
        """Return the next step of the ladder with rules of entry, and its group."""
        ladder = self.env["res.partner.grade"]._get_ladder(company)
        for step in ladder[row["step"] :]:
            if step.entry:
                values = self._get_values(row, "entry")
                return step, tiers.get_nearest(step.entry, values), values
        return None

    @api.model
    def _get_values(self, row, mode):
        return {spec: v for (m, spec), v in row["values"].items() if m == mode}

    @api.model
    def _get_tier_progress(self, company, row):
        found = self._get_next_step(company, row)
        return (found and 100 * tiers.get_share(*found[1:])) or 100 * bool(row["step"])

    def _explain_rule(self):
        """Return why the customer has the tier: the last move and its figures."""
        move = self.hstyle_tier_move_ids.filtered("grade_to_id")[:1]
        if not move or not self.hstyle_membership_ids:
            return False
        causes = dict(move._fields["cause"]._description_selection(self.env))
        words = [causes[move.cause], move.note or move.figures_text]
        return ": ".join(word for word in words if word)

    def _explain_next(self, company, row):
        """Return what is missing to the next tier, such as ``¥ 320 more until Gold``.

        The day is the last on which what counts now still counts.
        """
        found = self._get_next_step(company, row)
        if not found:
            return self.env._("The highest tier is reached.") if row["step"] else False
        step, group, values = found
        missing = tiers.get_missing(group, values)
        grade = self.env["res.partner.grade"].sudo().browse(step.id)
        if not missing:
            return self.env._("%s is reached.", grade.name)
        words = {"missing": self._name_missing(company, missing), "tier": grade.name}
        today = company._hstyle_today()
        days = [self._get_last_day(c, row["days"], today) for c, _lack in missing]
        if day := min(filter(None, days), default=None):
            words["day"] = format_date(self.env, day)
            return self.env._("%(missing)s more until %(tier)s by %(day)s", **words)
        return self.env._("%(missing)s more until %(tier)s", **words)

    @api.model
    def _get_last_day(self, condition, days, today):
        """Return the last day on which all that a condition counts still counts."""
        if condition.measure == "months":
            return None
        if condition.window == "year":
            return today.replace(month=12, day=31)
        first = days.get(condition.spec)
        if condition.window == "rolling" and first:
            return first + relativedelta(months=condition.months, days=-1)
        return None

    def _explain_keep(self, company, row):
        """Return what is missing to keep the tier, and until when, or False."""
        if not row["step"] or not row["valid_until"]:
            return False
        ladder = self.env["res.partner.grade"]._get_ladder(company)
        step = ladder[row["step"] - 1]
        grade = self.env["res.partner.grade"].sudo().browse(step.id)
        words = {"tier": grade.name, "day": format_date(self.env, row["valid_until"])}
        today = company._hstyle_today()
        if row["pinned_until"] and row["pinned_until"] >= today:
            return self.env._("%(tier)s is set by hand until %(day)s.", **words)
        if row["kept"] or not step.keeping:
            return self.env._("%(tier)s is safe beyond %(day)s.", **words)
        values = self._get_values(row, "keep")
        missing = tiers.get_missing(tiers.get_nearest(step.keeping, values), values)
        words["missing"] = self._name_missing(company, missing)
        if row["valid_until"] < today:
            last = row["valid_until"] + relativedelta(days=step.grace_days)
            words["day"] = format_date(self.env, last)
        return self.env._("To keep %(tier)s: %(missing)s by %(day)s", **words)

    @api.model
    def _name_missing(self, company, missing):
        rules, currency = self.env["hstyle.tier.rule"], company.sudo().currency_id
        return self.env._(" and ").join(
            rules._format_missing(condition.measure, lack, currency)
            for condition, lack in missing
        )
