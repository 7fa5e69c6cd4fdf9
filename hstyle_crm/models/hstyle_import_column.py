from odoo import fields, models

#: Our columns in words, in the order of ``tools.sheets.COLUMNS``.
TARGETS = [
    ("order_ref", "Order number"),
    ("line_ref", "Line number"),
    ("date", "Order date"),
    ("shop", "Shop"),
    ("state", "Status"),
    ("channel", "Channel"),
    ("buyer_ref", "Buyer account"),
    ("buyer_name", "Buyer name"),
    ("phone", "Phone"),
    ("email", "E-mail"),
    ("product_code", "Product code"),
    ("product_text", "Article"),
    ("category", "Category"),
    ("brand_kind", "Brand kind"),
    ("brand", "Brand"),
    ("quantity", "Quantity"),
    ("paid", "Amount paid"),
    ("discount", "Discount"),
    ("refund", "Refunded"),
    ("cost", "Cost"),
]


class HstyleImportColumn(models.Model):
    """What a column of the sheet means; guessed first, then chosen by the user."""

    _name = "hstyle.import.column"
    _description = "Column of an order sheet"
    _order = "import_id, id"
    _rec_name = "header"

    import_id = fields.Many2one(
        comodel_name="hstyle.import", required=True, index=True, ondelete="cascade"
    )
    index = fields.Integer(string="Position", required=True, readonly=True)
    header = fields.Char(string="Column in the sheet", required=True, readonly=True)
    sample = fields.Char(string="First row", readonly=True)
    target = fields.Selection(selection=TARGETS, string="Meaning")
