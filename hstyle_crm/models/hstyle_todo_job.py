from odoo import models


class HstyleTodoJob(models.AbstractModel):
    """How the day is filled every night: the job of `hstyle.todo`."""

    _name = "hstyle.todo.job"
    _description = "Filling of the day"
    _inherit = "hstyle.job"
