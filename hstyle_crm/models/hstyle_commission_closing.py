import logging
from calendar import monthrange

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, format_amount, format_date, split_every

_logger = logging.getLogger(__name__)

#: Agents who are settled in one transaction.
CHUNK = 100
#: What a statement says in figures; and what it says of who has none.
FIGURES = (
    "opening",
    "accrued",
    "reversed",
    "total",
    "billed",
    "minimum",
    "held",
    "held_until",
)
_NOTHING = dict.fromkeys(FIGURES, 0.0) | {"held_until": False}


def get_end(month):
    """Return the last day of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


class HstyleCommissionClosing(models.AbstractModel):
    """The closing of months: the acting half of hstyle.commission.statement.

    A row is settled once: by the first month that ends after its hold, or later. What
    is not paid is carried to the next statement, also what is below zero.
    """

    _name = "hstyle.commission.closing"
    _description = "Closing of commission months"

    @api.model
    def _settle(self, company, month, agents=None):
        """Make the statements of a month that is over, and the bills; return them.

        Who has a statement of this month, or a later one, gets none.

        :param month: any day of it
        :param agents: some of the company's; None for all
        :raise UserError: if the month is not over
        """
        month = month.replace(day=1)
        if not self._is_over(company, month):
            raise UserError(self._explain_open(month))
        self.env.flush_all()
        statements = self._close(company, month, agents)
        statements._bill()
        return statements

    @api.model
    def _preview(self, agents, month):
        """Return what settling a month would say, or did; nothing is written.

        :param month: any day of it; it may not be over yet
        :return: agent → dict(opening, accrued, reversed, total, billed, minimum, held,
            held_until, reason)
        """
        month = month.replace(day=1)
        agents = agents.sudo()
        figures = dict.fromkeys(agents.ids, _NOTHING)
        for company, some in agents.grouped("company_id").items():
            figures |= self._get_figures(company, month, some)
        domain = [("agent_id", "in", agents.ids), ("month", "=", month)]
        for done in self.sudo().search(domain):
            figures[done.agent_id.id] = {name: done[name] for name in FIGURES}
        return {
            agent: {
                **figures[agent.id],
                "reason": self._explain(agent.company_id, figures[agent.id], month),
            }
            for agent in agents
        }

    # === THE FIGURES === #

    @api.model
    def _is_over(self, company, month):
        return get_end(month) < company._hstyle_today()

    @api.model
    def _sql_figures(self, company, month, agents=None):
        """Return SQL: a row of figures for each agent who is to get a statement.

        These are who is active, has rows that no statement has, or something to get.
        """
        plan = self.env["hstyle.commission.plan"]._get_default(company)
        chosen = SQL("TRUE")
        if agents is not None:
            chosen = SQL("a.id = ANY(%s)", agents.ids)
        return SQL(
            """
            WITH opened AS (
                 SELECT agent_id,
                        COALESCE(SUM(amount) FILTER (
                            WHERE free AND kind = 'accrual'), 0) AS accrued,
                        COALESCE(SUM(amount) FILTER (
                            WHERE free AND kind = 'reversal'), 0) AS reversed,
                        COUNT(DISTINCT order_id) FILTER (WHERE free) AS orders,
                        COALESCE(SUM(amount) FILTER (WHERE NOT free), 0) AS held,
                        CASE WHEN COUNT(*) FILTER (WHERE available_on IS NULL) = 0
                             THEN MAX(available_on) FILTER (WHERE NOT free) - 1
                         END AS held_until
                   FROM (SELECT *, COALESCE(available_on <= %(end)s, FALSE) AS free
                           FROM hstyle_commission
                          WHERE company_id = %(company)s
                            AND statement_id IS NULL) c
                  GROUP BY agent_id
                 )
            SELECT a.id AS agent_id, a.campus_id, a.company_id,
                   COALESCE(last.carried, 0) AS opening,
                   COALESCE(o.accrued, 0) AS accrued,
                   COALESCE(o.reversed, 0) AS reversed,
                   COALESCE(o.orders, 0) AS orders,
                   COALESCE(last.carried, 0) + COALESCE(o.accrued, 0)
                       + COALESCE(o.reversed, 0) AS total,
                   COALESCE(o.held, 0) AS held,
                   o.held_until,
                   -- Who has left, and waits for nothing more, gets the rest.
                   CASE WHEN a.state <> 'alumnus' OR COALESCE(o.held, 0) <> 0
                        THEN COALESCE(p.minimum, 0) ELSE 0 END AS minimum
              FROM hstyle_agent a
              LEFT JOIN opened o ON o.agent_id = a.id
              LEFT JOIN hstyle_commission_plan p
                ON p.id = COALESCE(a.plan_id, %(plan)s)
              LEFT JOIN LATERAL (
                   SELECT s.carried, s.month
                     FROM hstyle_commission_statement s
                    WHERE s.agent_id = a.id
                    ORDER BY s.month DESC
                    LIMIT 1
                   ) last ON TRUE
             WHERE a.company_id = %(company)s
               AND %(chosen)s
               AND (last.month IS NULL OR last.month < %(month)s)
               AND (o.agent_id IS NOT NULL OR last.carried > 0
                    OR a.active AND a.state = 'active' AND a.create_date < %(ended)s)
            """,
            company=company.id,
            plan=plan.id or None,
            month=month,
            end=get_end(month),
            ended=company._hstyle_start(month + relativedelta(months=1)),
            chosen=chosen,
        )

    @api.model
    def _sql_paid(self):
        """Return SQL: what of a total is paid."""
        return SQL(
            "CASE WHEN total > 0 AND total >= minimum THEN total ELSE 0 END AS billed"
        )

    @api.model
    def _get_figures(self, company, month, agents=None):
        """Return agent id → figures of who is to get a statement of the month."""
        self.env.flush_all()
        found = self.env.execute_query_dict(
            SQL(
                "SELECT f.*, %s FROM (%s) f",
                self._sql_paid(),
                self._sql_figures(company, month, agents),
            )
        )
        return {
            row["agent_id"]: {
                name: row[name] or False if name == "held_until" else float(row[name])
                for name in FIGURES
            }
            for row in found
        }

    @api.model
    def _close(self, company, month, agents):
        """Write the statements of a month, and the rows to them; return those."""
        found = self.env.execute_query(
            SQL(
                """
                INSERT INTO hstyle_commission_statement
                       (name, month, agent_id, campus_id, company_id, opening, accrued,
                        reversed, total, held, held_until, minimum, orders, billed,
                        carried, state, create_uid, create_date)
                SELECT 'COM/' || to_char(%(month)s::date, 'YYYY/MM/')
                              || lpad(agent_id::text, 5, '0'),
                       %(month)s, agent_id, campus_id, company_id, opening, accrued,
                       reversed, total, held, held_until, minimum, orders, billed,
                       total - billed,
                       CASE WHEN total = 0 THEN 'empty' WHEN billed > 0 THEN 'billed'
                            ELSE 'carried' END,
                       %(user)s, now() AT TIME ZONE 'UTC'
                  FROM (SELECT f.*, %(paid)s FROM (%(figures)s) f) f
                 ORDER BY agent_id
                    ON CONFLICT (agent_id, month) DO NOTHING
                RETURNING id
                """,
                month=month,
                user=self.env.uid,
                paid=self._sql_paid(),
                figures=self._sql_figures(company, month, agents),
            ),
        )
        statements = self.browse(row_id for (row_id,) in found)
        statements._take_rows(get_end(month))
        return statements

    def _take_rows(self, end):
        """Write on rows whose hold is over that these statements settle them."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_commission c
                   SET statement_id = s.id
                  FROM hstyle_commission_statement s
                 WHERE s.id = ANY(%s)
                   AND c.agent_id = s.agent_id
                   AND c.company_id = s.company_id
                   AND c.available_on <= %s
                   AND c.statement_id IS NULL
                """,
                self.ids,
                end,
            )
        )
        self.env["hstyle.commission"].invalidate_model(flush=False)

    # === WHY === #

    @api.model
    def _explain(self, company, figures, month=None):
        """Return why nothing is paid, or not all; False if all is.

        :param month: given if it may not be over
        """
        if month and not self._is_over(company, month):
            reasons = [self._explain_open(month)]
        elif figures["billed"]:
            reasons = []
        else:
            reasons = [self._explain_total(company, figures)]
        if figures["held"]:
            reasons.append(self._explain_held(company, figures))
        return " ".join(filter(None, reasons)) or False

    @api.model
    def _explain_open(self, month):
        day = month + relativedelta(months=1)
        return self.env._(
            "The month is not over: it can be settled from %s.",
            format_date(self.env, day, date_format="long"),
        )

    @api.model
    def _explain_total(self, company, figures):
        total, currency = figures["total"], company.currency_id
        if total < 0:
            return self.env._(
                "More was sent back than earned: %s are set off against the next "
                "months.",
                format_amount(self.env, -total, currency),
            )
        if total > 0:
            return self.env._(
                "Below the smallest payout of %s: carried forward.",
                format_amount(self.env, figures["minimum"], currency),
            )
        if figures["accrued"]:
            return self.env._("All that was earned was sent back or cancelled.")
        if figures["held"]:
            return None
        return self.env._("No order of your friends was kept.")

    @api.model
    def _explain_held(self, company, figures):
        amount = format_amount(self.env, figures["held"], company.currency_id)
        if not figures["held_until"]:
            return self.env._("On hold until the goods arrive: %s.", amount)
        return self.env._(
            "On hold until %(day)s: %(amount)s.",
            day=format_date(self.env, figures["held_until"], date_format="long"),
            amount=amount,
        )

    # === THE JOB === #

    @api.model
    def _cron_settle(self):
        """Settle the last month of every company, in committed chunks of agents.

        It comes each day: the month of a company ends in its own timezone, and an agent
        who could not be settled is tried again. A chunk that fails is halved until the
        bad agent stands alone.
        """
        commit = self.env["ir.cron"]._commit_progress
        work = self._get_work()
        commit(remaining=sum(len(ids) for _company, _month, ids in work))
        done, bad = 0, []
        while work:
            company, month, ids = work.pop()
            settled = self._settle_safely(company, month, ids)
            if settled is None and len(ids) > 1:
                middle = len(ids) // 2
                work += [
                    (company, month, part) for part in (ids[middle:], ids[:middle])
                ]
                continue
            done += settled or 0
            bad += ids if settled is None else []
            if not commit(len(ids)):
                break
        self._report(done, bad)

    @api.model
    def _get_work(self):
        """Return (company, month, agent ids) of what is to be settled."""
        work = []
        agents = self.env["hstyle.agent"].sudo().with_context(active_test=False)
        for (company,) in agents._read_group([], ["company_id"]):
            month = company._hstyle_today().replace(day=1) - relativedelta(months=1)
            ids = sorted(self._get_figures(company, month))
            work += [(company, month, part) for part in split_every(CHUNK, ids, list)]
        return work[::-1]

    @api.model
    def _settle_safely(self, company, month, agent_ids):
        """Return how many agents were settled, or None if none could be."""
        agents = self.env["hstyle.agent"].browse(agent_ids)
        try:
            with self.env.cr.savepoint():
                return len(self._settle(company, month, agents))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # A new snapshot, which sees what was posted meanwhile.
            self.env.cr.rollback()
            _logger.info("Commission is posted to the same rows; it is tried again.")
        except Exception:
            _logger.exception("Agents %s cannot be settled.", agent_ids)
        return None

    @api.model
    def _report(self, done, bad):
        """Say what was done, and to the managers for whom it could not be done."""
        _logger.info("Commission of %s agents was settled.", done)
        if bad:
            agents = self.env["hstyle.agent"].sudo().browse(bad)
            self.env["res.users"]._tell_crm_managers(
                self.env._("Commission could not be settled"),
                self.env._(
                    "%(names)s. The server's log has the reasons; tomorrow it is tried "
                    "again.",
                    names=", ".join(agents.mapped("display_name")),
                ),
            )
