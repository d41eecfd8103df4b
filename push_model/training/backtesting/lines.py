"""Read the lines that backtests left, without the libraries that measure them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from push_model.errors import ModelIntegrityError
from push_model.store.durable import read_whole

#: In the folder of the runs.
BACKTESTS_FILE = "backtests.jsonl"
# Some ten thousand bytes a line: a hundred years of daily runs.
_MOST_BYTES = 2**29


def read_backtests(path: Path) -> tuple[dict[str, Any], ...]:
    """Read what runs found, one document a run and model."""
    try:
        content = read_whole(path, most_bytes=_MOST_BYTES)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ModelIntegrityError(
            f"{path} cannot be read ({error.strerror}). Give this process the right to read it."
        ) from error
    return tuple(_parse(content, path))


def _parse(content: bytes, path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            document = json.loads(line)
            place_of(document)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise ModelIntegrityError(
                f"Line {number} of {path} is not a backtest. It was changed; remove the line, and "
                "run the retraining of its day again."
            ) from error
        yield document


def place_of(document: dict[str, Any]) -> tuple[str, str, str, str, int]:
    """Return where a line stands among the others; raises for what is not a backtest."""
    # A model that serves twice in the days looked at has two lines.
    first, name = document["days"][0]["day"], document["model_name"]
    return document["run_date"], first, name, document["dataset"], document["min_items"]
