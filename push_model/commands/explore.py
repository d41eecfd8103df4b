"""Provide `push-model explore`: compare models, choose one, and write the report."""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Task
from rich.table import Table

from push_model.commands.options import Dataset, MinItems, Seed, Until, make_progress, read_until

if TYPE_CHECKING:
    from push_model.evaluation.results import Interval
    from push_model.exploration.choose import Standing
    from push_model.exploration.entries.entry import Entry
    from push_model.exploration.final_window import Outcome
    from push_model.exploration.folder import Exploration
    from push_model.exploration.work import Work

app = typer.Typer()
console = Console()

# Git ignores data/: the folder holds rows of customers.
_DEFAULT_OUT = Path("data/exploration")
_LEADERBOARD_WIDTH = 110
# Lines of progress in a log.
_LOG_LINES = 20
# A fit of trees keeps two cores busy.
_DEFAULT_JOBS = max(1, (os.cpu_count() or 1) // 2)


@app.command()
def explore(
    dataset: Dataset,
    size: Annotated[
        Literal["small", "full"],
        typer.Option(help="small: eight entries that train fast; full: all entries."),
    ] = "full",
    out: Annotated[
        Path, typer.Option(help="Folder of the results; a second run continues it.")
    ] = _DEFAULT_OUT,
    jobs: Annotated[
        int, typer.Option(min=1, help="Models to train at once; each uses two cores.")
    ] = _DEFAULT_JOBS,
    search_trials: Annotated[
        int | None, typer.Option(min=0, help="Settings to search. Default: 14 if full, 0 if small.")
    ] = None,
    min_items: MinItems = 5,
    until: Until = None,
    seed: Seed = 0,
    again: Annotated[
        str | None, typer.Option(help="Reason for opening the final window a second time.")
    ] = None,
) -> None:
    """Compare models, choose the simplest good one, and test it on the newest orders."""
    from push_model.exploration import run  # noqa: PLC0415 - keeps --help instant
    from push_model.exploration.entries.all import TRIALS  # noqa: PLC0415 - as above
    from push_model.exploration.folder import open_exploration  # noqa: PLC0415 - as above

    day = read_until(until)
    with _show_status("Reading the dataset"):
        run.plan(out, dataset, size=size, min_items=min_items, until=day, seed=seed)
    exploration = open_exploration(out)
    _print_start(exploration)
    _fit_all(exploration, jobs=jobs)
    if trials := TRIALS[size] if search_trials is None else search_trials:
        _search(exploration, trials=trials)
        _fit_all(exploration, jobs=jobs)
    _fit_repeats(exploration, jobs=jobs)
    # print's width can only narrow a console, and a narrow one cuts the names to a letter.
    wide = Console(width=max(console.width, _LEADERBOARD_WIDTH))
    wide.print(_leaderboard(run.sum_up(exploration).standings))
    with _show_status("Training the chosen models for the final window"):
        outcome, report = run.finish(out, again=again)
    _print_outcome(outcome)
    _print(f"Results  {out}\nReport   {report}")


def _fit_all(exploration: "Exploration", *, jobs: int) -> None:
    from push_model.exploration.work import list_work  # noqa: PLC0415 - keeps --help instant

    todo = list_work(exploration)
    if not todo:
        _print("Every entry was fitted before.")
        return
    _fit("Fitting", exploration, todo, jobs=jobs)


def _fit_repeats(exploration: "Exploration", *, jobs: int) -> None:
    """Refit the tied entries side by side; `finish` would do it one after the other."""
    from push_model.exploration.work import list_repeats  # noqa: PLC0415 - keeps --help instant

    while todo := list_repeats(exploration):
        _fit("Refitting tied models with another seed", exploration, todo, jobs=jobs)


def _fit(what: str, exploration: "Exploration", todo: "list[Work]", *, jobs: int) -> None:
    from push_model.exploration.work import run_all  # noqa: PLC0415 - keeps --help instant

    # joblib restarts a worker that has grown, and loses nothing.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs", module="joblib")
    with make_progress() as progress:
        total = sum(work.weight for work in todo)
        task = progress.add_task(f"{what}: 0 of {len(todo)}", total=total)
        for number, work in enumerate(run_all(exploration, todo, jobs=jobs), start=1):
            shown = f"{what}: {number} of {len(todo)}"
            progress.update(task, advance=work.weight, description=shown)
            if not progress.console.is_terminal and number % max(1, len(todo) // _LOG_LINES) == 0:
                typer.echo(f"{shown}, {_write_left(progress.tasks[task])}", err=True)


def _write_left(task: Task) -> str:
    """Return the state of the work for a log, which shows no bar."""
    if task.time_remaining is None:
        return f"{task.percentage:.0f} % of the work"
    return f"about {task.time_remaining / 60:.0f} min left"


def _search(exploration: "Exploration", *, trials: int) -> None:
    from push_model.exploration.search import search  # noqa: PLC0415 - keeps --help instant

    with make_progress() as progress:
        task = progress.add_task("Searching trees", total=trials)

        def report(ended: int, best: float | None, spent_s: float) -> None:
            shown = f"Searching trees: {ended} of {trials}"
            shown += "" if best is None else f", best average precision {best:.4f}"
            progress.update(task, completed=ended, description=shown)
            if not progress.console.is_terminal:
                typer.echo(f"{shown}, {spent_s / 60:.0f} min spent", err=True)

        search(exploration.folder, trials=trials, report_progress=report)


def _print_start(exploration: "Exploration") -> None:
    frame = exploration.facts["frame"]
    _print(
        f"{frame['rows']:,} rows of {frame['orders']:,} large orders, {frame['first_day']} to "
        f"{frame['last_day']}. {len(exploration.entries)} entries, {len(exploration.folds)} folds. "
        f"The final window is {exploration.parts[-1].judged}."
    )


def _leaderboard(standings: "tuple[Standing, ...]") -> Table:
    table = Table(
        *("entry", "AP", "90 %", "gain", "ROC", "ECE", "prec.", "recall", "new", "fit s"),
        title="Means over the folds; gain: on the neighbour (* its 90 % interval leaves out 0);"
        "\n"
        "Precision and recall at p > 0.05; new: recall of new users.",
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
    assert means is not None  # `plan` refuses a window without both outcomes
    return (
        standing.entry.name,
        f"{ap.estimate:.4f}",
        f"{ap.low:.3f}-{ap.high:.3f}",
        _write_gain(standing.gain_on_neighbour),
        f"{means['roc_auc']:.3f}",
        f"{means['ece']:.4f}",
        f"{means['precision_when_pushed']:.3f}",
        f"{means['recall_when_pushed']:.3f}",
        "" if new is None else f"{new['recall_when_pushed']:.3f}",
        f"{standing.fit_s:.1f}",
    )


def _write_gain(gain: "Interval | None") -> str:
    if gain is None:
        return ""
    return f"{gain.estimate:+.4f}" + ("*" if gain.low > 0 or gain.high < 0 else " ")


def _print_outcome(outcome: "Outcome") -> None:
    chosen, plain = outcome.choice.chosen, outcome.choice_request_only.chosen
    _print_choice(f"Chosen: {chosen.name} (best: {outcome.choice.best.name}).", chosen)
    if plain != chosen:
        best = outcome.choice_request_only.best.name
        _print_choice(f"Chosen without history: {plain.name} (best: {best}).", plain)
    for claim in outcome.claims:
        ap = claim.average_precision
        figures = f"AP {ap.estimate:.4f} ({ap.low:.4f} to {ap.high:.4f})"
        _print(f"{claim.part:>11}: {figures}  {claim.entry}")


def _print_choice(title: str, chosen: "Entry") -> None:
    from push_model.exploration.entries.entry import request_of  # noqa: PLC0415 - as above

    _print(title)
    request = request_of(chosen)
    if request is None:
        _print("  handler_fit has no parametrisation for this model yet.")
    else:
        _print(f"  push-model fit DATASET --model '{json.dumps(request)}'")


def _print(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False, highlight=False)


@contextmanager
def _show_status(what: str) -> Iterator[None]:
    """Show what is being done while its progress cannot be counted."""
    with Console(stderr=True).status(what):
        yield
