from odoo import Command
from odoo.tests import new_test_user

from odoo.addons.hstyle_crm.tests.common import HstylePointsCommon


class HstyleStockCommon(HstylePointsCommon):
    """A program that waits for deliveries, goods, and who works in the warehouse.

    The picker has no right on sales or points; all deliveries and returns are theirs.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program.write({"pending_from": "delivery", "pending_days": 7})
        cls.service = cls.dress
        cls.dress = cls._create_product("Coat", 100, type="consu")
        cls.picker = new_test_user(
            cls.env, login="hstyle_picker", groups="stock.group_stock_user"
        )

    def _get_open_pickings(self, order):
        """Return the transfers that are to be done, as the picker sees them."""
        pickings = order.sudo().picking_ids.with_user(self.picker).sudo(False)
        return pickings.filtered(lambda p: p.state not in ("done", "cancel"))

    def _deliver(self, order, quantity=None, backorder=True):
        """Deliver what is to go; or so many pieces of each line, and no more for now.

        :param backorder: whether the rest is still to be delivered
        """
        picking = self._get_open_pickings(order)
        picking.action_assign()
        for move in picking.move_ids:
            move.quantity = move.product_uom_qty if quantity is None else quantity
        self._validate(picking, backorder)
        return picking

    def _validate(self, picking, backorder=True):
        picking.move_ids.picked = True
        never = [] if backorder else picking.ids
        picking.with_context(
            skip_backorder=True, picking_ids_not_to_backorder=never
        ).button_validate()
        self.assertEqual(set(picking.mapped("state")), {"done"})

    def _return(self, picking, quantity, exchange=False, refund=True):
        """Bring back pieces of each product of a delivery."""
        wizard = self.env["stock.return.picking"].with_user(self.picker)
        wizard = wizard.with_context(
            active_model="stock.picking", active_id=picking.id, active_ids=picking.ids
        ).create({})
        wizard.product_return_moves.write({"quantity": quantity, "to_refund": refund})
        create = wizard.action_create_exchanges if exchange else None
        action = (create or wizard.action_create_returns)()
        back = picking.browse(action["res_id"])
        self._validate(back)
        return back

    def _sell_all(self, *products, quantity=1):
        """Confirm an order of some pieces of each product."""
        lines = [
            Command.create({"product_id": product.id, "product_uom_qty": quantity})
            for product in products
        ]
        orders = self.env["sale.order"].with_user(self.salesperson)
        order = orders.create({"partner_id": self.partner.id, "order_line": lines})
        order._update_programs_and_rewards()
        order.action_confirm()
        return order
