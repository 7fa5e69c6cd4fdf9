"""The demo: a retailer's year in Odoo, on an address of this machine."""

import itertools
import socket
import subprocess

from . import database, server
from .console import Problem, progress, say
from .database import ODOO, PYTHON
from .environment import prepare
from .paths import ROOT

NAME = "demo"
DRAFT = "demo_draft"
LOAD = """
from devtools.demo_data import load
load(env)
env.cr.commit()
"""


def _load(name):
    """Load the data by a script in an Odoo shell, which tells how it proceeds."""
    shell = [*ODOO, "shell", "-d", name, *server.QUIET]
    done = subprocess.run(shell, input=LOAD, env=prepare(), text=True)
    if done.returncode:
        raise Problem("The demo's data could not be loaded; the reason is above.")


def _create():
    """Make the demo under a passing name, so that there is a whole one or none."""
    database.drop(DRAFT)
    database.create(DRAFT)
    say("· Real purchases, imported by the addon")
    _load(DRAFT)
    database.publish(DRAFT, NAME)
    database.remark(NAME, database.addons_key())


def _upgrade():
    """Bring the demo up to date with the addons' files."""
    with progress("Demo upgraded to the changed addons"):
        database.fill(NAME, "--assets", "--upgrade", *database.addons())
    database.remark(NAME, database.addons_key())


def _is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _start_sms(port):
    """Start a provider of SMS beside the demo, which ends with it."""
    get = "SELECT value FROM ir_config_parameter WHERE key = 'hstyle_crm.demo_replies'"
    replies = database.sql(get, NAME)
    if not replies:
        return  # made before there were SMS: --fresh gives them
    own = next(filter(_is_free, itertools.count(port + 1)))
    url = f"http://127.0.0.1:{own}"
    update = "UPDATE ir_config_parameter SET value = '{}' WHERE key = '{}'"
    database.sql(update.format(url, "hstyle_crm.tencent_sms_url"), NAME)
    callback = f"http://127.0.0.1:{port}{replies[0]}"
    program = ROOT / "hstyle_crm/tests/sms_provider.py"
    subprocess.Popen([PYTHON, program, str(own), callback], env=prepare())
    say(f"· SMS of the demo, and replies to them: {url}")


def run(fresh, port):
    """Serve the demo, after making it or bringing it up to date if need be."""
    if fresh:
        database.drop(NAME)
    if not database.exists(NAME):
        _create()
    elif database.remarks(NAME) != database.addons_key():
        _upgrade()
    port = next(filter(_is_free, itertools.count(port)))
    _start_sms(port)
    say(f"· http://127.0.0.1:{port}/odoo in a few seconds: login admin, password admin")
    say(f"  Its shop is http://127.0.0.1:{port}/shop, as a customer sees it.")
    say("  Ctrl-C stops it, and ./dev demo takes it up again.")
    options = [f"--http-port={port}", "--workers=0", "--max-cron-threads=1"]
    server.odoo(["-d", NAME, *options, "--log-level=warn"])
