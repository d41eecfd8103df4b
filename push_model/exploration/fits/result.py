"""Keep how an entry did on a part, in one JSON file each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from push_model.evaluation.metrics import Floats
from push_model.exploration.entries.entry import Entry
from push_model.store.durable import read_json

FORMAT = 2

#: Metrics by name, of all candidates, of new users' and of returning users'; None for a group
#: whose outcomes are all alike.
Metrics = Mapping[str, Mapping[str, float] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An entry trained on the training window of a part, and measured on its other window."""

    # Of all that the figures depend on: an equal one means equal figures.
    fingerprint: str
    entry: Entry
    part: str
    # Rows, orders and purchases of both windows.
    train: Mapping[str, int]
    judged: Mapping[str, int]
    metrics: Metrics
    # Average precision on the orders, then on each replicate of them, the same for every entry;
    # None where a replicate holds no purchase.
    draws: tuple[float | None, ...]
    fit_s: float
    # Microseconds a row.
    score_us: float
    # The model document where serving can read one, else the pickled pipeline.
    size_bytes: int
    inputs: int
    converged: bool | None
    # As `push_model.evaluation.curves.Curves`, without metrics; None for folds.
    curve: Mapping[str, Any] | None

    @property
    def average_precision(self) -> Floats:
        """The draws, of shape (1 + resamples,); NaN where a replicate holds no purchase."""
        return np.array(self.draws, dtype=np.float64)

    def document(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        return {"format": FORMAT, **asdict(self), "entry": self.entry.document()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Result":
        """Read what `document` returned."""
        values = {name: document[name] for name in cls.__dataclass_fields__}
        values["entry"] = Entry.from_document(document["entry"])
        return cls(**values | {"draws": tuple(document["draws"])})


def result_path(folder: Path, slug: str, part_slug: str) -> Path:
    """Return the path of a result."""
    return folder / "results" / slug / f"{part_slug}.json"


def read_result(path: Path) -> Result | None:
    """Read a result; None unless it is whole and of this format."""
    try:
        document = read_json(path)
        return Result.from_document(document) if document["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
