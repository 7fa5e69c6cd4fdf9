"""Databases with the addons installed, cloned from a template in about a second.

Two templates lie behind a clone. The *host* has Odoo with all that our addons depend
on, in English and Chinese. It takes a minute or two, and is made anew when the
dependencies or the lock file change. The *addons* template is a clone of it with our
addons installed and the pages' assets built. It takes a quarter of a minute, and is
made anew when the addons' files change.
"""

import ast
import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from . import odoo_package
from .console import Problem, progress, run_logged
from .environment import prepare
from .paths import LOCKS, ROOT, VENV, addons, filestore
from .steps import digest, lock

PYTHON = VENV / "bin/python"
ODOO = [PYTHON, "-m", "odoo"]
# The first one is the default of new users.
LANGUAGES = "en_US,zh_CN"
# The templates belong to this clone of the repository, as their attachments do.
FAMILY = f"tpl_{digest(str(ROOT))[:6]}"
REMEDY = "the log names the fault; ./dev test runs again once it is repaired"


def sql(statement, database="postgres"):
    """Run a statement by psql; return the lines of its answer."""
    psql = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement]
    done = subprocess.run(psql, env=prepare(), capture_output=True, text=True)
    if done.returncode:
        raise Problem(f"The database server refused: {done.stderr.strip()}")
    return done.stdout.splitlines()


def names():
    """Return the names of all databases but the server's own."""
    return sql(
        "SELECT datname FROM pg_database"
        " WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname"
    )


def exists(name):
    """Tell whether there is a database of that name."""
    return name in names()


def drop(name):
    """Drop a database, even one in use, and its attachments."""
    sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    shutil.rmtree(filestore(name), ignore_errors=True)


def clone(source, name):
    """Copy a database and link its attachments, whose files never change."""
    sql(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')
    if filestore(source).exists():
        shutil.copytree(filestore(source), filestore(name), copy_function=os.link)


def create(name):
    """Make a database with the addons installed."""
    if exists(name):
        raise Problem(f"The database {name} exists.\nRemedy: ./dev db drop {name}")
    with lock("template"):
        clone(_template(), name)


def create_host(name):
    """Make a database with all that the addons depend on, without the addons."""
    with lock("template"):
        clone(_host(), name)


def _alive(pid):
    return Path(f"/proc/{pid}").exists()


@contextlib.contextmanager
def scratch(kind):
    """Lend a database with the addons installed, and drop it in the end.

    Those of processes that were killed before they could are dropped first.
    """
    for name in names():
        if re.fullmatch(rf"{kind}_\d+", name) and not _alive(name.split("_")[1]):
            drop(name)
    name = f"{kind}_{os.getpid()}"
    create(name)
    try:
        yield name
    finally:
        drop(name)


def _manifest(addon):
    return ast.literal_eval((ROOT / addon / "__manifest__.py").read_text())


def _dependencies():
    """Return the addons of others that ours depend on."""
    ours = addons()
    needed = {name for addon in ours for name in _manifest(addon)["depends"]}
    return sorted(needed - set(ours))


def _sources(addon):
    """Return the files of an addon that decide what a database holds."""
    folder = ROOT / addon
    skipped = (folder / "tests", folder / "readme")
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        path
        for path in files
        if "__pycache__" not in path.parts
        and not any(map(path.is_relative_to, skipped))
    )


def _host_name():
    inputs = [LOCKS / "requirements.txt", str(odoo_package.home()), LANGUAGES]
    return f"{FAMILY}_host_{digest(*inputs, *_dependencies())}"


def addons_key():
    """Return the digest of what a database with the addons is made of."""
    return digest(
        _host_name(), *(path for addon in addons() for path in _sources(addon))
    )


def fill(name, *options):
    """Install or upgrade modules in a database; see ``devtools/fill.py``."""
    command = [PYTHON, "-m", "devtools.fill", name, *options]
    run_logged("fill", command, remedy=REMEDY, env=prepare())


def publish(draft, name):
    """Give a finished database its name; its attachments go with it."""
    sql(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    shutil.rmtree(filestore(name), ignore_errors=True)
    if filestore(draft).exists():
        filestore(draft).rename(filestore(name))


def remark(name, text):
    """Note something about a database."""
    sql(f"COMMENT ON DATABASE \"{name}\" IS '{text}'")


def remarks(name):
    """Return what was noted about a database."""
    select = "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
    return sql(f"{select} WHERE datname = '{name}'")[0]


def _build(name, title, source, action):
    """Make a template under a passing name, and drop its predecessors."""
    draft = f"{name}_draft"
    with progress(title):
        drop(draft)
        clone(source, draft)
        action(draft)
        publish(draft, name)
    kind = name.rpartition("_")[0]
    for old in names():
        if old.startswith(f"{kind}_") and old != name:
            drop(old)


def _host():
    """Return the template with all that our addons depend on."""
    name = _host_name()
    if not exists(name):
        _build(name, "Odoo and what the addons depend on", "template0", _fill_host)
    return name


def _fill_host(draft):
    fill(draft, "--language", LANGUAGES, "--install", "base", *_dependencies())


def _fill_addons(draft):
    fill(draft, "--assets", "--install", *addons())


def _template():
    """Return the template with our addons, made anew if their files have changed."""
    name = f"{FAMILY}_addons_{addons_key()}"
    if not exists(name):
        _build(name, "Template with the addons", _host(), _fill_addons)
    return name
