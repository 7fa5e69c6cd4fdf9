import secrets
from ast import literal_eval
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

from ..tools import proof
from .hstyle_campaign_effect import GOALS, VERDICTS

_USER = "hstyle_crm.hstyle_crm_group_user"
_MARKETER = "hstyle_crm.hstyle_crm_group_marketer"

#: What decides who is in which group and what is measured: fixed by the launch.
_FIXED = {
    "company_id",
    "hstyle_domain",
    "hstyle_days",
    "hstyle_goal",
    "hstyle_target",
    "hstyle_holdout",
    "hstyle_share_a",
}
#: Written by the campaign's own methods alone.
_OWN = {
    "hstyle_state",
    "hstyle_salt",
    "hstyle_past",
    "hstyle_launched_on",
    "hstyle_measured_on",
    "hstyle_verdict",
    "hstyle_lift",
    "hstyle_gained",
    "hstyle_gained_margin",
    "hstyle_response",
    "hstyle_notice",
}


class UtmCampaign(models.Model):
    """A campaign that proves its worth: what it did against a group left alone.

    It does so where it has an audience; without one it is the host's campaign.
    """

    _name = "utm.campaign"
    _inherit = ["utm.campaign", "hstyle.campaign.job", "hstyle.campaign.words"]

    hstyle_state = fields.Selection(
        selection=[
            ("draft", "Being planned"),
            ("launched", "Launched"),
            ("measured", "Measured"),
        ],
        string="State",
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        group_expand=True,
    )

    # The plan.
    hstyle_domain = fields.Char(
        string="Audience",
        help="Which customers the campaign is for. They are drawn into groups at the "
        "launch; who becomes a customer later is in none.",
    )
    hstyle_goal = fields.Selection(
        selection=GOALS, string="Goal", default="revenue", required=True, groups=_USER
    )
    hstyle_target = fields.Float(
        string="Target",
        groups=_USER,
        help="How much more of the goal the campaign should bring than its customers "
        "would have bought anyway.",
    )
    hstyle_days = fields.Integer(
        string="Days measured",
        default=28,
        required=True,
        groups=_USER,
        help="Purchases count from the launch on, which is in the first of these days.",
    )
    hstyle_holdout = fields.Float(
        string="Control group, %",
        digits=(4, 2),
        default=10.0,
        groups=_USER,
        help="So many customers of the audience, drawn by chance, get nothing: what "
        "they buy is what all would have bought. 0 is a campaign without proof.",
    )
    hstyle_share_a = fields.Float(
        string="Variant A, %",
        digits=(5, 2),
        default=100.0,
        groups=_USER,
        help="So many of the treated get variant A and the others B; 100: no variants.",
    )
    hstyle_salt = fields.Char(
        string="Salt of the draw",
        default=lambda self: secrets.token_hex(8),
        readonly=True,
        copy=False,
        groups="base.group_system",
    )

    # Money.
    hstyle_budget = fields.Monetary(
        string="Budget",
        groups=_USER,
        help="A wave that would cost more than is left does not start; 0: no limit.",
    )
    hstyle_cost_fixed = fields.Monetary(string="Fixed cost", groups=_USER)
    hstyle_cost_email = fields.Monetary(string="Cost of an e-mail", groups=_USER)
    hstyle_cost_sms = fields.Monetary(string="Cost of an SMS", groups=_USER)
    hstyle_cost = fields.Monetary(
        string="Cost so far", compute="_compute_hstyle_cost", groups=_USER
    )
    hstyle_notice = fields.Text(
        string="Held back", readonly=True, copy=False, groups=_USER
    )

    # What is linked.
    hstyle_wave_ids = fields.One2many(
        comodel_name="mailing.mailing",
        inverse_name="campaign_id",
        string="Waves",
        groups=_MARKETER,
    )
    hstyle_program_ids = fields.One2many(
        comodel_name="loyalty.program",
        inverse_name="hstyle_campaign_id",
        string="Coupons",
        groups=_USER,
    )
    hstyle_member_ids = fields.One2many(
        comodel_name="hstyle.campaign.member",
        inverse_name="campaign_id",
        string="Members",
        groups=_USER,
    )
    hstyle_member_count = fields.Integer(
        string="Customers drawn", compute="_compute_hstyle_member_count", groups=_USER
    )
    hstyle_response_ids = fields.One2many(
        comodel_name="hstyle.campaign.response",
        inverse_name="campaign_id",
        string="Response",
        groups=_USER,
    )
    hstyle_effect_ids = fields.One2many(
        comodel_name="hstyle.campaign.effect",
        inverse_name="campaign_id",
        string="Effect",
        groups=_USER,
    )

    # The time of the campaign.
    hstyle_launched_on = fields.Datetime(
        string="Launched", readonly=True, copy=False, groups=_USER
    )
    hstyle_last_day = fields.Date(
        string="Measured until", compute="_compute_hstyle_last_day", groups=_USER
    )
    hstyle_ended = fields.Boolean(
        string="Ended", compute="_compute_hstyle_last_day", groups=_USER
    )
    hstyle_measured_on = fields.Datetime(
        string="Last measured", readonly=True, copy=False, groups=_USER
    )

    # What its audience bought before: `tools.proof.Figures` as a dict.
    hstyle_past = fields.Json(string="Past", readonly=True, copy=False, groups=_USER)
    hstyle_preview = fields.Text(
        string="What it can show", compute="_compute_hstyle_preview", groups=_USER
    )

    # The result, of the goal where not said otherwise.
    hstyle_verdict = fields.Selection(
        selection=VERDICTS, string="Result", readonly=True, copy=False, groups=_USER
    )
    hstyle_lift = fields.Float(
        string="Lift, %",
        digits=(6, 1),
        readonly=True,
        copy=False,
        aggregator="avg",
        groups=_USER,
        help="How much more of the goal a treated customer brought than one of the "
        "control group.",
    )
    hstyle_gained = fields.Float(
        string="Gained", digits=(16, 2), readonly=True, copy=False, groups=_USER
    )
    hstyle_gained_margin = fields.Monetary(
        string="Margin gained", readonly=True, copy=False, groups=_USER
    )
    hstyle_response = fields.Float(
        string="Redeemed, %",
        digits=(5, 1),
        readonly=True,
        copy=False,
        aggregator="avg",
        groups=_USER,
        help="Share of the treated customers who redeemed a coupon of the campaign.",
    )
    hstyle_return = fields.Float(
        string="Return, %",
        digits=(8, 1),
        compute="_compute_hstyle_return",
        groups=_USER,
        help="Margin gained less the cost, in percent of the cost.",
    )
    hstyle_result = fields.Text(
        string="In words", compute="_compute_hstyle_result", groups=_USER
    )

    _hstyle_holdout_valid = models.Constraint(
        "CHECK (hstyle_holdout >= 0 AND hstyle_holdout <= 15)",
        "The control group is 0 to 15 % of the audience.",
    )
    _hstyle_share_a_valid = models.Constraint(
        "CHECK (hstyle_share_a >= 0 AND hstyle_share_a <= 100)",
        "The share of variant A is 0 to 100 %.",
    )
    _hstyle_days_valid = models.Constraint(
        "CHECK (hstyle_days >= 1 AND hstyle_days <= 366)",
        "A campaign is measured for 1 to 366 days.",
    )

    # === COMPUTE METHODS === #

    def _compute_hstyle_cost(self):
        counts = self._count_messages()
        for campaign in self:
            email, sms = (counts.get((campaign, kind), 0) for kind in ("mail", "sms"))
            campaign.hstyle_cost = (
                campaign.hstyle_cost_fixed
                + email * campaign.hstyle_cost_email
                + sms * campaign.hstyle_cost_sms
            )

    def _count_messages(self):
        """Return (campaign, mail or sms) → messages sent or on their way."""
        groups = (
            self.env["mailing.trace"]
            .sudo()
            ._read_group(
                [
                    ("campaign_id", "in", self.ids),
                    ("trace_status", "not in", ("cancel", "error")),
                ],
                ["campaign_id", "trace_type"],
                ["__count"],
            )
        )
        return {
            (campaign.with_env(self.env), kind): count
            for campaign, kind, count in groups
        }

    def _compute_hstyle_member_count(self):
        groups = self.env["hstyle.campaign.member"]._read_group(
            [("campaign_id", "in", self.ids)], ["campaign_id"], ["__count"]
        )
        counts = dict(groups)
        for campaign in self:
            campaign.hstyle_member_count = counts.get(campaign, 0)

    @api.depends("hstyle_launched_on", "hstyle_days", "company_id")
    def _compute_hstyle_last_day(self):
        for campaign in self:
            company, start = campaign.company_id, campaign.hstyle_launched_on
            last = start and company._hstyle_day(start) + timedelta(
                days=campaign.hstyle_days - 1
            )
            campaign.hstyle_last_day = last
            campaign.hstyle_ended = last and last < company._hstyle_today()

    @api.depends("hstyle_gained_margin", "hstyle_cost")
    def _compute_hstyle_return(self):
        for campaign in self:
            gained, cost = campaign.hstyle_gained_margin, campaign.hstyle_cost
            campaign.hstyle_return = 100 * (gained - cost) / cost if cost > 0 else 0

    @api.depends("hstyle_past", "hstyle_goal", "hstyle_holdout", "company_id")
    def _compute_hstyle_preview(self):
        for campaign in self:
            past = campaign.hstyle_past
            campaign.hstyle_preview = past and campaign._get_preview(
                proof.Figures(**{name: proof.Sample(*past[name]) for name in past})
            )

    @api.depends("hstyle_verdict", "hstyle_effect_ids", "hstyle_measured_on")
    def _compute_hstyle_result(self):
        for campaign in self:
            campaign.hstyle_result = campaign.hstyle_verdict and "\n".join(
                campaign._get_result_words()
            )

    # === CONSTRAINT METHODS === #

    @api.constrains("hstyle_domain", "hstyle_state")
    def _check_hstyle_domain(self):
        for campaign in self.filtered("hstyle_domain"):
            try:
                domain = Domain(literal_eval(campaign.hstyle_domain))
                domain.validate(self.env["res.partner"])
            except (ValueError, SyntaxError, TypeError) as error:
                raise ValidationError(
                    self.env._("The audience cannot be read: %s", error)
                ) from error

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_hstyle_values(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_hstyle_values(vals)
        self._check_hstyle_fixed(vals)
        if vals.keys() & {"hstyle_domain", "hstyle_days", "company_id"}:
            vals = {**vals, "hstyle_past": False}
        return super().write(vals)

    def copy_data(self, default=None):
        """Leave the plan out for who may not plan: the host lets them copy."""
        if self.env.su or self.env.user.has_group(_MARKETER):
            return super().copy_data(default)
        self.check_access("read")
        return [
            {name: vals[name] for name in vals if not name.startswith("hstyle_")}
            for vals in super(UtmCampaign, self.sudo()).copy_data(default)
        ]

    @api.model
    def _check_hstyle_values(self, vals):
        """Refuse results by hand, and plans of who is no marketer."""
        ours = {name for name in vals if name.startswith("hstyle_")}
        if self.env.su or not ours:
            return
        if ours & _OWN:
            raise AccessError(
                self.env._("State and result of a campaign follow from its work.")
            )
        if not self.env.user.has_group(_MARKETER):
            raise AccessError(self.env._("Only marketers plan campaigns."))

    def _check_hstyle_fixed(self, vals):
        launched = self.sudo().filtered(lambda c: c.hstyle_state != "draft")
        for campaign in launched:
            changed = {
                name
                for name in _FIXED & vals.keys()
                if campaign._fields[name].convert_to_write(campaign[name], campaign)
                != vals[name]
            }
            if changed:
                raise UserError(
                    self.env._(
                        "%s is launched: its groups are drawn, and what is measured "
                        "stands. Copy it for another plan.",
                        campaign.title,
                    )
                )

    # === ACTION METHODS === #

    def action_hstyle_estimate(self):
        """Look at the audience: how many they are, and what they can show."""
        self._check_hstyle_plan()
        self._estimate()

    def action_hstyle_launch(self):
        """Draw the groups, after telling what they can show."""
        self._check_hstyle_plan()
        if self.hstyle_state == "draft" and not self.hstyle_past:
            self._estimate()
        self._draw()

    def action_hstyle_measure(self):
        """Measure now; before the end it is an interim result."""
        self._check_hstyle_marketer()
        if self.hstyle_state == "draft":
            raise UserError(self.env._("Launch %s first.", self.title))
        self._measure()

    def action_hstyle_members(self):
        """Show who was drawn into which group."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_campaign_member_action"
        )
        return {**action, "domain": [("campaign_id", "=", self.id)], "context": {}}

    def action_hstyle_wave_email(self):
        """Write an e-mail to the treated customers."""
        return self._open_wave("mass_mailing.mailing_mailing_action_mail", "mail")

    def action_hstyle_wave_sms(self):
        """Write an SMS to the treated customers."""
        return self._open_wave("mass_mailing_sms.mailing_mailing_action_sms", "sms")

    def _open_wave(self, action, kind):
        self.ensure_one()
        context = {
            "default_campaign_id": self.id,
            "default_mailing_type": kind,
            "default_mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
            "default_mailing_domain": "[]",
            "default_user_id": self.env.uid,
        }
        return {
            **self.env["ir.actions.actions"]._for_xml_id(action),
            "views": [(False, "form")],
            "context": context,
        }

    def action_hstyle_export_members(self):
        """Download the audience with its groups as XLSX."""
        self.ensure_one()
        return self.hstyle_member_ids._export()

    def action_hstyle_export_result(self):
        """Download the response and the effects of these campaigns as XLSX."""
        names = ["campaign_id", "arm", "variant", "persons", "buyers", "redeemers"]
        names += ["redemptions", "orders", "revenue", "margin"]
        return self.env["hstyle.export"]._download_records(
            f"{self.env._('campaign results')}.xlsx", self.hstyle_response_ids, names
        )

    def _check_hstyle_marketer(self):
        """Refuse work on campaigns of other companies, or of who is no marketer."""
        self.ensure_one()
        if not (self.env.su or self.env.user.has_group(_MARKETER)):
            raise AccessError(self.env._("Only marketers work on campaigns."))
        self.check_access("write")
        self.company_id._check_hstyle_company()

    def _check_hstyle_plan(self):
        """Refuse to draw what is not planned, or cannot be drawn."""
        self._check_hstyle_marketer()
        if not self.hstyle_domain:
            raise UserError(self.env._("Choose the audience of %s first.", self.title))
        self.hstyle_wave_ids._check_hstyle_model()
