from datetime import date

from odoo import Command
from odoo.tests import Form, freeze_time, new_test_user, tagged

from .common import HstyleStockCommon


@tagged("post_install", "-at_install")
class TestPointsDelivery(HstyleStockCommon):
    """Points become available days after delivery."""

    def _on(self, day):
        return freeze_time(f"2030-01-{day:02} 12:00:00")

    def _release(self):
        """Run the job of the night."""
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_points_clock_0").method_direct_trigger()
            self.env.ref("hstyle_crm.ir_cron_points_clock_1").method_direct_trigger()

    def _get_days(self, card):
        """Return the days of the lots' availability; 0: not known."""
        lots = card.history_ids.filtered(lambda row: row.kind == "earn")
        days = [(lot.available_on and lot.available_on.day) or 0 for lot in lots]
        return sorted(days)

    # === One delivery. === #

    def test_wait_for_delivery(self):
        with self._on(1):
            order = self._sell(2)
        card = self._get_card()
        self.assertTrue(order.sudo().points_wait_delivery)
        self.assertBalance(card, 0, 200)
        with self._on(20):
            self._release()
            self.assertBalance(card, 0, 200)
            self._deliver(order)
        self.assertBalance(card, 0, 200)
        self.assertEqual(self._get_days(card), [27])

    def test_the_night_releases_on_the_day(self):
        with self._on(1):
            order = self._sell(2)
            self._deliver(order)
        card = self._get_card()
        with self._on(7):
            self._release()
            self.assertBalance(card, 0, 200)
        with self._on(8):
            self._release()
            self.assertBalance(card, 200)

    def test_release_at_delivery_without_days(self):
        self.program.pending_days = 0
        order = self._sell(2)
        card = self._get_card()
        self.assertBalance(card, 0, 200)
        self._deliver(order)
        self.assertBalance(card, 200)

    def test_the_day_is_the_companys(self):
        self.company.hstyle_tz = "Asia/Shanghai"
        with freeze_time("2030-01-01 17:00:00"):
            self._deliver(self._sell(1))
        self.assertEqual(self._get_days(self._get_card()), [9])

    def test_wait_from_confirmation(self):
        self.program.pending_from = "confirmation"
        with self._on(1):
            order = self._sell(2)
        card = self._get_card()
        self.assertEqual(self._get_days(card), [8])
        with self._on(5):
            self._deliver(order)
        self.assertEqual(self._get_days(card), [8])

    def test_orders_keep_what_their_program_said(self):
        with self._on(1):
            waiting = self._sell(1)
            self.program.pending_from = "confirmation"
            self._sell(1)
            card = self._get_card()
            self.assertEqual(self._get_days(card), [0, 8])
        with self._on(5):
            self._deliver(waiting)
        self.assertEqual(self._get_days(card), [8, 12])

    def test_form(self):
        groups = "hstyle_crm.hstyle_crm_group_manager,sales_team.group_sale_manager"
        user = new_test_user(self.env, login="hstyle_owner", groups=groups)
        with Form(self.program.with_user(user)) as form:
            form.pending_from = "confirmation"
        self.assertEqual(self.program.pending_from, "confirmation")

    # === Nothing to deliver. === #

    def test_services_wait_from_confirmation(self):
        with self._on(1):
            self._sell_all(self.service)
        self.assertEqual(self._get_days(self._get_card()), [8])

    def test_services_beside_goods_wait_for_these(self):
        with self._on(1):
            order = self._sell_all(self.service, self.dress)
        card = self._get_card()
        self.assertEqual(self._get_days(card), [0])
        with self._on(3):
            self._deliver(order)
        self.assertEqual(self._get_days(card), [10])

    def test_goods_taken_off_the_order(self):
        with self._on(1):
            order = self._sell_all(self.service, self.dress)
        with self._on(3):
            order.order_line[1].product_uom_qty = 0
        card = self._get_card()
        self.assertBalance(card, 0, 100)
        self.assertEqual(self._get_days(card), [8])

    # === Several deliveries. === #

    def test_backorder(self):
        with self._on(1):
            order = self._sell(3)
            self._deliver(order, 1)
        card = self._get_card()
        self.assertEqual(self._get_days(card), [0])
        with self._on(4):
            self._deliver(order, 1)
            self.assertEqual(self._get_days(card), [0])
        with self._on(6):
            self._deliver(order)
        self.assertEqual(self._get_days(card), [13])

    def test_cancelled_backorder(self):
        with self._on(1):
            order = self._sell(3)
            self._deliver(order, 1)
        card = self._get_card()
        with self._on(4):
            self._get_open_pickings(order).action_cancel()
        self.assertBalance(card, 0, 300)
        self.assertEqual(self._get_days(card), [8])

    def test_cancelled_backorder_after_its_wait(self):
        with self._on(1):
            order = self._sell(3)
            self._deliver(order, 1)
        with self._on(20):
            self._get_open_pickings(order).action_cancel()
            self.assertBalance(self._get_card(), 300)

    def test_backorder_cancelled_by_its_supply(self):
        with self._on(1):
            order = self._sell(2)
            self._deliver(order, 1)
        rest = self._get_open_pickings(order).move_ids
        supply = self.env["stock.move"].create(
            {
                "product_id": self.dress.id,
                "product_uom_qty": 1,
                "location_id": self.env.ref("stock.stock_location_suppliers").id,
                "location_dest_id": rest.location_id.id,
                "move_dest_ids": rest.ids,
            }
        )
        supply._action_cancel()
        self.assertEqual(rest.state, "cancel")
        self.assertEqual(self._get_days(self._get_card()), [8])

    def test_no_backorder(self):
        coat = self._create_product("Shirt", 50, type="consu")
        with self._on(1):
            order = self._sell_all(self.dress, coat, quantity=2)
            picking = self._get_open_pickings(order)
            picking.move_ids[0].quantity = 1
            picking.move_ids[1].quantity = 0
            self._validate(picking, backorder=False)
        self.assertFalse(self._get_open_pickings(order))
        self.assertEqual(self._get_days(self._get_card()), [8])

    def test_nothing_was_delivered(self):
        order = self._sell(2)
        self._get_open_pickings(order).action_cancel()
        card = self._get_card()
        self.assertEqual(self._get_days(card), [0])
        order.order_line.product_uom_qty = 0
        self.assertBalance(card, 0)

    def test_more_is_ordered(self):
        with self._on(1):
            order = self._sell(1)
            self._deliver(order)
        card = self._get_card()
        with self._on(9):
            self._release()
            order.order_line.product_uom_qty = 3
            self.assertBalance(card, 100, 200)
            self._release()
            self.assertBalance(card, 100, 200)
        with self._on(10):
            self._deliver(order)
            self.assertBalance(card, 100, 200)
        self.assertEqual(self._get_days(card), [8, 17])

    def test_the_rest_is_cut(self):
        with self._on(1):
            order = self._sell(3)
            self._deliver(order, 1)
        with self._on(4):
            order.order_line.product_uom_qty = 1
        card = self._get_card()
        self.assertBalance(card, 0, 100)
        self.assertEqual(self._get_days(card), [8])

    def test_pick_pack_ship(self):
        warehouse = self.env["stock.warehouse"].search([], limit=1)
        warehouse.delivery_steps = "pick_pack_ship"
        with self._on(1):
            order = self._sell(1)
        card = self._get_card()
        for day in (2, 3, 4):
            self.assertEqual(self._get_days(card), [0])
            with self._on(day):
                self._deliver(order)
        self.assertFalse(self._get_open_pickings(order))
        self.assertEqual(self._get_days(card), [11])

    def test_backorder_of_the_first_step(self):
        """What is still to be picked waits too, though nothing is to be shipped."""
        warehouse = self.env["stock.warehouse"].search([], limit=1)
        warehouse.delivery_steps = "pick_ship"
        with self._on(1):
            order = self._sell(2)
            pick = self._deliver(order, 1)
            self._validate(self._get_open_pickings(order) - pick.backorder_ids)
        card = self._get_card()
        self.assertEqual(order.order_line.qty_delivered, 1)
        self.assertEqual(self._get_days(card), [0])
        with self._on(4):
            self._deliver(order)
            self._deliver(order)
        self.assertEqual(self._get_days(card), [11])

    def _ship_from_supplier(self, line):
        """Deliver a line as a confirmed purchase does that a supplier ships."""
        places = {
            f"location_{name}": self.env.ref(f"stock.stock_location_{usage}").id
            for name, usage in (("id", "suppliers"), ("dest_id", "customers"))
        }
        move = {"product_id": line.product_id.id, "sale_line_id": line.id, **places}
        picking = self.env["stock.picking"].create(
            {
                "picking_type_id": self.env.ref("stock.picking_type_out").id,
                "move_ids": [Command.create({**move, "product_uom_qty": 1})],
                **places,
            }
        )
        picking.action_confirm()
        self._deliver(line.order_id)

    def test_dropship(self):
        """What a supplier ships has no move before it is purchased."""
        with self._on(1):
            order = self._sell_all(self.dress)
            order.with_context(skip_procurement=True).order_line = [
                Command.create({"product_id": self.dress.id})
            ]
            self._deliver(order)
        card = self._get_card()
        self.assertFalse(order.order_line[1].move_ids)
        self.assertEqual(self._get_days(card)[0], 0)
        with self._on(5):
            self._ship_from_supplier(order.order_line[1])
        self.assertEqual(set(self._get_days(card)), {12})

    # === What it costs. === #

    def test_queries_do_not_grow_with_lines(self):
        products = [
            self._create_product(f"Sock {number}", 5, type="consu")
            for number in range(12)
        ]
        counts = []
        for some in (products[:2], products[:2], products):
            order = self._sell_all(*some)
            self._deliver(order)
            move = order.picking_ids.move_ids
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            move.with_user(self.picker)._get_orders()._follow_goods()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_nothing_for_orders_without_points(self):
        self.program.active = False
        order = self._sell(1)
        self.assertFalse(order.sudo().points_wait_delivery)
        moves = order.picking_ids.move_ids.with_user(self.picker)
        self.assertFalse(moves._get_orders().points_card_id)
        self._deliver(order)
        self.assertFalse(self._get_card())

    def test_set_available(self):
        """The door moves the day of pending points only, and of that document."""
        card = self._create_card()
        orders = self._sell(1) | self._sell(2)
        days = {orders[0]: date(2031, 1, 5)}
        self.env["loyalty.card"]._set_available(days)
        self.assertEqual(self._get_days(card), [0, 5])
        self.env["loyalty.card"]._set_available({orders[0]: date(2020, 1, 6)})
        self.assertBalance(card, 100, 200)
        self.env["loyalty.card"]._set_available(days)
        self.assertEqual(self._get_days(card), [0, 6])
