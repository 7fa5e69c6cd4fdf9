import base64
import csv
import io
import logging
import tempfile
from zoneinfo import ZoneInfo

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, split_every

from ..tools import sheets

_logger = logging.getLogger(__name__)

#: Bytes from which a file is imported in the background.
LARGE = 3_000_000

#: Rows of a step: whole orders, written and committed together.
BATCH = 150_000


class HstyleImport(models.Model):
    """A sheet of orders of a shop on its way into the database.

    The file is read whole into `hstyle.import.row` first; only then are orders
    written, in steps of whole orders. So a bad file leaves nothing and a killed
    import goes on where it was. The key (shop, order number, line) makes a repeated
    file change nothing.
    """

    _name = "hstyle.import"
    _description = "Order import"
    _inherit = ["hstyle.import.step"]
    _order = "id desc"
    _rec_name = "filename"

    shop_id = fields.Many2one(
        comodel_name="hstyle.shop", required=True, index=True, ondelete="cascade"
    )
    file = fields.Binary(attachment=True)
    filename = fields.Char(string="File name", required=True)
    column_ids = fields.One2many(
        comodel_name="hstyle.import.column",
        inverse_name="import_id",
        string="Columns",
        compute="_compute_column_ids",
        store=True,
        readonly=False,
    )
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("queued", "Queued"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="draft",
    )
    message = fields.Text(readonly=True)
    rejected_ids = fields.One2many(
        comodel_name="hstyle.import.row",
        inverse_name="import_id",
        string="Rejected rows",
        domain=[("error", "!=", False)],
        readonly=True,
    )

    # What became of the rows.
    row_count = fields.Integer(string="Rows", readonly=True)
    created_count = fields.Integer(string="New lines", readonly=True)
    updated_count = fields.Integer(string="Changed lines", readonly=True)
    rejected_count = fields.Integer(string="Rejected", readonly=True)
    unchanged_count = fields.Integer(
        string="Unchanged rows", compute="_compute_unchanged_count"
    )
    customer_count = fields.Integer(string="New customers", readonly=True)

    # Where a background import goes on.
    columns = fields.Json(
        string="Column positions", help="Our columns that the sheet has → their index."
    )
    step = fields.Integer(readonly=True)
    step_count = fields.Integer(readonly=True)
    progress = fields.Float(compute="_compute_progress")

    # === COMPUTE METHODS === #

    @api.depends("file", "shop_id")
    def _compute_column_ids(self):
        for record in self.filtered(lambda r: r.file and r.state == "draft"):
            rows = record._read_rows(record._open_file())
            header, sample = next(rows)[1], next(rows, (2, []))[1]
            found = sheets.guess_columns(header, record.shop_id.column_map)
            record.column_ids = [Command.clear()] + [
                Command.create(
                    {
                        "header": name,
                        "sample": sample[index] if index < len(sample) else "",
                        "target": found.get(name),
                    }
                )
                for index, name in enumerate(header)
                if name
            ]

    @api.depends("row_count", "created_count", "updated_count", "rejected_count")
    def _compute_unchanged_count(self):
        for record in self:
            record.unchanged_count = (
                record.row_count
                - record.created_count
                - record.updated_count
                - record.rejected_count
            )

    @api.depends("step", "step_count")
    def _compute_progress(self):
        for record in self:
            record.progress = 100.0 * record.step / (record.step_count or 1)

    # === ACTION METHODS === #

    def action_import(self):
        """Import the file: a small one at once, a large one in the background."""
        self.ensure_one()
        if not self.file:
            raise UserError(self.env._("Choose a file first."))
        self._check_columns()
        if self.file and len(self.file) * 3 // 4 > LARGE:
            self.write({"state": "queued", "message": False})
            self.env.ref("hstyle_crm.ir_cron_import")._trigger()
            return
        for _progress in self._run(self._open_file()):
            pass

    def action_download_rejected(self):
        """Download the rejected rows as a sheet that can be imported again."""
        self.ensure_one()
        names = [name for name in sheets.COLUMNS if name in (self.columns or {})]
        header = [sheets.COLUMNS[name].headers[0] for name in names]
        rows = (
            [row[name] or "" for name in names] + [row.error]
            for row in self.rejected_ids
        )
        return self.env["hstyle.export"]._download(
            f"rejected-{self.id}.xlsx", [*header, self.env._("Reason")], rows
        )

    # === BUSINESS METHODS === #

    @api.model
    def _import_path(self, shop_name, path):
        """Import a file of the server's; for scripts.

        :return: generator of the progress (0.0 to 1.0), to be exhausted; then the
                 new record is the last of the shop
        :raise UserError: If the shop or the file is not what it should be.
        """
        shop = self.env["hstyle.shop"].search([("name", "=", shop_name)])
        if len(shop) != 1:
            raise UserError(
                self.env._(
                    "There is no shop “%(name)s”. Create it under Configuration, "
                    "Shops, then import again.",
                    name=shop_name,
                )
            )
        record = self.create({"shop_id": shop.id, "filename": str(path).split("/")[-1]})
        with open(path, "rb") as stream:
            yield from record._run(stream)

    @api.model
    def _cron_import(self):
        """Import queued files and go on with interrupted ones."""
        commit = self.env["ir.cron"]._commit_progress
        queue = self.search([("state", "in", ("queued", "running"))], order="id")
        commit(remaining=len(queue))
        for done, record in enumerate(queue, start=1):
            if not record._run_queued(commit):
                return
            commit(1, remaining=len(queue) - done)

    def _run_queued(self, commit):
        """Run to the end or until the time is up; return whether it ended."""
        try:
            for _progress in self._run(self._open_file()):
                # Reading starts over if it is left; writing goes on where it was.
                if not commit() and self.state == "running":
                    return False
        except OperationalError:
            raise  # A conflict with somebody else's work: the next run goes on.
        except UserError as error:
            self._fail(str(error))
        except Exception:
            _logger.exception("Import %s failed", self.id)
            self._fail(self.env._("An unexpected error; the server's log has it."))
        return True

    def _fail(self, message):
        """Take back the open step and everything staged; say why."""
        self.env.cr.rollback()
        self._drop_rows()
        self.write({"state": "failed", "message": message})

    def _run(self, stream):
        """Import the file in steps; each may be committed.

        :return: generator of the progress (0.0 to 1.0)
        :raise UserError: If the file cannot be imported at all.
        """
        self.ensure_one()
        record = self.sudo().with_company(self.shop_id.company_id)
        yield from record._run_steps(stream)

    def _run_steps(self, stream):
        if self.state != "running":
            for progress in self._stage(stream):
                yield 0.2 * progress
        self._match()
        while self.step < self.step_count:
            self._write_step()
            self.step += 1
            yield 0.2 + 0.8 * self.step / self.step_count
        self._finish()
        yield 1.0

    def _finish(self):
        self._drop_rows(only_accepted=True)
        self.write({"state": "done", "message": False, "file": False})
        self.env.ref("hstyle_crm.ir_cron_profile")._trigger()

    def _drop_rows(self, only_accepted=False):
        self.env.cr.execute(
            SQL(
                "DELETE FROM hstyle_import_row "
                "WHERE import_id = %s AND (%s OR error IS NULL)",
                self.id,
                not only_accepted,
            )
        )

    # === READING === #

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
            chosen = {c.header: c.target for c in self.column_ids if c.target}
        else:
            chosen = sheets.guess_columns(header, self.shop_id.column_map)
        columns = {
            target: header.index(h) for h, target in chosen.items() if h in header
        }
        self._raise_missing(columns)
        return columns

    def _remember(self, header, columns):
        """Keep the meaning of the headers for the shop's next sheet."""
        known = {header[index]: target for target, index in columns.items()}
        self.shop_id.column_map = {**(self.shop_id.column_map or {}), **known}

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
        for number, cells, faults in sheets.clean_rows(rows, columns, cleaner):
            if cells[position] and cells[position] != self.shop_id.name:
                faults.append(("shop", "shop"))
            yield [self.id, number, self._get_reason(faults), *cells]

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
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_import_row
                   SET error = %s
                 WHERE import_id = %s
                   AND error IS NULL
                   AND order_ref IN (
                       SELECT order_ref FROM hstyle_import_row
                        WHERE import_id = %s AND error IS NOT NULL)
                """,
                self.env._("Another row of this order is wrong"),
                self.id,
                self.id,
            )
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_import_row r
                   SET error = %(reason)s
                  FROM (
                        SELECT order_ref, line_ref, min(line) AS line
                          FROM hstyle_import_row
                         WHERE import_id = %(id)s
                           AND error IS NULL
                           AND line_ref IS NOT NULL
                         GROUP BY order_ref, line_ref
                        HAVING count(*) > 1
                       ) first
                 WHERE r.import_id = %(id)s
                   AND r.error IS NULL
                   AND r.order_ref = first.order_ref
                   AND r.line_ref = first.line_ref
                   AND r.line > first.line
                """,
                id=self.id,
                reason=self.env._("This order and line stand in an earlier row"),
            )
        )
        self.invalidate_recordset(["rejected_ids"])
