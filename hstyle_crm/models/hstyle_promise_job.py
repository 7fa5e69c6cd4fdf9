import logging

from odoo import api, fields, models

_logger = logging.getLogger(__name__)

#: Promises that are handled in one transaction.
BATCH = 500
#: Days ahead of which a promise is reminded of.
AHEAD = 1


class HstylePromiseJob(models.AbstractModel):
    """How promises are reminded of and end: a half of `hstyle.promise`."""

    _name = "hstyle.promise.job"
    _description = "Reminders of promises"

    is_reminded = fields.Boolean(string="Reminded", readonly=True, copy=False)

    @api.model
    def _cron_remind(self):
        """Let a day pass for the promises of all companies.

        What is done is found done by the next run, so a run may end anywhere.
        """
        companies = self._read_group([("done_on", "=", False)], ["company_id"])
        counts = [self._pass_day(company) for [company] in companies]
        _logger.info("%s promises were broken or reminded of.", sum(counts))

    @api.model
    def _pass_day(self, company):
        """End what is over and remind of what is due; return how many."""
        today = company._hstyle_today()
        owed = [("company_id", "=", company.id), ("done_on", "=", False)]
        late = [*owed, ("state", "=", "open"), ("due_on", "<", today)]
        soon = fields.Date.add(today, days=AHEAD)
        due = [*owed, ("is_reminded", "=", False), ("due_on", "<=", soon)]
        return self._each(late, "_break") + self._each(due, "_remind_safely")

    @api.model
    def _each(self, domain, method):
        """Call a method, which ends the domain for its promises, batch by batch."""
        done = 0
        while promises := self.search(domain, limit=BATCH):
            getattr(promises, method)()
            done += len(promises)
            self.env["ir.cron"]._commit_progress(len(promises))
        return done

    def _break(self):
        self.state = "broken"

    def _remind_safely(self):
        """Remind of promises; a fault leaves the others alone."""
        self.is_reminded = True
        for promise in self:
            try:
                with self.env.cr.savepoint():
                    promise._remind()
            except Exception:
                _logger.exception("Nobody is reminded of promise %s.", promise.id)

    def _remind(self):
        """Put a promise on the list of who is responsible, or of the managers."""
        users = self.user_id
        if not users.active:
            managers = self.env["res.users"]._get_crm_managers()
            users = managers.filtered(lambda u: self.company_id in u.company_ids)
        for user in users:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=self.due_on,
                user_id=user.id,
                summary=self.env._("Promised: %s", self.name),
            )

    def _hand_over(self):
        """Let the reminders follow to who is responsible now."""
        for promise in self:
            promise.activity_reschedule(
                ["mail.mail_activity_data_todo"], new_user_id=promise.user_id.id
            )
