from odoo import api, fields, models
from odoo.exceptions import UserError


class HstyleGiftSupply(models.Model):
    """Packs that an agent got, or gave back; rows are never changed."""

    _name = "hstyle.gift.supply"
    _description = "Supply of gift packs"
    _order = "date desc, id desc"
    _rec_name = "pack_id"
    _check_company_auto = True

    agent_id = fields.Many2one(
        comodel_name="hstyle.agent",
        required=True,
        index=True,
        ondelete="restrict",
        domain=[("state", "in", ("active", "paused"))],
    )
    campus_id = fields.Many2one(related="agent_id.campus_id", store=True, index=True)
    company_id = fields.Many2one(related="agent_id.company_id", store=True, index=True)
    pack_id = fields.Many2one(
        comodel_name="hstyle.gift.pack",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
    )
    quantity = fields.Integer(
        default=1, required=True, help="Below zero: the agent gave packs back."
    )
    date = fields.Date(
        required=True, default=lambda self: self.env.company._hstyle_today()
    )
    note = fields.Char()

    _quantity_given = models.Constraint(
        "CHECK (quantity <> 0)", "Enter how many packs the agent got or gave back."
    )

    @api.model_create_multi
    def create(self, vals_list):
        supplies = super().create(vals_list)
        supplies._check_stock()
        return supplies

    def _check_stock(self):
        """Refuse to take back more packs than an agent has."""
        agents = self.sudo().agent_id
        agents._lock_gift_stock()
        for agent, packs in agents._get_gift_stock().items():
            for pack, left in packs.items():
                if left < 0:
                    raise UserError(
                        self.env._(
                            "%(agent)s has not so many of %(pack)s to give back: "
                            "%(missing)s are missing.",
                            agent=agent.display_name,
                            pack=pack.name,
                            missing=-left,
                        )
                    )
