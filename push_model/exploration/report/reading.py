"""Where does the report get its numbers? From an exploration's folder, through its own readers."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.protocol import CHOOSING, CLAIMING, COMPARING, REPEATING
from push_model.exploration.fits.result import Result, read_json
from push_model.exploration.folder import Exploration, open_exploration
from push_model.exploration.repeats import average, weigh
from push_model.exploration.report.found import Explored, Found, level_of
from push_model.exploration.work import read_current

INSPECTION_FILE = "inspection.json"


def read_found(folder: Path) -> Found:
    """Read what an exploration found so far."""
    exploration = open_exploration(folder)
    standings = _read(folder / "standings.json", {})
    choice = standings.get("choice") or {}
    inspection = _read(folder / INSPECTION_FILE, {})
    return Found(
        facts=exploration.facts,
        entries={entry.name: entry for entry in _read_entries(exploration)},
        choice=choice,
        choice_request_only=standings.get("choice_request_only") or {},
        openings=tuple(_read(folder / "finals.json", {}).get("openings") or ()),
        # What was looked at in another entry says nothing of this one.
        inspection=inspection if inspection.get("entry") == _slug(choice, exploration) else {},
        search=exploration.search,
    )


def _read_entries(exploration: Exploration) -> Iterator[Explored]:
    purposes = (CHOOSING, REPEATING, COMPARING, CLAIMING)
    found = read_current(exploration, exploration.entries, purposes=purposes)
    results: dict[str, dict[str, Result]] = {}
    weighed = weigh(found, folds=exploration.fold_names)
    for result in average(found, of=weighed):
        results.setdefault(result.entry.name, {})[result.part] = result
    for entry in exploration.entries:
        own = [result for result in found if result.entry.name == entry.name]
        fits = tuple(_mean_fits(exploration, own)) if entry in weighed else ()
        yield _explore(entry, results=results.get(entry.name, {}), fits=fits)
    for document in exploration.facts["entries"]:
        if document["skipped"]:
            yield _explore(Entry.from_document(document), skipped=document["skipped"])


def _mean_fits(exploration: Exploration, own: list[Result]) -> Iterator[float]:
    """Average each fit over the folds, where there are two."""
    levels = {result.part: level_of(result) for result in own}
    both = [[part.name for part in parts] for parts in (exploration.folds, exploration.repeats)]
    if {*both[0], *both[1]} <= levels.keys():
        yield from (float(np.mean([levels[name] for name in names])) for names in both)


def _slug(choice: Mapping[str, Any], exploration: Exploration) -> str | None:
    chosen = choice.get("chosen")
    return next((entry.slug for entry in exploration.entries if entry.name == chosen), None)


def _explore(entry: Entry, **came_of_it: Any) -> Explored:
    own = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    return Explored(**own, **came_of_it)


def _read(path: Path, otherwise: Any) -> Any:
    return read_json(path) if path.exists() else otherwise
