from odoo import api, fields, models
from odoo.tools import SQL

#: Months until an answer is read again by its owner.
REVIEW_MONTHS = 6
#: Characters of a question that are searched for.
LONGEST = 1000
#: What is told by a word of the question, beside one of the answer.
NAME_WEIGHT = 3
#: What a solution of the same intent is worth, beside others.
INTENT_WEIGHT = 1.5
#: Solutions that fit so much worse than the best one are left out.
CUT = 0.35

_FUNCTION = """
CREATE OR REPLACE FUNCTION hstyle_words(translations jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  WITH plain AS (
        SELECT key,
               normalize(lower(regexp_replace(value, '<[^>]*>', ' ', 'g')), NFKC)
               AS content
          FROM jsonb_each_text(translations)
       ),
       letters AS (
        SELECT letter, lead(letter) OVER (PARTITION BY key ORDER BY place) AS next
          FROM plain,
               unnest(string_to_array(content, NULL)) WITH ORDINALITY t (letter, place)
       ),
       pairs AS (
        SELECT string_agg(letter || next, ' ') AS content
          FROM letters
         WHERE ascii(letter) BETWEEN 13312 AND 40959
           AND ascii(next) BETWEEN 13312 AND 40959
       )
SELECT to_tsvector(
           'pg_catalog.english',
           coalesce(
               (SELECT string_agg(regexp_replace(content, '[㐀-鿿]', ' ', 'g'), ' ')
                  FROM plain),
               ''
           )
       )
       || to_tsvector('pg_catalog.simple', coalesce((SELECT content FROM pairs), ''))
$$
"""


