"""Virtual environments, made from a lock file each."""

import shutil
import sys

from .console import Problem, progress, run_logged
from .paths import LOCKS
from .steps import once
from .tools import tool_environment

REMEDY = "check that 'pip download ruff' works on this machine, then repeat the command"


def _require_venv():
    """Insist on the part of Python that Debian packages apart."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise Problem(
            f"{sys.executable} cannot make virtual environments.\n"
            "Remedy: on Debian, 'apt-get install python3-venv'."
        ) from None


def install(folder, lock):
    """Install the packages that a lock file names."""
    pip = [
        folder / "bin/python",
        "-m",
        "pip",
        "install",
        "--no-input",
        "-r",
        LOCKS / lock,
    ]
    run_logged(f"pip-{folder.name}", pip, remedy=REMEDY, env=tool_environment())


def build(folder, lock, title):
    """Make a virtual environment, anew whenever its lock file has changed."""

    def action():
        _require_venv()
        with progress(title):
            shutil.rmtree(folder, ignore_errors=True)
            command = [sys.executable, "-m", "venv", folder]
            run_logged(f"venv-{folder.name}", command, remedy="see the log")
            install(folder, lock)

    python = ".".join(map(str, sys.version_info[:2]))
    once(folder.name, [LOCKS / lock, python, str(folder)], action)
