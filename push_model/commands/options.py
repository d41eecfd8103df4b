"""What did a person write after an option? Days, parametrisations and pictures, read for all."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from push_model.errors import InvalidEventError
from push_model.training.parsing import read_day

_PICTURES = (".html", ".png", ".svg")


def check_picture(out: Path | None) -> None:
    """Refuse a name that says no kind of picture, before anything is measured for it."""
    if out is not None and out.suffix not in _PICTURES:
        raise InvalidEventError(f"--out must end in one of {list(_PICTURES)}, got {str(out)!r}.")


def read_until(text: str | None) -> date:
    """Read ``--until``."""
    return datetime.now(UTC).date() if text is None else read_day(text, "--until")


def read_model(text: str) -> Any:
    """Read a parametrisation as `handler_fit` takes it.

    Examples
    --------
    >>> read_model("final_model"), read_model('{"model": "boosted_trees"}')
    ('final_model', {'model': 'boosted_trees'})
    """
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidEventError(f"--model is not JSON: {error}. Quote it as a whole.") from error
