from odoo import fields, models
from odoo.tools import SQL

KINDS = [
    ("todo", "To-dos done"),
    ("ticket", "Tickets solved"),
    ("promise", "Promises done"),
    ("care", "Care cards done"),
    ("goodwill", "Goodwill given"),
    ("points", "Points adjusted"),
    ("campaign", "Campaigns launched"),
    ("import", "Sheets imported"),
    ("export", "Sheets exported"),
]

# Source → its rows: person, company, moment (UTC) or day, service team if known.
_MOMENTS = """
SELECT 'ticket' AS kind, user_id, company_id, solved_at AS at, team_id
  FROM hstyle_ticket
 WHERE solved_at IS NOT NULL
   AND merged_into_id IS NULL
 UNION ALL
SELECT 'care', user_id, company_id, done_at, NULL
  FROM hstyle_care
 WHERE outcome IS NOT NULL
 UNION ALL
SELECT 'campaign', user_id, company_id, hstyle_launched_on, NULL
  FROM utm_campaign
 WHERE hstyle_launched_on IS NOT NULL
 UNION ALL
SELECT 'import', i.create_uid, s.company_id, i.create_date, NULL
  FROM hstyle_import i
  JOIN hstyle_shop s ON s.id = i.shop_id
 WHERE i.state = 'done'
 UNION ALL
SELECT 'export', user_id, company_id, date, NULL
  FROM hstyle_export
"""
_DAYS = """
SELECT 'promise' AS kind, user_id, company_id, done_on AS day, NULL::int AS team_id
  FROM hstyle_promise
 WHERE state = 'kept'
 UNION ALL
SELECT 'goodwill', g.user_id, g.company_id, g.given_on, t.team_id
  FROM hstyle_goodwill g
  JOIN hstyle_ticket t ON t.id = g.ticket_id
 WHERE g.state = 'given'
 UNION ALL
SELECT 'points', a.user_id, c.company_id, a.posted_on, NULL
  FROM hstyle_points_adjustment a
  JOIN loyalty_card c ON c.id = a.card_id
 WHERE a.state = 'done'
 UNION ALL
SELECT 'todo', user_id, company_id, done_on, NULL
  FROM hstyle_todo
 WHERE state = 'done'
"""


class HstyleUsage(models.Model):
    """What each person got done with the system in a week.

    A row is a person, a kind of work and a week. The team is that of the ticket, else
    the first service team that the person is in.
    """

    _name = "hstyle.usage"
    _description = "Use of the system"
    _auto = False
    _order = "week desc, user_id, id"
    _rec_name = "user_id"

    company_id = fields.Many2one(comodel_name="res.company", readonly=True)
    week = fields.Date(readonly=True, help="Its Monday, in the company's timezone.")
    user_id = fields.Many2one(
        comodel_name="res.users", string="Employee", readonly=True
    )
    team_id = fields.Many2one(
        comodel_name="hstyle.ticket.team", string="Service team", readonly=True
    )
    sales_team_id = fields.Many2one(
        comodel_name="crm.team", string="Sales team", readonly=True
    )
    kind = fields.Selection(selection=KINDS, string="Kind of work", readonly=True)
    done = fields.Integer(readonly=True)

    _depends = {
        "hstyle.ticket": [
            "user_id",
            "company_id",
            "team_id",
            "solved_at",
            "merged_into_id",
        ],
        "hstyle.care": ["user_id", "company_id", "done_at", "outcome"],
        "hstyle.promise": ["user_id", "company_id", "done_on", "state"],
        "hstyle.todo": ["user_id", "company_id", "done_on", "state"],
        "hstyle.goodwill": ["user_id", "company_id", "given_on", "state", "ticket_id"],
        "hstyle.points.adjustment": ["user_id", "card_id", "posted_on", "state"],
        "loyalty.card": ["company_id"],
        "utm.campaign": ["user_id", "company_id", "hstyle_launched_on"],
        "hstyle.import": ["shop_id", "state"],
        "hstyle.export": ["user_id", "company_id", "date"],
        "hstyle.ticket.member": ["user_id", "team_id"],
        "res.users": ["sale_team_id"],
        "res.company": ["hstyle_tz"],
    }

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT row_number() OVER (
                       ORDER BY w.company_id, w.user_id, w.kind,
                                date_trunc('week', w.day)::date,
                                COALESCE(w.team_id, seat.team_id)) AS id,
                   w.company_id, w.user_id, w.kind,
                   date_trunc('week', w.day)::date AS week,
                   COALESCE(w.team_id, seat.team_id) AS team_id,
                   u.sale_team_id AS sales_team_id,
                   count(*)::int AS done
              FROM (SELECT kind, user_id, company_id, day, team_id
                      FROM (%(days)s) d
                     UNION ALL
                    SELECT m.kind, m.user_id, m.company_id,
                           (m.at AT TIME ZONE 'UTC' AT TIME ZONE c.hstyle_tz)::date,
                           m.team_id
                      FROM (%(moments)s) m
                      JOIN res_company c ON c.id = m.company_id) w
              JOIN res_users u ON u.id = w.user_id
              LEFT JOIN (SELECT m.user_id, t.company_id, min(m.team_id) AS team_id
                           FROM hstyle_ticket_member m
                           JOIN hstyle_ticket_team t ON t.id = m.team_id
                          GROUP BY 1, 2) seat
                ON seat.user_id = w.user_id AND seat.company_id = w.company_id
             GROUP BY 2, 3, 4, 5, 6, 7
            """,
            days=SQL(_DAYS),
            moments=SQL(_MOMENTS),
        )
