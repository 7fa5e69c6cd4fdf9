import csv
import io
from base64 import b64encode

from freezegun import freeze_time

from odoo import Command
from odoo.tests import new_test_user

from odoo.addons.base.tests.common import BaseCommon

from ..tools import sheets

ROLES = ("clerk", "agent", "marketer", "campus", "manager")

HEADER = ("order number", "line", "date", "buyer", "buyer name", "product", "paid")


class HstyleCommon(BaseCommon):
    """A shop, a user for each role, and a way to import orders."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for role in ROLES:
            group = f"hstyle_crm.hstyle_crm_group_{role}"
            user = new_test_user(
                cls.env, login=f"hstyle_{role}", groups=group, lang="en_US"
            )
            setattr(cls, role, user)
        cls.company = cls.env.company
        cls.company.write({"country_id": cls.env.ref("base.cn").id})
        cls.company.hstyle_tz = "UTC"
        cls.shop = cls._create_shop()
        cls.env["hstyle.profile"]._refresh()

    @classmethod
    def _create_shop(cls, name="Tmall flagship", **values):
        values = {"platform": "tmall", "tz": "UTC", **values}
        return cls.env["hstyle.shop"].create({"name": name, **values})

    @classmethod
    def _write_csv(cls, rows, header=HEADER, encoding="utf-8"):
        text = io.StringIO(newline="")
        csv.writer(text).writerows([header, *rows])
        return text.getvalue().encode(encoding)

    @classmethod
    def _new_import(cls, content, filename="orders.csv", shop=None, user=None):
        values = {"shop_id": (shop or cls.shop).id, "filename": filename}
        model = cls.env["hstyle.import"].with_user(user or cls.clerk)
        return model.create({**values, "file": b64encode(content)})

    @classmethod
    def _import(cls, rows, header=HEADER, **options):
        """Import rows as a clerk does; return the finished import."""
        record = cls._new_import(cls._write_csv(rows, header), **options)
        record.action_import()
        return record

    @classmethod
    def _create_currency(cls, rate):
        """Create a currency of which so much is one of the company's."""
        rates = [Command.create({"name": "2020-01-01", "rate": rate})]
        values = {"name": "XTS", "symbol": "X", "rate_ids": rates}
        return cls.env["res.currency"].create(values)

    @classmethod
    def _create_partner(cls, name="Mei", **values):
        return cls.env["res.partner"].create({"name": name, **values})

    def _open_download(self, action):
        """Return the rows of the sheet that an action downloads, as text."""
        attachment_id = int(action["url"].split("/")[3].split("?")[0])
        content = self.env["ir.attachment"].browse(attachment_id).raw
        return [row for _number, row in sheets.read_rows(io.BytesIO(content), "a.xlsx")]

    def _count(self, *models):
        return [self.env[model].search_count([]) for model in models]

    def _get_profile(self, partner):
        return self.env["hstyle.profile"].search([("partner_id", "=", partner.id)])

    def _get_buyer(self, ref):
        return self.env["hstyle.buyer"].search([("ref", "=", ref)]).partner_id


