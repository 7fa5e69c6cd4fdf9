import io
from zoneinfo import ZoneInfo

import openpyxl

from odoo.tests import BaseCase, tagged

from ..tools import sheets


@tagged("post_install", "-at_install")
class TestSheets(BaseCase):
    def _read(self, content, name="a.csv"):
        return [row for _number, row in sheets.read_rows(io.BytesIO(content), name)]

    def _clean(self, kind, text, tz="Asia/Shanghai"):
        return sheets.Cleaner(ZoneInfo(tz), "CN").get(kind)(text)

    def assertCellError(self, code, kind, text):
        with self.assertRaises(sheets.CellError) as caught:
            self._clean(kind, text)
        self.assertEqual(caught.exception.args, (code,))

    def assertSheetError(self, code, content, name="a.csv"):
        with self.assertRaises(sheets.SheetError) as caught:
            self._read(content, name)
        self.assertEqual(caught.exception.code, code)

    def test_encodings(self):
        for encoding in ("utf-8", "utf-8-sig", "gb18030"):
            with self.subTest(encoding):
                content = "订单编号,标题\n1,连衣裙\n".encode(encoding)
                self.assertEqual(self._read(content)[1], ["1", "连衣裙"])

    def test_encoding_is_judged_by_the_whole_file(self):
        content = b"a,b\n" + b"1,2\n" * 400_000 + "3,连衣裙\n".encode("gb18030")
        self.assertEqual(self._read(content)[-1], ["3", "连衣裙"])

    def test_delimiters_and_protected_numbers(self):
        self.assertEqual(self._read(b'a;b\n"1";2\n')[1], ["1", "2"])
        self.assertEqual(self._read(b"a\tb\n1\t2\n")[1], ["1", "2"])
        content = b'a,b\n"=""2938475610293847561""",\'123\n'
        self.assertEqual(self._read(content)[1], ["2938475610293847561", "123"])

    def test_rows_keep_their_number(self):
        rows = sheets.read_rows(io.BytesIO(b"a,b\n\n,\n1,2\n"), "a.csv")
        self.assertEqual([number for number, _row in rows], [1, 4])

    def test_xlsx(self):
        book = openpyxl.Workbook()
        book.active.append(["order", "date", "paid", "note"])
        book.active.append([123456789012345, "2026-01-02", 9.5, None])
        book.active.append([2938475610293847561.0, "x", 7.0, "y"])
        stream = io.BytesIO()
        book.save(stream)
        rows = self._read(stream.getvalue(), "a.XLSX")
        self.assertEqual(rows[1], ["123456789012345", "2026-01-02", "9.5"])
        self.assertEqual(rows[2], ["2.93848e+18", "x", "7", "y"])
        self.assertCellError("digits_lost", "ref", rows[2][0])

    def test_files_that_are_none(self):
        self.assertSheetError("encoding", b"a,b\n1,\xff\xff\xff\n")
        self.assertSheetError("not_text", b"a,b\0\n1,2\n")
        self.assertSheetError("empty", b"")
        self.assertSheetError("empty", b"\n\n")
        self.assertSheetError("not_xlsx", b"order,paid\n1,2\n", "a.xlsx")

    def test_dates(self):
        expected = "2026-03-02 10:05:00+00:00"
        for text in (
            "2026-03-02 18:05:00",
            "2026-03-02T18:05",
            "2026/3/2 18:05",
            "2026.03.02 18:05:00",
            "2026年3月2日 18:05",
            "2026-03-02 10:05:00+00:00",
        ):
            self.assertEqual(self._clean("date", text), expected, text)
        self.assertEqual(self._clean("date", "2026-03-02"), "2026-03-01 16:00:00+00:00")

    def test_summer_time(self):
        winter = self._clean("date", "2026-01-10 12:00:00", tz="America/New_York")
        summer = self._clean("date", "2026-07-10 12:00:00", tz="America/New_York")
        self.assertEqual(winter[11:16], "17:00")
        self.assertEqual(summer[11:16], "16:00")

    def test_wrong_dates(self):
        for text in ("2026-02-30", "02/03/2026", "yesterday", "45998", "2026-13-01"):
            self.assertCellError("date", "date", text)
        self.assertCellError("date_range", "date", "2999-01-01")
        self.assertCellError("date_range", "date", "1900-01-01")

    def test_numbers(self):
        for text, expected in (
            ("¥1,234.50", "1234.50"),
            ("１２".translate({0xFF11: "1", 0xFF12: "2"}), "12"),
            ("199元", "199"),
            ("+.5", ".5"),
            ("0", "0"),
            ("-0.00", "0.00"),
        ):
            self.assertEqual(self._clean("number", text), expected)
        for text in ("free", "1.2.3", "nan", "1e5", "1,23"):
            self.assertCellError("number", "number", text)
        self.assertCellError("negative", "number", "-3")
        self.assertCellError("number_range", "number", "9" * 13)

    def test_contacts(self):
        self.assertEqual(self._clean("phone", "138 1234 5678"), "+8613812345678")
        self.assertEqual(self._clean("phone", "+1 513 762 4000"), "+15137624000")
        self.assertEqual(self._clean("phone", "138****5678"), "")
        self.assertEqual(self._clean("phone", "无"), "")
        self.assertEqual(self._clean("phone", "010-12 34567 89"), "010-12 34567 89")
        self.assertEqual(self._clean("email", "Mei@Example.CN"), "mei@example.cn")
        self.assertEqual(self._clean("email", "m***@example.cn"), "")

    def test_words(self):
        self.assertEqual(self._clean("state", "交易关闭"), "cancel")
        self.assertEqual(self._clean("state", "等待买家付款"), "pending")
        self.assertEqual(self._clean("state", "Unpaid"), "pending")
        self.assertEqual(self._clean("state", "交易成功"), "paid")
        self.assertEqual(self._clean("brand", "Private"), "own")
        self.assertEqual(self._clean("brand", "National"), "other")

    def test_columns_of_taobao(self):
        headers = [
            "子订单编号",
            "主订单编号",
            "买家会员名",
            "订单创建时间",
            "订单付款时间",
        ]
        headers += [
            "标题",
            "购买数量",
            "买家实际支付金额",
            "订单状态",
            "退款金额",
            "备注",
        ]
        found = sheets.guess_columns(headers)
        self.assertEqual(found["主订单编号"], "order_ref")
        self.assertEqual(found["子订单编号"], "line_ref")
        self.assertEqual(found["订单付款时间"], "date", "paid counts, not created")
        self.assertNotIn("订单创建时间", found)
        self.assertNotIn("备注", found)
        self.assertEqual(sheets.missing_columns(found.values()), [])

    def test_columns_remembered(self):
        found = sheets.guess_columns(["No.", "date"], {"No.": "order_ref"})
        self.assertEqual(found, {"No.": "order_ref", "date": "date"})
        self.assertEqual(sheets.missing_columns(found.values()), ["paid", "buyer_ref"])

    def test_own_sheets_can_be_read_again(self):
        stream = io.BytesIO()
        sheets.write_xlsx(stream, ["order", "paid"], [["2938475610293847561", 2.5]])
        rows = self._read(stream.getvalue(), "a.xlsx")
        self.assertEqual(rows, [["order", "paid"], ["2938475610293847561", "2.5"]])

    def test_a_formula_stays_text(self):
        stream = io.BytesIO()
        sheets.write_xlsx(stream, ["name"], [["=1+1"]])
        sheet = openpyxl.load_workbook(stream).active
        self.assertEqual((sheet["A2"].value, sheet["A2"].data_type), ("=1+1", "s"))
