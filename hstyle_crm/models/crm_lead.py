from odoo import fields, models


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "hstyle.promise.document", "hstyle.ticket.counter"]

    hstyle_ticket_id = fields.Many2one(
        comodel_name="hstyle.ticket",
        string="From ticket",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    def _get_ticket_subject(self):
        return self.partner_id.commercial_partner_id
