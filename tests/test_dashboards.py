"""The files of the dashboards are what their description says."""

from devtools import dashboard


def test_files_are_in_step():
    """./dev dashboards would change nothing."""
    for path, text in dashboard.build().items():
        assert path.read_text() == text, f"run ./dev dashboards: {path.name}"
