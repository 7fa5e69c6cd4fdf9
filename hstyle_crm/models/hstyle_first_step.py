from odoo import api, fields, models
from odoo.tools import SQL

STEPS = [
    ("shop", "Your shops"),
    ("import", "The first import"),
    ("points", "Points"),
    ("tiers", "Member tiers"),
    ("team", "The service team"),
]
#: Where each step is done.
ACTIONS = {
    "shop": "hstyle_shop_action",
    "import": "hstyle_import_action",
    "points": "loyalty_program_action",
    "tiers": "res_partner_grade_action",
    "team": "hstyle_ticket_team_action",
}


class HstyleFirstStep(models.Model):
    """What a company sets up first, and whether its data says that it is done.

    Nobody ticks anything off: a step is done when there is a shop, an imported order, a
    row on a card, a member, or somebody in a team.
    """

    _name = "hstyle.first.step"
    _description = "First step"
    _auto = False
    _order = "company_id, id"
    _rec_name = "step"

    step = fields.Selection(selection=STEPS, readonly=True)
    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    is_done = fields.Boolean(string="Done", readonly=True)
    hint = fields.Char(string="What to do", compute="_compute_hint")

    _depends = {
        "hstyle.shop": ["company_id", "active"],
        "hstyle.order": ["company_id"],
        "loyalty.program": ["managed", "active", "company_id"],
        "loyalty.card": ["program_id", "company_id"],
        "loyalty.history": ["card_id"],
        "hstyle.membership": ["company_id"],
        "hstyle.ticket.team": ["company_id", "active", "staff_ids"],
        "hstyle.ticket.member": ["team_id"],
    }

    @property
    def _table_query(self):
        """Points and tiers of a branch are those of its company."""
        return SQL(
            """
            SELECT c.id * 8 + v.number AS id, c.id AS company_id, v.step, v.is_done
              FROM res_company c
             CROSS JOIN LATERAL (
                    SELECT split_part(c.parent_path, '/', 1)::int AS id
                   ) root
             CROSS JOIN LATERAL (VALUES
                   (1, 'shop', EXISTS (
                       SELECT FROM hstyle_shop
                        WHERE company_id = c.id AND active)),
                   (2, 'import', EXISTS (
                       SELECT FROM hstyle_order WHERE company_id = c.id)),
                   (3, 'points', EXISTS (
                       SELECT FROM loyalty_program p
                         JOIN loyalty_card k ON k.program_id = p.id
                         JOIN loyalty_history h ON h.card_id = k.id
                        WHERE p.managed AND p.active
                          AND COALESCE(p.company_id, root.id) = root.id
                          AND COALESCE(k.company_id, root.id) = root.id)),
                   (4, 'tiers', EXISTS (
                       SELECT FROM hstyle_membership WHERE company_id = root.id)),
                   (5, 'team', EXISTS (
                       SELECT FROM hstyle_ticket_team t
                         JOIN hstyle_ticket_member m ON m.team_id = t.id
                        WHERE t.company_id = c.id AND t.active))
                   ) AS v(number, step, is_done)
            """
        )

    @api.depends("step")
    def _compute_hint(self):
        hints = self._get_hints()
        for row in self:
            row.hint = hints[row.step]

    @api.model
    def _get_hints(self):
        return {
            "shop": self.env._(
                "Add a row for each shop: every platform, every store. Orders of Odoo "
                "itself need none."
            ),
            "import": self.env._(
                "Export the orders of a shop as a sheet, and import it: customers and "
                "their profiles come with the orders."
            ),
            "points": self.env._(
                "Say in the program what an order earns and how long points live. Then "
                "bring the balances of your old system over, or wait for the first "
                "order."
            ),
            "tiers": self.env._(
                "Set what silver, gold, platinum and diamond ask for, try the rules on "
                "your customers, then activate them."
            ),
            "team": self.env._(
                "Choose who answers customers, and their working hours: the deadlines "
                "follow them."
            ),
        }

    def action_open(self):
        """Open the screen on which the step is done."""
        self.ensure_one()
        xmlid = f"hstyle_crm.{ACTIONS[self.step]}"
        return self.env["ir.actions.act_window"]._for_xml_id(xmlid)

    @api.model
    def _open_app(self):
        """Return the first screen: the first steps while any is left, else the day."""
        name = "hstyle_day_action"
        if self.env.user._is_crm_manager() and self._is_new():
            name = "hstyle_first_step_action"
        return self.env["ir.actions.act_window"]._for_xml_id(f"hstyle_crm.{name}")

    @api.model
    def _is_new(self):
        left = [("company_id", "=", self.env.company.id), ("is_done", "=", False)]
        return bool(self.search_count(left, limit=1))
