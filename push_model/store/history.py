"""Read the former champions from the promotion log, and keep the log a copy of the pointer's moves.

The pointer moves first and holds its whole move. The log gets a copy of it afterwards. Where a
crash comes between the two, readers take the last move from the pointer, and the next writer
copies it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from push_model.errors import (
    InvalidEventError,
    ModelFormatError,
    ModelIntegrityError,
    ModelNotFoundError,
)
from push_model.store.durable import append_line, read_whole
from push_model.store.folder import require_whole
from push_model.store.pointer import (
    CHAMPION_FILE,
    Champion,
    find_champion,
    is_as_written,
    model_path,
    move_bytes,
    parse_move,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOG_FILE = "promotions.jsonl"
# A line takes some thousand bytes: more than a hundred years of daily promotions.
MOST_LOG_BYTES = 2**28


def history(models_dir: Path | str) -> tuple[Champion, ...]:
    """Return every champion of a store, the oldest first and the present one last."""
    # The pointer first: the log is then at least as new, and no move is between the two.
    serving, _ = find_champion(models_dir)
    return _up_to(serving, _read_log(models_dir))


def _read_log(models_dir: Path | str) -> tuple[Champion, ...]:
    """Return the moves in the log; a line that is not a move, such as half a line, is left out."""
    return _read_moves(_read_lines(Path(models_dir)))


def copy_to_log(models_dir: Path, serving: Champion | None) -> int:
    """Add the pointer's move to the log unless it is there; return the next move's number."""
    lines = _read_lines(models_dir)
    number = len(lines) + 1
    if serving is None:
        return number
    if _place_of(serving, _read_moves(lines)) is None:
        serving = serving._replace(line=serving.line or number)
        append_to_log(models_dir, serving)
        number += 1
    return max(number, (serving.line or 0) + 1)


def append_to_log(models_dir: Path, move: Champion) -> None:
    """Add a move to the log."""
    append_line(models_dir / LOG_FILE, _write(move))


def find_log_faults(models_dir: Path | str) -> tuple[str, ...]:
    """Check each line of the log, and the pointer's move against its line."""
    serving, _ = find_champion(models_dir)
    lines = _read_lines(Path(models_dir))
    moves = [_parse(line, number) for number, line in enumerate(lines, start=1)]
    damaged: list[int] = []
    next_whole = _write(serving) if serving else b""
    for number, line in reversed(list(enumerate(lines, start=1))):
        if moves[number - 1]:
            next_whole = line
        # What a crash left of a line, the next writer wrote in full.
        elif not next_whole.startswith(line):
            damaged.insert(0, number)
    faults = [
        f"Line {number} of {LOG_FILE} was damaged or edited. "
        "Restore the file from a backup, or empty that line."
        for number in damaged
    ]
    faults += [
        f"Move {move.line}: {LOG_FILE} names {move.model_name}, {CHAMPION_FILE} names "
        f"{serving.model_name}. Promote the right one: push-model promote NAME --reason ..."
        for move in moves
        if serving and move and move.line == serving.line and move[:3] != serving[:3]
    ]
    return tuple(faults)


def earlier_champions(models_dir: Path | str) -> Iterator[str]:
    """Yield the whole models that were champion before the present one, the latest first."""
    serving, _ = find_champion(models_dir)
    for name in former_champions(history(models_dir)):
        if serving and name == serving.model_name:
            continue
        try:
            require_whole(model_path(models_dir, name))
        except (InvalidEventError, ModelNotFoundError, ModelIntegrityError, ModelFormatError):
            continue
        yield name


def former_champions(
    moves: Sequence[Champion], *, rolled_back_over: bool = False
) -> tuple[str, ...]:
    """Return the champions a rollback can go to, the latest first and the present one in front.

    Examples
    --------
    >>> steps = [("verdict", "a"), ("verdict", "b"), ("verdict", "c"), ("rollback", "b")]
    >>> former_champions([Champion(to, "", "", kind=kind) for kind, to in steps])
    ('b', 'a')
    """
    stack: list[str] = []
    for move in moves:
        name = move.model_name
        if move.kind == "rollback" and name in stack and not rolled_back_over:
            kept = len(stack) - stack[::-1].index(name)
            stack = [each for each in stack[:kept] if each not in stack[kept:]]
        else:
            stack.append(name)
    return tuple(dict.fromkeys(reversed(stack)))


def _up_to(serving: Champion | None, moves: tuple[Champion, ...]) -> tuple[Champion, ...]:
    if serving is None:
        return moves
    place = _place_of(serving, moves)
    return (*moves, serving) if place is None else moves[: place + 1]


def _place_of(serving: Champion, moves: Sequence[Champion]) -> int | None:
    """Return where the pointer's move is in the log; None if it is not there."""
    for place in reversed(range(len(moves))):
        is_same = moves[place][:3] == serving[:3]
        if is_same and serving.line in {None, moves[place].line}:
            return place
    return None


def _read_moves(lines: Sequence[bytes]) -> tuple[Champion, ...]:
    """Read lines, and leave out promotions that an older release logged and then did not make.

    It wrote the log first. After a crash, the next line names another champion as the one before.
    """
    moves: list[Champion] = []
    for number, line in enumerate(lines, start=1):
        if move := _parse(line, number):
            places = (n for n in range(len(moves), 0, -1) if moves[n - 1].model_name == move.before)
            del moves[next(places, len(moves)) :]
            moves.append(move)
    return tuple(moves)


def _read_lines(models_dir: Path) -> list[bytes]:
    try:
        content = read_whole(models_dir / LOG_FILE, most_bytes=MOST_LOG_BYTES)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ModelIntegrityError(
            f"{LOG_FILE} cannot be read ({error.strerror}). Let this process read the store."
        ) from error
    # Not splitlines: half a line may end within a character.
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _write(move: Champion) -> bytes:
    fields = move.document()
    return move_bytes({"to": fields.pop("model_name"), **fields})


def _parse(line: bytes, number: int) -> Champion | None:
    try:
        fields = json.loads(line)
        if not is_as_written(fields):
            return None
        return parse_move({"kind": "verdict", "line": number, **fields, "model_name": fields["to"]})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
