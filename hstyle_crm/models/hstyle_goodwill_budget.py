from odoo import api, fields, models
from odoo.tools import SQL


class HstyleGoodwillBudget(models.Model):
    """What a role may give away in a month without asking anybody.

    A month without a row of its own has the amount of the last one before it.
    """

    _name = "hstyle.goodwill.budget"
    _description = "Goodwill budget"
    _order = "month desc, group_id, id"
    _rec_name = "group_id"

    group_id = fields.Many2one(
        comodel_name="res.groups",
        string="Role",
        required=True,
        domain=lambda self: [
            ("privilege_id", "=", self.env.ref("hstyle_crm.hstyle_crm_privilege").id)
        ],
        ondelete="cascade",
        help="All colleagues of the role share it. CRM managers need none.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    month = fields.Date(
        required=True, default=lambda self: self._get_month(self.env.company)
    )
    amount = fields.Monetary(required=True)
    used = fields.Monetary(readonly=True, copy=False)
    left = fields.Monetary(compute="_compute_left")

    _month_unique = models.Constraint(
        "UNIQUE (company_id, group_id, month)",
        "The role has a budget of this month already.",
    )
    _month_first = models.Constraint(
        "CHECK (EXTRACT(DAY FROM month) = 1)", "Enter the first day of the month."
    )
    _amount_positive = models.Constraint(
        "CHECK (amount >= 0)", "A budget is not below zero."
    )

    @api.depends("amount", "used")
    def _compute_left(self):
        for budget in self:
            budget.left = max(0, budget.amount - budget.used)

    @api.model
    def _get_month(self, company):
        return company._hstyle_today().replace(day=1)

    @api.model
    def _get_left(self, user, company):
        """Return how much a user may give at once this month."""
        month = self._get_month(company)
        domain = [("company_id", "=", company.id), ("month", "<=", month)]
        budgets = self.sudo().search(domain, order="month desc, id")
        lefts = [
            last[0].left if last[0].month == month else last[0].amount
            for role, last in budgets.grouped("group_id").items()
            if role in user.sudo().all_group_ids
        ]
        return max(lefts, default=0)

    @api.model
    def _charge(self, user, company, amount):
        """Take an amount from a budget of the user's roles; return it, if any has it.

        One statement looks and takes, so two at once cannot both have the rest.
        """
        month = self._get_month(company)
        self._open_month(company, month)
        domain = [("company_id", "=", company.id), ("month", "=", month)]
        for budget in self.sudo().search(domain, order="id"):
            if budget.group_id in user.sudo().all_group_ids and budget._take(amount):
                return budget
        return self.browse()

    @api.model
    def _open_month(self, company, month):
        """Give each role the amount that it had last, once."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_goodwill_budget
                       (company_id, group_id, month, amount, used,
                        create_uid, create_date, write_uid, write_date)
                SELECT DISTINCT ON (group_id)
                       company_id, group_id, %(month)s, amount, 0,
                       %(uid)s, now() AT TIME ZONE 'UTC',
                       %(uid)s, now() AT TIME ZONE 'UTC'
                  FROM hstyle_goodwill_budget
                 WHERE company_id = %(company)s
                   AND month < %(month)s
                 ORDER BY group_id, month DESC
                    ON CONFLICT DO NOTHING
                """,
                month=month,
                uid=self.env.uid,
                company=company.id,
            )
        )

    def _take(self, amount):
        """Take an amount, if it is left; tell whether it was."""
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_goodwill_budget
                   SET used = COALESCE(used, 0) + %(amount)s
                 WHERE id = %(id)s
                   AND COALESCE(used, 0) + %(amount)s <= amount
                """,
                amount=amount,
                id=self.id,
            )
        )
        self.invalidate_recordset(["used"])
        return bool(self.env.cr.rowcount)
