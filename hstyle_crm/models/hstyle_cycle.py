"""When the next purchase is due: an interval with its confidence, never a bare date.

Of n gaps (days between two days with a purchase) in ascending order, the next one lies
between the i-th and the (n + 1 - i)-th with probability 1 - 2i / (n + 1), whatever the
distribution, as long as no gap is special (exchangeable): the distribution-free
prediction interval of order statistics (S. S. Wilks, Ann. Math. Stat. 12, 1941, 91-96).
We take i = max(1, ⌊(n + 1) / 10⌋): 80 % as soon as there are 9 gaps, 50 % at 3.

Who has fewer gaps of his own gets the 10th and 90th percentile of the latest gaps of
all customers. One gap of each, because frequent buyers have the most gaps and the
shortest, and who has few gaps is not like them. Above a week these are widened to whole
weeks, above four to whole fours: so they are the same tomorrow, and not everybody's row
is written anew.

SQL here works on ``gaps``, the ascending array of a customer's gaps, and on
``order_days``, their number + 1; both of the row at hand.
"""

from odoo import models
from odoo.tools import SQL, format_date

#: The least number of own gaps, and of customers in the pool.
OWN = 3
ENOUGH = 30

#: SQL of the median gap, and of the gaps that bound the next one.
MEDIAN = SQL("(gaps[order_days / 2] + gaps[(order_days + 1) / 2]) / 2.0")
LOW = SQL("gaps[greatest(1, order_days / 10)]")
HIGH = SQL("gaps[order_days - greatest(1, order_days / 10)]")

_SHARE = "percentile_disc(%s) WITHIN GROUP (ORDER BY gap)"
_STEP = "CASE WHEN %(gap)s <= 7 THEN 1 WHEN %(gap)s <= 28 THEN 7 ELSE 28 END"
_SHORT, _LONG = ({"gap": SQL(_SHARE, share)} for share in (0.1, 0.9))
#: SQL aggregate over a column ``gap``: what the pool says (an array of 2), or NULL.
POOL = SQL(
    """
    CASE WHEN count(gap) >= %(enough)s THEN ARRAY[
         %(short)s / (%(short_step)s) * (%(short_step)s),
         (%(long)s + %(long_step)s - 1) / (%(long_step)s) * (%(long_step)s)] END
    """,
    enough=ENOUGH,
    short=_SHORT["gap"],
    short_step=SQL(_STEP, **_SHORT),
    long=_LONG["gap"],
    long_step=SQL(_STEP, **_LONG),
)


def sql_due(count, last, low, high, pool, pooled):
    """Return column → SQL: from and to (dates), confidence (0–1) and source.

    :param count: SQL of the number of own gaps
    :param last: SQL of the date of the last purchase
    :param low: SQL of the shorter own gap in days, ``high`` of the longer one
    :param pool: SQL of the two gaps of all (an array), or NULL
    :param pooled: the source's name where all customers' gaps are taken
    """
    own = SQL("%s >= %s", count, OWN)
    return {
        "from": SQL("%s + CASE WHEN %s THEN %s ELSE (%s)[1] END", last, own, low, pool),
        "to": SQL("%s + CASE WHEN %s THEN %s ELSE (%s)[2] END", last, own, high, pool),
        "confidence": SQL(
            "CASE WHEN %(own)s THEN "
            "1 - 2.0::float8 * greatest(1, (%(count)s + 1) / 10) / (%(count)s + 1) "
            "WHEN (%(pool)s)[1] IS NOT NULL THEN 0.8::float8 END",
            own=own,
            count=count,
            pool=pool,
        ),
        "source": SQL(
            "CASE WHEN %s THEN 'own' WHEN (%s)[1] IS NOT NULL THEN %s END",
            own,
            pool,
            pooled,
        ),
    }


class HstyleCycle(models.AbstractModel):
    """How an interval is said in words."""

    _name = "hstyle.cycle"
    _description = "Purchase cycle"

    def _get_due_text(self, first, last, confidence):
        """Return an interval in words, with its confidence; empty without one."""
        if not first:
            return False
        return self.env._(
            "%(first)s – %(last)s, %(percent)s %%",
            first=format_date(self.env, first, date_format="medium"),
            last=format_date(self.env, last, date_format="medium"),
            percent=round(100 * confidence),
        )
