import logging
from datetime import UTC, datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import consteq, hmac

_logger = logging.getLogger(__name__)

#: The visitor's browser keeps the first touch under this name.
COOKIE = "hstyle_referral"


class HstyleReferralTouch(models.AbstractModel):
    """The first touch: when a visitor opened a link. A part of hstyle.referral.code.

    The browser keeps it as a text that we sign: the id of the code, the second and the
    signature. An id stays when the code is renamed, and goes into a cookie as it is.
    """

    _name = "hstyle.referral.touch"
    _description = "First touch of a link"

    @api.model
    def _sign_touch(self, code, moment):
        """Return the text that a browser keeps of a touch.

        :param code: the code of the link
        :param datetime moment: naive, in UTC
        """
        touch = f"{code.id}.{int(moment.replace(tzinfo=UTC).timestamp())}"
        return f"{touch}.{self._get_touch_signature(touch)}"

    @api.model
    def _read_touch(self, text):
        """Return the code of a touch and its moment; or none and None.

        A touch is none if its signature is wrong, its code is gone, or the window of
        the programme is over.
        """
        nothing = self.browse(), None
        touch, _dot, signature = (text or "").rpartition(".")
        expected = self._get_touch_signature(touch)
        if not consteq(expected.encode(), signature.encode()):
            return nothing
        code_id, second = map(int, touch.split("."))
        moment = datetime.fromtimestamp(second, UTC).replace(tzinfo=None)
        code = self.sudo().browse(code_id).exists()
        if not code or moment + self._get_touch_window() <= fields.Datetime.now():
            return nothing
        return code, moment

    @api.model
    def _claim_touch(self, text, friend):
        """Claim a friend for the touch that the browser kept, if it holds.

        What is wrong with a claim is never the friend's fault: it is logged.
        """
        code, moment = self._read_touch(text)
        if not code:
            return
        try:
            with self.env.cr.savepoint():
                referrals = self.env["hstyle.referral"].sudo()
                referrals._claim(code.code, friend, "link", moment)
        except UserError as error:
            _logger.info("hstyle_crm: no referral for %s: %s", friend, error)

    @api.model
    def _get_touch_window(self):
        """Return how long a touch holds now; without a programme it does not."""
        company = self.env.company.sudo()
        programs = self.env["hstyle.referral.program"]
        program = programs._get_open(company, company._hstyle_today())
        return timedelta(days=program.window_days or -1)

    @api.model
    def _get_touch_signature(self, touch):
        return hmac(self.env(su=True), "hstyle_referral_touch", touch)
