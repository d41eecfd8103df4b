"""What does docker-compose.yaml start, and with which settings? Read, so that nothing is a copy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import yaml

# ${NAME}, ${NAME:-default}, ${NAME:?complaint}; without the colon an empty value counts as one.
# $$ is a dollar; any other $ is a way of writing that is not known here.
_VARIABLE = (
    r"\$\$|\$\{(?P<name>\w+)(?:(?P<colon>:?)(?P<how>[-?])(?P<text>[^{}]*))?\}|(?P<unknown>\$)"
)


@dataclass(frozen=True, slots=True)
class Service:
    """A service of docker-compose.yaml.

    Attributes
    ----------
    command : list of str
        The program and its arguments; empty where the image's own is run.
    environment : dict of str to str
        Its settings.
    """

    command: list[str]
    environment: dict[str, str] = field(repr=False)  # holds passwords

    def with_arguments(self, *arguments: str) -> Self:
        """Give the service with a longer command."""
        return replace(self, command=[*self.command, *arguments])

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """Give the service with other settings, or more of them."""
        return replace(self, environment={**self.environment, **settings})


def read_services(
    path: Path, *, variables: Mapping[str, str], places: Mapping[str, str]
) -> dict[str, Service]:
    """Read the services as they would run, but somewhere else."""
    services: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["services"]
    read = {}
    for name, service in services.items():
        command = [_read(word, variables, places) for word in service.get("command", [])]
        written = service.get("environment", {}).items()
        settings = {key: _read(value, variables, places) for key, value in written}
        read[name] = Service(command, settings)
    return read


def _read(text: object, variables: Mapping[str, str], places: Mapping[str, str]) -> str:
    # In one pass: what was put in, a secret among it, is not read again.
    known = re.compile("|".join([_VARIABLE, *map(re.escape, places)]))

    def stand_in(found: re.Match[str]) -> str:
        if found[0] in places:
            return places[found[0]]
        if found["unknown"]:
            raise ValueError(
                f"{text!r}: of $, only ${{NAME}} with :-, -, :? or ? is read; $$ is one."
            )
        if found["name"] is None:
            return "$"
        value = variables.get(found["name"])
        if value or (value is not None and found["colon"] == ""):
            return value
        if found["how"] == "?":
            raise KeyError(f"{found['name']}: {found['text']}")
        return _read(found["text"] or "", variables, places)

    return known.sub(stand_in, str(text))
