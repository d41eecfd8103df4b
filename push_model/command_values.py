"""What did a person write after an option? Days and parametrisations, read for all commands."""

import json
from datetime import UTC, date, datetime
from typing import Any

from push_model.errors import InvalidEventError
from push_model.training.days import read_day


def read_until(text: str | None) -> date:
    """Read ``--until``.

    Parameters
    ----------
    text : str or None
        What was written; None means today (UTC).

    Returns
    -------
    date

    Raises
    ------
    InvalidEventError
        If it is not written yyyy-mm-dd.
    """
    return datetime.now(UTC).date() if text is None else read_day(text, "--until")


def read_model(text: str) -> Any:
    """Read a parametrisation as `handler_fit` takes it.

    Parameters
    ----------
    text : str
        A name, or JSON.

    Returns
    -------
    str or dict
        Not checked any further.

    Raises
    ------
    InvalidEventError
        If it begins like JSON and is none.

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
