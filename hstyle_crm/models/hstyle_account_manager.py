from collections import Counter, defaultdict

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class HstyleAccountManager(models.Model):
    """An employee who is the named contact of top members."""

    _name = "hstyle.account.manager"
    _description = "Account manager"
    _order = "company_id, id"
    _rec_name = "user_id"

    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Employee",
        required=True,
        index=True,
        domain=[("share", "=", False)],
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    active = fields.Boolean(default=True)
    capacity = fields.Integer(
        default=100, help="Members whom this manager can look after."
    )
    deputy_id = fields.Many2one(
        comodel_name="hstyle.account.manager",
        index="btree_not_null",
        help="Looks after the members while the manager is away.",
    )
    away_until = fields.Date(help="Through this day the deputy stands in.")
    member_count = fields.Integer(string="Members", compute="_compute_member_count")

    _user_unique = models.Constraint(
        "UNIQUE (user_id, company_id)",
        "This employee is an account manager of the company already.",
    )
    _capacity_positive = models.Constraint(
        "CHECK (capacity >= 0)", "A capacity is not below zero."
    )

    @api.constrains("deputy_id", "company_id")
    def _check_deputy(self):
        for manager in self:
            deputy = manager.deputy_id
            if deputy == manager or (
                deputy and deputy.company_id != manager.company_id
            ):
                raise ValidationError(
                    self.env._("A deputy is another account manager of the company.")
                )

    def _compute_member_count(self):
        loads = self._get_loads()
        for manager in self:
            manager.member_count = loads[manager.company_id, manager.user_id]

    @api.model
    def _get_loads(self):
        """Return Counter of (company, user) → members."""
        groups = (
            self.env["hstyle.membership"]
            .sudo()
            ._read_group(
                [("manager_id", "!=", False)], ["company_id", "manager_id"], ["__count"]
            )
        )
        return Counter({(company, user): n for company, user, n in groups})

    def _get_present(self):
        """Return who looks after the members today: the manager or the deputy."""
        self.ensure_one()
        today = self.company_id._hstyle_today()
        away = self.away_until and self.away_until >= today
        here = self.user_id.active and not away
        return self if here or not self.deputy_id.active else self.deputy_id

    @api.model
    def _get_contact(self, member):
        """Return the user whom a member meets today: the manager or the deputy."""
        return self._get_contacts(member).get(member, self.env["res.users"])

    @api.model
    def _get_contacts(self, members):
        """Return member → the user whom it meets today."""
        domain = [("user_id", "in", members.manager_id.ids)]
        managers = self.sudo().search(domain) if members else self.sudo()
        present = {
            (m.user_id, m.company_id): m._get_present().user_id for m in managers
        }
        return {
            member: present.get((member.manager_id, member.company_id))
            or member.manager_id
            for member in members
        }

    @api.model
    def _get_owner(self, customer, company):
        """Return who looks after a customer: account manager, or salesperson."""
        member = (
            self.env["hstyle.membership"]
            .sudo()
            .search(
                [
                    ("partner_id", "=", customer.id),
                    ("company_id", "in", company.sudo().parent_ids.ids),
                ],
                limit=1,
            )
        )
        return self._get_contact(member) or customer.user_id

    # === ASSIGNMENT === #

    @api.model
    def _follow_moves(self, changes):
        """Give members of tiers with managers one, and take it from all others."""
        members = self.env["hstyle.membership"].sudo()
        left = [change["partner_id"] for change in changes if not change["grade_id"]]
        self.env["hstyle.account.assignment"]._end(left)
        ids = [change["partner_id"] for change in changes if change["grade_id"]]
        found = members.search([("partner_id", "in", ids)]) if ids else members
        named = found.filtered("grade_id.has_manager")
        (found - named).filtered("manager_id")._set_manager(None)
        self._distribute(named.filtered(lambda member: not member.manager_id))

    @api.model
    def _get_taking(self, loads):
        """Return the managers who take new members: here, and with room."""
        return (
            self.sudo()
            .search([("capacity", ">", 0)])
            .filtered(
                lambda m: (
                    m._get_present() == m
                    and m.user_id.active
                    and loads[m.company_id, m.user_id] < m.capacity
                )
            )
        )

    @api.model
    def _distribute(self, members, besides=None, note=False):
        """Assign members to the managers of least load for their capacity.

        Who is away takes nobody new. Who finds nobody with room stays with the manager
        there is, or without, and is listed so.
        """
        loads, chosen = self._get_loads(), defaultdict(members.browse)
        managers = self._get_taking(loads) - (besides or self)
        room = sum(m.capacity - loads[m.company_id, m.user_id] for m in managers)
        for member in members[:room]:
            free = managers.filtered(
                lambda m, company=member.company_id: (
                    m.company_id == company and loads[company, m.user_id] < m.capacity
                )
            )
            if free:
                manager = min(
                    free,
                    key=lambda m: (loads[m.company_id, m.user_id] / m.capacity, m.id),
                )
                loads[manager.company_id, manager.user_id] += 1
                chosen[manager.user_id] |= member
        for user, theirs in chosen.items():
            theirs._set_manager(user, note)
