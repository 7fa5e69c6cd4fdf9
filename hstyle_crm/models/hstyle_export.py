import logging
import tempfile
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import split_every

from ..tools import sheets

_logger = logging.getLogger(__name__)


class HstyleExport(models.AbstractModel):
    """Hand a sheet to the user: written row by row, kept for a day."""

    _name = "hstyle.export"
    _description = "XLSX export"

    @api.model
    def _download(self, filename, header, rows):
        """Write a sheet and return the action that downloads it.

        Only the user can fetch it. Who took how many rows is logged.

        :param rows: iterable of lists of text, numbers, dates
        """
        with tempfile.TemporaryFile() as stream:
            sheets.write_xlsx(stream, header, rows)
            stream.seek(0)
            attachment = self.env["ir.attachment"].create(
                {"name": filename, "res_model": self._name, "raw": stream.read()}
            )
        _logger.info("%s exported %s", self.env.user.login, filename)
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
        for ids in split_every(5000, records.ids, list):
            for record in records.browse(ids):
                yield [
                    record._fields[name].convert_to_export(record[name], record) or None
                    for name in names
                ]
            self.env.invalidate_all()

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
