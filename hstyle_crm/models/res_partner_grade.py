from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError

from ..tools import tiers

ICONS = [
    ("fa-star-o", "Star outline"),
    ("fa-star", "Star"),
    ("fa-trophy", "Trophy"),
    ("fa-diamond", "Diamond"),
    ("fa-heart", "Heart"),
]


class ResPartnerGrade(models.Model):
    """A member tier, among the host's grades; the later in the list, the higher.

    Grades of other uses, such as resellers, stay as the host has them.
    """

    _name = "res.partner.grade"
    _inherit = ["res.partner.grade", "hstyle.tier.assignment"]
    _order = "sequence, id"

    is_tier = fields.Boolean(
        string="Member tier",
        help="Customers reach this level by its rules and keep it by them.",
    )
    color = fields.Char(default="#9aa5b1")
    icon = fields.Selection(selection=ICONS, default="fa-star")
    tier_multiplier = fields.Float(
        string="Points multiplier",
        default=1.0,
        required=True,
        help="Members of this tier earn so many times the points of an order.",
    )

    # The life of a membership.
    validity_months = fields.Integer(
        string="Valid for",
        default=12,
        help="Months for which the tier is given; 0 is for ever.",
    )
    validity_end = fields.Selection(
        selection=[
            ("day", "To the day"),
            ("month", "To the end of the month"),
            ("year", "To the end of the year"),
        ],
        string="Rounded up",
        default="month",
        required=True,
    )
    grace_days = fields.Integer(
        default=30,
        help="Days after the validity, or after a refund that undoes an upgrade, in "
        "which a member can still keep the tier.",
    )
    warn_days = fields.Integer(
        string="Warn before",
        default=30,
        help="Days before the end of the validity on which a member hears what is "
        "missing; 0 is never.",
    )
    downgrade = fields.Selection(
        selection=[
            ("step", "One tier down"),
            ("value", "To the tier that the figures give"),
        ],
        string="Who does not keep it goes",
        default="step",
        required=True,
    )
    tell_members = fields.Boolean(
        string="Tell members",
        default=True,
        help="Write to members who change to or from this tier.",
    )
    has_manager = fields.Boolean(
        string="Named account manager",
        help="Each member of this tier gets an account manager, by their load.",
    )
    rule_ids = fields.One2many(
        comodel_name="hstyle.tier.rule", inverse_name="grade_id", string="Rules"
    )
    benefit_ids = fields.One2many(
        comodel_name="hstyle.benefit", inverse_name="grade_id", string="Benefits"
    )

    _tier_multiplier_positive = models.Constraint(
        "CHECK (tier_multiplier > 0)", "A points multiplier must be above zero."
    )
    _days_positive = models.Constraint(
        "CHECK (validity_months BETWEEN 0 AND 1200"
        " AND grace_days BETWEEN 0 AND 3650 AND warn_days BETWEEN 0 AND 3650)",
        "Validity is from 0 to 1200 months, grace and warning from 0 to 3650 days.",
    )

    @api.constrains("is_tier", "company_id")
    def _check_company(self):
        for grade in self.filtered("is_tier"):
            if not grade.company_id:
                raise ValidationError(
                    self.env._(
                        "The thresholds of a member tier are in the currency of its "
                        "company. Choose a company for %s.",
                        grade.name,
                    )
                )

    @api.constrains("is_tier", "active", "company_id")
    def _check_members(self):
        members = self.env["hstyle.membership"].sudo()
        partners = self.env["res.partner"].sudo()
        for grade in self:
            strangers = [
                ("grade_id", "=", grade.id),
                ("hstyle_membership_ids", "=", False),
            ]
            if grade.is_tier and partners.search_count(strangers, limit=1):
                raise ValidationError(
                    self.env._(
                        "Contacts have the level %s who are no members. Create a tier "
                        "of its own.",
                        grade.name,
                    )
                )
            domain = [("grade_id", "=", grade.id)]
            if grade.is_tier and grade.active:
                domain.append(("company_id", "!=", grade.company_id.id))
            if members.search_count(domain, limit=1):
                raise ValidationError(
                    self.env._(
                        "%s has members. Move them to another tier first.", grade.name
                    )
                )

    @api.constrains("is_tier", "default_pricelist_id", "company_id")
    def _check_pricelist(self):
        for grade in self.filtered("is_tier"):
            company = grade.default_pricelist_id.company_id
            if company and company not in grade.company_id.parent_ids:
                raise ValidationError(
                    self.env._(
                        "%(pricelist)s belongs to another company than %(tier)s.",
                        pricelist=grade.default_pricelist_id.display_name,
                        tier=grade.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        grades = super().create(vals_list)
        grades._changed()
        return grades

    def write(self, vals):
        if vals.get("is_tier") and not (self.env.su or self.env.user._is_crm_manager()):
            raise AccessError(self.env._("Only CRM managers make a level a tier."))
        former = self.default_pricelist_id
        result = super().write(vals)
        self._changed()
        if "default_pricelist_id" in vals:
            self._reprice(former)
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_history(self):
        moves = self.env["hstyle.tier.move"].sudo()
        ends = ["|", ("grade_from_id", "in", self.ids), ("grade_to_id", "in", self.ids)]
        if moves.search_count(ends, limit=1):
            raise UserError(
                self.env._(
                    "Members had this tier, and its history stays. Archive it instead."
                )
            )

    def _changed(self):
        """Forget the ladders, and let pricelists work where a tier has one."""
        self.env.registry.clear_cache()
        pricelists = self.env.ref("product.group_product_pricelist").sudo()
        users = self.env.ref("base.group_user").sudo()
        if self.default_pricelist_id and pricelists not in users.implied_ids:
            users._apply_group(pricelists)
            # Else the host gives the first pricelist there is to everybody.
            self.company_id.sudo()._activate_or_create_pricelists()

    # === THE LADDER === #

    @api.model
    def _get_tiers(self, company):
        """Return the tiers of a company, the lowest first."""
        domain = [("is_tier", "=", True), ("company_id", "=", company.id)]
        return self.sudo().search(domain)

    @api.model
    def _get_ladder(self, company, drafts=()):
        """Return the steps of a company's ladder, the lowest first.

        :param drafts: rules that are tried in place of those of their tiers
        """
        if not drafts:
            return self._get_active_ladder(company.id)
        grades = self._get_tiers(company)
        return tuple(grade._prepare_step(drafts) for grade in grades)

    @api.model
    @tools.ormcache("company_id")
    def _get_active_ladder(self, company_id):
        company = self.env["res.company"].browse(company_id)
        nothing = self.env["hstyle.tier.rule"]
        grades = self._get_tiers(company)
        return tuple(grade._prepare_step(nothing) for grade in grades)

    def _prepare_step(self, drafts):
        return tiers.Step(
            id=self.id,
            entry=self._prepare_groups("entry", drafts),
            keep=self._prepare_groups("keep", drafts),
            grace_days=self.grace_days,
            warn_days=self.warn_days,
            one_step=self.downgrade == "step",
        )

    def _prepare_groups(self, purpose, drafts):
        """Return the alternatives of a purpose; drafts for it replace all others."""
        rules = self.rule_ids.filtered(lambda rule: rule.purpose == purpose)
        chosen = rules & drafts or rules.filtered(lambda rule: rule.state == "active")
        groups = chosen.grouped("alternative")
        return tuple(
            tuple(
                tiers.Condition(r.id, r.measure, r.window, r.months, r.threshold)
                for r in groups[number]
            )
            for number in sorted(groups)
        )

    def _get_end(self, start):
        """Return the last day of the tier for who gets it on a day, or None."""
        return tiers.get_end(start, self.validity_months, self.validity_end)

    def _get_discount(self):
        """Return the percentage that the tier's pricelist takes off all products."""
        items = self.default_pricelist_id.item_ids.filtered(
            lambda item: item.applied_on == "3_global"
        )
        fields_ = {"percentage": "percent_price", "formula": "price_discount"}
        return max(
            (i[fields_[i.compute_price]] for i in items if i.compute_price in fields_),
            default=0,
        )

    def _get_benefit_cost(self):
        """Return what a member's benefits cost in a year, if all of them are used."""
        return sum(
            benefit.value
            * (benefit.quota or 1)
            * (12 if benefit.period == "month" else 1)
            for benefit in self.benefit_ids
        )

    def action_draft_rules(self):
        """Copy the active rules as drafts, to be changed and tried."""
        self.ensure_one()
        self.rule_ids.filtered(lambda rule: rule.state == "active").copy()

    def action_try(self):
        """Open the dry run of the drafts of this tier's company."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Try the rules"),
            "res_model": "hstyle.tier.trial",
            "view_mode": "form",
            "target": "new",
            "context": {"default_company_id": self.company_id.id},
        }

    def action_members(self):
        """Open the members of the tier."""
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_membership_action"
        )
        return {**action, "domain": [("grade_id", "in", self.ids)], "context": {}}
