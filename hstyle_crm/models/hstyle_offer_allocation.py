from odoo import models
from odoo.tools import SQL

from ..tools import offers

#: The goods that customers need soon, what they are worth and how strongly each cell is
#: courted. Value is what a customer spends in a cycle, or in the days of the list, if
#: these are longer: a year's revenue in that share. Who bought once has no cycle.
_CANDIDATES = """
SELECT h.partner_id, h.category_id, h.loyalty, h.usage, h.last_on, h.cycle_source,
       round(%(unit)s * %(outlook)s * h.revenue_12m
             * LEAST(1, GREATEST(COALESCE(h.gap_days, 365), %(days)s) / 365.0))
           AS value,
       round(100 * c.weight) AS weight
  FROM hstyle_habit h
  JOIN hstyle_profile p
    ON p.partner_id = h.partner_id
   AND p.company_id = h.company_id
   AND p.revenue_12m > %(threshold)s
  JOIN res_partner customer ON customer.id = h.partner_id AND customer.active
  JOIN hstyle_offer_cell c
    ON c.plan_id = %(plan)s
   AND c.loyalty = COALESCE(h.loyalty, 'switcher')
   AND c.usage = h.usage
   AND c.weight > 0
 WHERE h.company_id = %(company)s
   AND h.due_from <= %(end)s
   AND h.due_to >= %(day)s
   AND NOT %(held)s
"""

# Goods due by their own cycle come first, then those that pull most.
_CHOSEN = """
CREATE TEMPORARY TABLE hstyle_offer_new ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY partner_id, place) AS position, *
  FROM (
        SELECT *, value * weight AS pull,
               row_number() OVER (
                   PARTITION BY partner_id
                   ORDER BY (cycle_source = 'own') DESC, value * weight DESC,
                            category_id) AS place
          FROM (%(candidates)s) candidate
         WHERE value > 0
       ) ranked
 WHERE place <= %(lines)s;
ANALYZE hstyle_offer_new
"""

# `tools.offers.get_factor`: the last change at which the lines cost the target at most.
_FACTOR = """
SELECT key, constant, slope
  FROM (
        SELECT key,
               %(floor)s::numeric * %(total)s::numeric
                   + sum(sum(constant)) OVER keys AS constant,
               sum(sum(slope)) OVER keys AS slope
          FROM (
                SELECT pull * %(ceiling)s AS key, -%(floor)s * value AS constant,
                       value * pull AS slope
                  FROM hstyle_offer_new
                 UNION ALL
                SELECT pull * %(floor)s, %(ceiling)s * value, -value * pull
                  FROM hstyle_offer_new
               ) change
         GROUP BY key
        WINDOW keys AS (ORDER BY key DESC)
       ) walk
 WHERE constant * key + slope * %(floor)s * %(ceiling)s
       <= %(goal)s::numeric * key
 ORDER BY key
 LIMIT 1
"""

# `tools.offers.share`, with depths and costs as multiples of the factor's divisor.
_SHARED = """
CREATE TEMPORARY TABLE hstyle_offer_shared ON COMMIT DROP AS
SELECT *, div(20 * depth_by + %(den)s::numeric, 2 * %(den)s::numeric) AS tenths,
       div(cost_by, 100 * %(den)s::numeric)
           + (row_number() OVER (
                  ORDER BY mod(cost_by, 100 * %(den)s::numeric) DESC, position)
              <= %(target)s::numeric
                 - sum(div(cost_by, 100 * %(den)s::numeric)) OVER ())::integer AS cents
  FROM (
        SELECT *, value * depth_by AS cost_by
          FROM (
                SELECT *, LEAST(GREATEST(pull * %(num)s::numeric,
                                         %(floor)s * %(den)s::numeric),
                                %(ceiling)s * %(den)s::numeric) AS depth_by
                  FROM hstyle_offer_new
               ) deep
       ) costly;
ANALYZE hstyle_offer_shared
"""

_LISTS = """
INSERT INTO hstyle_offer_list
       (run_id, plan_id, company_id, partner_id, code, date_from, date_to, state,
        to_mail)
SELECT %(run)s, %(plan)s, %(company)s, partner_id,
       concat_ws('-', substr(code, 1, 5), substr(code, 6, 5), substr(code, 18, 5),
                 substr(code, 23, 5)),
       %(day)s, %(end)s, 'open', %(mail)s
  FROM (
        SELECT partner_id, upper(replace(gen_random_uuid()::text, '-', '')) AS code
          FROM hstyle_offer_shared
         WHERE place = 1
         ORDER BY partner_id
       ) customer
"""

