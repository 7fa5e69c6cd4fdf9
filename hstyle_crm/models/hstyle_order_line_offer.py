from odoo import api, fields, models
from odoo.tools.sql import column_exists, create_column

_COLUMN = "hstyle_offer_line_id"


class HstyleOrderLineOffer(models.AbstractModel):
    """The offer that a line of an order gets: a part of sale.order.line.

    It does not add to another discount of the line: the higher one counts.
    """

    _name = "hstyle.order.line.offer"
    _description = "Offer in an order line"

    hstyle_offer_line_id = fields.Many2one(
        comodel_name="hstyle.offer.line",
        string="Offer used",
        compute="_compute_hstyle_offer_line_id",
        store=True,
        precompute=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    def _auto_init(self):
        """Add the column empty: the host would compute it for millions of lines."""
        if self._auto and not column_exists(self.env.cr, self._table, _COLUMN):
            create_column(self.env.cr, self._table, _COLUMN, "int4")
        return super()._auto_init()

    @api.depends("product_id", "order_id.partner_id", "order_id.hstyle_offer_code")
    def _compute_hstyle_offer_line_id(self):
        for line, offer in self._find_offers().items():
            line._set_offer(offer)

    def _refresh_offers(self):
        """Give the lines what their customers are offered by now."""
        lines = self.sudo()
        for line, offer in lines._find_offers().items():
            if line.hstyle_offer_line_id != offer:
                line._set_offer(offer)

    def _set_offer(self, offer):
        """Give the line an offer, or none; what another gave is taken back."""
        if self.hstyle_offer_line_id and self.hstyle_offer_line_id != offer:
            self.discount = 0
        self.hstyle_offer_line_id = offer

    def _find_offers(self):
        """Return line → the best offer of its customer on its goods.

        A query for each company, and none where no plan makes lists.
        """
        found, busy = {}, self.env["hstyle.offer.plan"]._get_busy_companies()
        quoted = self.filtered(lambda line: line._takes_offers())
        for company, lines in quoted.grouped("company_id").items():
            if company.id in busy:
                customers = lines.order_id.partner_id.commercial_partner_id
                found |= self.env["hstyle.offer.line"]._find(customers, company)
        return {
            line: line._choose_offer(found) if line in quoted else line._keep_offer()
            for line in self
        }

    def _takes_offers(self):
        """Tell goods on a quotation from all other lines."""
        self.ensure_one()
        return (
            self.order_id.state in ("draft", "sent")
            and self.product_id.type != "combo"
            and not self.display_type
            and not self.reward_id
            and not self.is_downpayment
            and not self.combo_item_id
        )

    def _choose_offer(self, found):
        """Return what the order took for its payment, or else the best open offer."""
        before, category = self.hstyle_offer_line_id, self.product_id.categ_id
        held = before and before.order_id == self.order_id._origin
        if held and before.category_id == category:
            return before
        customer = self.order_id.partner_id.commercial_partner_id
        return found.get((customer._origin.id, category.id), before.browse())

    def _keep_offer(self):
        """Return the offer of a line that is no goods on a quotation (any more)."""
        confirmed = self.order_id.state not in ("draft", "sent")
        return self.hstyle_offer_line_id if confirmed else self.hstyle_offer_line_id[:0]

    def _is_offer_given(self):
        """Tell whether the discount of the line is the one of its offer."""
        offer = self.hstyle_offer_line_id
        return bool(offer) and abs(self.discount - offer.depth) < 0.005

    def _apply_offer_discount(self):
        """Let the offers count where they are higher than the other discounts."""
        for line in self.sudo().filtered("hstyle_offer_line_id"):
            line.discount = max(line.discount, line.hstyle_offer_line_id.depth)
