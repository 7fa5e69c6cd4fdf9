from base64 import b64encode

from psycopg2.errors import ProgramLimitExceeded

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, mute_logger, tagged

from ..models import hstyle_import, hstyle_import_column, hstyle_import_sheet
from ..tools import sheets
from .common import HEADER, HstyleCommon

ROW_1 = ("T1", "1", "2026-03-01 10:00:00", "mei", "Mei", "Dress", "100.00")
ROW_2 = ("T1", "2", "2026-03-01 10:00:00", "mei", "Mei", "Belt", "20.50")
ROW_3 = ("T2", "1", "2026-03-02 11:00:00", "lan", "Lan", "Skirt", "80")
LOGGER = "odoo.addons.hstyle_crm.models.hstyle_import"
FACTS = ("hstyle.order", "hstyle.order.line", "hstyle.buyer", "res.partner")


@tagged("post_install", "-at_install")
class TestHstyleImport(HstyleCommon):
    def assertNothingLeft(self, before, *, rows=0):
        self.assertEqual(self._count(*FACTS), before)
        self.assertEqual(self._count("hstyle.import.row"), [rows])

    def test_orders(self):
        done = self._import([ROW_1, ROW_2, ROW_3])
        self.assertRecordValues(
            done,
            [
                {
                    "state": "done",
                    "row_count": 3,
                    "created_count": 3,
                    "updated_count": 0,
                    "rejected_count": 0,
                    "customer_count": 2,
                    "file": False,
                }
            ],
        )
        order = self.env["hstyle.order"].search([("name", "=", "T1")])
        self.assertEqual(order.partner_id.name, "Mei")
        self.assertEqual(str(order.date_order), "2026-03-01 10:00:00")
        self.assertEqual((order.amount_paid, len(order.line_ids)), (120.5, 2))
        self.assertEqual(order.company_id, self.company)
        self.assertEqual(self._count("hstyle.import.row"), [0])

    def test_repeated_file_changes_nothing(self):
        self._import([ROW_1, ROW_2, ROW_3])
        before = self._count(*FACTS)
        orders = self.env["hstyle.order"].search([])
        stamps = orders.mapped("write_date")
        self.env["hstyle.profile"]._refresh()
        done = self._import([ROW_1, ROW_2, ROW_3])
        self.assertEqual(self._count(*FACTS), before)
        self.assertEqual((done.created_count, done.updated_count), (0, 0))
        self.assertEqual((done.unchanged_count, done.customer_count), (3, 0))
        self.assertEqual(orders.mapped("write_date"), stamps)
        self.assertEqual(self._count("hstyle.profile.dirty"), [0])

    def test_changed_row_updates(self):
        self._import([ROW_1, ROW_2])
        done = self._import([(*ROW_2[:-1], "19.00")])
        self.assertEqual((done.created_count, done.updated_count), (0, 1))
        order = self.env["hstyle.order"].search([("name", "=", "T1")])
        self.assertEqual(order.amount_paid, 119.0)
        self.assertEqual(len(order.line_ids), 2, "a part of the order keeps the rest")

    def test_columns_that_a_sheet_lacks_stay(self):
        header = (*HEADER, "refund", "status")
        self._import([(*ROW_3, "30", "交易成功")], header)
        self._import([ROW_3])
        order = self.env["hstyle.order"].search([("name", "=", "T2")])
        self.assertEqual((order.amount_paid, order.amount_refund), (80, 30))
        self._import([(*ROW_3, "", "交易关闭")], header)
        self.assertEqual((order.state, order.amount_refund), ("cancel", 80))
        self._import([ROW_3])
        self.assertEqual(order.state, "cancel")

    def test_wrong_row_takes_its_order_along(self):
        bad = (*ROW_2[:-1], "twenty")
        done = self._import([ROW_1, bad, ROW_3])
        self.assertEqual((done.created_count, done.rejected_count), (1, 2))
        self.assertEqual(done.rejected_ids.mapped("line"), [2, 3])
        self.assertIn("Another row", done.rejected_ids[0].error)
        self.assertIn("Amount paid: is not a number", done.rejected_ids[1].error)
        self.assertFalse(self.env["hstyle.order"].search([("name", "=", "T1")]))
        self.assertFalse(self._get_buyer("mei"), "no customer of a rejected order")

    def test_reasons(self):
        done = self._import(
            [
                ("A", "1", "2026-02-30", "x", "", "", "1"),
                ("", "1", "2026-02-03", "x", "", "", "1"),
                ("C", "1", "2026-02-03", "", "", "", "1"),
                ("D", "1", "", "x", "", "", "-4"),
                ("2.93848e+18", "1", "2026-02-03", "x", "", "", "1"),
            ]
        )
        self.assertEqual(done.rejected_count, 5)
        reasons = done.rejected_ids.mapped("error")
        self.assertIn("Order date: is not a date", reasons[0])
        self.assertIn("Order number: is missing", reasons[1])
        self.assertIn("Buyer account: is missing", reasons[2])
        self.assertIn("Amount paid: is negative", reasons[3])
        self.assertIn("Order date: is missing", reasons[3])
        self.assertIn("Order number: has lost digits", reasons[4])

    def test_repeated_rows(self):
        done = self._import([ROW_3, ROW_3])
        self.assertEqual((done.created_count, done.rejected_count), (1, 1))
        self.assertIn("earlier row", done.rejected_ids.error)
        done = self._import([ROW_1, ROW_2, (*ROW_2[:-1], "99")])
        self.assertEqual((done.created_count, done.rejected_count), (0, 3))
        self.assertIn("two rows that differ", done.rejected_ids[1].error)

    def test_two_buyers_in_one_order(self):
        done = self._import([ROW_1, (*ROW_2[:3], "lan", *ROW_2[4:])])
        self.assertEqual(done.rejected_count, 2)
        self.assertIn("several buyers", done.rejected_ids[0].error)

    def test_limits(self):
        done = self._import(
            [
                ("A" * 201, "1", "2026-03-01", "x", "", "", "1"),
                ("B", "1", "0001-01-01 00:00:00", "x", "", "", "1"),
                ("C", "1", "9999-12-31 23:59:59", "x", "", "", "1"),
                ("D", "1", "2026-03-01", "x", "", "a/b/c/d/e/f/g/h/i", "1"),
            ],
            (*HEADER[:5], "category", "paid"),
        )
        self.assertEqual(done.rejected_count, 4)
        reasons = done.rejected_ids.mapped("error")
        self.assertIn("longer than 200", reasons[0])
        self.assertIn("before 1990", reasons[1] and reasons[2])
        self.assertIn("more than 8 levels", reasons[3])

    def test_part_of_an_order(self):
        """A sheet with one line changes that line, not who ordered or when."""
        header = (*HEADER, "status")
        self._import([(*ROW_1, "paid"), (*ROW_2, "paid")], header)
        order = self.env["hstyle.order"].search([("name", "=", "T1")])
        line = ("T1", "2", "2026-04-01", "lan", "", "Belt", "20.50", "交易关闭")
        self._import([line], header)
        self.assertEqual((order.state, order.amount_refund), ("paid", 20.5))
        self.assertEqual(str(order.date_order), "2026-03-01 10:00:00")
        self.assertEqual(order.partner_id, self._get_buyer("mei"))
        self._import([(*ROW_1, "交易关闭")], header)
        self.assertEqual(order.state, "cancel")
        self._import([(*ROW_1, "paid"), (*ROW_2, "paid")], header)
        self.assertEqual((order.state, order.amount_refund), ("paid", 0))

    def test_a_status_does_not_erase_a_refund(self):
        self._import([(*ROW_3, "30")], (*HEADER, "refund"))
        self._import([(*ROW_3, "paid")], (*HEADER, "status"))
        order = self.env["hstyle.order"].search([("name", "=", "T2")])
        self.assertEqual(order.amount_refund, 30)

    def test_lines_without_a_number_go_with_their_row(self):
        header = ("order number", "date", "buyer", "paid")
        self._import([("T1", "2026-03-01", "mei", p) for p in (50, 60)], header)
        self._import([("T1", "2026-03-01", "mei", 60)], header)
        order = self.env["hstyle.order"].search([("name", "=", "T1")])
        self.assertEqual((order.amount_paid, len(order.line_ids)), (60, 1))

    def test_some_lines_without_a_number(self):
        rows = [ROW_2, (*ROW_1[:1], "", *ROW_1[2:])]
        self.assertEqual(self._import(rows).created_count, 2)

    def test_two_columns_of_one_header(self):
        row = ("T1", "1", "2026-03-01", "mei", "Mei", "100", "200")
        header = (*HEADER[:5], "paid", "paid")
        record = self._new_import(self._write_csv([row], header))
        self.assertEqual(record.column_ids.mapped("target")[5:], ["paid", False])
        record.column_ids[5].target = False
        record.column_ids[6].target = "paid"
        record.action_import()
        order = self.env["hstyle.order"].search([("name", "=", "T1")])
        self.assertEqual(order.amount_paid, 200)

    def test_a_column_left_out_is_remembered(self):
        content = self._write_csv([ROW_1])
        record = self._new_import(content)
        record.column_ids.filtered(lambda c: c.header == "buyer name").target = False
        record.action_import()
        again = self._new_import(content)
        columns = {c.header: c.target for c in again.column_ids}
        self.assertFalse(columns["buyer name"])
        self.assertEqual(columns["paid"], "paid")

    def test_rejected_rows_can_be_corrected(self):
        done = self._import([ROW_1, (*ROW_2[:-1], "20,5"), ROW_3])
        action = done.with_user(self.clerk).action_download_rejected()
        rows = self._open_download(action)
        self.assertEqual(len(rows), 3)
        self.assertEqual(rows[0][-1], "Reason")
        rows[2][rows[0].index("paid")] = "20.50"
        again = self._import(rows[1:], rows[0])
        self.assertEqual((again.created_count, again.rejected_count), (2, 0))
        order = self.env["hstyle.order"].search([("name", "=", "T1")])
        self.assertEqual(str(order.date_order), "2026-03-01 10:00:00", "UTC is kept")

    def test_lines_without_a_number(self):
        header = ("order number", "date", "buyer", "paid")
        rows = [("T1", "2026-03-01", "mei", "5"), ("T1", "2026-03-01", "mei", "5")]
        self.assertEqual(self._import(rows, header).created_count, 2)
        self.assertEqual(self._import(rows, header).unchanged_count, 2)

    def test_taobao_sheet(self):
        header = ("主订单编号", "子订单编号", "买家会员名", "收货人姓名", "联系手机")
        header += ("订单付款时间", "标题", "购买数量", "买家实际支付金额", "订单状态")
        row = (
            "88",
            "881",
            "小美",
            "张美",
            "13812345678",
            "2026/3/1 8:00",
            "连衣裙",
            "2",
            "199.00",
        )
        content = self._write_csv([(*row, "交易成功")], header, "gb18030")
        shop = self._create_shop("淘宝店", platform="taobao", tz="Asia/Shanghai")
        done = self._new_import(content, shop=shop)
        done.action_import()
        order = self.env["hstyle.order"].search([("shop_id", "=", shop.id)])
        self.assertEqual(order.partner_id.name, "张美")
        self.assertEqual(order.partner_id.phone_sanitized, "+8613812345678")
        self.assertEqual(str(order.date_order), "2026-03-01 00:00:00")
        self.assertEqual(
            (order.line_ids.quantity, order.line_ids.product_text), (2, "连衣裙")
        )

    def test_categories_and_products(self):
        product = self.env["product.product"].create(
            {"name": "D", "default_code": "D-1"}
        )
        header = (
            "order number",
            "date",
            "buyer",
            "paid",
            "sku",
            "category",
            "brand kind",
        )
        row = ("T1", "2026-03-01", "mei", "5", "D-1", "Women > Dresses", "自有品牌")
        self._import([row, ("T2", *row[1:4], "D-2", "Women / Skirts", "")], header)
        lines = self.env["hstyle.order.line"].search([], order="id")
        self.assertEqual(
            lines.mapped("category_id.complete_name"),
            ["Women / Dresses", "Women / Skirts"],
        )
        self.assertEqual(len(lines.category_id.parent_id), 1)
        self.assertEqual(lines.mapped("product_id"), product)
        self.assertEqual(lines[0].brand_kind, "own")

    # === BUYERS === #

    def _buy(self, order, **buyer):
        header = ("order number", "date", "paid", *buyer)
        values = (order, "2026-03-01", "5", *buyer.values())
        self._import([values], header, shop=self.buyer_shop)
        return (
            self.env["hstyle.order"]
            .search([("name", "=", order), ("shop_id", "=", self.buyer_shop.id)])
            .partner_id
        )

    def test_buyers(self):
        self.buyer_shop = self.shop
        mei = self._create_partner(phone="+86 138 1234 5678", email="mei@example.cn")
        self.assertEqual(self._buy("1", buyer="mei_tb", phone="13812345678"), mei)
        self.assertEqual(self._buy("2", buyer="mei_tb"), mei, "by account")
        self.assertEqual(self._buy("3", phone="13812345678"), mei, "by phone")
        self.assertEqual(self._buy("4", email="MEI@example.cn"), mei, "by e-mail")
        other = self._buy("5", buyer="other_tb", phone="13812345678")
        self.assertNotEqual(other, mei, "another account is another person")
        self.assertEqual(self._buy("6", buyer="other_tb"), other)

    def test_ambiguous_phone_stays_with_one_new_customer(self):
        self.buyer_shop = self.shop
        twins = self._create_partner(phone="13812345678") | self._create_partner(
            phone="13812345678"
        )
        new = self._buy("1", phone="13812345678")
        self.assertNotIn(new, twins)
        self.assertEqual(self._buy("2", phone="13812345678"), new)

    def test_account_spaces(self):
        taobao = self._create_shop("T2", platform="taobao")
        store, other = (
            self._create_shop(name, platform="store") for name in ("S1", "S2")
        )
        customers = []
        for shop in (self.shop, taobao, store, other):
            self.buyer_shop = shop
            customers.append(self._buy("1", buyer="7"))
        tmall, taobao, store, other = customers
        self.assertEqual(tmall, taobao, "one account on Tmall and Taobao")
        self.assertEqual(len(set(customers)), 3, "stores number their own buyers")

    def test_customers_of_other_companies_do_not_match(self):
        self.buyer_shop = self.shop
        company = self.env["res.company"].create({"name": "Other"})
        hers = self._create_partner(phone="13812345678", company_id=company.id)
        self.assertNotEqual(self._buy("1", phone="13812345678"), hers)

    def test_a_shop_with_orders_stays_what_it_is(self):
        shop = self.shop.with_user(self.manager)
        shop.platform = "jd"
        shop.platform = "tmall"
        self._import([ROW_1])
        shop.name = "Renamed"
        for values in (
            {"platform": "jd"},
            {"currency_id": self.env.ref("base.EUR").id},
        ):
            with self.assertRaisesRegex(UserError, "Renamed has orders"):
                shop.write(values)

    # === WRONG FILES === #

    def _fail(self, content, filename="orders.csv"):
        before = self._count(*FACTS)
        with self.assertRaises(UserError) as caught, self.env.cr.savepoint():
            self._new_import(content, filename).action_import()
        self.assertNothingLeft(before)
        return str(caught.exception)

    def test_wrong_files(self):
        good = self._write_csv([ROW_1])
        self.assertIn(
            "no column for: Buyer account",
            self._fail(b"date,paid,order\n2026-01-01,1,A\n"),
        )
        self.assertIn("no rows", self._fail(self._write_csv([])))
        self.assertIn("no rows", self._fail(b"\n\n"))
        self.assertIn("neither UTF-8 nor GB18030", self._fail(good + b"\xff\xff\xff\n"))
        self.assertIn("XLSX", self._fail(good, "orders.xlsx"))
        self.assertIn("not a CSV", self._fail(b"\0\0\0"))

    def test_wrong_cells_leave_only_rejected_rows(self):
        before = self._count(*FACTS)
        done = self._import(
            [(*ROW_1[:-1], "x"), ("T2", "1", "soon", "lan", "", "", "1")]
        )
        self.assertEqual((done.state, done.rejected_count), ("done", 2))
        self.assertNothingLeft(before, rows=2)

    def test_unknown_shop(self):
        with self.assertRaisesRegex(UserError, "There is no shop “Nowhere”"):
            list(self.env["hstyle.import"]._import_path("Nowhere", "/tmp/x.csv"))
        done = self._import([(*ROW_1, "Elsewhere")], (*HEADER, "店铺名称"))
        self.assertIn("another shop", done.rejected_ids.error)

    def test_two_columns_of_one_meaning(self):
        record = self._new_import(self._write_csv([ROW_1]))
        record.column_ids.filtered(lambda c: c.header == "line").target = "paid"
        with self.assertRaisesRegex(
            UserError, "Several columns are marked as Amount paid"
        ):
            record.action_import()

    # === SCREENS AND JOBS === #

    def test_form(self):
        content = self._write_csv(
            [ROW_1], ("No.", "line", "date", "buyer", "buyer name", "what", "paid")
        )
        imports = self.env["hstyle.import"].with_context(default_filename="a.csv")
        form = Form(imports.with_user(self.clerk))
        form.shop_id = self.shop.with_user(self.clerk)
        form.file = b64encode(content)
        self.assertEqual(len(form.column_ids), 7)
        with form.column_ids.edit(0) as column:
            self.assertEqual(
                (column.header, column.sample, column.target), ("No.", "T1", False)
            )
            column.target = "order_ref"
        record = form.save()
        record.action_import()
        self.assertEqual(record.created_count, 1)
        self.assertEqual(self.shop.column_map["No."], "order_ref", "remembered")
        again = self._new_import(content)
        self.assertEqual(again.column_ids[0].target, "order_ref")

    def test_large_file_runs_in_the_background(self):
        self.patch(hstyle_import, "LARGE", 0)
        record = self._new_import(self._write_csv([ROW_1, ROW_2, ROW_3]))
        record.action_import()
        self.assertEqual(record.state, "queued")
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_import").method_direct_trigger()
        self.assertEqual((record.state, record.created_count), ("done", 3))

    def test_bad_file_does_not_stop_the_queue(self):
        good = self._new_import(self._write_csv([ROW_1]))
        bad = self._new_import(self._write_csv([ROW_1]))
        (bad | good).sudo().write({"state": "queued"})
        bad.sudo().filename = "orders.xlsx"
        with self.enter_registry_test_mode(), mute_logger("odoo.addons.hstyle_crm"):
            self.env.ref("hstyle_crm.ir_cron_import").method_direct_trigger()
        self.assertEqual((bad.state, good.state), ("failed", "done"))
        self.assertIn("XLSX", bad.message)

    def test_import_starts_once(self):
        record = self._new_import(self._write_csv([ROW_1]))
        record.sudo().state = "running"
        with self.assertRaisesRegex(UserError, "imported already"):
            record.action_import()

    def test_users_say_what_to_import_and_nothing_else(self):
        record = self._new_import(self._write_csv([ROW_1]))
        for values in ({"state": "done"}, {"columns": {}}, {"row_count": 5}):
            with self.assertRaises(AccessError):
                record.write(values)
        imports = self.env["hstyle.import"].with_user(self.clerk)
        values = {"shop_id": self.shop.id, "filename": "a.csv"}
        with self.assertRaises(AccessError):
            imports.create({**values, "state": "done"})
        company = self.env["res.company"].create({"name": "Other"})
        shop = self._create_shop("Theirs", company_id=company.id)
        with self.assertRaises(AccessError):
            record.write({"shop_id": shop.id})
        with self.assertRaises(AccessError):
            imports.create({**values, "shop_id": shop.id})

    def test_a_copy_starts_anew(self):
        done = self._import([ROW_1])
        self.assertRecordValues(done.copy(), [{"state": "draft", "row_count": 0}])

    def test_a_fault_of_the_database_does_not_stop_the_queue(self):
        records = [self._new_import(self._write_csv([row])) for row in (ROW_1, ROW_3)]
        for record in records:
            record.sudo().state = "queued"
        write_lines = self.env.registry["hstyle.import"]._write_lines

        def fail_first(record):
            if record.id == records[0].id:
                raise ProgramLimitExceeded
            return write_lines(record)

        self.patch(self.env.registry["hstyle.import"], "_write_lines", fail_first)
        with self.enter_registry_test_mode(), mute_logger(LOGGER):
            self.env.ref("hstyle_crm.ir_cron_import").method_direct_trigger()
        self.assertEqual([r.state for r in records], ["failed", "done"])

    def test_colleagues_are_not_matched(self):
        self.buyer_shop = self.shop
        self.company.partner_id.phone = "13812345678"
        self.clerk.partner_id.phone = "13912345678"
        mine = self.company.partner_id | self.clerk.partner_id
        self.assertNotIn(self._buy("1", phone="13812345678"), mine)
        self.assertNotIn(self._buy("2", phone="13912345678"), mine)

    def test_every_column_has_its_words(self):
        self.assertEqual(list(dict(hstyle_import_column.TARGETS)), list(sheets.COLUMNS))

    def test_interrupted_import_goes_on(self):
        self.patch(hstyle_import_sheet, "BATCH", 1)
        rows = [(f"T{n}", "1", "2026-03-01", f"b{n}", "", "", "5") for n in range(20)]
        record = self._new_import(self._write_csv(rows)).sudo()
        steps = record._run(record._open_file())
        while record.step < 8:
            next(steps)
        steps.close()
        self.assertEqual(record.state, "running")
        half = self._count("hstyle.order")[0]
        self.assertTrue(0 < half < 20)
        list(record._run(None))
        self.assertEqual(self._count("hstyle.order"), [20])
        self.assertEqual((record.state, record.created_count), ("done", 20))

    def test_foreign_currency(self):
        currency = self._create_currency(4.0)
        shop = self._create_shop("Abroad", currency_id=currency.id)
        self._import([ROW_3], shop=shop)
        order = self.env["hstyle.order"].search([("shop_id", "=", shop.id)])
        self.assertEqual((order.amount_paid, order.currency_rate), (80, 4.0))
        purchase = self.env["hstyle.purchase"].search(
            [("shop_order_id", "=", order.id)]
        )
        self.assertEqual(purchase.revenue, 20)

    def test_roles(self):
        content = self._write_csv([ROW_1])
        for user in (self.agent, self.marketer):
            with self.assertRaises(AccessError):
                self._new_import(content, user=user)
        record = self._new_import(content, user=self.manager)
        record.action_import()
        self.assertEqual(record.created_count, 1)
