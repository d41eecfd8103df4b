"""Print the metrics, the folder and the facts of a model."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from push_model.errors import ModelIntegrityError, ModelNotFoundError
from push_model.serving.settings import read_max_age_days, user_name

if TYPE_CHECKING:
    from push_model.reporting.section import Table as ReportTable
    from push_model.status.status import Status
    from push_model.training.gate.verdict import Verdict

console = Console()


def print_plain(text: str) -> None:
    """Print a text as it is: unwrapped, without markup or colours."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def print_metrics(columns: Mapping[str, Mapping[str, Any]], *, title: str) -> None:
    """Print metrics as a table, a column for each scorer."""
    from push_model.reporting.numbers import SHOWN_METRICS, write_metric  # noqa: PLC0415 - keeps --help instant

    table = Table("metric", *columns, title=title, title_justify="left")
    for name, heading, form in SHOWN_METRICS:
        cells = (write_metric(name, form, who, found.get(name)) for who, found in columns.items())
        table.add_row(heading, *cells)
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)


def print_table(given: "ReportTable") -> None:
    """Print a table of a page."""
    headings, title = map(escape, given.headings), escape(given.caption)
    # Without a frame, so that most of it fits on a screen.
    table = Table(*headings, title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for row in given.rows:
        table.add_row(*map(escape, row))
    for column in table.columns[1:] if given.numeric else ():
        column.justify = "right"
    for column in table.columns:
        column.overflow = "fold"  # no name is cut
    console.print(table)


def print_verdict(found: "Verdict") -> None:
    """Print a verdict, its reasons, and the numbers behind it."""
    colour = {"promote": "green", "keep": "yellow"}.get(found.decision, "magenta")
    console.print(f"[bold {colour}]Verdict: {found.decision}[/]  {found.model_name}")
    headline, *reasons = found.sentences
    print_plain(headline)
    for reason in reasons:
        print_plain(f"  - {reason}")
    if found.holdout:
        passed = sum(finding.passed is True for finding in found.findings)
        print_plain(f"{passed} of {len(found.findings)} rules passed.")
        metrics = {name: each.document() for name, each in found.holdout.metrics.items()}
        print_metrics(metrics, title=f"Holdout, {found.holdout.orders} orders")


def read_status_of(models_dir: Path, runs_dir: Path) -> "Status":
    """Read the status by the limits of this installation."""
    from push_model.status.read import read_status  # noqa: PLC0415 - keeps --help instant
    from push_model.training.gate.policy import read_installed_policy  # noqa: PLC0415 - the same

    return read_status(
        models_dir,
        runs_dir,
        now=datetime.now(UTC),
        max_age_days=read_max_age_days(os.environ),
        policy=read_installed_policy(os.environ),
    )


def print_folder(path: Path) -> None:
    """Print where a model and its card are."""
    print_plain(f"Model folder  {path}")
    if (card := path / "card.html").exists():  # `handler_fit` alone writes none
        print_plain(f"Model card    {card}")


def read_document(path: Path, complaint: str) -> Any:
    """Read a JSON file of a run or a model, or say what to do."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelNotFoundError(
            f"{complaint}: {path} does not exist. Run make retrain."
        ) from error
    except ValueError as error:
        raise ModelIntegrityError(f"{path} is damaged: {error}. Run make retrain.") from error


def read_facts(path: Path) -> Any:
    """Read the manifest of a model folder."""
    return read_document(path / "manifest.json", "The model folder has no manifest")


def describe_os_error(error: OSError) -> str:
    """Return what the disk refused as a sentence."""
    if isinstance(error, PermissionError) and error.filename:
        return (
            f"{error.filename} cannot be read or written by {user_name()}. "
            "Give this user the right, or run the command as another user."
        )
    where = f" at {error.filename}" if error.filename else ""
    return f"{error.strerror}{where}." if error.strerror else str(error)
