"""Sales choose one product: of its users, does the chosen entry find the buyers?"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from push_model.evaluation.metrics import Floats, precision_at_k
from push_model.exploration.report.found import Found
from push_model.exploration.report.pushes import PUSHES
from push_model.reporting.numbers import write_percent
from push_model.reporting.section import Table

# A product's users that a push goes to.
PUSHED_SHARE = 0.05
# Of a product bought less often, the share bought of its pushes is luck.
LEAST_PURCHASES = 10
# What else could choose them, by the column that it goes by.
RULES = {"ordered_before": "what was bought before", "global_popularity": "popularity"}


def measure_products(rows: pd.DataFrame, propensities: Floats) -> dict[str, Any]:
    """Push each product to its best users, and count who bought it."""
    senders = {"model": propensities}
    senders |= {name: rows[name].to_numpy(np.float64) for name in RULES}
    outcomes = rows["outcome"].to_numpy(np.float64)
    shares: dict[str, list[float]] = {name: [] for name in ("chance", *senders)}
    pairs, ordered = 0.0, dict.fromkeys(senders, 0.0)
    for at in rows.groupby("variant_id").indices.values():
        bought = outcomes[at]
        if not LEAST_PURCHASES <= bought.sum() < len(at):
            continue
        shares["chance"].append(float(bought.mean()))
        of_product = float(bought.sum() * (len(at) - bought.sum()))
        pairs += of_product
        pushes = max(1, round(PUSHED_SHARE * len(at)))
        for name, scores in senders.items():
            shares[name].append(precision_at_k(bought, scores[at], k=pushes))
            # ROC-AUC is the share of these pairs in order, ties as half.
            ordered[name] += of_product * float(roc_auc_score(bought, scores[at]))
    if not shares["chance"]:
        return {}
    return {
        "products": len(shares["chance"]),
        "bought": {
            name: np.quantile(each, (0.25, 0.5, 0.75)).tolist() for name, each in shares.items()
        },
        "pairs": {name: right / pairs for name, right in ordered.items()},
    }


def say_products(found: Found) -> Iterator[str]:
    """Say what a push of one product brings."""
    looked = _looked_at(found)
    if not looked:
        return
    bought, pairs = looked["bought"], looked["pairs"]
    low, middle, high = (PUSHES * share for share in bought["model"])
    chance, before = (PUSHES * bought[name][1] for name in ("chance", "ordered_before"))
    yield (
        f"One product at a time: sent to the {write_percent(PUSHED_SHARE)} of its users with the "
        f"highest propensity, {middle:.0f} of {PUSHES:,} pushes are bought for the product in the "
        f"middle, {low:.0f} to {high:.0f} for half of the products. Sent by what was bought "
        f"before: {before:.0f}; by chance: {chance:.0f}. Of one who bought the product and one who "
        f"did not, the buyer comes first in {100 * pairs['model']:.0f} of 100 cases; by what was "
        f"bought before in {100 * pairs['ordered_before']:.0f}, by popularity, which tells days "
        f"apart and no users, in {100 * pairs['global_popularity']:.0f}. Counted on "
        f"{found.inspection['orders']:,} orders of {found.inspection['window']}, all newer than "
        f"those that this fit learnt from, and on products bought at least {LEAST_PURCHASES} times "
        f"there, for which chance does better than for all."
    )


def _looked_at(found: Found) -> Mapping[str, Any]:
    return found.inspection.get("one_product") or {}


def tabulate_products(found: Found, ours: str) -> Iterator[Table]:
    """Tabulate what a push of one product brings."""
    looked = _looked_at(found)
    if not looked:
        return
    names = {"model": ours, **RULES, "chance": "chance"}
    rows = tuple(
        (name, *(f"{PUSHES * share:.0f}" for share in looked["bought"][key]))
        for key, name in names.items()
    )
    caption = (
        f"Bought of {PUSHES:,} pushes of one product to the best {write_percent(PUSHED_SHARE)} of "
        f"its users: {looked['products']:,} products bought at least {LEAST_PURCHASES} times"
    )
    yield Table(caption, ("sent by", "a quarter has less", "middle", "a quarter has more"), rows)
