import tempfile
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import split_every

from ..tools import sheets


class HstyleExport(models.Model):
    """Hand a sheet to the user: written row by row, kept for a day.

    A record says who took which sheet and when; it stays when the file is gone.
    """

    _name = "hstyle.export"
    _description = "XLSX export"
    _order = "date desc, id desc"
    _log_access = False

    name = fields.Char(string="Sheet", required=True, readonly=True)
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Taken by",
        readonly=True,
        index=True,
        ondelete="set null",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    date = fields.Datetime(string="Taken at", required=True, readonly=True)

    @api.model
    def _download(self, filename, header, rows):
        """Write a sheet and return the action that downloads it.

        Only the user can fetch it. Who took it is written down.

        :param rows: iterable of lists of text, numbers, dates
        """
        with tempfile.TemporaryFile() as stream:
            sheets.write_xlsx(stream, header, rows)
            stream.seek(0)
            attachment = self.env["ir.attachment"].create(
                {"name": filename, "res_model": self._name, "raw": stream.read()}
            )
        self.sudo().create(
            {
                "name": filename,
                "user_id": self.env.uid,
                "company_id": self.env.company.id,
                "date": fields.Datetime.now(),
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{attachment.id}?download=true",
            "target": "download",
        }

    @api.model
    def _download_records(self, filename, records, names):
        """Download fields of records, as a list shows them; see `_download`."""
        labels = records.fields_get(names, ["string"])
        header = [labels[name]["string"] for name in names]
        return self._download(filename, header, self._get_rows(records, names))

    def _get_rows(self, records, names):
        columns = [records._fields[name] for name in names]
        for ids in split_every(5000, records.ids, list):
            for record in records.browse(ids):
                yield [self._get_cell(record, field) for field in columns]
            self.env.invalidate_all()

    @api.model
    def _get_cell(self, record, field):
        """Return what a cell holds: 0 is a number, and what is not known is empty."""
        value = record[field.name]
        if isinstance(value, float | int) and record._cache[field.name] is None:
            return None
        value = field.convert_to_export(value, record)
        return None if value == "" else value

    @api.model
    def _get_chosen(self, records):
        """Return the records chosen in a list, all of them even above the web's limit.

        The client sends at most so many ids, and the list's domain along with them.
        """
        get_param = self.env["ir.config_parameter"].sudo().get_param
        limit = int(get_param("web.active_ids_limit", default=20000))
        domain = self.env.context.get("active_domain")
        if domain is None or len(records) < limit:
            return records
        return records.search(domain)

    @api.autovacuum
    def _gc_downloads(self):
        """Forget sheets of customers a day after they were made."""
        limit = fields.Datetime.now() - timedelta(days=1)
        self.env["ir.attachment"].search(
            [("res_model", "=", self._name), ("create_date", "<", limit)]
        ).unlink()
