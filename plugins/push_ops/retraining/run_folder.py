"""Where does a run keep what its tasks hand to each other? One folder a run."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from push_model.store.durable import write_aside
from push_model.training.gate.verdict import VERDICT_FILE

# A file name holds 255 bytes on every file system we know; what is written aside adds a few.
_LONGEST_NAME = 150
_DIGEST_LENGTH = 8


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run.

    Attributes
    ----------
    path : Path
        The folder; made by the first step that writes into it.
    """

    path: Path

    @property
    def frame(self) -> Path:
        """Rows up to the run date, written by load."""
        return self.path / "frame.parquet"

    @property
    def large_orders(self) -> Path:
        """Rows of large orders, written by filter."""
        return self.path / "large_orders.parquet"

    @property
    def fit(self) -> Path:
        """What train was asked and where the model folder is."""
        return self.path / "fit.json"

    @property
    def verdict(self) -> Path:
        """What validate decided, and why."""
        return self.path / VERDICT_FILE

    @property
    def exploration(self) -> Path:
        """Folder of an exploration, made by plan."""
        return self.path / "exploration"


def find_run_folder(runs_dir: Path, run_id: str) -> RunFolder:
    """Say where a run keeps its files; two runs never share a folder.

    Notes
    -----
    Run ids hold colons and plus signs, which break volume mounts and URIs, and a person may
    type one with slashes. The readable part is cleaned and cut; a digest keeps it unique.

    Examples
    --------
    >>> find_run_folder(Path("runs"), "scheduled__2026-11-23T05:00:00+00:00").path.name
    'scheduled__2026-11-23T05-00-00-00-00.93725fbd'
    """
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", run_id)[:_LONGEST_NAME]
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:_DIGEST_LENGTH]
    return RunFolder(runs_dir / f"{readable}.{digest}")


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document so that a reader sees the old file or the new one, never half of it."""
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, text.encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document
