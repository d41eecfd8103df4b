"""All shapes, and what each caller makes of one."""

import re
from pathlib import Path

from tests.training.data.shapes import (
    csv_shapes,
    folder_shapes,
    name_shapes,
    parquet_shapes,
    value_shapes,
)
from tests.training.data.shapes.shape import (
    FIT,
    LOAD,
    Caller,
    Shape,
    digest_rows,
    make_base,
)

SHAPES: list[Shape] = [
    *csv_shapes.SHAPES,
    *parquet_shapes.SHAPES,
    *folder_shapes.SHAPES,
    *name_shapes.SHAPES,
    *value_shapes.SHAPES,
]


def deliver(shape: Shape, folder: Path) -> tuple[str, dict[Caller, str]]:
    """Write a shape into a folder; return the dataset and the digest that each caller must read."""
    data = folder / "data"
    data.mkdir()
    rows = shape.rows(make_base())
    uri = str(shape.write(rows, data))
    callers = () if shape.refused else (FIT, LOAD)
    return uri, {caller: digest_rows(rows, caller) for caller in callers}


def without_counts(message: str) -> str:
    """Leave out how many columns are missing: evaluation needs three more than a training."""
    return re.sub(r"and \d+ more", "and more", message)
