from werkzeug.exceptions import Forbidden

from odoo import http
from odoo.http import request


class Call(http.Controller):
    @http.route("/hstyle/call/<string:number>", type="http", auth="user")
    def hstyle_call(self, number):
        """Show who calls: an address that a telephone system opens."""
        calls = request.env["hstyle.call"]
        if not calls.has_access("create"):
            raise Forbidden
        call = calls.create({"number": number})
        return request.redirect(f"/odoo/call/{call.id}")
