"""The commands of ``./dev``."""

import argparse
import os
import sys

from . import bench, dashboard, database, demo, i18n, lint, server, testing
from .console import Problem

SUMMARY = (
    "Everything the work on HSTYLE CRM takes; whatever is missing is set up first."
)
NOTES = """\
All that is made lies in .dev/; remove that folder to start over.

environment:
  ODOO_HOME   a checkout of Odoo 19.0 to use in place of Debian's package
  PGHOST      a PostgreSQL server (with PGPORT, PGUSER, PGPASSWORD) to use for ours
"""


def _add_db(commands):
    db = commands.add_parser("db", help="create, drop or list databases")
    actions = db.add_subparsers(metavar="ACTION", required=True)
    create = actions.add_parser("create", help="clone the template with the addons")
    create.add_argument("name")
    create.set_defaults(run=lambda options: database.create(options.name))
    drop = actions.add_parser("drop", help="drop a database, even one in use")
    drop.add_argument("name")
    drop.set_defaults(run=lambda options: database.drop(options.name))
    listing = actions.add_parser("list", help="name the databases")
    listing.set_defaults(run=lambda options: print(*database.names(), sep="\n"))


def _add_demo(commands):
    parser = commands.add_parser("demo", help="serve a database with a retailer's year")
    parser.add_argument("--fresh", action="store_true", help="start over")
    parser.add_argument("--port", type=int, default=8069, help="first port to try")
    parser.set_defaults(run=lambda options: demo.run(options.fresh, options.port))


def _add_rest(commands, name, run, metavar, text):
    """Add a command that hands all its arguments on."""
    parser = commands.add_parser(name, help=text, add_help=False, prefix_chars="\0")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar=metavar)
    parser.set_defaults(run=lambda options: run(options.arguments))


def _parser():
    parser = argparse.ArgumentParser(
        prog="./dev",
        description=SUMMARY,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_demo(commands)
    text = "run the tests, or those named, or with --host Odoo's own of what we extend"
    _add_rest(commands, "test", testing.run, "PYTEST", text)
    checks = commands.add_parser("lint", help="check the code, the data and the texts")
    checks.add_argument("--fix", action="store_true", help="repair what can be")
    checks.set_defaults(run=lambda options: lint.run(options.fix))
    measure = commands.add_parser("bench", help="run a bench, or name them all")
    measure.add_argument("name", nargs="?")
    measure.set_defaults(run=lambda options: bench.run(options.name))
    shell = commands.add_parser(
        "shell", help="open an Odoo shell, or run a script in it"
    )
    shell.add_argument("--database", help="default: demo if it exists, else dev")
    shell.set_defaults(run=lambda options: server.shell(options.database))
    _add_rest(commands, "odoo", server.odoo, "ARGUMENT", "run Odoo's own commands")
    _add_db(commands)
    texts = commands.add_parser("i18n", help="bring the translations up to date")
    texts.set_defaults(run=lambda options: i18n.run())
    boards = commands.add_parser("dashboards", help="write the files of dashboards")
    boards.set_defaults(run=lambda options: dashboard.run())
    return parser


def main():
    """Run the command that the developer names, or explain them all."""
    # The database server's user must reach the programs we install.
    os.umask(0o022)
    parser = _parser()
    options = parser.parse_args()
    if "run" not in options:
        parser.print_help()
        return
    try:
        sys.exit(options.run(options))
    except Problem as problem:
        sys.exit(f"{problem}")
    except KeyboardInterrupt:
        sys.exit(130)
