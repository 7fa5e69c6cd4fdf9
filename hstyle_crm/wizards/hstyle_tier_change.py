from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class HstyleTierChange(models.TransientModel):
    """Give customers a tier by hand: an override by a manager, or an invitation."""

    _name = "hstyle.tier.change"
    _description = "Change of tiers"

    partner_ids = fields.Many2many(
        comodel_name="res.partner", string="Customers", required=True
    )
    grade_id = fields.Many2one(
        comodel_name="res.partner.grade",
        string="Tier",
        domain=[("is_tier", "=", True)],
        compute="_compute_grade_id",
        store=True,
        readonly=False,
        help="Empty ends the membership.",
    )
    pinned_until = fields.Date(
        string="Whatever they buy, until",
        help="Until the end of this day the rules neither raise nor lower the tier. "
        "Empty: the tier is valid as if it were earned today.",
    )
    note = fields.Char(string="Reason", required=True)

    @api.depends("partner_ids")
    def _compute_grade_id(self):
        """Offer the tier that they have, and the lowest to who has none."""
        for change in self:
            members = change.partner_ids.commercial_partner_id.hstyle_membership_ids
            change.grade_id = members.grade_id[:1] or self._get_lowest()

    @api.model
    def _get_lowest(self):
        grades = self.env["res.partner.grade"]
        return grades._get_tiers(self.env.company)[:1]

    def action_apply(self):
        """Change the tiers; who is no manager may invite to the lowest one only."""
        self.ensure_one()
        manager = self.env.user._is_crm_manager()
        members = self.partner_ids.commercial_partner_id.sudo().hstyle_membership_ids
        invited = not members and self.grade_id and self.grade_id == self._get_lowest()
        if not manager and (not invited or self.pinned_until):
            raise AccessError(
                self.env._(
                    "You can invite customers to the lowest tier who are no members "
                    "yet. All other changes are for CRM managers."
                )
            )
        values = {"note": self.note}
        if self.pinned_until:
            self._check_pin()
            values.update(pinned_until=self.pinned_until, valid_until=self.pinned_until)
        self.partner_ids.sudo()._set_tier(
            self.grade_id, "invitation" if invited else "override", **values
        )
        return True

    def _check_pin(self):
        if not self.grade_id or self.pinned_until < self.env.company._hstyle_today():
            raise UserError(
                self.env._(
                    "Choose a tier, and a day from today on until which it stays."
                )
            )
