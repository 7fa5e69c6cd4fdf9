"""The benches: scripts in ``bench/`` that print what they measured."""

import subprocess

from .console import Problem
from .database import PYTHON
from .environment import prepare
from .paths import ROOT


def _names():
    return sorted(path.stem for path in ROOT.glob("bench/*.py"))


def run(name):
    """Run a bench, or name them all."""
    if not name:
        print(*_names(), sep="\n")
        return 0
    if name not in _names():
        raise Problem(
            f"There is no bench/{name}.py.\nRemedy: ./dev bench names them all."
        )
    return subprocess.run([PYTHON, f"bench/{name}.py"], env=prepare()).returncode
