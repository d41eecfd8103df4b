"""All shapes, and what must be read of one."""

from pathlib import Path

from tests.training.data.shapes import (
    csv_shapes,
    folder_shapes,
    name_shapes,
    parquet_shapes,
    value_shapes,
)
from tests.training.data.shapes.shape import (
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


def deliver(shape: Shape, folder: Path) -> tuple[str, str]:
    """Write a shape into a folder; return the dataset and the digest of what must be read."""
    data = folder / "data"
    data.mkdir()
    rows = shape.rows(make_base())
    uri = str(shape.write(rows, data))
    return uri, "" if shape.refused else digest_rows(rows)
