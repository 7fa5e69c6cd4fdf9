from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from ..tools import rfm
from . import hstyle_cycle as cycle

#: Columns derived from the sums of all customers of the company and the day.
LABELS = (
    "r_score",
    "f_score",
    "m_score",
    "rfm_group",
    "abc",
    "abc_margin",
    "abc_prev",
    "yoy",
    "stage",
    "next_order_from",
    "next_order_to",
    "next_order_confidence",
    "next_order_source",
)

#: Columns that follow from the habits; see `_refresh_breadth`.
BREADTH = ("category_count", "breadth")

#: Class → the amount by which it ranks the customers.
CLASSES = {"abc": "revenue", "abc_margin": "margin", "abc_prev": "revenue_prev_12m"}


class HstyleProfileLabel(models.AbstractModel):
    """How sums become labels: SQL that says where a customer stands among all."""

    _name = "hstyle.profile.label"
    _description = "Labels of customers"

    # === LABELS === #

    def _get_cuts(self, company, outside):
        """Return what a label compares with.

        :return: dict of r, f, m: quintiles of last order, orders and revenue (lists of
                 4); for each of CLASSES the least amounts of class A and of class B (a
                 list of 2); pool: a short and a long gap of all customers in days (a
                 list of 2), None where too few have one; see `hstyle.cycle`
        """
        [cuts] = self.env.execute_query_dict(
            SQL(
                """
                  WITH base AS (
                        SELECT %(columns)s FROM hstyle_sums
                         UNION ALL
                        SELECT %(columns)s
                          FROM hstyle_profile p
                         WHERE company_id = %(company)s AND %(outside)s
                       )
                SELECT quintile.*, %(least)s
                  FROM (
                        SELECT percentile_disc(%(shares)s)
                                   WITHIN GROUP (ORDER BY last_order_on DESC) AS r,
                               percentile_disc(%(shares)s)
                                   WITHIN GROUP (ORDER BY order_count) AS f,
                               percentile_disc(%(shares)s)
                                   WITHIN GROUP (ORDER BY revenue) AS m,
                               %(pool)s AS pool
                          FROM base
                       ) quintile
                """,
                columns=SQL(
                    "last_order_on, order_count, revenue, margin, revenue_prev_12m, "
                    "last_order_on - previous_order_on AS gap"
                ),
                company=company.id,
                outside=outside,
                shares=list(rfm.QUINTILES),
                pool=cycle.POOL,
                least=self._sql_columns(
                    {
                        label: self._sql_least(company, amount)
                        for label, amount in CLASSES.items()
                    }
                ),
            )
        )
        return cuts

    def _sql_least(self, company, amount):
        """Return SQL of the least amounts of class A and class B, as an array."""
        return SQL(
            """
            (SELECT ARRAY[min(amount) FILTER (WHERE before < total * %(a)s / 100),
                          min(amount) FILTER (WHERE before < total * %(b)s / 100)]
               FROM (
                     SELECT %(amount)s AS amount,
                            sum(%(amount)s) OVER () AS total,
                            sum(%(amount)s) OVER (
                                ORDER BY %(amount)s DESC ROWS UNBOUNDED PRECEDING
                            ) - %(amount)s AS before
                       FROM base
                      WHERE %(amount)s > 0
                    ) share)
            """,
            amount=SQL.identifier(amount),
            a=company.hstyle_abc_a,
            b=company.hstyle_abc_b,
        )

    def _sql_scores(self, cuts):
        """Return score → SQL over the sums of ``n`` (see `_write_changed`)."""
        return {
            "r_score": self._sql_recency(cuts["r"]),
            "f_score": self._sql_score("order_count", cuts["f"]),
            "m_score": self._sql_score("revenue", cuts["m"]),
        }

    def _sql_labels(self, company, today, cuts):
        """Return label → SQL over the sums and scores of ``n``."""
        group = SQL(
            "(%s::varchar[])[(n.r_score - 1) * 5 + (n.f_score + n.m_score + 1) / 2]",
            [name for row in rfm.GRID for name in row],
        )
        classes = {
            label: self._sql_class(amount, *cuts[label])
            for label, amount in CLASSES.items()
        }
        return {
            "rfm_group": group,
            **classes,
            "abc_prev": SQL(
                "CASE WHEN n.order_count_prev_12m > 0 THEN %s END", classes["abc_prev"]
            ),
            "yoy": SQL(
                "CASE WHEN n.revenue_prev_12m > 0 "
                "THEN (n.revenue_12m / n.revenue_prev_12m - 1)::float8 END"
            ),
            "stage": self._sql_stage(company, today),
            **self._sql_next_order(cuts["pool"]),
        }

    def _sql_class(self, amount, least_a, least_b):
        return SQL(
            "CASE WHEN n.%(amount)s >= %(a)s THEN 'a' "
            "WHEN n.%(amount)s >= %(b)s THEN 'b' ELSE 'c' END",
            amount=SQL.identifier(amount),
            a=least_a,
            b=least_b,
        )

    def _sql_next_order(self, pool):
        """Return column → SQL of the interval of the next order; see `hstyle.cycle`."""
        due = cycle.sql_due(
            count=SQL("n.order_days - 1"),
            last=SQL("n.last_order_on"),
            low=SQL("n.gap_low"),
            high=SQL("n.gap_high"),
            pool=SQL("%s::integer[]", pool),
            pooled="all",
        )
        return {f"next_order_{name}": value for name, value in due.items()}

    def _sql_columns(self, values):
        """Return the columns of a select list, from name → SQL."""
        return SQL(", ").join(
            SQL("%s AS %s", value, SQL.identifier(name))
            for name, value in values.items()
        )

    def _sql_score(self, column, cuts):
        above = [
            SQL("(n.%s > %s)::integer", SQL.identifier(column), cut) for cut in cuts
        ]
        return SQL("(1 + %s)", SQL(" + ").join(above))

    def _sql_recency(self, cuts):
        below = [SQL("(n.last_order_on < %s)::integer", cut) for cut in cuts]
        return SQL("(5 - %s)", SQL(" - ").join(below))

    def _sql_stage(self, company, today):
        active, lapsing, lapsed = (
            today - relativedelta(days=days)
            for days in (
                company.hstyle_active_days,
                company.hstyle_lapsing_days,
                company.hstyle_lapsed_days,
            )
        )
        return SQL(
            """
            CASE WHEN n.last_order_on > %(active)s AND n.order_count = 1 THEN 'new'
                 WHEN n.last_order_on > %(active)s THEN 'active'
                 WHEN n.last_order_on > %(lapsing)s THEN 'lapsing'
                 WHEN n.last_order_on > %(lapsed)s THEN 'lapsed'
                 ELSE 'lost' END
            """,
            active=active,
            lapsing=lapsing,
            lapsed=lapsed,
        )

    # === BREADTH === #

    @api.model
    def _refresh_breadth(self, company):
        """Write in how many categories customers bought in 12 months, and whether that
        is few among those of the same money score. Called when the habits stand.
        """
        self.env.cr.execute(
            SQL(
                """
                  WITH counted AS (
                        SELECT p.id, p.m_score, h.count
                          FROM hstyle_profile p
                          LEFT JOIN (
                                SELECT partner_id, count(*)::integer AS count
                                  FROM hstyle_habit
                                 WHERE company_id = %(company)s AND last_on > %(year)s
                                 GROUP BY partner_id
                               ) h ON h.partner_id = p.partner_id
                         WHERE p.company_id = %(company)s
                       ),
                       peers AS (
                        SELECT m_score, percentile_cont(0.5)
                                   WITHIN GROUP (ORDER BY count) AS median
                          FROM counted
                         GROUP BY m_score
                       ),
                       labelled AS (
                        SELECT id, COALESCE(count, 0) AS category_count,
                               CASE WHEN count <= median * 0.5 THEN 'narrow'
                                    WHEN count >= median * 1.5 THEN 'broad'
                                    WHEN count > 0 THEN 'usual' END AS breadth
                          FROM counted
                          JOIN peers USING (m_score)
                       )
                UPDATE hstyle_profile p
                   SET category_count = l.category_count, breadth = l.breadth
                  FROM labelled l
                 WHERE l.id = p.id
                   AND (p.category_count, p.breadth)
                       IS DISTINCT FROM (l.category_count, l.breadth)
                """,
                company=company.id,
                year=company._hstyle_today() - relativedelta(months=12),
            )
        )
