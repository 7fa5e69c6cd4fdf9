from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

CHANNELS = [("email", "E-mail"), ("sms", "SMS"), ("phone", "Phone")]
PURPOSES = [
    ("marketing", "Offers and news"),
    ("membership", "Membership: points and tier"),
    ("service", "Service: answers and surveys"),
]


class HstyleConsent(models.Model):
    """What a person allowed or withdrew, with its proof.

    Rows are never changed: the latest of a person, company, channel and purpose
    holds. So a merge of customers keeps all of them, and the later word counts.
    """

    _name = "hstyle.consent"
    _description = "Consent"
    _order = "date desc, id desc"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    channel = fields.Selection(selection=CHANNELS, required=True, readonly=True)
    purpose = fields.Selection(selection=PURPOSES, required=True, readonly=True)
    given = fields.Boolean(string="Allowed", readonly=True, help="Or withdrawn.")
    date = fields.Datetime(string="When", required=True, readonly=True)
    source = fields.Char(string="Where", required=True, readonly=True)
    text = fields.Text(
        string="Wording",
        readonly=True,
        help="What the person read or said, word by word.",
    )

    # Read by the gate: the latest row of a person.
    _latest_idx = models.Index("(partner_id, company_id, channel, purpose, date, id)")

    @api.ondelete(at_uninstall=False)
    def _unlink_except_proof(self):
        raise UserError(
            self.env._(
                "A consent is a proof and is not deleted. It goes with its customer."
            )
        )

    @api.model
    def _record(self, partners, channel, purpose, given, source, text="", company=None):
        """Write down what people allow or withdraw: the only way to say so.

        A branch is its parent, to whom the word was given.

        :param str source: where they said it, such as "Preference centre"
        :param str text: the wording that they agreed to
        :return: the rows
        """
        company = (company or self.env.company).sudo().root_id
        values = {
            "company_id": company.id,
            "channel": channel,
            "purpose": purpose,
            "given": given,
            "date": fields.Datetime.now(),
            "source": source,
            "text": text,
        }
        rows = self.sudo().create([{**values, "partner_id": p.id} for p in partners])
        partners.invalidate_recordset(["accepts_email", "accepts_sms"])
        return rows

    @api.model
    def _sql_given(self, partner, company, channel, purpose):
        """Return SQL: the latest word of a person; NULL: none yet.

        :param SQL partner: the person's id
        """
        return SQL(
            """
            (SELECT latest.given
               FROM hstyle_consent latest
              WHERE latest.partner_id = %s
                AND latest.company_id = %s
                AND latest.channel = %s
                AND latest.purpose = %s
              ORDER BY latest.date DESC, latest.id DESC
              LIMIT 1)
            """,
            partner,
            company.id,
            channel,
            purpose,
        )

    @api.model
    def _sql_allowed(self, partner, company, channel, purpose):
        """Return SQL that is true for a person who may be written to, by consent.

        Offers need a consent where the company says so; all else goes on until it is
        withdrawn.
        """
        company = company.sudo().root_id
        asked = purpose == "marketing" and company.hstyle_opt_in
        given = self._sql_given(partner, company, channel, purpose)
        return SQL("COALESCE(%s, %s)", given, not asked)
