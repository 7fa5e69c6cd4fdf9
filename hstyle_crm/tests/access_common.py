from pathlib import Path

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from odoo import Command, fields
from odoo.tests import new_test_user

from .common import HstyleCommon, HstylePointsCommon

MATRIX = Path(__file__).parents[1] / "readme" / "ACCESS.md"
#: Who has no column: nothing of ours is theirs to read.
OTHERS = {
    "employee": "base.group_user",
    "customer": "base.group_portal",
    "student": "hstyle_crm.hstyle_crm_group_campus_agent",
    "visitor": "base.group_public",
}


def read_matrix():
    """Return model → the cells of its line in the matrix, its name in words first."""
    rows = {}
    for line in MATRIX.read_text().splitlines():
        name, *cells = (cell.strip() for cell in line.strip("| ").split("|"))
        if cells and cells[0].startswith("`"):
            rows[cells[0].strip("`")] = [name, *cells[1:]]
    return rows


def is_ours(model):
    return model.startswith("hstyle.")


class AccessCommon(HstyleCommon):
    """The matrix, users who have no place in it, and another company full of life."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.matrix = read_matrix()
        cls.models = [model for model in cls.matrix if is_ours(model)]
        cls.others = [
            new_test_user(cls.env, login=login, groups=group)
            for login, group in OTHERS.items()
        ]

    def _find_all(self):
        """Return model → ids of all records that belong to a company."""
        return {
            model: set(self.env[model].search([]).ids)
            for model in [*self.models, "loyalty.card", "loyalty.history"]
            if self.matrix[model][-1] not in {"all", "maker"}
        }

    def _fill_company(self):
        """Let another company have records of every model; return model → ids."""
        before = self._find_all()
        company = self.env["res.company"].create({"name": "Other"})
        shop = self._create_shop("Second", company_id=company.id)
        bad = ("2", "1", "2026-03-01", "b", "", "", "ten")
        rows = [("1", "1", "2026-03-01", "a", "", "", "10"), bad]
        self._import(rows, shop=shop, user=self.env.user)
        self._give_points(company)
        self._give_tier(company)
        self._give_segment(company)
        values = {"name": "Sale", "body": "Sale", "company_id": company.id}
        self.env["hstyle.sms.text"].create(values)
        self.env["hstyle.sms.reply"]._receive(company, "+8613800138000", "Hi", "1")
        self._give_offers(company)
        agent = self._give_campus(company)
        self._give_gifts(company, agent)
        self._give_satisfaction(company)
        referral = self.env["hstyle.referral"].search([("agent_id", "=", agent.id)])
        self._give_commission(company, referral.friend_id)
        self._give_tickets(company)
        category = ("order number", "date", "buyer", "category", "paid")
        bought = [("3", "2026-03-01", "c", "Women", "10")]
        self._import(bought, category, shop=shop, user=self.env.user)
        self._run_campaign(company)
        self._give_goodwill(company, referral.friend_id)
        self._give_todos(company, referral.friend_id)
        owner = new_test_user(
            self.env, "theirs", company_id=company.id, company_ids=company.ids
        )
        values = {"partner_id": referral.friend_id.id, "user_id": owner.id}
        self.env["hstyle.key.account"].create({**values, "company_id": company.id})
        self.env["hstyle.profile"]._refresh()
        self.env["hstyle.habit"]._refresh()
        self.env["hstyle.forecast"]._make(company)
        self.env["hstyle.export"].with_company(company)._download("Theirs", ["A"], [])
        return {
            model: sorted(ids - before[model])
            for model, ids in self._find_all().items()
        }

    def _give_todos(self, company, partner):
        """Let a company's customers be turned to: one is, and one was."""
        values = {
            "partner_id": partner.id,
            "user_id": self.manager.id,
            "company_id": company.id,
            "reason": "call",
            "name": "Theirs",
        }
        self.env["hstyle.todo"]._add([values, {**values, "key": "2"}])[0]._finish(
            "reached"
        )

    def _give_tickets(self, company):
        """Let a company's service miss a deadline, and wait for a customer."""
        team = self.env["hstyle.ticket.team"].create(
            {
                "name": "Theirs",
                "company_id": company.id,
                "member_ids": self.agent.ids,
            }
        )
        level = {"name": "Theirs", "answer_hours": 1, "solve_hours": 1}
        self.env["hstyle.sla"].create({**level, "company_id": company.id})
        late = fields.Datetime.now() - relativedelta(days=3)
        values = {"name": "Late", "team_id": team.id, "opened_at": late}
        ticket = self.env["hstyle.ticket"].create(values)
        self.env["hstyle.ticket.breach"]._find("solve", fields.Datetime.now())
        ticket.stage_id = self.env.ref("hstyle_crm.ticket_stage_waiting")
        solution = self.env["hstyle.solution"].create(
            {"name": "Theirs", "answer": "Theirs", "company_id": company.id}
        )
        solution._note("inserted", ticket)
        ticket._book(max(ticket._get_free_slots()))
        self._give_reports(company, team)
        self.env["hstyle.ticket"]._receive("im", "1", "mei", "Hi", team)
        return ticket

    def _give_reports(self, company, team):
        """Let a customer of a company have bought, and complained of it, long ago."""
        ago = fields.Datetime.now() - relativedelta(days=300)
        product = self.env["product.product"].create({"name": "Their dress"})
        values = {
            "partner_id": self._create_partner("Their buyer").id,
            "company_id": company.id,
            "order_line": [Command.create({"product_id": product.id})],
        }
        with freeze_time(ago):
            self.env["sale.order"].create(values).action_confirm()
            reason = self.env.ref("hstyle_crm.ticket_reason_defect_seam")
            self.env["hstyle.ticket"].create(
                {
                    "name": "Seam",
                    "team_id": team.id,
                    "product_id": product.id,
                    "intent_id": reason.intent_id.id,
                    "reason_id": reason.id,
                }
            )
        self.env["hstyle.complaint.heat"]._refresh()

    def _give_satisfaction(self, company):
        """Let a customer of a company be less satisfied than before."""
        policies = self.env["hstyle.satisfaction.policy"]
        policy = policies.create(
            {"company_id": company.id, "question": "delivery", "text": "Satisfied?"}
        )
        product = self.env["product.product"].create({"name": "Theirs"})
        values = {
            "partner_id": self._create_partner("Mild", email="m@example.com").id,
            "company_id": company.id,
            "order_line": [Command.create({"product_id": product.id})],
        }
        orders = self.env["sale.order"].create([values, values])
        for order, day, score in zip(
            orders, ("2020-01-01", "2020-02-01"), (5, 4), strict=True
        ):
            with freeze_time(day):
                policy._ask(order)
                order.rating_ids._answer(score)

    def _give_points(self, company):
        """Let a customer of a company hold points, spend some, and want more."""
        program = HstylePointsCommon._create_program.__func__(
            type(self), company_id=company.id
        )
        program.campaign_ids = [Command.create({"name": "Day"})]
        partner = self._create_partner()
        card = program._give_bonus(partner, 10, "Welcome")
        card._post([card._prepare_move("adjust", -4, "Mistake")])
        values = {"card_id": card.id, "points": 5, "reason": "More"}
        self.env["hstyle.points.adjustment"].create(values)

    def _run_campaign(self, company):
        """Let customers of a company be drawn, redeem a coupon and be measured."""
        people = self.env["res.partner"].create([{"name": f"{n}"} for n in range(60)])
        campaign = self.env["utm.campaign"].create(
            {
                "title": "Theirs",
                "company_id": company.id,
                "hstyle_domain": repr([("id", "in", people.ids)]),
                "hstyle_holdout": 15,
            }
        )
        campaign._draw()
        values = {"campaign_id": campaign.id, "company_id": company.id, "code": "x"}
        self.env["hstyle.redemption"].create(
            {**values, "partner_id": people[0].id, "date": "2026-03-01"}
        )
        campaign._measure()

    def _give_campus(self, company):
        """Let a company have an agent who brought a friend."""
        values = {"name": "Theirs", "company_id": company.id}
        campus = self.env["hstyle.campus"].create(values)
        self.env["hstyle.referral.program"].create(values)
        student = self._create_partner("Their student", company_id=company.id)
        values = {"partner_id": student.id, "graduation_on": "2099-06-30"}
        agent = self.env["hstyle.agent"].create({**values, "campus_id": campus.id})
        agent.state = "active"
        code = self.env["hstyle.referral.code"]._get_code(student)
        referrals = self.env["hstyle.referral"].with_company(company)
        referrals._claim(code.code, self._create_partner("Their friend"), "staff")
        return agent

    def _give_tier(self, company):
        """Let a customer of a company have a tier, a benefit and a manager."""
        tier = self.env["res.partner.grade"].create(
            {
                "name": "Theirs",
                "is_tier": True,
                "company_id": company.id,
                "has_manager": True,
                "rule_ids": [Command.create({"threshold": 100})],
                "benefit_ids": [Command.create({"name": "Gift"})],
            }
        )
        self.env["hstyle.account.manager"].create(
            {"user_id": self.clerk.id, "company_id": company.id}
        )
        partner = self._create_partner("Their member", grade_id=tier.id)
        tier.benefit_ids._use(partner)
        return partner

    def _give_segment(self, company):
        """Let a company have customers in two segments, an action, and a message."""
        partner = self._create_partner("Their customer", company_id=company.id)
        tag = self.env["res.partner.category"].create({"name": "Theirs"})
        values = {
            "company_id": company.id,
            "domain": repr([("id", "=", partner.id)]),
            "action_ids": [Command.create({"kind": "tag", "tag_id": tag.id})],
        }
        segments = self.env["hstyle.segment"].create(
            [{**values, "name": name} for name in ("One", "Two")]
        )
        for segment in segments:
            segment._launch()
        partners = partner.with_company(company)
        self.env["hstyle.consent"]._record(
            partner, "sms", "marketing", True, "Till", company=company
        )
        partners._filter_contactable("sms", "marketing", "News")
        pricelist = self.env["product.pricelist"].create(
            {"name": "Theirs", "company_id": company.id}
        )
        self.env["hstyle.price.grant"].create(
            {
                "partner_id": partner.id,
                "company_id": company.id,
                "pricelist_id": pricelist.id,
                "date_to": "2100-01-01",
            }
        )

    def _give_gifts(self, company, agent):
        """Let a classmate of a company's agent have a birthday, and packs for it."""
        pack = self.env["hstyle.gift.pack"].create(
            {"name": "Sweets", "company_id": company.id}
        )
        self.env["hstyle.gift.supply"].create(
            {"agent_id": agent.id, "pack_id": pack.id}
        )
        today = company._hstyle_today()
        self.env["hstyle.roster"].create(
            {
                "name": "Their classmate",
                "birth_month": today.month,
                "birth_day": today.day,
                "agent_id": agent.id,
                "consent_source": "List",
                "consent_on": today,
            }
        )

    def _give_goodwill(self, company, partner):
        """Let a customer of a company get goodwill within a budget, and a promise."""
        team = self.env["hstyle.ticket.team"].create(
            {"name": "Theirs", "company_id": company.id}
        )
        values = {"company_id": company.id, "group_id": self.agent.group_ids[:1].id}
        self.env["hstyle.goodwill.budget"].create({**values, "amount": 5})
        ticket = self.env["hstyle.ticket"].create(
            {"name": "Theirs", "team_id": team.id, "partner_id": partner.id}
        )
        reason = self.env.ref("hstyle_crm.goodwill_reason_late")
        ticket._compensate("points", 1, reason)
        self.env["hstyle.promise"].create(
            {
                "name": "Theirs",
                "partner_id": partner.id,
                "company_id": company.id,
                "due_on": "2100-01-01",
            }
        )

    def _give_offers(self, company):
        """Let five customers of a company have had lists, with a sponsor."""
        category = self.env["product.category"].create({"name": "Theirs"})
        sponsor = {"partner_id": company.partner_id.id, "category_id": category.id}
        plan = self.env["hstyle.offer.plan"].create(
            {
                "name": "Theirs",
                "company_id": company.id,
                "threshold": 0,
                "budget": 9,
                "sponsor_ids": [Command.create(sponsor)],
            }
        )
        run = plan._record_run(
            plan._today(),
            {"customers": 5, "lines": 5, "planned": 9, "bound": False, "depths": []},
        )
        for number in range(5):
            self.env["hstyle.offer.list"].create(
                {
                    "run_id": run.id,
                    "plan_id": plan.id,
                    "company_id": company.id,
                    "partner_id": self._create_partner().id,
                    "code": f"CODE{number}",
                    "date_from": run.day,
                    "date_to": run.date_to,
                    "state": "expired",
                    "line_ids": [
                        Command.create(
                            {
                                "category_id": category.id,
                                "state": "expired",
                                "sponsor_id": company.partner_id.id,
                            }
                        )
                    ],
                }
            )

    def _give_commission(self, company, friend):
        """Let the order of a friend in a company be settled with an agent."""
        category = self.env["product.category"].create({"name": "Theirs"})
        self.env["hstyle.commission.plan"].create(
            {
                "name": "Theirs",
                "company_id": company.id,
                "minimum": 1000,
                "bracket_ids": [Command.create({"percent": 10})],
                "rate_ids": [Command.create({"categ_id": category.id, "value": 5})],
            }
        )
        product = self.env["product.product"].create({"name": "Theirs"})
        line = {"product_id": product.id, "price_unit": 100}
        order = self.env["sale.order"].create(
            {
                "partner_id": friend.id,
                "company_id": company.id,
                "order_line": [Command.create(line)],
            }
        )
        order.action_confirm()
        self.env["hstyle.commission"]._accrue(order)
        with freeze_time(fields.Datetime.now() + relativedelta(months=2)):
            month = fields.Date.subtract(company._hstyle_today(), months=1)
            statements = self.env["hstyle.commission.statement"]
            statements._settle(company, month.replace(day=1))
