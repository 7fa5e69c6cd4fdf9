from odoo import fields, models


class CrmTeam(models.Model):
    _inherit = "crm.team"

    hstyle_pipeline = fields.Selection(
        selection=[
            ("winback", "Win-back"),
            ("key", "Key accounts"),
            ("repair", "Repair of relations"),
        ],
        string="Customer pipeline",
        help="What the team works on, in stages of its own.",
    )
