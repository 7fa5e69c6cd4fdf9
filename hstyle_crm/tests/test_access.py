from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from .common import ROLES, HstyleCommon, HstylePointsCommon

#: model → role → what it may do (read, write, create, unlink)
ACCESS = {
    "hstyle.shop": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "rwcu"},
    "hstyle.buyer": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "rwcu"},
    "hstyle.order": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "ru"},
    "hstyle.order.line": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.purchase": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.purchase.line": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.habit": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.profile.month": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.profile": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.forecast": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.profile.dirty": {"clerk": "", "agent": "", "marketer": "", "manager": "r"},
    "hstyle.import": {"clerk": "rwcu", "agent": "", "marketer": "", "manager": "rwcu"},
    "hstyle.import.column": {
        "clerk": "rwcu",
        "agent": "",
        "marketer": "",
        "manager": "rwcu",
    },
    "hstyle.points.adjustment": {
        "clerk": "rwcu",
        "agent": "rwcu",
        "marketer": "",
        "manager": "rwcu",
    },
    "hstyle.points.liability": {
        "clerk": "",
        "agent": "",
        "marketer": "",
        "manager": "r",
    },
    "hstyle.points.opening": {
        "clerk": "",
        "agent": "",
        "marketer": "",
        "manager": "rwcu",
    },
    "hstyle.points.allocation": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.points.expiry": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.points.campaign": {
        "clerk": "r",
        "agent": "r",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.import.row": {"clerk": "r", "agent": "", "marketer": "", "manager": "r"},
    "hstyle.tier.rule": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "rwcu",
    },
    "hstyle.entitlement": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.benefit": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "rwcu"},
    "hstyle.account.manager": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "rwcu",
    },
    "hstyle.membership": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.tier.move": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.benefit.use": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.account.assignment": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    **{
        f"hstyle.{name}": dict.fromkeys(ROLES, "r")
        for name in ("ticket.report", "complaint.heat", "service.value")
    },
    **{
        f"hstyle.{name}": dict.fromkeys(ROLES, "r")
        for name in ("member.share", "migration", "cross.shop")
    },
    **{
        f"hstyle.{name}": dict.fromkeys(ROLES, "") | {"manager": "r"}
        for name in ("spending", "usage", "export", "first.step")
    },
    "hstyle.member.report": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    **{
        f"hstyle.campaign.{name}": dict.fromkeys(ROLES, "r")
        for name in ("member", "response", "effect")
    },
    "hstyle.redemption": {
        "clerk": "r",
        "agent": "r",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.tier.change": {
        "clerk": "rwcu",
        "agent": "rwcu",
        "marketer": "",
        "manager": "rwcu",
    },
    "hstyle.offer.plan": {
        "clerk": "r",
        "agent": "r",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.offer.cell": {
        "clerk": "r",
        "agent": "r",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.offer.sponsor": {
        "clerk": "r",
        "agent": "r",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.offer.run": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.offer.list": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.offer.line": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.offer.report": {"clerk": "", "agent": "", "marketer": "r", "manager": "r"},
    "hstyle.tier.trial": {"clerk": "", "agent": "", "marketer": "", "manager": "rwcu"},
    "hstyle.tier.trial.line": {
        "clerk": "",
        "agent": "",
        "marketer": "",
        "manager": "rwcu",
    },
    # By a rule, only those accounts that are the user's own, or whose deputy one is.
    "hstyle.key.account": dict.fromkeys(ROLES, "rwc") | {"manager": "rwcu"},
    "hstyle.customer.handover": dict.fromkeys(ROLES, "") | {"manager": "rwcu"},
    "hstyle.account.handover": {
        "clerk": "",
        "agent": "",
        "marketer": "",
        "manager": "rwcu",
    },
    "hstyle.tier.statement": {
        "clerk": "rwcu",
        "agent": "rwcu",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.tier.statement.line": {
        "clerk": "rwcu",
        "agent": "rwcu",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.consent": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.contact": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.consent.change": {
        "clerk": "rwcu",
        "agent": "rwcu",
        "marketer": "rwcu",
        "campus": "",
        "manager": "rwcu",
    },
    "hstyle.segment": {
        "clerk": "r",
        "agent": "r",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.segment.action": {
        "clerk": "r",
        "agent": "r",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.segment.member": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.segment.size": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.segment.overlap": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.segment.run": {
        "clerk": "r",
        "agent": "r",
        "marketer": "r",
        "manager": "r",
    },
    "hstyle.segment.trial": {
        "clerk": "",
        "agent": "",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.segment.trial.line": {
        "clerk": "",
        "agent": "",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.price.grant": {
        "clerk": "r",
        "agent": "r",
        "marketer": "rwcu",
        "manager": "rwcu",
    },
    "hstyle.sms.text": {"clerk": "", "agent": "", "marketer": "r", "manager": "rwcu"},
    "hstyle.sms.reply": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
    "hstyle.campus": dict.fromkeys(ROLES, "r") | {"manager": "rwcu"},
    "hstyle.agent": dict.fromkeys(ROLES, "r") | {"campus": "rwc", "manager": "rwcu"},
    "hstyle.circle": dict.fromkeys(ROLES, "r"),
    "hstyle.referral": dict.fromkeys(ROLES, "r"),
    "hstyle.referral.code": dict.fromkeys(ROLES, "") | {"manager": "rwc"},
    "hstyle.referral.program": dict.fromkeys(ROLES, "r")
    | {"marketer": "rwcu", "manager": "rwcu"},
    "hstyle.referral.dirty": dict.fromkeys(ROLES, "") | {"manager": "r"},
    "hstyle.referral.entry": dict.fromkeys(ROLES, "rwcu") | {"marketer": ""},
    "hstyle.commission": dict.fromkeys(ROLES, "") | {"manager": "r"},
    "hstyle.roster": dict.fromkeys(ROLES, "") | {"campus": "rwcu", "manager": "rwcu"},
    "hstyle.roster.import": dict.fromkeys(ROLES, "")
    | {"campus": "rwcu", "manager": "rwcu"},
    "hstyle.gift": dict.fromkeys(ROLES, "") | {"campus": "rw", "manager": "rw"},
    "hstyle.gift.pack": dict.fromkeys(ROLES, "") | {"campus": "r", "manager": "rwcu"},
    "hstyle.gift.supply": dict.fromkeys(ROLES, "") | {"campus": "rc", "manager": "rc"},
    "hstyle.gift.report": dict.fromkeys(ROLES, "") | {"campus": "r", "manager": "r"},
    "hstyle.solution": dict.fromkeys(ROLES, "r") | {"agent": "rwc", "manager": "rwcu"},
    "hstyle.solution.use": dict.fromkeys(ROLES, "r"),
    "hstyle.appointment": dict.fromkeys(ROLES, "r"),
    "hstyle.appointment.slot": dict.fromkeys(ROLES, "")
    | {"agent": "rwcu", "manager": "rwcu"},
    "hstyle.goodwill": dict.fromkeys(ROLES, "r"),
    "hstyle.goodwill.reason": dict.fromkeys(ROLES, "r") | {"manager": "rwcu"},
    "hstyle.goodwill.budget": dict.fromkeys(ROLES, "r") | {"manager": "rwcu"},
    "hstyle.ticket.compensation": dict.fromkeys(ROLES, "")
    | {"agent": "rwcu", "manager": "rwcu"},
    "hstyle.promise": dict.fromkeys(ROLES, "rwc") | {"manager": "rwcu"},
    "hstyle.ticket": dict.fromkeys(ROLES, "r") | {"agent": "rwc", "manager": "rwcu"},
    **{
        f"hstyle.ticket.{name}": dict.fromkeys(ROLES, "r") | {"manager": "rwcu"}
        for name in ("team", "stage", "intent", "reason")
    },
    "hstyle.ticket.inbound": dict.fromkeys(ROLES, "") | {"agent": "r", "manager": "r"},
    "hstyle.call": dict.fromkeys(ROLES, "") | {"agent": "rwcu", "manager": "rwcu"},
    "hstyle.ticket.pause": dict.fromkeys(ROLES, "r"),
    "hstyle.ticket.breach": dict.fromkeys(ROLES, "r"),
    "hstyle.sla": dict.fromkeys(ROLES, "r") | {"manager": "rwcu"},
    "hstyle.satisfaction.policy": dict.fromkeys(ROLES, "r") | {"manager": "rwcu"},
    "hstyle.timeline": dict.fromkeys(ROLES, "r"),
    "hstyle.call.result": dict.fromkeys(ROLES, "rwcu"),
    # By a rule, only those cards that are the user's own.
    "hstyle.care": dict.fromkeys(ROLES, "rw"),
    **{
        f"hstyle.satisfaction{name}": dict.fromkeys(ROLES, "r")
        for name in ("", ".product", ".loyalty")
    },
    **{
        f"hstyle.commission{name}": dict.fromkeys(ROLES, "") | {"manager": allowed}
        for name, allowed in (
            ("", "r"),
            (".order", "r"),
            (".statement", "r"),
            (".plan", "rwcu"),
            (".rate", "rwcu"),
            (".bracket", "rwcu"),
            (".settlement", "rwcu"),
            (".settlement.line", "rwcu"),
        )
    },
    "hstyle.todo": dict.fromkeys(ROLES, "r"),
    "hstyle.todo.effect": dict.fromkeys(ROLES, "r"),
    "hstyle.day": dict.fromkeys(ROLES, "r"),
    "hstyle.todo.done": dict.fromkeys(ROLES, "rwcu"),
    "hstyle.ticket.member": dict.fromkeys(ROLES, "r") | {"manager": "rwcu"},
    **{
        f"hstyle.ticket.{name}": dict.fromkeys(ROLES, "")
        | {"agent": "rwcu", "manager": "rwcu"}
        for name in ("handover", "merge", "split")
    },
}
# A campus manager reads what all readers may, unless the table says more.
for _roles in ACCESS.values():
    _shared = set(_roles["clerk"]) & set(_roles["agent"]) & set(_roles["marketer"])
    _roles.setdefault(
        "campus", "".join(letter for letter in "rwcu" if letter in _shared)
    )
#: Wizards: who makes one sees it, by the host's own rule.
WIZARDS = {
    "hstyle.call",
    "hstyle.call.result",
    "hstyle.points.opening",
    "hstyle.tier.change",
    "hstyle.tier.trial",
    "hstyle.tier.trial.line",
    "hstyle.tier.statement",
    "hstyle.tier.statement.line",
    "hstyle.account.handover",
    "hstyle.customer.handover",
    "hstyle.consent.change",
    "hstyle.segment.trial",
    "hstyle.segment.trial.line",
    "hstyle.appointment.slot",
    "hstyle.referral.entry",
    "hstyle.roster.import",
    "hstyle.commission.settlement",
    "hstyle.commission.settlement.line",
    "hstyle.ticket.compensation",
    "hstyle.ticket.handover",
    "hstyle.ticket.merge",
    "hstyle.ticket.split",
    "hstyle.todo.done",
}
#: Models whose records belong to no company.
COMMON = {
    "hstyle.profile.dirty",
    "hstyle.referral.dirty",
    "hstyle.ticket.stage",
    "hstyle.ticket.intent",
    "hstyle.ticket.reason",
    "hstyle.goodwill.reason",
}
#: Models of which some records are shipped.
SHIPPED = (
    "hstyle.first.step",
    "hstyle.satisfaction.policy",
    "hstyle.tier.rule",
    "hstyle.benefit",
    "hstyle.segment",
    "hstyle.segment.action",
    "hstyle.referral.program",
    "hstyle.commission.plan",
    "hstyle.commission.bracket",
    "hstyle.solution",
    "hstyle.goodwill.budget",
    "hstyle.ticket.team",
    "hstyle.sla",
)
OPERATIONS = {"r": "read", "w": "write", "c": "create", "u": "unlink"}


@tagged("post_install", "-at_install")
class TestAccess(HstyleCommon):
    def test_every_model_is_in_the_table(self):
        models = self.env["ir.model"].search([("model", "=like", "hstyle.%")])
        stored = {m.model for m in models if not self.env[m.model]._abstract}
        self.assertEqual(stored, ACCESS.keys())

    def test_table(self):
        for model, roles in ACCESS.items():
            for role in ROLES:
                records = self.env[model].with_user(getattr(self, role))
                allowed = "".join(
                    letter
                    for letter, operation in OPERATIONS.items()
                    if records.has_access(operation)
                )
                self.assertEqual(allowed, roles[role], f"{role} on {model}")

    def test_nobody_else(self):
        users = [
            new_test_user(self.env, login="employee", groups="base.group_user"),
            new_test_user(self.env, login="portal", groups="base.group_portal"),
            new_test_user(
                self.env,
                login="campus",
                groups="hstyle_crm.hstyle_crm_group_campus_agent",
            ),
            self.env.ref("base.public_user"),
        ]
        self._import([("1", "1", "2026-03-01", "a", "", "", "10")])
        self.env["hstyle.profile"]._refresh()
        for user in users:
            for model in ACCESS:
                with self.assertRaises(AccessError, msg=f"{user.login} on {model}"):
                    self.env[model].with_user(user).search_read([])
                with self.assertRaises(AccessError, msg=f"{user.login} on {model}"):
                    self.env[model].with_user(user).formatted_read_group(
                        [], [], ["__count"]
                    )
            with self.assertRaises(AccessError):
                self.env["res.partner"].with_user(user).search(
                    [("hstyle_profile_ids.revenue", ">", 0)]
                )

    def test_other_companies(self):
        """What belongs to another company is not even counted."""
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
        theirs = {
            model: self.env[model].search([]).ids
            for model in [*ACCESS, "loyalty.card", "loyalty.history"]
            if model not in {*COMMON, *WIZARDS}
        }
        theirs["hstyle.shop"] = shop.ids
        for shipped in SHIPPED:
            domain = [("company_id", "=", company.id)]
            theirs[shipped] = self.env[shipped].search(domain).ids
        for model, ids in theirs.items():
            self.assertTrue(ids, model)
            records = self.env[model].with_user(self.manager)
            domain = [("id", "in", ids)]
            self.assertEqual(records.search_read(domain, ["id"]), [], model)
            [total] = records.formatted_read_group(domain, [], ["__count"])
            self.assertEqual(total["__count"], 0, model)
            with self.assertRaises(AccessError, msg=model):
                records.browse(ids).read(["id"] if model != "hstyle.shop" else ["name"])

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

    def test_tiers_are_for_managers(self):
        """The host lets salespeople write grades: not those of members."""
        seller = new_test_user(
            self.env, login="seller", groups="sales_team.group_sale_manager"
        )
        tier = self.env.ref("hstyle_crm.tier_gold")
        for user in (seller, self.clerk, self.agent, self.marketer):
            with self.assertRaises(AccessError):
                tier.with_user(user).name = "Mine"
            with self.assertRaises(AccessError):
                grades = self.env["res.partner.grade"].with_user(user)
                grades.create({"name": "Mine", "is_tier": True})
        grade = self.env["res.partner.grade"].with_user(seller).create({"name": "A"})
        grade.name = "Reseller"
        tier.with_user(self.manager).name = "Golden"

    def test_a_member_of_another_company(self):
        """The form of a shared customer opens, and says nothing of that tier."""
        company = self.env["res.company"].create({"name": "Other"})
        partner = self._give_tier(company).with_user(self.manager)
        self.env.invalidate_all()
        self.assertFalse(partner.hstyle_membership_ids)
        self.assertFalse(partner.tier_next_text or partner.tier_rule_text)
        self.assertTrue(Form(partner).record)
        grades = self.env["res.partner.grade"].with_user(self.manager)
        self.assertFalse(grades.search([("company_id", "=", company.id)]))

    def test_the_sales_team_opens_cards(self):
        """Also who has no role of ours: of members, and gift cards."""
        seller = new_test_user(
            self.env, login="seller", groups="sales_team.group_sale_salesman"
        )
        self._give_points(self.env["res.company"].create({"name": "Other"}))
        seller.company_ids |= self.env["loyalty.card"].search([]).company_id
        card = self.env["loyalty.card"].search([("managed", "=", True)], limit=1)
        card = card.with_user(seller).with_context(
            allowed_company_ids=seller.company_ids.ids
        )
        self.assertTrue(Form(card).record)

    def test_branches(self):
        """Who works in a company and its branch sees both, and nothing fails."""
        branch = self.env["res.company"].create(
            {"name": "Branch", "parent_id": self.company.id}
        )
        shop = self._create_shop("Branch shop", company_id=branch.id)
        self.clerk.company_ids |= branch
        self._import([("1", "1", "2026-03-01", "a", "", "", "10")], shop=shop)
        self.env["hstyle.profile"]._refresh()
        profiles = self.env["hstyle.profile"].with_user(self.clerk)
        one = profiles.with_context(allowed_company_ids=self.company.ids)
        self.assertFalse(one.search([]))
        both = profiles.with_context(allowed_company_ids=[self.company.id, branch.id])
        self.assertEqual(both.search([]).mapped("company_id.name"), ["Branch"])

    def test_facts_are_not_editable(self):
        self._import([("1", "1", "2026-03-01", "a", "", "", "10")])
        order = self.env["hstyle.order"].search([]).with_user(self.manager)
        with self.assertRaises(AccessError):
            order.amount_paid = 5
        with self.assertRaises(AccessError):
            order.line_ids.amount_paid = 5
        order.unlink()
        self.env["hstyle.profile"]._refresh()
        self.assertFalse(self.env["hstyle.profile"].search([]))
