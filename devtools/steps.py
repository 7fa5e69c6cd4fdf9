"""Steps of the setup: done once for the same inputs, one process at a time.

A step leaves its stamp, the digest of its inputs, as the very last thing. One that was
interrupted has no stamp, so it is done again from its beginning.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
from pathlib import Path

from .console import Problem, say
from .paths import DEV


@contextlib.contextmanager
def lock(name):
    """Keep other ``./dev`` commands out while something shared is made."""
    path = DEV / "lock" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"· Waiting for another ./dev command ({name}) …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def digest(*inputs):
    """Return a short digest of texts, and of the names and contents of files."""
    total = hashlib.sha256()
    for item in inputs:
        data = item.read_bytes() if isinstance(item, Path) else b""
        total.update(f"{item}\0{len(data)}\0".encode() + data)
    return total.hexdigest()[:10]


def replace_file(path, text):
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def replace_folder(draft, path):
    """Put a finished folder in the place of the old one."""
    shutil.rmtree(path, ignore_errors=True)
    draft.rename(path)


def once(name, inputs, action):
    """Do the action unless it was done with the same inputs."""
    stamp, key = DEV / "stamps" / name, digest(*inputs)
    if _matches(stamp, key):
        return
    with lock(name):
        # Another process may have done it while this one waited.
        if not _matches(stamp, key):
            stamp.unlink(missing_ok=True)
            action()
            replace_file(stamp, key)


def _matches(stamp, key):
    return stamp.exists() and stamp.read_text() == key


def own_dev_folder():
    """Make the folder of all that ``./dev`` makes, and insist that it is ours."""
    DEV.mkdir(exist_ok=True)
    if DEV.stat().st_uid != os.geteuid():
        raise Problem(
            f"{DEV} was made by another user.\n"
            f"Remedy: run ./dev as that user, or remove the folder: rm -rf {DEV}"
        )
