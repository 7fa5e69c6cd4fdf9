from odoo import fields, models
from odoo.fields import NO_ACCESS


class SaleOrder(models.Model):
    """Points of an order wait for its delivery, if its program says so."""

    _inherit = "sale.order"

    # Fixed with the points: the program may have changed since.
    points_wait_delivery = fields.Boolean(
        string="Points wait for delivery",
        copy=False,
        groups=NO_ACCESS,
        help="The points of the order can be spent after its delivery only.",
    )

    def _fix_points(self):
        result = super()._fix_points()
        program = self.sudo().points_card_id.program_id
        self.sudo().points_wait_delivery = program.pending_from == "delivery"
        return result

    def _prepare_availability(self, program, today):
        if self.points_wait_delivery and not self._get_delivery_day():
            return {"pending": True, "available_on": None}
        return super()._prepare_availability(program, today)

    def _settle_points(self, fresh=False):
        result = super()._settle_points(fresh)
        self._settle_availability()
        return result

    def _follow_goods(self):
        """Let points, rewards and commission follow what was delivered or returned."""
        self.env["hstyle.referral.dirty"]._mark(self)
        self.filtered("points_card_id")._settle_changed()

    def _get_hold_start(self):
        """Let the return window wait for the delivery."""
        return self._get_delivery_day()

    def _settle_availability(self):
        """Let points wait from the delivery of their orders, where that is over."""
        days = {}
        for order in self.sudo().filtered("points_wait_delivery"):
            if order.state == "sale" and (day := order._get_delivery_day()):
                program = order.points_card_id.program_id
                days[order] = program._get_available(day) or day
        if days:
            self.env["loyalty.card"]._set_available(days)

    def _get_delivery_day(self):
        """Return the day on which the last goods reached the customer, or None.

        None while goods are still to go, and if none ever went although some are
        wanted. An order for no goods counts as delivered when it was confirmed.
        """
        self.ensure_one()
        lines = self.sudo().order_line
        goods = lines.filtered(lambda line: line._is_goods())
        moves = lines.move_ids.filtered(lambda move: move._is_delivery())
        # What a supplier will ship has no move before it is purchased.
        unplanned = goods.filtered(lambda line: not line.move_ids)
        if unplanned or any(move.state != "done" for move in moves):
            return None
        if goods and not moves:
            return None
        return self.company_id._hstyle_day(
            max(moves.mapped("date"), default=self.date_order)
        )
