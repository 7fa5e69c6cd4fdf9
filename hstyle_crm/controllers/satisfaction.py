from odoo.exceptions import UserError
from odoo.http import Controller, request, route
from odoo.tools import consteq

#: Letters of the customer's own words that are kept.
LIMIT = 2000
_URL = "/satisfaction/<int:rating_id>/<string:token>"


class Satisfaction(Controller):
    """The page on which a customer says how satisfied, by a signed link."""

    @route(
        _URL,
        type="http",
        auth="public",
        website=True,
        sitemap=False,
        readonly=True,
        methods=["GET"],
    )
    def satisfaction(self, rating_id, token, score="", **_query):
        """Show the question. It changes nothing: programs open links, too.

        :param score: chosen in the message already, to be confirmed here
        """
        return self._render(self._get_rating(rating_id, token), score=score)

    @route(
        _URL,
        type="http",
        auth="public",
        website=True,
        sitemap=False,
        methods=["POST"],
    )
    def satisfaction_answer(self, rating_id, token, score="", feedback="", **_form):
        """Take the answer, once."""
        rating = self._get_rating(rating_id, token)
        try:
            rating._answer(int(score) if score.isdecimal() else 0, feedback[:LIMIT])
        except UserError as error:
            return self._render(rating, refused=str(error), feedback=feedback[:LIMIT])
        return request.redirect(request.httprequest.path)

    def _get_rating(self, rating_id, token):
        """Return the question of a link; whatever else there is, is not found.

        Who is logged in answers for oneself alone.
        """
        rating = request.env["rating.rating"].sudo().browse(rating_id).exists()
        if not rating.hstyle_question:
            raise request.not_found()
        user = request.env.user
        mine = rating.partner_id.commercial_partner_id
        own = user._is_public() or user.partner_id.commercial_partner_id == mine
        if not (own and consteq(rating._sign_satisfaction().encode(), token.encode())):
            raise request.not_found()
        lang = rating.partner_id.lang or request.env.lang
        return rating.with_context(lang=lang)

    def _render(self, rating, **values):
        values = {
            "rating": rating,
            "policy": rating._get_policy(),
            "document": rating._get_document(),
            "scores": rating._get_scores(),
            "page_name": "satisfaction",
            **values,
        }
        response = request.render("hstyle_crm.satisfaction", values)
        response.headers["Cache-Control"] = "no-store"
        # The link is a key: other sites do not hear of it.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
