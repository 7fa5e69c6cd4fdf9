from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools import proof

#: What is told of the comparison.
_TOLD = ("revenue", "margin")


class HstyleSegmentProof(models.AbstractModel):
    """What a segment's actions are worth, against its hold-out: a half of it."""

    _name = "hstyle.segment.proof"
    _description = "Proof of a segment's actions"

    proof_days = fields.Integer(
        string="Days measured",
        default=28,
        required=True,
        help="Purchases count for so many days from entering on, or from the launch.",
    )
    proof_text = fields.Text(string="Result", readonly=True, copy=False)

    _proof_days_range = models.Constraint(
        "CHECK (proof_days BETWEEN 1 AND 366)", "Measure from 1 to 366 days."
    )

    def action_measure(self):
        """Compare who got the actions with who was held out."""
        self.ensure_one()
        self.check_access("write")
        if not self.launched_on:
            raise UserError(self.env._("Launch %s first.", self.name))
        figures = (
            self.env["hstyle.proof"]
            .sudo()
            ._measure(self._sql_arms(), self.company_id, self.proof_days)
        )
        self.sudo().proof_text = "\n".join(self._tell(figures))

    def _sql_arms(self):
        """Return the query of who got the actions and who did not, since when."""
        return SQL(
            """
            SELECT partner_id,
                   CASE WHEN held THEN 'control' ELSE 'treated' END AS arm,
                   GREATEST(entered_on, %(launch)s) AS start
              FROM hstyle_segment_member
             WHERE segment_id = %(segment)s
               AND (left_on IS NULL OR left_on > %(launch)s)
            """,
            launch=self.launched_on,
            segment=self.id,
        )

    def _tell(self, figures):
        """Return the sentences of the result."""
        treated, control = (
            figures.get(arm, proof.Figures()) for arm in ("treated", "control")
        )
        yield self.env._(
            "%(day)s: %(treated)s customers got the actions, and %(control)s were "
            "held out.",
            day=self.company_id._hstyle_today(),
            treated=treated.buyers.size,
            control=control.buyers.size,
        )
        proofs = self.env["hstyle.proof"]
        for measure, result in proof.compare(treated, control).items():
            if measure in _TOLD:
                show = proofs._get_show(measure, self.company_id.currency_id)
                words = proofs._explain(
                    proofs._get_verdict(result),
                    result.difference,
                    result.low,
                    result.high,
                    show,
                )
                name = dict(
                    self.env["hstyle.campaign.effect"]
                    ._fields["measure"]
                    ._description_selection(self.env)
                )[measure]
                yield f"{name}: {words}"

    def action_campaign(self):
        """Plan a campaign for who is in the segment at its launch."""
        self.ensure_one()
        if not self.refreshed_on:
            # The campaign would find nobody until tomorrow.
            self.action_refresh()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New campaign"),
            "res_model": "utm.campaign",
            "view_mode": "form",
            "views": [(self.env.ref("hstyle_crm.utm_campaign_view_form").id, "form")],
            "context": {
                "default_title": self.name,
                "default_company_id": self.company_id.id,
                "default_hstyle_domain": repr([("hstyle_segment_ids", "in", self.ids)]),
            },
        }
