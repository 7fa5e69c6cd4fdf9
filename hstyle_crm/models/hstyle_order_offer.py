from odoo import api, fields, models
from odoo.fields import NO_ACCESS


class HstyleOrderOffer(models.AbstractModel):
    """How a sales order takes the offers of its customer: a part of sale.order.

    A quotation shows them as discounts of its lines. A confirmed order, or one whose
    payment began, has taken them; a cancelled one has given them back.
    """

    _name = "hstyle.order.offer"
    _description = "Offers in an order"

    hstyle_offer_code = fields.Char(
        string="Offer code",
        copy=False,
        help="The code of the customer's offer list. The customer's own orders get the "
        "offers without it, too.",
    )
    hstyle_offer_text = fields.Char(
        string="Offers",
        compute="_compute_hstyle_offer_text",
        compute_sudo=True,
        help="What the lines of the order get from the customer's offer list.",
    )
    # Spares orders without offers a query.
    hstyle_offer_held = fields.Boolean(
        string="Offer held", copy=False, groups=NO_ACCESS
    )

    @api.depends("order_line.hstyle_offer_line_id", "order_line.discount")
    def _compute_hstyle_offer_text(self):
        for order in self:
            offers = order._get_offers_given()
            order.hstyle_offer_text = ", ".join(
                f"{offer.category_id.name} {offer._format_depth()}" for offer in offers
            )

    @api.constrains("hstyle_offer_code", "partner_id")
    def _check_hstyle_offer_code(self):
        lists = self.env["hstyle.offer.list"]
        for order in self.filtered("hstyle_offer_code"):
            if order.state in ("draft", "sent"):
                customer = order.partner_id.commercial_partner_id
                lists._check_code(order.hstyle_offer_code, customer, order.company_id)

    def action_update_offers(self):
        """Give the lines of quotations the offers that are valid now."""
        self.check_access("write")
        lines = self.filtered(lambda o: o.state in ("draft", "sent")).order_line
        lines._refresh_offers()

    def _get_offers_given(self):
        """Return the offers that the order's discounts come from."""
        lines = self.sudo().order_line.filtered(lambda line: line._is_offer_given())
        return lines.hstyle_offer_line_id

    def _hold_offers(self):
        """Take the offers of quotations whose payment begins.

        :raise UserError: if they are not there any more
        """
        self.filtered(lambda order: order.state in ("draft", "sent"))._take_offers()

    def _settle_offers(self):
        """Take what confirmed orders give, and give back what all others took."""
        confirmed = self.filtered(lambda order: order.state == "sale")
        confirmed._take_offers()
        (self - confirmed)._release_offers()

    def _take_offers(self):
        for order in self.sudo():
            offers = order._get_offers_given()
            if order.hstyle_offer_held:
                order._release_offers(kept=offers)
            if offers:
                offers._redeem(order)
                order.hstyle_offer_held = True

    def _release_offers(self, kept=None):
        held = self.sudo().filtered("hstyle_offer_held")
        if held:
            offers = self.env["hstyle.offer.line"].sudo()
            offers._release(held, kept or offers)
            held.hstyle_offer_held = False
