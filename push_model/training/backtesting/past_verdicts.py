"""What did the retraining runs find, day after day? Their verdicts, side by side.

A backfill makes it a walk-forward backtest: each day's model was trained on what was known that
day, and judged on the newest of those orders.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from push_model.evaluation.resampling import Interval
from push_model.training.gate.verdict_file import VERDICT_FILE, read_figures

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastVerdict:
    """What one run found.

    Attributes
    ----------
    run_id : str
        Airflow's name of the run.
    run_date : date
        The last day its dataset was read to.
    model_name : str
        The challenger.
    decision : str
        ``"promote"``, ``"keep"`` or ``"inconclusive"``.
    orders : int or None
        In the holdout; None where it was settled before anything was measured.
    average_precision : dict of str to Interval
        On the holdout, by scorer; empty where nothing was measured.
    expected_per_actual : Interval or None
        Purchases that the challenger promised for each one made.
    """

    run_id: str
    run_date: date
    model_name: str
    decision: str
    orders: int | None
    average_precision: dict[str, Interval]
    expected_per_actual: Interval | None


def read_verdicts(runs_dir: Path, *, kind: str = "") -> tuple[PastVerdict, ...]:
    """Read what the runs of a folder found."""
    found = []
    for path in runs_dir.glob(f"*/{VERDICT_FILE}"):
        try:
            read = _read(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            logger.warning("%s was left out: %s: %s", path, type(error).__name__, error)
            continue
        if read.run_id.startswith(kind):
            found.append(read)
    return tuple(sorted(found, key=lambda one: (one.run_date, one.run_id)))


def sum_up(verdicts: Sequence[PastVerdict]) -> str:
    """Say in a sentence how the models of these days did."""
    days = sorted({one.run_date for one in verdicts})
    span = f"{len(verdicts)} runs, {days[0]} to {days[-1]}"
    found = [one.average_precision for one in verdicts if one.average_precision]
    if not found:
        return f"{span}: nothing was measured."
    own = [figures["challenger"].estimate for figures in found]
    above = sum(figures["challenger"].low > figures["popularity"].high for figures in found)
    return (
        f"{span}: average precision {min(own):.4f} to {max(own):.4f}; above popularity's beyond "
        f"both intervals in {above} of {len(found)}."
    )


def _read(run: Mapping[str, Any]) -> PastVerdict:
    verdict = run["verdict"]
    precisions = read_figures(verdict, "average_precision")
    promised = read_figures(verdict, "expected_per_actual").get("challenger")
    return PastVerdict(
        run_id=str(run["run_id"]),
        run_date=date.fromisoformat(run["run_date"]),
        model_name=str(run["model_name"]),
        decision=str(verdict["decision"]),
        orders=verdict.get("orders"),
        average_precision={name: Interval(*figures) for name, figures in precisions.items()},
        expected_per_actual=Interval(*promised) if promised else None,
    )
