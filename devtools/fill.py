"""Install or upgrade modules in a database and build its assets, in one run of Odoo.

It runs in Odoo's environment: ``python -m devtools.fill DATABASE --install sale …``
"""

import argparse
import threading

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config

# What the web client, the portal and the tours load. Odoo's own pre-generation builds
# the suites of its unit tests as well, which takes three times as long.
SCRIPTS = [
    "web.assets_web",
    "web.assets_frontend_minimal",
    "web.assets_frontend_lazy",
    "web.assets_tests",
]
STYLES = ["web.assets_web", "web.assets_web_print", "web.assets_frontend"]


def _parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--install", nargs="*", default=[])
    parser.add_argument("--upgrade", nargs="*", default=[])
    parser.add_argument("--language", default="")
    parser.add_argument("--assets", action="store_true")
    return parser.parse_args()


def _build_assets(env):
    for name in SCRIPTS:
        env["ir.qweb"]._get_asset_bundle(name, css=False, js=True).js()
    for name in STYLES:
        env["ir.qweb"]._get_asset_bundle(name, css=True, js=False).css()


def main():
    """Fill the database as the arguments say."""
    options = _parse()
    language = [f"--load-language={options.language}"] if options.language else []
    config.parse_config(["-d", options.database, *language], setup_logging=True)
    threading.current_thread().dbname = options.database
    registry = Registry.new(
        options.database,
        update_module=True,
        install_modules=options.install,
        upgrade_modules=options.upgrade,
    )
    if options.assets:
        with registry.cursor() as cr:
            _build_assets(api.Environment(cr, SUPERUSER_ID, {}))


if __name__ == "__main__":
    main()
