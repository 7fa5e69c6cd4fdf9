"""What was done to customers, measured against customers to whom it was not done."""

from odoo import api, models
from odoo.tools import SQL, float_round

from ..tools import proof

#: The columns of a person, in the order of `proof.Figures`.
MEASURES = ("buyers", "orders", "revenue", "margin")


class HstyleProof(models.AbstractModel):
    """The proof for anything that treats customers: a campaign, an action."""

    _name = "hstyle.proof"
    _description = "Proof of an effect"

    @api.model
    def _measure(self, members, company, days):
        """Return what the groups of customers bought within days of their start.

        Purchases of all shops of the company and its branches count, net of refunds,
        from the start on to the end of the last of so many business days, of which the
        day of the start is the first. Everybody counts who was drawn, whether reached
        or not: intention to treat.

        :param SQL members: a query of (partner_id, arm, start): a commercial partner,
            the name of a group, a moment in UTC; a row for each treatment
        :return: dict of arm → `proof.Figures`
        """
        self.env.flush_all()
        self._gather(members, company, days)
        figures = {}
        for arm, size, *powers in self.env.execute_query(self._get_query(company)):
            triples = [powers[n : n + 3] for n in range(0, len(powers), 3)]
            samples = (proof.Sample(size, *map(float, three)) for three in triples)
            figures[arm] = proof.Figures(*samples)
        return figures

    def _gather(self, members, company, days):
        """Fill ``hstyle_measured`` with the members and the ends of their windows.

        A table that is analysed: the planner knows how many they are, also of a
        campaign that was launched a minute ago.
        """
        self.env.cr.execute(
            SQL(
                """
                SET LOCAL work_mem = '256MB';
                SET LOCAL jit = off;
                DROP TABLE IF EXISTS hstyle_measured;
                CREATE TEMPORARY TABLE hstyle_measured ON COMMIT DROP AS
                SELECT partner_id, arm, start, %s AS until FROM (%s) m;
                ANALYZE hstyle_measured
                """,
                self._get_until(company, days),
                members,
            )
        )

    def _get_query(self, company):
        """Return the query of the arms, their sizes and sums of powers."""
        branches = (
            self.env["res.company"].sudo().search([("id", "child_of", company.id)])
        )
        return SQL(
            """
            WITH bought AS (
                 SELECT m.partner_id, m.start, SUM(p.orders) AS orders,
                        SUM(p.revenue) AS revenue, SUM(p.margin) AS margin
                   FROM hstyle_purchase p
                   JOIN res_partner contact ON contact.id = p.contact_id
                   JOIN hstyle_measured m
                     ON m.partner_id = contact.commercial_partner_id
                    AND p.date_order >= m.start
                    AND p.date_order < m.until
                  WHERE p.company_id = ANY(%(companies)s)
                    AND p.date_order >= (SELECT MIN(start) FROM hstyle_measured)
                    AND p.date_order < (SELECT MAX(until) FROM hstyle_measured)
                  GROUP BY m.partner_id, m.start
            ), person AS (
                 SELECT m.arm, CASE WHEN b.orders > 0 THEN 1 ELSE 0 END AS buyers,
                        COALESCE(b.orders, 0)::float AS orders,
                        COALESCE(b.revenue, 0)::float AS revenue,
                        COALESCE(b.margin, 0)::float AS margin
                   FROM hstyle_measured m
                   LEFT JOIN bought b
                     ON b.partner_id = m.partner_id
                    AND b.start = m.start
            )
            SELECT arm, COUNT(*), %(powers)s FROM person GROUP BY arm
            """,
            companies=branches.ids,
            powers=SQL(", ").join(
                SQL("SUM(%s ^ %s)", SQL.identifier(measure), power)
                for measure in MEASURES
                for power in (1, 2, 3)
            ),
        )

    def _get_until(self, company, days):
        """Return SQL: the moment in UTC at which the last day of ``m.start`` ends."""
        return SQL(
            "(((m.start AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date + %(days)s)"
            "::timestamp AT TIME ZONE %(tz)s AT TIME ZONE 'UTC')",
            tz=company.hstyle_tz,
            days=days,
        )

    # === WORDS === #

    @api.model
    def _get_verdict(self, comparison):
        """Return small, open, gain or loss: what a comparison says in a word."""
        if not comparison.judgeable:
            return "small"
        if not comparison.significant:
            return "open"
        return "gain" if comparison.difference > 0 else "loss"

    @api.model
    def _explain(self, verdict, difference, low, high, show):
        """Return a sentence on a difference.

        :param verdict: see `_get_verdict`
        :param show: function of a number of the measure, such as an amount of money
        """
        values = {
            "difference": show(difference),
            "low": show(low),
            "high": show(high),
        }
        if verdict == "small":
            return self.env._(
                "Too few to judge: the difference of %(difference)s a person may be "
                "the work of a few customers. Draw a larger control group.",
                **values,
            )
        if verdict == "open":
            return self.env._(
                "Not significant: the difference of %(difference)s a person is one "
                "that chance makes as well; the truth is between %(low)s and %(high)s "
                "in 95 of 100 such cases.",
                **values,
            )
        if verdict == "gain":
            return self.env._(
                "Significant: %(difference)s more a person than in the control group; "
                "the truth is between %(low)s and %(high)s in 95 of 100 such cases.",
                **values,
            )
        return self.env._(
            "Significant, and a loss: %(difference)s a person against the control "
            "group; the truth is between %(low)s and %(high)s in 95 of 100 such cases.",
            **values,
        )

    @api.model
    def _get_show(self, measure, currency):
        """Return the function that writes a person's number of a measure."""
        if measure in ("revenue", "margin"):
            return currency.format
        if measure == "buyers":
            return lambda share: self.env._(
                "%s percentage points", round(share * 100, 2)
            )
        return lambda number: str(float_round(number, precision_digits=3))
