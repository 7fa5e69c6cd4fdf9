"""Odoo 19: the one at hand, or Debian's package."""

import importlib.machinery
import os
import shutil
from pathlib import Path

from . import apt
from .console import Problem, progress
from .paths import DEV, site_packages
from .steps import once, replace_file, replace_folder

UNPACKED = DEV / "odoo"
PACKAGES = [
    *(
        f"{name}/unstable"
        for name in (
            "odoo-19",
            "libjs-jquery",
            "libjs-jquery-form",
            "libjs-underscore",
            "fonts-roboto-unhinted",
            "fonts-montserrat",
            "fonts-ocr-b",
            "fonts-glyphicons-halflings",
        )
    ),
    # Newer versions of these two have moved the files that Odoo links to.
    "fonts-font-awesome/bookworm",
    "fonts-inconsolata/bookworm",
]

# Debian leaves out the library that blurs the background of video calls, and Odoo logs
# an error whenever it builds the pages' scripts without it.
LEFT_OUT = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"
PACKAGE = Path("usr/lib/python3/dist-packages")


def _is_odoo_19(home):
    """Tell whether the folder holds the package ``odoo`` of version 19."""
    release = home / "odoo" / "release.py"
    return release.is_file() and "version_info = (19, 0" in release.read_text()


def _importable():
    """Return the folder from which this Python imports Odoo 19, if it does."""
    spec = importlib.machinery.PathFinder.find_spec("odoo")
    places = spec.submodule_search_locations if spec else []
    homes = [Path(place).parent for place in places or []]
    return next((home for home in homes if _is_odoo_19(home)), None)


def _named():
    """Return the checkout that ODOO_HOME names, if it does."""
    if "ODOO_HOME" not in os.environ:
        return None
    home = Path(os.environ["ODOO_HOME"]).resolve()
    if not _is_odoo_19(home):
        raise Problem(
            f"ODOO_HOME={home} holds no Odoo 19.0.\n"
            "Remedy: name the folder with odoo/release.py, or unset ODOO_HOME."
        )
    return home


def _fetch():
    """Unpack Debian's package and what its links point to."""
    draft = DEV / "odoo.draft"
    shutil.rmtree(draft, ignore_errors=True)
    with progress("Odoo 19 from Debian (132 MB)"):
        apt.refresh()
        apt.unpack("odoo", PACKAGES, draft)
    _check_links(draft)
    replace_file(
        draft / PACKAGE / "odoo/addons" / LEFT_OUT, "// Not in Debian's package.\n"
    )
    replace_folder(draft, UNPACKED)


def _check_links(folder):
    """Insist that no link dangles: pages with a missing file answer 500."""
    dangling = [p for p in folder.rglob("*") if p.is_symlink() and not p.exists()]
    if dangling:
        names = "\n".join(f"    {path} -> {path.readlink()}" for path in dangling[:10])
        raise Problem(
            f"Debian's packages have moved files that Odoo links to:\n{names}\n"
            "Remedy: name the suite that still has them in devtools/odoo_package.py."
        )


def _debian():
    """Return the folder of Debian's Odoo, after fetching it if need be."""
    once("odoo", [*PACKAGES, LEFT_OUT], _fetch)
    return UNPACKED / PACKAGE


def home():
    """Return the folder that holds the package ``odoo``."""
    return _named() or _importable() or _debian()


def addons_paths(odoo_home):
    """Return the folders of Odoo's addons beside those of the package itself.

    A checkout has most of them there. Debian's package has the same folder, by an
    oversight, with the Python files alone.
    """
    folder = odoo_home / "addons"
    return [folder] if (folder / "web/static").is_dir() else []


def link(odoo_home):
    """Make Odoo importable in our environment, and visible to pip."""
    replace_file(site_packages() / "odoo.pth", f"{odoo_home}\n")
