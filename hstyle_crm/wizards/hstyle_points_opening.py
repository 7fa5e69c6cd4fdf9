import io
from base64 import b64decode
from collections import Counter, defaultdict
from datetime import UTC
from hashlib import sha256

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import split_every

from ..tools import sheets
from ..tools.ledger import exact

#: Headers that we know, folded.
_HEADERS = {
    "customer": ("customer", "member", "card", "e-mail", "email", "phone",
                 "客户", "会员", "卡号", "手机", "邮箱"),
    "points": ("points", "balance", "积分", "余额"),
    "awarded": ("awarded", "date", "获得日期", "日期"),
    "expires": ("expires", "expiry", "有效期", "到期日"),
}  # fmt: skip
#: Rows that are posted in one call of the door.
_BATCH = 5_000


class HstylePointsOpening(models.TransientModel):
    """Bring points over from another system: first a dry run, then the posting.

    A row is a lot: customer, points and, if there are any, the days of its award and
    of its expiry. Rows that were posted already are left out when a file comes again.
    """

    _name = "hstyle.points.opening"
    _description = "Import of opening points"

    program_id = fields.Many2one(
        comodel_name="loyalty.program",
        required=True,
        ondelete="cascade",
        domain=[("managed", "=", True)],
        default=lambda self: self.env["hstyle.points.campaign"]._get_default_program(),
    )
    file = fields.Binary(required=True, attachment=False)
    filename = fields.Char()
    state = fields.Selection(
        selection=[("draft", "File"), ("checked", "Dry run"), ("done", "Posted")],
        default="draft",
        readonly=True,
    )
    row_count = fields.Integer(string="Rows", readonly=True)
    customer_count = fields.Integer(string="Customers", readonly=True)
    total = fields.Float(string="Points", digits=(16, 2), readonly=True)
    posted_count = fields.Integer(string="Posted before", readonly=True)
    faults = fields.Text(readonly=True)

    @api.constrains("program_id")
    def _check_program(self):
        if not all(self.sudo().program_id.mapped("managed")):
            raise UserError(self.env._("Choose a program with a points ledger."))

    def action_check(self):
        """Read the file and say what it would post; nothing is posted."""
        self.ensure_one()
        lots, faults = self._read()
        self.write(
            {
                "state": "checked",
                "row_count": len(lots),
                "customer_count": len({lot["partner"] for lot in lots}),
                "total": sum(lot["points"] for lot in lots),
                "posted_count": len(self._find_posted(lots)),
                "faults": "\n".join(faults),
            }
        )
        return self._reopen()

    def action_post(self):
        """Post the lots of a file without faults, all or none."""
        self.ensure_one()
        self.env["loyalty.card"]._check_keeper()
        lots, faults = self._read()
        if faults:
            raise UserError(
                self.env._("Mend these rows in the file first:\n%s", "\n".join(faults))
            )
        for batch in split_every(_BATCH, lots, list):
            self._post(batch)
        self.state = "done"
        return self._reopen()

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    # === READING === #

    def _read(self):
        """Return ([lot], [fault]) of the file.

        A lot is a dict: partner (id), points, awarded, expires, key.
        """
        try:
            rows = sheets.read_rows(
                io.BytesIO(b64decode(self.file)), self.filename or ""
            )
            columns = self._find_columns(next(rows)[1])
            cleaner = sheets.Cleaner(UTC, None)
            drafts = [self._read_row(n, row, columns, cleaner) for n, row in rows]
        except sheets.SheetError as error:
            raise UserError(
                self.env._(
                    "This file cannot be read (%s). Save it as XLSX or CSV.", error.code
                )
            ) from error
        partners = self._find_partners({draft["customer"] for draft in drafts})
        return self._check_rows(drafts, partners)

    def _find_columns(self, header):
        """Return our column → its index.

        :raise UserError: if the customer's or the points' column is missing
        """
        folded = [cell.strip().lower() for cell in header]
        columns = {
            name: folded.index(known)
            for name, headers in _HEADERS.items()
            for known in reversed(headers)
            if known in folded
        }
        if not columns.keys() >= {"customer", "points"}:
            raise UserError(
                self.env._(
                    "The first row must name the columns: customer and points, and, if "
                    "you know them, awarded and expires."
                )
            )
        return columns

    def _read_row(self, number, row, columns, cleaner):
        """Return the cells of a row that we need, cleaned, and what is wrong."""
        cells = {n: row[i] if i < len(row) else "" for n, i in columns.items()}
        draft = {"number": number, "customer": cells["customer"], "faults": []}
        for name, kind in (
            ("points", "number"),
            ("awarded", "date"),
            ("expires", "day"),
        ):
            try:
                draft[name] = self._clean(cleaner, kind, cells.get(name))
            except sheets.CellError as error:
                draft["faults"].append(f"{name}: {error.args[0]}")
        return draft

    @api.model
    def _clean(self, cleaner, kind, cell):
        if not cell:
            return False
        if kind == "number":
            return exact(cleaner.get(kind)(cell))
        return sheets.parse_day(cell)

    @api.model
    def _find_partners(self, names):
        """Return text → ids of the customers whom it names.

        By the code of a card, by reference, e-mail or phone, and by buyer account.
        """
        country = self.env.company.country_id.code
        phone = sheets.Cleaner(UTC, country).get("phone")
        found = {name: set() for name in names}
        for model, field, fold in (
            ("loyalty.card", "code", str),
            ("res.partner", "ref", str),
            ("res.partner", "email_normalized", str.lower),
            ("res.partner", "phone_sanitized", phone),
            ("hstyle.buyer", "ref", str),
        ):
            texts = {name: fold(name) for name in names}
            owners = self._find_owners(model, field, set(texts.values()) - {""})
            for name, text in texts.items():
                found[name] |= owners[text]
        return found

    @api.model
    def _find_owners(self, model, field, texts):
        """Return text → ids of the customers whose records bear it."""
        owners = defaultdict(set)
        for record in self.env[model].search([(field, "in", list(texts))]):
            partner = record if model == "res.partner" else record.partner_id
            owners[record[field]].update(partner.ids)
        return owners

    def _check_rows(self, drafts, partners):
        """Return ([lot], [fault]) of cleaned rows."""
        lots, faults, seen = [], [], Counter()
        for draft in drafts:
            wrong = draft["faults"] or self._find_faults(draft, partners)
            if wrong:
                row = self.env._("Row %s: ", draft["number"])
                faults.append(row + "; ".join(wrong))
                continue
            [draft["partner"]] = partners[draft["customer"]]
            # Not the customer's number: a merge of customers changes it.
            cells = [draft[n] for n in ("customer", "points", "awarded", "expires")]
            name = "|".join(map(str, cells))
            # Two equal rows of a file are two lots; the same file again is none.
            seen[name] += 1
            digest = sha256(f"{name}|{seen[name]}".encode()).hexdigest()[:24]
            lots.append({**draft, "key": f"opening:{digest}"})
        return lots, faults

    def _find_faults(self, draft, partners):
        """Return what is wrong with a row whose cells are right, as texts."""
        count = len(partners[draft["customer"]])
        last = self._get_expiration(draft)
        checks = (
            (not draft["points"], self.env._("no points")),
            (not count, self.env._("no customer “%s”", draft["customer"])),
            (count > 1, self.env._("“%s” names several customers", draft["customer"])),
            (
                last and last < self.program_id._get_today(),
                self.env._("expired on %s already", last),
            ),
        )
        return [text for wrong, text in checks if wrong]

    def _get_expiration(self, lot):
        """Return the last day of a lot, or False: then the program's clock counts."""
        award = lot["awarded"]
        return lot["expires"] or (award and self.program_id._get_expiration(award))

    # === POSTING === #

    def _find_posted(self, lots):
        """Return the keys that are posted on the customers' cards."""
        domain = [
            ("card_id.program_id", "=", self.program_id.id),
            ("key", "in", [lot["key"] for lot in lots]),
        ]
        return set(self.env["loyalty.history"].sudo().search(domain).mapped("key"))

    def _post(self, lots):
        """Post a batch of lots, each at its age."""
        partners = self.env["res.partner"].browse({lot["partner"] for lot in lots})
        cards = self.program_id._get_cards(partners).grouped("partner_id")
        description = self.env._("Opening balance")
        self.env["loyalty.card"]._post(
            [
                cards[partners.browse(lot["partner"])]._prepare_move(
                    "opening",
                    lot["points"],
                    description,
                    key=lot["key"],
                    date=lot["awarded"] or None,
                    **self._prepare_expiration(lot),
                )
                for lot in lots
            ]
        )

    def _prepare_expiration(self, lot):
        last = self._get_expiration(lot)
        return {"expiration_date": last} if last else {}
