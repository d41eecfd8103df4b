"""Provide `push-model check`: what a retraining run says of a dataset."""

import json
import tempfile
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.filesize import decimal

from push_model.columns import MIN_ITEMS
from push_model.commands.options import Dataset, MinItems, Until, read_until, show_reading
from push_model.commands.tables import describe_os_error, print_plain
from push_model.errors import (
    DatasetError,
    DatasetNotReadyError,
    InvalidEventError,
    SchemaError,
    list_some,
)

if TYPE_CHECKING:
    from push_model.training.data.delivery import Delivery
    from push_model.training.data.files import Snapshot

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a dataset holds."""

    files: list[dict[str, Any]]  # name and bytes of each that was read
    rows: int
    first_day: str
    last_day: str
    days: int  # with orders
    orders: int
    users: int
    large_orders: int


@app.command()
def check(
    dataset: Dataset,
    until: Until = None,
    min_items: MinItems = MIN_ITEMS,
    as_json: Annotated[  # noqa: FBT002 - an option of the command line
        bool, typer.Option("--json", help="Print one JSON object (docs/schemas/check.schema.json).")
    ] = False,
) -> None:
    """Check a dataset as a retraining run does, and count what it holds."""
    try:
        day = read_until(until)
    except InvalidEventError as error:
        # Exit code 2: the command is wrong, the dataset may be right.
        raise typer.BadParameter(str(error), param_hint="--until") from error
    if not as_json:
        _print_contents(dataset, _read(dataset, until=day, min_items=min_items), day, min_items)
        return
    found: _Contents | None = None
    refusal: DatasetError | OSError | None = None
    try:
        found = _read(dataset, until=day, min_items=min_items)
    except (DatasetError, OSError) as error:
        refusal = error
    typer.echo(json.dumps(_document(dataset, found, refusal)))
    if refusal:
        raise typer.Exit(code=1)


def _read(uri: str, *, until: date, min_items: int) -> _Contents:
    """Bring a dataset in as the DAG's load does, and count what came."""
    from push_model.training.data.delivery import COPY, bring_in  # noqa: PLC0415 - keeps --help instant

    with tempfile.TemporaryDirectory() as folder, show_reading() as report:
        delivery = bring_in(uri, Path(folder) / COPY, until=until, report=report)
        return _count(delivery, min_items=min_items)


def _count(delivery: "Delivery", *, min_items: int) -> _Contents:
    from push_model.training.data.frames import open_copy  # noqa: PLC0415 - as above
    from push_model.training.data.orders import keep_large_orders  # noqa: PLC0415 - as above

    rows = open_copy(delivery.path)
    large = keep_large_orders(rows, min_items=min_items)
    counted = "min(order_date)::VARCHAR, max(order_date)::VARCHAR, " + ", ".join(
        f"count(DISTINCT {column})" for column in ("order_date", "order_id", "user_id")
    )
    ((first, last, days, orders, users),) = rows.aggregate(counted).fetchall()
    ((large_orders,),) = large.aggregate("count(DISTINCT order_id)").fetchall()
    return _Contents(
        _list_files(delivery.files), delivery.rows, first, last, days, orders, users, large_orders
    )


def _list_files(snapshot: "Snapshot | None") -> list[dict[str, Any]]:
    if snapshot is None:
        return []
    return [{"name": snapshot.name(file), "bytes": file.size} for file in snapshot.files]


def _document(
    uri: str, found: _Contents | None, refusal: DatasetError | OSError | None
) -> dict[str, Any]:
    contents = asdict(found) if found else dict.fromkeys(each.name for each in fields(_Contents))
    error = refusal and {
        "kind": type(refusal).__name__,
        "message": describe_os_error(refusal) if isinstance(refusal, OSError) else str(refusal),
        # As the DAG decides which errors it retries.
        "may_pass_later": isinstance(refusal, (DatasetNotReadyError, OSError))
        and not isinstance(refusal, (FileNotFoundError, PermissionError)),
        "broken_rules": [rule._asdict() for rule in refusal.broken]
        if isinstance(refusal, SchemaError)
        else [],
    }
    return {"dataset": uri, "accepted": refusal is None, **contents, "error": error}


def _print_contents(uri: str, found: _Contents, until: date, min_items: int) -> None:
    lines = [
        ("files", _describe_files(uri, found.files)),
        ("rows", f"{found.rows:,}"),
        ("days", f"{found.days:,}, from {found.first_day} to {found.last_day}"),
        ("users", f"{found.users:,}"),
        ("orders", f"{found.orders:,}"),
        ("large orders", f"{found.large_orders:,} with at least {min_items} items bought"),
    ]
    print_plain(f"A retraining run of {until} can load {uri}.")
    for what, figure in lines:
        print_plain(f"  {what:<13} {figure}")
    if not found.large_orders:
        print_plain("Its task filter will fail: it needs large orders.")


def _describe_files(uri: str, files: list[dict[str, Any]]) -> str:
    names = [file["name"] for file in files]
    size = decimal(sum(file["bytes"] for file in files))
    return f"{len(files):,}, {size}" + ("" if names in ([], [uri]) else f": {list_some(names)}")
