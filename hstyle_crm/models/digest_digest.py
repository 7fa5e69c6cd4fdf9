from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Figure → the report behind it.
_ACTIONS = {
    "member_share": "hstyle_member_report_action",
    "repurchase": "hstyle_member_report_action_repurchase",
    "joined": "hstyle_membership_action",
    "satisfied": "hstyle_satisfaction_action",
    "fell": "hstyle_care_action",
    "late": "hstyle_ticket_breach_action",
    "overdue": "hstyle_promise_action",
    "liability": "hstyle_points_liability_action",
}


class DigestDigest(models.Model):
    """What a manager is told each week of members, service and points.

    A figure is that of the digest's company, or else of the receiver's, and made of
    what the receiver may read: who may not read a source is not told of it. What is
    owed or late is so at the end of the time; all else is what happened in it.
    """

    _inherit = "digest.digest"

    kpi_hstyle_member_share = fields.Boolean(string="Members' share of revenue, %")
    kpi_hstyle_member_share_value = fields.Float(
        compute="_compute_kpi_hstyle_member_share_value"
    )
    kpi_hstyle_repurchase = fields.Boolean(string="Buyers who had bought before, %")
    kpi_hstyle_repurchase_value = fields.Float(
        compute="_compute_kpi_hstyle_repurchase_value"
    )
    kpi_hstyle_joined = fields.Boolean(string="New members")
    kpi_hstyle_joined_value = fields.Integer(compute="_compute_kpi_hstyle_joined_value")
    kpi_hstyle_satisfied = fields.Boolean(string="Completely satisfied (5), %")
    kpi_hstyle_satisfied_value = fields.Float(
        compute="_compute_kpi_hstyle_satisfied_value"
    )
    kpi_hstyle_fell = fields.Boolean(string="Customers who fell from 5")
    kpi_hstyle_fell_value = fields.Integer(compute="_compute_kpi_hstyle_fell_value")
    kpi_hstyle_late = fields.Boolean(string="Open tickets past a deadline")
    kpi_hstyle_late_value = fields.Integer(compute="_compute_kpi_hstyle_late_value")
    kpi_hstyle_overdue = fields.Boolean(string="Your overdue activities and promises")
    kpi_hstyle_overdue_value = fields.Integer(
        compute="_compute_kpi_hstyle_overdue_value"
    )
    kpi_hstyle_liability = fields.Boolean(string="Points liability")
    kpi_hstyle_liability_value = fields.Monetary(
        compute="_compute_kpi_hstyle_liability_value"
    )

    # === COMPUTE METHODS === #

    def _compute_kpi_hstyle_member_share_value(self):
        """As hstyle.member.share: members are so when the day of the order begins."""
        for digest, company, start, end in self._hstyle_each():
            members = digest.env["hstyle.membership"]._search(
                [("company_id", "parent_of", company.id)]
            )
            [(share,)] = self.env.execute_query(
                SQL(
                    """
                    SELECT 100 * sum(b.revenue) FILTER (WHERE EXISTS (
                               SELECT FROM (%s) m (partner_id, joined_on)
                                WHERE m.partner_id = b.partner_id
                                  AND m.joined_on < b.day))
                           / NULLIF(sum(b.revenue), 0)
                      FROM (%s) b
                    """,
                    members.select("partner_id", "joined_on"),
                    digest._hstyle_bought(company, start, end),
                )
            )
            digest.kpi_hstyle_member_share_value = share

    def _compute_kpi_hstyle_repurchase_value(self):
        for digest, company, start, end in self._hstyle_each():
            profiles = digest.env["hstyle.profile"]._search(
                [("company_id", "=", company.id)]
            )
            [(share,)] = self.env.execute_query(
                SQL(
                    """
                    SELECT 100.0 * count(DISTINCT b.partner_id) FILTER (
                               WHERE f.first_order_on < b.day)
                           / NULLIF(count(DISTINCT b.partner_id), 0)
                      FROM (%s) b
                      LEFT JOIN (%s) f (partner_id, first_order_on)
                        ON f.partner_id = b.partner_id
                     WHERE b.orders > 0
                    """,
                    digest._hstyle_bought(company, start, end),
                    profiles.select("partner_id", "first_order_on"),
                )
            )
            digest.kpi_hstyle_repurchase_value = share

    def _compute_kpi_hstyle_joined_value(self):
        for digest, company, start, end in self._hstyle_each():
            days = [company._hstyle_day(moment) for moment in (start, end)]
            domain = [
                ("company_id", "parent_of", company.id),
                ("joined_on", ">", days[0]),
                ("joined_on", "<=", days[1]),
            ]
            count = digest.env["hstyle.membership"].search_count(domain)
            digest.kpi_hstyle_joined_value = count

    def _compute_kpi_hstyle_satisfied_value(self):
        for digest, company, start, end in self._hstyle_each():
            # Which answers count is no secret; what they say, only to readers.
            answers = digest.env["rating.rating"].sudo()
            answers = answers._search(
                [("rated_on", ">=", start), ("rated_on", "<", end)]
            )
            domain = [("company_id", "=", company.id), ("id", "in", answers)]
            [(share,)] = digest.env["hstyle.satisfaction"]._read_group(
                [*domain, ("answered", "=", 1)], [], ["top_box:avg"]
            )
            digest.kpi_hstyle_satisfied_value = 100 * (share or 0)

    def _compute_kpi_hstyle_fell_value(self):
        for digest, company, start, end in self._hstyle_each():
            digest.kpi_hstyle_fell_value = digest.env["hstyle.care"].search_count(
                [
                    ("company_id", "=", company.id),
                    ("create_date", ">=", start),
                    ("create_date", "<", end),
                ]
            )

    def _compute_kpi_hstyle_late_value(self):
        for digest, company, _start, end in self._hstyle_each():

            def is_pending(name, end=end):
                return Domain(name, "=", False) | Domain(name, ">=", end)

            unanswered = is_pending("ticket_id.answered_at")
            domain = (
                Domain("ticket_id.company_id", "=", company.id)
                & Domain("ticket_id.merged_into_id", "=", False)
                & Domain("due", "<", end)
                & is_pending("ticket_id.solved_at")
                & (Domain("deadline", "=", "solve") | unanswered)
            )
            [(count,)] = digest.env["hstyle.ticket.breach"]._read_group(
                domain, [], ["ticket_id:count_distinct"]
            )
            digest.kpi_hstyle_late_value = count

    def _compute_kpi_hstyle_overdue_value(self):
        for digest, company, _start, end in self._hstyle_each():
            day, user = company._hstyle_day(end), digest.env.user
            mine = Domain("user_id", "=", user.id)
            promises = digest.env["hstyle.promise"].search_count(
                mine
                & Domain("company_id", "=", company.id)
                & Domain("due_on", "<", day)
                & (Domain("done_on", "=", False) | Domain("done_on", ">=", day))
            )
            activities = digest.env["mail.activity"].with_context(active_test=False)
            activities = activities.search_count(
                mine
                & Domain("create_date", "<", end)
                & Domain("date_deadline", "<", day)
                & (Domain("active", "=", True) | Domain("date_done", ">=", day))
            )
            digest.kpi_hstyle_overdue_value = promises + activities

    def _compute_kpi_hstyle_liability_value(self):
        """What is owed now, less what was posted since the end."""
        for digest, company, _start, end in self._hstyle_each():
            [(owed,)] = digest.env["hstyle.points.liability"]._read_group(
                [("company_id", "=", company.id)], [], ["value:sum"]
            )
            [(since,)] = self.env.execute_query(
                SQL(
                    """
                    SELECT COALESCE(sum(h.points * p.point_value), 0)
                      FROM loyalty_history h
                      JOIN loyalty_card c ON c.id = h.card_id
                      JOIN loyalty_program p ON p.id = c.program_id
                     WHERE h.kind IS NOT NULL
                       AND h.create_date >= %s
                       AND c.company_id = %s
                    """,
                    end,
                    company.id,
                )
            )
            digest.kpi_hstyle_liability_value = (owed or 0) - since

    def _compute_kpis_actions(self, company, user):
        menu = self.env.ref("hstyle_crm.hstyle_crm_menu").id
        actions = {
            f"kpi_hstyle_{name}": f"hstyle_crm.{action}?menu_id={menu}"
            for name, action in _ACTIONS.items()
        }
        return super()._compute_kpis_actions(company, user) | actions

    # === BUSINESS METHODS === #

    def _hstyle_each(self):
        """Yield each digest in its company, and that, and the time it tells of.

        :raises AccessError: the receiver does not work in the company
        """
        self.env.flush_all()
        texts = self._get_kpi_compute_parameters()[:2]
        start, end = (fields.Datetime.to_datetime(text) for text in texts)
        for digest in self:
            company = digest.company_id or self.env.company
            company._check_hstyle_company()
            yield digest.with_company(company), company, start, end

    def _hstyle_bought(self, company, start, end):
        """Return SQL of purchases: partner_id, orders, revenue, day."""
        purchases = self.env["hstyle.purchase"]._search(
            [
                ("company_id", "=", company.id),
                ("date_order", ">=", start),
                ("date_order", "<", end),
            ]
        )
        day = SQL(
            "(date_order AT TIME ZONE 'UTC' AT TIME ZONE %s)::date AS day",
            company.hstyle_tz,
        )
        return purchases.select("partner_id", "orders", "revenue", day)
