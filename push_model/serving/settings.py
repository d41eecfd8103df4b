"""How large may a request be? What one process answers must not eat the machine it runs on."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import NamedTuple

from push_model.errors import InvalidSettingError


class Limits(NamedTuple):
    """The largest request that is read.

    Attributes
    ----------
    characters : int
        Length of the JSON text: some 200,000 users with their 19 features.
    candidates : int
        Users times their products.
    nesting : int
        Objects and lists inside each other; a sound request has three.
    """

    characters: int = 128 * 1024 * 1024
    candidates: int = 1_000_000
    nesting: int = 32


_VARIABLES = {
    "characters": "PUSH_MAX_REQUEST_CHARACTERS",
    "candidates": "PUSH_MAX_CANDIDATES",
    "nesting": "PUSH_MAX_NESTING",
}


_WHOLE = re.compile(r"[1-9][0-9]{0,14}")


@cache
def limits_of_process() -> Limits:
    """Read the limits from the environment, once a process.

    Returns
    -------
    Limits
        The defaults where nothing is set.

    Raises
    ------
    InvalidSettingError
        If a variable is no whole number of at least 1.
    """
    return Limits(**{
        name: read_setting(variable, os.environ[variable])
        for name, variable in _VARIABLES.items()
        if os.environ.get(variable)
    })


def read_setting(variable: str, text: str) -> int:
    """Read what an environment variable says.

    Parameters
    ----------
    variable : str
        Its name, for the message.
    text : str
        Its value.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    InvalidSettingError
        If it is no whole number of at least 1.
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    raise InvalidSettingError(
        f"{variable} must be a whole number of at least 1, got {text!r:.40}. Mend it, or unset it "
        "to have the default, and start the process anew."
    )
