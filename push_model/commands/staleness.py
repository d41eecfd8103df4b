"""How long may a model serve? `push-model staleness` measures it on a feature frame."""

import contextlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from push_model.commands.options import check_picture, read_model

if TYPE_CHECKING:
    from push_model.evaluation.results import Interval
    from push_model.training.backtesting.staleness import Staleness
    from push_model.training.fit_request import FitRequest

app = typer.Typer()
console = Console()

LEGEND = (
    "Average precision beside the freshest models' and popularity's on the same orders; what is "
    "kept of it; what log loss has grown by; purchases promised for each one made."
)


@app.command()
def staleness(
    dataset: Annotated[str, typer.Argument(help="Path or URI of a feature frame.")],
    out: Annotated[
        Path | None, typer.Option(help="A picture of it: a file ending in .html, .png or .svg.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="A name, or JSON, as `push-model fit` takes it.")
    ] = "final_model",
    days: Annotated[int, typer.Option(help="Oldest age to look at.")] = 35,
    origins: Annotated[int, typer.Option(help="How many past days to train as of.")] = 8,
    every: Annotated[int, typer.Option(help="Days from one of them to the next.")] = 7,
    training_date: Annotated[
        str | None, typer.Option(help="yyyy-mm-dd: no later row is read. Default today (UTC).")
    ] = None,
    min_items: Annotated[int, typer.Option(help="Items bought that make an order large.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
) -> None:
    """Measure what age does to a model: older ones beside fresh ones, on the same orders."""
    check_picture(out)
    from push_model.training.fit_request import read_fit_request  # noqa: PLC0415 - keeps --help instant

    event = {
        "model_parametrisation": read_model(model),
        "dataset": dataset,
        "training_date": training_date,
        "min_items": min_items,
        "seed": seed,
    }
    request = read_fit_request(event, today=datetime.now(UTC).date())
    found = _measure(request, days=days, origins=origins, every=every)
    console.print(_table(found))
    console.print(LEGEND, soft_wrap=True, markup=False, highlight=False)
    console.print(found.sentence(), soft_wrap=True, markup=False, highlight=False)
    if out is not None:
        from push_model.training.backtesting.staleness_picture import draw  # noqa: PLC0415 - as above

        draw(found, out)
        console.print(f"Drawn in {out}.", soft_wrap=True, markup=False, highlight=False)


def _measure(request: "FitRequest", *, days: int, origins: int, every: int) -> "Staleness":
    from push_model.training.backtesting.staleness import measure_staleness  # noqa: PLC0415 - as above
    from push_model.training.data.dataset import open_dataset  # noqa: PLC0415 - keeps --help instant
    from push_model.training.fit import read_large_orders  # noqa: PLC0415 - as above

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    until = request.training_date
    dataset = open_dataset(request.dataset, until=until)
    frame = read_large_orders(dataset, min_items=request.min_items, until=until)
    with (
        Progress(*columns, console=Console(stderr=True)) as progress,
        contextlib.redirect_stdout(io.StringIO()),  # CatBoost's own progress, tree by tree
    ):
        task = progress.add_task("Training as of past days", total=origins)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        return measure_staleness(
            frame,
            request.parametrisation,
            days=days,
            origins=origins,
            every=every,
            seed=request.seed,
            report_progress=report,
        )


def _table(found: "Staleness") -> Table:
    title = (
        f"{len(found.origins)} models, trained as of {found.origins[0]} to {found.origins[-1]}; "
        "90 % intervals"
    )
    table = Table(
        *("days", "orders", "AP", "fresh", "pop.", "AP kept, %", "loss", "ratio"),
        title=title,
        title_justify="left",
        box=SIMPLE,  # a frame around eight columns is wider than a terminal
        padding=(0, 0, 0, 1),
    )
    for column in table.columns:
        column.justify = "right"
    for age in found.ages:
        figures = (age.average_precision, age.fresh, age.popularity)
        table.add_row(
            f"{age.first_day}-{age.last_day}",
            f"{age.orders}",
            *(f"{figure.estimate:.4f}" for figure in figures),
            _share(age.kept),
            f"{age.log_loss_kept.estimate - 1:+.1%}",
            f"{age.expected_per_actual.estimate:.3f}",
        )
    return table


def _share(interval: "Interval") -> str:
    return f"{100 * interval.estimate:.1f} ({100 * interval.low:.1f}-{100 * interval.high:.1f})"
