"""Speaking to the developer, and running commands that take their time."""

import contextlib
import subprocess
import sys
import threading
import time

from .paths import LOGS


class Problem(Exception):
    """Something is missing or failed; the text says what, and the remedy."""


def say(text):
    """Print a line for the developer, away from a command's own output."""
    print(text, file=sys.stderr, flush=True)


def _show(title, seconds, end):
    """Show how long the step has been running, on one line of a terminal."""
    start = "\r" if sys.stderr.isatty() else ""
    print(f"{start}· {title}: {seconds:.0f} s", end=end, file=sys.stderr, flush=True)


def _tick(title, began, stop):
    """Show progress each second on a terminal, and rarely in a log."""
    pause, end = (1, "") if sys.stderr.isatty() else (15, "\n")
    while not stop.wait(pause):
        _show(title, time.monotonic() - began, end)


@contextlib.contextmanager
def progress(title):
    """Show how the step proceeds, and how long it took in the end."""
    began, stop = time.monotonic(), threading.Event()
    say(f"· {title} …")
    ticker = threading.Thread(target=_tick, args=(title, began, stop), daemon=True)
    ticker.start()
    try:
        yield
    finally:
        stop.set()
        ticker.join()
        _show(title, time.monotonic() - began, "\n")


def _tail(log, count=15):
    """Return the last lines of a log, indented."""
    lines = log.read_text(errors="replace").splitlines()[-count:]
    return "\n".join(f"    {line}" for line in lines)


def run_logged(name, command, *, remedy, **options):
    """Run a command with its output in a log, and quote that if it fails."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    with log.open("w") as output:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **options,
        )
    if done.returncode:
        raise Problem(
            f"{command[0]} failed ({name}):\n{_tail(log)}\n"
            f"The whole log: {log}\nRemedy: {remedy}"
        )
    return log
