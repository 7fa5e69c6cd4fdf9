import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..tools import sheets

_logger = logging.getLogger(__name__)

#: Bytes from which a file is imported in the background.
LARGE = 3_000_000

#: What a user may say of an import; all else is what became of it.
_INPUT = {"shop_id", "file", "filename", "column_ids"}


class HstyleImport(models.Model):
    """A sheet of orders of a shop on its way into the database.

    The file is read whole into `hstyle.import.row` first; only then are orders
    written, in steps of whole orders. So a bad file leaves nothing and a killed
    import goes on where it was. The key (shop, order number, line) makes a repeated
    file change nothing.
    """

    _name = "hstyle.import"
    _description = "Order import"
    _inherit = ["hstyle.import.sheet", "hstyle.import.step"]
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
        copy=False,
        default="draft",
    )
    message = fields.Text(readonly=True, copy=False)
    rejected_ids = fields.One2many(
        comodel_name="hstyle.import.row",
        inverse_name="import_id",
        string="Rejected rows",
        domain=[("error", "!=", False)],
        readonly=True,
    )

    # What became of the rows.
    row_count = fields.Integer(string="Rows", readonly=True, copy=False)
    created_count = fields.Integer(string="New lines", readonly=True, copy=False)
    updated_count = fields.Integer(string="Changed lines", readonly=True, copy=False)
    rejected_count = fields.Integer(string="Rejected", readonly=True, copy=False)
    unchanged_count = fields.Integer(
        string="Unchanged rows", compute="_compute_unchanged_count"
    )
    customer_count = fields.Integer(string="New customers", readonly=True, copy=False)

    # Where a background import goes on.
    columns = fields.Json(
        string="Column positions",
        help="Our columns that the sheet has → their index.",
        copy=False,
    )
    step = fields.Integer(readonly=True, copy=False)
    step_count = fields.Integer(readonly=True, copy=False)
    progress = fields.Float(compute="_compute_progress")

    # === COMPUTE METHODS === #

    @api.depends("file", "shop_id")
    def _compute_column_ids(self):
        for record in self.filtered(lambda r: r.file and r._is_open()):
            rows = record._read_rows(record._open_file())
            header, sample = next(rows)[1], next(rows, (2, []))[1]
            found = sheets.guess_columns(header, record.shop_id.column_map)
            record.column_ids = [Command.clear()] + [
                Command.create(
                    {
                        "index": index,
                        "header": name,
                        "sample": sample[index] if index < len(sample) else "",
                        # Of two columns with one header the first is taken.
                        "target": header.index(name) == index and found.get(name),
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

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self.browse()._check_input(vals_list)
        records = super().create(vals_list)
        records._check_shop()
        return records

    def write(self, vals):
        self._check_input([vals])
        result = super().write(vals)
        self._check_shop()
        return result

    def _check_input(self, vals_list):
        """Let users say what to import, and nothing of what became of it."""
        if self.env.su:
            return
        if any(vals.keys() - _INPUT for vals in vals_list):
            raise AccessError(self.env._("Only the import itself may write this."))
        self._check_open()

    def _check_shop(self):
        """Refuse a shop of another company: the jobs run with all rights."""
        self.shop_id.check_access("read")

    def _check_open(self):
        if not all(record._is_open() for record in self):
            raise UserError(
                self.env._("This file is imported already. Press New for another one.")
            )

    def _is_open(self):
        return self.state in ("draft", "failed")

    # === ACTION METHODS === #

    def action_import(self):
        """Import the file: a small one at once, a large one in the background."""
        self.ensure_one()
        self.lock_for_update()  # A second click waits for nothing: it is told so.
        self._check_open()
        stream = self._open_file()
        if not stream.getbuffer().nbytes:
            raise UserError(self.env._("Choose a file first."))
        self._check_columns()
        if stream.getbuffer().nbytes > LARGE:
            self.sudo().write({"state": "queued", "message": False})
            self.env.ref("hstyle_crm.ir_cron_import").sudo()._trigger()
            return
        for _progress in self._run(stream):
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

        :param shop_name: a shop of the current company
        :return: generator of the progress (0.0 to 1.0); it returns the import
        :raise UserError: If the shop or the file is not what it should be.
        """
        domain = [("name", "=", shop_name), ("company_id", "=", self.env.company.id)]
        shop = self.env["hstyle.shop"].search(domain)
        if not shop:
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
        return record

    @api.model
    def _cron_import(self):
        """Import queued files and go on with interrupted ones."""
        commit = self.env["ir.cron"]._commit_progress
        queue = self.search([("state", "in", ("queued", "running"))], order="id")
        commit(remaining=len(queue))
        for done, record in enumerate(queue, start=1):
            # Somebody may have deleted it meanwhile.
            if record.exists() and not record._run_queued(commit):
                return
            commit(1, remaining=len(queue) - done)

    def _run_queued(self, commit):
        """Run to the end or until the time is up; return whether it ended."""
        try:
            for _progress in self._run(self._open_file()):
                # Reading starts over if it is left; writing goes on where it was.
                if not commit() and self.state == "running":
                    return False
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise  # Somebody else wrote the same rows: the next run goes on.
        except UserError as error:
            self._fail(str(error))
        except Exception:
            _logger.exception("Import %s failed", self.id)
            self._fail(self.env._("An unexpected error; the server's log has it."))
        return True

    def _fail(self, message):
        """Take back the open step and everything staged; say why."""
        self.env.cr.rollback()
        if self.step:
            message += "\n" + self.env._(
                "%(done)s of %(all)s parts are imported. "
                "Import the file again to go on.",
                done=self.step,
                all=self.step_count,
            )
        self._drop_rows()
        self.write({"state": "failed", "message": message})

    def _run(self, stream):
        """Import the file in steps; each may be committed.

        :return: generator of the progress (0.0 to 1.0)
        :raise UserError: If the file cannot be imported at all.
        """
        self.ensure_one()
        record = self.sudo().with_company(self.shop_id.company_id)
        # In the background too, the reasons are for the one who imports.
        record = record.with_context(lang=self.create_uid.lang or self.env.lang)
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
