"""How do features become the scorer's inputs? One definition for training and serving.

Each step is said twice, side by side: for one candidate in plain Python, for many in NumPy. The
two give the same bits; a test holds them to it.
"""

from __future__ import annotations

from functools import partial
from itertools import groupby
from math import isnan, log, nan
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import ModelFormatError, did_you_mean
from push_model.model.checks import read_list, read_number, read_object, read_text

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

    def document(self) -> dict[str, Any]:
        """Give the step as model.json holds it."""
        return {"kind": "missing_if", **self._asdict()}


def _missing_if_row(step: MissingIf, values: Row) -> None:
    if values[step.name] == step.equals and values[step.flag] == 0.0:
        values[step.name] = nan


def _missing_if_columns(step: MissingIf, columns: Columns) -> None:
    import numpy as np  # noqa: PLC0415 - single users never pay for it

    is_marker = (columns[step.name] == step.equals) & (columns[step.flag] == 0.0)
    columns[step.name] = np.where(is_marker, nan, columns[step.name])


class Fill(NamedTuple):
    """Where a value is missing, put `value`."""

    name: str
    value: float

    def document(self) -> dict[str, Any]:
        """Give the step as model.json holds it."""
        return {"kind": "fill", **self._asdict()}


def _fill_columns(step: Fill, columns: Columns) -> None:
    import numpy as np  # noqa: PLC0415 - single users never pay for it

    column = columns[step.name]
    columns[step.name] = np.where(np.isnan(column), step.value, column)


class Ratio(NamedTuple):
    """Make ``numerator / denominator``; missing where either is, or the denominator is <= 0."""

    name: str
    numerator: str
    denominator: str

    def document(self) -> dict[str, Any]:
        """Give the step as model.json holds it."""
        return {"kind": "ratio", **self._asdict()}


def _ratio_row(step: Ratio, values: Row) -> None:
    denominator = values[step.denominator]
    values[step.name] = values[step.numerator] / denominator if denominator > 0.0 else nan


def _ratio_columns(step: Ratio, columns: Columns) -> None:
    import numpy as np  # noqa: PLC0415 - single users never pay for it

    numerator, denominator = columns[step.numerator], columns[step.denominator]
    quotient = np.full(len(numerator), nan)
    with np.errstate(all="ignore"):  # plain Python divides to infinity in silence, too
        np.divide(numerator, denominator, out=quotient, where=denominator > 0.0)
    columns[step.name] = quotient


class Log(NamedTuple):
    """Make ``ln(of + offset)``; missing where `of` is, or the sum is <= 0."""

    name: str
    of: str
    offset: float

    def document(self) -> dict[str, Any]:
        """Give the step as model.json holds it."""
        return {"kind": "log", **self._asdict()}


def _log_row(step: Log, values: Row) -> None:
    shifted = values[step.of] + step.offset
    values[step.name] = log(shifted) if shifted > 0.0 else nan


def _log_columns(step: Log, columns: Columns) -> None:
    import numpy as np  # noqa: PLC0415 - single users never pay for it

    shifted = (columns[step.of] + step.offset).tolist()
    # Not numpy.log: on some processors its last bit differs from math.log's.
    logs = (log(value) if value > 0.0 else nan for value in shifted)
    columns[step.name] = np.fromiter(logs, np.float64, count=len(shifted))


class Product(NamedTuple):
    """Make ``left * right``; missing where either is."""

    name: str
    left: str
    right: str

    def document(self) -> dict[str, Any]:
        """Give the step as model.json holds it."""
        return {"kind": "product", **self._asdict()}


def _product_row(step: Product, values: Row) -> None:
    values[step.name] = values[step.left] * values[step.right]


def _product_columns(step: Product, columns: Columns) -> None:
    import numpy as np  # noqa: PLC0415 - single users never pay for it

    with np.errstate(all="ignore"):  # plain Python multiplies to infinity in silence, too
        columns[step.name] = columns[step.left] * columns[step.right]


Step = MissingIf | Fill | Ratio | Log | Product

_KINDS: dict[str, type[Step]] = {
    "missing_if": MissingIf,
    "fill": Fill,
    "ratio": Ratio,
    "log": Log,
    "product": Product,
}
_NUMBERS = frozenset({"equals", "value", "offset"})
_ON_ROW: dict[type[Step], Callable[[Any, Row], None]] = {
    MissingIf: _missing_if_row,
    Ratio: _ratio_row,
    Log: _log_row,
    Product: _product_row,
}
_ON_COLUMNS: dict[type[Step], Callable[[Any, Columns], None]] = {
    MissingIf: _missing_if_columns,
    Fill: _fill_columns,
    Ratio: _ratio_columns,
    Log: _log_columns,
    Product: _product_columns,
}


def prepare_row(values: Mapping[str, float], steps: Iterable[Step]) -> dict[str, float]:
    """Turn the features of one candidate into the scorer's inputs.

    Examples
    --------
    >>> prepare_row({"days": 30.0, "usual": 20.0}, [Ratio("lateness", "days", "usual")])
    {'days': 30.0, 'usual': 20.0, 'lateness': 1.5}
    """
    return run_on_row(row_functions(steps), dict(values))


def run_on_row(functions: Iterable[Callable[[Row], None]], values: Row) -> Row:
    """Do steps that were made ready before."""
    for do_step in functions:
        do_step(values)
    return values


def row_functions(steps: Iterable[Step]) -> tuple[Callable[[Row], None], ...]:
    """Make each step a function of a row, once for many rows."""
    functions: list[Callable[[Row], None]] = []
    for kind, same in groupby(steps, type):
        if kind is Fill:  # a model fills a dozen features in a row; one call does them all
            functions.append(partial(_fill_row, [step for step in same if isinstance(step, Fill)]))
        else:
            functions += [partial(_ON_ROW[kind], step) for step in same]
    return tuple(functions)


def _fill_row(fills: list[Fill], values: Row) -> None:
    for name, value in fills:
        if isnan(values[name]):
            values[name] = value


def prepare_columns(
    columns: Mapping[str, NDArray[np.float64]], steps: Iterable[Step]
) -> dict[str, NDArray[np.float64]]:
    """Turn the features of many candidates into the scorer's inputs, as `prepare_row` does.

    Examples
    --------
    >>> import numpy as np
    >>> columns = {"days": np.array([30.0, np.nan]), "usual": np.array([20.0, 20.0])}
    >>> prepare_columns(columns, [Ratio("lateness", "days", "usual")])["lateness"].tolist()
    [1.5, nan]
    """
    prepared = dict(columns)
    for step in steps:
        _ON_COLUMNS[type(step)](step, prepared)
    return prepared


def names_read(step: Step) -> tuple[str, ...]:
    """Give the names a step reads; its result speaks of the first.

    Examples
    --------
    >>> names_read(Ratio("lateness", "days", "usual"))
    ('days', 'usual')
    """
    if isinstance(step, MissingIf):
        return step.name, step.flag
    if isinstance(step, Fill):
        return (step.name,)
    return tuple(value for value in step[1:] if isinstance(value, str))


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
    arguments: dict[str, Any] = {
        name: (read_number if name in _NUMBERS else read_text)(fields[name], f"{place}[{name!r}]")
        for name in step._fields
    }
    return step(**arguments)
