from odoo.http import Controller, request, route
from odoo.tools import consteq

from ..models.hstyle_consent import CHANNELS
from ..models.hstyle_contact_preference import OFFERED, WISHES


class PreferenceCentre(Controller):
    """Where customers choose what we send them, and how."""

    @route("/my/preferences", type="http", auth="user", website=True)
    def my_preferences(self, **form):
        """Show the visitor's own choices, or save them."""
        person = request.env.user.partner_id.sudo()
        return self._answer(person, request.env.company.sudo(), form)

    @route(
        "/preferences/<int:mail_id>/<string:token>",
        type="http",
        auth="public",
        website=True,
        sitemap=False,
    )
    def preferences(self, mail_id, token, **form):
        """Show or save the choices of who got a mail, without login."""
        mails = request.env["mail.mail"].sudo()
        if not consteq(mails._sign_preferences(mail_id).encode(), token.encode()):
            raise request.not_found()
        domain = [("key", "=", f"mail:{mail_id}")]
        contact = request.env["hstyle.contact"].sudo().search(domain, limit=1)
        if not contact:
            raise request.not_found()
        return self._answer(contact.partner_id, contact.company_id, form)

    def _answer(self, person, company, form):
        saved = request.httprequest.method == "POST"
        if saved:
            self._save(person, company, form)
        values = {
            "person": person,
            "company": company,
            "choices": person._get_choices(),
            "allowed": person._get_allowed(company),
            "wishes": WISHES,
            "saved": saved,
            "page_name": "preferences",
        }
        return request.render("hstyle_crm.preferences", values)

    def _save(self, person, company, form):
        """Write down the choices; what is not of the form is left out."""
        allowed = {
            (channel, purpose)
            for purpose in OFFERED
            for channel, _label in CHANNELS
            if form.get(f"{purpose}_{channel}")
        }
        source = request.env._("Preference centre")
        person._set_allowed(company, allowed, source, form.get("reason", "")[:500])
        preferred = form.get("preferred_channel")
        wishes = {str(wish): wish for wish in WISHES}
        person.write(
            {
                "preferred_channel": preferred
                if preferred in dict(CHANNELS)
                else False,
                "offer_cap": wishes.get(form.get("offer_cap"), 0),
            }
        )
