from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import LazyTranslate

from ..tools import sms_text

_lt = LazyTranslate(__name__)

#: What we answer to the keywords of customers, as shipped. The numbers are gaps.
# pylint: disable=translation-positional-used
ANSWERS = {
    "stop": _lt("You get no more advertising by SMS. Reply START to get it again."),
    "start": _lt("You get our offers by SMS again. Reply TD to end it."),
    "balance": _lt("You have {1} points."),
    "expiring": _lt("You have {1} points. {2} of them end on {3}."),
    "unknown": _lt("We find no member card for this number. Please ask in our shop."),
}


class HstyleSmsText(models.Model):
    """A wording that the provider approved, with {1}, {2} … where words differ.

    Any SMS of the host that reads like it is sent by the provider's template.
    """

    _name = "hstyle.sms.text"
    _description = "Approved SMS text"
    _order = "purpose, name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    purpose = fields.Selection(
        selection=[
            ("message", "Messages to customers"),
            ("stop", "Answer to TD: advertising ended"),
            ("start", "Answer to START: advertising again"),
            ("balance", "Answer to JF: points"),
            ("expiring", "Answer to JF: points of which some end"),
            ("unknown", "Answer to JF: no member"),
        ],
        required=True,
        default="message",
    )
    body = fields.Text(
        string="Text",
        required=True,
        compute="_compute_body",
        store=True,
        readonly=False,
        precompute=True,
        help="Exactly as approved, without the signature, with {1}, {2} … as there.",
    )
    template = fields.Char(
        string="Template id", help="The number that the provider gave to this text."
    )
    active = fields.Boolean(default=True)

    _purpose_unique = models.UniqueIndex(
        "(company_id, purpose) WHERE active AND purpose <> 'message'",
        "There is a text for this answer already. Change or archive that one.",
    )

    @api.depends("purpose")
    def _compute_body(self):
        for text in self:
            text.body = text.body or self._get_shipped(text.purpose)

    @api.constrains("body", "purpose")
    def _check_body(self):
        for text in self:
            _literals, gaps = sms_text.cut(text.body)
            shipped = sms_text.cut(self._get_shipped(text.purpose))[1]
            same = text.purpose == "message" or sorted(gaps) == sorted(shipped)
            if not (same and sms_text.is_valid(text.body)):
                raise ValidationError(
                    self.env._(
                        "Number the gaps of a text from 1 on, in braces, each once, "
                        "with words between any two; an answer has as many as ours."
                    )
                )

    @api.model
    def _get_shipped(self, purpose):
        return self.env._(ANSWERS[purpose]) if purpose in ANSWERS else ""

    @api.model
    def _get_approved(self, company):
        """Return {template id: text} of a company's texts."""
        domain = [("company_id", "=", company.id), ("template", "!=", False)]
        return {text.template: text.body for text in self.search(domain)}

    @api.model
    def _compose(self, company, purpose, values):
        """Return the answer of a company, with values in its gaps."""
        domain = [("company_id", "=", company.id), ("purpose", "=", purpose)]
        text = self.search(domain, limit=1).body or self._get_shipped(purpose)
        return sms_text.fill(text, values)
