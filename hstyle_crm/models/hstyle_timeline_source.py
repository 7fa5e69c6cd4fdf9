from odoo import api, models
from odoo.tools import SQL

#: The columns of a source, and what they are where it does not say.
COLUMNS = {
    "kind": "NULL::varchar",
    "date": "NULL::timestamp",
    "partner_id": "contact.commercial_partner_id",
    "company_id": "NULL::integer",
    "amount": "NULL::numeric",
    "points": "NULL::numeric",
    "shop_id": "NULL::integer",
    "channel": "NULL::varchar",
    "user_id": "NULL::integer",
    "res_model": "NULL::varchar",
    "res_id": "NULL::integer",
}
#: Sources that there may be: a row's id is that of its source times this, plus the
#: number of the source.
ROOM = 32
#: Where a source has a day alone, it is noon: the same day in most of the world.
_NOON = "interval '12 hours'"
_RATE = "COALESCE(NULLIF({}.currency_rate, 0), 1)"
# Credit notes of an order; beside the order, as a lateral join, or all would be read.
_REFUNDS = """
LATERAL (
    SELECT min(aml.id) AS id, move.invoice_date AS day,
           sum(aml.price_total) / COALESCE(NULLIF(
               CASE WHEN move.currency_id = sale_order.currency_id
                    THEN sale_order.currency_rate
                    ELSE move.invoice_currency_rate END, 0), 1) AS amount
      FROM (SELECT DISTINCT rel.invoice_line_id
              FROM sale_order_line sol
              JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = sol.id
             WHERE sol.order_id = sale_order.id) invoiced
      JOIN account_move_line aml
        ON aml.id = invoiced.invoice_line_id
       AND aml.display_type = 'product'
      JOIN account_move move
        ON move.id = aml.move_id
       AND move.move_type = 'out_refund'
       AND move.state = 'posted'
     GROUP BY move.id)
"""
# Of several customers who are at a meeting, it stands with the first.
_FIRST = """
NOT EXISTS (
    SELECT FROM calendar_event_res_partner_rel other
      JOIN res_partner guest ON guest.id = other.res_partner_id
     WHERE other.calendar_event_id = calendar_event.id
       AND guest.partner_share
       AND guest.id < contact.id)
"""


