"""Which orders does an entry learn from, and which judge it? Time folds, and a last window."""

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

# The newest tenth of the orders: chosen by nobody's scores, opened once.
FINAL_SHARE = TRAIN_SHARE + CALIBRATION_SHARE
# Where folds end their train windows; the last fold is judged up to the final window.
FOLD_SHARES = (0.5, 0.6, TRAIN_SHARE, 0.8)

CHOOSING, REPEATING, COMPARING, CLAIMING = "choosing", "repeating", "comparing", "claiming"


@dataclass(frozen=True, slots=True)
class Part:
    """One train window and the window judged with what was learnt in it.

    Attributes
    ----------
    name : str
        ``"fold 1"`` to ``"fold 4"``, ``"usual validation"``, ``"usual test"`` or ``"final"``; a
        fold that is fitted again has ``" again"`` after it.
    purpose : str
        ``"choosing"``: what entries are chosen by. ``"repeating"``: the same with another seed,
        for those that the rule weighs. ``"comparing"``: the usual split, beside published figures.
        ``"claiming"``: the final window, which only the chosen see.
    train, judged : Window
        Half-open; every day of `train` is before every day of `judged`.
    repeat : int
        Added to the seed of the fit; the draws of the orders that judge it stay the same.
    """

    name: str
    purpose: str
    train: Window
    judged: Window
    repeat: int = 0

    @property
    def repeated(self) -> "Part":
        """The same, fitted with another seed."""
        return replace(self, name=name_repeat(self.name), purpose=REPEATING, repeat=1)

    @property
    def slug(self) -> str:
        """The name for files."""
        return self.name.replace(" ", "-")

    @property
    def wants_curves(self) -> bool:
        """Folds are for choosing, by one figure; what is shown in full is the rest."""
        return self.purpose in {COMPARING, CLAIMING}

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        windows = {"train": self.train, "judged": self.judged}
        ends = {name: {"start": str(w.start), "end": str(w.end)} for name, w in windows.items()}
        told = {"repeat": self.repeat} if self.repeat else {}
        return {"name": self.name, "slug": self.slug, "purpose": self.purpose, **ends, **told}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Part":
        """Read what `document` gave."""
        train, judged = (
            Window(*(date.fromisoformat(document[name][end]) for end in ("start", "end")))
            for name in ("train", "judged")
        )
        return cls(document["name"], document["purpose"], train, judged, document.get("repeat", 0))


def name_repeat(fold: str) -> str:
    """Name the second fit of a fold."""
    return f"{fold} again"


def plan_parts(frame: pd.DataFrame) -> tuple[Part, ...]:
    """Lay out four expanding folds, the usual split and the final window.

    Notes
    -----
    Windows are whole days, and so whole orders. The final window ends where the usual split's
    test does, so that the claim stands beside figures that others published of it.

    Examples
    --------
    >>> on_days = pd.date_range("2021-02-01", periods=10)
    >>> parts = plan_parts(pd.DataFrame({"order_id": range(10), "order_date": on_days}))
    >>> [(part.name, part.train.days, part.judged.days) for part in parts[3:]]
    [('fold 4', 8, 1), ('usual validation', 7, 2), ('usual test', 7, 1), ('final', 9, 1)]
    """
    first, *between, final = cut_by_time(frame, (*FOLD_SHARES, FINAL_SHARE))
    folds = tuple(
        Part(f"fold {number}", CHOOSING, Window(first.start, judged.start), judged)
        for number, judged in enumerate(between, start=1)
    )
    usual = folds[FOLD_SHARES.index(TRAIN_SHARE)].train
    return (
        *folds,
        Part("usual validation", COMPARING, usual, Window(usual.end, final.start)),
        Part("usual test", CLAIMING, usual, final),
        Part("final", CLAIMING, Window(first.start, final.start), final),
    )


def group_by_fit(parts: Iterable[Part]) -> tuple[tuple[Part, ...], ...]:
    """Put parts together that learn from the same rows with the same seed, to be fitted once."""
    by_end = sorted(parts, key=lambda part: (part.train.end, part.repeat))
    fits = groupby(by_end, key=lambda part: (part.train, part.repeat))
    return tuple(tuple(same) for _, same in fits)


def count(frame: pd.DataFrame, window: Window) -> dict[str, int]:
    """Count what a window holds."""
    return count_rows(frame[is_inside(frame, window)])


def count_rows(rows: pd.DataFrame) -> dict[str, int]:
    """Count rows, orders and purchases."""
    purchases = int(rows["outcome"].sum())
    return {"rows": len(rows), "orders": int(rows["order_id"].nunique()), "purchases": purchases}
