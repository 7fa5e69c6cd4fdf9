import csv
import io
from base64 import b64encode

from odoo import Command
from odoo.tests import new_test_user

from odoo.addons.base.tests.common import BaseCommon

from ..tools import sheets

ROLES = ("clerk", "agent", "marketer", "manager")

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
