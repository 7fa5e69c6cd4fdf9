import logging

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..tools import roster

_logger = logging.getLogger(__name__)

#: Entries that are deleted in one transaction.
BATCH = 500
#: Times that a company is tried again because somebody writes to the same rows.
TRIES = 5


class HstyleGiftJob(models.AbstractModel):
    """How tasks come, age and are forgotten: a half of `hstyle.gift`."""

    _name = "hstyle.gift.job"
    _description = "Tasks of birthday gifts"

    @api.model
    def _cron_create(self):
        """Let a day pass for the birthday gifts of all companies.

        What is done is found done by the next run, so a run may end anywhere.
        """
        campuses = self.env["hstyle.campus"].with_context(active_test=False)
        made = 0
        for [company] in campuses._read_group([], ["company_id"]):
            made += self._pass_day_safely(company)
        _logger.info("%s birthday gifts are to be handed out.", made)

    @api.model
    def _pass_day_safely(self, company):
        """Let a day pass in a company; a fault leaves the others alone."""
        for _try in range(TRIES):
            try:
                return self._pass_day(company)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self._start_again()
            except Exception:
                self._start_again()
                _logger.exception("Birthday gifts of company %s failed.", company.id)
                return 0
        _logger.warning("Birthday gifts of company %s: try again.", company.id)
        return 0

    @api.model
    def _start_again(self):
        self.env.cr.rollback()
        self.env.invalidate_all(flush=False)

    @api.model
    def _pass_day(self, company):
        """Delete what expired, make tasks and close old ones; return the new ones."""
        commit = self.env["ir.cron"]._commit_progress
        entries = self.env["hstyle.roster"]
        while count := entries._delete_expired(company, BATCH):
            commit(count)
        self._forget_years(company)
        self._miss(company)
        made = self._make(company)
        commit(made)
        return made

    @api.model
    def _make(self, company, entries=None):
        """Make the tasks of the birthdays ahead, each once; return how many.

        :param entries: only for these classmates of the company
        """
        today = company._hstyle_today()
        ahead = company.hstyle_gift_days
        birthdays = roster.list_birthdays(today, today + relativedelta(days=ahead))
        months, days, dates = (list(column) for column in zip(*birthdays, strict=True))
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_gift
                       (roster_id, agent_id, campus_id, company_id, partner_id, person,
                        birthday, due_on, year, state,
                        create_uid, create_date, write_uid, write_date)
                SELECT r.id, r.agent_id, r.campus_id, r.company_id,
                       p.commercial_partner_id, r.person,
                       b.birthday, b.birthday - %(ahead)s,
                       date_part('year', b.birthday)::int, 'todo',
                       %(uid)s, now() AT TIME ZONE 'UTC',
                       %(uid)s, now() AT TIME ZONE 'UTC'
                  FROM hstyle_roster r
                  JOIN hstyle_agent a
                    ON a.id = r.agent_id AND a.active AND a.state = 'active'
                  JOIN unnest(%(months)s, %(days)s, %(dates)s::date[])
                       AS b(month, day, birthday)
                    ON (b.month, b.day) = (r.birth_month, r.birth_day)
                  LEFT JOIN res_partner p ON p.id = r.partner_id
                 WHERE r.company_id = %(company)s
                   AND r.expires_on >= %(today)s
                   AND %(chosen)s
                 ORDER BY r.partner_id NULLS LAST, r.id
                    ON CONFLICT DO NOTHING
                """,
                ahead=ahead,
                uid=self.env.uid,
                months=months,
                days=days,
                dates=dates,
                company=company.id,
                today=today,
                chosen=SQL("TRUE")
                if entries is None
                else SQL("r.id = ANY(%s)", entries.ids),
            )
        )
        made = self.env.cr.rowcount
        self.env["hstyle.roster"].invalidate_model(["gift_ids"])
        self._skip_had(company)
        return made

    @api.model
    def _miss(self, company):
        """Close the tasks of birthdays that are long past."""
        past = company._hstyle_today() - relativedelta(days=company.hstyle_gift_days)
        domain = [
            ("company_id", "=", company.id),
            ("state", "=", "todo"),
            ("birthday", "<", past),
        ]
        self.search(domain).state = "missed"

    @api.model
    def _forget_years(self, company):
        """Forget who got the gifts of past years whose entries are gone."""
        domain = [
            ("company_id", "=", company.id),
            ("roster_id", "=", False),
            ("year", "<", company._hstyle_today().year),
            ("person", "!=", False),
        ]
        self.search(domain).write({"person": False, "partner_id": False})

    def _rename(self):
        """Let closed gifts count for the person as the entry calls it now.

        Where that person has a gift of the year on another list, they stay as they are.
        """
        if not self:
            return
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_gift g
                   SET person = r.person
                  FROM hstyle_roster r
                 WHERE r.id = g.roster_id
                   AND g.id = ANY(%s)
                   AND NOT EXISTS (
                       SELECT FROM hstyle_gift o
                        WHERE o.company_id = g.company_id
                          AND o.person = r.person
                          AND o.year = g.year)
                """,
                self.ids,
            )
        )
        self.invalidate_model(["person"])
