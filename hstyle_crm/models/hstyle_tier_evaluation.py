from odoo import api, models, tools
from odoo.tools import SQL

#: What a customer's figures are compared for: entering a tier today, keeping the tier
#: at the end of its validity, and what they were on the day of the last upgrade.
_MODES = ("entry", "keep", "since")


class HstyleTierEvaluation(models.AbstractModel):
    """What customers' figures say about their tiers: the SQL half of hstyle.membership.

    One statement, for one customer at the till or for all at night, reads purchases
    and points and says what is to be done. Its semantics in plain Python are in
    tests/tiers_model.py.
    """

    _name = "hstyle.tier.evaluation"
    _description = "Evaluation of tiers"

    @api.model
    def _evaluate(self, company, partner_ids=None, everybody=False):
        """Return what the figures of customers mean today, a dict for each.

        ``step`` is the place of the customer's tier in the ladder, from 1 on, and 0
        for who has none; ``target`` that of the highest tier whose rules of entry
        hold. ``action`` is one of

        - up: to ``target``, at once
        - renew, down: the validity is over, and the tier was kept, or was not
        - doubt, undo, clear: a refund took back what an upgrade was given for; grace
          begins, is over, or is needed no longer
        - warn: the validity ends soon, and the tier is not kept yet

        ``values`` has (mode, spec) → figure, ``first_on`` the day of the first kept
        order, and ``total`` all net spend.

        :param partner_ids: customers (commercial) to look at; None is all who bought
            from the company or are its members
        :param everybody: also return customers for whom nothing is to be done, with
            ``days``: spec → day of the first order that counts to enter
        """
        ladder = self.env["res.partner.grade"]._get_ladder(company)
        figures = self._get_figures(ladder)
        if not figures:
            return []
        query = self._sql_evaluation(company, ladder, figures, partner_ids, everybody)
        return [
            self._prepare_row(row, figures)
            for row in self.env.execute_query_dict(query)
        ]

    @api.model
    def _find_due(self, company):
        """Return the customers for whom there may be something to do, in order.

        Whether a refund undoes an upgrade is left to `_evaluate`, for those few whose
        spend fell.
        """
        ladder = self.env["res.partner.grade"]._get_ladder(company)
        figures = self._get_figures(ladder, modes=("entry", "keep"))
        if not figures:
            return []
        self._set_planner()
        query = self._sql_evaluation(
            company, ladder, figures, everybody=False, coarse=True
        )
        return [row[0] for row in self.env.execute_query(query)]

    @api.model
    def _set_planner(self):
        """Let the big statement have its memory, and start at once."""
        self.env.cr.execute(
            "SELECT set_config('jit', 'off', TRUE),"
            " set_config('work_mem', '256MB', TRUE)"
        )

    @api.model
    def _get_figures(self, ladder, *more, modes=_MODES):
        """Return (mode, spec) → name of its column; ``more`` of those that enter."""
        figures = {("entry", spec): f"v{n}" for n, spec in enumerate(more)}
        for mode in modes:
            for step in ladder:
                groups = step.keeping if mode == "keep" else step.entry
                for condition in (c for group in groups for c in group):
                    figures.setdefault((mode, condition.spec), f"v{len(figures)}")
        return figures

    @api.model
    def _prepare_row(self, row, figures):
        values = {name: row.pop(column) for name, column in figures.items()}
        days = {
            spec: row.pop(f"d{column}")
            for (mode, spec), column in figures.items()
            if mode == "entry" and f"d{column}" in row
        }
        return {**row, "values": values, "days": days}

    # === THE STATEMENT === #

    def _sql_evaluation(
        self,
        company,
        ladder,
        figures,
        partner_ids=None,
        everybody=True,
        trial=False,
        coarse=False,
    ):
        """Return the query of `_evaluate`.

        :param trial: as if the validity of every membership ended today
        :param coarse: leave out what is needed to act, but not to find who is due
        """
        today = company._hstyle_today()
        return SQL(
            """
            WITH member AS MATERIALIZED (
                 SELECT m.*, %(bounds)s
                   FROM hstyle_membership m
                  WHERE company_id = %(company)s AND %(chosen)s
            ), bought AS (%(bought)s), earned AS (%(earned)s), spent AS (
                 SELECT b.partner_id,
                        SUM(b.revenue) FILTER (WHERE b.moment < m.after_since) AS spent,
                        %(first)s AS first_on,
                        %(total)s AS total,
                        %(spent_columns)s
                   FROM bought b
                   LEFT JOIN member m USING (partner_id)
                  GROUP BY b.partner_id
            ), pointed AS (
                 SELECT b.partner_id, %(earned_columns)s
                   FROM earned b
                   LEFT JOIN member m USING (partner_id)
                  GROUP BY b.partner_id
            ), figures AS (
                 SELECT COALESCE(s.partner_id, m.partner_id) AS partner_id,
                        m.id AS membership_id, m.since, m.valid_until, m.pinned_until,
                        m.undo_on, m.warned_for, m.spent_at_since,
                        s.first_on, COALESCE(s.total, 0) AS total,
                        COALESCE(s.spent, 0) AS spent,
                        %(steps)s AS step, %(columns)s
                   FROM spent s
                   FULL JOIN member m ON m.partner_id = s.partner_id
                   LEFT JOIN pointed e
                     ON e.partner_id = COALESCE(s.partner_id, m.partner_id)
                  WHERE m.id IS NOT NULL
                     OR NOT EXISTS (
                        SELECT FROM hstyle_membership other
                         WHERE other.partner_id = s.partner_id)
            ), judged AS (
                 SELECT n.*, %(target)s AS target, %(kept)s AS kept, %(held)s AS held,
                        %(grace)s AS grace, %(warn)s AS warn
                   FROM figures n
                 OFFSET 0
            ), decided AS (SELECT n.*, %(action)s AS action FROM judged n)
            SELECT partner_id, membership_id, step, target, kept, action, valid_until,
                   pinned_until, first_on, total, %(names)s
              FROM decided
             WHERE %(everybody)s OR action IS NOT NULL
             ORDER BY partner_id
            """,
            company=company.id,
            first=self._sql_day(company, SQL("MIN(b.moment) FILTER (WHERE b.kept)")),
            total=SQL("0") if coarse else SQL("SUM(b.revenue)"),
            bounds=self._sql_bounds(company, figures, today, trial),
            chosen=self._sql_chosen(partner_ids),
            bought=self._sql_bought(company, today, partner_ids),
            earned=self._sql_earned(company, today, partner_ids, figures),
            spent_columns=self._sql_columns(
                company, figures, ("spend", "orders"), today, everybody
            ),
            earned_columns=self._sql_columns(
                company, figures, ("points",), today, everybody
            ),
            columns=self._sql_joined(figures, today, trial, everybody),
            steps=self._sql_case(
                SQL("m.grade_id"), [(step.id, n) for n, step in enumerate(ladder, 1)]
            ),
            target=self._sql_target(ladder, figures),
            kept=self._sql_per_step(
                self._sql_holds(step.keeping, "keep", figures) for step in ladder
            ),
            held=SQL("FALSE")
            if coarse
            else self._sql_per_step(
                self._sql_holds(step.entry, "since", figures) for step in ladder
            ),
            grace=self._sql_per_step(SQL("%s", s.grace_days) for s in ladder),
            warn=self._sql_per_step(SQL("%s", s.warn_days) for s in ladder),
            action=self._sql_action(today),
            names=self._sql_names(figures, everybody),
            everybody=SQL("TRUE") if everybody else SQL("FALSE"),
        )

    def _sql_chosen(self, partner_ids):
        if partner_ids is None:
            return SQL("TRUE")
        return SQL("partner_id = ANY(%s)", list(partner_ids))

    def _sql_bought(self, company, today, partner_ids):
        """Return the query of purchases: (partner_id, moment, revenue, kept).

        An order is kept if it is not refunded in full. The view would join all
        contacts; few are of a family, whose purchases are one customer's.
        """
        source = SQL("hstyle_purchase p")
        if partner_ids is not None:
            # OFFSET 0: each contact is looked up, where a join would read everything.
            source = SQL(
                """
                (SELECT id FROM res_partner
                  WHERE commercial_partner_id = ANY(%s)) contact
                CROSS JOIN LATERAL (
                      SELECT * FROM hstyle_purchase
                       WHERE contact_id = contact.id OFFSET 0) p
                """,
                list(partner_ids),
            )
        return SQL(
            """
            SELECT COALESCE(family.commercial_partner_id, p.contact_id) AS partner_id,
                   p.date_order AS moment, p.revenue,
                   p.orders > 0 AND p.revenue > COALESCE(credit.refund, 0) AS kept
              FROM %(source)s
              LEFT JOIN res_partner family
                ON family.id = p.contact_id
               AND family.commercial_partner_id <> family.id
              LEFT JOIN (
                    SELECT sale_order_id, SUM(refund) AS refund
                      FROM %(source)s
                     WHERE p.kind = 'refund'
                     GROUP BY sale_order_id
                   ) credit
                ON credit.sale_order_id = p.sale_order_id
               AND p.kind = 'sale'
             WHERE p.company_id = ANY(%(companies)s)
               AND p.contact_id IS NOT NULL
               AND p.date_order < %(end)s
            """,
            source=source,
            companies=self._get_branch_ids(company),
            end=self._sql_moment(company, SQL("%s::date + 1", today)),
        )

    def _sql_earned(self, company, today, partner_ids, figures):
        """Return the query of points by order: (partner_id, moment, points).

        What an order earned, less what was taken back, on the day of its award.
        """
        if not any(spec[0] == "points" for _mode, spec in figures):
            return SQL(
                "SELECT NULL::int AS partner_id, NULL::timestamp AS moment,"
                " 0::numeric AS points WHERE FALSE"
            )
        return SQL(
            """
            SELECT contact.commercial_partner_id AS partner_id,
                   %s AS moment, SUM(h.points) AS points
              FROM loyalty_history h
              JOIN loyalty_card c ON c.id = h.card_id
              JOIN loyalty_program program
                ON program.id = c.program_id
               AND program.managed
               AND (program.company_id IS NULL OR program.company_id = ANY(%s))
              JOIN res_partner contact ON contact.id = c.partner_id
             WHERE (h.kind = 'earn' OR h.kind = 'reverse' AND h.issued <> 0)
               AND h.date <= %s
               AND %s
             GROUP BY contact.commercial_partner_id, h.order_model, h.order_id
            """,
            self._sql_moment(company, SQL("MIN(h.date)")),
            self._get_branch_ids(company),
            today,
            SQL("TRUE")
            if partner_ids is None
            else SQL("contact.commercial_partner_id = ANY(%s)", list(partner_ids)),
        )

    @api.model
    @tools.ormcache("company.id")
    def _get_branch_ids(self, company):
        """Return the ids of the company and its branches, whose customers are one."""
        domain = [("id", "child_of", company.id)]
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        return companies.search(domain).ids

    # === FIGURES === #

    def _sql_moment(self, company, day):
        """Return the first moment (UTC) of a day of the company."""
        return SQL(
            "((%s)::timestamp AT TIME ZONE %s AT TIME ZONE 'UTC')",
            day,
            company.hstyle_tz,
        )

    def _sql_day(self, company, moment):
        """Return the company's day of a moment (UTC)."""
        return SQL(
            "(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", moment, company.hstyle_tz
        )

    def _sql_columns(self, company, figures, measures, today, everybody):
        """Return the columns that sum orders ``b`` of members ``m`` over windows."""
        columns = [SQL("NULL AS nothing")]
        for (mode, spec), name in figures.items():
            if spec[0] not in measures:
                continue
            counted = self._sql_window(company, mode, spec, name, today)
            column = SQL.identifier(name)
            columns.append(
                SQL(
                    "%s FILTER (WHERE %s) AS %s",
                    self._sql_sum(spec[0]),
                    counted,
                    column,
                )
            )
            if everybody and mode == "entry":
                first = SQL("MIN(b.moment) FILTER (WHERE %s)", counted)
                columns.append(
                    SQL(
                        "%s AS %s",
                        self._sql_day(company, first),
                        SQL.identifier(f"d{name}"),
                    )
                )
        return SQL(", ").join(columns)

    def _sql_sum(self, measure):
        return {
            "spend": SQL("SUM(b.revenue)"),
            "orders": SQL("SUM(b.kept::int)"),
            "points": SQL("SUM(b.points)"),
        }[measure]

    def _sql_as_of(self, mode, today, trial):
        """Return the day on which a mode's windows end."""
        if mode == "since":
            return SQL("m.since")
        ends = mode == "keep" and not trial
        return SQL("m.valid_until") if ends else SQL("%s::date", today)

    def _sql_first_day(self, mode, spec, today, trial):
        """Return the first day of a window, of member ``m``."""
        _measure, window, months = spec
        as_of = self._sql_as_of(mode, today, trial)
        if window == "rolling":
            return SQL("(%s - make_interval(months => %s))::date + 1", as_of, months)
        if window == "year":
            return SQL("date_trunc('year', %s)::date", as_of)
        return SQL("m.period_start") if mode == "keep" else SQL("m.joined_on")

    def _sql_bounds(self, company, figures, today, trial):
        """Return the columns of the windows' first moments: once for a member."""
        bounds = {
            f"first_{name}": self._sql_first_day(mode, spec, today, trial)
            for (mode, spec), name in figures.items()
            if spec[0] != "months" and (mode != "entry" or spec[1] == "entry")
        }
        bounds["after_since"] = SQL("m.since + 1")
        return SQL(", ").join(
            SQL("%s AS %s", self._sql_moment(company, day), SQL.identifier(name))
            for name, day in bounds.items()
        )

    def _sql_window(self, company, mode, spec, name, today):
        """Return the condition that the moment of an order is in a window."""
        if mode == "entry" and spec[1] != "entry":
            # The same for everybody, and for those who are no members.
            first = self._sql_first_day(mode, spec, today, False)
            return SQL("b.moment >= %s", self._sql_moment(company, first))
        counted = SQL("b.moment >= m.%s", SQL.identifier(f"first_{name}"))
        if mode == "since":
            return SQL("%s AND b.moment < m.after_since", counted)
        if mode == "entry":
            return SQL("(m.joined_on IS NULL OR %s)", counted)
        return counted

    def _sql_joined(self, figures, today, trial, everybody):
        """Return the figures' columns from the sums, or from the membership."""
        columns = []
        for (mode, spec), name in figures.items():
            value = SQL(
                "COALESCE(%s.%s, 0)",
                SQL("e") if spec[0] == "points" else SQL("s"),
                SQL.identifier(name),
            )
            if spec[0] == "months":
                value = self._sql_months(self._sql_as_of(mode, today, trial))
            columns.append(SQL("%s AS %s", value, SQL.identifier(name)))
            if everybody and mode == "entry":
                day = SQL("NULL::date")
                if spec[0] != "months":
                    day = SQL(
                        "%s.%s",
                        SQL("e") if spec[0] == "points" else SQL("s"),
                        SQL.identifier(f"d{name}"),
                    )
                columns.append(SQL("%s AS %s", day, SQL.identifier(f"d{name}")))
        return SQL(", ").join(columns)

    def _sql_months(self, as_of):
        """Return the full months of membership: 31 January + 1 month is in February.

        Who joins today is a member since the first kept order.
        """
        joined = SQL("COALESCE(m.joined_on, s.first_on)")
        months = SQL(
            "((EXTRACT(YEAR FROM %(day)s) - EXTRACT(YEAR FROM %(joined)s)) * 12"
            " + EXTRACT(MONTH FROM %(day)s) - EXTRACT(MONTH FROM %(joined)s))::int",
            joined=joined,
            day=as_of,
        )
        return SQL(
            "COALESCE(%(months)s - (%(joined)s + make_interval(months => %(months)s)"
            " > %(day)s)::int, 0)",
            joined=joined,
            months=months,
            day=as_of,
        )

    def _sql_names(self, figures, everybody):
        names = list(figures.values())
        if everybody:
            names += [f"d{n}" for (mode, _s), n in figures.items() if mode == "entry"]
        return SQL(", ").join(map(SQL.identifier, names))

    # === DECISIONS === #

    def _sql_holds(self, groups, mode, figures):
        """Return the condition that one group's conditions all hold."""
        if not groups:
            return SQL("FALSE")
        return SQL(
            "(%s)",
            SQL(" OR ").join(
                SQL(" AND ").join(
                    SQL(
                        "n.%s >= %s",
                        SQL.identifier(figures[mode, condition.spec]),
                        condition.threshold,
                    )
                    for condition in group
                )
                for group in groups
            ),
        )

    def _sql_case(self, subject, pairs):
        cases = (SQL("WHEN %s THEN %s", when, then) for when, then in pairs)
        return SQL("(CASE %s %s ELSE 0 END)", subject, SQL(" ").join(cases))

    def _sql_per_step(self, values):
        """Return the value for the customer's step, NULL for who has none."""
        cases = (SQL("WHEN %s THEN %s", n, v) for n, v in enumerate(values, 1))
        return SQL("(CASE n.step %s END)", SQL(" ").join(cases))

    def _sql_target(self, ladder, figures):
        cases = [
            SQL("WHEN %s THEN %s", self._sql_holds(step.entry, "entry", figures), n)
            for n, step in reversed(list(enumerate(ladder, 1)))
        ]
        # Who is no member joins at the first kept order, whatever the thresholds.
        return SQL(
            "(CASE WHEN n.membership_id IS NULL AND n.first_on IS NULL THEN 0"
            " %s ELSE 0 END)",
            SQL(" ").join(cases),
        )

    def _sql_action(self, today):
        """Return what is to be done; see `_evaluate`."""
        return SQL(
            """
            CASE WHEN n.pinned_until >= %(today)s THEN NULL
                 WHEN n.target > n.step THEN 'up'
                 WHEN n.valid_until < %(today)s
                      AND (n.kept OR n.target = n.step) THEN 'renew'
                 WHEN n.valid_until + n.grace < %(today)s THEN 'down'
                 WHEN n.valid_until < %(today)s THEN NULL
                 WHEN n.step > n.target AND n.spent < n.spent_at_since AND NOT n.held
                      THEN CASE WHEN n.undo_on < %(today)s OR n.grace = 0 THEN 'undo'
                                WHEN n.undo_on IS NULL THEN 'doubt' END
                 WHEN n.undo_on IS NOT NULL THEN 'clear'
                 WHEN n.valid_until - n.warn <= %(today)s AND n.warn > 0
                      AND NOT n.kept
                      AND n.warned_for IS DISTINCT FROM n.valid_until THEN 'warn'
            END
            """,
            today=today,
        )
