from odoo import fields, models
from odoo.tools import SQL

#: Table → when a row of it changes a customer's purchases, and whose they are.
_TRIGGERS = {
    "sale_order": (
        "INSERT OR DELETE OR UPDATE OF state, partner_id, company_id, date_order, "
        "amount_total, currency_rate, margin, hstyle_discounted",
        """
        IF TG_OP <> 'INSERT' AND OLD.state = 'sale' THEN
            INSERT INTO hstyle_profile_dirty (partner_id) VALUES (OLD.partner_id);
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.state = 'sale' AND (
            TG_OP = 'INSERT' OR OLD.state <> 'sale' OR OLD.partner_id <> NEW.partner_id)
        THEN
            INSERT INTO hstyle_profile_dirty (partner_id) VALUES (NEW.partner_id);
        END IF;
        """,
    ),
    "hstyle_order": (
        "INSERT OR DELETE OR UPDATE OF state, partner_id, company_id, date_order, "
        "amount_paid, amount_refund, amount_cost, amount_discount, currency_rate",
        """
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO hstyle_profile_dirty (partner_id) VALUES (OLD.partner_id);
        END IF;
        IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND NEW.partner_id <> OLD.partner_id
        THEN
            INSERT INTO hstyle_profile_dirty (partner_id) VALUES (NEW.partner_id);
        END IF;
        """,
    ),
    # A credit note counts for the customer of the order that it credits.
    "account_move": (
        "UPDATE OF state",
        """
        IF NEW.move_type = 'out_refund' AND NEW.state <> OLD.state THEN
            INSERT INTO hstyle_profile_dirty (partner_id)
            SELECT DISTINCT so.partner_id
              FROM account_move_line aml
              JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = aml.id
              JOIN sale_order_line sol ON sol.id = rel.order_line_id
              JOIN sale_order so ON so.id = sol.order_id
             WHERE aml.move_id = NEW.id;
        END IF;
        """,
    ),
    # So does a line that is tied to an order, or cut from it, later.
    "sale_order_line_invoice_rel": (
        "INSERT OR DELETE",
        """
        INSERT INTO hstyle_profile_dirty (partner_id)
        SELECT so.partner_id
          FROM account_move_line aml
          JOIN account_move move ON move.id = aml.move_id
          JOIN sale_order_line sol
            ON sol.id = COALESCE(NEW.order_line_id, OLD.order_line_id)
          JOIN sale_order so ON so.id = sol.order_id
         WHERE aml.id = COALESCE(NEW.invoice_line_id, OLD.invoice_line_id)
           AND move.move_type = 'out_refund'
           AND move.state = 'posted';
        """,
    ),
    # A contact that joins or leaves a company takes its purchases along.
    "res_partner": (
        "UPDATE OF commercial_partner_id",
        """
        IF NEW.commercial_partner_id <> OLD.commercial_partner_id THEN
            INSERT INTO hstyle_profile_dirty (partner_id)
            VALUES (NEW.id), (OLD.commercial_partner_id);
        END IF;
        """,
    ),
}


_SQL_TRIGGER = """
CREATE OR REPLACE FUNCTION hstyle_%(table)s_dirty() RETURNS trigger AS $$
BEGIN %(body)s RETURN NULL; END $$ LANGUAGE plpgsql;
DROP TRIGGER IF EXISTS hstyle_%(table)s_dirty ON %(table)s;
CREATE TRIGGER hstyle_%(table)s_dirty AFTER %(event)s ON %(table)s
FOR EACH ROW EXECUTE FUNCTION hstyle_%(table)s_dirty();
"""


class HstyleProfileDirty(models.Model):
    """Customers whose purchases changed since their profile was refreshed.

    Insert-only and without a unique key, so that no two orders ever wait for each
    other. Database triggers fill it: they see the host's raw SQL (merging of
    contacts), every other addon and our own COPY, and cost no round trip.
    """

    _name = "hstyle.profile.dirty"
    _description = "Customer whose profile is out of date"
    _log_access = False

    # No foreign key: a row for a contact that is gone does no harm.
    partner_id = fields.Integer(string="Contact", required=True)

    def init(self):
        for table, (event, body) in _TRIGGERS.items():
            names = {"table": table, "event": event, "body": body}
            # Names and bodies are the constants above.
            self.env.cr.execute(_SQL_TRIGGER % names)  # pylint: disable=sql-injection


def drop_triggers(cr):
    """Take the triggers off, so that the host's tables outlive the addon."""
    for table in _TRIGGERS:
        name = SQL.identifier(f"hstyle_{table}_dirty")
        cr.execute(SQL("DROP FUNCTION IF EXISTS %s() CASCADE", name))
