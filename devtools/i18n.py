"""Translations: the template and the Chinese of each addon, brought up to date."""

from . import database
from .console import progress, run_logged
from .database import ODOO, REMEDY
from .environment import prepare
from .paths import addons


def run():
    """Write the template and zh_CN of every addon, keeping what is translated."""
    with database.scratch("i18n") as name, progress("Translations"):
        export = [*ODOO, "i18n", "export", "-d", name, "-l", "pot", "zh_CN"]
        run_logged("i18n", [*export, "--", *addons()], remedy=REMEDY, env=prepare())
