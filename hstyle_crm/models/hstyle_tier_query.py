"""The statement that measures customers and says what is to be done about their tiers.

It reads purchases and points for one customer at the till, or for all at night.
"""

from odoo.tools import SQL

#: What a customer's figures are compared for: entering a tier today, keeping the tier
#: at the end of its validity, and what they were on the day of the last upgrade.
MODES = ("entry", "keep", "since")


def get_case(subject, pairs):
    """Return SQL: the second of the pair whose first is the subject, or 0."""
    cases = (SQL("WHEN %s THEN %s", when, then) for when, then in pairs)
    return SQL("(CASE %s %s ELSE 0 END)", subject, SQL(" ").join(cases))


def get_per_step(values):
    """Return SQL: the value of the step of customer ``n``, NULL for who has none."""
    cases = (SQL("WHEN %s THEN %s", n, value) for n, value in enumerate(values, 1))
    return SQL("(CASE n.step %s END)", SQL(" ").join(cases))


class TierQuery:
    """The statement for a company's ladder on a day.

    :param company: the company whose customers climb the ladder
    :param branch_ids: ids of the company and its branches, whose purchases count
    :param ladder: steps, the lowest first
    :param partner_ids: customers (commercial) to look at, or None for all
    :param more: specs that are measured beside those of the rules
    :param days: also say when the first order of each window was
    :param trial: as if the validity of every membership ended today
    :param coarse: leave out what is needed to act, but not to find who is due
    """

    def __init__(
        self,
        company,
        branch_ids,
        ladder,
        partner_ids=None,
        more=(),
        days=False,
        trial=False,
        coarse=False,
    ):
        self.company, self.branch_ids, self.ladder = company, branch_ids, ladder
        self.partner_ids = None if partner_ids is None else list(partner_ids)
        self.days, self.trial, self.coarse = days, trial, coarse
        self.today = company._hstyle_today()
        #: (mode, spec) → name of its column.
        self.figures = {("entry", spec): f"v{n}" for n, spec in enumerate(more)}
        for mode in MODES[:2] if coarse else MODES:
            self._add_figures(mode)

    def _add_figures(self, mode):
        for step in self.ladder:
            groups = step.keeping if mode == "keep" else step.entry
            for condition in (c for group in groups for c in group):
                name = f"v{len(self.figures)}"
                self.figures.setdefault((mode, condition.spec), name)

    def get_rows(self, env, everybody=False):
        """Return the statement's rows as dicts; see hstyle.tier.evaluation.

        :param everybody: also customers for whom nothing is to be done
        """
        if not self.figures:
            return []
        condition = SQL("TRUE") if everybody else SQL("action IS NOT NULL")
        query = SQL("SELECT * FROM (%s) n WHERE %s", self.get(), condition)
        return [self._prepare(row) for row in env.execute_query_dict(query)]

    def get_due(self, env):
        """Return the ids of customers for whom there is something to do."""
        if not self.figures:
            return []
        query = SQL(
            "SELECT partner_id FROM (%s) n WHERE action IS NOT NULL", self.get()
        )
        return [partner_id for (partner_id,) in env.execute_query(query)]

    def _prepare(self, row):
        row["values"] = {name: row.pop(col) for name, col in self.figures.items()}
        row["days"] = {
            spec: row.pop(f"d{column}")
            for (mode, spec), column in self.figures.items()
            if self.days and mode == "entry"
        }
        return row

    # === THE STATEMENT === #

    def get(self):
        """Return SQL: a row for each customer, in their order."""
        ladder = self.ladder
        return SQL(
            """
            WITH member AS MATERIALIZED (
                 SELECT m.*, %(bounds)s
                   FROM hstyle_membership m
                  WHERE company_id = %(company)s AND %(chosen)s
            ), bought AS (%(bought)s), earned AS (%(earned)s), spent AS (
                 SELECT b.partner_id,
                        SUM(b.revenue) FILTER (WHERE b.moment < m.after_since) AS spent,
                        %(first)s AS first_on, %(last)s AS last_on,
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
                        s.first_on, s.last_on, COALESCE(s.total, 0) AS total,
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
            )
            SELECT partner_id, membership_id, step, target, kept, %(action)s AS action,
                   valid_until, pinned_until, first_on, total, %(names)s
              FROM judged n
             ORDER BY partner_id
            """,
            bounds=self._get_bounds(),
            company=self.company.id,
            chosen=self._get_chosen(SQL("m.partner_id")),
            bought=self._get_bought(),
            earned=self._get_earned(),
            first=self._get_day(SQL("MIN(b.moment) FILTER (WHERE b.kept)")),
            last=self._get_day(SQL("MAX(b.moment) FILTER (WHERE b.kept)")),
            total=SQL("0") if self.coarse else SQL("SUM(b.revenue)"),
            spent_columns=self._get_sums("spend", "orders"),
            earned_columns=self._get_sums("points"),
            steps=get_case(
                SQL("m.grade_id"), [(step.id, n) for n, step in enumerate(ladder, 1)]
            ),
            columns=self._get_columns(),
            target=self._get_target(),
            kept=get_per_step(self._get_holds(s.keeping, "keep") for s in ladder),
            held=SQL("FALSE")
            if self.coarse
            else get_per_step(self._get_holds(s.entry, "since") for s in ladder),
            grace=get_per_step(SQL("%s", step.grace_days) for step in ladder),
            warn=get_per_step(SQL("%s", step.warn_days) for step in ladder),
            action=self._get_action(),
            names=self._get_names(),
        )

    def _get_chosen(self, column):
        if self.partner_ids is None:
            return SQL("TRUE")
        return SQL("%s = ANY(%s)", column, self.partner_ids)

    def _get_bought(self):
        """Return the query of purchases: (partner_id, moment, revenue, kept).

        An order is kept if it is not refunded in full. The view would join all
        contacts; few are of a family, whose purchases are one customer's.
        """
        source = SQL("hstyle_purchase p")
        if self.partner_ids is not None:
            # OFFSET 0: each contact is looked up, where a join would read everything.
            source = SQL(
                """
                (SELECT id FROM res_partner
                  WHERE commercial_partner_id = ANY(%s)) contact
                CROSS JOIN LATERAL (
                      SELECT * FROM hstyle_purchase
                       WHERE contact_id = contact.id OFFSET 0) p
                """,
                self.partner_ids,
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
            companies=self.branch_ids,
            end=self._get_moment(SQL("%s::date + 1", self.today)),
        )

    def _get_earned(self):
        """Return the query of points by order: (partner_id, moment, points).

        What an order earned, less what was taken back, on the day of its award.
        """
        if not any(spec[0] == "points" for _mode, spec in self.figures):
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
            self._get_moment(SQL("MIN(h.date)")),
            self.branch_ids,
            self.today,
            self._get_chosen(SQL("contact.commercial_partner_id")),
        )

    # === WINDOWS === #

    def _get_moment(self, day):
        """Return the first moment (UTC) of a day of the company."""
        return SQL(
            "((%s)::timestamp AT TIME ZONE %s AT TIME ZONE 'UTC')",
            day,
            self.company.hstyle_tz,
        )

    def _get_day(self, moment):
        """Return the company's day of a moment (UTC)."""
        tz = self.company.hstyle_tz
        return SQL("(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", moment, tz)

    def _get_as_of(self, mode):
        """Return the day on which a mode's windows end."""
        if mode == "since":
            return SQL("m.since")
        ends = mode == "keep" and not self.trial
        return SQL("m.valid_until") if ends else SQL("%s::date", self.today)

    def _get_first_day(self, mode, spec):
        """Return the first day of a window, of member ``m``."""
        _measure, window, months = spec
        as_of = self._get_as_of(mode)
        if window == "rolling":
            return SQL("(%s - make_interval(months => %s))::date + 1", as_of, months)
        if window == "year":
            return SQL("date_trunc('year', %s)::date", as_of)
        return SQL("m.period_start") if mode == "keep" else SQL("m.joined_on")

    def _get_bounds(self):
        """Return the columns of the windows' first moments: once for a member."""
        bounds = {
            f"first_{name}": self._get_first_day(mode, spec)
            for (mode, spec), name in self.figures.items()
            if spec[0] != "months" and (mode != "entry" or spec[1] == "entry")
        }
        bounds["after_since"] = SQL("m.since + 1")
        return SQL(", ").join(
            SQL("%s AS %s", self._get_moment(day), SQL.identifier(name))
            for name, day in bounds.items()
        )

    def _get_window(self, mode, spec, name):
        """Return the condition that order ``b`` of member ``m`` is in a window."""
        if mode == "entry" and spec[1] != "entry":
            # The same for everybody, and for those who are no members.
            first = self._get_first_day(mode, spec)
            return SQL("b.moment >= %s", self._get_moment(first))
        counted = SQL("b.moment >= m.%s", SQL.identifier(f"first_{name}"))
        if mode == "since":
            return SQL("%s AND b.moment < m.after_since", counted)
        if mode == "entry":
            return SQL("(m.joined_on IS NULL OR %s)", counted)
        return counted

    # === FIGURES === #

    def _get_sums(self, *measures):
        """Return the columns that sum orders over windows."""
        summed = {
            "spend": SQL("SUM(b.revenue)"),
            "orders": SQL("SUM(b.kept::int)"),
            "points": SQL("SUM(b.points)"),
        }
        columns = [SQL("NULL AS nothing")]
        for (mode, spec), name in self.figures.items():
            if spec[0] in measures:
                counted = self._get_window(mode, spec, name)
                value = SQL("%s FILTER (WHERE %s)", summed[spec[0]], counted)
                columns.append(SQL("%s AS %s", value, SQL.identifier(name)))
                if self.days and mode == "entry":
                    first = SQL("MIN(b.moment) FILTER (WHERE %s)", counted)
                    day = SQL.identifier(f"d{name}")
                    columns.append(SQL("%s AS %s", self._get_day(first), day))
        return SQL(", ").join(columns)

    def _get_columns(self):
        """Return the figures' columns from the sums, or from the membership."""
        columns = []
        for (mode, (measure, *_window)), name in self.figures.items():
            sums = SQL("e") if measure == "points" else SQL("s")
            value = SQL("COALESCE(%s.%s, 0)", sums, SQL.identifier(name))
            day = SQL("%s.%s", sums, SQL.identifier(f"d{name}"))
            if measure == "months":
                value, day = self._get_months(self._get_as_of(mode)), SQL("NULL::date")
            columns.append(SQL("%s AS %s", value, SQL.identifier(name)))
            if self.days and mode == "entry":
                columns.append(SQL("%s AS %s", day, SQL.identifier(f"d{name}")))
        return SQL(", ").join(columns)

    def _get_months(self, as_of):
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

    def _get_names(self):
        names = list(self.figures.values())
        if self.days:
            modes = self.figures.items()
            names += [f"d{name}" for (mode, _spec), name in modes if mode == "entry"]
        return SQL(", ").join(map(SQL.identifier, names))

    # === DECISIONS === #

    def _get_holds(self, groups, mode):
        """Return the condition that all conditions of a group hold."""
        if not groups:
            return SQL("FALSE")
        held = (
            SQL(" AND ").join(
                SQL(
                    "n.%s >= %s",
                    SQL.identifier(self.figures[mode, c.spec]),
                    c.threshold,
                )
                for c in group
            )
            for group in groups
        )
        return SQL("(%s)", SQL(" OR ").join(held))

    def _get_target(self):
        """Return the highest step whose rules of entry hold, or 0.

        Who is no member joins at the first kept order, whatever the thresholds, and
        whose membership was ended by hand at the first one after that day.
        """
        cases = [
            SQL("WHEN %s THEN %s", self._get_holds(step.entry, "entry"), n)
            for n, step in reversed(list(enumerate(self.ladder, 1)))
        ]
        return SQL(
            """
            (CASE WHEN n.membership_id IS NULL AND n.first_on IS NULL THEN 0
                  WHEN n.membership_id IS NULL AND EXISTS (
                       SELECT FROM hstyle_tier_move farewell
                        WHERE farewell.partner_id = n.partner_id
                          AND farewell.company_id = %s
                          AND farewell.kind = 'left'
                          AND farewell.cause = 'override'
                          AND farewell.date >= n.last_on) THEN 0
                  %s ELSE 0 END)
            """,
            self.company.id,
            SQL(" ").join(cases),
        )

    def _get_action(self):
        """Return what is to be done; see hstyle.tier.evaluation."""
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
            today=self.today,
        )
