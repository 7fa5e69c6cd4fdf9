"""Translations: the template and the Chinese of each addon, brought up to date."""

import subprocess

from . import database, server
from .console import Problem, progress
from .database import ODOO
from .environment import prepare

# Not `odoo i18n export`: it empties a file before it reads the words that are in it.
EXPORT = """
from io import BytesIO
from odoo.tools.translate import trans_export
from devtools.paths import ROOT, addons
for addon in addons():
    for lang, name in ((None, f"{addon}.pot"), ("zh_CN", "zh_CN.po")):
        words = BytesIO()
        trans_export(lang, [addon], words, "po", env)
        (ROOT / addon / "i18n" / name).write_bytes(words.getvalue())
"""


def run():
    """Write the template and zh_CN of every addon, keeping what is translated."""
    with database.scratch("i18n") as name, progress("Translations"):
        shell = [*ODOO, "shell", "-d", name, *server.QUIET]
        done = subprocess.run(shell, input=EXPORT, env=prepare(), text=True)
    if done.returncode:
        raise Problem("The translations could not be written; the reason is above.")
