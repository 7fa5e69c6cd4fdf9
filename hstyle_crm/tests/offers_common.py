from datetime import timedelta

from odoo import fields

from .common import HstylePointsCommon

TODAY = "2026-03-15 12:00:00"


class HstyleOffersCommon(HstylePointsCommon):
    """A plan, dresses and coats, and customers whose habits are given."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dresses = cls.env["product.category"].create({"name": "Dresses"})
        cls.coats = cls.env["product.category"].create({"name": "Coats"})
        cls.dress.categ_id = cls.dresses
        cls.coat = cls._create_product("Coat", 200, categ_id=cls.coats.id)
        cls.plan = cls._create_plan()

    @classmethod
    def _create_plan(cls, **values):
        values = {"threshold": 100, "budget": 10, "ceiling": 30, **values}
        return cls.env["hstyle.offer.plan"].create({"name": "Fortnight", **values})

    def _know(self, partner, category, revenue=365, gap=14, due=0, **values):
        """Write a habit as the refresh would: due in so many days, for a week."""
        today = fields.Date.today()
        profiles = self.env["hstyle.profile"]
        company = {"partner_id": partner.id, "company_id": self.company.id}
        if not self._get_profile(partner):
            profiles.create({**company, "order_count": 1, "revenue_12m": 1000})
        return self.env["hstyle.habit"].create(
            {
                **company,
                "category_id": category.id,
                "order_days": 5,
                "last_on": today + timedelta(days=due - gap),
                "gap_days": gap,
                "revenue_12m": revenue,
                "loyalty": "brand",
                "usage": "high",
                "due_from": today + timedelta(days=due),
                "due_to": today + timedelta(days=due + 7),
                "cycle_source": "own",
                **values,
            }
        )

    def _run(self, plan=None):
        plan = plan or self.plan
        plan.action_dry_run()
        plan.action_start()
        return plan._run()

    def _get_lists(self, partner=None):
        domain = [("partner_id", "=", partner.id)] if partner else []
        return self.env["hstyle.offer.list"].search(domain)

    def _get_offer(self, partner=None, category=None):
        lines = self._get_lists(partner or self.partner).line_ids
        return lines.filtered(lambda x: x.category_id == (category or self.dresses))

    def _pass_night(self):
        with self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_offer").method_direct_trigger()
        self.env.invalidate_all()
