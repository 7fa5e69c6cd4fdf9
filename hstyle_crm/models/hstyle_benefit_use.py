from odoo import fields, models


class HstyleBenefitUse(models.Model):
    """A use of a benefit; written by `hstyle.benefit._use` alone."""

    _name = "hstyle.benefit.use"
    _description = "Use of a benefit"
    _order = "date desc, id desc"
    _rec_name = "benefit_id"
    _log_access = False

    benefit_id = fields.Many2one(
        comodel_name="hstyle.benefit",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    kind = fields.Selection(related="benefit_id.kind", store=True, readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
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
        index=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    date = fields.Date(required=True, readonly=True)
    period_start = fields.Date(
        required=True, readonly=True, help="First day of the period of its quota."
    )
    slot = fields.Integer(
        string="Number in the period", required=True, readonly=True, aggregator=None
    )
    value = fields.Monetary(string="Cost", readonly=True)
    note = fields.Char(readonly=True)
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(
        string="Document", model_field="res_model", readonly=True
    )
    user_id = fields.Many2one(comodel_name="res.users", required=True, readonly=True)

    # Read, and taken, by each use.
    _slot_unique = models.UniqueIndex(
        "(benefit_id, partner_id, period_start, slot)",
        "This use of the benefit is taken.",
    )
    _date_idx = models.Index("(company_id, date)")
