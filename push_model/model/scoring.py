"""Score and explain candidates with the model of a model.json."""

from __future__ import annotations

import os
from math import exp, fsum, isnan, nan
from sys import modules
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import MissingColumnsError, ModelFormatError, describe_missing
from push_model.model.document import (
    Facts,
    Feature,
    read_document,
    read_facts,
    read_features,
    read_list,
    read_text,
)
from push_model.model.linear import Linear
from push_model.model.phrases import describe
from push_model.model.preparation import Step, parse_steps, prepare_columns, row_functions
from push_model.model.symmetric_trees import SymmetricTrees

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

# A fork copies the lock that an import holds, and no thread that would release it: the child would
# wait forever. So no fork happens while NumPy is imported here.
_IMPORTING = RLock()

if hasattr(os, "register_at_fork"):  # absent on Windows, as forks are
    os.register_at_fork(
        before=_IMPORTING.acquire,
        after_in_parent=_IMPORTING.release,
        after_in_child=_IMPORTING.release,
    )


class Reasons(NamedTuple):
    """Why a candidate's log-odds are what they are: the parts add up to them."""

    base_value: float  # log-odds of an average candidate
    log_odds: float  # log-odds of this one
    contributions: dict[str, float]  # what the strongest features add, strongest first
    others: float  # what all other features add together
    words: dict[str, str]  # the strongest features in words, which hold their values


class Model:
    """A propensity model as data."""

    def __init__(
        self,
        facts: Facts,
        features: Sequence[Feature],
        steps: Sequence[Step],
        inputs: Sequence[str],
        scorer: SymmetricTrees | Linear,
    ) -> None:
        self.model_id, self.trained_on, self.family = facts
        self.features = tuple(features)  # what a request must send, in order
        self.feature_names = tuple(feature.name for feature in features)
        self.steps = tuple(steps)  # how the features become the scorer's inputs
        self._inputs, self._scorer = inputs, scorer
        self._row_functions = row_functions(steps)
        self._missing = {feature.name: feature.missing for feature in features}
        sources = self._sources()
        self._source_of_input = tuple(sources[name] for name in inputs)

    @classmethod
    def from_document(cls, document: Any) -> Model:
        """Read a model document."""
        fields = read_document(document)
        features = read_features(fields["features"])
        steps = parse_steps(fields["steps"])
        inputs = [read_text(name, "inputs") for name in read_list(fields["inputs"], "inputs")]
        _check_names(features, steps, inputs)
        facts = read_facts(fields)
        scorer = _read_scorer(fields["scorer"], n_inputs=len(inputs))
        return cls(facts, features, steps, inputs, scorer)

    def log_odds(self, values: Iterable[float]) -> float:
        """Score one candidate."""
        return self._scorer.log_odds(self._pick_inputs(self._prepare(values)))

    def propensity(self, values: Iterable[float]) -> float:
        """Return the probability that one candidate would be bought."""
        return _propensity(self.log_odds(values))

    def propensities(self, rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[float]:
        """Return the propensity of each candidate, the same bits as one by one.

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
        """Return the propensity of each row of a table, the same bits as one by one."""
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        if not columns.keys() >= {*self.feature_names}:
            raise MissingColumnsError(
                f"The table to score is incomplete: {describe_missing(self.feature_names, columns)}"
            )
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
        """Explain the score of one candidate."""
        prepared = self._prepare(values)
        inputs = self._pick_inputs(prepared)
        base_value, parts = self._scorer.contributions(inputs)
        found = dict.fromkeys(self.feature_names, 0.0)
        for name, part in zip(self._source_of_input, parts, strict=True):
            found[name] += part
        ranked = sorted(found, key=lambda name: -abs(found[name]))
        sent = self._as_sent(values, prepared)
        return Reasons(
            base_value,
            self._scorer.log_odds(inputs),
            {name: found[name] for name in ranked[:top]},
            fsum(found[name] for name in ranked[top:]),
            {name: describe(name, sent, missing=self._missing[name]) for name in ranked[:top]},
        )

    def sent(self, values: Sequence[float]) -> dict[str, float]:
        """Return the features by name, NaN where the frame writes "never" as a number of days."""
        return self._as_sent(values, self._prepare(values))

    def _prepare(self, values: Iterable[float]) -> dict[str, float]:
        prepared = dict(zip(self.feature_names, values, strict=True))
        for do_step in self._row_functions:
            do_step(prepared)
        return prepared

    def _pick_inputs(self, prepared: Mapping[str, float]) -> list[float]:
        return [*map(prepared.__getitem__, self._inputs)]

    def _as_sent(self, values: Sequence[float], prepared: Mapping[str, float]) -> dict[str, float]:
        return {
            name: nan if isnan(prepared[name]) else value
            for name, value in zip(self.feature_names, values, strict=True)
        }

    def _sources(self) -> dict[str, str]:
        """Return the feature to which reasons attribute each value."""
        sources = {name: name for name in self.feature_names}
        for step in self.steps:
            sources[step.name] = sources[step.reads[0]]
        return sources


def is_worth_numpy(n_rows: int) -> bool:
    """Return whether NumPy scores so many rows sooner than plain Python."""
    return n_rows >= (WORTH_NUMPY if "numpy" in modules else WORTH_IMPORTING_NUMPY)


def import_numpy() -> None:
    """Import NumPy; afterwards `import numpy` waits for nothing, also in a fork."""
    with _IMPORTING:
        import numpy  # noqa: F401, ICN001, PLC0415 - single users never pay for it


def _propensity(log_odds: float) -> float:
    """Return ``1 / (1 + exp(-log_odds))`` in the form that cannot overflow."""
    if log_odds < 0.0:
        odds = exp(log_odds)
        return odds / (1.0 + odds)
    return 1.0 / (1.0 + exp(-log_odds))


def _check_names(features: Iterable[Feature], steps: Iterable[Step], inputs: Sequence[str]) -> None:
    known = {feature.name for feature in features}
    for i, step in enumerate(steps):
        if unknown := [name for name in step.reads if name not in known]:
            raise ModelFormatError(f"steps[{i}] reads {unknown}, which nothing before it gives.")
        known.add(step.name)
    if not inputs or not known.issuperset(inputs):
        raise ModelFormatError("inputs must name features, or what steps made, and at least one.")


def _read_scorer(value: Any, *, n_inputs: int) -> SymmetricTrees | Linear:
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "symmetric_trees":
        return SymmetricTrees.from_document(value, n_inputs=n_inputs)
    if kind == "linear":
        return Linear.from_document(value, n_inputs=n_inputs)
    raise ModelFormatError("scorer must be of kind 'symmetric_trees' or 'linear'.")
