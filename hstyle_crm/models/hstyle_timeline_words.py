from odoo import api, fields, models
from odoo.tools import format_date, html2plaintext

from .hstyle_timeline_source import ROOM

#: Characters of a message that the timeline shows.
_ENOUGH = 120


class HstyleTimelineWords(models.AbstractModel):
    """A row of the timeline in the reader's words: a half of hstyle.timeline."""

    _name = "hstyle.timeline.words"
    _description = "Words of the timeline"

    name = fields.Char(string="What", compute="_compute_name")

    @api.depends("kind")
    @api.depends_context("lang")
    def _compute_name(self):
        """Say each row by the record that it comes from; one query for each source."""
        sources = self._get_sources()
        for number, rows in self.grouped(lambda row: row._origin.id % ROOM).items():
            # Who reads the row may read its source, but maybe not all that it names.
            records = self._get_origins(number, sources[number]["model"], rows).sudo()
            for row, record in zip(rows, records, strict=True):
                row.name = getattr(self, f"_say_{row.kind}")(record)

    @api.model
    def _get_origins(self, number, model, rows):
        """Return the records that say what happened, in the order of the rows."""
        if number in (8, 16):
            model = "mail.message"
        elif number == 2:
            model = "account.move.line"
        return self.env[model].browse([row._origin.id // ROOM for row in rows])

    @api.model
    def _join_words(self, *words):
        return " · ".join(word for word in words if word)

    @api.model
    def _get_label(self, record, name):
        """Return what a selection says, or nothing."""
        labels = dict(record._fields[name]._description_selection(self.env))
        return labels.get(record[name], "")

    @api.model
    def _shorten(self, text):
        text = " ".join(text.split())
        return text if len(text) <= _ENOUGH else f"{text[:_ENOUGH].rstrip()}…"

    # === WHAT HAPPENED === #

    @api.model
    def _say_order(self, order):
        return order.name

    @api.model
    def _say_refund(self, line):
        return self._join_words(line.move_id.name, line.move_id.invoice_origin)

    @api.model
    def _say_points(self, row):
        return self._join_words(self._get_label(row, "kind"), row.description)

    @api.model
    def _say_tier(self, move):
        names = (move.grade_from_id.name or "–", move.grade_to_id.name or "–")
        way = " → ".join(names) if names[0] != names[1] else names[0]
        cause = self._get_label(move, "cause")
        return self._join_words(self._get_label(move, "kind"), way, cause, move.note)

    @api.model
    def _say_benefit(self, use):
        return self._join_words(use.benefit_id.name, use.note)

    @api.model
    def _say_goodwill(self, goodwill):
        return self._join_words(
            self._get_label(goodwill, "kind"),
            goodwill.reason_id.name,
            self._get_label(goodwill, "state"),
        )

    @api.model
    def _say_ticket(self, ticket):
        return self._join_words(ticket.number, ticket.name, ticket.stage_id.name)

    @api.model
    def _say_answer(self, message):
        text = self._shorten(html2plaintext(message.body or ""))
        author = message.author_id.name or message.email_from
        return self._join_words(author, text)

    @api.model
    def _say_score(self, rating):
        words = self.env._("Satisfaction: %s of 5", int(rating.rating))
        return self._join_words(words, self._shorten(rating.feedback or ""))

    @api.model
    def _say_care(self, card):
        fall = f"{card.previous_score} → {card.score}"
        outcome = self._get_label(card, "outcome")
        return self._join_words(
            fall, outcome or self.env._("To do"), self._shorten(card.note or "")
        )

    @api.model
    def _say_promise(self, promise):
        until = self.env._("until %s", format_date(self.env, promise.due_on))
        return self._join_words(promise.name, until, self._get_label(promise, "state"))

    @api.model
    def _say_call(self, message):
        return self._shorten(html2plaintext(message.body or ""))

    @api.model
    def _say_todo(self, todo):
        return self._join_words(todo.name, self._get_label(todo, "result"), todo.note)

    @api.model
    def _say_visit(self, visit):
        if visit._name == "calendar.event":
            return self._join_words(visit.name, visit.location)
        return self._join_words(
            self.env._("Appointment"), self._get_label(visit, "state")
        )

    @api.model
    def _say_message(self, contact):
        waits = contact.state == "waiting" and self._get_label(contact, "state")
        return self._join_words(
            contact.what or self._get_label(contact, "purpose"), waits
        )

    @api.model
    def _say_refused(self, contact):
        what = contact.what or self._get_label(contact, "purpose")
        return self._join_words(what, self._get_label(contact, "reason"))
