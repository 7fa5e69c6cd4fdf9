from odoo import api, fields, models

#: Promises that are handled in one transaction.
BATCH = 500
#: Days ahead of which a promise is reminded of.
AHEAD = 1


class HstylePromiseJob(models.AbstractModel):
    """How promises are reminded of and end: a half of `hstyle.promise`."""

    _name = "hstyle.promise.job"
    _description = "Promises"
    _inherit = "hstyle.job"

    is_reminded = fields.Boolean(string="Reminded", readonly=True, copy=False)

    @api.model
    def _cron_remind(self):
        """Let a day pass for the promises of all companies.

        What is done is found done by the next run, so a run may end anywhere.
        """
        for [company] in self._read_group([("done_on", "=", False)], ["company_id"]):
            today = company._hstyle_today()
            owed = [("company_id", "=", company.id), ("done_on", "=", False)]
            late = [*owed, ("state", "=", "open"), ("due_on", "<", today)]
            soon = fields.Date.add(today, days=AHEAD)
            due = [*owed, ("is_reminded", "=", False), ("due_on", "<=", soon)]
            self._repeat(lambda late=late: self._break(late), "were broken")
            self._repeat(lambda due=due: self._remind_some(due), "are due")

    @api.model
    def _break(self, domain):
        """Let promises whose day is over be broken; return how many."""
        promises = self.search(domain, limit=BATCH)
        promises.state = "broken"
        return len(promises)

    @api.model
    def _remind_some(self, domain):
        """Remind of promises, each once; return how many."""
        promises = self.search(domain, limit=BATCH)
        promises.is_reminded = True
        self._try_each(promises, lambda some: some._remind())
        return len(promises)

    def _remind(self):
        """Put promises on the list of who is responsible, or of the managers."""
        managers = self.env["res.users"]._get_crm_managers()
        for promise in self:
            users = promise.user_id.filtered("active") or managers.filtered(
                lambda user, promise=promise: promise.company_id in user.company_ids
            )
            for user in users:
                promise.activity_schedule(
                    "mail.mail_activity_data_todo",
                    date_deadline=promise.due_on,
                    user_id=user.id,
                    summary=self.env._("Promised: %s", promise.name),
                )

    def _hand_over(self):
        """Let the reminders follow to who is responsible now."""
        for promise in self:
            promise.activity_reschedule(
                ["mail.mail_activity_data_todo"], new_user_id=promise.user_id.id
            )
