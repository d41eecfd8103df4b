"""Options, readers and the progress bar that several commands share."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from push_model.errors import InvalidEventError

ModelsDir = Annotated[
    Path, typer.Option(envvar="PUSH_MODELS_DIR", help="The model store.", show_default=True)
]
DEFAULT_MODELS_DIR = Path("models")
RunsDir = Annotated[Path, typer.Option(envvar="PUSH_RUNS_DIR", help="The run folders.")]
DEFAULT_RUNS_DIR = Path("runs")
Dataset = Annotated[str, typer.Argument(help="Path or URI of a feature frame.")]
MinItems = Annotated[int, typer.Option(min=1, help="Items bought that make an order large.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Until = Annotated[
    str | None, typer.Option(help="yyyy-mm-dd: no later row is read. Default today (UTC).")
]


def read_until(text: str | None) -> date:
    """Read ``--until``."""
    from push_model.training.parsing import read_day  # noqa: PLC0415 - keeps --help instant

    return datetime.now(UTC).date() if text is None else read_day(text, "--until")


def read_model(text: str) -> Any:
    """Read a parametrisation as `handler_fit` takes it.

    Examples
    --------
    >>> read_model("final_model"), read_model('{"model": "boosted_trees"}')
    ('final_model', {'model': 'boosted_trees'})
    """
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidEventError(
            f"--model is not valid JSON: {error}. Wrap it in single quotes."
        ) from error


def make_progress() -> Progress:
    """Make a progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
