from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    # One row for each company that the customer bought from.
    hstyle_profile_ids = fields.One2many(
        comodel_name="hstyle.profile",
        inverse_name="partner_id",
        string="Customer profile",
        groups="hstyle_crm.hstyle_crm_group_user",
    )
    hstyle_buyer_ids = fields.One2many(
        comodel_name="hstyle.buyer",
        inverse_name="partner_id",
        string="Buyer accounts",
        groups="hstyle_crm.hstyle_crm_group_user",
    )

    birthday = fields.Date(tracking=False)

    # Read by the refresh: contacts whose purchases belong to their company.
    _hstyle_family_idx = models.Index(
        "(id) INCLUDE (commercial_partner_id) WHERE commercial_partner_id <> id"
    )
    # Read by the import: a buyer is matched by phone and by e-mail.
    _hstyle_phone_idx = models.Index(
        "(phone_sanitized) WHERE phone_sanitized IS NOT NULL"
    )
    _hstyle_email_idx = models.Index(
        "(email_normalized) WHERE email_normalized IS NOT NULL"
    )

    def action_hstyle_export(self):
        """Download the chosen contacts with their profiles, as XLSX."""
        partners = self.env["hstyle.export"]._get_chosen(self)
        return self.env["hstyle.profile"]._export(partners.ids)

    def action_hstyle_purchases(self):
        """Show what the customer bought, in all shops."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_purchase_action"
        )
        domain = [("partner_id", "=", self.commercial_partner_id.id)]
        views = [(False, "list"), (False, "pivot"), (False, "graph")]
        return {**action, "domain": domain, "context": {}, "views": views}
