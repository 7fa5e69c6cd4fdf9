"""The dashboards of ``hstyle_crm_dashboard``, written from a description in Python.

A dashboard is a page that a manager reads from the top: the numbers of the period
beside those of the one before, then how they came about, then who and what. Odoo's
Community edition shows spreadsheets and has no editor for them.
"""

from ..paths import ROOT
from .customers import members, migration
from .work import campaigns, campus, costs, service

FILES = ROOT / "hstyle_crm_dashboard/data/files"
BOARDS = (members, migration, service, campaigns, campus, costs)


def build():
    """Return the text of each file by its path."""
    boards = {board.__name__: board() for board in BOARDS}
    return {
        FILES / f"{name}_dashboard.json": board.write()
        for name, board in boards.items()
    }


def run():
    """Write the files."""
    FILES.mkdir(parents=True, exist_ok=True)
    for path, text in build().items():
        path.write_text(text)
