import base64
import csv
import io
import tempfile
from functools import cache
from zoneinfo import ZoneInfo

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL, split_every

from ..tools import sheets

#: Rows of a step: whole orders, written and committed together.
BATCH = 150_000

#: The account of a row ``r``'s buyer; the contact where the sheet names none.
ACCOUNT = SQL("COALESCE(r.buyer_ref, r.phone, r.email)")


class HstyleImportSheet(models.AbstractModel):
    """How a file becomes rows, and what is wrong with them.

    The first half of `hstyle.import`: nothing but `hstyle.import.row` is written.
    """

    _name = "hstyle.import.sheet"
    _description = "Reading of an order sheet"

    def _open_file(self):
        content = self.with_context(bin_size=False).file
        return io.BytesIO(base64.b64decode(content or b""))

    def _read_rows(self, stream):
        """Yield the rows of a file; a file that is none gets a clear message."""
        try:
            yield from sheets.read_rows(stream, self.filename or "")
        except sheets.SheetError as error:
            raise UserError(self._get_file_message(error.code)) from error

    def _stage(self, stream):
        """Read the whole file into `hstyle.import.row`, faults noted row by row.

        :return: generator of the progress (0.0 to 1.0)
        """
        self._drop_rows()
        size = stream.seek(0, io.SEEK_END) or 1
        rows = self._read_rows(stream)
        _number, header = next(rows)
        columns = self._choose_columns(header)
        prepared = self._prepare_rows(rows, columns)
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as copy:
            for chunk in split_every(BATCH, prepared, list):
                csv.writer(copy).writerows(chunk)
                yield min(0.9, stream.tell() / size)
            copy.seek(0)
            count = self._copy_rows(copy)
        yield 0.95
        if not count:
            raise UserError(self._get_file_message("empty"))
        self._reject_orders()
        self._remember(header, columns)
        self.write(
            {
                "state": "running",
                "columns": columns,
                "row_count": count,
                "step": 0,
                "step_count": -(-count // BATCH),
                "created_count": 0,
                "updated_count": 0,
                "customer_count": 0,
                "rejected_count": len(self.rejected_ids),
            }
        )
        yield 1.0

    def _choose_columns(self, header):
        """Return our column → index in the sheet, as chosen or else guessed."""
        if self.column_ids:
            columns = {c.target: c.index for c in self.column_ids if c.target}
        else:
            guessed = sheets.guess_columns(header, self.shop_id.column_map)
            columns = {target: header.index(name) for name, target in guessed.items()}
        self._raise_missing(columns)
        return columns

    def _remember(self, header, columns):
        """Keep the meaning of the headers for the shop's next sheet.

        A column that the user left without a meaning is remembered as such.
        """
        ignored = {column.header: None for column in self.column_ids}
        known = {header[index]: target for target, index in columns.items()}
        remembered = self.shop_id.column_map or {}
        self.shop_id.column_map = {**remembered, **ignored, **known}

    def _check_columns(self):
        """Refuse two columns of one meaning and a meaning that is missing."""
        targets = [column.target for column in self.column_ids if column.target]
        if double := {t for t in targets if targets.count(t) > 1}:
            raise UserError(
                self.env._(
                    "Several columns are marked as %(meaning)s. Keep one of them.",
                    meaning=self._get_labels(double),
                )
            )
        self._raise_missing(targets)

    def _raise_missing(self, targets):
        if missing := sheets.missing_columns(targets):
            raise UserError(
                self.env._(
                    "The sheet has no column for: %(missing)s. Check that the first "
                    "row holds the headers and say below what each column means.",
                    missing=self._get_labels(missing),
                )
            )

    def _get_labels(self, targets):
        """Return the names of our columns as a text."""
        field = self.env["hstyle.import.column"]._fields["target"]
        labels = dict(field._description_selection(self.env))
        return ", ".join(labels[target] for target in sorted(targets))

    def _prepare_rows(self, rows, columns):
        """Yield what COPY stores for each row: import, row, reason, cells."""
        country = self.shop_id.company_id.country_id.code or "CN"
        cleaner = sheets.Cleaner(ZoneInfo(self.shop_id.tz), country)
        position = list(sheets.COLUMNS).index("shop")
        # A sheet may have the same fault in a million rows.
        get_reason = cache(self._get_reason)
        for number, cells, faults in sheets.clean_rows(rows, columns, cleaner):
            if cells[position] and cells[position] != self.shop_id.name:
                faults.append(("shop", "shop"))
            yield [self.id, number, get_reason(tuple(faults)), *cells]

    def _copy_rows(self, copy):
        names = SQL(", ").join(
            SQL.identifier(name)
            for name in ("import_id", "line", "error", *sheets.COLUMNS)
        )
        query = SQL("COPY hstyle_import_row (%s) FROM STDIN WITH (FORMAT csv)", names)
        self.env.cr.copy_expert(query.code, copy)
        count = self.env.cr.rowcount
        self.env.cr.execute("ANALYZE hstyle_import_row")
        return count

    def _get_file_message(self, code):
        return {
            "empty": self.env._(
                "The file holds no rows below its header. Export the orders again "
                "and choose a period with orders."
            ),
            "encoding": self.env._(
                "The file is neither UTF-8 nor GB18030 text, or it is damaged. Save it "
                "again as CSV (UTF-8) or as XLSX."
            ),
            "not_text": self.env._(
                "The file is not a CSV sheet. Export the orders as CSV or XLSX."
            ),
            "not_xlsx": self.env._(
                "The file cannot be opened as XLSX. Save it again as XLSX or as CSV."
            ),
        }[code]

    def _get_reason(self, faults):
        """Return what is wrong with a row as a text, or nothing."""
        return "; ".join(
            f"{self._get_labels([target])}: {self._get_fault(code)}"
            for target, code in faults
        )

    def _get_fault(self, code):
        return {
            "missing": self.env._("is missing"),
            "date": self.env._("is not a date; write it as 2026-11-22 18:30:00"),
            "date_range": self.env._("is before 1990 or in the future"),
            "number": self.env._("is not a number; write it as 1234.56"),
            "number_range": self.env._("is too large"),
            "too_long": self.env._("is longer than 200 characters"),
            "levels": self.env._("has more than 8 levels"),
            "negative": self.env._("is negative; write refunds as their own column"),
            "digits_lost": self.env._(
                "has lost digits in a spreadsheet; export it again as text"
            ),
            "shop": self.env._("is another shop; import its rows there"),
        }[code]

    def _reject_orders(self):
        """Reject the whole order where one of its rows is wrong, and repeated rows.

        Half an order would give the customer a wrong revenue.
        """
        self.env.cr.execute("SET LOCAL work_mem = '256MB'")
        self._find_repeated()
        self._reject(
            self.env._("The rows of this order name several buyers"),
            SQL(
                """
                SELECT order_ref, NULL AS line_ref, 0 AS line
                  FROM hstyle_import_row r
                 WHERE import_id = %s AND error IS NULL
                 GROUP BY order_ref
                HAVING min(%s) <> max(%s)
                """,
                self.id,
                ACCOUNT,
                ACCOUNT,
            ),
        )
        self._reject(
            self.env._("This order and line stand in two rows that differ"),
            SQL(
                "SELECT order_ref, line_ref, 0 AS line "
                "FROM hstyle_import_repeated WHERE differ"
            ),
        )
        self._reject(
            self.env._("Another row of this order is wrong"),
            SQL(
                """
                SELECT DISTINCT order_ref, NULL AS line_ref, 0 AS line
                  FROM hstyle_import_row
                 WHERE import_id = %s AND error IS NOT NULL
                """,
                self.id,
            ),
        )
        self._reject(
            self.env._("This order and line stand in an earlier row"),
            SQL("SELECT * FROM hstyle_import_repeated WHERE NOT differ"),
        )
        self.invalidate_recordset(["rejected_ids"])

    def _find_repeated(self):
        """Fill ``hstyle_import_repeated`` with the lines that stand in several rows,
        the first of them, and whether they differ.
        """
        cells = SQL(", ").join(
            SQL("r.%s", SQL.identifier(name)) for name in sheets.COLUMNS
        )
        self.env.cr.execute(
            SQL(
                """
                DROP TABLE IF EXISTS hstyle_import_repeated;
                CREATE TEMPORARY TABLE hstyle_import_repeated ON COMMIT DROP AS
                SELECT order_ref, line_ref, min(line) AS line,
                       count(DISTINCT ROW (%(cells)s)) > 1 AS differ
                  FROM hstyle_import_row r
                 WHERE import_id = %(id)s
                   AND error IS NULL
                   AND (order_ref, line_ref) IN (
                       SELECT order_ref, line_ref
                         FROM hstyle_import_row
                        WHERE import_id = %(id)s AND error IS NULL
                        GROUP BY order_ref, line_ref
                       HAVING count(*) > 1)
                 GROUP BY order_ref, line_ref
                """,
                cells=cells,
                id=self.id,
            )
        )

    def _reject(self, reason, wrong):
        """Give a reason to the accepted rows that a query names.

        :param wrong: SQL of order_ref, line_ref (NULL for all) and the line of the
                      sheet below which the rows are wrong
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_import_row r
                   SET error = %s
                  FROM (%s) wrong
                 WHERE r.import_id = %s
                   AND r.error IS NULL
                   AND r.order_ref = wrong.order_ref
                   AND (wrong.line_ref IS NULL OR r.line_ref = wrong.line_ref)
                   AND r.line > wrong.line
                """,
                reason,
                wrong,
                self.id,
            )
        )

    def _drop_rows(self, only_accepted=False):
        """Forget the rows of the sheet, and the buyers matched for them."""
        self.env.cr.execute(
            SQL(
                "DELETE FROM hstyle_import_row "
                "WHERE import_id = %s AND (%s OR error IS NULL)",
                self.id,
                not only_accepted,
            )
        )
        self.env.cr.execute(
            "DROP TABLE IF EXISTS hstyle_import_buyer, hstyle_import_batch"
        )
