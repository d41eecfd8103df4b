"""Which day was written? One form, yyyy-mm-dd, wherever a day is asked for."""

import re
from datetime import date

from push_model.errors import InvalidEventError

_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

# Three years: a shop that holds out more has nothing left to learn from.
MOST_HOLDOUT_DAYS = 1000


def read_day(value: object, name: str) -> date:
    """Read a day.

    Examples
    --------
    >>> read_day("2021-03-04", "--until")
    datetime.date(2021, 3, 4)
    """
    # Only the written form: fromisoformat also takes 20210304 and week dates.
    if isinstance(value, str) and _WRITTEN.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise InvalidEventError(f'{name} must be text "yyyy-mm-dd", got {value!r}.')
