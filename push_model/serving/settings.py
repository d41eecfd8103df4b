"""Read the settings of this process from its environment."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from push_model.errors import InvalidSettingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from push_model.errors import PushModelError

DEFAULT_MODELS_DIR = "models"

# At that age a model has lost the gate's margin of its average precision, at the earliest that the
# measurement allows (docs/staleness.md).
MAX_AGE_DAYS = 70
MAX_AGE_VARIABLE = "PUSH_MAX_AGE_DAYS"

_WHOLE = re.compile(r"[1-9][0-9]{0,14}")


class Limits(NamedTuple):
    """The largest request that is read."""

    characters: int = 128 * 1024 * 1024  # of JSON text: some 200,000 users with their 19 features
    candidates: int = 1_000_000  # users times their products
    nesting: int = 32  # objects and lists inside each other; a valid request has three


_LIMITS = {
    "characters": "PUSH_MAX_REQUEST_CHARACTERS",
    "candidates": "PUSH_MAX_CANDIDATES",
    "nesting": "PUSH_MAX_NESTING",
}


class Settings(NamedTuple):
    """The settings of a process."""

    limits: Limits
    sketches_skew: bool  # whether requests are compared with the training data
    max_age_days: int | None  # None if it cannot be read, which stops no prediction
    max_age_fault: str | None  # why it cannot be read

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; an empty variable counts as not set."""
        limits = {
            name: read_setting(variable, environ[variable])
            for name, variable in _LIMITS.items()
            if environ.get(variable)
        }
        sketch = environ.get("PUSH_SKEW_SKETCH") or "on"
        if sketch not in {"on", "off"}:
            raise InvalidSettingError(
                f"PUSH_SKEW_SKETCH must be 'on' or 'off', got {sketch!r:.40}."
            )
        try:
            most, fault = read_max_age_days(environ), None
        except InvalidSettingError as error:
            most, fault = None, str(error)
        return cls(Limits(**limits), sketch == "on", most, fault)


@cache
def settings_of_process() -> Settings:
    """Read the settings of this process, once."""
    return Settings.from_environ(os.environ)


def find_store(models_dir: Path | str | None) -> str:
    """Return a model store, by default that of this process.

    The environment is read at each call, because tests change it.
    """
    named = models_dir or os.environ.get("PUSH_MODELS_DIR") or DEFAULT_MODELS_DIR
    return expand_home(str(named), "PUSH_MODELS_DIR")


def expand_home(path: str, name: str, *, error: type[PushModelError] = InvalidSettingError) -> str:
    """Return a path with the home folder in place of its ``~``.

    Examples
    --------
    >>> expand_home("/srv/models", "PUSH_MODELS_DIR")
    '/srv/models'
    """
    if not path.startswith("~"):
        return path
    expanded = os.path.expanduser(path)  # noqa: PTH111 - that of Path fails without a home
    if expanded.startswith("~"):
        raise error(
            f"{name} begins with '~', but the user of this process has no such home folder. Write "
            "the whole path."
        )
    return expanded


def read_max_age_days(environ: Mapping[str, str]) -> int:
    """Read how many days old a model may be."""
    return read_setting(MAX_AGE_VARIABLE, environ.get(MAX_AGE_VARIABLE) or str(MAX_AGE_DAYS))


def read_setting(variable: str, text: str) -> int:
    """Read the value of an environment variable: a whole number of at least 1."""
    if _WHOLE.fullmatch(text):
        return int(text)
    raise InvalidSettingError(
        f"{variable} must be a whole number of at least 1, got {text!r:.40}. Fix it, or unset it "
        "to use the default, and restart the process."
    )


def user_name() -> str:
    """Return as whom this process runs."""
    import getpass  # noqa: PLC0415 - serving does without

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return f"user {os.getuid()}"
