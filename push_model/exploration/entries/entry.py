"""What is compared in an exploration? An entry: one way to score, and the question it answers."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SERVABLE_FAMILIES = frozenset({"boosted_trees", "logistic_regression"})
# Sets of inputs that hold more of a user's past than a request does.
_UNLISTED_HISTORIES = frozenset({"history by kind, too", "history and cadence"})
HISTORIES = frozenset({"history", "history of the product", *_UNLISTED_HISTORIES})
# A model document says none of these yet: basis functions, tables by kind or vendor, the day of
# the order, and what `columns.py` does not list.
UNSERVABLE_FEATURES = frozenset({
    *("splines", "categories", "season", "price in its kind"),
    *_UNLISTED_HISTORIES,
})
# Shares of the orders, for the learning curve.
ORDER_SHARES = {
    "half of the orders": 0.5,
    "a quarter of the orders": 0.25,
    "a tenth of the orders": 0.1,
}
# Weighted up, purchases are promised many times over: no propensities, whatever the form. Orders
# left out are for a curve; nobody would leave them out of what serves.
UNSERVABLE_TREATMENTS = frozenset({"class weights", *ORDER_SHARES})
# What the API would have to send besides outweighs any number of leaves.
NEEDS_MORE = 1_000_000
# A slope and an intercept.
CALIBRATION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One way to score candidates, as data.

    Attributes
    ----------
    name : str
        Its own among all entries.
    question : str
        What it is there to answer.
    family : str
        A key of `push_model.exploration.fits.pipelines.CLASSIFIERS`, or a rule: ``"popularity"`` or
        ``"bought_before"``.
    settings : mapping
        Hyper-parameters; what is left out keeps the family's default.
    features : str
        A key of `push_model.exploration.entries.inputs.FEATURE_SETS`.
    treatment : str
        ``"plain"``, ``"calibrated"``, ``"class weights"``, ``"a tenth of the negatives"``, or a key
        of `ORDER_SHARES`.
    neighbour : str or None
        Name of the entry it is held against: all but what its question names is alike.
    complexity : int
        Numbers that the scorer holds: weights of a line, leaves of trees; smaller is simpler.
    """

    name: str
    question: str
    family: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    features: str = "request"
    treatment: str = "plain"
    neighbour: str | None = None
    complexity: int = 0

    @property
    def slug(self) -> str:
        """The name for files and tasks."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def is_servable(self) -> bool:
        """Whether `export_model` can write it out, and what it says are propensities."""
        return (
            self.family in SERVABLE_FAMILIES
            and self.features not in UNSERVABLE_FEATURES
            and self.treatment not in UNSERVABLE_TREATMENTS
        )

    @property
    def needs_history(self) -> bool:
        """Whether requests would have to hold more than they do."""
        return self.features in HISTORIES

    def content(self) -> dict[str, Any]:
        """Give what its results depend on, and nothing that is only said of it."""
        everything = self.document()
        return {name: everything[name] for name in ("family", "settings", "features", "treatment")}

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        settings = dict(self.settings)
        names = {"slug": self.slug, "is_servable": self.is_servable}
        return {**asdict(self), "settings": settings, **names}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Entry":
        """Read what `document` gave."""
        return cls(**{name: document[name] for name in cls.__dataclass_fields__})
