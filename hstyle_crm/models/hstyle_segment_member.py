from odoo import api, fields, models
from odoo.tools import SQL


class HstyleSegmentMember(models.Model):
    """A customer's stay in a segment, dated; written by `hstyle.segment._refresh`."""

    _name = "hstyle.segment.member"
    _description = "Customer in a segment"
    _order = "entered_on desc, id desc"
    _rec_name = "partner_id"
    _log_access = False

    segment_id = fields.Many2one(
        comodel_name="hstyle.segment", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="segment_id.company_id")
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    entered_on = fields.Datetime(string="Entered", required=True, readonly=True)
    left_on = fields.Datetime(string="Left on", readonly=True)
    held = fields.Boolean(
        string="Control", readonly=True, help="Held out: gets none of the actions."
    )

    email = fields.Char(related="partner_id.email")
    phone = fields.Char(related="partner_id.phone")

    _stay_unique = models.UniqueIndex(
        "(segment_id, partner_id) WHERE left_on IS NULL",
        "A customer is in a segment once.",
    )
    # Read when a refresh queues actions, and by the history of a segment.
    _entered_idx = models.Index("(segment_id, entered_on)")

    @api.model
    def _merge_members(self, src_partners, dst_partner):
        """End the stays of merged customers that would stand twice.

        The host would delete rows that a unique index forbids. The one who stays
        keeps the own stay, and with it the draw of the hold-out; of the others the
        first stay goes on, if it was the only one.
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_segment_member m
                   SET left_on = now() AT TIME ZONE 'UTC'
                 WHERE partner_id = ANY(%(sources)s)
                   AND left_on IS NULL
                   AND EXISTS (
                       SELECT FROM hstyle_segment_member o
                        WHERE o.segment_id = m.segment_id
                          AND o.left_on IS NULL
                          AND (o.partner_id = %(target)s
                               OR o.partner_id = ANY(%(sources)s) AND o.id < m.id))
                """,
                sources=src_partners.ids,
                target=dst_partner.id,
            )
        )
        self.invalidate_model(["left_on"])
