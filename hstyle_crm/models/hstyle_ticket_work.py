from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import plaintext2html

from .hstyle_ticket_stage import DONE


class HstyleTicketWork(models.AbstractModel):
    """Who works on a ticket: a half of hstyle.ticket.

    One owner until it is closed; another one comes by a hand-over with a note.
    """

    _name = "hstyle.ticket.work"
    _description = "Work on tickets"

    lead_ids = fields.One2many(
        comodel_name="crm.lead",
        inverse_name="hstyle_ticket_id",
        string="Opportunities",
        groups="sales_team.group_sale_salesman",
    )

    # Read by the assignment: what colleagues have on their desks.
    _load_idx = models.Index(
        "(user_id) WHERE kind NOT IN ('solved', 'closed') AND user_id IS NOT NULL"
    )

    @api.constrains("user_id", "team_id")
    def _check_owner(self):
        for ticket in self:
            user = ticket.user_id.sudo()
            if user and not ticket._can_be_owner(user):
                raise ValidationError(
                    self.env._(
                        "%(user)s cannot own the ticket %(ticket)s: choose an active "
                        "employee of %(company)s.",
                        user=user.name,
                        ticket=ticket.name,
                        company=ticket.company_id.name,
                    )
                )

    def _can_be_owner(self, user):
        return user.active and not user.share and self.company_id in user.company_ids

    def write(self, vals):
        if "user_id" in vals:
            self._check_taken(vals["user_id"])
        before = {t: t.related_ids for t in self} if "related_ids" in vals else {}
        result = super().write(vals)
        for ticket, related in before.items():
            ticket._relate_back(related)
        if "team_id" in vals:
            self._assign()
        return result

    def _check_taken(self, user_id):
        """Refuse to take tickets from their owners without a word."""
        taken = self.filtered(
            lambda t: t.user_id and t.user_id.id != user_id and t.kind not in DONE
        )
        if taken and not self.env.su:
            raise UserError(
                self.env._(
                    "%s has an owner. Hand it over with a note.",
                    ", ".join(taken.mapped("display_name")),
                )
            )

    def _relate_back(self, before):
        """Let related tickets know of each other, and part both ways."""
        after = self.related_ids
        for other in (after - before).sudo():
            if self not in other.related_ids:
                other.related_ids |= self
        for other in (before - after).sudo():
            if self in other.related_ids:
                other.related_ids -= self

    # === ASSIGNMENT === #

    def _assign(self, besides=None):
        """Give open tickets that nobody owns to those who look after them.

        A customer with an account manager meets that one, or the deputy. All others go
        to the present member of the team with the skill and the least load for the
        capacity. A ticket for which there is nobody stays without an owner.

        :param besides: ticket → the user who shall not have it
        """
        free = self.sudo().filtered(lambda t: not t.user_id and t.kind not in DONE)
        if not free:
            return
        named, desks = free._get_named(), free._get_desks()
        users = {user for desk in desks.values() for user, *_rest in desk}
        users |= set(named.values())
        users = self._filter_agents(users)
        loads = self.env["hstyle.ticket.member"]._get_loads(users)
        chosen = defaultdict(free.browse)
        for ticket in free:
            able = users.filtered(ticket._can_be_owner)
            able -= (besides or {}).get(ticket, users.browse())
            user = named.get(ticket, users.browse()) & able
            user = user or ticket._pick(desks[ticket.team_id], able, loads)
            if user:
                loads[user] += 1
                chosen[user] |= ticket
        for user, tickets in chosen.items():
            tickets.user_id = user

    def _get_named(self):
        """Return ticket → the account manager of its customer, or the deputy."""
        customers = self.partner_id.commercial_partner_id
        members = self.env["hstyle.membership"].sudo()
        if customers:
            domain = [("partner_id", "in", customers.ids), ("manager_id", "!=", False)]
            members = members.search(domain)
        contacts = self.env["hstyle.account.manager"]._get_contacts(members)
        by_customer = members.grouped("partner_id")
        named = {}
        for ticket in self:
            member = by_customer.get(ticket.partner_id.commercial_partner_id)
            if member and member.company_id in ticket.company_id.parent_ids:
                named[ticket] = contacts[member]
        return named

    def _get_desks(self):
        """Return team → [(user who is there, member for whom)]."""
        members = (
            self.env["hstyle.ticket.member"]
            .sudo()
            .search([("team_id.company_id", "in", self.company_id.ids)])
        )
        away = members.filtered(lambda m: m._is_away()).user_id
        desks = defaultdict(list)
        for member in members.filtered("capacity"):
            user = member._get_present()
            if user and user not in away:
                desks[member.team_id].append((user, member))
        return desks

    @api.model
    def _filter_agents(self, users):
        """Return those of users who may work on tickets: no portal, no system."""
        return (
            self.env["res.users"]
            .sudo()
            .search(
                [
                    ("id", "in", [user.id for user in users]),
                    ("share", "=", False),
                    (
                        "all_group_ids",
                        "in",
                        self.env.ref("hstyle_crm.hstyle_crm_group_agent").ids,
                    ),
                ]
            )
        )

    def _pick(self, desk, users, loads):
        """Return the user of a desk for a ticket: the skilled one of least load.

        Among equals it is the turn of whoever the ticket's number points at: tickets
        that are created at the same moment do not see each other.
        """
        able = [(user, member) for user, member in desk if user in users]
        skilled = [
            (user, member)
            for user, member in able
            if not (member.intent_ids and self.intent_id)
            or self.intent_id in member.intent_ids
        ]
        seats = skilled or able
        turns = {
            seat: (place - self.id) % len(seats) for place, seat in enumerate(seats)
        }
        best = min(
            seats, key=lambda s: (loads[s[0]] / s[1].capacity, turns[s]), default=()
        )
        return best and best[0]

    def _get_helpers(self):
        """Return who can still help with a late ticket: owner or deputy, and leader."""
        members = self.team_id.sudo().staff_ids
        member = members.filtered(lambda m: m.user_id == self.user_id)
        deputy = member._get_present() if member else self.user_id
        helpers = (deputy or self.user_id) | self.team_id.manager_id
        return helpers.filtered("active")

    # === HAND-OVER === #

    def _hand_over(self, user, note, team=None):
        """Give open tickets to another owner, who is told why.

        :param user: res.users, maybe none: whoever of the team has the least load
        :param team: hstyle.ticket.team, if it is another one
        :raise UserError: if there is no note, or a ticket is done
        """
        self.check_access("write")
        if not (note or "").strip():
            raise UserError(self.env._("Say why the ticket is handed over."))
        if any(ticket.kind in DONE for ticket in self):
            raise UserError(self.env._("Reopen the ticket before you hand it over."))
        before = {ticket: ticket.user_id for ticket in self.sudo()}
        tickets = self.sudo().with_context(mail_auto_subscribe_no_notify=True)
        tickets.write({"user_id": user.id, **({"team_id": team.id} if team else {})})
        tickets._assign(besides=before)
        for ticket in self.sudo():
            ticket.message_post(
                body=plaintext2html(note),
                partner_ids=ticket.user_id.partner_id.ids,
                subtype_xmlid="mail.mt_note",
            )

    def action_take(self):
        """Become the owner of tickets that nobody owns."""
        self.user_id = self.env.user

    def action_hand_over(self):
        return self._open_wizard("hstyle.ticket.handover", self.env._("Hand over"))

    def _open_wizard(self, model, name):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "active_model": self._name,
                "active_id": self[:1].id,
                "active_ids": self.ids,
            },
        }

    # === OPPORTUNITY === #

    def action_create_opportunity(self):
        """Open a chance to sell that came of a solved ticket, once."""
        self.ensure_one()
        self.check_access("write")
        if self.kind not in DONE:
            raise UserError(
                self.env._("Solve the ticket first: then there is a time to sell.")
            )
        ticket = self.sudo()
        lead = ticket.lead_ids[:1] or ticket.lead_ids.create(ticket._prepare_lead())
        lead = lead.with_env(self.env)
        if lead.has_access("read"):
            return lead.get_formview_action()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Sales will take care of it."),
            },
        }

    def _prepare_lead(self):
        customer = self.partner_id
        return {
            "type": "opportunity",
            "name": self.name,
            "hstyle_ticket_id": self.id,
            "partner_id": customer.id,
            "email_from": self.email,
            "phone": self.phone,
            "company_id": self.company_id.id,
            "user_id": customer.commercial_partner_id.user_id.id,
            "source_id": self.env.ref("hstyle_crm.utm_source_service").id,
            "referred": self.number,
        }
