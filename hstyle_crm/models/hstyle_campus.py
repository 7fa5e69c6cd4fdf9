from odoo import fields, models


class HstyleCampus(models.Model):
    """A university or a part of it where agents work."""

    _name = "hstyle.campus"
    _description = "Campus"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    country_id = fields.Many2one(
        comodel_name="res.country",
        default=lambda self: self.env.company.country_id,
    )
    state_id = fields.Many2one(
        comodel_name="res.country.state",
        string="Region",
        domain="[('country_id', '=?', country_id)]",
    )
    city = fields.Char()
    street = fields.Char(string="Address")
    manager_id = fields.Many2one(
        comodel_name="res.users",
        string="Campus manager",
        index=True,
        domain=[("share", "=", False)],
        tracking=True,
        help="Sees the agents, friends and classmates of this campus, and no others.",
    )
    agent_ids = fields.One2many(
        comodel_name="hstyle.agent", inverse_name="campus_id", string="Agents"
    )

    _name_unique = models.Constraint(
        "UNIQUE (name, company_id)", "There is a campus of this name already."
    )
