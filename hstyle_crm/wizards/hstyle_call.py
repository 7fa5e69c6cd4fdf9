from odoo import api, fields, models

#: Tickets and orders that the card shows.
LATEST = 5
#: Digits that tell one number from others without its country.
ENOUGH = 8


class HstyleCall(models.TransientModel):
    """Somebody calls: a number, and all that one must know of its customer."""

    _name = "hstyle.call"
    _description = "Call"
    _rec_name = "number"

    number = fields.Char(string="Phone number")
    partner_ids = fields.Many2many(
        comodel_name="res.partner",
        string="Customers with this number",
        compute="_compute_partner_ids",
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        compute="_compute_partner_id",
        store=True,
        readonly=False,
    )
    grade_id = fields.Many2one(
        related="partner_id.commercial_partner_id.grade_id", string="Tier"
    )
    points = fields.Float(related="partner_id.commercial_partner_id.hstyle_points")
    ticket_ids = fields.Many2many(
        comodel_name="hstyle.ticket", string="Tickets", compute="_compute_card"
    )
    purchase_ids = fields.Many2many(
        comodel_name="hstyle.purchase", string="Last orders", compute="_compute_card"
    )
    promise_ids = fields.Many2many(
        comodel_name="hstyle.promise", string="Promises", compute="_compute_card"
    )

    @api.depends("number")
    def _compute_partner_ids(self):
        for call in self:
            call.partner_ids = self._find_customers(call.number or "")

    def _find_customers(self, number):
        """Return who has a number, in any notation, maybe without its country."""
        partners, country = self.env["res.partner"], self.env.company.country_id
        phone = number and partners._phone_format(number=number, country=country)
        found = partners.search([("phone_sanitized", "=", phone or number)])
        digits = "".join(filter(str.isdigit, number)).lstrip("0")
        if not found and len(digits) >= ENOUGH:
            ends = [("phone_sanitized", "=like", f"%{digits}")]
            found = partners.search(ends, limit=LATEST)
        return found if number else partners

    @api.depends("partner_ids")
    def _compute_partner_id(self):
        """Choose the customer, if the number is of one alone."""
        for call in self:
            known = call.partner_ids
            call.partner_id = known if len(known) == 1 else False

    @api.depends("partner_id")
    def _compute_card(self):
        for call in self:
            # In a form that is not saved it is a new record, which searches refuse.
            customer = call.partner_id.commercial_partner_id._origin
            mine = [("partner_id", "child_of", customer.ids)]
            call.ticket_ids = self.env["hstyle.ticket"].search(
                mine, order="solved_at desc nulls first, id desc", limit=LATEST
            )
            call.purchase_ids = self.env["hstyle.purchase"].search(
                mine, order="date_order desc", limit=LATEST
            )
            call.promise_ids = customer._get_promises() if customer else False

    def action_open_ticket(self):
        """Open the form of a new ticket of who calls."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "hstyle.ticket",
            "view_mode": "form",
            "context": {
                "default_partner_id": self.partner_id.id,
                "default_phone": self.number,
                "default_channel": "phone",
            },
        }

    def action_open_customer(self):
        """Open the customer, or the form of a new one with this number."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "view_mode": "form",
            "res_id": self.partner_id.id,
            "context": {"default_phone": self.number},
        }
