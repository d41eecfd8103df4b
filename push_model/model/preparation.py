"""Turn features into the scorer's inputs, in training and in serving alike.

Each step is written twice: `on_row` changes one candidate in place, in plain Python; `on_columns`
replaces a column of many, in NumPy. Both give the same bits; a test compares them. A step reads the
names in `reads` and writes `name`; reasons attribute the result to the first name it reads.
"""

from __future__ import annotations

from functools import partial
from itertools import groupby
from math import isnan, log, nan
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import ModelFormatError, did_you_mean
from push_model.model.document import read_list, read_number, read_object, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    Row = dict[str, float]
    Columns = dict[str, NDArray[np.float64]]


class MissingIf(NamedTuple):
    """Where a value equals `equals` and the flag is 0, make it missing.

    A frame writes "never bought" as a number of days; the flag tells it from real days.
    """

    name: str
    equals: float
    flag: str

    @property
    def reads(self) -> tuple[str, ...]:
        return self.name, self.flag

    def document(self) -> dict[str, Any]:
        return {"kind": "missing_if", **self._asdict()}

    def on_row(self, values: Row) -> None:
        if values[self.name] == self.equals and values[self.flag] == 0.0:
            values[self.name] = nan

    def on_columns(self, columns: Columns) -> None:
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        is_marker = (columns[self.name] == self.equals) & (columns[self.flag] == 0.0)
        columns[self.name] = np.where(is_marker, nan, columns[self.name])


class Fill(NamedTuple):
    """Where a value is missing, put `value`."""

    name: str
    value: float

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.name,)

    def document(self) -> dict[str, Any]:
        return {"kind": "fill", **self._asdict()}

    def on_row(self, values: Row) -> None:
        if isnan(values[self.name]):
            values[self.name] = self.value

    def on_columns(self, columns: Columns) -> None:
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        column = columns[self.name]
        columns[self.name] = np.where(np.isnan(column), self.value, column)


class Ratio(NamedTuple):
    """Make ``numerator / denominator``; missing where either is, or the denominator is <= 0."""

    name: str
    numerator: str
    denominator: str

    @property
    def reads(self) -> tuple[str, ...]:
        return self.numerator, self.denominator

    def document(self) -> dict[str, Any]:
        return {"kind": "ratio", **self._asdict()}

    def on_row(self, values: Row) -> None:
        denominator = values[self.denominator]
        values[self.name] = values[self.numerator] / denominator if denominator > 0.0 else nan

    def on_columns(self, columns: Columns) -> None:
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        numerator, denominator = columns[self.numerator], columns[self.denominator]
        quotient = np.full(len(numerator), nan)
        with np.errstate(all="ignore"):  # plain Python divides to infinity in silence, too
            np.divide(numerator, denominator, out=quotient, where=denominator > 0.0)
        columns[self.name] = quotient


class Log(NamedTuple):
    """Make ``ln(of + offset)``; missing where `of` is, or the sum is <= 0."""

    name: str
    of: str
    offset: float

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.of,)

    def document(self) -> dict[str, Any]:
        return {"kind": "log", **self._asdict()}

    def on_row(self, values: Row) -> None:
        shifted = values[self.of] + self.offset
        values[self.name] = log(shifted) if shifted > 0.0 else nan

    def on_columns(self, columns: Columns) -> None:
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        shifted = (columns[self.of] + self.offset).tolist()
        # Not numpy.log: on some processors its last bit differs from math.log's.
        logs = (log(value) if value > 0.0 else nan for value in shifted)
        columns[self.name] = np.fromiter(logs, np.float64, count=len(shifted))


class Product(NamedTuple):
    """Make ``left * right``; missing where either is."""

    name: str
    left: str
    right: str

    @property
    def reads(self) -> tuple[str, ...]:
        return self.left, self.right

    def document(self) -> dict[str, Any]:
        return {"kind": "product", **self._asdict()}

    def on_row(self, values: Row) -> None:
        values[self.name] = values[self.left] * values[self.right]

    def on_columns(self, columns: Columns) -> None:
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        with np.errstate(all="ignore"):  # plain Python multiplies to infinity in silence, too
            columns[self.name] = columns[self.left] * columns[self.right]


Step = MissingIf | Fill | Ratio | Log | Product

_KINDS: dict[str, type[Step]] = {
    "missing_if": MissingIf,
    "fill": Fill,
    "ratio": Ratio,
    "log": Log,
    "product": Product,
}
_NUMBERS = frozenset({"equals", "value", "offset"})


def row_functions(steps: Iterable[Step]) -> tuple[Callable[[Row], None], ...]:
    """Return functions that turn the features of a row into the scorer's inputs, in place.

    Examples
    --------
    >>> row = {"days": 30.0, "usual": 20.0}
    >>> for do_step in row_functions([Ratio("lateness", "days", "usual")]):
    ...     do_step(row)
    >>> row["lateness"]
    1.5
    """
    functions: list[Callable[[Row], None]] = []
    for _, same in groupby(steps, type):
        run = [*same]
        fills = [(step.name, step.value) for step in run if isinstance(step, Fill)]
        if len(fills) > 1:  # a model fills a dozen features in a row; one call does them all
            functions.append(partial(_fill_row, fills))
        else:
            functions += [step.on_row for step in run]
    return tuple(functions)


def _fill_row(fills: list[tuple[str, float]], values: Row) -> None:
    for name, value in fills:
        if isnan(values[name]):
            values[name] = value


def prepare_columns(
    columns: Mapping[str, NDArray[np.float64]], steps: Iterable[Step]
) -> dict[str, NDArray[np.float64]]:
    """Turn the features of many candidates into the scorer's inputs.

    Examples
    --------
    >>> import numpy as np
    >>> columns = {"days": np.array([30.0, np.nan]), "usual": np.array([20.0, 20.0])}
    >>> prepare_columns(columns, [Ratio("lateness", "days", "usual")])["lateness"].tolist()
    [1.5, nan]
    """
    prepared = dict(columns)
    for step in steps:
        step.on_columns(prepared)
    return prepared


def parse_steps(documents: Any) -> tuple[Step, ...]:
    """Read the steps of a model document."""
    steps = read_list(documents, "steps")
    return tuple(_parse_step(document, f"steps[{i}]") for i, document in enumerate(steps))


def _parse_step(document: Any, place: str) -> Step:
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ModelFormatError(
            f"{place} must be a step of kind {sorted(_KINDS)}.{did_you_mean(kind, _KINDS)}"
        )
    step = _KINDS[kind]
    fields = read_object(document, {"kind", *step._fields}, place)
    values: dict[str, Any] = {
        name: (read_number if name in _NUMBERS else read_text)(fields[name], f"{place}[{name!r}]")
        for name in step._fields
    }
    return step(**values)
