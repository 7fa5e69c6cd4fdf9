"""Chromium for the tours, and Chinese glyphs for its pages.

What the machine has is used. What it lacks is unpacked from Debian's packages, with
the libraries that are missing as well. A wrapper in ``.dev/bin``, where Odoo finds it
first, starts the browser.
"""

import os
import shutil
import subprocess

from . import apt
from .console import Problem, progress, say
from .paths import BIN, CACHE, DEV
from .steps import once, replace_file, replace_folder

UNPACKED = DEV / "browser"
FONTS = "fonts-noto-cjk"
FONTS_CONFIG = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
    <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
    <dir>{fonts}</dir>
    <cachedir>{cache}</cachedir>
</fontconfig>
"""
WRAPPER = """\
#!/bin/sh
# Chromium with the libraries and fonts that ./dev unpacked.
export LD_LIBRARY_PATH="{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export FONTCONFIG_FILE="{fonts}"
export HOME="{home}"
exec "{program}" "$@"
"""


def _installed():
    """Return the machine's own browser, by the names under which Odoo looks for it."""
    folders = os.environ["PATH"].split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if folder != str(BIN))
    names = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def _fetch(packages):
    """Unpack packages and all they need that the machine lacks."""
    draft = DEV / "browser.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    apt.refresh()
    lacking = apt.missing(packages)
    if lacking:
        apt.unpack("browser", lacking, draft)
    replace_folder(draft, UNPACKED)


def _libraries():
    """Return the unpacked folders that hold shared libraries."""
    return sorted({str(path.parent) for path in UNPACKED.rglob("*.so*")})


def _write_wrapper(program):
    home, fonts = DEV / "home", DEV / "fonts.conf"
    home.mkdir(exist_ok=True)
    folder = UNPACKED / "usr/share/fonts"
    replace_file(fonts, FONTS_CONFIG.format(fonts=folder, cache=CACHE / "fontconfig"))
    libraries = os.pathsep.join(_libraries())
    text = WRAPPER.format(libraries=libraries, fonts=fonts, home=home, program=program)
    replace_file(BIN / "chromium", text)
    (BIN / "chromium").chmod(0o755)


def _set_up(found):
    """Fetch what is missing; a browser without Chinese glyphs will do."""
    packages = [FONTS] if found else ["chromium", FONTS]
    with progress("Browser and Chinese fonts"):
        try:
            _fetch(packages)
        except Problem as problem:
            if not found:
                raise
            say(f"! Chinese glyphs may be missing: {problem}")
    _write_wrapper(found or UNPACKED / "usr/lib/chromium/chromium")
    _check()


def _check():
    """Insist that the browser starts."""
    version = [BIN / "chromium", "--version"]
    done = subprocess.run(version, capture_output=True, text=True)
    if done.returncode:
        raise Problem(
            f"The browser does not start:\n{done.stderr}\nRemedy: install chromium."
        )


def prepare():
    """See to it that the tours find a browser."""
    found = _installed()
    once("browser", [str(found), FONTS], lambda: _set_up(found))