class HstyleTimelineSource(models.AbstractModel):
    """Where the rows of `hstyle.timeline` come from."""

    _name = "hstyle.timeline.source"
    _description = "Sources of the timeline"

    @api.model
    def _sql_sources(self):
        """Return the query of all sources, each as the reader may see it."""
        queries = [self._sql_source(*source) for source in self._get_sources().items()]
        known = [query for query in queries if query]
        return SQL(" UNION ALL ").join(known) if known else self._sql_nothing()

    @api.model
    def _sql_nothing(self):
        columns = COLUMNS | {"partner_id": "NULL::integer"}
        columns = ", ".join(f"{value} AS {name}" for name, value in columns.items())
        return SQL(
            "SELECT 0::bigint AS id, 0 AS source_id, 0 AS source, %s WHERE FALSE",
            SQL(columns),
        )

    @api.model
    def _sql_source(self, number, source):
        """Return the query of a source, or nothing for who may not read it."""
        records = self.env[source["model"]].with_context(active_test=False)
        if not records.has_access("read"):
            return None
        query = records._search(source["domain"])
        if query.is_empty():
            return None
        for alias, (table, condition) in source["joins"].items():
            query.add_join("JOIN", alias, SQL(table), SQL(condition))
        columns = COLUMNS | source["columns"]
        return query.select(
            f"{source['id']} * {ROOM}::bigint + {number} AS id",
            f"{source['id']} AS source_id",
            f"{number} AS source",
            *(f"{value} AS {name}" for name, value in columns.items()),
        )

    @api.model
    def _source(self, model, domain=(), joins=None, key=None, **columns):
        """Return a source.

        :param str model: what is read, under the reader's own rules
        :param dict joins: alias → (table, condition); without an alias ``contact``,
            the one whom the records' ``partner_id`` says is joined. Each leaves one row
            of an id.
        :param str key: SQL of the id, if it is not that of the model
        :param columns: column → SQL
        """
        table = self.env[model]._table
        joins = dict(joins or {})
        if "contact" not in joins:
            condition = f"contact.id = {table}.partner_id"
            joins["contact"] = ("res_partner", condition)
        return {
            "model": model,
            "domain": list(domain),
            "joins": joins,
            "id": key or f"{table}.id",
            "columns": columns,
        }

    @api.model
    def _get_sources(self):
        """Return number → source. A number is never used again for another one."""
        return {
            **self._get_order_sources(),
            **self._get_member_sources(),
            **self._get_service_sources(),
            **self._get_meeting_sources(),
        }

    @api.model
    def _get_subtype(self, xmlid):
        """Return the id of a subtype, without a query."""
        return self.env["ir.model.data"]._xmlid_to_res_id(
            xmlid, raise_if_not_found=True
        )

    @api.model
    def _get_order_sources(self):
        sale = {
            "domain": [("state", "=", "sale")],
            "company_id": "sale_order.company_id",
            "user_id": "sale_order.user_id",
            "res_model": "'sale.order'",
            "res_id": "sale_order.id",
        }
        paid = "hstyle_order.amount_paid - hstyle_order.amount_refund"
        return {
            1: self._source(
                "sale.order",
                kind="'order'",
                date="sale_order.date_order",
                amount=f"sale_order.amount_total / {_RATE.format('sale_order')}",
                **sale,
            ),
            2: self._source(
                "sale.order",
                joins={"refund": (_REFUNDS, "TRUE")},
                key="refund.id",
                kind="'refund'",
                date=f"refund.day + {_NOON}",
                amount="-refund.amount",
                **sale,
            ),
            3: self._source(
                "hstyle.order",
                [("state", "=", "paid")],
                kind="'order'",
                date="hstyle_order.date_order",
                company_id="hstyle_order.company_id",
                amount=f"({paid}) / {_RATE.format('hstyle_order')}",
                shop_id="hstyle_order.shop_id",
                res_model="'hstyle.order'",
                res_id="hstyle_order.id",
            ),
        }

    @api.model
    def _get_member_sources(self):
        # Of the day of business only the ledger knows the day; its hour is that of the
        # posting, unless it was posted later.
        posted = "loyalty_history.create_date"
        moment = (
            f"CASE WHEN abs(loyalty_history.date - {posted}::date) < 2 THEN {posted} "
            f"ELSE loyalty_history.date + {_NOON} END"
        )
        return {
            4: self._source(
                "loyalty.history",
                [("kind", "!=", False)],
                {
                    "card": ("loyalty_card", "card.id = loyalty_history.card_id"),
                    "contact": ("res_partner", "contact.id = card.partner_id"),
                },
                kind="'points'",
                date=moment,
                company_id="card.company_id",
                points="loyalty_history.points",
                user_id="loyalty_history.create_uid",
                res_model="'loyalty.card'",
                res_id="card.id",
            ),
            5: self._source(
                "hstyle.tier.move",
                kind="'tier'",
                date=f"hstyle_tier_move.date + {_NOON}",
                company_id="hstyle_tier_move.company_id",
                user_id="hstyle_tier_move.user_id",
            ),
            6: self._source(
                "hstyle.benefit.use",
                kind="'benefit'",
                date=f"hstyle_benefit_use.date + {_NOON}",
                company_id="hstyle_benefit_use.company_id",
                user_id="hstyle_benefit_use.user_id",
            ),
        }

    @api.model
    def _get_service_sources(self):
        ticket = {
            "company_id": "hstyle_ticket.company_id",
            "res_model": "'hstyle.ticket'",
            "res_id": "hstyle_ticket.id",
        }
        comment = self._get_subtype("mail.mt_comment")
        said = (
            "said.model = 'hstyle.ticket' AND said.res_id = hstyle_ticket.id "
            f"AND said.subtype_id = {comment} "
            "AND said.message_type IN ('comment', 'email') "
            "AND said.is_internal IS NOT TRUE"
        )
        return {
            7: self._source(
                "hstyle.ticket",
                [("merged_into_id", "=", False)],
                kind="'ticket'",
                date="hstyle_ticket.opened_at",
                channel="hstyle_ticket.channel",
                user_id="hstyle_ticket.user_id",
                **ticket,
            ),
            8: self._source(
                "hstyle.ticket",
                joins={"said": ("mail_message", said)},
                key="said.id",
                kind="'answer'",
                date="said.date",
                **ticket,
            ),
            9: self._source(
                "rating.rating",
                [("hstyle_question", "!=", False), ("consumed", "=", True)],
                kind="'score'",
                date="rating_rating.rated_on",
                company_id="rating_rating.hstyle_company_id",
                channel="rating_rating.hstyle_asked_by",
                res_model="rating_rating.res_model",
                res_id="rating_rating.res_id",
            ),
            10: self._source(
                "hstyle.goodwill",
                kind="'goodwill'",
                date="hstyle_goodwill.create_date",
                company_id="hstyle_goodwill.company_id",
                amount="hstyle_goodwill.amount",
                user_id="hstyle_goodwill.user_id",
                res_model="'hstyle.ticket'",
                res_id="hstyle_goodwill.ticket_id",
            ),
            11: self._source(
                "hstyle.promise",
                kind="'promise'",
                date="hstyle_promise.create_date",
                company_id="hstyle_promise.company_id",
                user_id="hstyle_promise.user_id",
                res_model="'hstyle.promise'",
                res_id="hstyle_promise.id",
            ),
            12: self._source(
                "hstyle.care",
                kind="'care'",
                date="hstyle_care.create_date",
                company_id="hstyle_care.company_id",
                user_id="hstyle_care.user_id",
                res_model="'hstyle.care'",
                res_id="hstyle_care.id",
            ),
        }

    @api.model
    def _get_meeting_sources(self):
        rel = "rel.calendar_event_id = calendar_event.id"
        contact = "contact.id = rel.res_partner_id AND contact.partner_share"
        owner = "owner.id = calendar_event.user_id"
        call = self._get_subtype("hstyle_crm.mt_call")
        noted = (
            "noted.model = 'res.partner' AND noted.res_id = res_partner.id "
            f"AND noted.subtype_id = {call}"
        )
        return {
            13: self._source(
                "hstyle.contact",
                kind="CASE hstyle_contact.state WHEN 'refused' THEN 'refused' "
                "ELSE 'message' END",
                date="hstyle_contact.date",
                company_id="hstyle_contact.company_id",
                channel="hstyle_contact.channel",
            ),
            14: self._source(
                "hstyle.appointment",
                joins={
                    "ticket": (
                        "hstyle_ticket",
                        "ticket.id = hstyle_appointment.ticket_id",
                    ),
                    "contact": ("res_partner", "contact.id = ticket.partner_id"),
                },
                kind="'visit'",
                date="hstyle_appointment.start",
                company_id="hstyle_appointment.company_id",
                user_id="hstyle_appointment.user_id",
                res_model="'hstyle.ticket'",
                res_id="ticket.id",
            ),
            # An entry of the calendar is of the company that its organizer works for.
            15: self._source(
                "calendar.event",
                [
                    ("active", "=", True),
                    ("hstyle_appointment_ids", "=", False),
                    *self.env["calendar.event"]._get_default_privacy_domain(),
                ],
                {
                    "rel": ("calendar_event_res_partner_rel", rel),
                    "contact": ("res_partner", f"{contact} AND {_FIRST}"),
                    "owner": ("res_users", owner),
                },
                kind="'visit'",
                date="calendar_event.start",
                company_id="owner.company_id",
                user_id="calendar_event.user_id",
                res_model="'calendar.event'",
                res_id="calendar_event.id",
            ),
            17: self._source(
                "hstyle.todo",
                [("state", "=", "done")],
                kind="'todo'",
                date="hstyle_todo.done_at",
                company_id="hstyle_todo.company_id",
                user_id="hstyle_todo.user_id",
            ),
            16: self._source(
                "res.partner",
                joins={
                    "noted": ("mail_message", noted),
                    "contact": ("res_partner", "contact.id = res_partner.id"),
                    "author": ("res_partner", "author.id = noted.author_id"),
                },
                key="noted.id",
                kind="'call'",
                date="noted.date",
                company_id="noted.record_company_id",
                user_id="(SELECT min(id) FROM res_users "
                "WHERE partner_id = noted.author_id)",
            ),
        }
