"""`push-model` commands for the models of a store: list, promote, go back, verify, prune."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from push_model.commands.options import DEFAULT_MODELS_DIR, ModelName, ModelsDir, check_name
from push_model.commands.tables import (
    describe_os_error,
    print_plain,
)
from push_model.errors import InvalidEventError, ModelIntegrityError
from push_model.serving.settings import user_name
from push_model.store import inventory
from push_model.store import promotion as store
from push_model.store.folder import check_folder
from push_model.store.history import find_log_faults
from push_model.store.pointer import Champion, find_champion

app = typer.Typer()
console = Console()

_Reason = Annotated[str, typer.Option(help="Why, in a sentence for the log.")]


@app.command()
def models(models_dir: ModelsDir = DEFAULT_MODELS_DIR) -> None:
    """List the models of the store, check every file, and mark the champion."""
    serving, _ = find_champion(models_dir)
    former = {move.model_name for move in store.history(models_dir)}
    # Not a table: a terminal is too narrow for a long name and a fault.
    for found in inventory.summarise(models_dir):
        is_champion = serving is not None and serving.model_name == found.name
        marks = ["[bold green]champion[/]"] if is_champion else []
        marks += ["was champion"] if found.name in former and not is_champion else []
        marks += ["[bold red]damaged[/]"] if found.faults else []
        console.print(f"[bold]{found.name}[/]  {', '.join(marks)}", soft_wrap=True, highlight=False)
        facts = [f"trained on {found.trained_on}"] if found.trained_on else []
        facts += [found.family] if found.family else []
        precision = found.average_precision
        facts += [] if precision is None else [f"average precision {precision:.4f} on its holdout"]
        for text in (", ".join(facts), *found.faults):
            print_plain(f"    {text}")
    store.champion(models_dir)  # a damaged pointer fails after the list, which helps to repair it


@app.command()
def predict(
    users: Annotated[
        Path, typer.Argument(help="JSON file, user id to features; - for standard input.")
    ],
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Answer 1 above this propensity, else 0.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Add reasons.")] = False,  # noqa: FBT002 - a flag
    model: Annotated[
        str | None,
        typer.Option(help="A model to ask instead of the champion.", callback=check_name),
    ] = None,
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
def promote(name: ModelName, reason: _Reason, models_dir: ModelsDir = DEFAULT_MODELS_DIR) -> None:
    """Make a model the champion without a verdict. The log records who forced it."""
    before = _find_champion(models_dir)
    with _disk_errors_as_sentences():
        after = store.promote(
            models_dir,
            name,
            expected=before.model_name if before else None,
            verdict=None,
            reason=reason,
            promoted_at=_now(),
            by=user_name(),
            forced=True,
        )
    _print_change(before, after)


@app.command()
def rollback(
    reason: _Reason,
    to: Annotated[
        str | None,
        typer.Option(
            help="A former champion. Default: the one before the present.", callback=check_name
        ),
    ] = None,
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
) -> None:
    """Go back to the last former champion whose files are intact."""
    before = _find_champion(models_dir)
    with _disk_errors_as_sentences():
        after = store.rollback(models_dir, to=to, reason=reason, promoted_at=_now(), by=user_name())
    _print_change(before, after)


@app.command()
def history(models_dir: ModelsDir = DEFAULT_MODELS_DIR) -> None:
    """Show every champion: since when, by whom, and why."""
    moves = store.history(models_dir)
    for number, move in enumerate(moves, start=1):
        way = f"[bold]{move.model_name}[/]" + (
            f" after {escape(move.before)}" if move.before else ""
        )
        what = f"{escape(move.kind)}: {way}, by {escape(move.by)}"
        # Two lines, for a table is wider than most terminals.
        for text in (
            f"{number:>3}  {escape(move.promoted_at)}  {what}",
            f"     {escape(move.reason)}",
        ):
            console.print(text, soft_wrap=True, highlight=False)
    if not moves:
        console.print("Nothing was promoted yet.")
    for fault in find_log_faults(models_dir):
        print_plain(fault)


@app.command()
def verify(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A model to check. Default: every model, the pointer and the log.",
            callback=check_name,
        ),
    ] = None,
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
) -> None:
    """Check every file of a model, the pointer and the log. Exit code 1 if one is damaged."""
    names = inventory.model_names(models_dir) if name is None else (name,)
    faults = [fault for each in names for fault in _verify_one(models_dir, each)]
    faults += _pointer_faults(models_dir) if name is None else []
    for fault in faults:
        console.print(f"  - {fault}", style="red", markup=False, soft_wrap=True)
    if faults:
        raise ModelIntegrityError(f"{len(faults)} fault(s) in {models_dir}, named above.")


@app.command()
def prune(
    keep: Annotated[
        int, typer.Option(min=1, help="How many of the newest models to keep.")
    ] = inventory.KEPT_BY_DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, only show.")] = False,  # noqa: FBT002 - a flag
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
) -> None:
    """Remove old models and leftovers of crashes. The champion and the two before it stay."""
    act = inventory.plan_pruning if dry_run else inventory.prune
    with _disk_errors_as_sentences():
        done = act(models_dir, keep=keep, now=time.time())
    for name, why in done.kept:
        console.print(f"keeps {name}: {why}", markup=False, soft_wrap=True)
    verb = "would remove" if dry_run else "removed"
    for gone in (*done.removed, *done.swept):
        console.print(f"{verb} {gone}", markup=False, soft_wrap=True)
    if not done.removed and not done.swept:
        console.print("Nothing to remove.")


def _verify_one(models_dir: Path, name: str) -> tuple[str, ...]:
    check = check_folder(store.model_path(models_dir, name))
    word = "damaged" if check.faults else "whole"
    extra = f"; not in its manifest: {', '.join(check.unlisted)}" if check.unlisted else ""
    console.print(
        f"{name}: {word}, {check.checked} file(s) as saved{extra}", markup=False, soft_wrap=True
    )
    return check.faults


def _pointer_faults(models_dir: Path) -> list[str]:
    faults = list(find_log_faults(models_dir))
    try:
        serving = store.champion(models_dir)
    except ModelIntegrityError as error:
        return [str(error), *faults]
    if serving and not store.model_path(models_dir, serving.model_name).is_dir():
        faults.append(f"The champion {serving.model_name} is gone from the store. Roll back.")
    return faults


def _find_champion(models_dir: Path) -> Champion | None:
    serving, is_damaged = find_champion(models_dir)
    if is_damaged:
        print_plain("champion.json was damaged or edited; this command replaces it.")
    return serving


def _print_change(before: Champion | None, after: Champion) -> None:
    if before == after:
        console.print(f"{after.model_name} was the champion already; nothing changed.")
        return
    instead = f" in place of {before.model_name}" if before else ""
    console.print(f"[bold]{after.model_name}[/] serves now{instead}.", soft_wrap=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _disk_errors_as_sentences() -> Iterator[None]:
    """Print what the disk refused as one sentence; the champion is the old one or the new one."""
    try:
        yield
    except OSError as error:
        said = describe_os_error(error)
        advice = "Look at `push-model history`, then run the same command again."
        complaint = f"[bold red]{type(error).__name__}[/] {escape(said)} {advice}"
        Console(stderr=True).print(complaint, soft_wrap=True)
        raise typer.Exit(code=1) from error


def _read_text(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise InvalidEventError(f"{path} does not exist. Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidEventError(f"{path} cannot be read as UTF-8 text: {error}.") from error
