from odoo import models


class HstyleCustomerKey(models.AbstractModel):
    """The link of a mail acts as the customer: who may only read has no key to it.

    The model names in `access_token` who may read it; the host's mails are sent by all.
    """

    _name = "hstyle.customer.key"
    _description = "Key of the customer to a document"

    def _portal_ensure_token(self):
        return super(HstyleCustomerKey, self.sudo())._portal_ensure_token()

    def _sign_token(self, pid):
        return super(HstyleCustomerKey, self.sudo())._sign_token(pid)
