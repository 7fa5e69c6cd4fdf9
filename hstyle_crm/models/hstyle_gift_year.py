from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

#: In which ways a customer can have had the gift of a year.
WAYS = [
    ("pack", "A gift pack from a campus agent"),
    ("shop", "The gift of the tier, in a shop"),
    ("coupon", "A birthday coupon"),
]


class HstyleGiftYear(models.AbstractModel):
    """One birthday gift a person and year: pack, coupon or in the shop.

    A half of `hstyle.gift`. A gift in the shop is a used benefit of that kind, a
    coupon is that of a segment of birthdays. Birthday points are no gift.
    """

    _name = "hstyle.gift.year"
    _description = "One gift a year"

    had = fields.Selection(
        selection=WAYS,
        string="Had already",
        readonly=True,
        help="Why the task was closed by itself.",
    )

    @api.model
    def _claim_year(self, partners, company, year, way):
        """Let customers have their gift of a year in this way, and close their tasks.

        A task is changed for good: who hands it out at the same moment is repeated by
        the host, and then told that it is closed.

        :param way: "pack", "shop" or "coupon"
        :raise UserError: if one of them had it in another way
        """
        if had := self._find_had(partners, company, year, way):
            partner, text = next(iter(had.items()))
            raise UserError(
                self.env._(
                    "%(customer)s had the birthday gift of %(year)s already: %(gift)s.",
                    customer=partner.display_name,
                    year=year,
                    gift=text,
                )
            )
        self._close_tasks(partners, company, year, way)

    @api.model
    def _find_had(self, partners, company, year, way):
        """Return customer → the gift of the year that was given in another way.

        Two packs are one too many as well; how often a benefit is used and a segment
        gives its coupon is ruled there.
        """
        self.env.flush_all()
        found = self.env.execute_query(
            SQL(
                """
                SELECT had.partner_id, had.way
                  FROM (%s) had
                 WHERE had.partner_id = ANY(%s)
                   AND had.root_id = %s
                   AND had.year = %s
                   AND (had.way <> %s OR had.way = 'pack')
                 ORDER BY had.partner_id
                """,
                self._sql_had(),
                partners.ids,
                company.sudo().root_id.id,
                year,
                way,
            )
        )
        texts = self._get_ways()
        return {partners.browse(partner_id): texts[kind] for partner_id, kind in found}

    @api.model
    def _get_ways(self):
        """Return way → its name, in the user's language."""
        return dict(self._fields["had"]._description_selection(self.env))

    @api.model
    def _sql_had(self):
        """Return SQL of the gifts that were given: partner, root company, year, way."""
        return SQL(
            """
            SELECT g.partner_id, split_part(c.parent_path, '/', 1)::int AS root_id,
                   g.year, 'pack' AS way
              FROM hstyle_gift g
              JOIN res_company c ON c.id = g.company_id
             WHERE g.state = 'given'
             UNION ALL
            SELECT u.partner_id, split_part(c.parent_path, '/', 1)::int,
                   date_part('year', u.date)::int, 'shop'
              FROM hstyle_benefit_use u
              JOIN res_company c ON c.id = u.company_id
             WHERE u.kind = 'birthday_gift'
             UNION ALL
            SELECT r.partner_id, split_part(c.parent_path, '/', 1)::int,
                   date_part('year', r.done_at AT TIME ZONE 'UTC'
                                               AT TIME ZONE c.hstyle_tz)::int,
                   'coupon'
              FROM hstyle_segment_run r
              JOIN hstyle_segment_action a ON a.id = r.action_id
              JOIN hstyle_segment s ON s.id = a.segment_id
              JOIN res_company c ON c.id = s.company_id
             WHERE r.state = 'done'
               AND a.kind = 'coupon'
               AND s.domain LIKE '%%birthday%%'
            """
        )

    @api.model
    def _close_tasks(self, partners, company, year, way):
        """Skip the open tasks of customers who get their gift in this way."""
        condition = SQL(
            """
            g.partner_id = ANY(%s)
            AND g.year = %s
            AND g.company_id IN (
                SELECT id FROM res_company
                 WHERE split_part(parent_path, '/', 1)::int = %s)
            """,
            partners.ids,
            year,
            company.sudo().root_id.id,
        )
        self._skip(condition, way)

    @api.model
    def _skip_had(self, company):
        """Skip the open tasks of customers who had their gift in another way."""
        for way, _name in WAYS:
            condition = SQL(
                """
                g.company_id = %s
                AND EXISTS (
                    SELECT FROM (%s) had
                     WHERE had.partner_id = g.partner_id
                       AND had.root_id = %s
                       AND had.year = g.year
                       AND had.way = %s)
                """,
                company.id,
                self._sql_had(),
                company.sudo().root_id.id,
                way,
            )
            self._skip(condition, way)

    @api.model
    def _skip(self, condition, way):
        """Skip open tasks ``g`` of customers, in the order in which all do it."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_gift
                   SET state = 'skipped', had = %s,
                       write_uid = %s, write_date = now() AT TIME ZONE 'UTC'
                 WHERE id IN (
                       SELECT g.id
                         FROM hstyle_gift g
                        WHERE g.state = 'todo'
                          AND g.partner_id IS NOT NULL
                          AND %s
                        ORDER BY g.id
                          FOR NO KEY UPDATE)
                """,
                way,
                self.env.uid,
                condition,
            )
        )
        self.env["hstyle.gift"].invalidate_model(["state", "had"])