class HstylePointsCommon(HstyleCommon):
    """A program of one point per unit of money, a dress of 100, and a member."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["loyalty.program"].search([]).active = False
        cls.program = cls._create_program()
        cls.dress = cls._create_product("Dress", 100)
        cls.partner = cls._create_partner()
        cls.salesperson = new_test_user(
            cls.env, login="hstyle_seller", groups="sales_team.group_sale_salesman"
        )

    @classmethod
    def _create_program(cls, **values):
        reward = {
            "reward_type": "discount",
            "discount_mode": "per_point",
            "discount": 1,
            "discount_applicability": "order",
            "required_points": 1,
        }
        rule = {"reward_point_mode": "money", "minimum_qty": 0}
        return cls.env["loyalty.program"].create(
            {
                "name": "Member points",
                "program_type": "loyalty",
                "applies_on": "future",
                "trigger": "auto",
                "company_id": cls.env.company.id,
                "managed": True,
                "rule_ids": [Command.create(rule)],
                "reward_ids": [Command.create(reward)],
                **values,
            }
        )

    @classmethod
    def _create_product(cls, name, price, **values):
        return cls.env["product.product"].create(
            {
                "name": name,
                "list_price": price,
                "taxes_id": [],
                "type": "service",
                "invoice_policy": "order",
                **values,
            }
        )

    def _create_card(self, points=0, partner=None, **values):
        values = {"partner_id": (partner or self.partner).id, **values}
        card = self.env["loyalty.card"].create(
            {"program_id": self.program.id, **values}
        )
        if points:
            card._post([card._prepare_move("bonus", points, "Welcome")])
        return card

    def _get_card(self, partner=None):
        domain = [("partner_id", "=", (partner or self.partner).id)]
        return self.env["loyalty.card"].search(domain)

    def _create_order(self, quantity=1, partner=None, spend=None, user=None, **values):
        """Create a quotation, by a salesperson; ``spend`` is a number of points."""
        line = {"product_id": self.dress.id, "product_uom_qty": quantity}
        values = {"partner_id": (partner or self.partner).id, **values}
        orders = self.env["sale.order"].with_user(user or self.salesperson)
        order = orders.create({"order_line": [Command.create(line)], **values})
        order._update_programs_and_rewards()
        if spend:
            order.points_wanted = spend
            card = self._get_card(partner)
            self.assertFalse(order._apply_program_reward(self.program.reward_ids, card))
        return order

    def _sell(self, *args, **options):
        order = self._create_order(*args, **options)
        order.action_confirm()
        return order

    def _invoice(self, order):
        invoice = order.sudo()._create_invoices()
        invoice.action_post()
        return invoice

    def _refund(self, invoice, quantity=None):
        """Credit an invoice: all of it, or so many pieces of each line."""
        reversal = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        action = reversal.create({"journal_id": invoice.journal_id.id}).refund_moves()
        refund = self.env["account.move"].browse(action["res_id"])
        if quantity is not None:
            refund.invoice_line_ids.quantity = quantity
        refund.action_post()
        return refund

    def _get_rows(self, card):
        """Return (kind, points) of the ledger, oldest first."""
        rows = card.history_ids.sorted("id")
        return [(row.kind, row.points) for row in rows]

    def assertBalance(self, card, points, pending=0):
        """The balance is as said, and rows, lots and draws agree with it."""
        self.env.flush_all()
        card.invalidate_recordset()
        self.assertEqual((card.points, card.points_pending), (points, pending))
        rows = card.history_ids
        self.assertAlmostEqual(sum(rows.mapped("points")), points + pending)
        self.assertAlmostEqual(sum(rows.mapped("remaining")), points + pending)
        self.assertFalse(self.env["loyalty.card"]._find_faults(card.ids))


class HstyleTiersCommon(HstylePointsCommon):
    """Silver from an order on, gold from 1000 and platinum from 3000 a year."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.partner.grade"].search([("is_tier", "=", True)]).is_tier = False
        cls.silver = cls._create_tier("Silver", "orders", 1, validity_months=0)
        cls.gold = cls._create_tier("Gold", "spend", 1000, keep=800)
        cls.platinum = cls._create_tier("Platinum", "spend", 3000)
        cls.memberships = cls.env["hstyle.membership"]

    @classmethod
    def _create_tier(cls, name, measure, threshold, keep=None, **values):
        tiers = cls.env["res.partner.grade"]
        number = len(tiers.search([("is_tier", "=", True)]))
        window = "entry" if measure == "orders" else "rolling"
        rules = [{"measure": measure, "window": window, "threshold": threshold}]
        if keep is not None:
            rules.append({**rules[0], "purpose": "keep", "threshold": keep})
        tier = tiers.create(
            {
                "name": name,
                "is_tier": True,
                "sequence": 100 + number,
                "validity_end": "day",
                "rule_ids": [Command.create(rule) for rule in rules],
                **values,
            }
        )
        tier.rule_ids._activate()
        return tier

    def _buy(self, amount, day, partner=None):
        """Let a customer confirm an order on a day, and the tills do their part."""
        with freeze_time(f"{day} 12:00:00"):
            order = self._create_order(1, partner=partner, date_order=f"{day} 11:00:00")
            order.order_line.price_unit = amount
            order.action_confirm()
            order.date_order = f"{day} 11:00:00"
            self.env.flush_all()
        return order

    def _close_tills(self):
        """Let orders be confirmed without a look at tiers, as an import is."""
        self.patch(type(self.env["sale.order"]), "_settle_tiers", lambda _orders: None)

    def _pass_night(self, day):
        """Run the nightly job on a day; return the moves that it made."""
        before = self.env["hstyle.tier.move"].search([]).ids
        with freeze_time(f"{day} 20:00:00"), self.enter_registry_test_mode():
            self.env.ref("hstyle_crm.ir_cron_tier").method_direct_trigger()
        self.env.invalidate_all()
        return self.env["hstyle.tier.move"].search([("id", "not in", before)])

    def _get_member(self, partner=None):
        partner = partner or self.partner
        return self.memberships.search([("partner_id", "=", partner.id)])

    def assertTier(self, tier, partner=None):
        partner = partner or self.partner
        self.env.invalidate_all()
        self.assertEqual(partner.grade_id.name, (tier and tier.name) or False)
        self.assertEqual(self._get_member(partner).grade_id, partner.grade_id)
