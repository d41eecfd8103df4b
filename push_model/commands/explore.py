"""Which model is the best on this dataset? `push-model explore` compares, chooses and reports."""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from push_model.commands.options import read_until

if TYPE_CHECKING:
    from push_model.evaluation.results import Interval
    from push_model.exploration.choose import Choice, Standing
    from push_model.exploration.folder import Exploration
    from push_model.exploration.run import Outcome
    from push_model.exploration.work import Work

app = typer.Typer()
console = Console()

# Git leaves data/ alone: the folder holds rows of customers.
DEFAULT_OUT = Path("data/exploration")
LEADERBOARD_WIDTH = 110
# Lines of progress in a log.
SAID_TIMES = 20
# A fit of trees keeps two cores busy by itself.
DEFAULT_JOBS = max(1, (os.cpu_count() or 1) // 2)


@app.command()
def explore(
    dataset: Annotated[str, typer.Argument(help="Path or URI of a feature frame.")],
    size: Annotated[str, typer.Option(help="small: eight cheap entries; full: all.")] = "full",
    out: Annotated[
        Path, typer.Option(help="Where results are kept; run again, it goes on there.")
    ] = DEFAULT_OUT,
    jobs: Annotated[
        int, typer.Option(min=1, help="Fits at once; each takes two cores.")
    ] = DEFAULT_JOBS,
    search_trials: Annotated[
        int | None, typer.Option(min=0, help="For Optuna. Default 14 for full, 0 for small.")
    ] = None,
    min_items: Annotated[int, typer.Option(help="Items bought that make an order large.")] = 5,
    until: Annotated[
        str | None, typer.Option(help="yyyy-mm-dd: no later row is read. Default today (UTC).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    again: Annotated[
        str | None, typer.Option(help="Why the final window may be opened once more.")
    ] = None,
) -> None:
    """Compare models on time folds, choose one by a fixed rule, and claim on the last window."""
    from push_model.exploration import run  # noqa: PLC0415 - keeps --help instant
    from push_model.exploration.entries.all import TRIALS  # noqa: PLC0415 - as above
    from push_model.exploration.folder import open_exploration  # noqa: PLC0415 - as above

    day = read_until(until)
    with _saying("Reading the dataset"):
        run.plan(out, dataset, size=size, min_items=min_items, until=day, seed=seed)
    exploration = open_exploration(out)
    _say_start(exploration)
    _fit_all(exploration, jobs=jobs)
    if trials := TRIALS[size] if search_trials is None else search_trials:
        _search(exploration, trials=trials)
        _fit_all(exploration, jobs=jobs)
    _fit_repeats(exploration, jobs=jobs)
    # A narrow terminal, or none, would leave a letter for the names; print's width only narrows.
    wide = Console(width=max(console.width, LEADERBOARD_WIDTH))
    wide.print(_leaderboard(run.sum_up(exploration).standings))
    with _saying("Fitting the chosen for the final window"):
        outcome = run.finish(out, again=again)
    _say_outcome(out, outcome)


def _fit_all(exploration: "Exploration", *, jobs: int) -> None:
    from push_model.exploration.work import list_work  # noqa: PLC0415 - keeps --help instant

    todo = list_work(exploration)
    if not todo:
        _print("Every entry was fitted before; nothing is done twice.")
        return
    _fit("Fitting", exploration, todo, jobs=jobs)


def _fit_repeats(exploration: "Exploration", *, jobs: int) -> None:
    """Fit with another seed what the rule would weigh; `finish` would, one after the other."""
    from push_model.exploration.repeats import list_repeats  # noqa: PLC0415 - keeps --help instant

    while todo := list_repeats(exploration):
        _fit("Fitting again what is level", exploration, todo, jobs=jobs)


def _fit(what: str, exploration: "Exploration", todo: "list[Work]", *, jobs: int) -> None:
    from push_model.exploration.run import run_all  # noqa: PLC0415 - keeps --help instant

    # A worker that has grown is started anew, and loses nothing: no news in the midst of progress.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs", module="joblib")
    with _progress() as progress:
        total = sum(work.weight for work in todo)
        task = progress.add_task(f"{what}, 0 of {len(todo)}", total=total)
        for number, work in enumerate(run_all(exploration, todo, jobs=jobs), start=1):
            said = f"{what}, {number} of {len(todo)}"
            progress.update(task, advance=work.weight, description=said)
            if not progress.console.is_terminal and number % max(1, len(todo) // SAID_TIMES) == 0:
                typer.echo(f"{said}, {_say_left(progress.tasks[task])}", err=True)


def _say_left(task: Task) -> str:
    """Say in a log, where no bar moves, how far it is."""
    left = "" if task.time_remaining is None else f", some {task.time_remaining / 60:.0f} min left"
    return f"{task.percentage:.0f} % of the work{left}"


def _search(exploration: "Exploration", *, trials: int) -> None:
    from push_model.exploration.search import search  # noqa: PLC0415 - keeps --help instant

    with _progress() as progress:
        task = progress.add_task("Searching trees", total=trials)

        def report(ended: int, best: float | None, spent_s: float) -> None:
            said = f"Searching trees, {ended} of {trials}"
            said += "" if best is None else f", best AP {best:.4f}"
            progress.update(task, completed=ended, description=said)
            if not progress.console.is_terminal:
                typer.echo(f"{said}, {spent_s / 60:.0f} min spent", err=True)

        search(exploration.folder, trials=trials, report_progress=report)


def _say_start(exploration: "Exploration") -> None:
    frame = exploration.facts["frame"]
    _print(
        f"{frame['rows']:,} rows of {frame['orders']:,} large orders, {frame['first_day']} to "
        f"{frame['last_day']}. {len(exploration.entries)} entries, {len(exploration.folds)} folds; "
        f"the final window is {exploration.parts[-1].judged}."
    )
    for entry in exploration.facts["entries"]:
        if entry["skipped"]:
            _print(f"Left out: {entry['name']}. {entry['skipped']}")


def _leaderboard(standings: "tuple[Standing, ...]") -> Table:
    table = Table(
        *("entry", "AP", "90 %", "gain", "ROC", "ECE", "prec.", "recall", "new", "fit s"),
        title="Means over the folds; gain on the neighbour (* if the 90 % interval leaves out 0);\n"
        "precision and recall at p > 0.05; recall of new users",
        title_justify="left",
        box=SIMPLE,  # a frame around ten columns is wider than a terminal
        padding=(0, 0, 0, 1),
    )
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for standing in standings:
        table.add_row(*_row(standing))
    return table


def _row(standing: "Standing") -> tuple[str, ...]:
    ap, means, new = standing.average_precision, standing.means["all"], standing.means["new"]
    assert means is not None  # a part without both outcomes is refused at the start
    return (
        standing.entry.name,
        f"{ap.estimate:.4f}",
        f"{ap.low:.3f}-{ap.high:.3f}",
        _gain(standing.gain_on_neighbour),
        f"{means['roc_auc']:.3f}",
        f"{means['ece']:.4f}",
        f"{means['precision_when_pushed']:.3f}",
        f"{means['recall_when_pushed']:.3f}",
        "" if new is None else f"{new['recall_when_pushed']:.3f}",
        f"{standing.fit_s:.1f}",
    )


def _gain(gain: "Interval | None") -> str:
    if gain is None:
        return ""
    return f"{gain.estimate:+.4f}" + ("*" if gain.low > 0 or gain.high < 0 else " ")


def _say_outcome(out: Path, outcome: "Outcome") -> None:
    _say_choice("Chosen", outcome.choice)
    if outcome.choice_request_only.chosen != outcome.choice.chosen:
        _say_choice("Chosen of what a plain request can feed", outcome.choice_request_only)
    for claim in outcome.claims:
        ap = claim["average_precision"]
        figures = f"AP {ap['estimate']:.4f} ({ap['low']:.4f}-{ap['high']:.4f})"
        _print(f"{claim['part']:>11}: {figures}  {claim['entry']}")
    _print(f"Results  {out}" + (f"\nReport   {outcome.report}" if outcome.report else ""))


def _say_choice(title: str, choice: "Choice") -> None:
    _print(f"{title}: {choice.chosen.name} (best: {choice.best.name}).")
    request = choice.document()["parametrisation"]
    if request is None:
        _print("  handler_fit does not know this parametrisation yet.")
    else:
        _print(f"  push-model fit DATASET --model '{json.dumps(request)}'")


def _print(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """Show that something is being done that nobody can count."""
    with Console(stderr=True).status(what):
        yield
