"""Read the order sheets of shops: CSV or XLSX, in the words of the platforms.

A sheet becomes a stream of rows of clean text, one value for each of ``COLUMNS``:
dates in UTC as ``YYYY-MM-DD HH:MM:SS+00:00``, numbers with a decimal point, phones as
E.164. What is wrong with a file as a whole raises `SheetError`; what is wrong with
one cell is told with its row, and its text stays as it was.
"""

import codecs
import csv
import io
import re
import unicodedata
import zipfile
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import openpyxl
import phonenumbers
import xlsxwriter

#: A sheet of more columns than this is not an order sheet.
MAX_COLUMNS = 500

#: Different cells of a kind that are remembered.
MEMORY = 200_000

#: Characters of a cell, and levels of a category.
MAX_TEXT = 200
MAX_LEVELS = 8

#: Numbers at or above this are not amounts of a retail order.
MAX_NUMBER = 10**12


class Column(NamedTuple):
    """A column of ours: how its cells are read and what shops call it."""

    kind: str
    headers: tuple
    required: bool = False


#: Our columns; where a sheet has several of the headers, the first one wins.
COLUMNS = {
    "order_ref": Column(
        "ref",
        ("order number", "order", "order_ref", "主订单编号", "订单编号", "订单号"),
        required=True,
    ),
    "line_ref": Column("ref", ("line", "line number", "line_ref", "子订单编号")),
    "date": Column(
        "date",
        ("date", "order date", "订单付款时间", "付款时间", "订单创建时间", "下单时间"),
        required=True,
    ),
    "shop": Column("text", ("shop", "店铺名称", "店铺")),
    "state": Column("state", ("status", "state", "订单状态", "交易状态")),
    "channel": Column("text", ("channel", "渠道", "订单来源")),
    "buyer_ref": Column(
        "ref",
        ("buyer", "customer id", "buyer_ref", "买家会员名", "买家昵称", "买家id"),
    ),
    "buyer_name": Column(
        "text", ("buyer name", "name", "buyer_name", "收货人姓名", "收件人")
    ),
    "phone": Column(
        "phone", ("phone", "mobile", "联系手机", "收货人手机号", "手机", "联系电话")
    ),
    "email": Column("email", ("email", "e-mail", "邮箱", "电子邮箱")),
    "product_code": Column(
        "ref",
        ("product code", "sku", "product_code", "商家编码", "外部系统编号", "货号"),
    ),
    "product_text": Column(
        "text",
        (
            "product",
            "article",
            "product_text",
            "标题",
            "宝贝标题",
            "商品标题",
            "商品名称",
        ),
    ),
    "category": Column("category", ("category", "类目", "商品类目", "分类")),
    "brand_kind": Column("brand", ("brand kind", "brand", "brand_kind", "品牌类型")),
    "brand": Column("text", ("brand name", "manufacturer", "brand_name", "品牌")),
    "quantity": Column("number", ("quantity", "qty", "购买数量", "宝贝总数量", "数量")),
    "paid": Column(
        "number",
        ("paid", "amount paid", "买家实际支付金额", "买家实付金额", "实付金额"),
        required=True,
    ),
    "discount": Column("number", ("discount", "优惠金额", "折扣金额")),
    "refund": Column("number", ("refund", "refunded", "退款金额")),
    "cost": Column("number", ("cost", "成本", "商品成本", "成本金额")),
}

_POSITION = {name: position for position, name in enumerate(COLUMNS)}
_REQUIRED = [name for name, column in COLUMNS.items() if column.required]
_BUYER = ("buyer_ref", "phone", "email")

#: Words in a status that say that the order counts no more, or not yet.
_CANCEL = ("关闭", "取消", "cancel", "closed")
_PENDING = ("等待买家付款", "未付款", "待付款", "unpaid", "pending")
_OWN_BRAND = ("own", "private", "store", "自有")


