from odoo import fields
from odoo.exceptions import UserError
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import pager as portal_pager
from odoo.addons.sale.controllers.portal import CustomerPortal

from ..tools import qr
from ..tools.days import say_day


class AgentPortal(CustomerPortal):
    """What campus agents see and do, and whom every customer may bring.

    The portal has no access to any of our models: whatever is read here is searched
    by the visitor's own agent record or contact, never by an id of the address.
    """

    _friends_per_page = 20

    # === WHO IT IS === #

    def _get_agent(self, states=("active", "paused", "alumnus")):
        """Return the visitor's own agent record in such states, or none.

        Who is an agent of two companies sees the one of this site.
        """
        domain = [
            ("partner_id", "=", request.env.user.partner_id.id),
            ("state", "in", states),
        ]
        agents = request.env["hstyle.agent"].sudo().search(domain)
        return agents.sorted(lambda a: a.company_id != request.env.company)[:1]

    def _get_customer(self):
        return request.env.user.partner_id.commercial_partner_id

    def _get_company(self):
        return request.env.company.sudo()

    def _get_program(self):
        company = self._get_company()
        programs = request.env["hstyle.referral.program"]
        return programs._get_open(company, company._hstyle_today())

    def _get_campuses(self):
        """Return where the visitor can apply: nowhere while there is no contract."""
        company = self._get_company()
        campuses = request.env["hstyle.campus"].sudo()
        if not company.hstyle_agent_contract:
            return campuses
        return campuses.search([("company_id", "=", company.id)])

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "agent_count" in counters:
            values["agent_count"] = len(self._get_agent())
        if "campus_count" in counters:
            is_agent = bool(self._get_agent())
            values["campus_count"] = 0 if is_agent else len(self._get_campuses())
        if "refer_count" in counters:
            is_agent = bool(self._get_agent(("active",)))
            values["refer_count"] = 0 if is_agent else len(self._get_program())
        return values

    def _render(self, page, **values):
        """Return a page of the portal."""
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": page,
            "company": self._get_company(),
            "say": self._say,
            **values,
        }
        return request.render(f"hstyle_crm.portal_{page}", values)

    def _say(self, day, parts="yMMMd"):
        return say_day(day, request.env.lang, parts)

    # === BOARD === #

    @route(
        ["/my/agent", "/my/agent/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_agent(self, page=1):
        """Show an agent's code, target and friends."""
        agent = self._get_agent()
        if not agent:
            return request.redirect("/my/agent/apply")
        domain = [("agent_id", "=", agent.id)]
        return self._render(
            "agent",
            agent=agent,
            figures=self._get_figures(agent),
            **self._get_friends(domain, "/my/agent", page),
        )

    def _get_figures(self, agent):
        """Return what a statement of this month would say today."""
        statements = request.env["hstyle.commission.statement"].sudo()
        return statements._preview(agent, agent.company_id._hstyle_today())[agent]

    def _get_friends(self, domain, url, page):
        """Return friends by state, in numbers and a page of them."""
        referrals = request.env["hstyle.referral"].sudo()
        counts = dict(referrals._read_group(domain, ["state"], ["__count"]))
        step = self._friends_per_page
        pager = portal_pager(url, sum(counts.values()), page, step)
        return {
            "counts": counts,
            "friends": referrals.search(domain, limit=step, offset=pager["offset"]),
            "pager": pager,
        }

    # === EARNINGS === #

    @route(
        "/my/agent/statements",
        type="http",
        auth="user",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_agent_statements(self):
        """Show what an agent earned, what is paid, and why it may be nothing."""
        agent = self._get_agent()
        if not agent:
            return request.redirect("/my/agent/apply")
        statements = request.env["hstyle.commission.statement"].sudo()
        return self._render(
            "agent_statements",
            agent=agent,
            month=agent.company_id._hstyle_today(),
            figures=self._get_figures(agent),
            statements=statements.search([("agent_id", "=", agent.id)]),
        )

    # === APPLICATION === #

    @route(
        "/my/agent/apply",
        type="http",
        auth="user",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_agent_application(self, **_query):
        """Show the form for who wants to become an agent, or what became of it."""
        if self._get_agent():
            return request.redirect("/my/agent")
        return self._render_application()

    @route("/my/agent/apply", type="http", auth="user", website=True, methods=["POST"])
    def portal_agent_apply(self, **form):
        """Take an application in."""
        try:
            with request.env.cr.savepoint():
                self._apply(form)
        except UserError as error:
            return self._render_application(refused=str(error), form=form)
        return request.redirect("/my/agent/apply")

    def _apply(self, form):
        chosen = form.get("campus_id", "")
        campus = self._get_campuses().filtered(lambda one: str(one.id) == chosen)
        values = {
            "study_from": self._read_date(form.get("study_from")),
            "graduation_on": self._read_date(form.get("graduation_on")),
            "motivation": form.get("motivation", "")[:2000],
        }
        if not (campus and values["graduation_on"]):
            message = request.env._("Choose a campus, and say when you graduate.")
            raise UserError(message)
        if not form.get("agreed"):
            raise UserError(request.env._("Agree to the conditions to apply."))
        agents = request.env["hstyle.agent"].sudo()
        agents._apply(request.env.user.partner_id, campus, values)

    def _read_date(self, text):
        try:
            return fields.Date.to_date(text or False)
        except ValueError:
            message = request.env._("“%s” is not a date.", text)
            raise UserError(message) from None

    def _render_application(self, refused=None, form=None):
        applicant = self._get_agent(("applicant",))
        return self._render(
            "agent_application",
            applied=applicant and self._describe_application(applicant),
            campuses=self._get_campuses(),
            refused=refused,
            form=form or {},
        )

    def _describe_application(self, applicant):
        moment = applicant.contract_agreed_on or applicant.create_date
        return request.env._(
            "Thank you. Your application of %(day)s for %(campus)s is with the campus "
            "manager, who will write to you.",
            day=self._say(applicant.company_id._hstyle_day(moment)),
            campus=applicant.campus_id.name,
        )

    # === BRING A FRIEND === #

    @route(
        ["/my/refer", "/my/refer/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        readonly=True,
        methods=["GET"],
    )
    def portal_refer(self, page=1):
        """Show a customer's own code and what became of the friends."""
        customer = self._get_customer()
        codes = request.env["hstyle.referral.code"].sudo()
        code = codes.search([("partner_id", "=", customer.id)], limit=1)
        link = code._get_link(self._get_company())
        return self._render(
            "refer",
            code=code,
            link=link,
            qr=link and qr.get_uri(link),
            program=self._get_program(),
            **self._get_friends([("referrer_id", "=", customer.id)], "/my/refer", page),
        )

    @route("/my/refer", type="http", auth="user", website=True, methods=["POST"])
    def portal_refer_code(self):
        """Give the visitor a code."""
        if self._get_program():
            request.env["hstyle.referral.code"]._get_code(self._get_customer())
        return request.redirect("/my/refer")
