"""Return which code and which libraries train a model."""

import platform
import subprocess
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import push_model

# What can change a fitted model or its bytes.
LIBRARIES = ("catboost", "duckdb", "joblib", "narwhals", "numpy", "pandas", "scikit-learn", "scipy")


def library_versions() -> dict[str, str]:
    """Return the versions that a fitted model depends on."""
    return {
        "python": platform.python_version(),
        "push-model": push_model.__version__,
        **{library: version(library) for library in LIBRARIES},
    }


def code_digest(*, without: str) -> str:
    """Return a digest of this package's code, committed or not."""
    root = Path(push_model.__file__).parent
    summed = sha256()
    for path in sorted(root.rglob("*.py")):
        if path.is_relative_to(root / without):
            continue
        # The name and the length first, so that no two trees of files have the same digest.
        source = path.read_bytes()
        summed.update(f"{path.relative_to(root).as_posix()} {len(source)}\n".encode() + source)
    return summed.hexdigest()


def git_revision() -> str | None:
    """Return the commit of this code, with ``-dirty`` after local changes."""
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
