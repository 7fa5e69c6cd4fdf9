from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from .hstyle_campaign_member import VARIANTS


class MailingMailing(models.Model):
    """A wave of a campaign goes to whom it was drawn for, within the budget."""

    _inherit = "mailing.mailing"

    hstyle_variant = fields.Selection(
        selection=VARIANTS,
        string="Variant",
        help="Only customers of this variant get the wave; empty: all treated.",
    )

    # === RECIPIENTS === #

    @api.constrains("campaign_id", "mailing_model_id")
    def _check_hstyle_model(self):
        for mailing in self.sudo():
            if (
                mailing.campaign_id.hstyle_domain
                and mailing.mailing_model_real != "res.partner"
            ):
                raise ValidationError(
                    self.env._(
                        "%(wave)s is a wave of %(campaign)s, whose customers are drawn "
                        "into groups. Address it to contacts: of others nobody knows "
                        "who is in the control group.",
                        wave=mailing.subject,
                        campaign=mailing.campaign_id.title,
                    )
                )

    def _get_recipients_domain(self):
        return super()._get_recipients_domain() & self._get_drawn_domain()

    def _get_drawn_domain(self):
        """Return the domain of the customers who are to get this wave."""
        campaign = self.campaign_id.sudo()
        if not campaign.hstyle_domain:
            return Domain.TRUE
        if self.mailing_model_real != "res.partner":
            return Domain.FALSE
        drawn = Domain([("campaign_id", "=", campaign.id), ("arm", "=", "treated")])
        if self.hstyle_variant:
            drawn &= Domain("variant", "=", self.hstyle_variant)
        members = self.env["hstyle.campaign.member"].sudo()._search(drawn)
        return Domain("id", "in", members.subselect("partner_id"))

    # === START === #

    def action_put_in_queue(self):
        for mailing in self:
            if mailing.schedule_type == "now":
                mailing._check_start()
        self.campaign_id.sudo().hstyle_notice = False
        return super().action_put_in_queue()

    def _action_send_mail(self, res_ids=None):
        for mailing in self:
            mailing._check_start()
        return super()._action_send_mail(res_ids=res_ids)

    def _check_start(self):
        reason = self._get_obstacle()
        if reason:
            raise UserError(reason)

    def _get_obstacle(self, planned=0):
        """Return why the wave may not start, or nothing.

        One that is being sent goes on: a budget that shrank meanwhile halves no wave.

        :param planned: cost of waves of the campaign that start before this one
        """
        self.ensure_one()
        campaign = self.campaign_id.sudo()
        if not campaign.hstyle_domain:
            return ""
        if campaign.hstyle_state == "draft":
            return self.env._(
                "%(wave)s is a wave of %(campaign)s, which is not launched: nobody is "
                "drawn yet. Launch it first.",
                wave=self.subject,
                campaign=campaign.title,
            )
        cost = self._get_wave_cost()
        left = campaign.hstyle_budget - campaign.hstyle_cost - planned
        if self.state == "sending" or not campaign.hstyle_budget or cost <= left:
            return ""
        return self.env._(
            "%(wave)s would cost %(cost)s, and %(left)s of the budget of %(campaign)s "
            "are left. Raise the budget or address fewer customers, and send it again.",
            wave=self.subject,
            cost=campaign.currency_id.format(cost),
            left=campaign.currency_id.format(left),
            campaign=campaign.title,
        )

    def _get_wave_cost(self):
        """Return what the messages of the wave that are not made yet will cost."""
        campaign = self.campaign_id.sudo()
        sms = self.mailing_type == "sms"
        price = campaign.hstyle_cost_sms if sms else campaign.hstyle_cost_email
        return price * len(self._get_remaining_recipients()) if price else 0

    @api.model
    def _process_mass_mailing_queue(self):
        self._hold_back()
        return super()._process_mass_mailing_queue()

    @api.model
    def _hold_back(self):
        """Take out of the queue which waves may not start, and say so.

        Of several due at once, each leaves less of the budget to the next.
        """
        now = fields.Datetime.now()
        due = self.search(
            [
                ("state", "in", ("in_queue", "sending")),
                ("campaign_id.hstyle_domain", "!=", False),
                "|",
                ("schedule_date", "<", now),
                ("schedule_date", "=", False),
            ],
            order="state desc, id",
        )
        planned = dict.fromkeys(due.campaign_id, 0)
        for mailing in due:
            mailing._start_or_hold(planned)

    def _start_or_hold(self, planned):
        """Let the wave start, or hold it back.

        :param dict planned: campaign → cost of the waves that start before this one
        """
        campaign = self.campaign_id
        reason = self._get_obstacle(planned[campaign])
        if not reason:
            planned[campaign] += self._get_wave_cost()
            return
        self.state = "draft"
        campaign.sudo().hstyle_notice = reason
        self.message_post(body=reason, partner_ids=self.user_id.partner_id.ids)
