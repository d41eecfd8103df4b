"""Lay out the windows: which orders train an entry, and which measure it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

import pandas as pd

from push_model.training.data.split import (
    CALIBRATION_SHARE,
    TRAIN_SHARE,
    Window,
    cut_by_time,
    is_inside,
)

# The newest tenth of the orders is the final window.
_FINAL_SHARE = TRAIN_SHARE + CALIBRATION_SHARE
# Where the training windows of the folds end.
_FOLD_SHARES = (0.5, 0.6, TRAIN_SHARE, 0.8)

# Entries are chosen on the folds. Entries that are level are fitted a second time. The usual split
# compares with published figures. The final window shows what to expect.
CHOOSING, REPEATING, COMPARING, CLAIMING = "choosing", "repeating", "comparing", "claiming"


@dataclass(frozen=True, slots=True)
class Part:
    """A training window, and the window that measures what was trained on it. Both half-open."""

    # "fold 1" to "fold 4", "usual validation", "usual test", "final"; a repeat ends in " again".
    name: str
    # One of CHOOSING, REPEATING, COMPARING and CLAIMING.
    purpose: str
    train: Window
    judged: Window
    # Added to the seed of the fit; the replicates of the orders stay the same.
    repeat: int = 0

    @property
    def repeated(self) -> "Part":
        """The same windows, fitted with another seed."""
        return replace(self, name=name_repeat(self.name), purpose=REPEATING, repeat=1)

    @property
    def slug(self) -> str:
        """The name for files."""
        return self.name.replace(" ", "-")

    @property
    def wants_curves(self) -> bool:
        """Whether curves are kept; only the final window is shown in full."""
        return self.purpose == CLAIMING

    def document(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        windows = {"train": self.train, "judged": self.judged}
        ends = {name: {"start": str(w.start), "end": str(w.end)} for name, w in windows.items()}
        again = {"repeat": self.repeat} if self.repeat else {}
        return {"name": self.name, "slug": self.slug, "purpose": self.purpose, **ends, **again}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Part":
        """Read what `document` returned."""
        train, judged = (
            Window(*(date.fromisoformat(document[name][end]) for end in ("start", "end")))
            for name in ("train", "judged")
        )
        return cls(document["name"], document["purpose"], train, judged, document.get("repeat", 0))


def name_repeat(fold: str) -> str:
    """Return the name of a fold's second fit."""
    return f"{fold} again"


def plan_parts(frame: pd.DataFrame) -> tuple[Part, ...]:
    """Lay out four expanding folds, the usual split and the final window.

    Windows are whole days, and so whole orders. The final window is the test window of the usual
    split, so that its figures compare with published ones.

    Examples
    --------
    >>> on_days = pd.date_range("2021-02-01", periods=10)
    >>> parts = plan_parts(pd.DataFrame({"order_id": range(10), "order_date": on_days}))
    >>> [(part.name, part.train.days, part.judged.days) for part in parts[3:]]
    [('fold 4', 8, 1), ('usual validation', 7, 2), ('usual test', 7, 1), ('final', 9, 1)]
    """
    first, *between, final = cut_by_time(frame, (*_FOLD_SHARES, _FINAL_SHARE))
    folds = tuple(
        Part(f"fold {number}", CHOOSING, Window(first.start, judged.start), judged)
        for number, judged in enumerate(between, start=1)
    )
    usual = folds[_FOLD_SHARES.index(TRAIN_SHARE)].train
    return (
        *folds,
        Part("usual validation", COMPARING, usual, Window(usual.end, final.start)),
        Part("usual test", CLAIMING, usual, final),
        Part("final", CLAIMING, Window(first.start, final.start), final),
    )


def group_by_fit(parts: Iterable[Part]) -> tuple[tuple[Part, ...], ...]:
    """Group the parts that share a training window and a seed: one fit serves them all."""
    by_end = sorted(parts, key=lambda part: (part.train.end, part.repeat))
    fits = groupby(by_end, key=lambda part: (part.train, part.repeat))
    return tuple(tuple(same) for _, same in fits)


def count(frame: pd.DataFrame, window: Window) -> dict[str, int]:
    """Count rows, orders and purchases of a window."""
    return count_rows(frame[is_inside(frame, window)])


def count_rows(rows: pd.DataFrame) -> dict[str, int]:
    """Count rows, orders and purchases."""
    purchases = int(rows["outcome"].sum())
    return {"rows": len(rows), "orders": int(rows["order_id"].nunique()), "purchases": purchases}
