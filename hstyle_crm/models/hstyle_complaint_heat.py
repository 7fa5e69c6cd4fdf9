import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Weeks since launch that are the baseline, weeks of sales that complaints are set
#: against, and weeks in which a product and reason are told of once.
WEEKS = 8
#: Fewer complaints in a week are never told of.
LEAST = 3
SHEET = (
    "week",
    "product_tmpl_id",
    "intent_id",
    "reason_id",
    "complaints",
    "units",
    "rate",
    "baseline",
    "threshold",
    "is_hot",
)

# Complaints by product, reason and week; of tickets without a product, those of the
# order lines that they are about.
_COMPLAINTS = """
SELECT t.company_id, product.product_tmpl_id, t.intent_id, t.reason_id,
       date_trunc('week', t.opened_at AT TIME ZONE 'UTC' AT TIME ZONE c.hstyle_tz)::date
           AS week,
       count(DISTINCT t.id) AS complaints
  FROM hstyle_ticket t
  JOIN hstyle_ticket_intent i ON i.id = t.intent_id AND i.is_complaint
  JOIN res_company c ON c.id = t.company_id
 CROSS JOIN LATERAL (
        SELECT t.product_id
         WHERE t.product_id IS NOT NULL
         UNION
        SELECT line.product_id
          FROM hstyle_ticket_sale_order_line_rel rel
          JOIN sale_order_line line ON line.id = rel.sale_order_line_id
         WHERE rel.hstyle_ticket_id = t.id
           AND t.product_id IS NULL
       ) about
  JOIN product_product product ON product.id = about.product_id
 WHERE t.merged_into_id IS NULL
 GROUP BY 1, 2, 3, 4, 5
"""

# Units sold of these products, by week.
_SALES = """
SELECT s.company_id, product.product_tmpl_id,
       date_trunc('week', s.date_order AT TIME ZONE 'UTC' AT TIME ZONE c.hstyle_tz)
           ::date AS week,
       sum(s.quantity) AS units
  FROM hstyle_purchase_line s
  JOIN product_product product ON product.id = s.product_id
  JOIN res_company c ON c.id = s.company_id
 WHERE product.product_tmpl_id IN (SELECT product_tmpl_id FROM complaint)
 GROUP BY 1, 2, 3
"""

# The baseline begins with the first sale, but not before tickets were kept at all.
_LAUNCHES = """
SELECT s.company_id, s.product_tmpl_id, GREATEST(min(s.week), min(t.week)) AS week
  FROM sale s
  JOIN (SELECT company_id, date_trunc('week', min(opened_at))::date AS week
          FROM hstyle_ticket
         GROUP BY company_id) t
    ON t.company_id = s.company_id
 GROUP BY s.company_id, s.product_tmpl_id
"""

_KEY = "company_id, product_tmpl_id, intent_id, COALESCE(reason_id, 0), week"


