from odoo import api, models
from odoo.tools import SQL

from .hstyle_consent import CHANNELS

#: What customers decide on for themselves; answers to their questions always come.
OFFERED = ("marketing", "membership")
#: How many offers a month a customer may wish for; 0: as many as the shop sends.
WISHES = (0, 1, 2, 4)


class HstyleContactPreference(models.AbstractModel):
    """What a person chose in the preference centre: a half of res.partner."""

    _name = "hstyle.contact.preference"
    _description = "Contact preferences"

    @api.model
    def _get_choices(self):
        """Return the rows of the preference centre: purpose, label, channels."""
        purposes = dict(self._describe("purpose"))
        channels = self._describe("channel")
        return [(purpose, purposes[purpose], channels) for purpose in OFFERED]

    @api.model
    def _describe(self, name):
        field = self.env["hstyle.consent"]._fields[name]
        return field._description_selection(self.env)

    def _get_allowed(self, company):
        """Return the (channel, purpose) pairs by which the person may be written to."""
        self.ensure_one()
        consents = self.env["hstyle.consent"].sudo()
        pairs = [(channel, purpose) for purpose in OFFERED for channel, _l in CHANNELS]
        consents.flush_model()
        columns = [
            consents._sql_allowed(SQL("%s", self.id), company, channel, purpose)
            for channel, purpose in pairs
        ]
        [row] = self.env.execute_query(SQL("SELECT %s", SQL(", ").join(columns)))
        return {pair for pair, allowed in zip(pairs, row, strict=True) if allowed}

    def _set_allowed(self, company, allowed, source, text=""):
        """Record what the person changed, as given or withdrawn."""
        before = self._get_allowed(company)
        for channel, purpose in sorted(before ^ set(allowed)):
            self.env["hstyle.consent"]._record(
                self,
                channel,
                purpose,
                (channel, purpose) in allowed,
                source,
                text,
                company=company,
            )
