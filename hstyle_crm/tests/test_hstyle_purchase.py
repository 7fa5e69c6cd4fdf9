from odoo import Command
from odoo.tests import tagged

from .common import HstyleCommon


@tagged("post_install", "-at_install")
class TestHstylePurchase(HstyleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product = cls.env["product.product"].create(
            {
                "name": "Dress",
                "list_price": 50,
                "taxes_id": [],
                "invoice_policy": "order",
            }
        )
        cls.partner = cls._create_partner()

    def _sell(self, partner=None, quantity=2, **values):
        line = {"product_id": self.product.id, "product_uom_qty": quantity}
        values["partner_id"] = (partner or self.partner).id
        order = self.env["sale.order"].create(
            {"order_line": [Command.create(line)], **values}
        )
        order.action_confirm()
        return order

    def _invoice(self, order):
        invoice = order._create_invoices()
        invoice.action_post()
        return invoice

    def _refund(self, invoice, quantity, **values):
        reversal = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        action = reversal.create({"journal_id": invoice.journal_id.id}).refund_moves()
        refund = self.env["account.move"].browse(action["res_id"])
        refund.invoice_line_ids.quantity = quantity
        refund.write(values)
        refund.action_post()
        return refund

    def _get_revenue(self, partner=None):
        self.env["hstyle.profile"]._refresh()
        return self._get_profile(partner or self.partner).revenue

    def test_only_confirmed_orders_count(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.partner.id,
                "order_line": [Command.create({"product_id": self.product.id})],
            }
        )
        self.assertEqual(self._get_revenue(), 0)
        order.action_confirm()
        self.assertEqual(self._get_revenue(), 50)
        order._action_cancel()
        self.assertEqual(self._get_revenue(), 0)
        self.assertFalse(self._get_profile(self.partner), "no purchase, no profile")

    def test_changed_order(self):
        order = self._sell()
        self.assertEqual(self._get_revenue(), 100)
        order.order_line.product_uom_qty = 3
        self.assertEqual(self._get_revenue(), 150)

    def test_credit_notes(self):
        order = self._sell(quantity=4)
        invoice = self._invoice(order)
        self.assertEqual(self._get_revenue(), 200)
        first = self._refund(invoice, 1)
        self.assertEqual(self._get_revenue(), 150)
        self._refund(invoice, 2)
        self.assertEqual(self._get_revenue(), 50)
        profile = self._get_profile(self.partner)
        self.assertEqual((profile.order_count, profile.refund), (1, 150))
        first.button_draft()
        self.assertEqual(self._get_revenue(), 100, "a note taken back counts no more")

    def test_contacts_count_for_their_company(self):
        company = self._create_partner("Shop Ltd", is_company=True)
        contact = self._create_partner("Buyer", parent_id=company.id)
        self._sell(contact)
        self._sell(company)
        self.assertEqual(self._get_revenue(company), 200)
        self.assertFalse(self._get_profile(contact))
        contact.parent_id = False
        self.assertEqual(self._get_revenue(company), 100)
        self.assertEqual(self._get_revenue(contact), 100)
        contact.parent_id = company
        self.assertEqual(self._get_revenue(company), 200)
        self.assertFalse(self._get_profile(contact))

    def test_both_sources_in_one_profile(self):
        self._sell()
        self.partner.phone = "13812345678"
        header = ("order number", "date", "phone", "paid", "refund")
        self._import([("T1", "2026-03-01", "13812345678", "80", "30")], header)
        self.assertEqual(self._get_revenue(), 150)
        profile = self._get_profile(self.partner)
        self.assertEqual((profile.order_count, profile.refund), (2, 30))

    def test_company_currency(self):
        currency = self._create_currency(4.0)
        pricelist = self.env["product.pricelist"].create(
            {"name": "X", "currency_id": currency.id}
        )
        order = self._sell(pricelist_id=pricelist.id)
        self.assertEqual(order.amount_total, 400)
        self.assertEqual(self._get_revenue(), 100)

    def test_refund_at_the_rate_of_its_order(self):
        currency = self._create_currency(4.0)
        values = {"name": "X", "currency_id": currency.id}
        pricelist = self.env["product.pricelist"].create(values)
        invoice = self._invoice(self._sell(pricelist_id=pricelist.id))
        refund = self._refund(invoice, 2, invoice_currency_rate=5.0)
        self.assertEqual(refund.invoice_currency_rate, 5.0)
        self.assertEqual(self._get_revenue(), 0)

    def test_credit_note_tied_later(self):
        order = self._sell(quantity=4)
        refund = self._refund(self._invoice(order), 1)
        self.assertEqual(self._get_revenue(), 150)
        refund.invoice_line_ids.sale_line_ids = False
        self.assertEqual(self._get_revenue(), 200)
        refund.invoice_line_ids.sale_line_ids = order.order_line
        self.assertEqual(self._get_revenue(), 150)

    def test_open(self):
        order = self._sell()
        self.env.flush_all()
        purchase = self.env["hstyle.purchase"].search(
            [("sale_order_id", "=", order.id)]
        )
        action = purchase.action_open()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("sale.order", order.id)
        )

    def test_merged_customers(self):
        other = self._create_partner("Mei again", email="a@example.cn")
        self._sell()
        self._sell(other)
        self.env["hstyle.profile"]._refresh()
        merge = self.env["base.partner.merge.automatic.wizard"].create({})
        merge._merge((self.partner | other).ids, self.partner)
        self.assertEqual(self._get_revenue(), 200)
        self.assertEqual(self._get_profile(self.partner).order_count, 2)
        self.assertFalse(
            self.env["hstyle.profile"].search([("partner_id", "=", other.id)])
        )

    def test_purchases_button(self):
        self._sell()
        self.env["hstyle.profile"]._refresh()
        action = self.partner.with_user(self.agent).action_hstyle_purchases()
        purchases = self.env[action["res_model"]].with_user(self.agent)
        self.assertEqual(purchases.search(action["domain"]).revenue, 100)
