from odoo import api, fields, models
from odoo.fields import Domain

STAGES = [("student", "Student"), ("graduate", "Graduate")]


class HstyleStudent(models.AbstractModel):
    """Customers who study: a half of res.partner.

    The stage follows from the day of graduation, so it is right on each day, for any
    number of customers, without a job that moves it.
    """

    _name = "hstyle.student"
    _description = "Student"

    campus_id = fields.Many2one(
        comodel_name="hstyle.campus",
        index="btree_not_null",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    graduation_on = fields.Date(
        string="Graduates on",
        index="btree_not_null",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    life_stage = fields.Selection(
        selection=STAGES,
        string="Life stage",
        compute="_compute_life_stage",
        search="_search_life_stage",
        groups="hstyle_crm.hstyle_crm_group_user",
        help="A student until the day of graduation. Empty for who is not known to "
        "study.",
    )
    hstyle_agent_ids = fields.One2many(
        comodel_name="hstyle.agent",
        inverse_name="partner_id",
        string="Campus agent",
        groups="hstyle_crm.hstyle_crm_group_clerk,hstyle_crm.hstyle_crm_group_agent,"
        "hstyle_crm.hstyle_crm_group_marketer,hstyle_crm.hstyle_crm_group_campus",
    )

    @api.depends("campus_id", "graduation_on")
    @api.depends_context("company")
    def _compute_life_stage(self):
        today = self.env.company._hstyle_today()
        for partner in self:
            end = partner.graduation_on
            student = end > today if end else partner.campus_id
            partner.life_stage = "student" if student else "graduate" if end else False

    @api.model
    def _search_life_stage(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = self.env.company._hstyle_today()
        graduate = Domain("graduation_on", "<=", today)
        known = Domain("graduation_on", "!=", False) | Domain("campus_id", "!=", False)
        student = Domain("graduation_on", ">", today) | (
            Domain("graduation_on", "=", False) & Domain("campus_id", "!=", False)
        )
        domains = {"student": student, "graduate": graduate, False: ~known}
        return Domain.OR(domains[stage] for stage in value)
