"""What did a model learn from? As its manifest says, and as the frame has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from push_model.training.data.split import Split


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a model learnt from, as its manifest says.

    Attributes
    ----------
    start, end : str
        Its train window, ``"yyyy-mm-dd"``, the end not within.
    orders, rows, purchases : int
        Of the train window.
    min_items : int
        Items bought that made an order large.
    unseen_from : str
        First day of its holdout: of no order from then on has its judged twin learnt.
    fewest_items : int or None
        Bought in the smallest of its orders; no manifest says so.
    """

    start: str
    end: str
    orders: int
    rows: int
    purchases: int
    min_items: int
    unseen_from: str
    fewest_items: int | None = field(default=None, compare=False)

    @property
    def base_rate(self) -> float:
        """Share bought."""
        return self.purchases / max(1, self.rows)


def read_learnt(manifest: Mapping[str, Any]) -> Learnt | None:
    """Read what a model says it learnt from."""
    try:
        window = manifest["windows"]["train"]
        orders, rows, purchases, min_items = map(
            int, (window["orders"], window["rows"], window["purchases"], manifest["min_items"])
        )
        unseen_from = str(manifest["windows"]["holdout"]["start"])
        return Learnt(
            window["start"], window["end"], orders, rows, purchases, min_items, unseen_from
        )
    except (KeyError, TypeError, ValueError):
        return None


def count_learnt(split: Split, *, min_items: int) -> Learnt:
    """Count what a model trained on a split would have learnt from."""
    window, rows = split.windows.train, split.train
    return Learnt(
        str(window.start),
        str(window.end),
        int(rows["order_id"].nunique()),
        len(rows),
        int(rows["outcome"].sum()),
        min_items,
        str(split.windows.holdout.start),
        fewest_items=min(
            # Counted here once more: a filter cannot vouch for itself.
            int(part.groupby("order_id")["outcome"].sum().min())
            for part in (rows, split.holdout)
        ),
    )


def changed_versions(now: Mapping[str, Any], then: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the libraries that two models were not both trained with.

    Examples
    --------
    >>> changed_versions({"versions": {"numpy": "2.4"}}, {"versions": {"numpy": "2.3"}})
    ('numpy 2.3 -> 2.4',)
    """
    newer, older = (manifest.get("versions") or {} for manifest in (now, then))
    return tuple(
        f"{name} {older.get(name, 'absent')} -> {newer.get(name, 'absent')}"
        for name in sorted({*newer, *older})
        if newer.get(name) != older.get(name)
    )
