"""Provide `Entry`: one way to score candidates, as data, and the question it answers."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from push_model.training.parametrisation import Parametrisation, read_parametrisation

BASE_LINE, BASE_TREES = "ridge, C 1e-3", "trees"
#: The gate's baselines by family.
RULES = {"popularity": "popularity", "bought_before": "bought before"}
SERVABLE_FAMILIES = frozenset({"boosted_trees", "logistic_regression"})
# Feature sets that hold more of a user's past than a request does.
_UNLISTED_HISTORIES = frozenset({"history by kind, too", "history and cadence"})
HISTORIES = frozenset({"history", "history of the product", *_UNLISTED_HISTORIES})
# A model document cannot express these: basis functions, tables by kind or vendor, the day of the
# order, and features that `columns.py` does not list.
_UNSERVABLE_FEATURES = frozenset({
    *("splines", "categories", "season", "price in its kind"),
    *_UNLISTED_HISTORIES,
})
# Shares of the orders, for the learning curve.
ORDER_SHARES = {
    "half of the orders": 0.5,
    "a quarter of the orders": 0.25,
    "a tenth of the orders": 0.1,
}
# Class weights inflate the scores: they are not probabilities. Fewer orders are for a curve alone.
_UNSERVABLE_TREATMENTS = frozenset({"class weights", *ORDER_SHARES})
# Data that the API would have to send outweighs any number of leaves.
NEEDS_MORE = 1_000_000
# Settings that no parametrisation has.
_UNLISTED_SETTINGS = frozenset({"subsample", "is_monotone"})
# A slope and an intercept.
CALIBRATION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One way to score candidates, as data."""

    name: str
    question: str
    # A key of `fits.pipelines.CLASSIFIERS`, or a rule: "popularity" or "bought_before".
    family: str
    # Settings that are left out keep the family's default.
    settings: Mapping[str, Any] = field(default_factory=dict)
    # A key of `entries.inputs.FEATURE_SETS`.
    features: str = "request"
    # "plain", "calibrated", "class weights", "a tenth of the negatives", or one of ORDER_SHARES.
    treatment: str = "plain"
    # The entry it is compared with: both are alike but for what the question names.
    neighbour: str | None = None
    # Weights of a linear model, leaves of trees; smaller is simpler.
    complexity: int = 0

    @property
    def slug(self) -> str:
        """The name for files and tasks."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def is_servable(self) -> bool:
        """Whether `export_model` can write it and its scores are probabilities."""
        return (
            self.family in SERVABLE_FAMILIES
            and self.features not in _UNSERVABLE_FEATURES
            and self.treatment not in _UNSERVABLE_TREATMENTS
        )

    @property
    def needs_history(self) -> bool:
        """Whether the API would have to send a user's purchase history."""
        return self.features in HISTORIES

    @property
    def numbers(self) -> int:
        """The weights or leaves alone, without what history counts for."""
        return self.complexity % NEEDS_MORE

    def content(self) -> dict[str, Any]:
        """Return the fields that its results depend on."""
        everything = self.document()
        return {name: everything[name] for name in ("family", "settings", "features", "treatment")}

    def document(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        settings = dict(self.settings)
        names = {"slug": self.slug, "is_servable": self.is_servable}
        return {**asdict(self), "settings": settings, **names}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Entry":
        """Read what `document` returned."""
        return cls(**{name: document[name] for name in cls.__dataclass_fields__})


def parametrisation_of(entry: Entry) -> Parametrisation:
    """Return the parametrisation of a servable entry."""
    known = {
        name: value for name, value in entry.settings.items() if name not in _UNLISTED_SETTINGS
    }
    features = "history" if entry.needs_history else "request"
    return read_parametrisation({"model": entry.family, **known, "features": features})


def request_of(entry: Entry) -> dict[str, Any] | None:
    """Return the parametrisation by which `handler_fit` trains this model; None if it cannot."""
    is_known = entry.features in {"request", "history"} and entry.treatment in {
        "plain",
        "calibrated",
    }
    if not entry.is_servable or not is_known or _UNLISTED_SETTINGS & entry.settings.keys():
        return None
    return {"model": entry.family, **entry.settings, "features": entry.features}
