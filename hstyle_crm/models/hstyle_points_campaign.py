import math

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class HstylePointsCampaign(models.Model):
    """A window in which orders earn a multiple of their points."""

    _name = "hstyle.points.campaign"
    _description = "Points campaign"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        default=10, help="Campaigns multiply one after the other, in this order."
    )
    program_id = fields.Many2one(
        comodel_name="loyalty.program",
        required=True,
        index=True,
        ondelete="cascade",
        domain=[("managed", "=", True)],
        default=lambda self: self._get_default_program(),
    )
    company_id = fields.Many2one(related="program_id.company_id", store=True)
    multiplier = fields.Float(default=2.0, required=True)
    exclusive = fields.Boolean(
        help="Campaigns further down are left out where this one applies."
    )

    # When and for what.
    date_from = fields.Date(string="From")
    date_to = fields.Date(string="Until", help="The last day of the campaign.")
    weekday = fields.Selection(
        selection=[
            ("0", "Mondays"),
            ("1", "Tuesdays"),
            ("2", "Wednesdays"),
            ("3", "Thursdays"),
            ("4", "Fridays"),
            ("5", "Saturdays"),
            ("6", "Sundays"),
        ],
        string="Only on",
    )
    birthday_month = fields.Boolean(
        string="In the month of birth",
        help="For customers whose birthday is in the month of the order.",
    )
    category_ids = fields.Many2many(
        comodel_name="product.category",
        string="Only categories",
        help="Categories below these are included.",
    )

    _multiplier_positive = models.Constraint(
        "CHECK (multiplier > 0)", "A campaign's multiplier must be above zero."
    )

    @api.constrains("date_from", "date_to")
    def _check_dates(self):
        for campaign in self:
            start, end = campaign.date_from, campaign.date_to
            if start and end and start > end:
                raise ValidationError(
                    self.env._(
                        "%s ends before it begins. Swap its dates.", campaign.name
                    )
                )

    @api.model
    def _get_default_program(self):
        domain = [("managed", "=", True), ("company_id", "in", self.env.company.ids)]
        return self.env["loyalty.program"].search(domain, limit=1)

    def _is_open(self, day, partner):
        """Tell whether the campaign runs on a day, for a customer."""
        self.ensure_one()
        born = partner.birthday
        return (
            (not self.date_from or self.date_from <= day)
            and (not self.date_to or day <= self.date_to)
            and (not self.weekday or int(self.weekday) == day.weekday())
            and (not self.birthday_month or (bool(born) and born.month == day.month))
        )

    def _covers(self, product):
        """Tell whether the campaign multiplies the points of a product."""
        self.ensure_one()
        # A path such as 1/4/9/ names a category and all above it.
        path = (product.categ_id.parent_path or "").split("/")
        wanted = {str(category_id) for category_id in self.category_ids.ids}
        return not wanted or not wanted.isdisjoint(path)

    def _get_applied(self, product):
        """Return those of these campaigns that multiply the points of a product."""
        covering = self.filtered(lambda campaign: campaign._covers(product))
        for number, campaign in enumerate(covering, 1):
            if campaign.exclusive:
                return covering[:number]
        return covering

    def _multiply(self, product):
        """Return the multiplier of a product's points, over all of these campaigns."""
        return math.prod(self._get_applied(product).mapped("multiplier"))