class HstyleSolution(models.Model):
    """An answer that helped, to be given again.

    The column `words` holds what is searched, of all languages: English words by their
    stem, and Chinese, which is written without spaces, by pairs of characters.
    PostgreSQL keeps it, whoever writes: also the import of translations.
    """

    _name = "hstyle.solution"
    _description = "Solution"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "name, id"

    name = fields.Char(string="Question", required=True, translate=True)
    answer = fields.Html(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company", index=True, help="Empty: of all companies."
    )
    intent_ids = fields.Many2many(comodel_name="hstyle.ticket.intent", string="Intents")
    product_tmpl_ids = fields.Many2many(
        comodel_name="product.template",
        string="Products",
        help="Empty: not about certain products.",
    )
    is_public = fields.Boolean(
        string="For customers", help="Customers find it on the portal, before they ask."
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Author",
        index="btree_not_null",
        domain=[("share", "=", False)],
        default=lambda self: self.env.user.filtered("active"),
        help="Is asked whether it still holds.",
    )
    review_on = fields.Date(
        string="Review",
        index=True,
        default=lambda self: self._get_review_day(),
    )
    use_ids = fields.One2many(
        comodel_name="hstyle.solution.use", inverse_name="solution_id", string="Uses"
    )
    inserted_count = fields.Integer(string="Inserted", compute="_compute_counts")
    solved_count = fields.Integer(string="Solved by it", compute="_compute_counts")
    deflected_count = fields.Integer(
        string="Not asked",
        compute="_compute_counts",
        help="Customers whom it helped before they sent their question.",
    )

    def init(self):
        """Let PostgreSQL keep the words that are searched."""
        self.env.cr.execute(_FUNCTION)
        self.env.cr.execute(
            """
            ALTER TABLE hstyle_solution ADD COLUMN IF NOT EXISTS words tsvector
                  GENERATED ALWAYS AS (
                      setweight(hstyle_words(name), 'A') || hstyle_words(answer)
                  ) STORED;
            CREATE INDEX IF NOT EXISTS hstyle_solution_words_idx
                ON hstyle_solution USING gin (words)
            """
        )

    @api.model
    def _get_review_day(self):
        today = self.env.company._hstyle_today()
        return fields.Date.add(today, months=REVIEW_MONTHS)

    @api.depends("use_ids")
    def _compute_counts(self):
        counts = self.env["hstyle.solution.use"]._count(self)
        for solution in self:
            for kind in ("inserted", "solved", "deflected"):
                solution[f"{kind}_count"] = counts.get((solution.id, kind), 0)

    # === SEARCH === #

    @api.model
    def _find(self, text, intent=None, product=None, public=False, limit=5):
        """Return the solutions that fit what somebody wrote, the best one first.

        Rare words tell more than common ones, words of the question more than those of
        the answer (the sum of inverse document frequencies: Spärck Jones 1972).

        :param str text: in any of our languages; may be empty: then all of the intent
        :param intent: hstyle.ticket.intent; solutions of it come before others
        :param product: product.product; solutions of other products are left out
        :param bool public: only those that customers may read
        """
        domain = self._get_find_domain(product, public)
        text = (text or "").replace("\\", " ").replace("\0", " ").strip()[:LONGEST]
        if not text:
            mine = fields.Domain("intent_ids", "in", intent.ids if intent else [])
            return self.search(domain & mine, limit=limit)
        self.flush_model()
        rows = self.env.execute_query(self._sql_find(text, intent, domain, limit))
        return self.browse(
            [row_id for row_id, score in rows if score >= CUT * rows[0][1]]
        )

    @api.model
    def _get_find_domain(self, product, public):
        domain = fields.Domain("company_id", "=", False)
        domain |= fields.Domain("company_id", "parent_of", self.env.company.id)
        if public:
            domain &= fields.Domain("is_public", "=", True)
        if product:
            names = ("product_tmpl_ids", "in", [False, product.product_tmpl_id.id])
            domain &= fields.Domain(*names)
        return domain

    @api.model
    def _sql_find(self, text, intent, domain, limit):
        """Return SQL: id and score of what fits, among those that may be read."""
        return SQL(
            """
              WITH asked AS MATERIALIZED (
                    SELECT quote_literal(lexeme) AS word
                      FROM unnest(hstyle_words(jsonb_build_object('', %(text)s::text)))
                   ),
                   hits AS (
                    SELECT id,
                           words @@ (word || ':A')::tsquery AS in_name,
                           count(*) OVER (PARTITION BY word) AS spread
                      FROM asked
                      JOIN hstyle_solution ON words @@ word::tsquery
                     WHERE id IN %(readable)s
                   )
            SELECT hits.id,
                   sum(ln(1 + (SELECT count(*) FROM hstyle_solution)::float / spread)
                       * CASE WHEN in_name THEN %(name_weight)s ELSE 1 END)
                   * CASE WHEN EXISTS (
                         SELECT FROM hstyle_solution_hstyle_ticket_intent_rel r
                          WHERE r.hstyle_solution_id = hits.id
                            AND r.hstyle_ticket_intent_id = %(intent)s
                     ) THEN %(intent_weight)s ELSE 1 END AS score
              FROM hits
             GROUP BY hits.id
             ORDER BY score DESC, hits.id
             LIMIT %(limit)s
            """,
            readable=self._search(domain).subselect(),
            text=text,
            name_weight=NAME_WEIGHT,
            intent_weight=INTENT_WEIGHT,
            intent=intent.id if intent else 0,
            limit=limit,
        )

    def _note(self, kind, ticket=None):
        """Record that solutions were used.

        :param kind: "inserted", "solved" or "deflected"
        :param ticket: counts once for each
        """
        self.env["hstyle.solution.use"].sudo()._add(self, kind, ticket)

    def action_insert(self):
        """Open the answer to the ticket of the context, in its customer's language."""
        self.ensure_one()
        ticket = self.env["hstyle.ticket"].browse(self.env.context["hstyle_ticket_id"])
        lang = ticket.partner_id.lang or self.env.lang
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Answer"),
            "res_model": "mail.compose.message",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_model": ticket._name,
                "default_res_ids": ticket.ids,
                "default_composition_mode": "comment",
                "default_partner_ids": ticket.partner_id.ids,
                "default_body": self.with_context(lang=lang).answer,
                "hstyle_solution_id": self.id,
            },
        }

    # === REVIEW === #

    def action_review(self):
        """Note that answers still hold."""
        self.activity_feedback(["mail.mail_activity_data_todo"])
        self.review_on = self._get_review_day()

    @api.model
    def _cron_review(self):
        """Ask the authors of answers that were not read for long whether they hold."""
        due = self.search(
            [
                ("review_on", "<=", fields.Date.today()),
                ("user_id.active", "=", True),
                ("activity_ids", "=", False),
            ]
        )
        for solution in due:
            solution.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Does this answer still hold?"),
                user_id=solution.user_id.id,
            )
