"""Read the verdicts of many retraining runs, side by side."""

import json
import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from push_model.training.gate.verdict import VERDICT_FILE, Verdict

logger = logging.getLogger(__name__)


class PastVerdict(NamedTuple):
    """What one run found; `run_date` is the last day its dataset was read to."""

    run_date: date
    run_id: str
    verdict: Verdict


def read_verdicts(runs_dir: Path, *, kind: str = "") -> tuple[PastVerdict, ...]:
    """Read the verdicts of the runs whose id begins with a kind, by run date."""
    found = []
    for path in runs_dir.glob(f"*/{VERDICT_FILE}"):
        try:
            read = _read(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            logger.warning("%s was left out: %s: %s", path, type(error).__name__, error)
            continue
        if read.run_id.startswith(kind):
            found.append(read)
    return tuple(sorted(found, key=lambda one: (one.run_date, one.run_id)))


def sum_up(verdicts: Sequence[PastVerdict]) -> str:
    """Return in a sentence how the models of these days did."""
    days = [one.run_date for one in verdicts]
    runs = "1 run" if len(days) == 1 else f"{len(days)} runs"
    span = f"{runs}, {min(days)} to {max(days)}"
    found = [figures for one in verdicts if (figures := one.verdict.by_scorer("average_precision"))]
    if not found:
        return f"{span}: nothing was measured."
    own = [figures["challenger"].estimate for figures in found]
    above = sum(figures["challenger"].low > figures["popularity"].high for figures in found)
    return (
        f"{span}. Average precision {min(own):.3f} to {max(own):.3f}; clearly above popularity in "
        f"{above} of {len(found)}."
    )


def _read(path: Path) -> PastVerdict:
    run = json.loads(path.read_text("utf-8"))
    return PastVerdict(
        date.fromisoformat(run["run_date"]),
        str(run["run_id"]),
        Verdict.from_document(run["verdict"]),
    )
