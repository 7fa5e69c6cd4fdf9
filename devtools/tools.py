"""The environment of the tools that fetch and check."""

import os

from .paths import CACHE, DEV


def tool_environment():
    """Return the environment with the caches of all tools in our folder."""
    caches = {
        "XDG_CACHE_HOME": CACHE,
        "PIP_CACHE_DIR": CACHE / "pip",
        "npm_config_cache": CACHE / "npm",
        "RUFF_CACHE_DIR": CACHE / "ruff",
        "COVERAGE_FILE": CACHE / "coverage",
        "PYTEST_DEBUG_TEMPROOT": DEV,
        "HYPOTHESIS_STORAGE_DIRECTORY": CACHE / "hypothesis",
    }
    return os.environ | {name: str(path) for name, path in caches.items()}
