"""Damage to bytes and documents, drawn at random, the same for the same seed."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

# What trips naive checks: wrong types, empty things, numbers at the ends of what a double holds.
ODD_VALUES = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2,
    8,
    255,
    10**30,
    10**400,
    0.5,
    -0.0,
    5e-324,
    1e-310,
    1.7e308,
    -1.7e308,
    math.nan,
    math.inf,
    -math.inf,
    "",
    "a",
    "c",
    "a_per_b",
    "missing_if",
    "log",
    "linear",
    "symmetric_trees",
    "2021-02-31",
    "\ud800",
    "\0",
    "x" * 300,
    "__class__",
    "{0.__class__}",
    "../../etc/passwd",
    [],
    {},
    [[]],
    [0, 0],
    [1.0, 2.0, 3.0],
    [0.0] * 257,
    {"kind": []},
)


def flip_or_cut(content: bytes, draw: random.Random) -> bytes:
    """Flip one bit, or lose the end, one as often as the other."""
    place = draw.randrange(len(content))
    if draw.random() < 0.5:
        return content[:place]
    flipped = content[place] ^ (1 << draw.randrange(8))
    return content[:place] + bytes([flipped]) + content[place + 1 :]


def change_somewhere(document: Any, draw: random.Random) -> Any:
    """Change a copy of a document in up to three places, whatever it holds there."""
    changed = copy.deepcopy(document)
    for _ in range(draw.choice([1, 1, 2, 3])):
        found = list(places(changed))
        if not found:
            return draw.choice(ODD_VALUES)
        # Depth first by coin, for half of all places are leaves of the last trees.
        holder, key = draw.choice(found if draw.random() < 0.5 else found[:40])
        draw.choice(_CHANGES)(holder, key, draw)
    return changed


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every entry of a document as what holds it and its key, the outer ones first."""
    level = [value]
    while level:
        inner = []
        for holder in level:
            if isinstance(holder, dict):
                keys: list[Any] = list(holder)
            else:
                keys = list(range(len(holder))) if isinstance(holder, list) else []
            for key in keys:
                yield holder, key
                inner.append(holder[key])
        level = inner


def _put_something_odd(holder: Any, key: Any, draw: random.Random) -> None:
    holder[key] = copy.deepcopy(draw.choice(ODD_VALUES))


def _nudge(holder: Any, key: Any, draw: random.Random) -> None:
    if type(holder[key]) in {int, float} and abs(holder[key]) < 1e300:
        holder[key] = draw.choice(_nudged(holder[key]))
    elif isinstance(holder[key], str):
        holder[key] = holder[key][:-1]
    else:
        _put_something_odd(holder, key, draw)


def _nudged(number: float) -> list[float]:
    return [-number, number + 1, number / 2, number * 1e300, math.copysign(1.7e308, number)]


def _lose(holder: Any, key: Any, _: random.Random) -> None:
    del holder[key]


def _repeat(holder: Any, key: Any, draw: random.Random) -> None:
    if isinstance(holder, list):
        holder[key:key] = [copy.deepcopy(holder[key])] * draw.choice([1, 1, 20])
    else:
        holder[f"{key}_2"] = copy.deepcopy(holder[key])


def _put_what_stands_elsewhere(holder: Any, key: Any, draw: random.Random) -> None:
    if isinstance(holder, dict):
        holder[key] = copy.deepcopy(holder[draw.choice(list(holder))])
    else:
        draw.shuffle(holder)


def _nest(holder: Any, key: Any, draw: random.Random) -> None:
    for _ in range(draw.choice([1, 2, 150])):
        holder[key] = [holder[key]]


# Nudges most often: what stays sound is scored, and what is torn apart is only refused.
_CHANGES: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    *[_nudge] * 8,
    _put_something_odd,
    _put_something_odd,
    _lose,
    _repeat,
    _put_what_stands_elsewhere,
    _nest,
)
