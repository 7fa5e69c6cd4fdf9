from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from .access_common import AccessCommon, is_ours
from .common import ROLES

#: Columns of the matrix: ours, and those of the host that meet our models.
COLUMNS = {
    **{role: f"hstyle_crm.hstyle_crm_group_{role}" for role in ROLES},
    "sales": "sales_team.group_sale_salesman",
    "accounts": "account.group_account_invoice",
}
ADVICE = """
Decide who may do what. If the lines below are what you want, they belong in
hstyle_crm/readme/ACCESS.md, each in place of the line of its model if there is one; if
not, mend security/ir.model.access.csv or the rules. A line that is there and whose
model is gone must go.
"""


OPERATIONS = {"r": "read", "w": "write", "c": "create", "u": "unlink"}


@tagged("post_install", "-at_install")
class TestAccess(AccessCommon):
    def test_matrix(self):
        """Every model has a line, and the database grants what the line says."""
        users = [
            new_test_user(self.env, login=f"of_{column}", groups=group)
            for column, group in COLUMNS.items()
        ]
        stored = self.env["ir.model"].search([("model", "=like", "hstyle.%")])
        names = {m.model for m in stored if not self.env[m.model]._abstract}
        granted = {
            model: self._get_cells(model, users)
            for model in sorted(names | {m for m in self.matrix if not is_ours(m)})
        }
        lines = [
            f"| {cells[0]} | `{model}` | {' | '.join(cells[1:])} |"
            for model, cells in granted.items()
            if self.matrix.get(model) != cells
        ]
        lines += [f"{model} is gone" for model in self.matrix.keys() - granted.keys()]
        self.assertFalse(lines, "\n".join([ADVICE, *lines]))

    def _get_cells(self, model, users):
        """Return what the database grants, as the matrix has it."""
        records = self.env[model].with_context(lang="en_US")
        granted = ["".join(self._get_letters(model, user)) or "-" for user in users]
        return [records._description, *granted, self._get_owner(model)]

    def _get_letters(self, model, user):
        records = self.env[model].with_user(user)
        return [
            letter
            for letter, operation in OPERATIONS.items()
            if records.has_access(operation)
        ]

    def _get_owner(self, model):
        """Return whose records of a model a role gets, as the rules have it."""
        if self.env[model]._transient:
            return "maker"
        rules = self.env["ir.rule"].search([("model_id.model", "=", model)])
        personal = "".join(rules.filtered("groups").mapped("domain_force"))
        if "campus_id.manager_id" in personal:
            return "campus"
        if "user.id" in personal:
            return "own"
        everybody = (rules - rules.filtered("groups")).mapped("domain_force")
        return "company" if "company_id" in "".join(everybody) else "all"

    def test_nobody_else(self):
        self._import([("1", "1", "2026-03-01", "a", "", "", "10")])
        self.env["hstyle.profile"]._refresh()
        for user in self.others:
            for model in self.models:
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
        theirs = self._fill_company()
        for model, ids in theirs.items():
            self.assertTrue(
                ids,
                f"There is no {model} of the other company to test with: create one "
                "in _fill_company, by the door that creates them in life.",
            )
            records = self.env[model].with_user(self.manager)
            domain = [("id", "in", ids)]
            self.assertEqual(records.search_read(domain, ["id"]), [], model)
            [total] = records.formatted_read_group(domain, [], ["__count"])
            self.assertEqual(total["__count"], 0, model)
            with self.assertRaises(AccessError, msg=model):
                records.browse(ids).read(["id"] if model != "hstyle.shop" else ["name"])

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
