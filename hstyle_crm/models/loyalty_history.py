from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.later import settles_later

#: What a movement of points is.
KINDS = [
    ("earn", "Earned"),
    ("spend", "Spent"),
    ("expire", "Expired"),
    ("reverse", "Undone"),
    ("adjust", "Adjusted"),
    ("bonus", "Bonus"),
    ("merge", "Merged"),
    ("opening", "Opening balance"),
]
#: Columns of a posted row that nobody changes, whatever the path.
_FROZEN = (
    "card_id, kind, key, date, points, issued, used, description, expiration_date, "
    "order_model, order_id, create_uid, create_date"
)
# A merge of customers moves whole rows to the card that stays; see `_move_rows`.
_SQL_TRIGGER = f"""
CREATE OR REPLACE FUNCTION hstyle_loyalty_history_freeze() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'loyalty_history'
       AND current_setting('hstyle.points_merge', TRUE) = (to_jsonb(OLD) ->> 'card_id')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION
        'Row % of the points ledger is posted: neither change nor delete it.',
        OLD.id USING ERRCODE = 'restrict_violation';
END $$ LANGUAGE plpgsql;
DROP TRIGGER IF EXISTS hstyle_loyalty_history_freeze ON loyalty_history;
CREATE TRIGGER hstyle_loyalty_history_freeze
BEFORE DELETE OR UPDATE OF {_FROZEN} ON loyalty_history
FOR EACH ROW WHEN (OLD.kind IS NOT NULL)
EXECUTE FUNCTION hstyle_loyalty_history_freeze();
-- Neither does a row become one of the ledger later.
DROP TRIGGER IF EXISTS hstyle_loyalty_history_forge ON loyalty_history;
CREATE TRIGGER hstyle_loyalty_history_forge
BEFORE UPDATE OF kind ON loyalty_history
FOR EACH ROW WHEN (OLD.kind IS NULL AND NEW.kind IS NOT NULL)
EXECUTE FUNCTION hstyle_loyalty_history_freeze();
DROP TRIGGER IF EXISTS hstyle_points_allocation_freeze ON hstyle_points_allocation;
CREATE TRIGGER hstyle_points_allocation_freeze
BEFORE UPDATE OR DELETE ON hstyle_points_allocation
FOR EACH ROW EXECUTE FUNCTION hstyle_loyalty_history_freeze();
"""


#: What rows of the ledger alone have.
_LEDGER = {
    "kind",
    "key",
    "date",
    "points",
    "remaining",
    "pending",
    "available_on",
    "expiration_date",
}


class LoyaltyHistory(models.Model):
    """One movement of points; on a card of a managed program, a row of the ledger.

    Rows of the ledger have a kind. `loyalty.card._post` alone writes them, by SQL; the
    methods of the ORM refuse, and a database trigger refuses everybody else.
    """

    _inherit = "loyalty.history"

    kind = fields.Selection(
        selection=KINDS,
        readonly=True,
        help="Empty for programs whose points Odoo keeps without a ledger.",
    )
    points = fields.Float(digits=(16, 2), readonly=True)
    date = fields.Date(readonly=True, help="The day of business of the movement.")
    key = fields.Char(
        readonly=True, help="What the movement is for: posted once per card, ever."
    )
    # The row's life: the only columns that change after it is posted.
    remaining = fields.Float(
        digits=(16, 2),
        readonly=True,
        help="Of an award, what nobody drew yet; below zero, what no award paid for.",
    )
    pending = fields.Boolean(readonly=True)
    available_on = fields.Date(readonly=True, help="Pending until this day.")
    expiration_date = fields.Date(
        readonly=True, help="The last day on which these points can be spent."
    )
    partner_id = fields.Many2one(related="card_id.partner_id")

    _key_unique = models.UniqueIndex("(card_id, key) WHERE key IS NOT NULL")
    # Stock searches rows by order without an index.
    _order_idx = models.Index("(order_id, order_model)")
    _open_idx = models.Index("(card_id) WHERE remaining <> 0")
    _debt_idx = models.Index("(card_id) WHERE remaining < 0")
    _expiration_idx = models.Index("(expiration_date, card_id) WHERE remaining > 0")
    _available_idx = models.Index(
        "(available_on, card_id) WHERE pending AND remaining > 0"
    )

    def init(self):
        self.env.cr.execute(_SQL_TRIGGER)

    @api.model_create_multi
    def create(self, vals_list):
        return super().create(self._keep_outside_ledger(vals_list))

    def write(self, vals):
        [vals] = self._keep_outside_ledger([vals]) or [{}]
        return super(LoyaltyHistory, self._outside_ledger()).write(vals)

    def unlink(self):
        return super(LoyaltyHistory, self._outside_ledger()).unlink()

    @api.model
    def _keep_outside_ledger(self, vals_list):
        """Leave the rows of managed cards out where the door follows.

        :raise UserError: if it does not
        """
        cards = self.env["loyalty.card"].browse(
            [vals["card_id"] for vals in vals_list if vals.get("card_id")]
        )
        managed = set(cards.sudo().filtered("managed").ids)
        kept = [vals for vals in vals_list if vals.get("card_id") not in managed]
        if len(kept) < len(vals_list):
            self._require_door()
        return [{n: v for n, v in vals.items() if n not in _LEDGER} for vals in kept]

    def _outside_ledger(self):
        """Return the rows that are not of the ledger where the door follows.

        :raise UserError: if it does not
        """
        rows = self.sudo().filtered(lambda row: row.kind or row.card_id.managed)
        posted = rows.with_env(self.env)
        if posted:
            self._require_door()
        return self - posted

    def _require_door(self):
        if not settles_later(self.env):
            raise UserError(
                self.env._(
                    "The points ledger is never edited. To correct a balance, open the "
                    "customer's card and adjust its points: that adds a row."
                )
            )

    def _get_order_portal_url(self):
        order = self.order_id and self.env[self.order_model].browse(self.order_id)
        return bool(order) and bool(order.exists()) and super()._get_order_portal_url()


def drop_triggers(cr):
    """Let the host's table go on without the ledger."""
    cr.execute("DROP FUNCTION IF EXISTS hstyle_loyalty_history_freeze() CASCADE")
    # Stock knows of no pending points.
    cr.execute("UPDATE loyalty_card SET points = points + points_pending WHERE managed")
