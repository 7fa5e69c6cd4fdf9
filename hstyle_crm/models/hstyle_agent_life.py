import logging

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

_logger = logging.getLogger(__name__)

#: What the actions write alone.
OWN = {"state", "activated_on", "contract_text", "contract_agreed_on"}
#: What applicants say of themselves.
APPLICATION = ("study_from", "graduation_on", "motivation")


class HstyleAgentLife(models.AbstractModel):
    """How an agent begins, pauses and ends: a half of hstyle.agent.

    Who is an agent keeps the agents' pages on the portal when paused or an alumnus:
    statements stay readable. Applicants have none yet.
    """

    _name = "hstyle.agent.life"
    _description = "Life of a campus agent"

    activated_on = fields.Date(string="Agent since", readonly=True, copy=False)
    has_account = fields.Boolean(
        string="Portal account",
        compute="_compute_has_account",
        compute_sudo=True,
    )

    @api.depends("partner_id.user_ids.active")
    def _compute_has_account(self):
        for agent in self:
            agent.has_account = agent.partner_id.user_ids

    @api.constrains("partner_id")
    def _check_partner(self):
        """A statement is paid to one person."""
        for agent in self:
            partner = agent.partner_id
            if partner.is_company or partner.commercial_partner_id != partner:
                raise ValidationError(
                    self.env._(
                        "%s is a company or a contact of one. An agent is a person: "
                        "create a contact without a company.",
                        partner.display_name,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_own(vals)
        # What a client calls a default is not ours either.
        given = dict(self.env.context)
        context = {k: given[k] for k in given if k.removeprefix("default_") not in OWN}
        plain = self.with_env(self.env(context=context))
        agents = super(HstyleAgentLife, plain).create(vals_list).with_env(self.env)
        agents._tell_partner()
        return agents

    def write(self, vals):
        self._check_own(vals)
        self._check_company_stays(vals)
        result = super().write(vals)
        if not vals.keys().isdisjoint(("campus_id", "graduation_on")):
            self._tell_partner()
        return result

    def _check_own(self, vals):
        """Refuse what only the actions do, and to hand an agent's account over."""
        if not self.env.su and OWN & vals.keys():
            raise AccessError(
                self.env._("Use the buttons: they keep the contract and the account.")
            )
        agents = self.filtered(lambda agent: agent.state != "applicant")
        if agents and "partner_id" in vals:
            raise UserError(
                self.env._("The student of an agent stays. Create another agent.")
            )
        if agents and not vals.get("active", True):
            raise UserError(
                self.env._(
                    "Pause %s instead: what was earned is still paid.",
                    ", ".join(agents.mapped("display_name")),
                )
            )

    def _check_company_stays(self, vals):
        """Refuse to move an agent's account to a campus of another company."""
        agents = self.filtered(lambda agent: agent.state != "applicant")
        campus = self.env["hstyle.campus"].sudo().browse(vals.get("campus_id"))
        if campus and agents.sudo().company_id - campus.company_id:
            raise UserError(
                self.env._(
                    "%s is a campus of another company. What agents earned is settled "
                    "in theirs: create another agent.",
                    campus.name,
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_agents(self):
        if self.filtered(lambda agent: agent.state != "applicant"):
            raise UserError(
                self.env._("Who was an agent is kept. Pause the agent instead.")
            )

    def _tell_partner(self):
        """Let the contacts know where their students study, and until when."""
        for agent in self.sudo():
            agent.partner_id.write(
                {"campus_id": agent.campus_id.id, "graduation_on": agent.graduation_on}
            )

    # === APPLICATION === #

    @api.model
    def _apply(self, partner, campus, values):
        """Note that a student wants to be an agent; return the applicant.

        The student agreed to the contract as it is now, in the language of the context.
        Whose application was declined may apply again.

        :param dict values: study_from and graduation_on (dates), motivation (text)
        :raise UserError: if there is no campus, the student is an agent or applied
            already, or graduates before tomorrow
        """
        if not campus:
            raise UserError(self.env._("Choose your campus."))
        agent = self._find_agent(partner, campus.sudo().company_id)
        if agent and (agent.active or agent.state != "applicant"):
            raise UserError(
                self.env._("You applied already, or are an agent. Ask us if in doubt.")
            )
        values = {
            **{name: values.get(name) for name in APPLICATION},
            **self._prepare_contract(campus.sudo().company_id),
            "campus_id": campus.id,
        }
        self._check_study(campus.sudo().company_id, values)
        if agent:
            agent.write({"active": True, **values})
        else:
            agent = agent.create({"partner_id": partner.id, **values})
        agent._ask_manager()
        return agent.with_env(self.env)

    @api.model
    def _find_agent(self, partner, company):
        """Return the agent that a customer is or was, or none."""
        agents = self.sudo().with_context(active_test=False)
        domain = [("partner_id", "=", partner.id), ("company_id", "=", company.id)]
        return agents.search(domain)

    @api.model
    def _prepare_contract(self, company):
        """Return the values of a contract that is agreed to now."""
        text = company.sudo().hstyle_agent_contract
        if not text:
            raise UserError(
                self.env._("Write the contract of campus agents in the settings first.")
            )
        return {"contract_text": text, "contract_agreed_on": fields.Datetime.now()}

    @api.model
    def _check_study(self, company, values):
        """Refuse who is no student any more.

        :param values: dict or agent with study_from and graduation_on
        """
        start = fields.Date.to_date(values["study_from"])
        end = fields.Date.to_date(values["graduation_on"])
        if not end or end <= company._hstyle_today():
            raise UserError(
                self.env._("Agents are students: enter a graduation day to come.")
            )
        if start and start >= end:
            raise UserError(self.env._("A student graduates after the start."))

    def _ask_manager(self):
        """Put an application on the campus manager's list of things to do."""
        for agent in self.filtered("manager_id"):
            agent.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Application to read"),
                user_id=agent.manager_id.id,
            )

    # === ACTION METHODS === #

    def action_agree(self):
        """Note that students signed the contract on paper."""
        self.check_access("write")
        for agent in self.filtered(lambda agent: not agent.contract_agreed_on):
            company = agent.company_id.with_context(lang=agent.partner_id.lang)
            agent.sudo().write(self._prepare_contract(company))

    def action_activate(self):
        """Let applicants begin: with a code, and with the agents' pages."""
        for agent in self:
            if not agent.contract_agreed_on:
                raise UserError(
                    self.env._(
                        "%s has not agreed to the contract yet.", agent.display_name
                    )
                )
        self._begin(["applicant"])
        for agent in self:
            agent.sudo().activated_on = agent.company_id._hstyle_today()
            self.env["hstyle.referral.code"]._get_code(agent.partner_id)
        self._open_portal()
        self.activity_feedback(["mail.mail_activity_data_todo"])
        self._welcome()

    def action_reject(self):
        """Decline applications: they are archived, and may be made again."""
        self._move("applicant", ["applicant"], active=False)
        self.activity_unlink(["mail.mail_activity_data_todo"])

    def action_pause(self):
        """Let agents rest; their link brings nobody until they go on."""
        self._move("paused", ["active"])

    def action_resume(self):
        """Let agents go on; also alumni who study again."""
        self._begin(["paused", "alumnus"])

    def action_graduate(self):
        """Make agents alumni; what they earned is still paid."""
        self._move("alumnus", ["active", "paused"])

    def action_invite(self):
        """Give an agent an account of the portal, by the host's own invitation."""
        self.ensure_one()
        self.check_access("write")
        wizards = self.env["portal.wizard"].sudo().with_company(self.company_id)
        wizard = wizards.create({"partner_ids": self.partner_id.ids})
        wizard.user_ids.action_grant_access()
        self._open_portal()

    # === THE DOOR === #

    def _begin(self, sources):
        for agent in self:
            self._check_study(agent.company_id, agent)
        self._move("active", sources)

    def _move(self, state, sources, **values):
        """Move agents of some states to another one."""
        self.check_access("write")
        wrong = self.filtered(lambda agent: agent.state not in sources)
        if wrong:
            raise UserError(
                self.env._(
                    "%s is in another state by now. Reload the page.",
                    ", ".join(wrong.mapped("display_name")),
                )
            )
        self.sudo().write({"state": state, **values})

    def _open_portal(self):
        """Show the agents' pages to those who have an account of the portal."""
        group = self.env.ref("hstyle_crm.hstyle_crm_group_campus_agent")
        agents = self.sudo().filtered(lambda agent: agent.state != "applicant")
        users = agents.partner_id.user_ids.filtered(lambda user: user._is_portal())
        users.write({"group_ids": [Command.link(group.id)]})

    def _welcome(self):
        """Write to new agents: what they waited for, and their link."""
        for agent in self.filtered("partner_id.email"):
            agent = agent.with_context(lang=agent.partner_id.lang)
            agent.message_notify(
                partner_ids=agent.partner_id.ids,
                subject=agent.env._("Welcome as a campus agent"),
                body=agent.env._(
                    "You are our agent at %(campus)s now. Your code is %(code)s; "
                    "friends open %(link)s.",
                    campus=agent.campus_id.name,
                    code=agent.code,
                    link=agent.link,
                ),
            )

    # === GRADUATION === #

    @api.model
    def _cron_graduate(self):
        """Make agents alumni whose graduation has come, a campus at a time."""
        commit, total = self.env["ir.cron"]._commit_progress, 0
        for company in self._get_companies():
            agents = self._find_graduated(company)
            commit(remaining=len(agents))
            for campus, graduated in agents.grouped("campus_id").items():
                total += graduated._graduate_safely(campus)
                if not commit(len(graduated)):
                    return
        _logger.info("%s campus agents graduated.", total)

    @api.model
    def _get_companies(self):
        return [company for (company,) in self._read_group([], ["company_id"])]

    @api.model
    def _find_graduated(self, company):
        return self.search(
            [
                ("company_id", "=", company.id),
                ("state", "in", ["active", "paused"]),
                ("graduation_on", "<=", company._hstyle_today()),
            ]
        )

    def _graduate_safely(self, campus):
        """Make the agents of a campus alumni; return how many could be."""
        try:
            with self.env.cr.savepoint():
                self.action_graduate()
                self._tell_graduated(campus)
        except Exception:
            _logger.exception("The agents of campus %s could not graduate.", campus.id)
            return 0
        return len(self)

    def _tell_graduated(self, campus):
        """Tell the campus manager, or else the CRM managers, who is gone."""
        managers = campus.manager_id or self.env["res.users"]._get_crm_managers()
        campus = campus.with_context(lang=managers[:1].lang)
        campus.message_notify(
            partner_ids=managers.partner_id.ids,
            subject=campus.env._("Agents of %s graduated", campus.name),
            body=campus.env._(
                "Alumni now: %s. Thank them, and look for successors.",
                ", ".join(self.mapped("display_name")),
            ),
        )

    # === MERGED CONTACTS === #

    @api.model
    def _merge_members(self, sources, target):
        """Drop applications of contacts that become one with another agent.

        :raise UserError: if two agents would become one: each has an account
        """
        agents = self.sudo().with_context(active_test=False)
        agents = agents.search([("partner_id", "in", (sources | target).ids)])
        for ours in agents.grouped("company_id").values():
            applicants = ours.filtered(lambda agent: agent.state == "applicant")
            kept = (ours - applicants) or applicants.sorted("active")[-1:]
            if len(kept) > 1:
                raise UserError(
                    self.env._(
                        "%s are campus agents, each with an account of their own: they "
                        "cannot become one contact.",
                        ", ".join(kept.mapped("display_name")),
                    )
                )
            (ours - kept).unlink()
