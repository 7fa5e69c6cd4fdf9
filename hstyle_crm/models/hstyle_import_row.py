from odoo import fields, models


class HstyleImportRow(models.Model):
    """A row of a sheet under way; after the import, only what was rejected.

    The text columns are named as in ``tools.sheets.COLUMNS``.
    """

    _name = "hstyle.import.row"
    _description = "Row of an order sheet"
    _order = "import_id, line"
    _rec_name = "order_ref"
    _log_access = False

    import_id = fields.Many2one(
        comodel_name="hstyle.import", required=True, index=True, ondelete="cascade"
    )
    line = fields.Integer(string="Row", readonly=True)
    error = fields.Char(string="Reason", readonly=True)
    order_ref = fields.Char(string="Order number", readonly=True)
    line_ref = fields.Char(string="Line number", readonly=True)
    date = fields.Char(string="Order date", readonly=True)
    shop = fields.Char(readonly=True)
    state = fields.Char(string="Status", readonly=True)
    channel = fields.Char(readonly=True)
    buyer_ref = fields.Char(string="Buyer account", readonly=True)
    buyer_name = fields.Char(string="Buyer name", readonly=True)
    phone = fields.Char(readonly=True)
    email = fields.Char(string="E-mail", readonly=True)
    product_code = fields.Char(string="Product code", readonly=True)
    product_text = fields.Char(string="Article", readonly=True)
    category = fields.Char(readonly=True)
    brand_kind = fields.Char(string="Brand kind", readonly=True)
    brand = fields.Char(readonly=True)
    quantity = fields.Char(readonly=True)
    paid = fields.Char(string="Amount paid", readonly=True)
    discount = fields.Char(readonly=True)
    refund = fields.Char(string="Refunded", readonly=True)
    cost = fields.Char(readonly=True)

    # Read by the list of what was rejected.
    _error_idx = models.Index("(import_id, line) WHERE error IS NOT NULL")
