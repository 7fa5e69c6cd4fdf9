import logging
from collections import Counter

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..tools import roster

_logger = logging.getLogger(__name__)

#: What the night finds, the most urgent first.
FOUND = ("downgrade", "birthday", "order_due", "lapsing")
#: Days ahead of which a birthday is told; days a customer is left alone after a task;
#: days after its day on which a task is given up.
AHEAD, REST, GRACE = 7, 7, 3
#: What of the contact gate keeps customers off the list. Nothing is sent, so that
#: consents are not needed; but who said no, waits for service, or is in the group that
#: gets nothing is left alone.
GATE = ("archived", "blacklisted", "withdrawn", "ticket", "control")


class HstyleTodoJob(models.AbstractModel):
    """How the day is filled every night: the job of `hstyle.todo`."""

    _name = "hstyle.todo.job"
    _description = "Filling of the day"

    @api.model
    def _cron_fill(self):
        """Fill the days of all people, a commit for each company.

        What was done is found done by the next run, so a run may end anywhere.
        """
        companies = self.env["hstyle.profile"]._get_companies()
        commit = self.env["ir.cron"]._commit_progress
        commit(remaining=len(companies))
        for company in companies:
            done = self._fill_safely(company)
            _logger.info("Tasks of %s: %s", company.name, dict(done) or "none")
            if not commit(1):
                break

    @api.model
    def _fill_safely(self, company):
        """Fill the days in a company; a fault leaves the others alone."""
        try:
            with self.env.cr.savepoint():
                return self._fill(company)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()
            _logger.info("Tasks of company %s wait for the next night.", company.id)
        except Exception:
            _logger.exception("Tasks of company %s failed.", company.id)
        return Counter()

    @api.model
    def _fill(self, company):
        """Give up what is past, follow the owners, and add what is due.

        :return: Counter of tasks that are dropped, moved and added
        """
        self.env.flush_all()
        done = Counter(ordered=self._drop_ordered(company))
        done += Counter(expired=self._drop_expired(company))
        self._gather_owners(company)
        done += Counter(moved=self._follow_owners(company))
        visits = self.env["hstyle.key.account"]._add_visits(company)
        done += Counter(added=len(visits | self._add(self._sql_chosen(company))))
        self.env.invalidate_all()
        return done

    # === WHAT IS OVER === #

    @api.model
    def _drop_ordered(self, company):
        """Drop tasks whose customer did it alone: ordered, or kept the tier."""
        return self._drop(
            company,
            "ordered",
            SQL(
                """
                (t.reason IN ('order_due', 'lapsing') AND EXISTS (
                    SELECT FROM hstyle_profile f
                     WHERE f.partner_id = t.partner_id AND f.company_id = t.company_id
                       AND f.last_order_on::text > t.key))
                OR (t.reason = 'downgrade' AND EXISTS (
                    SELECT FROM hstyle_membership m
                     WHERE m.partner_id = t.partner_id
                       AND COALESCE(m.valid_until::text, 'never') > t.key))
                """
            ),
        )

    @api.model
    def _drop_expired(self, company):
        past = fields.Date.subtract(company._hstyle_today(), days=GRACE)
        return self._drop(company, "expired", SQL("t.due < %s", past))

    @api.model
    def _drop(self, company, result, condition):
        """Drop open tasks of the night's reasons; return how many."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_todo t
                   SET state = 'dropped', result = %(result)s, done_at = %(now)s,
                       done_on = %(today)s
                 WHERE t.state = 'open' AND t.company_id = %(company)s
                   AND t.reason = ANY(%(reasons)s) AND (%(condition)s)
                """,
                result=result,
                now=fields.Datetime.now(),
                today=company._hstyle_today(),
                company=company.id,
                reasons=list(FOUND),
                condition=condition,
            )
        )
        return self.env.cr.rowcount

    # === WHOSE CUSTOMER === #

    @api.model
    def _gather_owners(self, company):
        """Fill ``hstyle_todo_owner``: who turns to a customer today.

        The account manager, or the deputy while the manager is away; without them the
        salesperson. Nobody who left, or does not work in the company.
        """
        self.env.cr.execute(
            SQL(
                """
                DROP TABLE IF EXISTS hstyle_todo_owner;
                CREATE TEMPORARY TABLE hstyle_todo_owner ON COMMIT DROP AS
                  WITH staff AS MATERIALIZED (
                        SELECT u.id
                          FROM res_users u
                          JOIN res_company_users_rel r
                            ON r.user_id = u.id AND r.cid = %(company)s
                         WHERE u.active AND NOT u.share
                       ), manager AS MATERIALIZED (
                        SELECT m.user_id, m.company_id,
                               CASE WHEN m.away_until >= %(today)s OR here.id IS NULL
                                    THEN COALESCE(deputy.id, here.id)
                                    ELSE here.id END AS present_id
                          FROM hstyle_account_manager m
                          LEFT JOIN staff here ON here.id = m.user_id
                          LEFT JOIN hstyle_account_manager d
                            ON d.id = m.deputy_id AND d.active
                          LEFT JOIN staff deputy ON deputy.id = d.user_id
                       )
                SELECT p.id AS partner_id, p.birthday, m.grade_id,
                       CASE WHEN m.company_id = %(company)s
                                 AND m.valid_until >= %(today)s
                                 AND m.warned_for = m.valid_until
                            THEN m.valid_until END AS warned_for,
                       COALESCE(manager.present_id, named.id, seller.id) AS user_id
                  FROM res_partner p
                  LEFT JOIN hstyle_membership m ON m.partner_id = p.id
                  LEFT JOIN manager
                    ON manager.user_id = m.manager_id
                   AND manager.company_id = m.company_id
                  LEFT JOIN staff named ON named.id = m.manager_id
                  LEFT JOIN staff seller ON seller.id = p.user_id
                 WHERE (m.manager_id IS NOT NULL OR p.user_id IS NOT NULL)
                   AND COALESCE(manager.present_id, named.id, seller.id) IS NOT NULL;
                ANALYZE hstyle_todo_owner
                """,
                company=company.id,
                today=company._hstyle_today(),
            )
        )

    @api.model
    def _follow_owners(self, company):
        """Hand open tasks to who turns to the customer today; return how many."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_todo t
                   SET user_id = o.user_id
                  FROM hstyle_todo_owner o
                 WHERE o.partner_id = t.partner_id AND o.user_id <> t.user_id
                   AND t.state = 'open' AND t.company_id = %s AND t.reason = ANY(%s)
                """,
                company.id,
                list(FOUND),
            )
        )
        return self.env.cr.rowcount

    # === WHAT IS DUE === #

    @api.model
    def _sql_chosen(self, company):
        """Return the query of what is added, as `hstyle.todo._add` takes it.

        One task a customer, and so many a person that the list is full.
        """
        root = company.sudo().root_id
        rules = self.env["res.partner"]._get_rules("phone", "marketing", root)
        return SQL(
            """
            SELECT chosen.partner_id, chosen.user_id, %(company)s AS company_id,
                   chosen.reason, chosen.key, chosen.due,
                   format(said.text, COALESCE(g.name->>said.lang, g.name->>'en_US'),
                          chosen.low, chosen.high) AS name
              FROM (
                    SELECT once.*,
                           COALESCE(busy.tasks, 0) + row_number() OVER (
                               PARTITION BY once.user_id
                               ORDER BY once.value DESC, once.id
                           ) AS number
                      FROM (%(once)s) once
                      JOIN res_partner p ON p.id = once.partner_id
                      LEFT JOIN (%(busy)s) busy ON busy.user_id = once.user_id
                     WHERE NOT (%(kept_out)s)
                   ) chosen
              JOIN res_users u ON u.id = chosen.user_id
              JOIN res_partner person ON person.id = u.partner_id
              LEFT JOIN res_partner_grade g ON g.id = chosen.grade_id
              JOIN (%(texts)s) said
                ON said.reason = chosen.reason
               AND said.lang = CASE WHEN person.lang = ANY(%(langs)s)
                                    THEN person.lang ELSE (%(langs)s)[1] END
             WHERE number <= %(limit)s
            """,
            company=company.id,
            once=self._sql_once(company),
            busy=self._sql_busy(company),
            kept_out=SQL(" OR ").join(
                SQL("COALESCE(%s, FALSE)", rules[name]) for name in GATE
            ),
            texts=self._sql_texts(),
            langs=self._get_langs(),
            limit=company.hstyle_todo_limit,
        )

    @api.model
    def _sql_busy(self, company):
        """Return the query of how many open tasks of the night a person has."""
        return SQL(
            """
            SELECT t.user_id, count(*) AS tasks
              FROM hstyle_todo t
              JOIN res_partner p ON p.id = t.partner_id AND p.active
             WHERE t.state = 'open' AND t.company_id = %s AND t.reason = ANY(%s)
             GROUP BY t.user_id
            """,
            company.id,
            list(FOUND),
        )

    @api.model
    def _sql_once(self, company):
        """Return the query of one reason a customer: the most urgent of `FOUND`.

        Nobody who has a task, had one lately, or had one for the same occasion.
        """
        return SQL(
            """
            SELECT DISTINCT ON (due.partner_id) due.*
              FROM (%(due)s) due
             WHERE NOT EXISTS (
                   SELECT FROM hstyle_todo t
                    WHERE t.partner_id = due.partner_id
                      AND t.company_id = %(company)s
                      AND (t.state = 'open' OR t.done_on > %(rested)s
                           OR (t.reason, t.key) = (due.reason, due.key)))
             ORDER BY due.partner_id, due.rank
            """,
            due=self._sql_due(company),
            company=company.id,
            rested=fields.Date.subtract(company._hstyle_today(), days=REST),
        )

    @api.model
    def _sql_due(self, company):
        """Return the query of all reasons of owned customers, with their words."""
        today = company._hstyle_today()
        days = roster.list_birthdays(today, fields.Date.add(today, days=AHEAD))
        months, numbers, dates = (list(column) for column in zip(*days, strict=True))
        return SQL(
            """
            SELECT o.partner_id, o.user_id, o.grade_id, f.id, v.*,
                   COALESCE(f.expected_value_12m, f.revenue_12m, 0) AS value
              FROM hstyle_todo_owner o
              JOIN hstyle_profile f
                ON f.partner_id = o.partner_id AND f.company_id = %(company)s
              LEFT JOIN unnest(%(months)s, %(days)s, %(dates)s::date[])
                   AS b(month, day, birthday)
                ON b.month = date_part('month', o.birthday)
               AND b.day = date_part('day', o.birthday)
             CROSS JOIN LATERAL (VALUES
                   ('downgrade', 1, o.warned_for::text, o.warned_for,
                    o.warned_for::text, '', TRUE),
                   ('birthday', 2, date_part('year', b.birthday)::text, b.birthday,
                    b.birthday::text, '', TRUE),
                   ('order_due', 3, f.last_order_on::text, f.next_order_to,
                    f.next_order_from::text, f.next_order_to::text,
                    %(today)s BETWEEN f.next_order_from AND f.next_order_to),
                   ('lapsing', 4, f.last_order_on::text,
                    f.last_order_on + %(lapsing)s, f.last_order_on::text, '',
                    f.stage = 'lapsing')
                   ) AS v(reason, rank, key, due, low, high, holds)
             WHERE v.holds AND v.key IS NOT NULL
            """,
            company=company.id,
            months=months,
            days=numbers,
            dates=dates,
            today=today,
            lapsing=company.hstyle_lapsing_days,
        )

    @api.model
    def _get_langs(self):
        """Return the codes of all languages; English first, for those without."""
        codes = [code for code, _name in self.env["res.lang"].get_installed()]
        return sorted(codes, key=lambda code: (code != "en_US", code))

    @api.model
    def _sql_texts(self):
        """Return the query of the words of a reason in all languages."""
        rows = [
            SQL("(%s, %s, %s)", lang, kind, text)
            for lang in self._get_langs()
            for kind, text in self.with_context(lang=lang)._get_texts().items()
        ]
        return SQL(
            "SELECT * FROM (VALUES %s) AS word(lang, reason, text)",
            SQL(", ").join(rows),
        )

    @api.model
    def _get_texts(self):
        """Return reason → words, with the places of PostgreSQL's ``format``."""
        tier, low, high = "%1$s", "%2$s", "%3$s"
        return {
            "downgrade": self.env._(
                "%(tier)s ends on %(day)s: help to keep it", tier=tier, day=low
            ),
            "birthday": self.env._("Birthday on %(day)s", day=low),
            "order_due": self.env._(
                "Orders again between %(low)s and %(high)s", low=low, high=high
            ),
            "lapsing": self.env._("No order since %(day)s", day=low),
            "visit": self.env._("Key account: plan a visit"),
        }
