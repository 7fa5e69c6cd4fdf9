import logging
from collections import Counter

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from . import hstyle_cycle as cycle
from .hstyle_profile_label import LABELS

_logger = logging.getLogger(__name__)

#: Months before today at which an order leaves a window.
WINDOWS = (12, 24)

#: Queue rows taken by one step of the nightly job: a commit each.
BATCH = 100_000

#: Columns summed from the purchases, in the order of ``_sum_purchases``.
SUMS = (
    "order_count",
    "revenue",
    "refund",
    "margin",
    "discount_share",
    "order_days",
    "first_order_on",
    "previous_order_on",
    "last_order_on",
    "order_count_12m",
    "revenue_12m",
    "order_count_prev_12m",
    "revenue_prev_12m",
    "gap_days",
    "gap_low",
    "gap_high",
)


class HstyleProfileRefresh(models.AbstractModel):
    """How the purchases become profiles: the SQL half of `hstyle.profile`."""

    _name = "hstyle.profile.refresh"
    _description = "Refresh of customer profiles"
    _inherit = ["hstyle.profile.label"]

    @api.model
    def _cron_refresh(self):
        """Refresh all due profiles, a commit for every batch of them."""
        commit = self.env["ir.cron"]._commit_progress
        commit(remaining=self._count_due() + 1)
        total = Counter()
        while True:
            done = self._refresh(limit=BATCH)
            total += done
            seconds = commit(done["due"] + 1, remaining=done["remaining"])
            if not done["remaining"] or not seconds:
                break
        _logger.info("Customer profiles refreshed: %s", dict(total))

    @api.model
    def _refresh(self, full=False, limit=None):
        """Bring the profiles up to date with the purchases and the day.

        The only writer of this model. Without ``full`` it recomputes the customers
        in the queue (the oldest ``limit`` rows, or all) and those with an order that
        left a window, then labels everybody; the result equals a full run, row for
        row. It runs in the caller's transaction and writes only rows that changed.

        :return: Counter of rows written (inserted, updated, deleted), of queue rows
                 done (due) and left (remaining)
        """
        self.env.flush_all()
        self._set_planner()
        due = self._take_due(None if full else limit)
        total = Counter()
        for company in self._get_companies():
            total += self._refresh_company(company, full)
        self._drop_due()
        self.env.invalidate_all()
        total.update(due=due, remaining=self._count_due())
        if not total["remaining"]:
            self._record_month()
        return total

    def _record_month(self):
        """Keep how the labels changed, at the first refresh of a month."""
        for company in self._get_companies():
            today = company.hstyle_profile_date
            self.env["hstyle.profile.month"]._record(company, today)

    def _refresh_company(self, company, full):
        """Refresh the profiles of one company; see `_refresh`."""
        today = company._hstyle_today()
        full = full or self._is_stale(company, today)
        scope = self._prepare_scope(company, today, full)
        self._sum_purchases(company, today, full)
        result = Counter(deleted=self._delete_gone(company, scope))
        result += self._write_changed(company, today, self._get_cuts(company, scope))
        if full or company.hstyle_profile_date != today:
            stamp = {
                "hstyle_profile_date": today,
                "hstyle_profile_tz": company.hstyle_tz,
            }
            company.write(stamp)
        return result

    # === SETTING OUT === #

    def _get_companies(self):
        """Return all companies: an archived one may come back."""
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        return companies.search([("id", "!=", False)])

    def _is_stale(self, company, today):
        """Tell whether what is stored cannot be brought up to date day by day."""
        date, tz = company.hstyle_profile_date, company.hstyle_profile_tz
        return not date or date > today or tz != company.hstyle_tz

    def _set_planner(self):
        """Let the planner sum over the covering indexes and sort in memory.

        With its defaults PostgreSQL scans the whole tables: twice the time. Two runs
        at once would compute the same rows twice, so the second waits for the first.
        """
        self.env.cr.execute(
            """
            SET LOCAL work_mem = '256MB';
            SET LOCAL random_page_cost = 1.1;
            SET LOCAL jit = off;
            SET LOCAL max_parallel_workers_per_gather = 0;
            SELECT pg_advisory_xact_lock(hashtext('hstyle_profile'));
            """
        )

    def _count_due(self):
        [[count]] = self.env.execute_query(
            SQL("SELECT count(*) FROM hstyle_profile_dirty")
        )
        return count

    def _take_due(self, limit):
        """Set aside the oldest queue rows; return how many."""
        self.env.cr.execute(
            SQL(
                """
                DROP TABLE IF EXISTS hstyle_taken;
                CREATE TEMPORARY TABLE hstyle_taken ON COMMIT DROP AS
                SELECT id, partner_id FROM hstyle_profile_dirty ORDER BY id LIMIT %s
                """,
                limit,
            )
        )
        return self.env.cr.rowcount

    def _drop_due(self):
        self.env.cr.execute(
            "DELETE FROM hstyle_profile_dirty q USING hstyle_taken t WHERE t.id = q.id"
        )

    def _prepare_scope(self, company, today, full):
        """Fill ``hstyle_due`` with the contacts whose purchases must be gathered.

        A full run gathers only the contacts of families here and sums all others
        contact by contact, which needs no join.

        :return: SQL that is true for a profile ``p`` outside of this run
        """
        contacts = self._sql_families() if full else self._sql_due(company, today)
        self.env.cr.execute(
            SQL(
                """
                DROP TABLE IF EXISTS hstyle_due;
                CREATE TEMPORARY TABLE hstyle_due ON COMMIT DROP AS
                  WITH customer AS (
                        SELECT DISTINCT commercial_partner_id AS id
                          FROM res_partner
                         WHERE id IN (%s)
                       )
                SELECT contact.id AS contact_id, customer.id AS partner_id
                  FROM customer
                  JOIN res_partner contact
                    ON contact.commercial_partner_id = customer.id;
                ANALYZE hstyle_due
                """,
                contacts,
            )
        )
        if full:
            return SQL("FALSE")
        return SQL(
            "p.partner_id NOT IN (SELECT partner_id FROM hstyle_due "
            "UNION SELECT contact_id FROM hstyle_due)"
        )

    def _sql_families(self):
        return SQL("SELECT id FROM res_partner WHERE commercial_partner_id <> id")

    def _sql_due(self, company, today):
        """Return the query of contacts queued or with an order that left a window."""
        queries = [SQL("SELECT partner_id FROM hstyle_taken")]
        queries += [
            SQL(
                """
                SELECT contact_id
                  FROM hstyle_purchase
                 WHERE company_id = %s
                   AND date_order >= %s
                   AND date_order < %s
                """,
                company.id,
                self._get_start(company, company.hstyle_profile_date, months),
                self._get_start(company, today, months),
            )
            for months in WINDOWS
            if company.hstyle_profile_date != today
        ]
        return SQL(" UNION ALL ").join(queries)

    def _get_start(self, company, day, months):
        """Return the first moment (UTC) of the window that ends on the day."""
        first = day - relativedelta(months=months) + relativedelta(days=1)
        return company._hstyle_start(first)

    # === SUMS === #

    def _sum_purchases(self, company, today, full):
        """Fill ``hstyle_sums`` with the SUMS of the customers in scope.

        OFFSET 0 makes the planner look up each contact that is due: for a join it
        would read all purchases.
        """
        measures = self.env["hstyle.purchase"]._measures
        gathered = SQL(
            """
            SELECT due.partner_id, %s
              FROM hstyle_due due
             CROSS JOIN LATERAL (
                    SELECT *
                      FROM hstyle_purchase
                     WHERE contact_id = due.contact_id
                       AND company_id = %s
                    OFFSET 0
                   ) p
            """,
            measures,
            company.id,
        )
        query = self._sql_sums(gathered, company, today)
        if full:
            single = SQL(
                """
                SELECT contact_id AS partner_id, %s
                  FROM (%s) p
                 WHERE contact_id NOT IN (SELECT contact_id FROM hstyle_due)
                """,
                measures,
                self.env["hstyle.purchase"]._sql_sorted(company),
            )
            query = SQL(
                "%s UNION ALL %s", query, self._sql_sums(single, company, today)
            )
        self.env.cr.execute(
            SQL(
                """
                DROP TABLE IF EXISTS hstyle_sums;
                CREATE TEMPORARY TABLE hstyle_sums ON COMMIT DROP AS %s;
                ANALYZE hstyle_sums
                """,
                query,
            )
        )

    def _sql_sums(self, purchases, company, today):
        """Return the query that sums purchases (partner_id, measures) by customer.

        A refund bears the date of its order, so it never makes a gap of its own.
        """
        in_12m, in_24m = (
            SQL("day > %s", today - relativedelta(months=months)) for months in WINDOWS
        )
        return SQL(
            """
            SELECT partner_id, order_count, revenue, refund, margin,
                   discounted::float8 / NULLIF(order_count, 0) AS discount_share,
                   order_days, first_order_on, previous_order_on, last_order_on,
                   order_count_12m, revenue_12m, order_count_prev_12m, revenue_prev_12m,
                   %(median)s AS gap_days, %(low)s AS gap_low, %(high)s AS gap_high
              FROM (
                    SELECT partner_id,
                           sum(orders)::integer AS order_count,
                           sum(revenue) AS revenue,
                           sum(refund) AS refund,
                           COALESCE(round(sum(margin), 2), 0) AS margin,
                           sum(discounted) AS discounted,
                           (count(*) FILTER (WHERE gap > 0) + 1)::integer AS order_days,
                           min(day) AS first_order_on,
                           max(day - gap) FILTER (WHERE gap > 0) AS previous_order_on,
                           max(day) AS last_order_on,
                           COALESCE(sum(orders) FILTER (WHERE %(in_12m)s), 0)::integer
                               AS order_count_12m,
                           COALESCE(sum(revenue) FILTER (WHERE %(in_12m)s), 0)
                               AS revenue_12m,
                           COALESCE(sum(orders) FILTER (WHERE %(in_prev)s), 0)::integer
                               AS order_count_prev_12m,
                           COALESCE(sum(revenue) FILTER (WHERE %(in_prev)s), 0)
                               AS revenue_prev_12m,
                           array_agg(gap ORDER BY gap) FILTER (WHERE gap > 0) AS gaps
                      FROM (
                            SELECT *, day - lag(day) OVER (
                                       PARTITION BY partner_id ORDER BY date_order
                                   ) AS gap
                              FROM (
                                    SELECT *, (date_order AT TIME ZONE 'UTC'
                                                  AT TIME ZONE %(tz)s)::date AS day
                                      FROM (%(purchases)s) purchase
                                   ) dated
                           ) spaced
                     GROUP BY partner_id
                   ) summed
            """,
            median=cycle.MEDIAN,
            low=cycle.LOW,
            high=cycle.HIGH,
            in_12m=in_12m,
            in_prev=SQL("%s AND NOT %s", in_24m, in_12m),
            tz=company.hstyle_tz,
            purchases=purchases,
        )

    # === WRITING === #

    def _delete_gone(self, company, outside):
        """Delete profiles in scope whose customers have no purchase any more."""
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM hstyle_profile p
                 WHERE company_id = %s AND NOT (%s)
                   AND NOT EXISTS (
                       SELECT FROM hstyle_sums s WHERE s.partner_id = p.partner_id)
                """,
                company.id,
                outside,
            )
        )
        return self.env.cr.rowcount

    def _write_changed(self, company, today, cuts):
        """Label everybody and write the rows that differ from what stands.

        OFFSET 0 makes the planner compute each score once.

        :return: Counter of rows inserted and updated
        """
        if not cuts["r"]:
            return Counter()
        sums = [SQL.identifier(name) for name in SUMS]
        names = [SQL.identifier(name) for name in SUMS + LABELS]
        rows = self.env.execute_query(
            SQL(
                """
                  WITH merged AS (
                        SELECT COALESCE(s.partner_id, p.partner_id) AS partner_id,
                               %(merged)s, %(old_labels)s,
                               s.partner_id IS NOT NULL
                                   AND (%(new_sums)s) IS DISTINCT FROM (%(old_sums)s)
                                   AS moved
                          FROM (
                                SELECT *
                                  FROM hstyle_profile
                                 WHERE company_id = %(company)s
                               ) p
                          FULL JOIN hstyle_sums s ON s.partner_id = p.partner_id
                       ),
                       scored AS (SELECT *, %(scores)s FROM merged n OFFSET 0),
                       labelled AS (SELECT *, %(labels)s FROM scored n),
                       written AS (
                        INSERT INTO hstyle_profile (company_id, partner_id, %(names)s)
                        SELECT %(company)s, partner_id, %(names)s
                          FROM labelled
                         WHERE moved
                            OR (%(label_names)s) IS DISTINCT FROM (%(old_names)s)
                            ON CONFLICT (partner_id, company_id)
                            DO UPDATE SET (%(names)s) = ROW (%(excluded)s)
                        RETURNING (xmax = 0) AS inserted
                       )
                SELECT count(*) FILTER (WHERE inserted),
                       count(*) FILTER (WHERE NOT inserted)
                  FROM written
                """,
                company=company.id,
                merged=SQL(", ").join(
                    SQL(
                        "CASE WHEN s.partner_id IS NULL THEN p.%(c)s ELSE s.%(c)s END "
                        "AS %(c)s",
                        c=column,
                    )
                    for column in sums
                ),
                new_sums=SQL(", ").join(SQL("s.%s", column) for column in sums),
                old_sums=SQL(", ").join(SQL("p.%s", column) for column in sums),
                old_labels=self._sql_columns(
                    {
                        f"old_{name}": SQL("p.%s", SQL.identifier(name))
                        for name in LABELS
                    }
                ),
                scores=self._sql_columns(self._sql_scores(cuts)),
                labels=self._sql_columns(self._sql_labels(company, today, cuts)),
                names=SQL(", ").join(names),
                label_names=SQL(", ").join(SQL.identifier(name) for name in LABELS),
                old_names=SQL(", ").join(
                    SQL.identifier(f"old_{name}") for name in LABELS
                ),
                excluded=SQL(", ").join(SQL("EXCLUDED.%s", name) for name in names),
            )
        )
        inserted, updated = rows[0]
        return Counter(inserted=inserted, updated=updated)
