import ast
import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..tools import hashing

_logger = logging.getLogger(__name__)

#: What the doors write alone.
OWN = {
    "user_id",
    "running",
    "launched_on",
    "refreshed_on",
    "member_count",
    "error",
    "proof_text",
}
#: Largest share of a segment that a hold-out may keep back, in percent.
MAX_HOLDOUT = 15


class HstyleSegment(models.Model):
    """Customers who answer to a domain, and what is done when they enter or leave.

    `_refresh` alone writes the members: it stores entries and exits, never a whole
    list. Once launched, each entry and exit queues the segment's actions.
    """

    _name = "hstyle.segment"
    _description = "Customer segment"
    _inherit = ["hstyle.segment.proof", "hstyle.segment.trend"]
    _order = "sequence, name, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=100)
    note = fields.Char(string="Who this is", translate=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    domain = fields.Char(string="Customers", required=True, default="[]")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Defined by",
        required=True,
        readonly=True,
        copy=False,
        ondelete="restrict",
        default=lambda self: self.env.user,
        help="The segment holds customers whom this user may see.",
    )

    # Members, as of the last refresh.
    member_ids = fields.One2many(
        comodel_name="hstyle.segment.member",
        inverse_name="segment_id",
        domain=[("left_on", "=", False)],
    )
    member_count = fields.Integer(string="Customers now", readonly=True, copy=False)
    refreshed_on = fields.Datetime(string="As of", readonly=True, copy=False)
    error = fields.Char(string="Not refreshed", readonly=True, copy=False)

    # What is done with them.
    action_ids = fields.One2many(
        comodel_name="hstyle.segment.action", inverse_name="segment_id", copy=True
    )
    running = fields.Boolean(string="Acts", readonly=True, copy=False)
    launched_on = fields.Datetime(string="Launched", readonly=True, copy=False)
    holdout = fields.Integer(
        string="Hold-out (%)",
        help="So many of a hundred customers get none of the actions: the comparison "
        "with them proves what the actions are worth. Drawn on the person, and kept.",
    )
    stop_bought = fields.Boolean(
        string="Has bought", help="No further action for who bought since entering."
    )
    stop_left = fields.Boolean(
        string="Left the segment", default=True, help="No further action then."
    )
    stop_complained = fields.Boolean(
        string="Complained",
        default=True,
        help="No further action for who gave 1 or 2 of 5 since entering.",
    )

    _holdout_range = models.Constraint(
        f"CHECK (holdout BETWEEN 0 AND {MAX_HOLDOUT})",
        f"Hold out at most {MAX_HOLDOUT} % of the customers.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains("domain")
    def _check_domain(self):
        for segment in self:
            try:
                segment._get_query()
            except AccessError:
                raise
            except Exception as error:
                raise ValidationError(
                    self.env._(
                        "%(segment)s: these conditions cannot be read (%(error)s). "
                        "Choose them anew.",
                        segment=segment.name,
                        error=error,
                    )
                ) from error

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        segments = super().create([self._sign(vals) for vals in vals_list])
        segments._check_domain()
        return segments

    def write(self, vals):
        if "company_id" in vals and self.filtered(
            lambda s: s.refreshed_on and s.company_id.id != vals["company_id"]
        ):
            raise UserError(
                self.env._("The company of a segment stays. Duplicate it instead.")
            )
        result = super().write(self._sign(vals))
        if "domain" in vals:
            self._check_domain()
        if "holdout" in vals:
            self._draw()
        return result

    @api.model
    def _sign(self, vals):
        """Let a segment see what its author sees; nobody may pretend to be another."""
        if self.env.su:
            return vals
        vals = {name: value for name, value in vals.items() if name not in OWN}
        return {**vals, "user_id": self.env.uid} if "domain" in vals else vals

    @api.ondelete(at_uninstall=False)
    def _unlink_except_launched(self):
        actions = self.sudo().with_context(active_test=False).action_ids
        if self.filtered("launched_on") or actions.run_ids:
            raise UserError(
                self.env._(
                    "A segment that acted keeps its history: archive it instead."
                )
            )

    # === ACTION METHODS === #

    def action_refresh(self):
        """Refresh the members now."""
        self.check_access("write")
        self.sudo()._refresh()

    def action_preview(self):
        """Show the customers whom the conditions describe right now."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Customers of %s now", self.name),
            "res_model": "res.partner",
            "view_mode": "list,form",
            "domain": [
                *ast.literal_eval(self.domain),
                *self.env["res.partner"]._get_customer_domain(self.company_id),
            ],
            "context": {"allowed_company_ids": self.company_id.ids},
        }

    def action_members(self):
        """Show who is in the segment, since when; and who was."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_segment_member_action"
        )
        return {**action, "domain": [("segment_id", "=", self.id)]}

    def action_overlap(self):
        """Show which other segments these customers are in, too."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_segment_overlap_action"
        )
        return {**action, "domain": [("segment_id", "=", self.id)]}

    def action_runs(self):
        """Show what was done for whom, and what waits."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_segment_run_action"
        )
        return {**action, "domain": [("action_id.segment_id", "=", self.id)]}

    def action_export(self):
        """Download the customers as XLSX."""
        self.ensure_one()
        partners = self.member_ids.partner_id
        return self.env["hstyle.profile"]._export(partners.ids)

    def action_try(self):
        """Say who would get what, before anybody does."""
        self.ensure_one()
        return self.env["hstyle.segment.trial"]._open(self)

    def action_pause(self):
        """Stop the actions; what waits goes on when the segment is launched again."""
        self.check_access("write")
        self.sudo().running = False

    def _launch(self):
        """Let the actions begin, for who is in now and for whoever enters later."""
        self.ensure_one()
        self.check_access("write")
        if not self.action_ids:
            raise UserError(
                self.env._("%s has no actions yet. Add the first one.", self.name)
            )
        segment = self.sudo()
        segment._refresh()
        segment.running = True
        segment.launched_on = segment.launched_on or fields.Datetime.now()
        self.env["hstyle.segment.run"].sudo()._queue(segment)

    # === WHO IS IN === #

    def _get_query(self):
        """Return the query of the customers whom the domain describes.

        It sees what the author sees.
        """
        self.ensure_one()
        partners = self.env["res.partner"].with_user(self.user_id)
        return partners._query_customers(ast.literal_eval(self.domain), self.company_id)

    # === THE DOOR === #

    @api.model
    def _cron_refresh(self):
        """Refresh all segments, a commit each; one that fails leaves the others."""
        commit = self.env["ir.cron"]._commit_progress
        started = fields.Datetime.now()
        segments = self.search(
            [("active", "=", True)], order="refreshed_on NULLS FIRST, id"
        )
        commit(remaining=len(segments))
        for segment in segments:
            segment._refresh_safely()
            if not commit(1):
                break
        _logger.info("Segments refreshed since %s.", started)

    def _refresh_safely(self):
        try:
            with self.env.cr.savepoint():
                self._refresh()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # Somebody else refreshes it right now. This snapshot is of no use any more.
            self.env.cr.rollback()
            self.env.invalidate_all(flush=False)
        except Exception as error:
            _logger.exception("Segment %s cannot be refreshed.", self.id)
            self.invalidate_recordset()
            self.write({"error": str(error), "refreshed_on": fields.Datetime.now()})

    def _refresh(self):
        """Bring the members up to date: the only writer of `hstyle.segment.member`.

        Set-based; it writes entries and exits alone, and queues their actions.
        """
        self.env.flush_all()
        for segment in self:
            now = fields.Datetime.now()
            # Two refreshes at once meet here: the later one sees the other's rows.
            segment.write({"refreshed_on": now, "error": False})
            segment.flush_recordset()
            left, entered = segment._write_members(now)
            segment._count_members(left, entered)
            if segment.running and (left or entered):
                self.env["hstyle.segment.run"]._queue(segment, moment=now)
        self.env.invalidate_all(flush=False)

    def _write_members(self, now):
        """Store who entered and who left; return how many left and entered."""
        self._find_changes()
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_segment_member m
                   SET left_on = %s
                  FROM hstyle_change c
                 WHERE m.segment_id = %s
                   AND m.left_on IS NULL
                   AND m.partner_id = c.left_id
                """,
                now,
                self.id,
            )
        )
        left = self.env.cr.rowcount
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_segment_member
                       (segment_id, partner_id, entered_on, held)
                SELECT %s, entered_id, %s, %s
                  FROM hstyle_change
                 WHERE entered_id IS NOT NULL
                """,
                self.id,
                now,
                self._sql_held(SQL("entered_id")),
            )
        )
        return left, self.env.cr.rowcount

    def _find_changes(self):
        """Fill ``hstyle_change`` with who left and who entered since the last time."""
        self.env.cr.execute(
            SQL(
                """
                SET LOCAL work_mem = '256MB';
                SET LOCAL random_page_cost = 1.1;
                SET LOCAL jit = off;
                SET LOCAL max_parallel_workers_per_gather = 0;
                DROP TABLE IF EXISTS hstyle_change;
                CREATE TEMPORARY TABLE hstyle_change ON COMMIT DROP AS
                SELECT m.partner_id AS left_id, n.id AS entered_id
                  FROM (
                        SELECT partner_id
                          FROM hstyle_segment_member
                         WHERE segment_id = %s
                           AND left_on IS NULL
                       ) m
                  FULL JOIN (%s) n ON n.id = m.partner_id
                 WHERE m.partner_id IS NULL
                    OR n.id IS NULL;
                ANALYZE hstyle_change
                """,
                self.id,
                self._get_query().select(),
            )
        )

    def _draw(self):
        """Draw the hold-out anew, as long as nothing was done for anybody."""
        acted = self.action_ids.with_context(active_test=False).run_ids
        if acted:
            raise UserError(
                self.env._(
                    "%s acted: its hold-out stays, or the comparison would be worth "
                    "nothing. Duplicate it for another one.",
                    acted[0].action_id.segment_id.name,
                )
            )
        self.env.flush_all()
        for segment in self:
            self.env.cr.execute(
                SQL(
                    "UPDATE hstyle_segment_member SET held = %s WHERE segment_id = %s",
                    segment._sql_held(SQL("partner_id")),
                    segment.id,
                )
            )
        self.member_ids.invalidate_recordset(["held"])

    def _sql_held(self, person):
        """Return SQL that is true for a person whom the hold-out keeps back."""
        draw = SQL(hashing.DRAW, f"segment:{self.id}", person)
        return SQL("%s < %s", draw, self.holdout * 100)
