"""Name the files of a run, and write and read the record of a run that reached a verdict."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from push_model.errors import InvalidEventError, InvalidSettingError
from push_model.store.durable import read_json, write_json
from push_model.training.gate.verdict import VERDICT_FILE, Verdict

# A file name holds 255 bytes on every file system we know; what is written aside adds a few.
_LONGEST_NAME = 150
_DIGEST_LENGTH = 8


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run; the first step that writes makes the folder."""

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
        """The request to train and where the model folder is, written by train."""
        return self.path / "fit.json"

    @property
    def verdict(self) -> Path:
        """A `JudgedRun`, written by validate."""
        return self.path / VERDICT_FILE

    @property
    def exploration(self) -> Path:
        """Folder of an exploration, made by plan."""
        return self.path / "exploration"


def find_run_folder(runs_dir: Path, run_id: str) -> RunFolder:
    """Return where a run keeps its files; no two runs share a folder.

    Run ids hold colons and plus signs, which break volume mounts and URIs, and a person may type
    one with slashes. The readable part is cleaned and cut; a digest keeps it unique.

    Examples
    --------
    >>> find_run_folder(Path("runs"), "scheduled__2026-11-23T05:00:00+00:00").path.name
    'scheduled__2026-11-23T05-00-00-00-00.93725fbd'
    """
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", run_id)[:_LONGEST_NAME]
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:_DIGEST_LENGTH]
    return RunFolder(runs_dir / f"{readable}.{digest}")


def require_done(handed_on: object, task_id: str) -> None:
    """Check that a task has handed something on: it may be tested alone, or marked as done."""
    if handed_on is None:
        raise InvalidEventError(
            f"The task {task_id} has handed on nothing in this run. Run it first: clear it, or "
            "start the whole DAG for this date."
        )


def require_shared(path: Path | str, task_id: str, *, variable: str = "PUSH_RUNS_DIR") -> None:
    """Check that this worker sees what a task wrote, maybe on another worker."""
    if not Path(path).exists():
        raise InvalidSettingError(
            f"This worker does not see {path}, which the task {task_id} wrote. Let {variable} be "
            "a folder that all workers share, then clear this task."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """A run that reached a verdict, as ``verdict.json`` keeps it."""

    run_id: str
    run_date: str
    model_name: str
    model_path: str
    dataset: Mapping[str, Any]  # uri, sha256 and bytes
    backtests: Sequence[Mapping[str, Any]]  # of the champions of the last days
    verdict: Verdict

    def write(self, path: Path) -> None:
        """Write the run, whole or not at all."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        write_json(path, plain | {"verdict": self.verdict.document()})

    @classmethod
    def read(cls, path: Path) -> "JudgedRun":
        """Read a run that `write` wrote."""
        document = read_json(path)
        return cls(**document | {"verdict": Verdict.from_document(document["verdict"])})

    def outcome(self, *, promoted: bool, unless: str = "it was not approved") -> str:
        """Return in a sentence which model is the champion now; `unless` is why a winner is not."""
        name, serving, decision = self.model_name, self.verdict.champion_name, self.verdict.decision
        if promoted:
            return f"{name} is the new champion{f'; it replaces {serving}' if serving else ''}."
        stays = f"{serving} stays the champion" if serving else "There is still no champion"
        if name == serving:  # there is nothing new
            return f"{stays}."
        if decision == "promote":
            return f"{stays}: {name} won, but {unless}."
        return f"{stays}: the verdict on {name} is {decision!r}."

    def champion_event(self, *, card: str) -> dict[str, Any]:
        """Return what DAGs that wait for a new champion get: the extra of the asset's event."""
        return {
            "model_name": self.model_name,
            "model_path": self.model_path,
            "model_card": card,
            "champion_before": self.verdict.champion_name,
            "decision": self.verdict.decision,
            "claim": self.verdict.claim,
            "headline": self.verdict.headline,
            "average_precision": {
                scorer: interval._asdict()
                for scorer, interval in self.verdict.by_scorer("average_precision").items()
            },
            "dataset": self.dataset,
            "run_id": self.run_id,
            "run_date": self.run_date,
        }


def read_judged(path: str) -> JudgedRun:
    """Read the run that the task validate wrote, maybe on another worker."""
    require_shared(path, "validate")
    return JudgedRun.read(Path(path))
