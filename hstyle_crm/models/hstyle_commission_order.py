from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL


class HstyleCommissionOrder(models.Model):
    """The one agent whom an order may pay: decided once, for ever.

    Rows of commission refer to it by order, referral and agent, so that the database
    itself keeps an order from paying two people.
    """

    _name = "hstyle.commission.order"
    _description = "Order with commission"
    _rec_name = "order_id"

    order_id = fields.Many2one(
        comodel_name="sale.order", required=True, readonly=True, ondelete="cascade"
    )
    referral_id = fields.Many2one(
        comodel_name="hstyle.referral",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    agent_id = fields.Many2one(
        comodel_name="hstyle.agent", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True
    )
    pays = fields.Boolean(
        readonly=True,
        help="Not set if the agent was not active when the order came, or the friend's "
        "months were over.",
    )

    _order_unique = models.Constraint(
        "UNIQUE (order_id)", "An order pays one agent only."
    )
    # What rows of commission refer to.
    _referral_unique = models.Constraint(
        "UNIQUE (pays, order_id, referral_id, agent_id)"
    )

    @api.model
    def _decide(self, orders):
        """Return the records of orders that are friends', in the orders' order.

        Whose order comes for the first time, confirmed, is decided now.
        """
        known = self.search([("order_id", "in", orders.ids)])
        new = (orders - known.order_id).filtered(lambda order: order.state == "sale")
        referrals = self._find_referrals(new)
        found = self.env["hstyle.referral"].concat(*referrals.values())
        plans = found.agent_id._get_commission_plans()
        values = [
            (
                order.id,
                referral.id,
                referral.agent_id.id,
                referral.agent_id.company_id.id,
                self._pays(order, referral, plans[referral.agent_id]),
            )
            for order, referral in referrals.items()
            if plans[referral.agent_id]
        ]
        if values:
            # Somebody who decides the same order right now makes this conflict.
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO hstyle_commission_order
                           (order_id, referral_id, agent_id, company_id, pays)
                    VALUES %s
                        ON CONFLICT (order_id) DO NOTHING
                    """,
                    SQL(", ").join(values),
                ),
                log_exceptions=False,
            )
            known = self.search([("order_id", "in", orders.ids)])
        found = known.grouped("order_id")
        return self.concat(*(found[order] for order in orders if order in found))

    @api.model
    def _find_referrals(self, orders):
        """Return order → the referral by an agent of its customer, if not rejected."""
        domain = [
            ("friend_id", "in", orders.partner_id.commercial_partner_id.ids),
            ("agent_id", "!=", False),
            ("state", "!=", "rejected"),
        ]
        found = self.env["hstyle.referral"].search(domain, order="claimed_on, id")
        by_friend = found.grouped("friend_id")
        referrals = {}
        for order in orders:
            customer = order.partner_id.commercial_partner_id
            companies = order.company_id.parent_ids
            for referral in by_friend.get(customer, ()):
                if referral.company_id in companies:
                    referrals.setdefault(order, referral)
        return referrals

    @api.model
    def _pays(self, order, referral, plan):
        """Tell whether a confirmed order gives commission at all."""
        company = order.company_id
        day = company._hstyle_day(order.date_order)
        end = relativedelta(months=plan.months)
        last = company._hstyle_day(referral.claimed_on) + end
        # A code on the order itself may be noted just after the confirmation.
        since = company._hstyle_day(referral.touched_on)
        in_time = since <= day and (not plan.months or day < last)
        return in_time and referral.agent_id._is_earning()

    def _is_kept(self):
        """Tell whether the order still is one that the friend made."""
        customer = self.order_id.partner_id.commercial_partner_id
        referral = self.referral_id
        return (
            self.order_id.state == "sale"
            and referral.state not in ("review", "rejected")
            and referral.agent_id == self.agent_id
            and referral.friend_id.commercial_partner_id == customer
        )
