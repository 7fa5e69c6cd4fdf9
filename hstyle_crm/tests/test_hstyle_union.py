from datetime import date

from odoo import Command
from odoo.tests import tagged

from .common import HstyleTiersCommon


@tagged("post_install", "-at_install")
class TestUnion(HstyleTiersCommon):
    def setUp(self):
        super().setUp()
        self.card = self._create_card(10)
        kinds = [{"name": name, "kind": "other"} for name in ("Hotline", "Fitting")]
        self.silver.benefit_ids = [Command.create(values) for values in kinds]
        order = self._sell(2)
        self._refund(self._invoice(order), 1)
        values = {"shop_id": self.shop.id, "name": "T1", "partner_id": self.partner.id}
        line = {
            "quantity": 1,
            "state": "paid",
            "product_id": self.dress.id,
            "amount_paid": 90,
            "line_ref": "1",
        }
        self.env["hstyle.order"].create(
            {
                **values,
                "date_order": "2025-01-01",
                "state": "paid",
                "amount_paid": 90,
                "line_ids": [Command.create(line)],
            }
        )
        self.env.flush_all()
        self.lists = [
            self.env[model].search([("partner_id", "=", self.partner.id)])
            for model in (
                "hstyle.purchase",
                "hstyle.purchase.line",
                "hstyle.entitlement",
                "hstyle.timeline",
            )
        ]

    def test_found_by_id(self):
        """A row is found by its id, by that of no other row, and read as it is."""
        for rows in self.lists:
            self.assertGreater(len(rows), 1, rows._name)
            for row in rows:
                self.assertEqual(rows.search([("id", "=", row.id)]), row)
                others = [("id", "in", rows.ids), ("id", "not in", row.ids)]
                self.assertEqual(set(rows.search(others)), set(rows - row))
            domain = [("id", "in", [*rows.ids, 2**40])]
            self.assertEqual(set(rows.search(domain)), set(rows))
            for nothing in (False, None, []):
                self.assertFalse(rows.search([("id", "in", nothing)]))
            self.assertEqual(rows.search([("id", "in", rows[0].id)]), rows[0])
            query = rows._search([("partner_id", "=", self.partner.id)])
            self.assertEqual(set(rows.search([("id", "in", query)])), set(rows))
            self.env.invalidate_all()
            self.assertEqual(rows.partner_id, self.partner)

    def test_one_source_is_read(self):
        """Who asks for an order by its id does not wait for those of the shops."""
        purchases = self.lists[0]
        for row, other in (("sale", "hstyle_order"), ("shop", "sale_order")):
            found = purchases.filtered(lambda purchase, kind=row: purchase.kind == kind)
            self.assertTrue(found)
            query = found._search([("id", "in", found.ids)])
            self.env.cr.execute("EXPLAIN " + query.select().code, query.select().params)
            plan = "\n".join(line for (line,) in self.env.cr.fetchall())
            self.assertNotIn(f" on {other} ", plan)

    def test_expiries(self):
        """A card's lots by day, whichever row a day's first lot is."""
        days = [date(2100, 1, 1), date(2100, 1, 1), False, date(2100, 2, 1)]
        for points, day in enumerate(days, 1):
            move = self.card._prepare_move("bonus", points, "Gift")
            self.card._post([{**move, "expiration_date": day}])
        other = self._create_card(5, self._create_partner("Lin"))
        self.env.flush_all()
        self.env.invalidate_all()
        expiries = self.card.expiry_ids
        found = {row.expiration_date: row.points for row in expiries}
        self.assertEqual(found[date(2100, 1, 1)], 3)
        self.assertEqual(found[date(2100, 2, 1)], 4)
        lots = sum(self.card.history_ids.mapped("remaining"))
        self.assertEqual(sum(expiries.mapped("points")), lots)
        self.assertEqual(sum(other.expiry_ids.mapped("points")), 5)
