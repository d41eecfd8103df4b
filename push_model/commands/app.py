"""What can be done from a shell? `push-model --help` lists it."""

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from push_model.commands.explore import app as exploration_commands
from push_model.commands.features import app as history_commands
from push_model.commands.models import DEFAULT_MODELS_DIR, ModelsDir
from push_model.commands.models import app as store_commands
from push_model.commands.options import read_model
from push_model.commands.runs import DEFAULT_RUNS_DIR, RunsDir
from push_model.commands.runs import app as run_commands
from push_model.commands.staleness import app as staleness_commands
from push_model.errors import (
    InvalidEventError,
    ModelIntegrityError,
    ModelNotFoundError,
    PushModelError,
)
from push_model.serving.settings import age_in_days, read_max_age_days
from push_model.store.promotion import champion as read_champion
from push_model.store.promotion import model_path

app = typer.Typer(
    help="Train, inspect and ask the models that say who would buy a product now.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(store_commands)
app.add_typer(run_commands)
app.add_typer(staleness_commands)
app.add_typer(history_commands)
app.add_typer(exploration_commands)
console = Console()


@app.command()
def sample(
    out: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    orders: Annotated[int, typer.Option(help="Repeat orders; each gives about 840 rows.")] = 350,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
) -> None:
    """Write a synthetic feature frame: a shop of nobody, in the published schema."""
    from push_model.training.shop.sample import write_sample  # noqa: PLC0415 - keeps --help instant

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("Writing products", total=None)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        rows = write_sample(out, orders=orders, seed=seed, report_progress=report)
    console.print(f"Wrote {rows:,} rows of {orders:,} orders to {out}.", markup=False)


@app.command()
def fit(
    dataset: Annotated[str, typer.Argument(help="Path or URI of a feature frame.")],
    model: Annotated[
        str,
        typer.Option(help='A name, or JSON such as \'{"model": "boosted_trees", "depth": 4}\'.'),
    ] = "final_model",
    training_date: Annotated[
        str | None, typer.Option(help="yyyy-mm-dd: no later row is read. Default today (UTC).")
    ] = None,
    min_items: Annotated[int, typer.Option(help="Items bought that make an order large.")] = 5,
    holdout_days: Annotated[
        int | None,
        typer.Option(help="How many of the newest days judge. Default: a tenth of the orders."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
) -> None:
    """Train one model and save its folder. It does not serve until it is promoted."""
    from push_model.evaluation.scorers import score  # noqa: PLC0415 - keeps --help instant
    from push_model.model.scoring import Model  # noqa: PLC0415
    from push_model.training.card.pages import HTML_FILE, write_card  # noqa: PLC0415
    from push_model.training.fit import fit_model  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    event = {
        "model_parametrisation": read_model(model),
        "dataset": dataset,
        "training_date": training_date,
        "min_items": min_items,
        "holdout_days": holdout_days,
        "seed": seed,
        "models_dir": str(models_dir),
    }
    path, trained = fit_model(event)
    # The same model may have a card with its verdict already.
    if trained and not (path / HTML_FILE).exists():
        validated, holdout = Model.from_document(trained.validated.document), trained.split.holdout
        scores = {"challenger": score(validated, holdout)}
        write_card(path, holdout, scores, model=validated, seed=seed)
    console.print(_metrics(_manifest(path)["metrics"]["holdout"], title="Holdout"))
    _show_folder(path)


@app.command()
def predict(
    users: Annotated[Path, typer.Argument(help="JSON: user id to features; - reads stdin.")],
    threshold: Annotated[float | None, typer.Option(help="Answer 1 or 0 instead.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Add reasons.")] = False,  # noqa: FBT002 - a flag
    model: Annotated[str | None, typer.Option(help="A model of the store.")] = None,
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
) -> None:
    """Ask the champion for the propensity of each user."""
    from push_model.serving.prediction import handler_predict  # noqa: PLC0415 - keeps --help instant

    os.environ["PUSH_MODELS_DIR"] = str(models_dir)
    event: dict[str, Any] = {"users": _read_text(users)}
    options = {"threshold": threshold, "explain": explain or None, "model": model}
    event |= {name: value for name, value in options.items() if value is not None}
    answer = handler_predict(event)
    console.print_json(answer["body"])
    if answer["statusCode"] != "200":
        raise typer.Exit(code=1)


@app.command()
def champion(models_dir: ModelsDir = DEFAULT_MODELS_DIR) -> None:
    """Show which model serves, and how good it was when it was trained."""
    serving = read_champion(models_dir)
    if serving is None:
        raise ModelNotFoundError(
            f"There is no champion in {models_dir} yet. Train one: make retrain."
        )
    path = model_path(models_dir, serving.model_name)
    console.print(f"[bold]{serving.model_name}[/] serves since {serving.promoted_at}.")
    age = age_in_days(str(_manifest(path).get("trained_on")), datetime.now(UTC).date())
    if age is not None:
        console.print(f"It is {age} days old; {read_max_age_days(os.environ)} are allowed.")
    console.print(_metrics(_manifest(path)["metrics"]["holdout"], title="Holdout when trained"))
    _show_folder(path)


@app.command()
def verdict(
    run_folder: Annotated[
        Path | None, typer.Argument(help="Default: the newest run's folder.")
    ] = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """Show the verdict of a retraining run, with the numbers behind it."""
    from push_model.training.gate.verdict import VERDICT_FILE  # noqa: PLC0415 - keeps --help instant

    folder = run_folder or _newest_run(runs_dir)
    run = _read_json(folder / VERDICT_FILE, "No validated run is in this folder")
    found = run["verdict"]
    colour = {"promote": "green", "keep": "yellow"}.get(found["decision"], "magenta")
    console.print(f"[bold {colour}]Verdict: {found['decision']}[/]  {run['model_name']}")
    for reason in found["reasons"]:
        console.print(f"  - {reason}", soft_wrap=True, markup=False)
    kept = sum(finding["passed"] is True for finding in found["findings"])
    console.print(f"{kept} of {len(found['findings'])} rules kept; the model card lists them all.")
    if "metrics" in found:  # a verdict settled before anything was measured has none
        console.print(_metrics(found["metrics"], title=f"Holdout, {found['orders']} orders"))
    for found in run.get("backtests", []):
        console.print(
            f"Looking back: {found['sentence']}", soft_wrap=True, markup=False, highlight=False
        )
    path = Path(run["model_path"])
    _show_folder(path)


def main() -> None:
    """Run the command line; a foreseen failure is one sentence and exit code 1."""
    try:
        app()
    except PushModelError as error:
        said = f"[bold red]{type(error).__name__}[/] {escape(str(error))}"
        Console(stderr=True).print(said, soft_wrap=True)
        sys.exit(1)


def _show_folder(path: Path) -> None:
    where = f"Model folder  {path}\nModel card    {path / 'card.html'}"
    console.print(where, soft_wrap=True, markup=False, highlight=False)


def _read_text(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidEventError(f"{path} cannot be read as UTF-8 text: {error}.") from error


def _read_json(path: Path, complaint: str) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"{complaint}: {path} is absent. Run make retrain.") from error
    except ValueError as error:
        raise ModelIntegrityError(f"{path} is damaged: {error}. Run make retrain.") from error


def _newest_run(runs_dir: Path) -> Path:
    latest = _read_json(runs_dir / "latest.json", "No run has been validated yet")
    return Path(latest["run_folder"])


def _manifest(path: Path) -> Any:
    return _read_json(path / "manifest.json", "The model folder has no manifest")


def _metrics(columns: Mapping[str, Mapping[str, float]], *, title: str) -> Table:
    from push_model.reporting.numbers import SHOWN_METRICS, write_metric  # noqa: PLC0415 - keeps --help instant

    table = Table("metric", *columns, title=title, title_justify="left")
    for name, heading, form in SHOWN_METRICS:
        cells = (write_metric(name, form, who, found[name]) for who, found in columns.items())
        table.add_row(heading, *cells)
    for column in table.columns[1:]:
        column.justify = "right"
    return table
