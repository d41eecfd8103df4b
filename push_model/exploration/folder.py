"""What is being explored, and where is it kept? The exploration folder and its first file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from push_model.columns import HISTORY
from push_model.errors import DatasetError
from push_model.exploration.choose import ALPHA, RULE
from push_model.exploration.entries import choose_entries
from push_model.exploration.entry import Entry
from push_model.exploration.inputs import lacking_columns
from push_model.exploration.measure import RESAMPLES
from push_model.exploration.protocol import CHOOSING, Part, count, plan_parts
from push_model.exploration.result import FORMAT, read_json, write_json
from push_model.training.dataset import load_dataset, write_parquet
from push_model.training.engine import connect
from push_model.training.fit import read_large_orders
from push_model.training.fit_request import read_fit_request
from push_model.training.frames import collect_sorted
from push_model.training.provenance import describe_dataset
from push_model.training.sources import find_reader
from push_model.training.versions import git_revision, library_versions

FACTS_FILE = "exploration.json"
ROWS_FILE = "large_orders.parquet"
SEARCH_FILE = "search.json"

# What is judged by, or asked by some entry, beyond what training reads; taken where it is there.
MORE_COLUMNS = ("user_id", "product_type", "vendor", *HISTORY)


@dataclass(frozen=True, slots=True)
class Exploration:
    """An exploration folder, opened.

    Attributes
    ----------
    folder : Path
        Where it is.
    facts : mapping
        What `exploration.json` says.
    """

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
    def entries(self) -> tuple[Entry, ...]:
        """The entries that can be measured, those a search found among them."""
        documents = [entry for entry in self.facts["entries"] if entry["skipped"] is None]
        return (*(Entry.from_document(document) for document in documents), *self.found)

    @property
    def found(self) -> tuple[Entry, ...]:
        """The entries that a search found."""
        path = self.folder / SEARCH_FILE
        documents = read_json(path)["entries"] if path.exists() else []
        return tuple(Entry.from_document(document) for document in documents)

    @property
    def grounds(self) -> dict[str, Any]:
        """What results depend on beside entry, part and seed."""
        return {"frame": self.facts["frame"]["sha256"], "versions": self.facts["versions"]}

    def find(self, slug: str) -> Entry:
        """Find an entry by its slug.

        Parameters
        ----------
        slug : str
            As `plan` gave it.

        Returns
        -------
        Entry

        Raises
        ------
        DatasetError
            If there is none.
        """
        for entry in self.entries:
            if entry.slug == slug:
                return entry
        raise DatasetError(f"{self.folder} has no entry {slug!r}. Plan the exploration again.")

    def read_rows(self) -> pd.DataFrame:
        """Give the rows of large orders, read once a process.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns)
            Sorted; not to be changed.
        """
        return _read_rows(self.folder / ROWS_FILE, self.facts["frame"]["sha256"])


def start_exploration(
    folder: Path,
    dataset: str,
    *,
    size: str,
    min_items: int,
    until: date,
    seed: int,
) -> Exploration:
    """Read the dataset once, lay out the protocol, and write both down.

    Parameters
    ----------
    folder : Path
        The exploration folder; made if absent. Results in it are kept.
    dataset : str
        Path or URI of a feature frame.
    size : str
        As for `choose_entries`.
    min_items : int
        Items bought that make an order large.
    until : date
        Last day to read.
    seed : int
        Seed of everything random.

    Returns
    -------
    Exploration

    Raises
    ------
    DatasetError
        If the frame breaks the schema, or is too short to be explored.
    """
    entries = choose_entries(size)
    source = describe_dataset(dataset).document()
    frame = _read_frame(dataset, min_items=min_items, until=until, seed=seed)
    parts = plan_parts(frame)
    facts = {
        "format": FORMAT,
        "dataset": source,
        "min_items": min_items,
        "until": str(until),
        "size": size,
        "seed": seed,
        "frame": _describe_frame(frame),
        "parts": [_describe_part(part, frame) for part in parts],
        "entries": [_describe_entry(entry, frame) for entry in entries],
        "resamples": RESAMPLES,
        "alpha": ALPHA,
        "rule": RULE,
        "versions": library_versions(),
        "git_revision": git_revision(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_parquet(frame, folder / ROWS_FILE, facts={})
    write_json(folder / FACTS_FILE, facts)
    return Exploration(folder, facts)


def open_exploration(folder: Path) -> Exploration:
    """Open an exploration that was started.

    Parameters
    ----------
    folder : Path
        The exploration folder.

    Returns
    -------
    Exploration

    Raises
    ------
    DatasetError
        If it is none.
    """
    return Exploration(folder, read_json(folder / FACTS_FILE))


def _read_frame(dataset: str, *, min_items: int, until: date, seed: int) -> pd.DataFrame:
    event = {
        "model_parametrisation": {"model": "boosted_trees"},
        "dataset": dataset,
        "training_date": str(until),
        "min_items": min_items,
        "seed": seed,
    }
    present = find_reader(dataset)(connect(), dataset).original.columns
    more = tuple(name for name in MORE_COLUMNS if name in present)

    def load(uri: str, *, columns: tuple[str, ...], until: date) -> Any:
        return load_dataset(uri, columns=(*columns, *more), until=until)

    return read_large_orders(read_fit_request(event, today=until), load=load)


@lru_cache(maxsize=1)
def _read_rows(path: Path, digest: str) -> pd.DataFrame:
    frame = collect_sorted(connect().read_parquet(str(path)))
    if _digest(frame) != digest:
        raise DatasetError(f"{path} changed after it was written. Start the exploration again.")
    return frame


def _digest(frame: pd.DataFrame) -> str:
    """Sum up the rows, whatever kind of file they came in."""
    ordered = frame[sorted(frame.columns)]
    hashed = pd.util.hash_pandas_object(ordered, index=False).to_numpy()
    return sha256(" ".join(ordered.columns).encode() + hashed.tobytes()).hexdigest()


def _describe_frame(frame: pd.DataFrame) -> dict[str, Any]:
    days = frame["order_date"].dt.date
    return {
        "sha256": _digest(frame),
        "rows": len(frame),
        "orders": int(frame["order_id"].nunique()),
        "users": int(frame["user_id"].nunique()) if "user_id" in frame else None,
        "products": int(frame["variant_id"].nunique()),
        "purchases": int(frame["outcome"].sum()),
        "first_day": str(days.min()),
        "last_day": str(days.max()),
        "columns": list(frame.columns),
    }


def _describe_part(part: Part, frame: pd.DataFrame) -> dict[str, Any]:
    document = part.document()
    for name in ("train", "judged"):
        window = getattr(part, name)
        counted = count(frame, window)
        if counted["purchases"] in {0, counted["rows"]}:
            raise DatasetError(
                f"The {name} window of {part.name} ({window}) has {counted['purchases']} purchases "
                f"in {counted['rows']} rows; both bought and not bought candidates are needed. "
                "Give a longer history."
            )
        document[name] |= counted
    return document


def _describe_entry(entry: Entry, frame: pd.DataFrame) -> dict[str, Any]:
    lacks = lacking_columns(entry.features, frame.columns)
    return {**entry.document(), "skipped": f"The frame lacks {lacks}." if lacks else None}
