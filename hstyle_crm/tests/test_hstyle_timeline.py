from odoo.tests import tagged

from ..models.hstyle_timeline import KINDS
from .customer_common import HstyleCustomerCommon


@tagged("post_install", "-at_install")
class TestHstyleTimeline(HstyleCustomerCommon):
    def test_everything_is_there(self):
        self._live()
        rows = self._get_timeline()
        for row in rows:
            print(row.date, row.kind, row.name, row.amount, row.points, row.res_model, row.res_id, row.channel, row.user_id.name)
        self.assertEqual(set(rows.mapped("kind")), {kind for kind, _label in KINDS})
