"""Processes that do something at the same moment, as a server's workers do.

They are forks of a process with a loaded registry, as Odoo's own workers are. A call
goes through the host's `retrying`, as each request does.
"""

import contextlib
import functools
import multiprocessing
import os
import signal
import time
import types
from concurrent.futures import ProcessPoolExecutor

from odoo import SUPERUSER_ID, api, sql_db
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.service import model as service

PATIENCE = 60  # seconds for workers to meet
# The host waits up to 2, 4, 8 and 16 seconds between its five tries. The workers here
# wait a twentieth, so that they meet as often as thousands of tills would.
HASTE = 20
FORK = multiprocessing.get_context("fork")
#: Where the workers meet.
shared = types.SimpleNamespace(barrier=None)


def hurry():
    """Shorten the pauses of the host's retries, and only those."""
    sleep = time.sleep
    service.time = types.SimpleNamespace(sleep=lambda wait: sleep(wait / HASTE))


def call(database, function, *arguments):
    """Call a function as the host calls a request: up to five times."""
    with Registry(database).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        return service.retrying(functools.partial(function, env, *arguments), env)


def attempt(database, function, *arguments):
    """Call a function; return how it ended. Any other end is a fault."""
    try:
        call(database, function, *arguments)
    except UserError as error:
        again = type(error).__name__ == "TryAgainError"
        return "again" if again else f"refused: {error}"
    return "done"


@contextlib.contextmanager
def workers(count):
    """Lend a pool of processes that start their work at the same moment."""
    # A connection must not be shared by forks: the host's server does the same.
    sql_db.close_all()
    shared.barrier = FORK.Barrier(count, timeout=PATIENCE)
    with ProcessPoolExecutor(count, mp_context=FORK, initializer=hurry) as pool:
        yield pool


def gate():
    """Return a function that makes the workers meet, on their first try only."""
    gates = [shared.barrier]
    return lambda: gates and gates.pop().wait()


def meet():
    """Wait for the other workers."""
    shared.barrier.wait()


def kill(function, *arguments):
    """Run a function in a process that must kill itself by `die`."""
    sql_db.close_all()
    process = FORK.Process(target=function, args=arguments)
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL


def die():
    """End this process as a power failure would."""
    os.kill(os.getpid(), signal.SIGKILL)
