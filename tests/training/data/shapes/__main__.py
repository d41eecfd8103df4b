"""Print what fit and load make of each shape, side by side."""

import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.training.data.shapes.shape import Shape, load_it, read_it, refuse_in_fit
from tests.training.data.shapes.table import SHAPES, deliver

_WIDTH = 150


def main(words: list[str]) -> None:
    """Print a line for each shape with one of some words in its name, then the counts."""
    logging.disable()
    counts = Counter[str]()
    for shape in SHAPES:
        if not words or any(word in shape.name for word in words):
            with tempfile.TemporaryDirectory() as folder:
                outcome, line = _judge(shape, Path(folder))
            counts[outcome] += 1
            print(f"{outcome:13} {shape.name}: {line}")  # noqa: T201 - a script
    print(dict(counts))  # noqa: T201


def _judge(shape: Shape, folder: Path) -> tuple[str, str]:
    uri, digest = deliver(shape, folder)
    fit = (read_it if digest else refuse_in_fit)(uri, folder)
    load = load_it(uri, folder)
    if digest:
        is_right = fit == load == digest
        return ("read" if is_right else "DIFFERS"), f"fit {fit[:9]}, load {load[:9]}"
    if fit != load:
        return "DISAGREEMENT", f"fit: {fit} load: {load}"
    return ("refused" if shape.refused in load else "OTHER WORDS"), load[:_WIDTH]


if __name__ == "__main__":
    main(sys.argv[1:])
