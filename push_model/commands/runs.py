"""What have the retraining runs found so far? Their verdicts, and what champions promised."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from push_model.commands.options import check_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from push_model.training.backtesting.past_verdicts import PastVerdict

app = typer.Typer()
console = Console()

RunsDir = Annotated[Path, typer.Option(envvar="PUSH_RUNS_DIR", help="The run folders.")]
DEFAULT_RUNS_DIR = Path("runs")


@app.command()
def verdicts(
    out: Annotated[
        Path | None, typer.Option(help="A picture of it: a file ending in .html, .png or .svg.")
    ] = None,
    kind: Annotated[
        str, typer.Option(help="Runs of one kind: scheduled, manual, backfill. Default: all.")
    ] = "",
    newest: Annotated[int, typer.Option(min=1, help="How many runs of the latest run dates.")] = 60,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """Show the verdicts of many runs by run date: of a backfill, its walk-forward backtest."""
    check_picture(out)
    from push_model.training.backtesting.past_verdicts import read_verdicts, sum_up  # noqa: PLC0415 - keeps --help instant
    from push_model.training.backtesting.past_verdicts_picture import draw  # noqa: PLC0415 - as above

    found = read_verdicts(runs_dir, kind=kind)[-newest:]
    if not found:
        console.print(
            f"No {kind} run in {runs_dir} has a verdict yet.".replace("  ", " "), markup=False
        )
        return
    console.print(_table(found))
    console.print(sum_up(found), soft_wrap=True, markup=False, highlight=False)
    if out is not None:
        draw(found, out)
        console.print(f"Drawn in {out}.", soft_wrap=True, markup=False, highlight=False)


def _table(found: "Sequence[PastVerdict]") -> Table:
    columns = ("run date", "verdict", "orders", "AP", "interval", "champ.", "pop.", "ratio")
    # A frame around them would be wider than a terminal.
    table = Table(*columns, box=SIMPLE, padding=(0, 1, 0, 0))
    for one in found:
        own = one.average_precision.get("challenger")
        scorers = (one.average_precision.get(name) for name in ("champion", "popularity"))
        ratio = one.expected_per_actual
        table.add_row(
            *(str(one.run_date), one.decision),
            "-" if one.orders is None else str(one.orders),
            "-" if own is None else f"{own.estimate:.3f}",
            "-" if own is None else f"{own.low:.3f}-{own.high:.3f}",
            *("-" if other is None else f"{other.estimate:.3f}" for other in scorers),
            "-" if ratio is None else f"{ratio.estimate:.2f}",
        )
    return table


@app.command()
def backtests(
    newest: Annotated[int, typer.Option(min=1, help="How many of the newest lines.")] = 20,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """Show what champions promised against what happened, run after run."""
    from push_model.training.backtesting.record import (  # noqa: PLC0415 - keeps --help instant
        BACKTESTS_FILE,
        read_backtests,
    )

    found = read_backtests(runs_dir / BACKTESTS_FILE)
    if not found:
        console.print("No run has looked back on a champion yet.")
        return
    columns = ("run date", "champion", "orders", "promised", "made", "ratio", "AP", "popular")
    table = Table(*columns, box=SIMPLE)
    for line in found[-newest:]:
        total = line["total"]
        promised, made = total["expected_purchases"], total["actual_purchases"]
        ranks = (total["average_precision"], total["popularity_average_precision"])
        table.add_row(
            *(line["run_date"], line["model_name"]),
            *(f"{total['orders']}", f"{promised:.0f}", f"{made}"),
            f"{promised / made:.2f}" if made else "-",
            *("-" if rank is None else f"{rank:.3f}" for rank in ranks),
        )
    console.print(table)
