"""Packages of Debian's archive, unpacked into our folder by apt's own tools.

apt runs with a state, cache and list of sources of its own, so it needs no privilege
and changes nothing on the machine. The mirror and its key are those the machine is
configured with; other suites of the same mirror are added at a priority at which they
are never chosen unless named.
"""

import dataclasses
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .console import Problem, run_logged
from .paths import DEV
from .steps import lock, replace_file

APT = DEV / "apt"
ETC = Path("/etc/apt")
# Odoo 19 is in unstable, and two fonts it links to are as it expects in Debian 12 only.
EXTRA_SUITES = {"unstable": "sid", "bookworm": "bookworm"}
OPTIONS = [
    f"-oDir::State={APT}/state",
    f"-oDir::Cache={APT}/cache",
    f"-oDir::Etc::SourceList={APT}/sources.list",
    "-oDir::Etc::SourceParts=/dev/null",
    f"-oDir::Etc::Preferences={APT}/preferences",
    "-oDir::Etc::PreferencesParts=/dev/null",
    # Root's apt downloads as another user, who may not reach our folder.
    "-oAPT::Sandbox::User=root",
    "-oAcquire::Languages=none",
]
REMEDY = "check that 'apt-get update' works on this machine, then repeat the command"


@dataclasses.dataclass(frozen=True)
class Source:
    """One suite of an archive, as a line of apt's sources."""

    uri: str
    suite: str
    key: str = ""

    def __str__(self):
        options = f"[signed-by={self.key}] " if self.key else ""
        return f"deb {options}{self.uri} {self.suite} main"


def _read_stanzas(text):
    """Read sources in the deb822 format (``*.sources``)."""
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        field = dict(re.findall(r"(?m)^([\w-]+):[ \t]*(.*)$", stanza))
        words = {
            name: field.get(name, "").split() for name in ("Types", "URIs", "Suites")
        }
        enabled = field.get("Enabled", "yes") != "no"
        if (
            enabled
            and "deb" in words["Types"]
            and "main" in field.get("Components", "")
        ):
            for uri in words["URIs"]:
                for suite in words["Suites"]:
                    yield Source(uri, suite, field.get("Signed-By", ""))


def _read_lines(text):
    """Read sources in the one-line format (``*.list``)."""
    pattern = r"(?m)^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s.*\bmain\b"
    for options, uri, suite in re.findall(pattern, text):
        key = re.search(r"signed-by=(\S+)", options)
        yield Source(uri, suite, key[1] if key else "")


def _machine_sources(codename, etc=ETC):
    """Return the sources of the machine's own release of Debian."""
    found = [
        source
        for path in (etc / "sources.list", *sorted((etc / "sources.list.d").glob("*")))
        if path.suffix in {".list", ".sources"} and path.is_file()
        for read in [_read_lines if path.suffix == ".list" else _read_stanzas]
        for source in read(path.read_text())
    ]
    return [s for s in found if re.match(rf"({codename}|stable)\b", s.suite)]


def _codename():
    """Return the code name of the machine's Debian."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    if release.get("ID") != "debian" or not shutil.which("apt-get"):
        raise Problem(
            "Odoo 19 and the browser are taken from Debian, and this is no Debian.\n"
            "Remedy: name a checkout of Odoo 19 in ODOO_HOME and install chromium."
        )
    return release.get("VERSION_CODENAME", "sid")


def _configure(sources, pins):
    """Write apt's list of sources and its preferences."""
    replace_file(APT / "sources.list", "".join(f"{source}\n" for source in sources))
    pin = "Package: *\nPin: release n={}\nPin-Priority: 1\n"
    replace_file(APT / "preferences", "\n".join(pin.format(name) for name in pins))
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (APT / folder).mkdir(parents=True, exist_ok=True)


def _update():
    run_logged("apt-update", ["apt-get", *OPTIONS, "update"], remedy=REMEDY)


def _archive(sources, codename):
    """Return the source of the release itself, not of its updates."""
    for source in sources:
        if source.suite in {codename, "stable"}:
            return source
    raise Problem(f"{ETC} names no archive of Debian {codename}.\nRemedy: add one.")


def _keyring():
    """Return the keys of all suites, as the machine's own release has them today.

    The keyring installed may be older than the key that signs unstable.
    """
    unpack("keyring", ["debian-archive-keyring"], APT / "keyring")
    return APT / "keyring/usr/share/keyrings/debian-archive-keyring.gpg"


def refresh():
    """Bring the lists of packages up to date, for all the suites we use."""
    codename = _codename()
    own = _machine_sources(codename)
    archive = _archive(own, codename)
    _configure(own, [])
    _update()
    keyring = _keyring()
    extra = {s: name for s, name in EXTRA_SUITES.items() if codename not in {s, name}}
    others = [Source(archive.uri, suite, keyring) for suite in extra]
    _configure([*own, *others], extra.values())
    _update()


def missing(packages):
    """Return the packages and all they need that the machine has not installed."""
    install = ["-s", "install", "--no-install-recommends", *packages]
    command = ["apt-get", *OPTIONS, *install]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Problem(
            f"apt cannot resolve {packages}:\n{done.stderr}\nRemedy: {REMEDY}"
        )
    return re.findall(r"(?m)^Inst (\S+)", done.stdout)


def unpack(name, packages, target):
    """Download packages and unpack them below the target folder."""
    with lock("apt"), tempfile.TemporaryDirectory(dir=APT) as folder:
        download = ["apt-get", *OPTIONS, "download", *packages]
        run_logged(f"apt-{name}", download, remedy=REMEDY, cwd=folder)
        for package in Path(folder).glob("*.deb"):
            command = ["dpkg-deb", "-x", package, target]
            run_logged(f"unpack-{name}", command, remedy="make room on the disk")
