"""Score and explain candidates with a linear model: one term an input."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

from push_model.model.document import read_number, read_numbers, read_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


class Linear:
    """A linear model, ready to score."""

    def __init__(
        self, weights: Sequence[float], centers: Sequence[float], *, intercept: float
    ) -> None:
        self._weights, self._centers, self._intercept = weights, centers, intercept

    @classmethod
    def from_document(cls, document: Any, *, n_inputs: int) -> Linear:
        """Read the scorer of a model document."""
        fields = read_object(document, {"kind", "intercept", "weights", "centers"}, "scorer")
        return cls(
            read_numbers(fields["weights"], "scorer['weights']", length=n_inputs),
            read_numbers(fields["centers"], "scorer['centers']", length=n_inputs),
            intercept=read_number(fields["intercept"], "scorer['intercept']"),
        )

    def log_odds(self, inputs: Iterable[float]) -> float:
        """Score one candidate."""
        total = self._intercept
        for term in self._terms(inputs):  # not sum(): from Python 3.12 it compensates
            total += term
        return total

    def log_odds_of_columns(self, columns: Sequence[Array]) -> Array:
        """Score many candidates with NumPy, to the same bits as one by one."""
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        total = np.full(len(columns[0]), self._intercept)
        with np.errstate(all="ignore"):  # plain Python overflows to infinity in silence, too
            for weight, center, column in zip(self._weights, self._centers, columns, strict=True):
                total += np.where(np.isnan(column), 0.0, weight * (column - center))
        return total

    def contributions(self, inputs: Sequence[float]) -> tuple[float, list[float]]:
        """Return the log-odds of an average candidate, and what each input adds to them."""
        return self._intercept, self._terms(inputs)

    def _terms(self, inputs: Iterable[float]) -> list[float]:
        return [
            0.0 if isnan(value) else weight * (value - center)
            for weight, center, value in zip(self._weights, self._centers, inputs, strict=True)
        ]
