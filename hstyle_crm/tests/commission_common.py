from datetime import date, datetime

from freezegun import freeze_time

from odoo import Command, fields
from odoo.tests import new_test_user

from .common import HstylePointsCommon


class HstyleCommissionCommon(HstylePointsCommon):
    """An agent with a friend, 10 % on all, and 14 days to send things back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program.active = False
        cls.env["hstyle.commission.plan"].search([]).active = False
        cls.company.hstyle_return_days = 14
        cls.finance = new_test_user(
            cls.env, login="hstyle_finance", groups="account.group_account_invoice"
        )
        cls.campus_place = cls.env["hstyle.campus"].create({"name": "Fudan"})
        cls.plan = cls._create_plan([(0, 10)])
        cls.student = cls._create_partner("Student")
        cls.worker = cls._create_agent(cls.student)
        cls.partner = cls._create_partner("Friend")
        cls.referral = cls._refer(cls.worker, cls.partner)
        cls.rows = cls.env["hstyle.commission"]
        cls.statements = cls.env["hstyle.commission.statement"]

    @classmethod
    def _create_plan(cls, brackets, **values):
        return cls.env["hstyle.commission.plan"].create(
            {
                "name": "Plan",
                "months": 0,
                "bracket_ids": [
                    Command.create({"from_amount": start, "percent": percent})
                    for start, percent in brackets
                ],
                **values,
            }
        )

    @classmethod
    def _create_agent(cls, partner, campus=None, **values):
        agent = cls.env["hstyle.agent"].create(
            {
                "partner_id": partner.id,
                "campus_id": (campus or cls.campus_place).id,
                "graduation_on": "2030-06-30",
                "state": "active",
                **values,
            }
        )
        # The database's clock is not frozen.
        cls.env.cr.execute(
            "UPDATE hstyle_agent SET create_date = '2026-01-01' WHERE id = %s",
            [agent.id],
        )
        return agent

    @classmethod
    def _refer(cls, agent, friend, day="2026-01-01", **values):
        company = agent.company_id
        return cls.env["hstyle.referral"].create(
            {
                "program_id": cls._get_referral_program(company).id,
                "company_id": company.id,
                "referrer_id": agent.partner_id.id,
                "agent_id": agent.id,
                "friend_id": friend.id,
                "source": "link",
                "touched_on": day,
                "claimed_on": day,
                **values,
            }
        )

    @classmethod
    def _get_referral_program(cls, company):
        programs = cls.env["hstyle.referral.program"]
        found = programs.search([("company_id", "=", company.id)], limit=1)
        return found or programs.create({"name": "Friends", "company_id": company.id})

    def _order(self, day, *prices, **values):
        """Let a friend order a dress at each price at noon of a day; accrue."""
        with freeze_time(f"{day} 12:00:00"):
            order = self._create_order(**values)
            line = order.order_line[:1]
            for _price in prices[1:]:
                line.copy({"order_id": order.id})
            lines = order.order_line
            for line, price in zip(lines, prices or (100,), strict=True):
                line.price_unit = price
            order.action_confirm()
            self._accrue(order)
        return order

    def _accrue(self, orders):
        self.rows._accrue(orders.sudo())
        self.env.invalidate_all()

    def _refund_on(self, day, invoice, quantity=None):
        with freeze_time(f"{day} 12:00:00"):
            refund = self._refund(invoice, quantity)
            self._accrue(invoice.line_ids.sale_line_ids.order_id)
        return refund

    def _invoice_on(self, day, order):
        with freeze_time(f"{day} 12:00:00"):
            return self._invoice(order)

    def _settle(self, month, day=None, agents=None):
        """Settle a month as on a day: the first after it, if none is given."""
        first = fields.Date.to_date(f"{month}-01")
        day = day or date(first.year + first.month // 12, first.month % 12 + 1, 1)
        with freeze_time(datetime.combine(day, datetime.min.time())):
            made = self.statements._settle(self.company, first, agents)
        self.env.invalidate_all()
        return made

    def _preview(self, month, day, agent=None):
        with freeze_time(f"{day} 12:00:00"):
            agent = agent or self.worker
            first = fields.Date.to_date(f"{month}-01")
            return self.statements._preview(agent, first)[agent]

    def _get_amounts(self, order):
        """Return (kind, base, amount) of an order's rows, oldest first."""
        rows = self.rows.search([("order_id", "=", order.id)]).sorted("id")
        return [(row.kind, row.base, row.amount) for row in rows]
