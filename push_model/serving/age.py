"""How old is a model, and how old may it be?"""

from __future__ import annotations

import os
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from push_model.serving.settings import read_setting

if TYPE_CHECKING:
    from collections.abc import Mapping

# At that age a model has lost the gate's margin of its average precision, at the earliest that the
# measurement allows (docs/staleness.md).
MAX_AGE_DAYS = 70
VARIABLE = "PUSH_MAX_AGE_DAYS"


def age_in_days(trained_on: str, on: date) -> int | None:
    """Count the days since a model was trained.

    Parameters
    ----------
    trained_on : str
        Its training date, ``"yyyy-mm-dd"``.
    on : date
        The day asked about.

    Returns
    -------
    int or None
        Below 0 for a model of a later day; None where the training date is none.

    Examples
    --------
    >>> age_in_days("2026-01-05", date(2026, 2, 14))
    40
    >>> age_in_days("2026-06-31", date(2026, 7, 1)) is None
    True
    """
    try:
        return (on - date.fromisoformat(trained_on)).days
    except ValueError:  # a made-up model may say the 31st of June
        return None


def read_max_age_days(environ: Mapping[str, str]) -> int:
    """Read how old a model may be.

    Parameters
    ----------
    environ : mapping of str to str
        May hold ``PUSH_MAX_AGE_DAYS``.

    Returns
    -------
    int
        In days; 70 where nothing is set.

    Raises
    ------
    InvalidSettingError
        If it is no whole number of at least 1.
    """
    return read_setting(VARIABLE, environ.get(VARIABLE) or str(MAX_AGE_DAYS))


@cache
def max_age_days_of_process() -> int:
    """Read how old a model may be from the environment, once a process.

    Returns
    -------
    int
        As of `read_max_age_days`.

    Raises
    ------
    InvalidSettingError
        As `read_max_age_days`.
    """
    return read_max_age_days(os.environ)
