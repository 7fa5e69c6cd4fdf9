from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

#: What is kept beside a document, and the names of its two columns.
BESIDE = (
    ("mail.message", "model", "res_id"),
    ("mail.activity", "res_model", "res_id"),
    ("ir.attachment", "res_model", "res_id"),
    ("rating.rating", "res_model", "res_id"),
    ("calendar.event", "res_model", "res_id"),
)
#: What belongs to the clock of a ticket, and stays with it.
STAYS = ("hstyle.ticket", "hstyle.ticket.pause", "hstyle.ticket.breach")
#: What a merged ticket leaves to one that does not know.
LEFT = (
    "partner_id",
    "email",
    "phone",
    "intent_id",
    "reason_id",
    "order_id",
    "shop_order_id",
    "product_id",
    "user_id",
)


class HstyleTicketUnion(models.AbstractModel):
    """Two tickets of one matter become one, and one of two becomes two.

    A half of hstyle.ticket. A merged ticket is closed for good; what is said on it
    afterwards is said on the one that it became part of.
    """

    _name = "hstyle.ticket.union"
    _description = "Merge and split of tickets"

    merged_ids = fields.One2many(
        comodel_name="hstyle.ticket",
        inverse_name="merged_into_id",
        string="Merged tickets",
    )

    @api.constrains("stage_id")
    def _check_merged(self):
        for ticket in self:
            if ticket.merged_into_id and ticket.kind != "closed":
                raise ValidationError(
                    self.env._(
                        "%(ticket)s is a part of %(survivor)s. Work on that one.",
                        ticket=ticket.number,
                        survivor=ticket.merged_into_id.number,
                    )
                )

    def _get_survivors(self):
        """Return the tickets, and in place of merged ones what they became part of."""
        merged = self.filtered("merged_into_id")
        return self - merged | merged.merged_into_id

    def message_post(self, **kwargs):
        said = kwargs.get("message_type") in ("comment", "email")
        ticket = self._get_survivors() if said else self
        return super(HstyleTicketUnion, ticket).message_post(**kwargs)

    # === MERGE === #

    def _merge(self, others):
        """Make other tickets of the customer a part of this one, and close them.

        :raise UserError: if one is another customer's or company's, or merged before
        """
        self.ensure_one()
        tickets = self | others
        tickets.check_access("write")
        tickets.lock_for_update()
        ticket, others = self.sudo(), (others - self).sudo()
        ticket._check_mergeable(others)
        ticket._take_clock(others)
        ticket._take_appointment(others)
        ticket._take_facts(others)
        ticket._take_rows(others)
        others._end_in(ticket)

    def _check_mergeable(self, others):
        tickets = self | others
        if not others:
            raise UserError(self.env._("Choose two tickets or more."))
        if tickets.merged_into_id or "closed" in tickets.mapped("kind"):
            raise UserError(self.env._("Choose tickets that are not closed."))
        if len(tickets.company_id) > 1 or len(self._get_customers(tickets)) > 1:
            raise UserError(
                self.env._("Choose tickets of one customer: each reads what is in it.")
            )

    @api.model
    def _get_customers(self, tickets):
        """Return who wants something: a customer, or an unknown sender."""
        known = tickets.partner_id.commercial_partner_id
        mails = set(tickets.filtered(lambda t: not t.partner_id).mapped("email"))
        return [*known, *(mails - {False, *known.mapped("email")})]

    def _take_clock(self, others):
        """Count from the first word of the customer, and the first answer."""
        first = min(self | others, key=lambda ticket: ticket.opened_at)
        if first != self:
            for pause in first.pause_ids.filtered(lambda p: p.start < self.opened_at):
                stop = min(pause.stop or self.opened_at, self.opened_at)
                pause.copy({"ticket_id": self.id, "stop": stop})
            self.opened_at = first.opened_at
        answered = (self | others).filtered("answered_at")
        early = min(answered, key=lambda ticket: ticket.answered_at, default=self)
        self.answered_at = early.answered_at
        self.answer_verdict = self.answer_verdict or early.answer_verdict
        self.reopen_count += sum(others.mapped("reopen_count"))

    def _take_appointment(self, others):
        """Keep one time that is booked: this ticket's own if it is ahead."""
        kept = (self._get_next_appointment() or others._get_next_appointment())[:1]
        booked = (self | others).appointment_ids.filtered(lambda a: a.state == "booked")
        (booked - kept)._give_way(told=True)
        kept.pause_id.ticket_id = self

    def _take_facts(self, others):
        # Who left the company owns nothing new.
        owned = others.filtered(lambda t: t.user_id.active)
        values = {
            name: next(
                (t[name] for t in (owned if name == "user_id" else others) if t[name]),
                False,
            )
            for name in LEFT
            if not self[name]
        }
        self.write({**values, "priority": max((self | others).mapped("priority"))})
        self.tag_ids |= others.tag_ids
        self.order_line_ids |= others.order_line_ids
        self.related_ids |= others.related_ids - self - others
        self._plan()

    def _take_rows(self, others):
        """Take what others wrote, filed and noted about the merged tickets."""
        # A number that no question of the surviving ticket has, or will have.
        for rating in others.rating_ids:
            rating.hstyle_round = -rating.id
        for model, _model_name, _id_name in BESIDE:
            self._move(model, others)
        self.message_subscribe(others.message_partner_ids.ids)
        self.env["hstyle.solution.use"]._merge_tickets(self | others)
        for field in self._get_pointers():
            records = self.env[field.model].sudo().with_context(active_test=False)
            is_reference = field.ttype == "reference"
            old = [f"hstyle.ticket,{n}" for n in others.ids]
            found = records.search(
                [(field.name, "in", old if is_reference else others.ids)]
            )
            found[field.name] = f"hstyle.ticket,{self.id}" if is_reference else self

    @api.model
    def _get_pointers(self):
        """Return the fields of other models that point to tickets."""
        found = self.env["ir.model.fields"].search(
            [
                "|",
                ("model", "=like", "hstyle.%"),
                ("name", "=like", "hstyle_%"),
                ("model", "not in", STAYS),
                ("store", "=", True),
                "|",
                ("ttype", "=", "reference"),
                "&",
                ("ttype", "=", "many2one"),
                ("relation", "=", "hstyle.ticket"),
            ]
        )
        return found.filtered(
            lambda f: self.env[f.model]._auto and not self.env[f.model]._transient
        )

    def _move(self, model, others, rows=None):
        """Move rows of a model that are kept beside tickets to this one."""
        names = {name: (a, b) for name, a, b in BESIDE}[model]
        domain = [(names[0], "=", self._name), (names[1], "in", others.ids)]
        if rows is not None:
            domain.append(("id", "in", rows.ids))
        self.env[model].sudo().search(domain)[names[1]] = self.id
        # The host does not update what it has read of both.
        (self | others).invalidate_recordset()

    def _end_in(self, survivor):
        """Close tickets as parts of another, and tell so on both."""
        parts = self | self.merged_ids
        parts.merged_into_id = survivor
        self.stage_id = self._get_stage("closed")
        for ticket in self:
            text = self.env._("%s was merged into this ticket.", ticket.display_name)
            said = Markup("<p>%s</p>%s") % (text, ticket.description or "")
            survivor._message_log(body=said)
            ticket._message_log(
                body=self.env._("Merged into %s.", survivor.display_name)
            )

    # === SPLIT === #

    def _take_pauses(self, ticket):
        """Copy how long the customer was waited for since this one's first word."""
        now = fields.Datetime.now()
        for pause in ticket.pause_ids:
            start, stop = max(pause.start, self.opened_at), pause.stop or now
            if start < stop:
                pause.copy({"ticket_id": self.id, "start": start, "stop": stop})

    def _split(self, messages, name, intent=None):
        """Make a ticket of its own of some messages; return it.

        Its time runs from the first of them.

        :param messages: mail.message of this ticket
        :raise UserError: if there are none, or one is of something else
        """
        self.ensure_one()
        self.check_access("write")
        if not messages or messages - self.message_ids:
            raise UserError(self.env._("Choose messages of this ticket."))
        ticket, messages = self.sudo(), messages.sudo()
        part = ticket.copy(
            {
                "name": name,
                "description": False,
                "intent_id": (intent or ticket.intent_id).id,
                "user_id": ticket.user_id.id if ticket.user_id.active else False,
            }
        )
        part.opened_at = min(messages.mapped("date"))
        part._take_pauses(ticket)
        part._plan()
        part._move("mail.message", ticket, messages)
        part._move("ir.attachment", ticket, messages.attachment_ids)
        part.message_subscribe(ticket.message_partner_ids.ids)
        part.related_ids = ticket
        part._message_log(body=self.env._("Split from %s.", ticket.display_name))
        ticket._message_log(body=self.env._("Split off: %s.", part.display_name))
        return part.with_env(self.env)
