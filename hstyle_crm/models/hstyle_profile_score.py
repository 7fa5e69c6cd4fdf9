import io

from odoo import api, models
from odoo.tools import SQL

from ..tools import clv

#: Columns of the predictions.
SCORES = ("p_alive", "expected_orders_12m", "expected_value_12m", "forecast_on")


class HstyleProfileScore(models.AbstractModel):
    """How a forecast becomes predictions: the scoring half of `hstyle.profile`.

    Customers who are alike for the model have one prediction: it is computed for each
    such cell, and nothing is rounded to make the cells fewer.
    """

    _name = "hstyle.profile.score"
    _description = "Predictions of customer profiles"

    @api.model
    def _get_order_cells(self, company, day):
        """Return the cells of a company's customers, as an array of four rows.

        Days with an order, days from the first to the last one, days from the first one
        to the day, and how many customers are in the cell.
        """
        return self._fetch_array(
            SQL(
                """
                SELECT %s, count(*)
                  FROM hstyle_profile
                 WHERE company_id = %s AND order_days > 0
                 GROUP BY 1, 2, 3
                """,
                self._sql_cell(day),
                company.id,
            ),
            4,
        )

    @api.model
    def _get_values(self, company):
        """Return each customer's days with an order and net revenue (two rows)."""
        return self._fetch_array(
            SQL(
                """
                SELECT order_days, revenue
                  FROM hstyle_profile
                 WHERE company_id = %s AND order_days > 0
                """,
                company.id,
            ),
            2,
        )

    @api.model
    def _fetch_array(self, query, width):
        """Return the numbers of a query as an array, a row for each column.

        As text by COPY: rows as Python objects take ten times the memory.
        """
        import numpy as np

        text = io.BytesIO()
        command = self.env.cr.mogrify(SQL("COPY (%s) TO STDOUT", query))
        self.env.cr.copy_expert(command, text)
        return np.fromstring(text.getvalue(), sep=" ").reshape(-1, width).T

    @api.model
    def _score(self, forecast, cells=None):
        """Write a forecast's predictions to its customers: their only writer.

        They are as of the forecast's day and stay until the next one; a forecast that
        is too thin takes away what stood. Only rows that changed are written.

        :param cells: `_get_order_cells` of the forecast's day, where they are at hand
        :return: how many rows were written
        """
        self.env.flush_all()
        if forecast.state == "thin":
            query = self._sql_clear(forecast)
        else:
            if cells is None:
                cells = self._get_order_cells(forecast.company_id, forecast.date)
            self._load_scores(forecast, cells)
            # It would write in the order of the cells, that is all over the table.
            self.env.cr.execute("SET LOCAL enable_mergejoin = off")
            query = self._sql_predictions(forecast)
        self.env.cr.execute(query)
        written = self.env.cr.rowcount
        self.invalidate_model([*SCORES, "forecast_id"])
        return written

    def _has_score(self, name):
        """Tell whether the customer has a prediction: none reads as zero."""
        self.ensure_one()
        return self.forecast_on and (name != "p_alive" or self.order_days > 1)

    def _get_expected_range(self):
        """Return between what amounts the revenue of 12 months is, in 8 of 10 cases."""
        self.ensure_one()
        orders, r = self.expected_orders_12m, self.forecast_id.sudo().r
        if not (orders and r):
            return 0.0, 0.0
        alive = self.p_alive if self.order_days > 1 else 1.0
        shape = r + self.order_days - 1
        value = self.expected_value_12m / orders
        least, most = clv.get_order_range(orders, alive, shape)
        return least * value, most * value

    @api.model
    def _load_scores(self, forecast, cells):
        """Fill ``hstyle_score`` with each cell's chance and orders to expect."""
        days, lasting, age, _count = cells
        model = clv.Purchases(forecast.r, forecast.alpha, forecast.a, forecast.b)
        known = (days - 1, lasting / 7, age / 7)
        scores = (*cells[:3], model.get_alive(*known), model.get_expected(*known))
        line = "%d\t%d\t%d\t%.4f\t%.4f\n".__mod__
        text = "".join(map(line, zip(*(row.tolist() for row in scores), strict=True)))
        self.env.cr.execute(
            """
            DROP TABLE IF EXISTS hstyle_score;
            CREATE TEMPORARY TABLE hstyle_score (
                order_days integer, lasting integer, age integer,
                p_alive float8, orders float8) ON COMMIT DROP
            """
        )
        self.env.cr.copy_expert("COPY hstyle_score FROM STDIN", io.StringIO(text))
        self.env.cr.execute("ANALYZE hstyle_score")

    # === QUERIES === #

    def _sql_cell(self, day):
        """Return the columns that make customers alike for the model on a day."""
        return SQL(
            """
            order_days,
            last_order_on - first_order_on AS lasting,
            greatest(last_order_on, %s) - first_order_on AS age
            """,
            day,
        )

    def _sql_clear(self, forecast):
        return SQL(
            """
            UPDATE hstyle_profile
               SET (%s) = ROW (NULL, NULL, NULL, NULL)
             WHERE company_id = %s AND forecast_on IS NOT NULL
            """,
            SQL(", ").join(map(SQL.identifier, SCORES)),
            forecast.company_id.id,
        )

    def _sql_predictions(self, forecast):
        """Return the update from ``hstyle_score``.

        Orders times their mean value, `clv.Spending.get_expected`. No chance is written
        of who ordered on one day only, whom the model takes to be there for ever.
        """
        names = [SQL.identifier(name) for name in SCORES]
        return SQL(
            """
              WITH fresh AS (
                    SELECT p.id, %(day)s::date AS forecast_on,
                           CASE WHEN order_days > 1 THEN score.p_alive END AS p_alive,
                           score.orders AS expected_orders_12m,
                           round((score.orders * %(p)s
                                  * (%(gamma)s + greatest(p.revenue, 0)::float8)
                                  / (%(p)s * order_days + %(q)s - 1))::numeric,
                                 %(digits)s) AS expected_value_12m
                      FROM (
                            SELECT id, revenue, %(cell)s
                              FROM hstyle_profile
                             WHERE company_id = %(company)s
                           ) p
                      JOIN hstyle_score score USING (order_days, lasting, age)
                   )
            UPDATE hstyle_profile p
               SET (%(names)s) = ROW (%(new)s)
              FROM fresh
             WHERE p.id = fresh.id AND (%(old)s) IS DISTINCT FROM (%(new)s)
            """,
            day=forecast.date,
            company=forecast.company_id.id,
            p=forecast.p,
            q=forecast.q,
            gamma=forecast.gamma,
            digits=forecast.company_id.currency_id.decimal_places,
            cell=self._sql_cell(forecast.date),
            names=SQL(", ").join(names),
            new=SQL(", ").join(SQL("fresh.%s", name) for name in names),
            old=SQL(", ").join(SQL("p.%s", name) for name in names),
        )
