from freezegun import freeze_time
from lxml import etree

from odoo import Command, fields

from .common import HstyleTiersCommon
from .test_hstyle_goodwill import HstyleGoodwillCommon
from .test_hstyle_satisfaction import NOW, HstyleSatisfactionCommon


class HstyleCustomerCommon(
    HstyleGoodwillCommon, HstyleSatisfactionCommon, HstyleTiersCommon
):
    """A customer with whom everything has happened that the timeline shows."""

    def _live(self, partner=None, times=1):
        """Let everything happen to a customer, so many times."""
        partner = partner or self.partner
        partner.email = partner.email or f"{partner.id}@example.com"
        for number in range(times):
            order = self._sell(2 if number else 15, partner=partner)
            self._refund(self._invoice(order), 1)
            ref, day = f"{partner.id}-{number}", "2026-03-01"
            self._import([(ref, "1", day, ref, partner.name, "Dress", "10")])
            bought = self.env["hstyle.order"].search([("name", "=", ref)])
            bought.partner_id = partner
            self._serve(partner)
        return partner

    def _serve(self, partner):
        """Let service, and a meeting, happen to a customer."""
        asked = self.env["rating.rating"].search_count(
            [("partner_id", "=", partner.id)]
        )
        for number, score, words in ((0, 5, ""), (1, 4, "It was late")):
            moment = fields.Datetime.add(NOW, days=40 * (asked + number))
            self._rate(score, partner, moment, words)
        ticket = self._open(NOW, partner_id=partner.id)
        ticket.message_post(
            body="We look for it",
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )
        ticket._compensate("points", 5, self.reason)
        self.env["hstyle.promise"].with_user(self.agent).create(
            {"name": "Call back", "partner_id": partner.id, "due_on": "2099-01-01"}
        )
        with freeze_time(NOW):
            partner._filter_contactable("sms", "marketing", "Sale")
            gate = {"channel": "email", "purpose": "service", "company": self.company}
            self.env["hstyle.contact"]._log(
                partner.ids, "sent", None, whats=["News"], **gate
            )
        self._meet(partner)
        task = {"partner_id": partner.id, "user_id": self.agent.id, "reason": "call"}
        task |= {"company_id": self.company.id, "name": "Say thanks"}
        key = str(self.env["hstyle.todo"].search_count([]))
        self.env["hstyle.todo"]._add([{**task, "key": key}])._finish("reached")
        partner.message_post(body="Spoke", subtype_xmlid="hstyle_crm.mt_call")
        self.gold.benefit_ids = [Command.create({"name": "Wrapping"})]
        self.gold.benefit_ids[-1:]._use(partner)

    def _meet(self, partner, **values):
        guests = partner | self.agent.partner_id
        return self.env["calendar.event"].create(
            {
                "name": "Fitting",
                "start": NOW,
                "stop": fields.Datetime.add(NOW, hours=1),
                "user_id": self.agent.id,
                "partner_ids": guests.ids,
                **values,
            }
        )

    def _get_specification(self, view_xmlid, user):
        """Return what the web client reads of a form view, for a user."""
        view = self.env.ref(view_xmlid)
        model = self.env[view.model].with_user(user)
        arch = model.get_views([(view.id, "form")])["views"]["form"]["arch"]
        return self._specify(etree.fromstring(arch))

    def _specify(self, node):
        """Return the fields below a node of a view, with those of views inside."""
        found = {}
        for field in node.xpath(
            ".//field[count(ancestor::field) = $n]",
            n=len(node.xpath("ancestor-or-self::field")),
        ):
            below = self._specify(field)
            name = {"fields": {"display_name": {}}}
            found[field.get("name")] = {"fields": below, "limit": 40} if below else name
        return found

    def _get_timeline(self, user=None, partner=None):
        rows = self.env["hstyle.timeline"].with_user(user or self.agent)
        return rows.search([("partner_id", "=", (partner or self.partner).id)])