_LINES = """
  WITH sponsor AS (
        SELECT DISTINCT ON (category.id)
               category.id AS category_id, s.partner_id, s.share
          FROM hstyle_offer_sponsor s
          JOIN product_category above ON above.id = s.category_id
          JOIN product_category category
            ON category.parent_path LIKE above.parent_path || '%%'
         WHERE s.plan_id = %(plan)s
         ORDER BY category.id, length(above.parent_path) DESC
       )
INSERT INTO hstyle_offer_line
       (list_id, category_id, loyalty, usage, last_on, value, depth, amount_planned,
        sponsor_id, sponsor_share, state, amount_given)
SELECT o.id, n.category_id, n.loyalty, n.usage, n.last_on, n.value / %(unit)s,
       n.tenths / 10, n.cents / %(unit)s, sponsor.partner_id, sponsor.share, 'open', 0
  FROM hstyle_offer_shared n
  JOIN hstyle_offer_list o ON o.run_id = %(run)s AND o.partner_id = n.partner_id
  LEFT JOIN sponsor USING (category_id)
 ORDER BY n.position
"""


class HstyleOfferAllocation(models.AbstractModel):
    """How a plan's budget becomes lists: the SQL half of `hstyle.offer.plan`."""

    _name = "hstyle.offer.allocation"
    _description = "Allocation of offers"

    def _allocate(self, day):
        """Fill ``hstyle_offer_shared`` with the offers of a day.

        :return: dict of customers, lines, planned (money), bound ("", "floor" or
                 "ceiling"), least (money at the lower depth), and depths: tuples of
                 (from %, to %, offers)
        """
        self.ensure_one()
        self.env.flush_all()
        self._choose(day)
        [[lines, customers, total]] = self.env.execute_query(
            SQL(
                """
                SELECT count(*), count(*) FILTER (WHERE place = 1),
                       COALESCE(sum(value), 0)
                  FROM hstyle_offer_new
                """
            )
        )
        budget, total = round(self.budget * self._get_unit()), int(total)
        target, bound = offers.get_target(total, budget, self.floor, self.ceiling)
        self._share(total, budget)
        return {
            "customers": customers,
            "lines": lines,
            "planned": target / self._get_unit(),
            "least": -(-total * self.floor // 100) / self._get_unit(),
            "bound": bound,
            "depths": self._get_depths(),
        }

    def _get_unit(self):
        """Return how many of the smallest coin make one of the currency."""
        return 10**self.currency_id.decimal_places

    def _choose(self, day):
        """Fill ``hstyle_offer_new`` with each customer's goods."""
        candidates = SQL(
            _CANDIDATES,
            unit=self._get_unit(),
            outlook=self._sql_outlook(),
            days=self.valid_days,
            threshold=self.threshold,
            plan=self.id,
            company=self.company_id.id,
            day=day,
            end=self._get_end(day),
            # Their orders would take the offers, told or not.
            held=self.company_id._sql_is_held_out(SQL("h.partner_id")),
        )
        self.env.cr.execute(
            """
            SET LOCAL work_mem = '256MB';
            SET LOCAL jit = off;
            SET LOCAL max_parallel_workers_per_gather = 0;
            DROP TABLE IF EXISTS hstyle_offer_new, hstyle_offer_shared
            """
        )
        self.env.cr.execute(
            SQL(_CHOSEN, candidates=candidates, lines=self.lines_per_list)
        )

    def _sql_outlook(self):
        """Return what the next 12 months are expected to be worth, against the last.

        The one place that reads the forecast of customers; who has none counts as is.
        """
        return SQL(
            "COALESCE(p.expected_value_12m::numeric / NULLIF(p.revenue_12m, 0), 1)"
        )

    def _share(self, total, budget):
        """Fill ``hstyle_offer_shared``: what `tools.offers.share` returns, in SQL."""
        bounds = {"floor": self.floor, "ceiling": self.ceiling}
        goal = offers.get_goal(total, budget, **bounds)
        target, _bound = offers.get_target(total, budget, **bounds)
        query = SQL(_FACTOR, total=total, goal=goal, **bounds)
        num, den = 0, 1
        for key, constant, slope in self.env.execute_query(query):
            num, den = self.floor * self.ceiling, int(key)
            if slope:
                num, den = int(goal - constant), int(slope)
        self.env.cr.execute(SQL(_SHARED, num=num, den=den, target=target, **bounds))

    def _get_depths(self):
        """Return (from %, to %, offers) in up to five equal steps of depth."""
        width = max(1, -(-(self.ceiling - self.floor) // 5))
        return [
            (int(low), min(int(low) + width, self.ceiling), count)
            for low, count in self.env.execute_query(
                SQL(
                    """
                    SELECT %(floor)s + %(width)s * LEAST(
                               div(tenths / 10 - %(floor)s, %(width)s),
                               GREATEST(0, %(last)s)),
                           count(*)
                      FROM hstyle_offer_shared
                     GROUP BY 1
                     ORDER BY 1
                    """,
                    floor=self.floor,
                    width=width,
                    last=-(-(self.ceiling - self.floor) // width) - 1,
                )
            )
        ]

    def _insert_lists(self, run):
        """Write the lists and lines of a run; each code has 80 random bits."""
        values = {
            "run": run.id,
            "plan": self.id,
            "company": self.company_id.id,
            "day": run.day,
            "end": run.date_to,
            "mail": bool(self.template_id),
        }
        self.env.cr.execute(SQL(_LISTS, **values))
        values = {"run": run.id, "plan": self.id, "unit": self._get_unit()}
        self.env.cr.execute(SQL(_LINES, **values))
        self.env.invalidate_all()
