from odoo import models
from odoo.tools import SQL, split_every

from .hstyle_import_sheet import ACCOUNT

#: Customers or categories created by one call of the host.
CREATE = 1000

#: A line's column → the columns of the sheet that may change it later.
_LINE_COLUMNS = {
    "product_code": {"product_code"},
    "product_text": {"product_text"},
    "product_id": {"product_code"},
    "category_id": {"category"},
    "brand_kind": {"brand_kind"},
    "brand": {"brand"},
    "quantity": {"quantity"},
    "amount_paid": {"paid"},
    "amount_discount": {"discount"},
    "amount_refund": {"refund"},
    "amount_cost": {"cost"},
    "state": {"state"},
}


class HstyleImportStep(models.AbstractModel):
    """How the accepted rows of a sheet become buyers, orders and lines.

    The second half of `hstyle.import`: SQL over sets of rows, nothing row by row.
    """

    _name = "hstyle.import.step"
    _description = "Writing of imported orders"

    def _match(self):
        """Find or create what the rows speak of, before orders are written.

        Fills temporary tables, so it runs again when an import goes on.
        """
        self._match_products()
        self._match_categories()
        self._match_buyers()

    # === PRODUCTS AND CATEGORIES === #

    def _match_products(self):
        """Fill ``hstyle_import_product``: code → our product, where it is one."""
        self._create_map(
            "hstyle_import_product",
            SQL(
                """
                SELECT product.default_code AS key, min(product.id) AS id,
                       min(template.categ_id) AS category_id
                  FROM product_product product
                  JOIN product_template template
                    ON template.id = product.product_tmpl_id
                 WHERE product.active
                   AND product.default_code <> ''
                   AND COALESCE(template.company_id, %(company)s) = %(company)s
                 GROUP BY product.default_code
                HAVING count(*) = 1
                """,
                company=self.shop_id.company_id.id,
            ),
        )

    def _match_categories(self):
        """Fill ``hstyle_import_category``: text in the sheet → product category."""
        texts = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT category
                  FROM hstyle_import_row
                 WHERE import_id = %s AND error IS NULL AND category IS NOT NULL
                """,
                self.id,
            )
        )
        paths = {text: tuple(text.split(" / ")) for (text,) in texts}
        found = self._ensure_categories(set(paths.values()))
        pairs = [(text, found[path]) for text, path in paths.items()]
        self._create_map(
            "hstyle_import_category",
            SQL(
                "SELECT key, id FROM unnest(%s::varchar[], %s::integer[]) t (key, id)",
                [text for text, _id in pairs],
                [category_id for _text, category_id in pairs],
            ),
        )

    def _ensure_categories(self, paths):
        """Return path → id of the product categories, new ones created."""
        wanted = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
        Category = self.env["product.category"]
        names = [" / ".join(path) for path in wanted]
        known = {
            tuple(category.complete_name.split(" / ")): category.id
            for category in Category.search([("complete_name", "in", names)])
        }
        for depth in range(1, max(map(len, wanted), default=0) + 1):
            new = sorted(p for p in wanted if len(p) == depth and p not in known)
            created = Category.create(
                [{"name": p[-1], "parent_id": known.get(p[:-1])} for p in new]
            )
            known.update(zip(new, created.ids, strict=True))
        return known

    # === BUYERS === #

    def _match_buyers(self):
        """Fill ``hstyle_import_buyer``: account → customer, new ones created.

        First by account, then by phone, then by e-mail, where exactly one customer
        answers to it; colleagues and our own companies do not. A customer who has
        another account on the platform is another person: different strong identities
        never merge by themselves.
        """
        self._create_buyers_map()
        for has_ref in (True, False):
            for field, column in (
                ("phone_sanitized", "phone"),
                ("email_normalized", "email"),
            ):
                self._match_buyers_by(field, column, has_ref)
            self._create_customers(has_ref)
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_buyer (company_id, account_space, ref, partner_id,
                       create_uid, create_date, write_uid, write_date)
                SELECT %s, %s, key, id, %s, now() AT TIME ZONE 'UTC', %s,
                       now() AT TIME ZONE 'UTC'
                  FROM hstyle_import_buyer
                    ON CONFLICT (company_id, account_space, ref) DO NOTHING;
                ANALYZE hstyle_import_buyer
                """,
                self.shop_id.company_id.id,
                self.shop_id.account_space,
                self.env.uid,
                self.env.uid,
            )
        )

    def _create_buyers_map(self):
        self._create_map(
            "hstyle_import_buyer",
            SQL(
                """
                SELECT buyer.*, known.partner_id AS id
                  FROM (
                        SELECT %(key)s AS key, max(buyer_ref) AS ref,
                               max(phone) AS phone, max(email) AS email,
                               max(buyer_name) AS name
                          FROM hstyle_import_row r
                         WHERE import_id = %(id)s AND error IS NULL
                         GROUP BY 1
                       ) buyer
                  LEFT JOIN hstyle_buyer known
                    ON known.ref = buyer.key
                   AND known.company_id = %(company)s
                   AND known.account_space = %(space)s
                """,
                key=ACCOUNT,
                id=self.id,
                company=self.shop_id.company_id.id,
                space=self.shop_id.account_space,
            ),
        )

    def _match_buyers_by(self, field, column, has_ref):
        self.env["res.partner"].flush_model(
            [field, "commercial_partner_id", "active", "partner_share", "company_id"]
        )
        self.env.cr.execute(
            SQL(
                """
                  WITH found AS (
                        SELECT b.key, min(p.commercial_partner_id) AS id
                          FROM hstyle_import_buyer b
                          JOIN res_partner p
                            ON p.%(field)s = b.%(column)s
                           AND p.active
                           AND p.partner_share
                           AND NOT EXISTS (
                               SELECT FROM res_company c
                                WHERE c.partner_id = p.commercial_partner_id)
                           AND (p.company_id IS NULL OR p.company_id = %(company)s)
                         WHERE b.id IS NULL AND (b.ref IS NOT NULL) = %(has_ref)s
                         GROUP BY b.key
                        HAVING count(DISTINCT p.commercial_partner_id) = 1
                       )
                UPDATE hstyle_import_buyer b
                   SET id = found.id
                  FROM (SELECT id, min(key) AS key FROM found GROUP BY id) found
                 WHERE found.key = b.key
                   AND (NOT %(has_ref)s OR NOT EXISTS (
                        SELECT
                          FROM hstyle_buyer other
                          JOIN res_partner p ON p.id = other.partner_id
                         WHERE other.partner_id = found.id
                           AND other.company_id = %(company)s
                           AND other.account_space = %(space)s
                           AND other.ref IS DISTINCT FROM p.phone_sanitized
                           AND other.ref IS DISTINCT FROM p.email_normalized))
                """,
                field=SQL.identifier(field),
                column=SQL.identifier(column),
                has_ref=has_ref,
                company=self.shop_id.company_id.id,
                space=self.shop_id.account_space,
            )
        )

    def _create_customers(self, has_ref):
        """Create a customer for each buyer who is still nobody."""
        new = self.env.execute_query_dict(
            SQL(
                """
                SELECT key, COALESCE(name, key) AS name, phone, email
                  FROM hstyle_import_buyer
                 WHERE id IS NULL AND (ref IS NOT NULL) = %s
                 ORDER BY key
                """,
                has_ref,
            )
        )
        Partner = self.env["res.partner"].with_context(tracking_disable=True)
        for chunk in split_every(CREATE, new):
            keys = [buyer.pop("key") for buyer in chunk]
            created = Partner.create([{**buyer, "customer_rank": 1} for buyer in chunk])
            self.env.cr.execute_values(
                "UPDATE hstyle_import_buyer b SET id = v.id "
                "FROM (VALUES %s) v (key, id) WHERE v.key = b.key",
                list(zip(keys, created.ids, strict=True)),
            )
            self.env["res.partner"].flush_model()
        self.customer_count += len(new)

    # === ORDERS === #

    def _write_step(self):
        """Write the orders of the next share of the rows, and their lines."""
        self._gather_rows()
        self._prepare_rates()
        self._insert_orders()
        created, updated = self._write_lines()
        if "line_ref" not in self.columns:
            self._drop_lines()
        self._update_orders()
        self.created_count += created
        self.updated_count += updated

    def _gather_rows(self):
        """Fill ``hstyle_import_batch`` with the rows of this step, whole orders."""
        self._create_map(
            "hstyle_import_batch",
            SQL(
                """
                SELECT r.*, b.id AS partner_id,
                       COALESCE(line_ref, '#' || row_number() OVER (
                           PARTITION BY order_ref ORDER BY line)) AS key,
                       COALESCE(state, 'paid') AS line_state,
                       round(paid::numeric, %(digits)s) AS amount_paid,
                       round(COALESCE(discount::numeric, 0), %(digits)s)
                           AS amount_discount,
                       round(COALESCE(refund::numeric, 0), %(digits)s)
                           AS amount_refund,
                       round(cost::numeric, %(digits)s) AS amount_cost
                  FROM hstyle_import_row r
                  JOIN hstyle_import_buyer b ON b.key = %(key)s
                 WHERE import_id = %(id)s
                   AND error IS NULL
                   AND (hashtext(order_ref) & 2147483647) %% %(count)s = %(step)s
                """,
                key=ACCOUNT,
                id=self.id,
                digits=self.shop_id.currency_id.decimal_places,
                count=self.step_count,
                step=self.step,
            ),
            unique=False,
        )

    def _prepare_rates(self):
        """Fill ``hstyle_import_rate``: the day's rate of a foreign shop currency."""
        company, currency = self.shop_id.company_id, self.shop_id.currency_id
        days = []
        if currency != company.currency_id:
            days = self.env.execute_query(
                SQL("SELECT DISTINCT date::date FROM hstyle_import_batch")
            )
        rates = [
            self.env["res.currency"]._get_conversion_rate(
                company.currency_id, currency, company, day
            )
            for (day,) in days
        ]
        self._create_map(
            "hstyle_import_rate",
            SQL(
                "SELECT key, rate FROM unnest(%s::date[], %s::numeric[]) t (key, rate)",
                [day for (day,) in days],
                rates,
            ),
        )

    def _insert_orders(self):
        """Insert the orders that are new."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO hstyle_order (
                       name, shop_id, company_id, partner_id, date_order, state,
                       amount_paid, amount_discount, amount_refund, amount_cost,
                       channel, currency_rate,
                       create_uid, create_date, write_uid, write_date)
                SELECT order_ref, %(shop)s, %(company)s, min(partner_id),
                       min(date::timestamp), %(sums)s, max(channel), 1,
                       %(uid)s, %(now)s, %(uid)s, %(now)s
                  FROM hstyle_import_batch
                 GROUP BY order_ref
                    ON CONFLICT (shop_id, name) DO NOTHING
                """,
                shop=self.shop_id.id,
                company=self.shop_id.company_id.id,
                sums=self._sql_sums(SQL("line_state")),
                uid=self.env.uid,
                now=SQL("now() AT TIME ZONE 'UTC'"),
            )
        )

    def _sql_sums(self, state):
        """Return the select list that sums lines: state, paid, discount, refund, cost.

        One paid line makes a paid order; a line that is not counts as refunded. The
        cost is known where that of each line is.
        """
        return SQL(
            """
            CASE WHEN bool_or(%(state)s = 'paid') THEN 'paid'
                 WHEN bool_or(%(state)s = 'pending') THEN 'pending'
                 ELSE 'cancel' END AS state,
            sum(amount_paid) AS amount_paid,
            sum(amount_discount) AS amount_discount,
            sum(CASE WHEN %(state)s = 'paid' THEN amount_refund ELSE amount_paid END)
                AS amount_refund,
            CASE WHEN count(amount_cost) = count(*) THEN sum(amount_cost) END
                AS amount_cost
            """,
            state=state,
        )

    def _write_lines(self):
        """Insert new lines and update changed ones, in the columns of the sheet.

        :return: numbers of lines inserted and updated
        """
        changing = [
            SQL.identifier(column)
            for column, sources in _LINE_COLUMNS.items()
            if sources & self.columns.keys()
        ]
        [counts] = self.env.execute_query(
            SQL(
                """
                  WITH written AS (
                        INSERT INTO hstyle_order_line AS l
                               (order_id, line_ref, %(names)s)
                        SELECT o.id, b.key, b.product_code, b.product_text, product.id,
                               COALESCE(category.id, product.category_id),
                               b.brand_kind, b.brand,
                               COALESCE(b.quantity::numeric, 1),
                               b.amount_paid, b.amount_discount, b.amount_refund,
                               b.amount_cost, b.line_state
                          FROM hstyle_import_batch b
                          JOIN hstyle_order o
                            ON o.shop_id = %(shop)s
                           AND o.name = b.order_ref
                          LEFT JOIN hstyle_import_product product
                            ON product.key = b.product_code
                          LEFT JOIN hstyle_import_category category
                            ON category.key = b.category
                            ON CONFLICT (order_id, line_ref) DO UPDATE
                           SET (%(changing)s) = ROW (%(new)s)
                         WHERE (%(old)s) IS DISTINCT FROM (%(new)s)
                        RETURNING (xmax = 0) AS inserted
                       )
                SELECT count(*) FILTER (WHERE inserted),
                       count(*) FILTER (WHERE NOT inserted)
                  FROM written
                """,
                names=SQL(", ").join(SQL.identifier(name) for name in _LINE_COLUMNS),
                shop=self.shop_id.id,
                changing=SQL(", ").join(changing),
                old=SQL(", ").join(SQL("l.%s", column) for column in changing),
                new=SQL(", ").join(SQL("EXCLUDED.%s", column) for column in changing),
            )
        )
        return counts

    def _drop_lines(self):
        """Drop lines that a sheet without line numbers does not hold any more.

        Their numbers are ours, so only whole orders can be told apart.
        """
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM hstyle_order_line l
                 USING hstyle_order o
                 WHERE o.id = l.order_id
                   AND o.shop_id = %s
                   AND l.line_ref LIKE '#%%'
                   AND o.name IN (SELECT order_ref FROM hstyle_import_batch)
                   AND NOT EXISTS (
                       SELECT
                         FROM hstyle_import_batch b
                        WHERE b.order_ref = o.name AND b.key = l.line_ref)
                """,
                self.shop_id.id,
            )
        )

    def _update_orders(self):
        """Bring the heads of the orders in line with the sheet and all their lines.

        Who ordered and when is taken from a sheet only where it holds the whole order.
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE hstyle_order o
                   SET (partner_id, date_order, channel, currency_rate, state,
                        amount_paid, amount_discount, amount_refund, amount_cost,
                        write_uid, write_date)
                     = ROW (n.partner_id, n.date_order, n.channel, n.currency_rate,
                            n.state, n.amount_paid, n.amount_discount, n.amount_refund,
                            n.amount_cost, %(uid)s, now() AT TIME ZONE 'UTC')
                  FROM (%(heads)s) n
                 WHERE n.id = o.id
                   AND (o.partner_id, o.date_order, o.channel, o.currency_rate, o.state,
                        o.amount_paid, o.amount_discount, o.amount_refund,
                        o.amount_cost)
                       IS DISTINCT FROM
                       (n.partner_id, n.date_order, n.channel, n.currency_rate, n.state,
                        n.amount_paid, n.amount_discount, n.amount_refund,
                        n.amount_cost)
                """,
                uid=self.env.uid,
                heads=self._sql_heads(),
            )
        )

    def _sql_heads(self):
        """Return the query of what the orders of this step should look like."""
        return SQL(
            """
            SELECT o.id,
                   CASE WHEN whole THEN sheet.partner_id ELSE o.partner_id END
                       AS partner_id,
                   CASE WHEN whole THEN sheet.date_order ELSE o.date_order END
                       AS date_order,
                   COALESCE(CASE WHEN whole THEN sheet.channel END, o.channel)
                       AS channel,
                   CASE WHEN whole THEN COALESCE(rate.rate, 1) ELSE o.currency_rate END
                       AS currency_rate,
                   line.state, line.amount_paid, line.amount_discount,
                   line.amount_refund, line.amount_cost
              FROM (
                    SELECT order_ref, count(*) AS lines, min(partner_id) AS partner_id,
                           min(date::timestamp) AS date_order, max(channel) AS channel
                      FROM hstyle_import_batch
                     GROUP BY order_ref
                   ) sheet
              JOIN hstyle_order o ON o.shop_id = %s AND o.name = sheet.order_ref
              JOIN LATERAL (
                    SELECT count(*) = sheet.lines AS whole, %s
                      FROM hstyle_order_line
                     WHERE order_id = o.id
                   ) line ON TRUE
              LEFT JOIN hstyle_import_rate rate ON rate.key = sheet.date_order::date
            """,
            self.shop_id.id,
            self._sql_sums(SQL("state")),
        )

    def _create_map(self, name, query, unique=True):
        """Create a temporary table of a query, indexed by its column ``key``."""
        self.env.cr.execute(
            SQL(
                "DROP TABLE IF EXISTS %(name)s; "
                "CREATE TEMPORARY TABLE %(name)s AS %(query)s",
                name=SQL.identifier(name),
                query=query,
            )
        )
        if unique:
            index = SQL("ALTER TABLE %s ADD PRIMARY KEY (key)", SQL.identifier(name))
            self.env.cr.execute(index)
        self.env.cr.execute(SQL("ANALYZE %s", SQL.identifier(name)))
