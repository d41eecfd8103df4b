"""Which file is a day's? A dataset may be named by a pattern that holds the run date."""

import re
from datetime import date, timedelta

from push_model.errors import InvalidEventError

_FORMATS = {"yyyymmdd": "%Y%m%d", "yyyy": "%Y", "mm": "%m", "dd": "%d"}
_BRACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLACEHOLDER = re.compile(r"(\w+)(?:-(\d{1,3}))?")


def is_daily(pattern: str) -> bool:
    """Tell whether a name changes with the day.

    Examples
    --------
    >>> is_daily("data/frame_{yyyymmdd}.csv"), is_daily("data/frame.csv")
    (True, False)
    """
    return any(found[1] is not None for found in _BRACE.finditer(pattern))


def name_of_day(pattern: str, day: date) -> str:
    """Put a day into a name.

    Examples
    --------
    >>> name_of_day("data/{yyyy}/feature_frame_{yyyymmdd-1}.csv", date(2021, 3, 1))
    'data/2021/feature_frame_20210228.csv'
    """

    def _put(found: re.Match[str]) -> str:
        if found[0] in {"{{", "}}"}:
            return found[0][0]
        asked = _PLACEHOLDER.fullmatch(found[1] or "")
        if asked is None or asked[1] not in _FORMATS:
            raise InvalidEventError(
                f"dataset {pattern!r} holds {found[0]!r}. Known placeholders: "
                f"{[f'{{{name}}}' for name in _FORMATS]}, and {{yyyymmdd-1}} for the day before. "
                "Write a brace of the name itself twice."
            )
        return (day - timedelta(days=int(asked[2] or 0))).strftime(_FORMATS[asked[1]])

    return _BRACE.sub(_put, pattern)
