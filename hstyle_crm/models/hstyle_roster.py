from datetime import MAXYEAR

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import hmac

from ..tools import roster

#: What an agent says of a classmate; all but the place is needed.
NEEDED = ("name", "birth_month", "birth_day", "consent_source", "consent_on")
INPUT = (*NEEDED, "place")
#: Months for which a consent holds, and the most of them.
MONTHS = 12
MOST_MONTHS = 24
#: Letters of a name.
LONGEST = 100
#: What the birthday tasks of an entry depend on.
_TASK = {
    "name", "birth_month", "birth_day", "agent_id", "partner_id", "consent_on",
    "expires_on",
}  # fmt: skip


class HstyleRoster(models.Model):
    """A classmate on an agent's list, for the birthday gift and nothing else.

    The least that a gift needs: a name, a day without a year, a place, and the
    consent. No phone, no e-mail; nobody is written to.
    """

    _name = "hstyle.roster"
    _description = "Classmate"
    _order = "birth_month, birth_day, name, id"

    name = fields.Char(string="Full name", required=True)
    agent_id = fields.Many2one(
        comodel_name="hstyle.agent",
        required=True,
        index=True,
        ondelete="restrict",
        domain=[("state", "=", "active")],
    )
    campus_id = fields.Many2one(related="agent_id.campus_id", store=True)
    company_id = fields.Many2one(related="agent_id.company_id", store=True)
    agent_state = fields.Selection(related="agent_id.state", string="Agent is")
    birth_month = fields.Integer(
        string="Month of birth", required=True, aggregator=None
    )
    birth_day = fields.Integer(string="Day of birth", required=True, aggregator=None)
    place = fields.Char(help="A room or a pick-up point.")

    # Consent.
    consent_source = fields.Char(
        string="Consent by",
        required=True,
        help="How the classmate agreed, such as: signed list of 3 September.",
    )
    consent_on = fields.Date(string="Consent of", required=True)
    expires_on = fields.Date(
        string="Consent ends",
        compute="_compute_expires_on",
        store=True,
        readonly=False,
        index=True,
        help="The entry is deleted after this day: 12 months after the consent, and "
        "24 at most.",
    )

    # Who it is: over several lists, and as a customer.
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        index="btree_not_null",
        ondelete="set null",
        domain=[("parent_id", "=", False)],
        help="Set by itself when this classmate becomes a customer by an agent's code.",
    )
    name_key = fields.Char(compute="_compute_person", store=True)
    # A keyed hash: a gift keeps it for its year without telling the name.
    person = fields.Char(compute="_compute_person", store=True)
    gift_ids = fields.One2many(
        comodel_name="hstyle.gift", inverse_name="roster_id", string="Gifts"
    )

    _person_unique = models.UniqueIndex(
        "(agent_id, person)", "This classmate is on the agent's list already."
    )
    # Read by `_link`, and by the job.
    _name_key_idx = models.Index("(campus_id, name_key)")
    _birthday_idx = models.Index("(company_id, birth_month, birth_day)")

    # === COMPUTE METHODS === #

    @api.depends("consent_on")
    def _compute_expires_on(self):
        for entry in self:
            day = entry.consent_on
            # There is no year after the last one.
            ends = day and day.year < MAXYEAR
            entry.expires_on = ends and day + relativedelta(months=MONTHS)

    @api.depends("name", "campus_id", "birth_month", "birth_day")
    def _compute_person(self):
        for entry in self:
            entry.name_key = roster.fold_name(entry.name)
            entry.person = self._get_person(
                entry.campus_id, entry.name, entry.birth_month, entry.birth_day
            )

    @api.model
    def _get_person(self, campus, name, month, day):
        """Return the key of a person, the same on the lists of all agents."""
        message = (campus.id, roster.fold_name(name), month, day)
        return hmac(self.env(su=True), "hstyle.roster", message)

    # === CONSTRAINT METHODS === #

    @api.constrains("name")
    def _check_name(self):
        for entry in self:
            if not roster.fold_name(entry.name) or len(entry.name) > LONGEST:
                raise ValidationError(self.env._("Enter the classmate's name."))

    @api.constrains("birth_month", "birth_day")
    def _check_birthday(self):
        for entry in self:
            if not roster.is_birthday(entry.birth_month, entry.birth_day):
                raise ValidationError(
                    self.env._(
                        "%(name)s: there is no day %(day)s in month %(month)s.",
                        name=entry.name,
                        day=entry.birth_day,
                        month=entry.birth_month,
                    )
                )

    @api.constrains("consent_on", "expires_on")
    def _check_consent(self):
        for entry in self:
            if fault := self._get_consent_fault(
                entry.company_id, entry.consent_on, entry.expires_on
            ):
                raise ValidationError(fault)

    @api.model
    def _get_consent_fault(self, company, consent_on, expires_on):
        """Return what is wrong with the days of a consent as a text, or nothing."""
        today = company._hstyle_today()
        if consent_on > today:
            return self.env._("A consent is not of a day to come.")
        last = consent_on + relativedelta(months=MOST_MONTHS)
        if not expires_on or not consent_on < expires_on <= last:
            return self.env._("A consent holds for 24 months at most.")
        if expires_on < today:
            return self.env._(
                "This consent ended on %s. Ask the classmate again.", expires_on
            )
        return False

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        entries = super().create(vals_list)
        entries._update_gifts()
        return entries

    def write(self, vals):
        persons = {entry.id: entry.person for entry in self.sudo()}
        result = super().write(vals)
        if not vals.keys().isdisjoint(_TASK):
            # Nobody hands an entry over to where the own rights end.
            self.check_access("write")
            self._update_gifts(persons)
        return result

    def unlink(self):
        self.check_access("unlink")
        self.sudo().gift_ids._forget()
        return super().unlink()

    def _update_gifts(self, persons=None):
        """Let the gifts follow a change, and make the tasks that are due.

        Open tasks of another name or day are made anew; what was given counts for
        the person as it is called now.

        :param persons: id → key of the person before the change
        """
        entries = self.sudo()
        changed = entries.filtered(
            lambda entry: persons and entry.person != persons[entry.id]
        )
        changed.gift_ids._filter_open().unlink()
        changed.gift_ids._rename()
        gifts = entries.gift_ids
        for entry in gifts.roster_id:
            entry.gift_ids._filter_open().agent_id = entry.agent_id
            entry.gift_ids.partner_id = entry.partner_id.commercial_partner_id
        for company, theirs in entries.grouped("company_id").items():
            gifts._make(company, theirs)

    # === BUSINESS METHODS === #

    @api.model
    def _add(self, agent, values):
        """Put a classmate on an agent's list; what a form of the portal calls.

        :param values: texts or values of `INPUT`; all else is left out
        :return: the entry
        :raise UserError: if the agent is not active, something is missing or wrong,
            the consent is over, or the classmate is on the list already
        """
        agent = agent.sudo()
        if agent.state != "active":
            raise UserError(self.env._("Only active agents keep a list of classmates."))
        values = self._clean_input(values)
        # Before the database says that a number is too large.
        self.new(values)._check_birthday()
        day = (values["birth_month"], values["birth_day"])
        person = self._get_person(agent.campus_id, values["name"], *day)
        entries = self.sudo()
        domain = [("agent_id", "=", agent.id), ("person", "=", person)]
        if entries.search_count(domain, limit=1):
            raise UserError(
                self.env._("%s is on your list already.", values["name"].strip())
            )
        return entries.create({**values, "agent_id": agent.id})

    @api.model
    def _clean_input(self, values):
        """Return what an agent said, as values of fields."""
        given = {name: values[name] for name in INPUT if values.get(name)}
        if not given.keys() >= {*NEEDED}:
            raise UserError(
                self.env._(
                    "Enter the name, the month and day of birth, and how and when the "
                    "classmate agreed."
                )
            )
        try:
            for name in ("birth_month", "birth_day"):
                given[name] = int(given[name])
            given["consent_on"] = fields.Date.to_date(given["consent_on"])
        except ValueError as error:
            raise UserError(
                self.env._("Enter the days as numbers and dates.")
            ) from error
        return given

    @api.model
    def _link(self, friend, agent):
        """Link a new customer to the entries of the agent's campus with that name.

        A birthday that is known must agree. Where two classmates could be meant,
        nobody is linked: that is left to the campus manager.

        :return: the linked entries: one person's, maybe on several lists
        """
        customer = friend.sudo().commercial_partner_id
        entries = self.sudo().search(
            [
                ("campus_id", "in", agent.sudo().campus_id.ids),
                ("name_key", "=", roster.fold_name(customer.name)),
                ("partner_id", "=", False),
            ]
        )
        if born := customer.birthday:
            entries = entries.filtered(
                lambda e: (e.birth_month, e.birth_day) == (born.month, born.day)
            )
        if len(set(entries.mapped("person"))) != 1:
            return entries.browse()
        entries.partner_id = customer
        return entries

    @api.model
    def _delete_expired(self, company, limit):
        """Delete entries whose consent is over; return how many."""
        domain = [
            ("company_id", "=", company.id),
            ("expires_on", "<", company._hstyle_today()),
        ]
        entries = self.search(domain, limit=limit)
        count = len(entries)
        entries.unlink()
        return count
