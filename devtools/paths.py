"""Where things lie: everything made by ``./dev`` is below ``DEV``."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEV = ROOT / ".dev"
BIN = DEV / "bin"
CACHE = DEV / "cache"
DATA = DEV / "data"
LOGS = DEV / "log"
VENV = DEV / "venv"
LINT_VENV = DEV / "lint-venv"
ODOO_RC = DEV / "odoo.conf"
LOCKS = ROOT / "devtools"


def addons():
    """Return the names of our addons, the folders at the root with a manifest."""
    return sorted(path.parent.name for path in ROOT.glob("*/__manifest__.py"))


def filestore(database):
    """Return the folder of the database's attachments."""
    return DATA / "filestore" / database


def site_packages(venv=VENV):
    """Return the folder of the installed packages of a virtual environment."""
    return next((venv / "lib").glob("python3*/site-packages"))