class HstyleComplaintHeat(models.Model):
    """Complaints about a product for a reason in a week, against its first weeks.

    The baseline is the complaints per unit sold in the first eight weeks. A week is
    hot where its complaints pass the upper limit of a control chart of
    nonconformities per unit, ``expected + 3 √expected`` (u-chart: D. C. Montgomery,
    Introduction to Statistical Quality Control, chapter 7.3), and are three at least.
    Written by the nightly job.
    """

    _name = "hstyle.complaint.heat"
    _description = "Complaint heat"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "week desc, is_hot desc, complaints desc, id desc"
    _log_access = False
    _mail_post_access = "read"

    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, ondelete="cascade"
    )
    product_tmpl_id = fields.Many2one(
        comodel_name="product.template",
        string="Product",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    intent_id = fields.Many2one(
        comodel_name="hstyle.ticket.intent",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    reason_id = fields.Many2one(
        comodel_name="hstyle.ticket.reason", readonly=True, ondelete="cascade"
    )
    week = fields.Date(
        required=True, readonly=True, help="Its Monday, in the company's timezone."
    )
    complaints = fields.Integer(readonly=True)
    units = fields.Float(
        string="Units a week",
        digits=(16, 1),
        readonly=True,
        aggregator="avg",
        help="Sold on average in the eight weeks up to this one.",
    )
    rate = fields.Float(
        string="Per 100 units",
        digits=(16, 2),
        readonly=True,
        aggregator="avg",
        help="Complaints of the week for each 100 units a week.",
    )
    baseline = fields.Float(
        digits=(16, 2),
        readonly=True,
        aggregator="avg",
        help="The same in the first eight weeks after launch. Empty until these are "
        "over.",
    )
    threshold = fields.Float(
        string="Hot above",
        digits=(16, 1),
        readonly=True,
        aggregator=None,
        help="Complaints that chance explains at these sales, by the baseline.",
    )
    is_hot = fields.Boolean(string="Hot", readonly=True)
    alerted_at = fields.Datetime(string="Told", readonly=True)

    _key_unique = models.UniqueIndex(f"({_KEY})")

    # === COMPUTE METHODS === #

    def _compute_display_name(self):
        for heat in self:
            what = heat.reason_id or heat.intent_id
            heat.display_name = f"{heat.product_tmpl_id.name}: {what.name}"

    # === ACTION METHODS === #

    def action_tickets(self):
        """Show the tickets that are counted."""
        self.ensure_one()
        start = self.company_id._hstyle_start
        action = self.env["ir.actions.actions"]._for_xml_id(
            "hstyle_crm.hstyle_ticket_action"
        )
        template = self.product_tmpl_id.id
        domain = [
            ("company_id", "=", self.company_id.id),
            ("intent_id", "=", self.intent_id.id),
            ("reason_id", "=", self.reason_id.id),
            ("opened_at", ">=", start(self.week)),
            ("opened_at", "<", start(self.week + timedelta(days=7))),
            ("merged_into_id", "=", False),
            "|",
            ("product_id.product_tmpl_id", "=", template),
            "&",
            ("product_id", "=", False),
            ("order_line_ids.product_id.product_tmpl_id", "=", template),
        ]
        views = [(False, "list"), (False, "form")]
        return {**action, "domain": domain, "views": views, "context": {}}

    def action_export(self):
        """Download the chosen rows as a sheet."""
        exports = self.env["hstyle.export"]
        return exports._download_records(
            f"{self.env._('Complaint heat')}.xlsx", exports._get_chosen(self), SHEET
        )

    # === BUSINESS METHODS === #

    @api.model
    def _cron_refresh(self):
        """Count complaints anew, and tell of what has become hot."""
        self._refresh()
        told = self._tell(fields.Datetime.now())
        _logger.info("Complaint heat: %s alerts", len(told))

    @api.model
    def _refresh(self):
        """Bring the rows up to date with tickets and sales; write only changes."""
        self.env.flush_all()
        values = SQL("complaints, units, rate, baseline, threshold, is_hot")
        gone = self.env.execute_query(
            SQL(
                """
                  WITH %(parts)s,
               written AS (
                INSERT INTO hstyle_complaint_heat AS h
                       (company_id, product_tmpl_id, intent_id, reason_id, week,
                        %(values)s)
                SELECT company_id, product_tmpl_id, intent_id, reason_id, week,
                       %(values)s
                  FROM counted
                    ON CONFLICT (%(key)s) DO UPDATE
                   SET (%(values)s) = (
                       SELECT excluded.complaints, excluded.units, excluded.rate,
                              excluded.baseline, excluded.threshold, excluded.is_hot)
                 WHERE (h.complaints, h.units, h.rate, h.baseline, h.threshold)
                       IS DISTINCT FROM
                       (excluded.complaints, excluded.units, excluded.rate,
                        excluded.baseline, excluded.threshold)
                       )
                SELECT id
                  FROM hstyle_complaint_heat
                 WHERE (%(key)s) NOT IN (SELECT %(key)s FROM counted)
                """,
                parts=self._sql_counted(),
                values=values,
                key=SQL(_KEY),
            )
        )
        self.env.invalidate_all()
        self.browse(id_ for (id_,) in gone).unlink()

    def _sql_counted(self):
        """Return the common table expressions that end in `counted`, a row a row."""
        return SQL(
            """
            complaint AS (%(complaints)s), sale AS (%(sales)s),
            launch AS (%(launches)s),
            base AS (
                SELECT launch.company_id, launch.product_tmpl_id, launch.week,
                       sum(sale.units) AS units
                  FROM launch
                  JOIN sale USING (company_id, product_tmpl_id)
                 WHERE sale.week >= launch.week
                   AND sale.week < launch.week + 7 * %(weeks)s
                 GROUP BY 1, 2, 3
            ),
            sold AS (
                SELECT k.company_id, k.product_tmpl_id, k.week,
                       GREATEST(sum(sale.units), 0) / %(weeks)s AS units
                  FROM (SELECT DISTINCT company_id, product_tmpl_id, week
                          FROM complaint) k
                  JOIN sale USING (company_id, product_tmpl_id)
                 WHERE sale.week <= k.week
                   AND sale.week > k.week - 7 * %(weeks)s
                 GROUP BY 1, 2, 3
            ),
            early AS (
                SELECT k.company_id, k.product_tmpl_id, k.intent_id,
                       COALESCE(k.reason_id, 0) AS reason,
                       sum(k.complaints) AS complaints
                  FROM complaint k
                  JOIN base USING (company_id, product_tmpl_id)
                 WHERE k.week >= base.week
                   AND k.week < base.week + 7 * %(weeks)s
                 GROUP BY 1, 2, 3, 4
            ),
            rated AS (
                SELECT k.*, COALESCE(sold.units, 0) AS units,
                       CASE WHEN k.week >= base.week + 7 * %(weeks)s
                            THEN COALESCE(early.complaints, 0)
                                 / NULLIF(GREATEST(base.units, 0), 0) END AS first_rate
                  FROM complaint k
                  LEFT JOIN sold USING (company_id, product_tmpl_id, week)
                  LEFT JOIN base USING (company_id, product_tmpl_id)
                  LEFT JOIN early
                    ON early.company_id = k.company_id
                   AND early.product_tmpl_id = k.product_tmpl_id
                   AND early.intent_id = k.intent_id
                   AND early.reason = COALESCE(k.reason_id, 0)
            ),
            limited AS (
                SELECT *, first_rate * units + 3 * sqrt(first_rate * units) AS threshold
                  FROM rated
            ),
            counted AS (
                SELECT company_id, product_tmpl_id, intent_id, reason_id, week,
                       complaints, round(units, 1) AS units,
                       round(100 * complaints / NULLIF(units, 0), 2) AS rate,
                       round(100 * first_rate, 2) AS baseline,
                       round(threshold, 1) AS threshold,
                       COALESCE(complaints > threshold, FALSE)
                           AND complaints >= %(least)s AS is_hot
                  FROM limited
            )
            """,
            complaints=SQL(_COMPLAINTS),
            sales=SQL(_SALES),
            launches=SQL(_LAUNCHES),
            weeks=WEEKS,
            least=LEAST,
        )

    def _tell(self, now):
        """Put what is hot since last week on the service leaders' lists, once.

        :return: the rows told of: each product and reason once in eight weeks
        """
        told = self.env.execute_query(
            SQL(
                """
                UPDATE hstyle_complaint_heat
                   SET alerted_at = %(now)s
                 WHERE alerted_at IS NULL
                   AND id IN (
                       SELECT DISTINCT ON (company_id, product_tmpl_id, intent_id,
                                           reason_id) id
                         FROM hstyle_complaint_heat h
                        WHERE is_hot
                          AND week >= %(week)s
                          AND NOT EXISTS (
                              SELECT FROM hstyle_complaint_heat told
                               WHERE told.company_id = h.company_id
                                 AND told.product_tmpl_id = h.product_tmpl_id
                                 AND told.intent_id = h.intent_id
                                 AND told.reason_id IS NOT DISTINCT FROM h.reason_id
                                 AND told.alerted_at > %(since)s)
                        ORDER BY company_id, product_tmpl_id, intent_id, reason_id,
                                 week DESC)
                RETURNING id
                """,
                now=now,
                week=now.date() - timedelta(days=14),
                since=now - timedelta(weeks=WEEKS),
            )
        )
        heats = self.browse(id_ for (id_,) in told)
        heats.invalidate_recordset(["alerted_at"])
        for heat in heats:
            for user in heat._get_leaders():
                heat.activity_schedule(
                    "mail.mail_activity_data_warning",
                    summary=self.env._("More complaints than at first"),
                    user_id=user.id,
                )
        return heats

    def _get_leaders(self):
        """Return who leads service in the company, or else the CRM managers there."""
        teams = self.env["hstyle.ticket.team"].search(
            [("company_id", "=", self.company_id.id)]
        )
        managers = self.env.ref("hstyle_crm.hstyle_crm_group_manager").user_ids
        return teams.manager_id or managers.filtered(
            lambda user: self.company_id in user.company_ids
        )
