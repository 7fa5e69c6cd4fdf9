from odoo import api, fields, models
from odoo.tools import SQL

ARMS = [
    ("treated", "Treated"),
    ("control", "Control group"),
    ("global", "Control group of all campaigns"),
]
VARIANTS = [("a", "A"), ("b", "B")]


class HstyleCampaignMember(models.Model):
    """Who was drawn into which group of a campaign at its launch; never changed.

    Written by `utm.campaign._draw` alone.
    """

    _name = "hstyle.campaign.member"
    _description = "Campaign member"
    _order = "campaign_id desc, id"
    _rec_name = "partner_id"
    _log_access = False

    campaign_id = fields.Many2one(
        comodel_name="utm.campaign",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    arm = fields.Selection(selection=ARMS, string="Group", required=True, readonly=True)
    variant = fields.Selection(selection=VARIANTS, readonly=True)
    drawn_on = fields.Datetime(string="Drawn", required=True, readonly=True)
    email = fields.Char(related="partner_id.email")
    phone = fields.Char(related="partner_id.phone")

    _member_unique = models.Constraint(
        "UNIQUE (campaign_id, partner_id)", "A customer is drawn once for a campaign."
    )

    @api.model
    def _merge_members(self, sources, target):
        """Let a merged customer keep the own group, or the one that was drawn first.

        The host moves what is left, and would delete all of it at the first conflict.
        """
        partners = target | sources
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM hstyle_campaign_member m
                 USING (SELECT id, row_number() OVER (
                                   PARTITION BY campaign_id
                                   ORDER BY partner_id <> %s, drawn_on, id) AS rank
                          FROM hstyle_campaign_member
                         WHERE partner_id = ANY(%s)) ranked
                 WHERE ranked.id = m.id AND rank > 1
                """,
                target.id,
                partners.ids,
            )
        )
        self.invalidate_model()

    def action_export(self):
        """Download the chosen members as XLSX."""
        members = self.env["hstyle.export"]._get_chosen(self)
        return members._export()

    def _export(self):
        names = ["campaign_id", "partner_id", "email", "phone", "arm", "variant"]
        names.append("drawn_on")
        return self.env["hstyle.export"]._download_records(
            f"{self.env._('audience')}.xlsx", self, names
        )
