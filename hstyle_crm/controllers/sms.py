import logging

from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from odoo import SUPERUSER_ID
from odoo.http import Controller, request, route

from ..tools import tencent

_logger = logging.getLogger(__name__)

#: Bytes of a push that we read.
LIMIT = 1_000_000


class SmsCallback(Controller):
    """What the provider pushes: customers' replies, and reports of deliveries."""

    @route(
        "/hstyle/sms/<int:company_id>/<string:token>",
        type="http",
        auth="public",
        methods=["POST"],
        csrf=False,  # a machine calls; the token tells which
        save_session=False,
    )
    def hstyle_sms(self, company_id, token, **_query):
        """Take a push in; the provider repeats it unless the result is 0."""
        companies = request.env["res.company"].with_user(SUPERUSER_ID)
        company = companies.browse(company_id).exists()
        if not company._is_sms_token(token):
            raise NotFound()
        if (request.httprequest.content_length or LIMIT + 1) > LIMIT:
            raise RequestEntityTooLarge()
        try:
            received = self._read(request.get_json_data())
        except (ValueError, KeyError, TypeError, AttributeError):
            _logger.warning("hstyle_crm: a push of the SMS provider is malformed")
            return request.make_json_response({"result": 1, "errmsg": "malformed"})
        self._take(company, *received)
        return request.make_json_response({"result": 0, "errmsg": "OK"})

    def _read(self, push):
        """Return the reports of a push, and its replies."""
        if isinstance(push, list):
            return tencent.read_reports(push), []
        return {}, [tencent.read_reply(push)]

    def _take(self, company, reports, replies):
        company.env["sms.tracker"]._report(reports)
        for number, text, ref in replies:
            company.env["hstyle.sms.reply"]._receive(company, number, text, ref)
