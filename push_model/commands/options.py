"""Options, readers and the progress bar that several commands share."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from push_model.errors import InvalidEventError, InvalidSettingError
from push_model.serving.settings import expand_home
from push_model.store.pointer import model_path


def _expand(folder: Path) -> Path:
    """Expand a ``~``, which no shell does in an environment variable."""
    try:
        return Path(expand_home(str(folder), "It"))
    except InvalidSettingError as error:
        raise typer.BadParameter(str(error)) from error


def _folder(variable: str, text: str) -> Any:
    return typer.Option(envvar=variable, file_okay=False, callback=_expand, help=text)


# The limits are those of `FitRequest`: click then names the option that is wrong.
ModelsDir = Annotated[Path, _folder("PUSH_MODELS_DIR", "Folder of the models.")]
DEFAULT_MODELS_DIR = Path("models")
RunsDir = Annotated[Path, _folder("PUSH_RUNS_DIR", "Folder of the retraining runs.")]
DEFAULT_RUNS_DIR = Path("runs")
Dataset = Annotated[str, typer.Argument(help="Path or URI of a feature frame.")]
MinItems = Annotated[
    int, typer.Option(min=1, max=1000, help="Use orders with at least this many items bought.")
]
HoldoutDays = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1000,
        help="Newest days to evaluate the model on. Default: the newest tenth of the orders.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of all random draws.")]
Until = Annotated[
    str | None, typer.Option(help="Last day to read, yyyy-mm-dd. Default: today (UTC).")
]


def read_until(text: str | None, option: str = "--until") -> date:
    """Read a last day; without one it is today."""
    from push_model.training.parsing import read_day  # noqa: PLC0415 - keeps --help instant

    return datetime.now(UTC).date() if text is None else read_day(text, option)


def read_model(text: str) -> dict[str, Any]:
    """Read ``--model``: a name, or a parametrisation in JSON; return it written out.

    Examples
    --------
    >>> read_model('{"model": "boosted_trees", "depth": 4}')["depth"]
    4
    """
    from push_model.training.parametrisation import (  # noqa: PLC0415 - keeps --help instant
        describe,
        read_parametrisation,
    )

    given = text
    if text.lstrip().startswith("{"):
        try:
            given = json.loads(text)
        except ValueError as error:
            raise InvalidEventError(
                f"--model is not valid JSON: {error}. Wrap it in single quotes."
            ) from error
    return describe(read_parametrisation(given, place="--model"))


def check_name(name: str | None) -> str | None:
    """Check a model's name where it is typed, so that the message names its option."""
    try:
        if name is not None:
            model_path(Path(), name)
    except InvalidEventError as error:
        raise typer.BadParameter(str(error)) from error
    return name


ModelName = Annotated[str, typer.Argument(help="A model of the store.", callback=check_name)]


@contextmanager
def show_reading() -> Iterator[Callable[[float], None]]:
    """Show people, not a log, which share of a dataset was read; until all of it is."""
    with make_progress(is_brief=True) as progress:
        task = progress.add_task("Reading", total=1.0)

        def report(share: float) -> None:
            progress.update(task, completed=share)
            if share == 1.0:
                progress.stop()

        yield report


def make_progress(*, is_brief: bool = False) -> Progress:
    """Make a progress bar on standard error; a brief one goes away, and is not for a log."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    return Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=is_brief,
        disable=is_brief and not console.is_terminal,
    )
