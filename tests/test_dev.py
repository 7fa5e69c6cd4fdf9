"""The development environment itself."""

import subprocess
import textwrap

import pytest

from devtools import apt, postgres, steps, testing
from devtools.console import Problem, run_logged
from devtools.paths import ROOT

STANZAS = """\
# The machine's own.
Types: deb
# A comment within.
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main contrib

Types: deb
URIs: http://other.test/tool
Suites: nodistro
Components: main

Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main
Enabled: no
"""
LINES = """\
# deb http://off.test/debian bookworm main
deb [arch=amd64 signed-by=/keys/debian.gpg] http://mirror.test/debian bookworm main
deb http://mirror.test/security bookworm-security main contrib
deb-src http://mirror.test/debian bookworm main
"""


@pytest.fixture
def dev_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "DEV", tmp_path)
    return tmp_path


def _sources(folder, path, text):
    file = folder / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return [str(source) for source in apt._machine_sources("bookworm", folder)]


def test_sources_in_stanzas(tmp_path):
    assert _sources(tmp_path, "sources.list.d/debian.sources", STANZAS) == [
        f"deb [signed-by=/keys/debian.gpg] http://mirror.test/debian {suite} main"
        for suite in ("bookworm", "bookworm-updates")
    ] + ["deb http://mirror.test/security bookworm-security main"]


def test_sources_in_lines(tmp_path):
    assert _sources(tmp_path, "sources.list.d/debian.list", LINES) == [
        "deb [signed-by=/keys/debian.gpg] http://mirror.test/debian bookworm main",
        "deb http://mirror.test/security bookworm-security main",
    ]


def test_step_is_done_once_for_the_same_inputs(dev_folder):
    done = []
    for inputs in (["a"], ["a"], ["b"]):
        steps.once("step", inputs, lambda: done.append(1))
    assert len(done) == 2


def test_interrupted_step_is_repeated(dev_folder):
    def interrupt():
        raise KeyboardInterrupt

    done = []
    steps.once("step", ["a"], lambda: done.append(1))
    with pytest.raises(KeyboardInterrupt):
        steps.once("step", ["b"], interrupt)
    steps.once("step", ["a"], lambda: done.append(1))
    assert len(done) == 2


def test_digest_follows_the_content(tmp_path):
    file = tmp_path / "file"
    file.write_text("one")
    before = steps.digest(file)
    file.write_text("two")
    assert steps.digest(file) != before


def test_failed_command_names_the_remedy():
    with pytest.raises(Problem, match=r"(?s)no such thing.*Remedy: find it"):
        run_logged("test", ["sh", "-c", "echo no such thing; exit 1"], remedy="find it")


def test_server_moves_out_of_too_long_a_path(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, "DEV", tmp_path / ("long" * 30))
    assert len(f"{postgres._home()}/{postgres.SOCKET}") < postgres.LONGEST_SOCKET


@pytest.mark.parametrize(
    ("arguments", "inner", "outer"),
    [
        ([], ["hstyle_crm/tests"], ["tests"]),
        (["-k", "shop"], ["hstyle_crm/tests", "-k", "shop"], ["tests", "-k", "shop"]),
        (["-x", "tests/test_dev.py::test_a"], [], ["tests/test_dev.py::test_a", "-x"]),
        (["hstyle_crm/tests", "-k", "x"], ["hstyle_crm/tests", "-k", "x"], []),
    ],
)
def test_named_tests_decide_what_runs(arguments, inner, outer, monkeypatch):
    monkeypatch.setattr(testing, "addons", lambda: ["hstyle_crm"])
    assert testing._halves(arguments) == (inner, outer)


@pytest.mark.parametrize(
    ("codes", "chosen", "verdict"),
    [
        ([0, 0], False, 0),
        ([0, 1], False, 1),
        ([-9, 0], False, 1),
        ([5, 0], False, 5),
        ([5, 0], True, 0),
        ([5, 5], True, 5),
    ],
)
def test_verdict(codes, chosen, verdict):
    assert testing._verdict(codes, chosen) == verdict


def test_faults_are_errors_and_our_warnings(tmp_path):
    log = tmp_path / "odoo.log"
    log.write_text(
        textwrap.dedent("""\
        2026-01-01 00:00:00,000 1 INFO db odoo.hstyle: fine
        2026-01-01 00:00:00,000 1 WARNING db odoo.http: theirs
        2026-01-01 00:00:00,000 1 WARNING db odoo.addons.hstyle_crm.models: ours
        2026-01-01 00:00:00,000 1 WARNING db py.warnings: below
          File "/work/hstyle_crm/models/hstyle_shop.py", line 1
        2026-01-01 00:00:00,000 1 ERROR db odoo.http: anybody's
        """)
    )
    loggers = [text.split()[5] for text in testing.faults(log)]
    assert loggers == ["odoo.addons.hstyle_crm.models:", "py.warnings:", "odoo.http:"]


def test_tests_that_ran_are_counted(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        """<testsuites><testsuite tests="4">
        <testcase classname="A" name="one"/>
        <testcase classname="A" name="one"><failure/></testcase>
        <testcase classname="B" name="one"/>
        <testcase classname="B" name="two"><skipped/></testcase>
        </testsuite></testsuites>"""
    )
    assert testing._count(report) == 2


def test_forgotten_test_file_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "addon" / "tests"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("from . import test_seen\n")
    (folder / "test_seen.py").touch()
    (folder / "test_forgotten.py").touch()
    monkeypatch.setattr(testing, "ROOT", tmp_path)
    assert testing._unimported("addon") == ["addon/tests/test_forgotten.py"]


def test_dev_alone_explains_the_commands():
    done = subprocess.run([ROOT / "dev"], capture_output=True, text=True, check=True)
    for command in ("demo", "test", "lint", "bench", "shell", "odoo", "db", "i18n"):
        assert f"\n    {command} " in done.stdout
