"""Open an exploration folder: its facts, entries, parts and rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from push_model.errors import DatasetError
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.protocol import CHOOSING, Part
from push_model.store.durable import read_json
from push_model.training.data.frames import collect_sorted, open_copy

FACTS_FILE = "exploration.json"
ROWS_FILE = "large_orders.parquet"
SEARCH_FILE = "search.json"


@dataclass(frozen=True, slots=True)
class Exploration:
    """An exploration folder, and what its `exploration.json` holds."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def seed(self) -> int:
        """Seed of everything random."""
        return int(self.facts["seed"])

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts of the protocol."""
        return tuple(Part.from_document(document) for document in self.facts["parts"])

    @property
    def folds(self) -> tuple[Part, ...]:
        """The parts that entries are chosen by."""
        return tuple(part for part in self.parts if part.purpose == CHOOSING)

    @property
    def fold_names(self) -> tuple[str, ...]:
        """The names of the folds in results."""
        return tuple(fold.name for fold in self.folds)

    @property
    def repeats(self) -> tuple[Part, ...]:
        """The folds with another seed, for entries that are level."""
        return tuple(fold.repeated for fold in self.folds)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries that are measured, including those that a search found."""
        return (*map(Entry.from_document, self.facts["entries"]), *self.found)

    @property
    def found(self) -> tuple[Entry, ...]:
        """The entries that a search found on these grounds."""
        return tuple(Entry.from_document(entry) for entry in self.search.get("entries", ()))

    @property
    def search(self) -> dict[str, Any]:
        """The content of `search.json`; empty if there was no search on these grounds."""
        path = self.folder / SEARCH_FILE
        made: dict[str, Any] = read_json(path) if path.exists() else {}
        return made if made.get("grounds") == self.grounds else {}

    @property
    def grounds(self) -> dict[str, Any]:
        """What results depend on apart from entry, part and seed."""
        frame = self.facts["frame"]["sha256"]
        return {"frame": frame, "versions": self.facts["versions"], "code": self.facts["code"]}

    def find(self, slug: str) -> Entry:
        """Return an entry by its slug."""
        for entry in self.entries:
            if entry.slug == slug:
                return entry
        raise DatasetError(f"{self.folder} has no entry {slug!r}. Plan the exploration again.")

    def read_rows(self) -> pd.DataFrame:
        """Return the rows of large orders, read once a process."""
        return _read_rows(self.folder / ROWS_FILE, self.facts["frame"]["sha256"])


def open_exploration(folder: Path) -> Exploration:
    """Open an exploration that was started."""
    path = folder / FACTS_FILE
    try:
        return Exploration(folder, read_json(path))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be read: {error}. Run push-model explore with this folder again."
        ) from error


@lru_cache(maxsize=1)
def _read_rows(path: Path, digest: str) -> pd.DataFrame:
    frame = collect_sorted(open_copy(path))
    if digest_rows(frame) != digest:
        raise DatasetError(f"{path} changed after it was written. Start the exploration again.")
    return frame


def digest_rows(frame: pd.DataFrame) -> str:
    """Return a digest of rows that does not depend on the file they came in."""
    ordered = frame[sorted(frame.columns)]
    hashed = pd.util.hash_pandas_object(ordered, index=False).to_numpy()
    return sha256(" ".join(ordered.columns).encode() + hashed.tobytes()).hexdigest()
