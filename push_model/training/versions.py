"""Which code and which libraries trained this model?"""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import push_model

# What can change a fitted model or its bytes.
LIBRARIES = ("catboost", "duckdb", "joblib", "narwhals", "numpy", "pandas", "scikit-learn", "scipy")


def library_versions() -> dict[str, str]:
    """Give the versions that a fitted model depends on.

    Returns
    -------
    dict of str to str
        By library, and ``"python"`` and ``"push-model"``.
    """
    return {
        "python": platform.python_version(),
        "push-model": push_model.__version__,
        **{library: version(library) for library in LIBRARIES},
    }


def git_revision() -> str | None:
    """Give the commit this code was checked out at, with ``-dirty`` after local changes.

    Returns
    -------
    str or None
        None outside a git checkout, for instance in the image.
    """
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        found = subprocess.run(  # noqa: S603 - a fixed command
            command,
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return found.stdout.strip() or None
