import logging
from collections import Counter

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from . import hstyle_cycle as cycle

_logger = logging.getLogger(__name__)

#: What the refresh writes, in the order of ``_sql_labelled``.
COLUMNS = (
    "order_days",
    "previous_on",
    "last_on",
    "gap_days",
    "gap_low",
    "gap_high",
    "revenue_12m",
    "brand",
    "loyalty",
    "usage",
    "due_from",
    "due_to",
    "due_confidence",
    "cycle_source",
)


class HstyleHabitRefresh(models.AbstractModel):
    """How purchase lines become habits: the SQL half of `hstyle.habit`."""

    _name = "hstyle.habit.refresh"
    _description = "Refresh of habits"

    @api.model
    def _cron_refresh(self):
        """Refresh the habits of all companies, a commit for each."""
        companies = self.env["hstyle.profile"]._get_companies()
        commit = self.env["ir.cron"]._commit_progress
        commit(remaining=len(companies))
        for company in companies:
            done = self._refresh(company)
            commit(1)
            _logger.info("Habits of %s refreshed: %s", company.name, dict(done))

    @api.model
    def _refresh(self, companies=None):
        """Bring habits up to date with the purchase lines and the day.

        The only writer of this model. It computes all, because a product may have
        moved to another category, and writes only rows that changed.

        :return: Counter of rows inserted, updated and deleted
        """
        self.env.flush_all()
        self._set_planner()
        total = Counter()
        for company in companies or self.env["hstyle.profile"]._get_companies():
            self._gather(company)
            total += Counter(deleted=self._delete_gone(company))
            total += self._write_changed(company)
            self.env["hstyle.profile"]._refresh_breadth(company)
        self.env.invalidate_all()
        return total

    def _set_planner(self):
        """Sort and hash in memory; the second of two runs at once waits."""
        self.env.cr.execute(
            """
            SET LOCAL work_mem = '256MB';
            SET LOCAL jit = off;
            SET LOCAL max_parallel_workers_per_gather = 0;
            SELECT pg_advisory_xact_lock(hashtext('hstyle_habit'));
            """
        )

    def _gather(self, company):
        """Fill ``hstyle_habit_new`` with what the habits should be.

        Step by step: in one statement the planner would not know how many rows the
        steps have, and take three times as long.
        """
        year = company._hstyle_today() - relativedelta(months=12)
        steps = {
            "line": self._sql_lines(company),
            "spent": self._sql_spent(year),
            "visit": self._sql_visited(),
            "sum": self._sql_summed(),
            "new": self._sql_labelled(),
        }
        for name, query in steps.items():
            self.env.cr.execute(
                SQL(
                    "DROP TABLE IF EXISTS %(table)s; "
                    "CREATE TEMPORARY TABLE %(table)s ON COMMIT DROP AS %(query)s; "
                    "ANALYZE %(table)s",
                    table=SQL.identifier(f"hstyle_habit_{name}"),
                    query=query,
                )
            )

    def _sql_lines(self, company):
        """Return the query of a row for each customer, category, day and brand."""
        return SQL(
            """
            SELECT partner_id, category_id, day, own_brand,
                   CASE WHEN NOT own_brand THEN brand END AS brand,
                   bool_or(kind <> 'refund') AS bought, sum(revenue) AS revenue
              FROM (
                    SELECT *, (date_order AT TIME ZONE 'UTC'
                                  AT TIME ZONE %s)::date AS day
                      FROM hstyle_purchase_line
                     WHERE company_id = %s AND category_id IS NOT NULL
                   ) line
             GROUP BY partner_id, category_id, day, own_brand, 5
            """,
            company.hstyle_tz,
            company.id,
        )

    def _sql_spent(self, year):
        """Return the query of what a customer spent in a category in 12 months.

        ``own`` is on own brands, ``most`` on the brand of others with the most, and
        ``known`` tells whether the brand of anything is known.
        """
        return SQL(
            """
            SELECT partner_id, category_id, sum(revenue) AS revenue,
                   COALESCE(sum(revenue) FILTER (WHERE own_brand), 0) AS own,
                   COALESCE(max(revenue) FILTER (WHERE brand IS NOT NULL), 0) AS most,
                   (array_agg(brand ORDER BY revenue DESC, brand)
                       FILTER (WHERE brand IS NOT NULL))[1] AS brand,
                   bool_or(own_brand IS NOT NULL) AS known
              FROM (
                    SELECT partner_id, category_id, own_brand, brand,
                           sum(revenue) AS revenue
                      FROM hstyle_habit_line
                     WHERE day > %s
                     GROUP BY partner_id, category_id, own_brand, brand
                   ) branded
             GROUP BY partner_id, category_id
            """,
            year,
        )

    def _sql_visited(self):
        """Return the query of days with a purchase, and the gap before each."""
        return SQL(
            """
            SELECT partner_id, category_id, day,
                   day - lag(day) OVER (
                       PARTITION BY partner_id, category_id ORDER BY day) AS gap
              FROM (
                    SELECT DISTINCT partner_id, category_id, day
                      FROM hstyle_habit_line
                     WHERE bought
                   ) visit
            """
        )

    def _sql_summed(self):
        return SQL(
            """
            SELECT v.*, COALESCE(s.revenue, 0) AS revenue_12m, s.own, s.most, s.known,
                   s.brand, v.last_on - v.previous_on AS gap
              FROM (
                    SELECT partner_id, category_id, count(*)::integer AS order_days,
                           max(day - gap) AS previous_on, max(day) AS last_on,
                           array_agg(gap ORDER BY gap) FILTER (WHERE gap > 0) AS gaps
                      FROM hstyle_habit_visit
                     GROUP BY partner_id, category_id
                   ) v
              LEFT JOIN hstyle_habit_spent s USING (partner_id, category_id)
            """
        )

    def _sql_peers(self):
        """Return the query of what a category's customers are compared with."""
        return SQL(
            """
            SELECT category_id, %s AS pool,
                   percentile_disc(ARRAY[1 / 3.0, 2 / 3.0])
                       WITHIN GROUP (ORDER BY revenue_12m)
                       FILTER (WHERE revenue_12m > 0) AS thirds
              FROM hstyle_habit_sum
             GROUP BY category_id
            """,
            cycle.POOL,
        )

    def _sql_labelled(self):
        due = cycle.sql_due(
            count=SQL("n.order_days - 1"),
            last=SQL("n.last_on"),
            low=SQL("n.gap_low"),
            high=SQL("n.gap_high"),
            pool=SQL("peers.pool"),
            pooled="category",
        )
        return SQL(
            """
            SELECT n.partner_id, n.category_id, n.order_days, n.previous_on, n.last_on,
                   n.gap_days, n.gap_low, n.gap_high, n.revenue_12m, n.brand,
                   CASE WHEN n.revenue_12m <= 0 OR n.known IS NOT TRUE THEN NULL
                        WHEN n.own >= n.revenue_12m / 2 THEN 'store'
                        WHEN n.most >= n.revenue_12m / 2 THEN 'brand'
                        ELSE 'switcher' END AS loyalty,
                   CASE WHEN n.revenue_12m <= 0 THEN NULL
                        WHEN n.revenue_12m <= thirds[1] THEN 'low'
                        WHEN n.revenue_12m <= thirds[2] THEN 'middle'
                        ELSE 'high' END AS usage,
                   %(from)s AS due_from, %(to)s AS due_to,
                   %(confidence)s AS due_confidence, %(source)s AS cycle_source
              FROM (
                    SELECT *, %(median)s AS gap_days, %(low)s AS gap_low,
                           %(high)s AS gap_high
                      FROM hstyle_habit_sum
                   ) n
              JOIN (%(peers)s) peers USING (category_id)
            """,
            median=cycle.MEDIAN,
            low=cycle.LOW,
            high=cycle.HIGH,
            peers=self._sql_peers(),
            **due,
        )

    def _delete_gone(self, company):
        """Delete habits of which no purchase is left; return how many."""
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM hstyle_habit h
                 WHERE company_id = %s
                   AND NOT EXISTS (
                       SELECT FROM hstyle_habit_new n
                        WHERE n.partner_id = h.partner_id
                          AND n.category_id = h.category_id)
                """,
                company.id,
            )
        )
        return self.env.cr.rowcount

    def _write_changed(self, company):
        """Write the rows that differ from what stands; return a Counter of them."""
        names = [SQL.identifier(name) for name in COLUMNS]
        [[inserted, updated]] = self.env.execute_query(
            SQL(
                """
                  WITH written AS (
                        INSERT INTO hstyle_habit AS h
                               (company_id, partner_id, category_id, %(names)s)
                        SELECT %(company)s, n.partner_id, n.category_id, %(new)s
                          FROM hstyle_habit_new n
                          LEFT JOIN hstyle_habit h
                            ON h.company_id = %(company)s
                           AND h.partner_id = n.partner_id
                           AND h.category_id = n.category_id
                         WHERE h.id IS NULL OR (%(new)s) IS DISTINCT FROM (%(old)s)
                            ON CONFLICT (partner_id, company_id, category_id)
                            DO UPDATE SET (%(names)s) = ROW (%(excluded)s)
                        RETURNING (xmax = 0) AS inserted
                       )
                SELECT count(*) FILTER (WHERE inserted),
                       count(*) FILTER (WHERE NOT inserted)
                  FROM written
                """,
                names=SQL(", ").join(names),
                new=SQL(", ").join(SQL("n.%s", name) for name in names),
                old=SQL(", ").join(SQL("h.%s", name) for name in names),
                excluded=SQL(", ").join(SQL("EXCLUDED.%s", name) for name in names),
                company=company.id,
            )
        )
        return Counter(inserted=inserted, updated=updated)
