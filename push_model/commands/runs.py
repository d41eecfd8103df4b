"""`push-model` commands for retraining runs: `verdict`, `verdicts` and `backtests`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from push_model.commands.options import DEFAULT_RUNS_DIR, RunsDir
from push_model.commands.tables import (
    print_folder,
    print_plain,
    print_verdict,
    read_document,
)
from push_model.store.pointer import find_champion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from push_model.training.backtesting.past_verdicts import PastVerdict

app = typer.Typer()
console = Console()


@app.command()
def verdict(
    run_folder: Annotated[
        Path | None, typer.Argument(help="Folder of a run. Default: the newest run.")
    ] = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """Show the verdict of a retraining run, with the numbers behind it."""
    from push_model.training.gate.verdict import VERDICT_FILE, Verdict  # noqa: PLC0415 - keeps --help instant

    folder = run_folder or _newest_run(runs_dir)
    run = read_document(folder / VERDICT_FILE, "This folder has no verdict")
    found = Verdict.from_document(run["verdict"])
    print_verdict(found)
    for backtest in run.get("backtests", []):
        print_plain(f"Backtest: {backtest['sentence']}")
    path = Path(run["model_path"])
    print_folder(path)
    if find_champion(path.parent) == (None, False):
        fix = "" if found.decision == "promote" else " Fix what the verdict names and retrain."
        print_plain(
            f"There is no champion yet, so nothing serves.{fix} To serve this model anyway: "
            f"push-model promote {path.name} --reason ..."
        )


def _newest_run(runs_dir: Path) -> Path:
    latest = read_document(runs_dir / "latest.json", "No run has a verdict yet")
    return Path(latest["run_folder"])


@app.command()
def verdicts(
    kind: Annotated[
        str, typer.Option(help="Only runs of this kind: scheduled, manual, backfill.")
    ] = "",
    newest: Annotated[int, typer.Option(min=1, help="How many of the newest runs to show.")] = 60,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """List the verdicts of the newest runs by run date."""
    from push_model.training.backtesting.past_verdicts import read_verdicts, sum_up  # noqa: PLC0415 - keeps --help instant

    found = read_verdicts(runs_dir, kind=kind)[-newest:]
    if not found:
        runs = f"{kind} run" if kind else "run"
        console.print(f"No {runs} in {runs_dir} has a verdict yet.", markup=False)
        return
    console.print(_verdicts_table(found))
    console.print(sum_up(found), soft_wrap=True, markup=False, highlight=False)


def _verdicts_table(found: "Sequence[PastVerdict]") -> Table:
    columns = ("run date", "verdict", "orders", "AP", "interval", "champ.", "pop.", "ratio")
    # A frame around them would be wider than a terminal.
    table = Table(*columns, box=SIMPLE, padding=(0, 1, 0, 0))
    for run_date, _, verdict in found:
        precision = verdict.by_scorer("average_precision")
        own = precision.get("challenger")
        ratio = verdict.by_scorer("expected_per_actual").get("challenger")
        table.add_row(
            *(str(run_date), verdict.decision),
            str(verdict.holdout.orders) if verdict.holdout else "-",
            f"{own.estimate:.3f}" if own else "-",
            f"{own.low:.3f}-{own.high:.3f}" if own else "-",
            *(
                f"{precision[name].estimate:.3f}" if name in precision else "-"
                for name in ("champion", "popularity")
            ),
            f"{ratio.estimate:.2f}" if ratio else "-",
        )
    return table


@app.command()
def backtests(
    newest: Annotated[int, typer.Option(min=1, help="How many of the newest lines to show.")] = 20,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """Compare what champions predicted with what happened, run by run."""
    from push_model.training.backtesting.record import (  # noqa: PLC0415 - keeps --help instant
        BACKTESTS_FILE,
        read_backtests,
    )

    found = read_backtests(runs_dir / BACKTESTS_FILE)
    if not found:
        console.print("No backtest yet: no champion has served a full day.")
        return
    columns = ("run date", "champion", "orders", "predicted", "bought", "ratio", "AP", "popular")
    table = Table(*columns, box=SIMPLE, padding=(0, 1, 0, 0))
    for line in found[-newest:]:
        total = line["total"]
        expected, bought = total["expected_purchases"], total["actual_purchases"]
        ranks = (total["average_precision"], total["popularity_average_precision"])
        table.add_row(
            *(line["run_date"], line["model_name"]),
            *(f"{total['orders']}", f"{expected:.0f}", f"{bought}"),
            f"{expected / bought:.2f}" if bought else "-",
            *("-" if rank is None else f"{rank:.3f}" for rank in ranks),
        )
    console.print(table)
