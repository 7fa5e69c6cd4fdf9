from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class HstyleSegmentCustomer(models.AbstractModel):
    """How customers are found for segments and campaigns: a half of res.partner."""

    _name = "hstyle.segment.customer"
    _description = "Customer of segments"

    hstyle_stay_ids = fields.One2many(
        comodel_name="hstyle.segment.member",
        inverse_name="partner_id",
        string="Stays in segments",
        domain=lambda self: self._get_segment_domain(),
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_segment_ids = fields.Many2many(
        comodel_name="hstyle.segment",
        string="Segments",
        compute="_compute_hstyle_segment_ids",
        search="_search_hstyle_segment_ids",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    has_birthday_this_month = fields.Boolean(
        string="Birthday this month",
        compute="_compute_has_birthday_this_month",
        search="_search_has_birthday_this_month",
    )

    has_complained = fields.Boolean(
        string="Complained in 12 months",
        compute="_compute_has_complained",
        search="_search_has_complained",
        help="Rated something with 1 or 2 of 5.",
    )

    # === FIELDS TO CHOOSE BY === #

    @api.depends("hstyle_stay_ids.left_on")
    def _compute_hstyle_segment_ids(self):
        for partner in self:
            stays = partner.hstyle_stay_ids.filtered(lambda stay: not stay.left_on)
            partner.hstyle_segment_ids = stays.segment_id

    @api.model
    def _search_hstyle_segment_ids(self, operator, value):
        if operator != "in":
            return NotImplemented
        now = Domain("left_on", "=", False)
        named = Domain("segment_id", "in", [key for key in value if key])
        domain = Domain("hstyle_stay_ids", "any", now & named)
        if False in value:
            domain |= Domain("hstyle_stay_ids", "not any", now)
        return domain

    @api.depends("birthday")
    @api.depends_context("company")
    def _compute_has_birthday_this_month(self):
        month = self.env.company._hstyle_today().month
        for partner in self:
            partner.has_birthday_this_month = (
                partner.birthday and partner.birthday.month == month
            )

    @api.model
    def _search_has_birthday_this_month(self, operator, value):
        if operator != "in":
            return NotImplemented
        month = self.env.company._hstyle_today().month
        domain = Domain("birthday.month_number", "=", month)
        return domain if True in value else ~domain

    def _compute_has_complained(self):
        domain = [("has_complained", "=", True), ("id", "in", self.ids)]
        unhappy = self.with_context(active_test=False).search(domain)
        for partner in self:
            partner.has_complained = partner in unhappy

    @api.model
    def _search_has_complained(self, operator, value):
        if operator != "in":
            return NotImplemented
        since = fields.Datetime.now() - relativedelta(months=12)

        def complained(_model, alias, _query):
            return self._sql_complained(SQL.identifier(alias, "id"), since)

        unhappy = Domain.custom(to_sql=complained)
        return unhappy if True in value else ~unhappy

    @api.model
    def _sql_complained(self, customer, since):
        """Return SQL: a customer rated 1 or 2, or opened a complaint, since a moment.

        :param SQL customer: a commercial partner's id
        """
        return SQL(
            """
            (EXISTS (SELECT FROM rating_rating g
                       JOIN res_partner c ON c.id = g.partner_id
                      WHERE c.commercial_partner_id = %(customer)s
                        AND g.consumed
                        AND g.rating BETWEEN 1 AND 2
                        AND g.rated_on >= %(since)s)
             OR EXISTS (SELECT FROM hstyle_ticket t
                          JOIN hstyle_ticket_intent i ON i.id = t.intent_id
                          JOIN res_partner c ON c.id = t.partner_id
                         WHERE c.commercial_partner_id = %(customer)s
                           AND i.is_complaint
                           AND t.opened_at >= %(since)s))
            """,
            customer=customer,
            since=since,
        )

    # === FINDING === #

    @api.model
    def _get_segment_domain(self):
        """Return the domain of one company's rows, while customers are looked for.

        Else a customer of two shops would be found by what the other one knows.
        """
        company = self.env.context.get("hstyle_company_id")
        return [("company_id", "=", company)] if company else []

    @api.model
    def _query_customers(self, domain, company):
        """Return the query of a company's customers whom a domain describes.

        It sees what the user sees. Contacts of a customer, colleagues and companies of
        our own are no customers.
        """
        partners = self.with_company(company).with_context(
            allowed_company_ids=company.ids,
            hstyle_company_id=company.id,
            active_test=True,
        )
        return partners._search(Domain(domain) & self._get_customer_domain(company))

    @api.model
    def _get_customer_domain(self, company):
        """Return the domain of all customers of a company.

        Who has no parent or is a company is a commercial entity, as the host has it;
        in these words the planner knows how many there are.
        """
        own = self.env["res.company"].sudo().search([("active", "in", [True, False])])
        return Domain.AND(
            [
                Domain("partner_share", "=", True),
                Domain("parent_id", "=", False) | Domain("is_company", "=", True),
                Domain("company_id", "=", False)
                | Domain("company_id", "parent_of", company.id),
                Domain("id", "not in", own.partner_id.ids),
            ]
        )
