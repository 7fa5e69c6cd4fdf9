import logging
import re

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import qr

_logger = logging.getLogger(__name__)

#: Customers who are written to in one transaction.
LETTERS = 200


class HstyleOfferList(models.Model):
    """The offers of a customer for some days, and the code that goes with them."""

    _name = "hstyle.offer.list"
    _description = "Offer list"
    _order = "date_from desc, id desc"
    _rec_name = "code"
    _rec_names_search = ["code", "partner_id"]
    _log_access = False  # Written by jobs alone; the run says when.

    run_id = fields.Many2one(
        comodel_name="hstyle.offer.run",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    plan_id = fields.Many2one(
        comodel_name="hstyle.offer.plan",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    code = fields.Char(required=True, readonly=True, copy=False)
    date_from = fields.Date(string="Valid from", required=True, readonly=True)
    date_to = fields.Date(string="Valid until", required=True, readonly=True)
    state = fields.Selection(
        selection=[("open", "Valid"), ("closed", "Closed"), ("expired", "Expired")],
        required=True,
        readonly=True,
        help="Closed: no offer is left, and at least one was taken or bought.",
    )
    to_mail = fields.Boolean(string="To be sent", readonly=True)
    line_ids = fields.One2many(
        comodel_name="hstyle.offer.line", inverse_name="list_id", readonly=True
    )

    _code_unique = models.Constraint("UNIQUE (code)", "This code is taken.")
    # Read by every quotation: the lists of its customer that are valid.
    _partner_idx = models.Index("(partner_id, date_to)")
    # Read by the nightly job.
    _open_idx = models.Index("(company_id, date_to) WHERE state = 'open'")
    _mail_idx = models.Index("(id) WHERE to_mail")

    @api.depends("code", "partner_id")
    def _compute_display_name(self):
        for record in self:
            record.display_name = f"{record.partner_id.name} · {record.date_from}"

    # === CODES === #

    @api.model
    def _normalize_code(self, text):
        """Return a code as it is stored, however it was typed."""
        signs = re.sub(r"[^0-9A-Z]", "", (text or "").upper())
        return "-".join(re.findall(".{1,5}", signs))

    @api.model
    def _check_code(self, text, customer, company):
        """Refuse a code that is not this customer's own valid one.

        :raise UserError: saying why
        """
        found = self.sudo().search([("code", "=", self._normalize_code(text))])
        values = {"code": text, "customer": customer.name}
        if not found or found.company_id != company:
            text = self.env._(
                "There is no offer list with the code %(code)s.", **values
            )
        elif found.partner_id != customer:
            text = self.env._(
                "The code %(code)s is not one of %(customer)s: it belongs to another "
                "customer, and nobody else can use it.",
                **values,
            )
        elif not found._is_valid():
            text = self.env._(
                "The offer list %(code)s of %(customer)s is used up or over.", **values
            )
        else:
            return
        raise UserError(text)

    def _is_current(self):
        """Tell whether today is a day of the list."""
        self.ensure_one()
        return self.date_from <= self.company_id._hstyle_today() <= self.date_to

    def _is_valid(self):
        """Tell whether offers of the list can be taken today."""
        return self.state == "open" and self._is_current()

    # === LETTERS === #

    @api.model
    def _cron_mail(self):
        """Send the lists that wait, in committed batches."""
        commit, total = self.env["ir.cron"]._commit_progress, 0
        waiting, last = Domain("to_mail", "=", True), 0
        commit(remaining=self.search_count(waiting))
        while lists := self.search(
            waiting & Domain("id", ">", last), limit=LETTERS, order="id"
        ):
            last = lists[-1].id
            total += lists._mail()
            if not commit(len(lists)):
                break
        _logger.info("%s offer lists were sent.", total)

    def _mail(self):
        """Send the lists to those who may be written to; return how many.

        Who had another offer today is written to on the next day.
        """
        valid = self.filtered(lambda one: one._is_valid() and one.plan_id.template_id)
        routes, refusals = valid.partner_id._route(["email"], "marketing", "offers")
        partners, later = routes.get("email", ()), refusals.get("today", ())
        told = 0
        for plan, lists in valid.grouped("plan_id").items():
            lists = lists.filtered(lambda one: one.partner_id in partners)
            told += self._send(plan.template_id, lists)
        settled = self - valid.filtered(lambda one: one.partner_id in later)
        self.env.cr.execute(
            SQL(
                "UPDATE hstyle_offer_list SET to_mail = FALSE WHERE id = ANY(%s)",
                settled.ids,
            )
        )
        self.invalidate_recordset(["to_mail"])
        return told

    @api.model
    def _send(self, template, lists):
        """Send a mail for each list; one that fails leaves out nobody else."""
        if not lists:
            return 0
        try:
            with self.env.cr.savepoint():
                template.send_mail_batch(
                    lists.ids, email_values={"hstyle_purpose": "marketing"}
                )
            return len(lists)
        except Exception:
            if len(lists) == 1:
                _logger.exception("The offer list %s cannot be sent.", lists.id)
                return 0
        return sum(self._send(template, one) for one in lists)

    def _get_qr_uri(self):
        """Return the source of an image with the code, for a scanner."""
        self.ensure_one()
        return qr.get_uri(self.code)

    def _get_portal_lines(self):
        """Return the offers in the order in which the customer reads them."""
        return self.line_ids.sorted(lambda line: (-line.depth, line.id))
