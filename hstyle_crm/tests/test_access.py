from odoo import Command
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
    "hstyle.profile": {"clerk": "r", "agent": "r", "marketer": "r", "manager": "r"},
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
}
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
        self.env["hstyle.profile"]._refresh()
        theirs = {
            model: self.env[model].search([]).ids
            for model in [*ACCESS, "loyalty.card", "loyalty.history"]
            if model not in ("hstyle.profile.dirty", "hstyle.points.opening")
        }
        theirs["hstyle.shop"] = shop.ids
        for model, ids in theirs.items():
            self.assertTrue(ids, model)
            records = self.env[model].with_user(self.manager)
            domain = [("id", "in", ids)]
            self.assertEqual(records.search_read(domain, ["id"]), [], model)
            [total] = records.formatted_read_group(domain, [], ["__count"])
            self.assertEqual(total["__count"], 0, model)
            with self.assertRaises(AccessError, msg=model):
                records.browse(ids).read(["id"] if model != "hstyle.shop" else ["name"])

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
