from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..models.hstyle_contact import REASONS
from ..models.hstyle_segment_action import GIFTS


class HstyleSegmentTrial(models.TransientModel):
    """Who would get what if a segment were launched now; and its launch."""

    _name = "hstyle.segment.trial"
    _description = "Dry run of a segment"
    _rec_name = "segment_id"

    segment_id = fields.Many2one(
        comodel_name="hstyle.segment", required=True, readonly=True, ondelete="cascade"
    )
    line_ids = fields.One2many(
        comodel_name="hstyle.segment.trial.line", inverse_name="trial_id", readonly=True
    )
    summary = fields.Html(compute="_compute_summary")

    @api.depends("line_ids")
    def _compute_summary(self):
        for trial in self:
            groups = trial.line_ids._read_group(
                [("trial_id", "=", trial.id)], ["action_id", "verdict"], ["__count"]
            )
            trial.summary = self.env["ir.qweb"]._render(
                "hstyle_crm.segment_trial_summary",
                {"groups": groups, "words": self._get_words()},
            )

    def _get_words(self):
        field = self.env["hstyle.segment.trial.line"]._fields["verdict"]
        return dict(field._description_selection(self.env))

    @api.model
    def _open(self, segment):
        """Work the dry run out, and return the action that shows it."""
        segment.check_access("write")
        if not segment.action_ids:
            raise UserError(
                self.env._("%s has no actions yet. Add the first one.", segment.name)
            )
        segment.sudo()._refresh()
        trial = self.create({"segment_id": segment.id})
        for action in segment.action_ids.filtered(lambda a: a.event == "enter"):
            trial._try(action)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Who would get what: %s", segment.name),
            "res_model": self._name,
            "res_id": trial.id,
            "view_mode": "form",
            "target": "current",
        }

    def _try(self, action):
        """Write down, for everybody in the segment, whether the action reaches them."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_segment_trial_line
                       (trial_id, action_id, partner_id, verdict, create_uid)
                SELECT %(trial)s, %(action)s, asked.id,
                       CASE WHEN asked.held THEN 'held'
                            WHEN asked.done THEN 'done'
                            ELSE %(verdict)s END,
                       %(uid)s
                  FROM (
                        SELECT m.partner_id AS id, m.held,
                               EXISTS (SELECT FROM hstyle_segment_run r
                                        WHERE r.member_id = m.id
                                          AND r.action_id = %(action)s) AS done
                          FROM hstyle_segment_member m
                         WHERE m.segment_id = %(segment)s
                           AND m.left_on IS NULL
                       ) asked
                """,
                trial=self.id,
                action=action.id,
                segment=action.segment_id.id,
                verdict=self._sql_verdict(action),
                uid=self.env.uid,
            )
        )
        self.invalidate_recordset()

    def _sql_verdict(self, action):
        """Return SQL: "gets", or the reason why a message reaches nobody."""
        if action.kind in GIFTS:
            company = action.company_id.root_id.sudo()
            control = company._sql_is_held_out(SQL.identifier("asked", "id"))
            return SQL("CASE WHEN %s THEN 'control' ELSE 'gets' END", control)
        if action.kind != "message":
            return SQL("'gets'")
        gate = self.env["res.partner"]
        verdicts = [
            SQL(
                "(SELECT COALESCE(NULLIF(v.reason, 'quiet'), 'gets') FROM (%s) v)",
                gate._sql_verdict(channel, action.purpose, action.company_id),
            )
            for channel in action._get_channels()
        ]
        first = verdicts[0]
        for other in verdicts[1:]:
            first = SQL("CASE WHEN %s = 'gets' THEN 'gets' ELSE %s END", other, first)
        return first

    def action_launch(self):
        """Let the segment act, for who is in it now and for whoever enters later."""
        self.ensure_one()
        self.segment_id._launch()
        return self.segment_id.get_formview_action()


class HstyleSegmentTrialLine(models.TransientModel):
    _name = "hstyle.segment.trial.line"
    _description = "Customer in a dry run"
    _rec_name = "partner_id"

    trial_id = fields.Many2one(
        comodel_name="hstyle.segment.trial",
        required=True,
        index=True,
        ondelete="cascade",
    )
    action_id = fields.Many2one(
        comodel_name="hstyle.segment.action", required=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        ondelete="cascade",
    )
    verdict = fields.Selection(
        selection=[
            ("gets", "Gets it"),
            ("done", "Got it already"),
            ("held", "Control: gets nothing"),
            *REASONS,
        ],
        required=True,
    )
