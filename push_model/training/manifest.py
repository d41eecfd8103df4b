"""The facts that the manifest of a model folder states beside the digests of its files."""

from pathlib import Path
from typing import Any, TypedDict, cast

from push_model.store.folder import read_manifest


class WindowFacts(TypedDict):
    """A window of whole orders; its end is the first day after it."""

    start: str
    end: str
    orders: int
    rows: int
    purchases: int


class CalibrationFacts(TypedDict):
    """How the propensities were calibrated, and why."""

    method: str  # "platt" or "none"
    slope: float
    intercept: float
    says: str


class Facts(TypedDict):
    """What a model was trained on and with, and how it did on its holdout."""

    model_id: str
    validated_id: str
    trained_on: str
    parametrisation: dict[str, Any]
    seed: int
    min_items: int
    dataset: dict[str, Any]
    windows: dict[str, WindowFacts]  # "train", "calibration", "holdout" and "refit"
    calibration: CalibrationFacts
    metrics: dict[str, dict[str, dict[str, float]]]  # by window and scorer
    versions: dict[str, str]
    code: str
    git_revision: str | None


def read_facts(folder: Path) -> Facts:
    """Read the facts of a model folder."""
    return cast("Facts", read_manifest(folder))
