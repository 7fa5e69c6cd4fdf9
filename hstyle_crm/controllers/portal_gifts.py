from base64 import b64encode
from datetime import date

from odoo.exceptions import UserError
from odoo.http import request, route
from odoo.tools.image import image_process

from .portal_agent import AgentPortal

#: Bytes of a photo that we take.
LIMIT = 8_000_000
#: Longest side of a photo that we keep.
SIDE = 1280


class GiftPortal(AgentPortal):
    """The birthdays that an agent's classmates have, and the list of them."""

    @route(
        "/my/agent/birthdays",
        type="http",
        auth="user",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_agent_birthdays(self, done=None):
        """Show which gifts are to be handed out, and the agent's classmates."""
        agent = self._get_agent()
        if not agent:
            return request.redirect("/my/agent/apply")
        return self._render_birthdays(agent, done=done)

    @route(
        "/my/agent/gifts/<int:gift_id>",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_agent_gift(self, gift_id, receiver="", photo=None, pack_id=""):
        """Record that a gift was handed out."""
        agent = self._get_agent()
        gift = self._get_own("hstyle.gift", gift_id, agent)
        pack = self._get_packs(agent).filtered(lambda one: str(one.id) == pack_id)

        def hand_out():
            picture = self._read_photo(photo)
            gift._hand_out(receiver=receiver[:100], photo=picture, pack=pack)

        return self._do(agent, hand_out, "gift")

    @route(
        "/my/agent/classmates", type="http", auth="user", website=True, methods=["POST"]
    )
    def portal_agent_classmate(self, **form):
        """Put a classmate who agreed on the list."""
        agent = self._get_agent()

        def add():
            if not form.get("agreed"):
                message = request.env._("Only who agreed goes on your list.")
                raise UserError(message)
            request.env["hstyle.roster"].sudo()._add(agent, form)

        return self._do(agent, add, "classmate", form=form)

    @route(
        "/my/agent/classmates/<int:entry_id>/remove",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_agent_forget(self, entry_id):
        """Take a classmate off the list, with what is not handed out yet."""
        agent = self._get_agent()
        entry = self._get_own("hstyle.roster", entry_id, agent)
        return self._do(agent, entry.unlink, "removed")

    # === HELPERS === #

    def _get_own(self, model, record_id, agent):
        """Return a record of the agent; whatever else there is, is not found."""
        domain = [("id", "=", record_id), ("agent_id", "=", agent.id)]
        record = agent and request.env[model].sudo().search(domain)
        if not record:
            raise request.not_found()
        return record

    def _do(self, agent, work, done, **values):
        """Work and say so, or show the page again with what is wrong."""
        if not agent:
            raise request.not_found()
        try:
            with request.env.cr.savepoint():
                work()
        except UserError as error:
            return self._render_birthdays(agent, refused=str(error), **values)
        return request.redirect(f"/my/agent/birthdays?done={done}")

    def _get_packs(self, agent):
        """Return the packs of which the agent has some, or had."""
        packs = request.env["hstyle.gift.pack"].sudo()
        return packs.union(*agent._get_gift_stock()[agent]) if agent else packs

    def _read_photo(self, upload):
        """Return an uploaded photo as base64: smaller, and without where it was taken.

        :raise UserError: if it is too large, or no photo
        """
        content = upload.read(LIMIT + 1) if hasattr(upload, "read") else b""
        if not content:
            return None
        if len(content) > LIMIT:
            raise UserError(
                request.env._("The photo is too large; take a smaller one.")
            )
        small = image_process(
            content, size=(SIDE, SIDE), verify_resolution=True, quality=85
        )
        return b64encode(small)

    def _render_birthdays(self, agent, form=None, **values):
        today = agent.company_id._hstyle_today()
        domain = [
            ("agent_id", "=", agent.id),
            ("state", "=", "todo"),
            ("due_on", "<=", today),
        ]
        return self._render(
            "agent_birthdays",
            agent=agent,
            today=today,
            gifts=request.env["hstyle.gift"].sudo().search(domain),
            stock=agent._get_gift_stock()[agent],
            classmates=request.env["hstyle.roster"]
            .sudo()
            .search([("agent_id", "=", agent.id)]),
            form=form or {},
            say_birthday=self._say_birthday,
            **values,
        )

    def _say_birthday(self, entry):
        # Of a year that has each day.
        day = date(2000, entry.birth_month, entry.birth_day)
        return self._say(day, "MMMd")
