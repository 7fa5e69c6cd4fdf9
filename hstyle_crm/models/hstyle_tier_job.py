import logging
from collections import Counter

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, split_every

from ..exceptions import TryAgainError
from ..tools import tiers
from .hstyle_tier_query import get_case

_logger = logging.getLogger(__name__)

#: Customers whose tiers are settled in one transaction.
CHUNK = 2000
#: Members who are written to in one transaction.
NOTICES = 200
#: Days after the first order in which a new member is welcomed by mail: nobody is who
#: bought years ago, in a file that is imported today.
WELCOME = 30

_CAUSES = {"up": "rules", "renew": "renewed", "down": "expired", "undo": "refund"}
_NOTICES = {
    "change": "hstyle_crm.mail_template_tier_change",
    "warning": "hstyle_crm.mail_template_tier_warning",
}


class HstyleTierJob(models.AbstractModel):
    """What is done about the figures: the acting half of hstyle.membership."""

    _name = "hstyle.tier.job"
    _description = "Jobs of the memberships"

    @api.model
    def _cron_evaluate(self):
        """Settle the tiers of all customers, in committed chunks.

        A run finds what is due from the figures, so that it goes on after a crash, and
        a second one finds nothing. A chunk that fails is halved until the bad customer
        stands alone.
        """
        commit, began = self.env["ir.cron"]._commit_progress, fields.Datetime.now()
        work = []
        for company in self._get_companies():
            ids = self._find_due(company)
            work += [(company, chunk) for chunk in split_every(CHUNK, ids, list)]
        commit(remaining=sum(len(ids) for _company, ids in work))
        done, bad = Counter(), []
        while work:
            company, ids = work.pop()
            settled = self._settle_safely(company, ids)
            if settled is None and len(ids) > 1:
                middle = len(ids) // 2
                work += [(company, ids[:middle]), (company, ids[middle:])]
                continue
            done += settled or Counter()
            bad += ids if settled is None else []
            if not commit(len(ids)):
                break
        else:
            self._finish(began)
        self._report(done, bad)

    @api.model
    def _finish(self, began):
        """Let later moves be told, and give members a manager who are without one."""
        self._get_companies().filtered(
            lambda company: (
                company.hstyle_tier_quiet and company.hstyle_tier_quiet < began
            )
        ).hstyle_tier_quiet = False
        managers = self.env["hstyle.account.manager"]
        if managers._get_taking(managers._get_loads()):
            domain = [("manager_id", "=", False), ("grade_id.has_manager", "=", True)]
            managers._distribute(self.search(domain))

    @api.model
    def _report(self, done, bad):
        """Say what was done, and to the managers for whom it could not be done."""
        _logger.info("Tiers settled: %s.", dict(done) or "nothing to do")
        if bad:
            names = self.env["res.partner"].browse(bad[:100]).mapped("display_name")
            self.env["res.users"]._tell_crm_managers(
                self.env._("Tiers could not be settled"),
                self.env._(
                    "%(count)s customers: %(names)s. The server's log has the reasons; "
                    "the next night tries again.",
                    count=len(bad),
                    names=", ".join(names),
                ),
            )

    @api.model
    def _settle_safely(self, company, ids):
        """Return what was done, or None if nothing could be."""
        try:
            with self.env.cr.savepoint():
                return self._settle(company, ids)
        except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, TryAgainError):
            # A new snapshot, which sees what tills did meanwhile.
            self.env.cr.rollback()
            _logger.info("Tills change the same memberships; they are tried again.")
        except Exception:
            _logger.exception("Tiers of %s customers cannot be settled.", len(ids))
        return None

    @api.model
    def _get_companies(self):
        """Return the companies that have tiers."""
        grades = self.env["res.partner.grade"].sudo()
        return grades.search([("is_tier", "=", True)]).company_id

    @api.model
    def _get_tier_company(self, company):
        """Return the company whose ladder a company's customers climb, or none."""
        # Who works in a branch alone may not read its parents.
        lineage = reversed(company.sudo().parent_ids)
        grades = self.env["res.partner.grade"]
        return next((c for c in lineage if grades._get_ladder(c)), company.browse())

    @api.model
    def _settle(self, company, partner_ids):
        """Do what the figures of customers say; the one way for tills and nights.

        :return: Counter of what was done
        """
        self.env.flush_all()
        rows = self._evaluate(company, partner_ids)
        ladder = self.env["res.partner.grade"]._get_ladder(company)
        changes = [
            self._prepare_change(company, ladder, row)
            for row in self._add_former_steps(rows, ladder)
            if row["action"] in _CAUSES
        ]
        self.env["res.partner.grade"]._assign(changes)
        self._mark(rows, company._hstyle_today(), ladder)
        self.env["res.partner"]._forget_tier_texts()
        return Counter(row["action"] for row in rows)

    @api.model
    def _add_former_steps(self, rows, ladder):
        """Give who loses an upgrade at least the tier from before it."""
        undone = {row["partner_id"]: row for row in rows if row["action"] == "undo"}
        steps = {step.id: number for number, step in enumerate(ladder, 1)}
        domain = [("partner_id", "in", list(undone)), ("kind", "in", ("join", "up"))]
        moves = self.env["hstyle.tier.move"].sudo().search(domain) if undone else []
        for move in moves:
            # The latest comes first.
            row = undone.pop(move.partner_id.id, None)
            former = steps.get(move.grade_from_id.id, 0)
            if row and former < row["step"]:
                row["target"] = max(row["target"], former)
        return rows

    @api.model
    def _prepare_change(self, company, ladder, row):
        """Return the change of a customer for `res.partner.grade._assign`."""
        action, step = row["action"], ladder[row["step"] - 1]
        number = row["target"]
        if action == "renew":
            number = row["step"]
        elif action == "down" and step.one_step:
            number = row["step"] - 1
        grades = self.env["res.partner.grade"].sudo()
        grade = grades.browse(ladder[number - 1].id if number else ())
        partner = self.env["res.partner"].browse(row["partner_id"])
        change = {
            "partner_id": partner.id,
            "grade": grade,
            "company_id": company.id,
            "cause": _CAUSES[action],
            "auto": True,
            "figures": self._get_decisive(row, ladder, number),
            "quiet": bool(company.hstyle_tier_quiet),
        }
        if action == "renew":
            change["period_start"], change["valid_until"] = tiers.renew(
                row["valid_until"],
                company._hstyle_today(),
                grade.validity_months,
                grade.validity_end,
            )
        if action == "up":
            change["spent"] = row["total"]
        if not row["step"]:
            welcome = company._hstyle_today() - relativedelta(days=WELCOME)
            change["joined_on"] = row["first_on"]
            change["quiet"] |= (row["first_on"] or welcome) < welcome
        return change

    @api.model
    def _get_decisive(self, row, ladder, number):
        """Return the figures of the conditions that decided, for the move."""
        mode, groups = "entry", ladder[max(row["target"], 1) - 1].entry
        if row["action"] == "down" or (row["action"] == "renew" and row["kept"]):
            mode, groups = "keep", ladder[row["step"] - 1].keeping
        elif row["action"] == "undo":
            mode, groups = "since", ladder[row["step"] - 1].entry
        if not groups:
            return []
        values = {s: value for (m, s), value in row["values"].items() if m == mode}
        return [
            {
                "measure": condition.measure,
                "window": condition.window,
                "months": condition.months,
                "threshold": condition.threshold,
                "value": float(values[condition.spec]),
            }
            for condition in tiers.get_nearest(groups, values)
        ]

    @api.model
    def _mark(self, rows, today, ladder):
        """Note who is warned, and whose grace after a refund begins or ends."""
        for action, columns in (
            ("warn", SQL("notice = 'warning', warned_for = valid_until")),
            ("clear", SQL("undo_on = NULL")),
            ("doubt", SQL("undo_on = %s::date + %s", today, self._sql_grace(ladder))),
        ):
            ids = [row["membership_id"] for row in rows if row["action"] == action]
            if ids:
                self.env.cr.execute(
                    SQL(
                        "UPDATE hstyle_membership SET %s WHERE id = ANY(%s)",
                        columns,
                        ids,
                    )
                )
                self.browse(ids).invalidate_recordset()
                if action == "warn":
                    self.browse(ids)._ask_managers()

    @api.model
    def _sql_grace(self, ladder):
        pairs = [(step.id, step.grace_days) for step in ladder]
        return get_case(SQL("grade_id"), pairs)

    def _ask_managers(self):
        """Give the account managers of members who may lose their tier a task."""
        members = self.sudo().filtered("manager_id")
        contacts = self.env["hstyle.account.manager"]._get_contacts(members)
        self.env["hstyle.todo"].sudo()._add(
            [member._prepare_todo(user) for member, user in contacts.items()]
        )

    def _prepare_todo(self, user):
        """Return the task of helping to keep the tier, in the user's language."""
        member = self.with_context(lang=user.lang)
        what = member.env._("Help to keep %s", member.grade_id.name)
        return {
            "partner_id": self.partner_id.id,
            "user_id": user.id,
            "company_id": self.company_id.id,
            "reason": "downgrade",
            "key": str(self.valid_until),
            "name": ": ".join(filter(None, [what, member.keep_text])),
            "due": self.valid_until,
        }

    # === NOTICES === #

    @api.model
    def _cron_notify(self):
        """Tell members that their tier changed, or may be lost."""
        commit = self.env["ir.cron"]._commit_progress
        domain, total = [("notice", "!=", False)], 0
        commit(remaining=self.search_count(domain))
        while members := self.search(domain, limit=NOTICES, order="id"):
            total += members._notify()
            if not commit(len(members)):
                break
        _logger.info("%s members were told of their tiers.", total)

    def _notify(self):
        """Send what waits, through the gate of contacts; return how many were told."""
        told = 0
        kinds = self.grouped(lambda member: (member.notice, member.company_id))
        for (notice, company), members in kinds.items():
            template = self.env.ref(_NOTICES[notice]).with_company(company)
            partners = members.partner_id.with_env(template.env)._filter_contactable(
                "email", "membership", template.name
            )
            told += self._send(template, partners)
        self.env.cr.execute(
            SQL(
                "UPDATE hstyle_membership SET notice = NULL WHERE id = ANY(%s)",
                self.ids,
            )
        )
        self.invalidate_recordset(["notice"])
        return told

    @api.model
    def _send(self, template, partners):
        """Send a mail to each customer; one that fails leaves out nobody else."""
        try:
            with self.env.cr.savepoint():
                template.send_mail_batch(
                    partners.ids,
                    email_values={
                        "hstyle_purpose": "membership",
                        "record_company_id": template.env.company.id,
                    },
                )
            return len(partners)
        except Exception:
            if len(partners) <= 1:
                _logger.exception("No mail about the tier of %s.", partners.ids)
                return 0
        return sum(self._send(template, partner) for partner in partners)
