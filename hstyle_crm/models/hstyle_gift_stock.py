from odoo import fields, models
from odoo.tools import SQL


class HstyleGiftStock(models.AbstractModel):
    """The gift packs that an agent has: supplied, less given. A part of the agent."""

    _name = "hstyle.gift.stock"
    _description = "Gift packs of an agent"

    gift_stock = fields.Integer(
        string="Gift packs left",
        compute="_compute_gift_stock",
        compute_sudo=True,
        groups="hstyle_crm.hstyle_crm_group_campus",
    )
    gift_stock_text = fields.Char(
        string="Packs left by kind",
        compute="_compute_gift_stock",
        compute_sudo=True,
        groups="hstyle_crm.hstyle_crm_group_campus",
    )

    def _compute_gift_stock(self):
        for agent, packs in self._get_gift_stock().items():
            agent.gift_stock = sum(packs.values())
            agent.gift_stock_text = ", ".join(
                f"{pack.name} {left}" for pack, left in packs.items()
            )

    def _get_gift_stock(self):
        """Return agent → {pack: how many are left}, packs in their order."""
        groups = (
            self.env["hstyle.gift.report"]
            .sudo()
            ._read_group(
                [("agent_id", "in", self.ids)],
                ["agent_id", "pack_id"],
                ["left_count:sum"],
            )
        )
        stock = {agent: {} for agent in self}
        for agent, pack, left in groups:
            if left:
                stock[agent.with_env(self.env)][pack] = left
        return stock

    def _lock_gift_stock(self):
        """Let nobody else move packs of these agents until this transaction ends.

        It is a real change of the rows: of two who take the last pack at once, the
        host repeats one, which then sees that it is gone. A lock alone would leave
        that one with its old snapshot.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE hstyle_agent SET write_date = write_date WHERE id = ANY(%s)",
                sorted(self.ids),
            )
        )
