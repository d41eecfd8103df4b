"""Make a small real model without training, for tests of the API team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from push_model.columns import BY_NAME, FEATURES
from push_model.model.preparation import Fill, MissingIf, Ratio, Step
from push_model.store.folder import FORMAT, document_bytes, model_id_of, write_model_folder
from push_model.store.promotion import champion, promote

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-01-05"
NAME = "push_2026_01_05"

_STEPS: tuple[Step, ...] = (
    # First, because the next two read the flag: unknown counts as not ordered.
    Fill("ordered_before", 0.0),
    MissingIf("days_since_purchase_variant_id", 33.0, "ordered_before"),
    MissingIf("days_since_purchase_product_type", 30.0, "ordered_before"),
    Ratio("variant_gap_ratio", "days_since_purchase_variant_id", "avg_days_to_buy_variant_id"),
)

_INPUTS = (
    "ordered_before",
    "variant_gap_ratio",
    "global_popularity",
    "set_as_regular",
    "abandoned_before",
    "discount_pct",
)
_BORDERS: tuple[list[float], ...] = ([0.5], [0.4, 1.5], [0.01, 0.05], [0.5], [0.5], [0.25])

# Bought before and due again; popular; nearly bought.
_TREES: tuple[dict[str, Any], ...] = (
    {
        "splits": [[0, 0], [1, 0]],
        "leaves": [-0.4, 1.6, -0.1, 2.2],
        "weights": [9_000, 60, 800, 140],
    },
    {
        "splits": [[2, 0], [2, 1], [1, 1]],
        "leaves": [-0.5, 0.4, 0.0, 1.5, -0.6, 0.2, 0.0, 1.1],
        "weights": [6_000, 3_000, 0, 700, 150, 100, 0, 50],
    },
    {
        "splits": [[3, 0], [4, 0], [5, 0]],
        "leaves": [-0.1, 0.8, 2.5, 3.0, 0.1, 1.0, 2.6, 3.1],
        "weights": [8_000, 30, 5, 1, 1_950, 10, 3, 1],
    },
)

_SEEN = {
    "days_since_purchase_variant_id": {
        "missing": 0.9,
        "minimum": 1.0,
        "maximum": 60.0,
        "borders": [7.0, 14.0, 28.0],
        "shares": [0.02, 0.03, 0.03, 0.02],
    },
    "global_popularity": {
        "missing": 0.0,
        "minimum": 0.0,
        "maximum": 0.2,
        "borders": [0.001, 0.01, 0.05],
        "shares": [0.3, 0.4, 0.2, 0.1],
    },
}


def make_model(
    models_dir: Path | str,
    model_name: str = NAME,
    *,
    base_log_odds: float = -4.7,
    trained_on: str = DAY,
    promoted: bool = True,
) -> Path:
    """Write a small model folder into a store, for tests of code that calls `handler_predict`.

    Parameters
    ----------
    models_dir : Path or str
        The store; created if absent.
    model_name : str
        The folder's name.
    base_log_odds : float
        Shifts every answer; another value makes another model.
    trained_on : str
        Its training date, ``"yyyy-mm-dd"``, from which `health` counts its age.
    promoted : bool
        Whether to make it the champion.

    Returns
    -------
    Path
        The model folder. It needs all 19 features and works as a trained one does; only its
        numbers are invented.

    Examples
    --------
    >>> import tempfile
    >>> from push_model import FEATURES, predict
    >>> store = tempfile.mkdtemp()
    >>> make_model(store).name
    'push_2026_01_05'
    >>> user = dict.fromkeys(FEATURES) | {"ordered_before": 1, "global_popularity": 0.06}
    >>> predict({"u_17": user}, models_dir=store)
    {'prediction': {'u_17': 0.15446526508353467}}
    """
    document = _document(base_log_odds, trained_on)
    files = {"model.json": document_bytes(document)}
    facts = {
        "model_id": document["model_id"],
        "trained_on": trained_on,
        "made_by": "push_model.testing",
    }
    path = write_model_folder(models_dir, model_name, files, facts)
    if promoted:
        serving = champion(models_dir)
        promote(
            models_dir,
            path.name,
            expected=serving.model_name if serving else None,
            verdict=None,
            reason="a model for tests",
            promoted_at=f"{DAY}T00:00:00Z",
            by="push_model.testing",
        )
    return path


def _document(base_log_odds: float, trained_on: str = DAY) -> dict[str, Any]:
    document = {
        "format": FORMAT,
        "trained_on": trained_on,
        "family": "boosted_trees",
        "features": [_feature(name) for name in FEATURES],
        "steps": [step.document() for step in _STEPS],
        "inputs": list(_INPUTS),
        "scorer": {
            "kind": "symmetric_trees",
            "bias": base_log_odds,
            "scale": 1.0,
            "borders": list(_BORDERS),
            "missing_is_above": [False] * len(_INPUTS),
            "trees": list(_TREES),
        },
    }
    return {**document, "model_id": model_id_of(document)}


def _feature(name: str) -> dict[str, Any]:
    column = BY_NAME[name]
    fields = ("name", "type", "minimum", "maximum", "missing")
    return {**{key: getattr(column, key) for key in fields}, "seen": _SEEN.get(name)}
