"""How does an exploration start? The dataset is read once, and all that follows is laid down."""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from push_model.columns import HISTORY
from push_model.errors import DatasetError
from push_model.exploration.choose import ALPHA, RULE
from push_model.exploration.entries.all import choose_entries
from push_model.exploration.entries.entry import Entry
from push_model.exploration.entries.inputs import lacking_columns
from push_model.exploration.fits.measure import RESAMPLES
from push_model.exploration.fits.protocol import Part, count, plan_parts
from push_model.exploration.fits.result import FORMAT, write_json
from push_model.exploration.folder import FACTS_FILE, ROWS_FILE, Exploration, digest_rows
from push_model.training.data.dataset import load_dataset, write_parquet
from push_model.training.data.engine import connect
from push_model.training.data.history import NEEDED, with_history
from push_model.training.data.history_queries import KEYS
from push_model.training.data.provenance import DatasetFacts, describe_dataset
from push_model.training.data.sources import find_reader
from push_model.training.fit import read_large_orders
from push_model.training.fit_request import read_fit_request
from push_model.training.versions import code_digest, git_revision, library_versions

# What is judged by, or asked by some entry, beyond what training reads; taken where it is there.
MORE_COLUMNS = ("user_id", "product_type", "vendor", *HISTORY)


def start_exploration(
    folder: Path,
    dataset: str,
    *,
    size: str,
    min_items: int,
    until: date,
    seed: int,
    source: DatasetFacts | None = None,
) -> Exploration:
    """Read the dataset once, lay out the protocol, and write both down."""
    entries = choose_entries(size)
    source = source or describe_dataset(dataset)
    frame = _read_frame(dataset, min_items=min_items, until=until, seed=seed)
    parts = plan_parts(frame)
    facts = {
        "format": FORMAT,
        "dataset": source.document(),
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
        "code": code_digest(without="exploration/report"),
        "git_revision": git_revision(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_parquet(frame, folder / ROWS_FILE, facts={})
    write_json(folder / FACTS_FILE, facts)
    return Exploration(folder, facts)


def _read_frame(dataset: str, *, min_items: int, until: date, seed: int) -> pd.DataFrame:
    present = find_reader(dataset)(connect(), dataset).original.columns
    more = tuple(name for name in MORE_COLUMNS if name in present)
    # What earlier orders held is derived where it is known whose orders they are.
    features = "history" if set(NEEDED) <= set(present) else "request"
    event = {
        "model_parametrisation": {"model": "boosted_trees", "features": features},
        "dataset": dataset,
        "training_date": str(until),
        "min_items": min_items,
        "seed": seed,
    }

    def load(uri: str, *, columns: tuple[str, ...], until: date) -> Any:
        return load_dataset(uri, columns=[*dict.fromkeys([*columns, *more])], until=until)

    everything = partial(with_history, by=[key for key in KEYS if key in present], has_cadence=True)
    return read_large_orders(read_fit_request(event, today=until), load=load, derive=everything)


def _describe_frame(frame: pd.DataFrame) -> dict[str, Any]:
    days = frame["order_date"].dt.date
    return {
        "sha256": digest_rows(frame),
        "outcomes_sha256": digest_rows(frame[["order_id", "variant_id", "outcome"]]),
        "rows": len(frame),
        "orders": int(frame["order_id"].nunique()),
        "users": int(frame["user_id"].nunique()) if "user_id" in frame else None,
        "products": int(frame["variant_id"].nunique()),
        "purchases": int(frame["outcome"].sum()),
        "first_day": str(days.min()),
        "last_day": str(days.max()),
        "columns": list(frame.columns),
        "orders_with_whole_history": _share_with_whole_history(frame),
    }


def _share_with_whole_history(frame: pd.DataFrame) -> float | None:
    """Tell of how many orders all earlier ones are known: of those, what is derived is exact."""
    if "earlier_orders" not in frame:
        return None
    orders = frame.drop_duplicates("order_id")
    return float((orders["earlier_orders"] == orders["user_order_seq"] - 1).mean())


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
