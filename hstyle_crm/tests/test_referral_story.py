from dateutil.relativedelta import relativedelta

from odoo.tests import freeze_time, tagged

from .test_portal_agent import AgentPortalCase


@tagged("post_install", "-at_install")
class TestReferralStory(AgentPortalCase):
    """From the QR code to the bill, through the browser of friend and agent."""

    def test_story(self):
        self.mei.partner_id.name = "Mei Wang"
        self.company.hstyle_return_days = 14
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("auth_signup.invitation_scope", "b2c")
        plan = self.env["hstyle.commission.plan"]._get_default(self.company)
        plan.bracket_ids.percent, plan.minimum = 10, 0

        path = self.mei.link.removeprefix(self.company.get_base_url())
        self.start_tour(path, "hstyle_referral_friend_tour")
        domain = [("login", "=", "xia@example.com")]
        friend = self.env["res.users"].search(domain).partner_id
        referral = self.env["hstyle.referral"].search([("friend_id", "=", friend.id)])
        self.assertEqual(
            (referral.agent_id, referral.source, referral.state),
            (self.mei, "link", "referred"),
        )

        self._sell(1, friend)
        self._run_job()
        self.start_tour("/my/agent", "hstyle_referral_agent_tour", login="mei")

        later = self.today + relativedelta(months=2, day=1)
        with freeze_time(later):
            self._run_job()
            statements = self.env["hstyle.commission.statement"]
            made = statements._settle(self.company, later - relativedelta(days=1))
        self.assertEqual(referral.state, "rewarded")
        bill = made.filtered(lambda one: one.agent_id == self.mei).bill_id
        self.assertEqual(bill.partner_id, self.mei.partner_id)
        self.assertEqual(bill.amount_untaxed, 10)
        bill.action_post()
        url = "/my/agent/statements"
        self.start_tour(url, "hstyle_referral_bill_tour", login="mei")

    def _run_job(self):
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_referral").method_direct_trigger()
