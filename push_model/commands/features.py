"""What does the API send with a request? `push-model features` tabulates users' earlier orders."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from push_model.columns import HISTORY
from push_model.commands.options import read_until

app = typer.Typer()
console = Console()


@app.command()
def features(
    dataset: Annotated[str, typer.Argument(help="Path or URI of a feature frame.")],
    out: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    until: Annotated[
        str | None, typer.Option(help="yyyy-mm-dd: no later row is read. Default today (UTC).")
    ] = None,
) -> None:
    """Tabulate what each user's next order has behind it, for requests to carry."""
    from push_model.training.data.history import write_history  # noqa: PLC0415 - keeps --help instant

    rows = write_history(dataset, out, until=read_until(until))
    console.print(
        f"Wrote {rows:,} rows to {out}: {', '.join(HISTORY)}. There is a row for each "
        "user, for whatever was never bought, and one for each product and each vendor bought. "
        "docs/serving.md has the query that joins them.",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
