from odoo import api, fields, models
from odoo.exceptions import UserError

KINDS = [("accrual", "Commission earned"), ("reversal", "Reversed")]
#: What never changes once a row is posted. A line may be deleted with its quotation.
_FROZEN = (
    "pays, number, agent_id, campus_id, company_id, referral_id, order_id, kind, base, "
    "rate, amount, date, month"
)
_OLD, _NEW = (
    ", ".join(f"{row}.{name}" for name in _FROZEN.split(", ")) for row in ("OLD", "NEW")
)
_SQL_TRIGGERS = f"""
CREATE OR REPLACE FUNCTION hstyle_commission_freeze() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION
        'Row % of % is posted: neither change nor delete it.', OLD.id, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$ LANGUAGE plpgsql;

DROP TRIGGER IF EXISTS hstyle_commission_stay ON hstyle_commission;
CREATE TRIGGER hstyle_commission_stay
BEFORE DELETE ON hstyle_commission
FOR EACH ROW EXECUTE FUNCTION hstyle_commission_freeze();

-- The end of the hold and the statement are written once.
DROP TRIGGER IF EXISTS hstyle_commission_freeze ON hstyle_commission;
CREATE TRIGGER hstyle_commission_freeze
BEFORE UPDATE ON hstyle_commission
FOR EACH ROW WHEN (
    ({_OLD}) IS DISTINCT FROM ({_NEW})
    OR OLD.available_on IS NOT NULL
       AND OLD.available_on IS DISTINCT FROM NEW.available_on
    OR OLD.statement_id IS NOT NULL
       AND OLD.statement_id IS DISTINCT FROM NEW.statement_id
    OR NEW.order_line_id IS NOT NULL
       AND OLD.order_line_id IS DISTINCT FROM NEW.order_line_id
)
EXECUTE FUNCTION hstyle_commission_freeze();

CREATE OR REPLACE FUNCTION hstyle_commission_check() RETURNS trigger AS $$
BEGIN
    PERFORM
       FROM hstyle_referral r
       JOIN res_partner friend ON friend.id = r.friend_id
       JOIN hstyle_agent a ON a.id = r.agent_id
       JOIN res_partner student ON student.id = a.partner_id
       JOIN sale_order_line l ON l.id = NEW.order_line_id AND l.product_id IS NOT NULL
       JOIN sale_order o ON o.id = l.order_id AND o.id = NEW.order_id
       JOIN res_partner customer ON customer.id = o.partner_id
      WHERE r.id = NEW.referral_id
        AND r.agent_id = NEW.agent_id
        AND r.state NOT IN ('review', 'rejected')
        AND friend.commercial_partner_id = customer.commercial_partner_id
        AND friend.commercial_partner_id <> student.commercial_partner_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION
            'Commission is for goods that a friend of the agent ordered: order %.',
            NEW.order_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;

DROP TRIGGER IF EXISTS hstyle_commission_check ON hstyle_commission;
CREATE TRIGGER hstyle_commission_check
BEFORE INSERT ON hstyle_commission
FOR EACH ROW WHEN (NEW.kind = 'accrual')
EXECUTE FUNCTION hstyle_commission_check();
"""


class HstyleCommission(models.Model):
    """What an agent earns on a line of a friend's order.

    `_accrue` alone posts rows; nobody changes them. What is undone gets a row of its
    own, at the rate of what it undoes. The database refuses what the business does not
    know: a fee, pay per head, pay for the friends of others, an order with two agents.
    """

    _name = "hstyle.commission"
    _inherit = ["hstyle.commission.accrual"]
    _description = "Commission"
    _order = "date desc, id desc"
    _rec_name = "order_id"

    # Always set. The host drops foreign keys of several columns that begin with one of
    # a relation, so that ours needs a first column that is none.
    pays = fields.Boolean(required=True, readonly=True)
    number = fields.Integer(
        required=True, readonly=True, help="Of the order's rows, the how-manieth."
    )
    agent_id = fields.Many2one(
        comodel_name="hstyle.agent",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    campus_id = fields.Many2one(
        comodel_name="hstyle.campus",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        help="The agent's campus then.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    referral_id = fields.Many2one(
        comodel_name="hstyle.referral",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    order_id = fields.Many2one(
        comodel_name="sale.order", required=True, readonly=True, ondelete="restrict"
    )
    order_line_id = fields.Many2one(
        comodel_name="sale.order.line",
        readonly=True,
        index=True,
        ondelete="set null",
        help="Empty if it was deleted from the cancelled order.",
    )
    kind = fields.Selection(selection=KINDS, required=True, readonly=True)
    base = fields.Monetary(
        required=True, readonly=True, help="What the friend pays, without taxes."
    )
    rate = fields.Float(
        digits=(5, 2), readonly=True, help="Percent of the base that the amount is."
    )
    amount = fields.Monetary(required=True, readonly=True)
    date = fields.Date(string="Posted on", required=True, readonly=True)
    month = fields.Date(
        string="Order month",
        required=True,
        readonly=True,
        help="First day of the month to whose volume the base counts.",
    )
    available_on = fields.Date(
        string="Free from",
        readonly=True,
        help="The day after the return window; empty while it has not begun.",
    )
    statement_id = fields.Many2one(
        comodel_name="hstyle.commission.statement",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    _number_unique = models.Constraint("UNIQUE (order_id, number)")
    _pays_only = models.Constraint("CHECK (pays)")
    _order_pays_one = models.Constraint(
        "FOREIGN KEY (pays, order_id, referral_id, agent_id) REFERENCES"
        " hstyle_commission_order (pays, order_id, referral_id, agent_id)",
        "An order pays one agent only.",
    )
    _no_fee = models.Constraint(
        "CHECK (kind = 'reversal' OR base > 0 AND amount >= 0 AND amount <= base)",
        "Commission is a part of what a friend pays: there is no fee, and nothing is "
        "paid per head.",
    )
    # Read by `_get_volumes`.
    _volume_idx = models.Index("(agent_id, month) INCLUDE (base)")
    # Read when a month is settled.
    _open_idx = models.Index("(company_id, agent_id) WHERE statement_id IS NULL")

    def init(self):
        self.env.cr.execute(_SQL_TRIGGERS)

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse()
        return super().create(vals_list)

    def write(self, vals):
        self._refuse()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        self._refuse()

    @api.model
    def _refuse(self):
        raise UserError(
            self.env._(
                "Commission follows from orders and is never edited. Change or credit "
                "the order: that adds a row."
            )
        )


def drop_triggers(cr):
    """Take away what the host cannot, or would in the wrong order."""
    cr.execute(
        "ALTER TABLE hstyle_commission DROP CONSTRAINT hstyle_commission_order_pays_one"
    )
    cr.execute(
        "DROP FUNCTION hstyle_commission_freeze, hstyle_commission_check CASCADE"
    )
