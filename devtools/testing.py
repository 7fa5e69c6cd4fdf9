"""The tests: those of the addons inside Odoo, then those around it."""

import ast
import os
import re
import subprocess
from xml.etree import ElementTree

from . import browser, database, odoo_package
from .console import Problem
from .database import PYTHON
from .environment import prepare
from .paths import CACHE, LOGS, ROOT, addons

NOTHING_RAN = 5  # pytest's exit code
#: The host's addons whose suites must pass beside our addons, and their tests in 19.0.
HOST = (
    "loyalty",
    "sale_loyalty",
    "partnership",
    "website_sale_loyalty",
    "crm",
    "mass_mailing",
    "portal",
    "rating",
)
HOST_TESTS = 376
#: Tests of theirs that are left out → why.
HOST_LEFT_OUT = {
    "test_mailing_on_res_partner": "it writes to customers who never agreed to it, "
    "which our gate refuses",
    "test_mailing_editor_tour": "it runs out of time without our addons, too",
    "test_mass_mailing_code_view_tour": "it runs out of time without our addons, too",
}
RECORD = re.compile(r"^\d{4}-\d\d-\d\d \S+ \d+ (?P<level>[A-Z]+) \S+ \S+: ")


def _unimported(addon):
    """Return the test files that Odoo itself would never see."""
    folder = ROOT / addon / "tests"
    files = {path.stem for path in folder.glob("test_*.py")}
    if not files:
        return []
    nodes = ast.parse((folder / "__init__.py").read_text()).body
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    imported = {alias.name for node in imports for alias in node.names}
    return [f"{addon}/tests/{name}.py" for name in sorted(files - imported)]


def _require_imports():
    """Insist that each test file is imported, or Odoo's own runner skips it."""
    forgotten = [path for addon in addons() for path in _unimported(addon)]
    if forgotten:
        raise Problem(
            f"Test files nobody imports: {', '.join(forgotten)}\n"
            "Remedy: import them in the __init__.py beside them."
        )


def records(log):
    """Return the level and the text of each record in Odoo's log."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        match = RECORD.match(line)
        if match:
            found.append([match["level"], line])
        elif found:
            found[-1][1] += f"\n{line}"
    return found


def _is_fault(level, text):
    """Tell whether a record is an error, or a warning that is about our code."""
    ours = "hstyle" in text.replace(str(ROOT), "")
    return level in {"ERROR", "CRITICAL"} or (level == "WARNING" and ours)


def faults(log):
    """Return the errors in Odoo's log, and the warnings that are ours."""
    return [text for level, text in records(log) if _is_fault(level, text)]


def _require_clean(draft):
    """Insist on a log without faults: Odoo's tests pass in spite of them."""
    log = draft.replace(LOGS / "test.log")
    found = faults(log)
    if found:
        texts = "\n".join(found)
        raise Problem(f"\n{texts}\nThe server's log holds {len(found)} fault(s): {log}")


def _is_test(argument):
    """Tell whether a pytest argument names tests of ours."""
    path = argument.partition("::")[0]
    return path.split("/")[0] in {"tests", *addons()} and (ROOT / path).exists()


def _halves(arguments):
    """Return what to run within Odoo and what around it; an empty half is skipped."""
    options = [argument for argument in arguments if not _is_test(argument)]
    named = [argument for argument in arguments if _is_test(argument)]
    named = named or [*(f"{addon}/tests" for addon in addons()), "tests"]
    outer = [name for name in named if name.split("/")[0] == "tests"]
    inner = [name for name in named if name not in outer]
    return inner and [*inner, *options], outer and [*outer, *options]


def _pytest(*arguments):
    command = [PYTHON, "-m", "pytest", "-o", f"cache_dir={CACHE}/pytest", *arguments]
    return subprocess.run(command, env=prepare()).returncode


def _run_inner(arguments, log):
    """Run tests inside Odoo, on a database of their own."""
    with database.scratch("test") as name:
        # pytest-odoo would hide all that is less than critical.
        odoo = [f"--odoo-database={name}", "--odoo-log-level=warn"]
        return _pytest(*odoo, f"--odoo-extra=logfile={log}", *arguments)


def _verdict(codes, chosen):
    """Return one exit code: 0 if tests ran and none failed.

    A half in which nothing ran is right only where the developer chose the tests.
    """
    if set(codes) - {0, NOTHING_RAN}:
        return 1
    nothing = NOTHING_RAN in codes and not (chosen and 0 in codes)
    return NOTHING_RAN if nothing else 0


def _host_folders():
    """Return the folders of the host's own tests."""
    home = odoo_package.home()
    paths = [home / "odoo/addons", *odoo_package.addons_paths(home)]
    folders = [path / name / "tests" for name in HOST for path in paths]
    return [folder for folder in folders if folder.is_dir()]


def _count(report):
    """Return how many tests ran, by pytest's report in JUnit's format."""
    cases = ElementTree.parse(report).iter("testcase")
    ran = (case for case in cases if case.find("skipped") is None)
    return len({(case.get("classname"), case.get("name")) for case in ran})


def _get_failed(report):
    """Return the class and name of each test that failed, by the same report."""
    cases = ElementTree.parse(report).iter("testcase")
    return [
        f"{case.get('classname').rpartition('.')[2]}.{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]


def _get_others(failed, found):
    """Return the faults that no failed test explains."""
    return [text for text in found if not any(name in text for name in failed)]


def _run_host(options):
    """Run the host's suites, unchanged, with our addons installed.

    By pytest, which runs all of them on the finished database. Odoo's own runner would
    run a fifth of them while it upgrades, before our addons are loaded.
    """
    prepare()
    log, report = LOGS / f"test-host-{os.getpid()}.log", LOGS / "test-host.xml"
    report.unlink(missing_ok=True)
    log.touch()
    ours = ["-c", ROOT / "pyproject.toml", f"--junit-xml={report}"]
    ours += ["-k", f"not ({' or '.join(HOST_LEFT_OUT)})"]  # a later -k wins
    arguments = [*_host_folders(), *ours, *options]
    code = _run_inner(arguments, log)
    ran = _count(report) if report.exists() else 0
    failed = _get_failed(report) if ran else []
    if failed:
        # A step of a tour has ten seconds, which a busy machine may need.
        print(f"Once more: {', '.join(failed)}")
        log.write_text("\n".join(_get_others(failed, faults(log))))
        code = _run_inner([*arguments, "--last-failed"], log)
    _require_clean(log)
    print(f"{ran} tests of the host ran: {', '.join(HOST)}.")
    for name, why in HOST_LEFT_OUT.items():
        print(f"Left out: {name}: {why}.")
    if not options and ran < HOST_TESTS:
        raise Problem(f"There should be {HOST_TESTS} of them; see {report}")
    return code


def run(arguments):
    """Run the tests, and return an exit code; ``--host`` runs the host's instead."""
    if "--host" in arguments:
        return _run_host([option for option in arguments if option != "--host"])
    _require_imports()
    prepare()
    browser.prepare()
    log = LOGS / f"test-{os.getpid()}.log"
    log.touch()
    inner, outer = _halves(arguments)
    codes = [_run_inner(inner, log)] if inner else []
    codes += [_pytest(*outer)] if outer else []
    _require_clean(log)
    return _verdict(codes, chosen=bool(arguments))
