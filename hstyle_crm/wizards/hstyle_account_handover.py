from odoo import fields, models
from odoo.exceptions import UserError


class HstyleAccountHandover(models.TransientModel):
    """Hand members over from one account manager to another, in bulk."""

    _name = "hstyle.account.handover"
    _description = "Handover of members"

    manager_id = fields.Many2one(
        comodel_name="hstyle.account.manager", string="Who leaves", required=True
    )
    successor_id = fields.Many2one(
        comodel_name="hstyle.account.manager",
        string="Who takes over",
        domain="[('company_id', '=', company_id), ('id', '!=', manager_id)]",
        help="Empty: to those with the least load for their capacity.",
    )
    company_id = fields.Many2one(related="manager_id.company_id")
    count = fields.Integer(string="Members", help="How many; 0 is all of them.")
    note = fields.Char(string="Reason", required=True)

    _count_positive = models.Constraint(
        "CHECK (count >= 0)", "The number of members is not below zero."
    )

    def action_hand_over(self):
        """Hand the members over, those with the manager for longest first."""
        self.ensure_one()
        successor = self.successor_id
        if successor == self.manager_id or (
            successor and successor.company_id != self.company_id
        ):
            raise UserError(
                self.env._("Choose another account manager to hand over to.")
            )
        domain = [
            ("manager_id", "=", self.manager_id.user_id.id),
            ("company_id", "=", self.company_id.id),
        ]
        members = self.env["hstyle.membership"].search(
            domain, limit=self.count or None, order="since, id"
        )
        if self.successor_id:
            members._set_manager(self.successor_id.user_id, self.note)
        else:
            managers = self.env["hstyle.account.manager"]
            managers._distribute(members, besides=self.manager_id, note=self.note)
        return True
