"""What was promoted when, by whom and why, and which of it took effect?

A line is written before the pointer moves, and names the line in effect until then (`after`); the
pointer names its own line. So the lines in effect are a chain that begins at the pointer, as the
commits of a Git branch are, and a line beside the chain is a promotion that a crash cut short.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from push_model.errors import ModelIntegrityError
from push_model.store.durable import append_line, read_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from push_model.store.pointer import Champion

LOG_FILE = "promotions.jsonl"
# A line takes some thousand bytes: more than a hundred years of daily promotions.
MOST_LOG_BYTES = 2**28

Kind = Literal["verdict", "forced", "rollback"]


class Move(NamedTuple):
    """One change of the champion, as it was meant.

    Attributes
    ----------
    kind : str
        ``"verdict"`` of the gate, ``"forced"`` by a person without one, or ``"rollback"``.
    before, to : str or None, str
        The champion until then, None where there was none or its pointer was damaged; the new one.
    promoted_at, by, reason : str
        When (ISO 8601), who, and why.
    verdict : object
        What the gate found; None without a gate.
    after : int or None
        The line in effect until then; None where there was none, or none is known.
    mends : bool
        Whether the pointer was damaged, so that the line in effect until then is not known.
    """

    kind: str
    before: str | None
    to: str
    promoted_at: str
    by: str
    reason: str
    verdict: Any
    after: int | None
    mends: bool = False


class LogLine(NamedTuple):
    """A line of the log, and whether it came true.

    Attributes
    ----------
    number : int
        Its place in the file, from 1.
    move : Move or None
        None for half a line, left by a crash.
    took_effect : bool or None
        None where it cannot be told: a pointer was damaged, removed or written by hand after it.
    """

    number: int
    move: Move | None
    took_effect: bool | None


def append_move(models_dir: Path, move: Move) -> int:
    """Log a change before it is made."""
    number = len(_read_lines(models_dir)) + 1
    fields = {"from" if key == "before" else key: value for key, value in move._asdict().items()}
    line = json.dumps(fields, sort_keys=True, allow_nan=False)
    append_line(models_dir / LOG_FILE, line.encode())
    return number


def read_moves(models_dir: Path | str) -> tuple[Move | None, ...]:
    """Read all lines, whether they took effect or not."""
    return tuple(_parse(line) for line in _read_lines(Path(models_dir)))


def tell_effects(
    moves: Sequence[Move | None], serving: Champion | None, *, is_damaged: bool = False
) -> tuple[LogLine, ...]:
    """Say of each line whether the champion changed as it says.

    Examples
    --------
    >>> from push_model.store.pointer import Champion
    >>> first = Move("forced", None, "a", "", "", "", None, after=None)
    >>> cut_short, second = (Move("verdict", "a", to, "", "", "", None, after=1) for to in "bc")
    >>> lines = tell_effects([first, cut_short, second], Champion("c", "", "", line=3))
    >>> [line.took_effect for line in lines]
    [True, False, True]
    """
    took: list[bool | None] = [False if move is None else None for move in moves]
    end, is_known = len(moves), not is_damaged
    name, number = (serving.model_name, serving.line) if serving else (None, None)
    while end and not (is_known and name is None):
        link = _find_line(moves[:end], name, number) if is_known else None
        # Else the newest may be the lost one; what it says of the line before it holds.
        newest = link or max((n for n in range(1, end + 1) if moves[n - 1]), default=0)
        move = moves[newest - 1] if newest else None
        if move is None:
            break
        took[newest - 1 : end] = [True if link else None, *[False] * (end - newest)]
        end, name, number, is_known = newest - 1, move.before, move.after, not move.mends
    # Nothing served before these. A line that says otherwise has outlived its pointer.
    if is_known and name is None and all(m is None or m.before is None for m in moves[:end]):
        took[:end] = [False] * end
    return tuple(map(LogLine, range(1, len(moves) + 1), moves, took))


def _find_line(moves: Sequence[Move | None], name: str | None, number: int | None) -> int | None:
    """Give the number back if that line is there and names the model."""
    move = moves[number - 1] if number and number <= len(moves) else None
    return number if move and move.to == name else None


def former_champions(lines: Sequence[LogLine], *, gone_back_over: bool = False) -> tuple[str, ...]:
    """Name the champions one could go back to, the latest first and the present one in front.

    Examples
    --------
    >>> moves = [("verdict", "a"), ("verdict", "b"), ("verdict", "c"), ("rollback", "b")]
    >>> lines = [
    ...     LogLine(0, Move(kind, None, to, "", "", "", None, None), took_effect=True)
    ...     for kind, to in moves
    ... ]
    >>> former_champions(lines)
    ('b', 'a')
    """
    stack: list[str] = []
    for line in lines:
        if line.move is None or line.took_effect is False:
            continue
        name = line.move.to
        if line.move.kind == "rollback" and name in stack and not gone_back_over:
            kept = len(stack) - stack[::-1].index(name)
            stack = [each for each in stack[:kept] if each not in stack[kept:]]
        else:
            stack.append(name)
    return tuple(dict.fromkeys(reversed(stack)))


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


def _parse(line: bytes) -> Move | None:
    try:
        fields = json.loads(line)
        move = Move(
            fields.get("kind", "verdict"),
            fields["from"],
            fields["to"],
            fields["promoted_at"],
            fields["by"],
            fields["reason"],
            fields["verdict"],
            after=fields.get("after"),
            mends=fields.get("mends") is True,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return move if _is_sound(move) else None


def _is_sound(move: Move) -> bool:
    texts = (move.kind, move.to, move.promoted_at, move.by, move.reason)
    before_is_name = move.before is None or isinstance(move.before, str)
    after_is_line = move.after is None or (type(move.after) is int and move.after > 0)
    return all(isinstance(text, str) for text in texts) and before_is_name and after_is_line
