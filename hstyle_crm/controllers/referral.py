from odoo import fields
from odoo.http import Controller, request, route

from ..models.hstyle_referral_touch import COOKIE
from ..tools.names import get_first_name


class ReferralLink(Controller):
    """The page that a friend's link or QR code opens; it changes nothing here."""

    @route(
        "/r/<string:text>",
        type="http",
        auth="public",
        website=True,
        sitemap=False,
        readonly=True,
        methods=["GET"],
    )
    def referral_link(self, text, **_query):
        """Tell who invites and what it gives; let the browser keep the first touch.

        Messengers add to the address where it was shared: that is left out.
        """
        codes = request.env["hstyle.referral.code"].sudo()
        code = codes._find(text)
        program = self._get_program()
        response = request.render(
            "hstyle_crm.referral_invitation",
            {
                "code": code,
                "program": program,
                "headline": self._get_headline(code),
                "is_customer": not request.env.user._is_public(),
                "signup": self._is_signup_open(),
                "shop_url": self._get_shop_url(),
            },
            status=200 if code else 404,
        )
        response.headers["Cache-Control"] = "no-store"
        if code and program:
            self._keep_touch(response, code, program)
        return response

    def _get_headline(self, code):
        """Return who invites, by the first name alone."""
        company = request.env.company.sudo().name
        name = get_first_name(code.partner_id.name)
        if not name:
            return request.env._("A friend invites you to %s", company)
        return request.env._(
            "%(name)s invites you to %(company)s", name=name, company=company
        )

    def _get_program(self):
        company = request.env.company.sudo()
        programs = request.env["hstyle.referral.program"]
        return programs._get_open(company, company._hstyle_today())

    def _is_signup_open(self):
        return request.env["res.users"]._get_signup_invitation_scope() == "b2c"

    def _get_shop_url(self):
        """Return where a friend shops: the company's own site, or nowhere."""
        return request.env.company.sudo().website

    def _keep_touch(self, response, code, program):
        """Let the browser keep the touch, unless it keeps an earlier one."""
        if code._read_touch(request.cookies.get(COOKIE))[0]:
            return
        response.set_cookie(
            COOKIE,
            code._sign_touch(code, fields.Datetime.now()),
            max_age=program.window_days * 24 * 3600,
            expires=None,
            httponly=True,
            secure=request.httprequest.is_secure,
            samesite="Lax",
        )
