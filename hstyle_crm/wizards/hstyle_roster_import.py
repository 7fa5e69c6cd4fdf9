import io
from base64 import b64decode

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.hstyle_roster import LONGEST
from ..tools import roster, sheets

#: Headers that we know, in lower case. All other columns are left unread.
_HEADERS = {
    "name": ("name", "姓名", "名字"),
    "birthday": ("birthday", "date of birth", "生日", "出生日期"),
    "place": ("place", "room", "pick-up point", "宿舍", "寝室", "取货点", "地点"),
}


class HstyleRosterImport(models.TransientModel):
    """Bring classmates from a sheet onto an agent's list: first a dry run.

    Good rows come in and bad ones are told. Who is on the list stays as it is there,
    so that a sheet that comes again adds nobody.
    """

    _name = "hstyle.roster.import"
    _description = "Import of classmates"

    agent_id = fields.Many2one(
        comodel_name="hstyle.agent",
        required=True,
        ondelete="cascade",
        domain=[("state", "=", "active")],
    )
    consent_source = fields.Char(
        string="Consent by",
        required=True,
        help="How the classmates agreed, such as: signed list of 3 September.",
    )
    consent_on = fields.Date(
        string="Consent of",
        required=True,
        default=lambda self: self.env.company._hstyle_today(),
    )
    # Required by the form: after the import it is empty.
    file = fields.Binary(attachment=False)
    filename = fields.Char(string="File name")
    state = fields.Selection(
        selection=[("draft", "File"), ("checked", "Dry run"), ("done", "Imported")],
        default="draft",
        readonly=True,
    )
    new_count = fields.Integer(string="New classmates", readonly=True)
    known_count = fields.Integer(string="On the list already", readonly=True)
    fault_count = fields.Integer(string="Rows with faults", readonly=True)
    faults = fields.Text(readonly=True)

    def action_check(self):
        """Read the file and say what it would bring; nothing is written."""
        self.ensure_one()
        self._read("checked")
        return self._reopen()

    def action_import(self):
        """Put the classmates of the good rows on the list."""
        self.ensure_one()
        self.env["hstyle.roster"].create(self._read("done"))
        # The file names people: nobody needs it now.
        self.file = False
        return self._reopen()

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import classmates"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    # === READING === #

    def _read(self, state):
        """Return the values of new entries, and note what is with the other rows."""
        self._check_consent()
        drafts, faults = self._split_rows(self._read_rows())
        new = self._find_new(drafts)
        self.write(
            {
                "state": state,
                "new_count": len(new),
                "known_count": len(drafts) - len(new),
                "fault_count": len(faults),
                "faults": "\n".join(faults),
            }
        )
        return new

    def _check_consent(self):
        entries = self.env["hstyle.roster"]
        draft = entries.new({"consent_on": self.consent_on})
        if fault := entries._get_consent_fault(
            self.agent_id.company_id, self.consent_on, draft.expires_on
        ):
            raise UserError(fault)

    def _read_rows(self):
        """Return [(number, {our column: cell})] of the file."""
        content = b64decode(self.with_context(bin_size=False).file or b"")
        try:
            rows = sheets.read_rows(io.BytesIO(content), self.filename or "")
            columns = self._find_columns(next(rows)[1])
            return [
                (number, {n: row[i] if i < len(row) else "" for n, i in columns})
                for number, row in rows
            ]
        except sheets.SheetError as error:
            raise UserError(
                self.env._(
                    "This file cannot be read (%s). Save it as XLSX or CSV.", error.code
                )
            ) from error

    @api.model
    def _find_columns(self, header):
        """Return [(our column, its index)]; the first of several counts."""
        folded = [cell.strip().lower() for cell in header]
        columns = {
            name: folded.index(known)
            for name, headers in _HEADERS.items()
            for known in reversed(headers)
            if known in folded
        }
        if not columns.keys() >= {"name", "birthday"}:
            raise UserError(
                self.env._(
                    "The first row must name the columns: name and birthday, and, if "
                    "you know it, place."
                )
            )
        return [*columns.items()]

    def _split_rows(self, rows):
        """Return ([values of a good row], [fault])."""
        drafts, faults = [], []
        for number, cells in rows:
            fault = self._find_fault(cells)
            if fault:
                faults.append(self.env._("Row %s: ", number) + fault)
                continue
            month, day = roster.parse_birthday(cells["birthday"])
            drafts.append(
                {
                    "name": cells["name"],
                    "birth_month": month,
                    "birth_day": day,
                    "place": cells.get("place"),
                }
            )
        return drafts, faults

    @api.model
    def _find_fault(self, cells):
        """Return what is wrong with a row as a text, or nothing."""
        if not roster.fold_name(cells["name"]):
            return self.env._("the name is missing")
        if len(cells["name"]) > LONGEST or len(cells.get("place", "")) > LONGEST:
            return self.env._("a text is longer than %s letters", LONGEST)
        try:
            roster.parse_birthday(cells["birthday"])
        except sheets.CellError:
            return self.env._(
                "“%s” is no birthday; write it as 03-05 or 3月5日", cells["birthday"]
            )
        return False

    def _find_new(self, drafts):
        """Return values of the entries that are not on the list, each once."""
        entries = self.env["hstyle.roster"]
        listed = entries.search([("agent_id", "=", self.agent_id.id)])
        seen, new = set(listed.mapped("person")), []
        shared = {
            "agent_id": self.agent_id.id,
            "consent_source": self.consent_source,
            "consent_on": self.consent_on,
        }
        for draft in drafts:
            day = (draft["birth_month"], draft["birth_day"])
            person = entries._get_person(self.agent_id.campus_id, draft["name"], *day)
            if person not in seen:
                seen.add(person)
                new.append({**draft, **shared})
        return new
