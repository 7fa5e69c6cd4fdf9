import json
from collections import defaultdict

from odoo import api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..exceptions import TryAgainError

#: Columns of a membership that a change writes.
_MEMBERSHIP = {
    "partner_id": "int",
    "company_id": "int",
    "grade_id": "int",
    "joined_on": "date",
    "since": "date",
    "period_start": "date",
    "valid_until": "date",
    "pinned_until": "date",
    "spent_at_since": "numeric",
    "notice": "text",
}
_MOVE = {
    "partner_id": "int",
    "company_id": "int",
    "date": "date",
    "grade_from_id": "int",
    "grade_to_id": "int",
    "kind": "text",
    "origin": "text",
    "cause": "text",
    "note": "text",
    "figures": "jsonb",
    "valid_until": "date",
    "user_id": "int",
}


class HstyleTierAssignment(models.AbstractModel):
    """How customers get their tiers: the door's half of res.partner.grade."""

    _name = "hstyle.tier.assignment"
    _description = "Assignment of tiers"

    @api.model
    def _prepare_change(self, partner, grade, cause, **values):
        """Return a change for `_assign`.

        :param partner: the customer
        :param grade: the tier, or an empty one for who leaves
        :param str cause: a cause of hstyle.tier.move
        :param values: note, figures, joined_on, period_start, valid_until (by default
            as the tier says), pinned_until, spent, quiet; company of who leaves
        """
        return {
            "partner_id": partner.commercial_partner_id.id,
            "grade": grade,
            "company_id": grade.company_id.id,
            "cause": cause,
            **values,
        }

    @api.model
    def _assign(self, changes):
        """Give customers their tiers: the only writer of memberships and tier moves.

        In a constant number of queries: the memberships are locked in the order of
        their customers, each change becomes a dated move, and the customer's grade and
        pricelist, in the tier's company and its branches, follow.

        :param changes: list of dicts by `_prepare_change`, one for a customer
        :return: the moves
        :raise TryAgainError: if somebody else changes the same memberships
        """
        moves = self.env["hstyle.tier.move"]
        if not changes:
            return moves
        self.env.flush_all()
        before = self._lock_memberships([change["partner_id"] for change in changes])
        if farewells := self._prepare_farewells(changes, before):
            moves = self._assign(farewells)
            for farewell in farewells:
                del before[farewell["partner_id"]]
        changes = [c for c in changes if c["grade"] or c["partner_id"] in before]
        for change in changes:
            self._complete(change, before.get(change["partner_id"]))
        moves |= self._insert_moves(changes)
        self._write_memberships(changes)
        self._write_partners(changes)
        self._follow(changes)
        return moves

    @api.model
    def _lock_memberships(self, partner_ids):
        """Return customer id → its membership, locked until the transaction ends."""
        try:
            self.env.cr.execute(
                SQL(
                    """
                    SELECT *
                      FROM hstyle_membership
                     WHERE partner_id = ANY(%s)
                     ORDER BY partner_id
                       FOR NO KEY UPDATE
                    """,
                    partner_ids,
                ),
                log_exceptions=False,
            )
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
            raise self._ask_again() from error
        return {row["partner_id"]: row for row in self.env.cr.dictfetchall()}

    def _ask_again(self):
        message = self.env._(
            "Somebody else is changing the membership of this customer at this moment. "
            "Nothing was done; please try again."
        )
        return TryAgainError(message)

    @api.model
    def _prepare_farewells(self, changes, before):
        """Return the changes that end memberships in other companies first."""
        return [
            {
                **change,
                "cause": "transfer",
                "grade": self.browse(),
                "company_id": before[change["partner_id"]]["company_id"],
            }
            for change in changes
            if change["grade"]
            and change["partner_id"] in before
            and before[change["partner_id"]]["company_id"] != change["company_id"]
        ]

    @api.model
    def _complete(self, change, old):
        """Add to a change what follows from the membership before it."""
        grade, old_grade = change["grade"], self.browse(old and old["grade_id"])
        company = self.env["res.company"].browse(change["company_id"])
        if old and not grade:
            company = self.env["res.company"].browse(old["company_id"])
        today = company._hstyle_today()
        start = change.get("period_start") or today
        change.update(
            company_id=company.id,
            grade_id=grade.id or None,
            grade_from_id=old_grade.id or None,
            kind=self._get_kind(old_grade, grade),
            date=today,
            joined_on=(old and old["joined_on"]) or change.get("joined_on") or today,
            since=old["since"] if old and grade == old_grade else today,
            notice=old and old["notice"],
            period_start=start,
        )
        change.setdefault("valid_until", (grade and grade._get_end(start)) or None)

    @api.model
    def _get_kind(self, old, new):
        """Return the kind of a move between two tiers."""
        if not new:
            return "left"
        if not old:
            return "join"
        if old == new:
            return "keep"
        return "down" if new._is_below(old) else "up"

    def _is_below(self, other):
        """Tell whether the tier is lower than another one."""
        self.ensure_one()
        return (self.sequence, self.id) < (other.sequence, other.id)

    # === WRITING === #

    @api.model
    def _sql_records(self, columns, records):
        """Return SQL: the records as rows of these columns."""
        types = SQL(", ".join(f"{name} {type_}" for name, type_ in columns.items()))
        rows = [{name: record.get(name) for name in columns} for record in records]
        return SQL(
            "jsonb_to_recordset(%s::jsonb) AS row (%s)",
            json.dumps(rows, default=str),
            types,
        )

    @api.model
    def _insert_moves(self, changes):
        names = SQL(", ").join(map(SQL.identifier, _MOVE))
        records = [
            {
                **change,
                "origin": "auto" if change.get("auto") else "manual",
                "grade_to_id": change["grade_id"],
                "figures": change.get("figures") or [],
                "user_id": self.env.uid,
            }
            for change in changes
        ]
        found = self.env.execute_query(
            SQL(
                "INSERT INTO hstyle_tier_move (%s) SELECT %s FROM %s RETURNING id",
                names,
                names,
                self._sql_records(_MOVE, records),
            )
        )
        return self.env["hstyle.tier.move"].browse(move_id for (move_id,) in found)

    @api.model
    def _write_memberships(self, changes):
        """Open, change or end the memberships.

        The unique key makes two who open the same one at once conflict.
        """
        memberships = self.env["hstyle.membership"]
        left = [change["partner_id"] for change in changes if not change["grade_id"]]
        if left:
            domain = [("partner_id", "in", left)]
            memberships.sudo().search(domain).unlink()
        stay = [self._prepare_membership(c) for c in changes if c["grade_id"]]
        names = [SQL.identifier(name) for name in _MEMBERSHIP]
        if stay:
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO hstyle_membership (%(names)s)
                    SELECT %(names)s FROM %(records)s
                        ON CONFLICT (partner_id) DO UPDATE
                       SET (%(names)s) = ROW (%(new)s), undo_on = NULL
                    """,
                    names=SQL(", ").join(names),
                    records=self._sql_records(_MEMBERSHIP, stay),
                    new=SQL(", ").join(SQL("EXCLUDED.%s", name) for name in names),
                ),
                log_exceptions=False,
            )
        memberships.invalidate_model(flush=False)
        self.env["res.partner"]._forget_tier_texts()

    @api.model
    def _prepare_membership(self, change):
        """Return a membership's columns; who is told of the change gets a notice."""
        moved = change["kind"] in ("join", "up", "down")
        grades = change["grade"] | self.browse(change["grade_from_id"])
        told = moved and not change.get("quiet") and any(grades.mapped("tell_members"))
        # One who keeps the tier may still wait to hear of the last change.
        kept = change["notice"] if change["kind"] == "keep" else None
        return {
            **change,
            "spent_at_since": change.get("spent"),
            "notice": "change" if told else kept,
        }

    @api.model
    def _write_partners(self, changes):
        """Set the grade of customers, and the pricelist of their whole families."""
        moved = [change for change in changes if change["kind"] != "keep"]
        if not moved:
            return
        ids = [change["partner_id"] for change in moved]
        grades = [change["grade_id"] for change in moved]
        self.env.cr.execute(
            SQL(
                """
                UPDATE res_partner p
                   SET grade_id = new.grade_id,
                       write_uid = %s,
                       write_date = now() AT TIME ZONE 'UTC'
                  FROM unnest(%s::int[], %s::int[]) AS new (id, grade_id)
                 WHERE p.id = new.id
                """,
                self.env.uid,
                ids,
                grades,
            )
        )
        self.env["res.partner"].invalidate_model(["grade_id"])
        families = defaultdict(list)
        for change in moved:
            families[change["company_id"], change["grade_id"]].append(
                change["partner_id"]
            )
        for (company_id, grade_id), partner_ids in families.items():
            self.browse(grade_id)._write_pricelist(company_id, partner_ids)

    def _write_pricelist(self, company_id, partner_ids, former=()):
        """Give customers and their contacts the tier's pricelist in a company.

        A tier without one, or no tier, takes away the pricelist of another tier. One
        that was given by hand stays, whatever the tier.

        :param former: pricelists that tiers had until now
        """
        company = self.env["res.company"].browse(company_id)
        keys = [
            str(branch_id)
            for branch_id in self.env["hstyle.membership"]._get_branch_ids(company)
        ]
        pricelist = self.sudo().default_pricelist_id
        tiers = self.sudo().with_context(active_test=False)
        ours = tiers.search([("is_tier", "=", True)]).default_pricelist_id
        self.env.cr.execute(
            SQL(
                """
                UPDATE res_partner p
                   SET specific_property_product_pricelist = NULLIF(
                       %(prices)s::jsonb || (
                       SELECT COALESCE(jsonb_object_agg(key, value), '{}')
                         FROM jsonb_each(p.specific_property_product_pricelist)
                        WHERE NOT (key = ANY(%(keys)s)
                                   AND value = ANY(%(ours)s::jsonb[]))
                       ), '{}')
                 WHERE p.commercial_partner_id = ANY(%(ids)s)
                   AND (%(priced)s
                        OR p.specific_property_product_pricelist IS NOT NULL)
                """,
                keys=keys,
                ours=[str(pricelist_id) for pricelist_id in (*ours.ids, *former)],
                prices=json.dumps({k: pricelist.id for k in keys if pricelist}),
                priced=bool(pricelist),
                ids=partner_ids,
            )
        )
        names = ["specific_property_product_pricelist", "property_product_pricelist"]
        self.env["res.partner"].invalidate_model(names)

    def _reprice(self, former):
        """Give all members of these tiers the pricelists that the tiers have now."""
        for grade in self.filtered("is_tier"):
            found = self.env.execute_query(
                SQL(
                    "SELECT partner_id FROM hstyle_membership WHERE grade_id = %s",
                    grade.id,
                )
            )
            if found:
                ids = [partner_id for (partner_id,) in found]
                grade._write_pricelist(grade.company_id.id, ids, former.ids)

    @api.model
    def _follow(self, changes):
        """Let what depends on a tier follow: benefits, account managers, tickets."""
        entered = [
            change
            for change in changes
            if change["kind"] in ("join", "up") and change["cause"] != "merged"
        ]
        self.env["hstyle.benefit"]._grant_entry(entered)
        moved = [change for change in changes if change["kind"] != "keep"]
        self.env["hstyle.account.manager"]._follow_moves(moved)
        # Deadlines hang on tiers.
        members = [change["partner_id"] for change in moved]
        domain = [("partner_id.commercial_partner_id", "in", members)]
        self.env["hstyle.ticket"]._mark_stale(domain)
