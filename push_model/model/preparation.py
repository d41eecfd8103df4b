"""Turn features into the scorer's inputs, in training and in serving alike.

Each step is written twice: for one candidate in plain Python, for many in NumPy. Both give the same
bits; a test compares them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import partial
from itertools import groupby
from math import isnan, log, nan
from typing import TYPE_CHECKING, Any, ClassVar

from push_model.errors import ModelFormatError, did_you_mean
from push_model.model.document import read_list, read_number, read_object, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    Row = dict[str, float]
    Columns = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step; it writes the value `name`."""

    kind: ClassVar[str]
    name: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The names that it reads; reasons attribute its result to the first."""
        values = (getattr(self, field.name) for field in fields(self) if field.name != "name")
        return tuple(value for value in values if isinstance(value, str))

    def document(self) -> dict[str, Any]:
        """Return the step as model.json holds it."""
        return {"kind": self.kind, **asdict(self)}

    def on_row(self, values: Row) -> None:
        """Change the values of one candidate in place."""
        raise NotImplementedError

    def on_columns(self, columns: Columns) -> None:
        """Replace a column of many candidates."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class MissingIf(Step):
    """Where a value equals `equals` and the flag is 0, make it missing.

    A frame writes "never bought" as a number of days; the flag tells it from real days.
    """

    kind: ClassVar[str] = "missing_if"
    equals: float
    flag: str

    @property
    def reads(self) -> tuple[str, ...]:
        return self.name, self.flag

    def on_row(self, values: Row) -> None:
        if values[self.name] == self.equals and values[self.flag] == 0.0:
            values[self.name] = nan

    def on_columns(self, columns: Columns) -> None:
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        is_marker = (columns[self.name] == self.equals) & (columns[self.flag] == 0.0)
        columns[self.name] = np.where(is_marker, nan, columns[self.name])


@dataclass(frozen=True, slots=True)
class Fill(Step):
    """Where a value is missing, put `value`."""

    kind: ClassVar[str] = "fill"
    value: float

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.name,)

    def on_row(self, values: Row) -> None:
        if isnan(values[self.name]):
            values[self.name] = self.value

    def on_columns(self, columns: Columns) -> None:
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        column = columns[self.name]
        columns[self.name] = np.where(np.isnan(column), self.value, column)


@dataclass(frozen=True, slots=True)
class Ratio(Step):
    """Make ``numerator / denominator``; missing where either is, or the denominator is <= 0."""

    kind: ClassVar[str] = "ratio"
    numerator: str
    denominator: str

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


@dataclass(frozen=True, slots=True)
class Log(Step):
    """Make ``ln(of + offset)``; missing where `of` is, or the sum is <= 0."""

    kind: ClassVar[str] = "log"
    of: str
    offset: float

    def on_row(self, values: Row) -> None:
        shifted = values[self.of] + self.offset
        values[self.name] = log(shifted) if shifted > 0.0 else nan

    def on_columns(self, columns: Columns) -> None:
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        shifted = (columns[self.of] + self.offset).tolist()
        # Not numpy.log: on some processors its last bit differs from math.log's.
        logs = (log(value) if value > 0.0 else nan for value in shifted)
        columns[self.name] = np.fromiter(logs, np.float64, count=len(shifted))


@dataclass(frozen=True, slots=True)
class Product(Step):
    """Make ``left * right``; missing where either is."""

    kind: ClassVar[str] = "product"
    left: str
    right: str

    def on_row(self, values: Row) -> None:
        values[self.name] = values[self.left] * values[self.right]

    def on_columns(self, columns: Columns) -> None:
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        with np.errstate(all="ignore"):  # plain Python multiplies to infinity in silence, too
            columns[self.name] = columns[self.left] * columns[self.right]


_KINDS: dict[str, type[Step]] = {step.kind: step for step in (MissingIf, Fill, Ratio, Log, Product)}


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
    # Annotations are texts here.
    readers = {
        field.name: read_number if field.type == "float" else read_text for field in fields(step)
    }
    given = read_object(document, {"kind", *readers}, place)
    values: dict[str, Any] = {
        name: read(given[name], f"{place}[{name!r}]") for name, read in readers.items()
    }
    return step(**values)
