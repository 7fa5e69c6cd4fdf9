import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools import file_path
from odoo.tools.translate import TranslationModuleReader


@tagged("post_install", "-at_install")
class TestI18n(TransactionCase):
    def test_chinese_is_complete(self):
        """Each text that the addon shows now has its Chinese words."""
        chinese = {
            entry.msgid: entry.msgstr
            for entry in polib.pofile(file_path("hstyle_crm_dashboard/i18n/zh_CN.po"))
            if not entry.fuzzy
        }
        reader = TranslationModuleReader(self.env.cr, modules=["hstyle_crm_dashboard"])
        missing = {term[4] for term in reader if not chinese.get(term[4])}
        self.assertGreater(len(chinese), 0)
        self.assertEqual(sorted(missing), [])
