"""Odoo's own commands, with our configuration."""

import os

from . import database
from .console import say
from .database import ODOO
from .environment import prepare

QUIET = ["--no-http", "--max-cron-threads=0", "--log-level=warn"]


def odoo(arguments):
    """Become Odoo with the given arguments."""
    environment = prepare()
    command = [str(part) for part in [*ODOO, *arguments]]
    os.execve(command[0], command, environment)


def _default():
    """Return the database to look at when none is named."""
    if database.exists("demo"):
        return "demo"
    if not database.exists("dev"):
        database.create("dev")
    return "dev"


def shell(name):
    """Become an Odoo shell, which runs a script if standard input is one."""
    name = name or _default()
    if not database.exists(name):
        database.create(name)
    say(f"· Odoo shell on the database {name}")
    odoo(["shell", "-d", name, *QUIET])
