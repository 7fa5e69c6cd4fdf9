"""Fixtures for tests around Odoo: real commits, real servers, real clients."""

import contextlib
import datetime
import os
import socket
import subprocess
import time

import pytest
import requests

from devtools import database as databases
from devtools import testing
from devtools.environment import prepare

# Before Odoo is imported: it reads its configuration from the environment.
os.environ.update(prepare())

from odoo import SUPERUSER_ID, api, sql_db
from odoo.modules.registry import Registry
from odoo.tools import config

PATIENCE = 60  # seconds for a server to start


@pytest.fixture(scope="session", autouse=True)
def odoo_config():
    """Configure the Odoo of this process."""
    config.parse_config(["--log-level=warn"], setup_logging=True)


@pytest.fixture(scope="module")
def database():
    """Lend a database with the addons installed, to the tests of one file."""
    with databases.scratch("outside") as name:
        yield name
        Registry.delete(name)
        sql_db.close_db(name)


@pytest.fixture(scope="module")
def transaction(database):
    """Return a context manager: an environment whose changes are committed."""

    @contextlib.contextmanager
    def open_transaction(user=SUPERUSER_ID):
        with Registry(database).cursor() as cr:
            yield api.Environment(cr, user, {})

    return open_transaction


@pytest.fixture
def odoo(database, tmp_path):
    """Return a function that runs Odoo's command line, and returns its log's path."""

    def run(*arguments):
        log = tmp_path / "odoo.log"
        command = [*databases.ODOO, *arguments, "-d", database]
        subprocess.run(command, env=prepare() | {"ODOO_LOGFILE": str(log)}, check=True)
        return log

    return run


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(address, process):
    """Wait until the server answers; it may not, if it ends before."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            if requests.get(f"{address}/web/health", timeout=5).ok:
                return
        time.sleep(0.2)
    pytest.fail(f"The server at {address} does not answer.")


@pytest.fixture(scope="module")
def server(database, tmp_path_factory):
    """Serve the database; return the address. A fault in the log is an error."""
    log, port = tmp_path_factory.mktemp("server") / "odoo.log", _free_port()
    options = ["-d", database, f"--http-port={port}", "--max-cron-threads=0"]
    command = [*databases.ODOO, *options, f"--logfile={log}"]
    process = subprocess.Popen(command, env=prepare())
    try:
        _wait_for(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
    assert not testing.faults(log)


@pytest.fixture(scope="module")
def api_key(transaction):
    """Return a key with which the administrator's programs log in."""
    tomorrow = datetime.datetime.now() + datetime.timedelta(days=1)
    with transaction() as env:
        admin = env.ref("base.user_admin")
        keys = env(user=admin)["res.users.apikeys"]
        return keys._generate("rpc", "tests", tomorrow)


@pytest.fixture(scope="module")
def call(server, api_key):
    """Return a JSON-2 client: ``call(model, method, ids=[1], …)``."""

    def post(model, method, **body):
        headers = {"Authorization": f"bearer {api_key}"}
        url = f"{server}/json/2/{model}/{method}"
        response = requests.post(url, json=body, headers=headers, timeout=PATIENCE)
        assert response.ok, f"{response.status_code}: {response.text}"
        return response.json()

    return post
