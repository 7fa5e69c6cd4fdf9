from odoo.tests import tagged

from odoo.addons.hstyle_crm.tests.common import HstyleCommon


@tagged("post_install", "-at_install")
class TestMerge(HstyleCommon):
    def test_a_clerk_merges_visitors_of_the_site(self):
        """The back office merges customers, without any right on their visits."""
        keeper, other = self._create_partner("Mei"), self._create_partner("Mei W.")
        visitors = self.env["website.visitor"].sudo()
        for partner in (keeper, other):
            visitors.create({"access_token": str(partner.id), "partner_id": partner.id})
        wizard = self.env["base.partner.merge.automatic.wizard"].with_user(self.clerk)
        merged = (keeper | other).ids
        self.env.invalidate_all()
        wizard.create({})._merge(merged, keeper.with_user(self.clerk))
        self.assertFalse(other.exists())
        self.assertEqual(len(keeper.visitor_ids), 1)