class SheetError(Exception):
    """The file as a whole cannot be read; ``code`` is the reason."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class CellError(ValueError):
    """A cell cannot be read; the only argument is the code of the reason."""


# === FILES === #


def read_rows(stream, name):
    """Yield (number, cells as text) of a file's rows that are not blank.

    The first is the header.

    :param stream: binary, seekable
    :param name: the file's name; its ending tells XLSX from CSV
    :raise SheetError: not_xlsx, encoding, not_text, empty
    """
    read = _read_xlsx if name.lower().endswith((".xlsx", ".xlsm")) else _read_csv
    rows = ((number, row) for number, row in enumerate(read(stream), 1) if any(row))
    first = next(rows, None)
    if first is None or len(first[1]) > MAX_COLUMNS:
        raise SheetError("empty" if first is None else "not_text")
    return chain([first], rows)


#: What openpyxl raises on damaged files; faulty XML is a SyntaxError.
_XLSX_ERRORS = (
    zipfile.BadZipFile, EOFError, IndexError, KeyError, OSError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip


def _read_xlsx(stream):
    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # Exports often lie about their size.
        for row in sheet.iter_rows(values_only=True):
            yield [_as_text(value) for value in row]
    except _XLSX_ERRORS as error:
        raise SheetError("not_xlsx") from error


def _as_text(value):
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, float) and value.is_integer():
        # A sheet keeps 15 digits of a number: a longer order number is damaged.
        return str(int(value)) if abs(value) < 10**15 else f"{value:.5e}"
    return str(value).strip()


def _read_csv(stream):
    encoding = _detect_encoding(stream)
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    try:
        header = text.readline()
        delimiter = max(",;\t", key=header.count)
        lines = chain([header], text)
        for row in csv.reader(lines, delimiter=delimiter):
            yield [_strip(cell) for cell in row]
    except csv.Error as error:
        raise SheetError("not_text") from error
    finally:
        text.detach()  # The stream stays the caller's.


def _strip(cell):
    """Strip what platforms put around a number to keep spreadsheets from rounding."""
    cell = cell.strip()
    if cell[:2] == '="' and cell[-1] == '"':
        return cell[2:-1].strip()
    return cell[1:] if cell[:1] == "'" else cell


def _detect_encoding(stream):
    """Return the encoding in which the whole file can be read."""
    for encoding in ("utf-8-sig", "gb18030"):
        stream.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            while chunk := stream.read(1 << 20):
                if b"\0" in chunk:
                    raise SheetError("not_text")
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise SheetError("encoding")


def write_xlsx(stream, header, rows):
    """Write a sheet of rows to a binary stream, in constant memory.

    Text stays text, so a spreadsheet does not round a long order number.
    """
    options = {"constant_memory": True, "strings_to_numbers": False}
    options |= {"strings_to_formulas": False, "strings_to_urls": False}
    options |= {"default_date_format": "yyyy-mm-dd", "remove_timezone": True}
    with xlsxwriter.Workbook(stream, options) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(header) - 1, 16)
        sheet.write_row(0, 0, header, book.add_format({"bold": True}))
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, row)


# === COLUMNS === #


def guess_columns(headers, remembered=None):
    """Return header → our column, by what a shop used before or by common names.

    A header that is remembered as None is left out.
    """
    remembered = remembered or {}
    found = {}
    for header in headers:
        name = remembered.get(header)
        if name in COLUMNS and name not in found.values():
            found[header] = name
    folded = {_fold(header): header for header in headers if header not in remembered}
    for name, column in COLUMNS.items():
        known = [folded[h] for h in column.headers if h in folded]
        if known and name not in found.values():
            found[known[0]] = name
    return found


def _fold(header):
    """Return a header in the form in which COLUMNS has it, full-width or not."""
    return unicodedata.normalize("NFKC", header).strip().lower()


def missing_columns(chosen):
    """Return our columns without which a sheet cannot be imported."""
    missing = [name for name in _REQUIRED if name not in chosen]
    if not any(name in chosen for name in _BUYER):
        missing.append("buyer_ref")
    return missing


# === CELLS === #


class Cleaner:
    """Clean the cells of a sheet; equal cells are worked out once.

    :param tz: the shop's timezone (tzinfo), in which the dates are written
    :param country: ISO code, for phone numbers without one
    """

    def __init__(self, tz, country):
        self.tz = tz
        self.country = country
        self.latest = datetime.now(UTC) + timedelta(days=1)
        kinds = {column.kind for column in COLUMNS.values()} - {"text"}
        self._methods = {
            kind: lru_cache(MEMORY)(getattr(self, f"_{kind}")) for kind in kinds
        }

    def get(self, kind):
        """Return the function that cleans a cell that is not empty, or None.

        The function raises CellError.
        """
        return self._methods.get(kind)

    def _ref(self, text):
        if "+" in text and re.fullmatch(r"\d(\.\d+)?e\+\d+", text.lower()):
            raise CellError("digits_lost")
        return text

    def _date(self, text):
        moment = _parse_date(text)
        if not moment.tzinfo:
            moment = moment.replace(tzinfo=self.tz)
        if not 1990 <= moment.year <= self.latest.year + 1:
            raise CellError("date_range")
        moment = moment.astimezone(UTC)
        if moment > self.latest:
            raise CellError("date_range")
        return moment.isoformat(" ", "seconds")

    def _number(self, text):
        plain = re.sub(r"[¥￥$€\s]|元$|,(?=\d{3}\b)", "", text)
        if not re.fullmatch(r"[+-]?\d+(\.\d*)?|[+-]?\.\d+", plain, re.ASCII):
            raise CellError("number")
        if plain[0] == "-" and float(plain):
            raise CellError("negative")
        if float(plain) >= MAX_NUMBER:
            raise CellError("number_range")
        return plain.lstrip("+-")

    def _phone(self, text):
        """Return E.164, or the text of an unknown number; nothing if it is masked."""
        try:
            number = phonenumbers.parse(text, self.country)
        except phonenumbers.NumberParseException:
            return ""
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(
                number, phonenumbers.PhoneNumberFormat.E164
            )
        masked = "*" in text or len(re.findall(r"\d", text)) < 7
        return "" if masked else text

    def _email(self, text):
        text = text.lower()
        return text if re.fullmatch(r"[^@\s*]+@[^@\s*]+\.[^@\s*]+", text) else ""

    def _category(self, text):
        """Return “Women / Dresses”, also for “Women>Dresses”."""
        levels = [level.strip() for level in text.replace(">", "/").split("/")]
        levels = [level for level in levels if level]
        if len(levels) > MAX_LEVELS:
            raise CellError("levels")
        return " / ".join(levels)

    def _state(self, text):
        text = text.lower()
        if any(word in text for word in _PENDING):
            return "pending"
        return "cancel" if any(word in text for word in _CANCEL) else "paid"

    def _brand(self, text):
        text = text.lower()
        return "own" if any(word in text for word in _OWN_BRAND) else "other"


def _parse_date(text):
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        parts = re.fullmatch(
            r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
            r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?",
            text,
            re.ASCII,
        )
    try:
        return datetime(*(int(part) for part in parts.groups() if part))
    except (AttributeError, ValueError) as error:
        raise CellError("date") from error


def parse_day(text):
    """Return the day that a cell names.

    :raise CellError: date
    """
    return _parse_date(text).date()


def clean_rows(rows, columns, cleaner):
    """Yield a row of clean cells for each row of a sheet.

    :param rows: (number, cells) as of `read_rows`, without the header
    :param columns: our column → its index in a row
    :return: generator of (number, cells, faults): the row's number in the sheet, our
             cells in the order of COLUMNS, and [(column, code)]
    """
    plan = [
        (position, name, columns[name], cleaner.get(column.kind))
        for position, (name, column) in enumerate(COLUMNS.items())
        if name in columns
    ]
    width = max(columns.values()) + 1
    for number, row in rows:
        cells, faults = [""] * len(COLUMNS), []
        row += [""] * (width - len(row))
        for position, name, index, clean in plan:
            cell = row[index]
            if len(cell) > MAX_TEXT:
                faults.append((name, "too_long"))
                cell = cell[:MAX_TEXT]
            elif clean and cell:
                try:
                    cell = clean(cell)
                except CellError as error:
                    faults.append((name, error.args[0]))
            cells[position] = cell
        yield number, cells, faults + _find_missing(cells)


def _find_missing(cells):
    """Return the faults of cells that must not be empty."""
    missing = [name for name in _REQUIRED if not cells[_POSITION[name]]]
    if not any(cells[_POSITION[name]] for name in _BUYER):
        missing.append("buyer_ref")
    return [(name, "missing") for name in missing]
