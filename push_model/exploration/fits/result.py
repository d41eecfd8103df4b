"""How did an entry do on a part? One JSON file, read and written here."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from push_model.errors import DatasetError
from push_model.evaluation.metrics import Floats
from push_model.exploration.entries.entry import Entry
from push_model.store.durable import write_aside

FORMAT = 1
RESULTS = "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An entry fitted on the train window of a part, judged on its other window.

    Attributes
    ----------
    fingerprint : str
        Of all that the figures depend on; the same one means the same figures.
    entry : Entry
        What was fitted.
    part : str
        Name of the part.
    train, judged : mapping
        ``rows``, ``orders`` and ``purchases`` of both windows.
    metrics : mapping of str to mapping or None
        `push_model.evaluation.metrics.Metrics` by name, of ``"all"`` candidates judged, and of
        ``"new"`` and ``"returning"`` users'; None where their outcomes are all alike.
    draws : tuple of float or None
        Average precision on the orders as they are, then on each draw of them; None where a
        draw holds no purchase. The i-th draw of a window is the same for every entry.
    fit_s, score_us : float
        Seconds to fit; microseconds a row to score.
    size_bytes : int
        The model document where serving can read one, else the pickled pipeline.
    inputs : int
        What the scorer looks at.
    facts : mapping
        ``coefficients`` by standardised input, ``importances`` by input (adding up to 1),
        ``calibration`` and ``converged``; empty or None where there are none.
    curve : mapping or None
        As `push_model.evaluation.curves.Curves`, metrics apart; None for folds.
    """

    fingerprint: str
    entry: Entry
    part: str
    train: Mapping[str, int]
    judged: Mapping[str, int]
    metrics: Mapping[str, Mapping[str, float] | None]
    draws: tuple[float | None, ...]
    fit_s: float
    score_us: float
    size_bytes: int
    inputs: int
    facts: Mapping[str, Any]
    curve: Mapping[str, Any] | None

    @property
    def average_precision(self) -> Floats:
        """The draws, of shape (1 + resamples,), NaN where a draw holds no purchase."""
        return np.array(self.draws, dtype=np.float64)

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        return {"format": FORMAT, **asdict(self), "entry": self.entry.document()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Result":
        """Read what `document` gave."""
        values = {name: document[name] for name in cls.__dataclass_fields__}
        values["entry"] = Entry.from_document(document["entry"])
        return cls(**values | {"draws": tuple(document["draws"])})


def result_path(folder: Path, slug: str, part_slug: str) -> Path:
    """Say where a result lies."""
    return folder / RESULTS / slug / f"{part_slug}.json"


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all; NaN is refused."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    write_aside(path, text.encode())


def read_json(path: Path) -> Any:
    """Read a JSON file of an exploration folder."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be read: {error}. Run push-model explore with this folder again."
        ) from error


def read_result(path: Path) -> Result | None:
    """Read a result, if a whole one of this format is there."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return Result.from_document(document) if document["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
