from odoo import models


class LoyaltyRule(models.Model):
    _inherit = "loyalty.rule"

    def _get_line_points(self, order, lines, amounts):
        """Return line → points that the rule gives on an order's lines.

        The host's `_program_check_compute_points` gives a total per program; undoing
        the points of a returned piece needs them by line.

        :param lines: lines with products, rewards left out
        :param amounts: line → amount that earns, in the program's currency
        """
        self.ensure_one()
        if self.mode == "with_code" and self not in order.code_enabled_rule_ids:
            return {}
        products = self.program_id._get_valid_products(lines.product_id).get(self, [])
        lines = lines.filtered(lambda line: line.product_id in products)
        if not lines or not self._is_reached(order, lines):
            return {}
        if self.reward_point_mode == "unit":
            return {li: self.reward_point_amount * li.product_uom_qty for li in lines}
        rate = self.reward_point_amount
        if self.reward_point_mode == "order":
            rate /= sum(amounts[line] for line in lines) or 1
        return {line: rate * amounts[line] for line in lines}

    def _is_reached(self, order, lines):
        """Tell whether the lines reach the rule's minimum quantity and amount."""
        field = (
            "price_total"
            if self.minimum_amount_tax_mode == "incl"
            else "price_subtotal"
        )
        amount = sum(line._get_points_amount(field) for line in lines)
        minimum = self._compute_amount(order.currency_id)
        quantity = sum(lines.mapped("product_uom_qty"))
        return order.currency_id.compare_amounts(amount, minimum) >= 0 and (
            quantity >= self.minimum_qty
        )
