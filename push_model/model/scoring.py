"""What is the propensity of a candidate, and why? The model of a model.json, ready to answer."""

from __future__ import annotations

from math import exp, fsum, isnan, nan
from sys import modules
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import MissingColumnsError, ModelFormatError
from push_model.model.format import ModelDocument, read_model_document
from push_model.model.late_numpy import import_numpy
from push_model.model.linear import Linear
from push_model.model.preparation import names_read, prepare_columns, row_functions, run_on_row
from push_model.model.symmetric_trees import SymmetricTrees
from push_model.model.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

# From so many rows on NumPy is faster than plain Python (benchmarks/predict.py shows both). While
# it is not imported yet, its import of some 100 ms must pay, too, over a few such batches.
WORTH_NUMPY = 64
WORTH_IMPORTING_NUMPY = 1_000

# Rows prepared and scored at once: memory stays flat however many rows come.
CHUNK_ROWS = 1 << 16


class Reasons(NamedTuple):
    """Why a candidate's log-odds are what they are: the parts add up to them.

    Attributes
    ----------
    base_value : float
        Log-odds of an average candidate.
    log_odds : float
        Log-odds of this one.
    contributions : dict of str to float
        What the strongest features add, by feature, strongest first.
    others : float
        What all other features add together.
    words : dict of str to str
        What the strongest features say, in words that hold their values.
    """

    base_value: float
    log_odds: float
    contributions: dict[str, float]
    others: float
    words: dict[str, str]


class Model:
    """A propensity model as data.

    Attributes
    ----------
    model_id, trained_on, family : str
        Its facts.
    features : tuple of Feature
        What a request must send, in order.
    feature_names : tuple of str
        Their names.
    steps : tuple of Step
        How features become the scorer's inputs.
    """

    def __init__(self, parts: ModelDocument, scorer: SymmetricTrees | Linear) -> None:
        self.model_id, self.trained_on, self.family = parts.model_id, parts.trained_on, parts.family
        self.features = parts.features
        self.feature_names = tuple(feature.name for feature in parts.features)
        self.steps, self._inputs, self._scorer = parts.steps, parts.inputs, scorer
        self._row_functions = row_functions(parts.steps)
        self._missing = {feature.name: feature.missing for feature in parts.features}
        spoken_of = self._features_spoken_of()
        self._spoken_of = tuple(spoken_of[name] for name in parts.inputs)

    def _pick_inputs(self, prepared: Mapping[str, float]) -> list[float]:
        return [*map(prepared.__getitem__, self._inputs)]

    @classmethod
    def from_document(cls, document: Any) -> Model:
        """Read a model document."""
        parts = read_model_document(document)
        return cls(parts, _read_scorer(parts.scorer, n_inputs=len(parts.inputs)))

    def log_odds(self, values: Iterable[float]) -> float:
        """Score one candidate."""
        return self._scorer.log_odds(self._pick_inputs(self._prepare(values)))

    def propensity(self, values: Iterable[float]) -> float:
        """Give the probability that one candidate would be bought."""
        return _propensity(self.log_odds(values))

    def propensities(self, rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[float]:
        """Give the propensity of each candidate, the same bits as one by one.

        Notes
        -----
        Imports NumPy on the first batch of `WORTH_IMPORTING_NUMPY` rows or more.
        """
        if not is_worth_numpy(len(rows)):
            return [self.propensity(row) for row in rows]
        import_numpy()
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        table = np.asarray(rows, dtype=np.float64).T
        columns = dict(zip(self.feature_names, table, strict=True))
        propensities: list[float] = self.propensities_of_columns(columns).tolist()
        return propensities

    def propensities_of_columns(
        self, columns: Mapping[str, NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Give the propensity of each row of a table, the same bits as one by one."""
        import_numpy()
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        if absent := [name for name in self.feature_names if name not in columns]:
            raise MissingColumnsError(f"The columns to score lack feature(s) {absent}.")
        propensities = np.empty(len(columns[self.feature_names[0]]))
        for start in range(0, len(propensities), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            part = {name: np.asarray(columns[name][chunk], float) for name in self.feature_names}
            prepared = prepare_columns(part, self.steps)
            scores = self._scorer.log_odds_of_columns([prepared[name] for name in self._inputs])
            # Not numpy.exp: on some processors its last bit differs from math.exp's.
            propensities[chunk] = [_propensity(log_odds) for log_odds in scores.tolist()]
        return propensities

    def reasons(self, values: Sequence[float], top: int = 5) -> Reasons:
        """Say why one candidate scores as it does."""
        prepared = self._prepare(values)
        inputs = self._pick_inputs(prepared)
        base_value, parts = self._scorer.contributions(inputs)
        found = dict.fromkeys(self.feature_names, 0.0)
        for name, part in zip(self._spoken_of, parts, strict=True):
            found[name] += part
        ranked = sorted(found, key=lambda name: -abs(found[name]))
        sent = self._as_sent(values, prepared)
        return Reasons(
            base_value,
            self._scorer.log_odds(inputs),
            {name: found[name] for name in ranked[:top]},
            fsum(found[name] for name in ranked[top:]),
            {name: say(name, sent, missing=self._missing[name]) for name in ranked[:top]},
        )

    def _prepare(self, values: Iterable[float]) -> dict[str, float]:
        named = dict(zip(self.feature_names, values, strict=True))
        return run_on_row(self._row_functions, named)

    def sent(self, values: Sequence[float]) -> dict[str, float]:
        """Give the features of a candidate by name; a frame's way of writing "never" is missing."""
        return self._as_sent(values, self._prepare(values))

    def _as_sent(self, values: Sequence[float], prepared: Mapping[str, float]) -> dict[str, float]:
        return {
            name: nan if isnan(prepared[name]) else value
            for name, value in zip(self.feature_names, values, strict=True)
        }

    def _features_spoken_of(self) -> dict[str, str]:
        spoken_of = {name: name for name in self.feature_names}
        for step in self.steps:
            spoken_of[step.name] = spoken_of[names_read(step)[0]]
        return spoken_of


def is_worth_numpy(n_rows: int) -> bool:
    """Say whether NumPy does so many rows sooner than plain Python."""
    return n_rows >= (WORTH_NUMPY if "numpy" in modules else WORTH_IMPORTING_NUMPY)


def _propensity(log_odds: float) -> float:
    """Give ``1 / (1 + exp(-log_odds))`` in the form that cannot overflow."""
    if log_odds < 0.0:
        odds = exp(log_odds)
        return odds / (1.0 + odds)
    return 1.0 / (1.0 + exp(-log_odds))


def _read_scorer(value: Any, *, n_inputs: int) -> SymmetricTrees | Linear:
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "symmetric_trees":
        return SymmetricTrees.from_document(value, n_inputs=n_inputs)
    if kind == "linear":
        return Linear.from_document(value, n_inputs=n_inputs)
    raise ModelFormatError("scorer must be of kind 'symmetric_trees' or 'linear'.")
