"""`push-model` commands for what serves and how runs ended: `status`, `runs` and `verdict`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from push_model.commands.options import DEFAULT_MODELS_DIR, DEFAULT_RUNS_DIR, ModelsDir, RunsDir
from push_model.commands.tables import (
    print_folder,
    print_plain,
    print_verdict,
    read_document,
    read_status_of,
)
from push_model.errors import ModelNotFoundError
from push_model.reporting.numbers import write_moment
from push_model.store.pointer import model_path

if TYPE_CHECKING:
    from push_model.evaluation.results import Interval
    from push_model.status.status import ChampionStatus, RunStatus, Status

app = typer.Typer()
console = Console()

_COLOURS = {
    "good": "green",
    "weak": "yellow",
    "failing": "red",
    "promoted": "green",
    "failed": "red",
    "unfinished": "cyan",
}
_RUNS_ON_A_SCREEN = 5


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,  # noqa: FBT002 - a flag
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """Show what serves and how good it is, how the newest runs ended, and what to do."""
    found = read_status_of(models_dir, runs_dir)
    if as_json:
        print_plain(json.dumps(found.document(), indent=2, allow_nan=False))
        return
    _print_champion(found)
    if found.newest is None:
        console.print("[bold]Newest run[/]  There is none yet.")
    else:
        console.print("[bold]Newest run[/]")
        _print_runs([found.newest])
    for line in _describe_days(found):
        print_plain(line)
    _print_headed("To do", found.next_step)
    if earlier := [run for run in found.runs if run != found.newest]:
        console.print("[bold]Runs before[/]")
        _print_runs(earlier[: _RUNS_ON_A_SCREEN - 1])


@app.command()
def runs(
    kind: Annotated[
        str, typer.Option(help="Only runs of this kind: scheduled, manual, backfill.")
    ] = "",
    newest: Annotated[int, typer.Option(min=1, help="How many of the newest runs to show.")] = 60,
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """List how the newest runs ended, and why."""
    found = read_status_of(models_dir, runs_dir)
    chosen = [run for run in found.runs if run.kind.startswith(kind)][:newest]
    if not chosen:
        print_plain(f"There is no {f'{kind} ' if kind else ''}run in {runs_dir} yet.")
        return
    _print_runs(chosen)
    print_plain(_sum_up(chosen))
    for fault in found.faults:
        print_plain(fault)


@app.command()
def verdict(
    run: Annotated[
        str | None,
        typer.Argument(help="Id or folder of a run. Default: the newest one with a verdict."),
    ] = None,
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """Show the verdict of a run, with the numbers behind it."""
    found = read_status_of(models_dir, runs_dir)
    shown = _find_run(found, run, runs_dir)
    newest = found.newest
    if run is None and newest and newest.outcome == "failed":
        _print_runs([newest])
        print_plain(f"To do         {newest.next_step}")
    if shown.verdict is None:
        raise ModelNotFoundError(f"The run {shown.run_id} reached no verdict. {shown.sentence}")
    print_plain(f"Run           {shown.run_id}, {write_moment(shown.at)}")
    print_verdict(shown.verdict)
    document = read_document(runs_dir / shown.folder / "verdict.json", "This run has no verdict")
    for backtest in document.get("backtests", []):
        print_plain(f"Backtest: {backtest['sentence']}")
    name = shown.verdict.model_name
    print_folder(model_path(models_dir, name))
    if found.champion is None and found.pointer_fault is None:
        won = shown.verdict.decision == "promote"
        fix = "" if won else " Fix what the verdict names and retrain."
        print_plain(
            f"There is no champion yet, so nothing serves.{fix} To serve this model anyway: "
            f"push-model promote {name} --reason ..."
        )


def _find_run(found: "Status", named: str | None, runs_dir: Path) -> "RunStatus":
    """Return the run that an id, a folder or a path names; without one the newest judged."""
    if named is None:
        judged = [run for run in found.runs if run.verdict and run.kind != "backfill"]
        if judged:
            return judged[0]
        failed = f" {found.newest.sentence}" if found.newest else ""
        raise ModelNotFoundError(
            f"No run in {runs_dir} has a verdict yet.{failed} Run make retrain."
        )
    for run in found.runs:
        if named == run.run_id or Path(named).name == run.folder:
            return run
    raise ModelNotFoundError(f"There is no run {named!r} in {runs_dir}. List them: push-model runs")


def _print_champion(found: "Status") -> None:
    champion = found.champion
    if champion is None:
        said = found.pointer_fault or "Nothing serves: no model was promoted yet."
        _print_headed("No champion", said)
        return
    console.print(
        f"[bold]{champion.model_name}[/] serves since {write_moment(champion.since)}: "
        f"{_coloured(champion.quality.word)}",
        soft_wrap=True,
        highlight=False,
    )
    for line in (
        champion.quality.sentence,
        *_describe_champion(champion),
        *_describe_service(found),
    ):
        print_plain(f"    {line}")


def _describe_champion(champion: "ChampionStatus") -> Iterator[str]:
    yield champion.how
    if champion.age_days is not None:
        days = "1 day" if champion.age_days == 1 else f"{champion.age_days} days"
        yield f"It is {days} old; {champion.max_age_days} are allowed."
    if champion.average_precision:
        popular = f", popularity {_write(champion.popularity, 3)}" if champion.popularity else ""
        yield f"Average precision {_write(champion.average_precision, 3)}{popular}."
    if champion.expected_per_actual:
        yield f"Expected purchases per actual one {_write(champion.expected_per_actual, 2)}."
    if champion.measured:
        yield f"Measured on {champion.measured}."


def _describe_service(found: "Status") -> Iterator[str]:
    service = found.service
    if service is None:
        yield "It has not served a full day that a run has looked at."
        return
    ratio = f" ({service.ratio:.2f} for each)" if service.ratio is not None else ""
    yield (
        f"Since it serves: {service.expected:.0f} purchases expected, {service.actual} happened"
        f"{ratio}, on {service.orders} orders from {service.first_day} to {service.last_day}."
    )


def _describe_days(found: "Status") -> Iterator[str]:
    moved = [line for line in found.drift if line.changed]
    for line in moved[:_RUNS_ON_A_SCREEN]:
        yield f"Drift       {line.sentence}"
    if found.drift and not moved:
        most = found.drift[0]
        yield (
            f"Drift       No feature has passed a limit. {most.feature} moved most: "
            f"{most.distance:.2f} of {most.limit:g} allowed."
        )
    if found.kept_in_a_row:
        yield f"Kept        Days in a row without a winner: {found.kept_in_a_row}."
    for fault in found.faults:
        yield f"Unreadable  {fault}"


def _print_runs(runs: "Sequence[RunStatus]") -> None:
    """Print a line a run, and below it why, and its figures: no name is cut."""
    for run in runs:
        model = f"  {run.model_name}" if run.model_name else ""
        day = f" of {run.run_date}" if run.run_date and run.run_date not in run.run_id else ""
        console.print(
            f"  {write_moment(run.at)}  {_coloured(run.outcome)}{model}  {escape(run.run_id)}{day}",
            soft_wrap=True,
            highlight=False,
        )
        for text in _describe_run(run):
            print_plain(f"    {text}")


def _describe_run(run: "RunStatus") -> Iterator[str]:
    yield run.sentence
    if run.failed_step and run.error:
        yield f"{run.failed_step}: {run.error}"
    precision = run.average_precision
    if own := precision.get("challenger"):
        others = [
            f"{name} {precision[name].estimate:.3f}"
            for name in ("champion", "popularity")
            if name in precision
        ]
        yield f"Average precision {', '.join([_write(own, 3), *others])}."
    yield from run.verdict.changes if run.verdict else ()


def _sum_up(runs: "Sequence[RunStatus]") -> str:
    """Return in a sentence how the models of these runs did."""
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    every = [run.average_precision for run in runs]
    found = [figures for figures in every if {"challenger", "popularity"} <= figures.keys()]
    if not found:
        return f"{count}: nothing was measured."
    own = [figures["challenger"].estimate for figures in found]
    above = sum(figures["challenger"].low > figures["popularity"].high for figures in found)
    return (
        f"{count}. Average precision {min(own):.3f} to {max(own):.3f}; clearly above popularity in "
        f"{above} of {len(found)}."
    )


def _coloured(word: str) -> str:
    return f"[bold {_COLOURS.get(word, 'yellow')}]{word}[/]"


def _print_headed(head: str, text: str) -> None:
    console.print(f"[bold]{head}[/]  {escape(text)}", soft_wrap=True, highlight=False)


def _write(found: "Interval", digits: int) -> str:
    estimate, low, high = (f"{value:.{digits}f}" for value in found)
    return f"{estimate} ({low} to {high})"
