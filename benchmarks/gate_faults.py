"""Plant faults of a data team in a frame, and show which of them the gate notices.

    python benchmarks/gate_faults.py [FRAME.parquet] --thin 3

First, eleven days run as in production: fit, validate and promote, the first without a champion.
Then a champion is trained on the frame as it was two weeks before its end. Each fault reaches the
newest 1, 3, 7 or 14 days, or the whole frame, and a challenger is trained on what came of it; its
model is trained again only where its train window changed. All rules count but those of folders and
clocks. Sound changes are planted in the same way. Without a frame, a synthetic shop is invented.
"""

import argparse
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from push_model.columns import DELIVERED, FEATURES, MIN_ITEMS
from push_model.errors import PushModelError
from push_model.evaluation.scorers import baseline_scores, score
from push_model.evaluation.slices import USUAL_BASKET, usual_baskets
from push_model.model.scoring import Model
from push_model.store.promotion import champion, promote
from push_model.training.data.dataset import load_dataset
from push_model.training.data.frames import collect_sorted
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import Split, split_by_time
from push_model.training.fit import handler_fit
from push_model.training.gate.challenger import Lead, count_training_window
from push_model.training.gate.evidence import gather
from push_model.training.gate.newest import find_changes
from push_model.training.gate.policy import Policy
from push_model.training.gate.rules import judge
from push_model.training.gate.validation import find_drift, validate_model
from push_model.training.gate.verdict import Finding, decide
from push_model.training.parametrisation import read_parametrisation
from push_model.training.sample import write_sample
from push_model.training.train import train

EVENT = {"model": "boosted_trees", "iterations": 60, "depth": 5}
PARAMETRISATION = read_parametrisation(EVENT)
POLICY = Policy(resamples=300)
DAYS = (1, 3, 7, 14)
WHOLE = 10_000
FIRST_ORDERS = 3
_KEYS = ("user_id", "order_id")
SEED = 0

Rows = pd.DataFrame
Fault = Callable[[Rows, np.random.Generator], Rows]


def shuffled_join(rows: Rows, rng: np.random.Generator) -> Rows:
    """Give each order the features of another order's user."""
    return _exchange(rows, rng, [*FEATURES])


def households_of_others(rows: Rows, rng: np.random.Generator) -> Rows:
    """Give each order the household of another user."""
    return _exchange(rows, rng, [name for name in FEATURES if name.startswith(("count", "people"))])


def _exchange(rows: Rows, rng: np.random.Generator, names: list[str]) -> Rows:
    orders = rows["order_id"].unique()
    other = pd.Series(rng.permutation(orders), index=orders)
    keys = pd.MultiIndex.from_arrays([rows["order_id"].map(other), rows["variant_id"]])
    known = rows.set_index(["order_id", "variant_id"])[names].reindex(keys)
    changed = rows.copy()
    is_known = known.notna().any(axis=1).to_numpy()
    changed.loc[is_known, names] = known.to_numpy()[is_known]
    return changed


def same_day_popularity(rows: Rows, _: np.random.Generator) -> Rows:
    """Add the purchases of the day itself to popularity."""
    keys = [rows["order_date"], rows["variant_id"]]
    today = rows.groupby(keys)["outcome"].transform("mean")
    popularity = 0.8 * rows["global_popularity"] + 0.2 * today
    return rows.assign(global_popularity=popularity)


def best_type_lost(rows: Rows, _: np.random.Generator) -> Rows:
    """Lose each purchase of the best-selling type."""
    best = rows.groupby("product_type")["outcome"].sum().idxmax()
    return rows.assign(outcome=rows["outcome"].mask(rows["product_type"] == best, 0.0))


def half_of_the_negatives(rows: Rows, rng: np.random.Generator) -> Rows:
    """Lose half of what was not bought."""
    return rows[(rows["outcome"] > 0) | (_some(rows, rng, 0.5))]


def quarter_flagged(rows: Rows, rng: np.random.Generator) -> Rows:
    """Flag a quarter of the purchases as bought before."""
    flagged = (rows["outcome"] > 0) & (_some(rows, rng, 0.25))
    return rows.assign(ordered_before=rows["ordered_before"].mask(flagged, 1.0))


def orders_twice(rows: Rows, _: np.random.Generator) -> Rows:
    """Deliver each order once more under a new number."""
    return pd.concat([rows, rows.assign(order_id=rows["order_id"] + 10**9)])


def late_outcomes(rows: Rows, rng: np.random.Generator) -> Rows:
    """Lose a third of the purchases."""
    lost = _some(rows, rng, 1 / 3)
    return rows.assign(outcome=rows["outcome"].mask(lost, 0.0))


def leak(rows: Rows, rng: np.random.Generator) -> Rows:
    """Let the outcome into a flag, in four cases of five."""
    seen = (rows["outcome"] > 0) & (_some(rows, rng, 0.8))
    return rows.assign(abandoned_before=rows["abandoned_before"].mask(seen, 1.0))


def types_inverted(rows: Rows, _: np.random.Generator) -> Rows:
    """Exchange bought and not bought in half of the types."""
    types = np.sort(rows["product_type"].dropna().unique())
    inside = rows["product_type"].isin(types[::2])
    return rows.assign(outcome=rows["outcome"].mask(inside, 1.0 - rows["outcome"]))


def stale_popularity(rows: Rows, rng: np.random.Generator) -> Rows:
    """Exchange the popularities of products."""
    products = rows["variant_id"].unique()
    other = pd.Series(rng.permutation(products), index=products)
    of_product = rows.groupby("variant_id")["global_popularity"].mean()
    return rows.assign(global_popularity=rows["variant_id"].map(other).map(of_product).to_numpy())


def robot(rows: Rows, rng: np.random.Generator) -> Rows:
    """Let one user place a third of the orders."""
    orders = rows["order_id"].unique()
    taken = rng.choice(orders, size=max(1, round(0.35 * len(orders))), replace=False)
    one = rows["user_id"].iloc[0]
    return rows.assign(user_id=rows["user_id"].mask(rows["order_id"].isin(taken), one))


def users_dropped(rows: Rows, rng: np.random.Generator) -> Rows:
    """Lose two thirds of the users."""
    users = rows["user_id"].unique()
    kept = users[rng.random(len(users)) < 1 / 3]
    return rows[rows["user_id"].isin(kept)]


def order_ids_reused(rows: Rows, _: np.random.Generator) -> Rows:
    """Give each second order the number of the order before it."""
    orders = rows["order_id"].unique()
    other = pd.Series(np.repeat(orders[::2], 2)[: len(orders)], index=orders)
    return rows.assign(order_id=rows["order_id"].map(other).to_numpy())


def outcomes_moved(rows: Rows, _: np.random.Generator) -> Rows:
    """Move outcomes down by one row."""
    return rows.assign(outcome=np.roll(rows["outcome"], 1))


def users_new_again(rows: Rows, _: np.random.Generator) -> Rows:
    """Forget what users did before, as after a move to another shop system."""
    return rows.assign(**dict.fromkeys(_GAPS, np.nan), ordered_before=0.0, user_order_seq=2.0)


def _set(**columns: Callable[[Rows], pd.Series] | float) -> Fault:
    return lambda rows, _: rows.assign(**columns)


def _some(rows: Rows, rng: np.random.Generator, share: float) -> np.ndarray:
    return rng.random(len(rows)) < share


_GAPS = [name for name in FEATURES if name.startswith("days_since")]
_CADENCE = [name for name in FEATURES if "days" in name]

FAULTS: dict[str, Fault] = {
    "features of other users": shuffled_join,
    "ordered_before is dead": _set(ordered_before=0.0),
    "outcomes of the best-selling type lost": best_type_lost,
    "popularity of the same day": same_day_popularity,
    "half of the negatives lost": half_of_the_negatives,
    "a quarter of purchases flagged": quarter_flagged,
    "every order twice": orders_twice,
    "prices in pence": _set(normalised_price=lambda rows: 100 * rows["normalised_price"]),
    "days in hours": lambda rows, _: rows.assign(**{n: 24 * rows[n] for n in _CADENCE}),
    "outcome in a flag": leak,
    "types inverted": types_inverted,
    "a third of outcomes late": late_outcomes,
    "popularities exchanged": stale_popularity,
    "popularity is dead": _set(global_popularity=0.0),
    "no days since a purchase": lambda rows, _: rows.assign(**dict.fromkeys(_GAPS, np.nan)),
    "days since are 0": lambda rows, _: rows.assign(**dict.fromkeys(_GAPS, 0.0)),
    "households of others": households_of_others,
    "household lost": lambda rows, _: rows.assign(**{
        n: np.nan for n in FEATURES if n.startswith(("count", "people"))
    }),
    "discount with another sign": _set(discount_pct=lambda rows: -rows["discount_pct"]),
    "discount in per cent": _set(discount_pct=lambda rows: 100 * rows["discount_pct"]),
    "price is dead": _set(normalised_price=0.0),
    "order number is 1": _set(user_order_seq=1.0),
    "one user has 35 % of orders": robot,
    "two thirds of users dropped": users_dropped,
    "order numbers reused": order_ids_reused,
    "outcomes moved by a row": outcomes_moved,
    "users are new again": users_new_again,
    "household columns exchanged": lambda rows, _: rows.assign(
        count_adults=rows["count_children"],
        count_children=rows["count_babies"],
        count_babies=rows["count_pets"],
        count_pets=rows["count_adults"],
    ),
}


def prices_rise(rows: Rows, _: np.random.Generator) -> Rows:
    """Raise all prices by 15 %."""
    return rows.assign(normalised_price=1.15 * rows["normalised_price"])


def sale(rows: Rows, rng: np.random.Generator) -> Rows:
    """Reduce a third of the products by 30 %, and sell a fifth more of them."""
    reduced = rows["variant_id"].isin(np.sort(rows["variant_id"].unique())[::3])
    more = reduced & (rng.random(len(rows)) < 0.2 * rows["outcome"].mean())
    return rows.assign(
        discount_pct=rows["discount_pct"].mask(reduced, 0.3),
        normalised_price=rows["normalised_price"].mask(reduced, 0.7 * rows["normalised_price"]),
        outcome=rows["outcome"].mask(more, 1.0),
    )


def new_types(rows: Rows, rng: np.random.Generator) -> Rows:
    """Add products of a new type, as copies of a tenth of the products, half as popular."""
    products = np.sort(rows["variant_id"].unique())[::10]
    new = rows[rows["variant_id"].isin(products)]
    new = new.assign(
        variant_id=new["variant_id"] + 13,
        product_type="new",
        ordered_before=0.0,
        outcome=new["outcome"].where(_some(new, rng, 0.5), 0.0),
    )
    return pd.concat([rows, new]).drop_duplicates(["order_id", "variant_id"])


def holiday(rows: Rows, rng: np.random.Generator) -> Rows:
    """Let each order hold a third more."""
    popularity = rows["global_popularity"].fillna(0)
    more = rng.random(len(rows)) < popularity / popularity.mean() * rows["outcome"].mean() / 3
    return rows.assign(outcome=rows["outcome"].mask(more, 1.0))


def _keep_orders(n: int) -> Fault:
    return lambda rows, _: rows[rows["order_id"].isin(rows["order_id"].unique()[:n])]


def _closed(rows: Rows, _: np.random.Generator) -> Rows:
    """Close but for the newest day."""
    day = rows["order_date"].dt.normalize()
    return rows[day == day.max()]


def twice_the_orders(rows: Rows, _: np.random.Generator) -> Rows:
    """Let as many new users order the same."""
    users, orders = (rows[name].max() + 1 + pd.factorize(rows[name])[0] for name in _KEYS)
    return pd.concat([rows, rows.assign(user_id=users, order_id=orders)])


def many_new_users(rows: Rows, rng: np.random.Generator) -> Rows:
    """Keep a third of the orders of users who ordered before, apart from their first ones."""
    orders = rows["order_id"].unique()
    kept = orders[rng.random(len(orders)) < 1 / 3]
    return rows[(rows["user_order_seq"] <= FIRST_ORDERS) | rows["order_id"].isin(kept)]


def sold_out(rows: Rows, _: np.random.Generator) -> Rows:
    """Sell nothing of the best-selling type."""
    best = rows.groupby("product_type")["outcome"].sum().idxmax()
    return rows[rows["product_type"] != best]


SOUND: dict[str, Fault] = {
    "nothing": lambda rows, _: rows,
    "prices rise by 15 %": prices_rise,
    "a sale": sale,
    "new product types": new_types,
    "a holiday": holiday,
    "15 orders": _keep_orders(15),
    "closed but for 2 orders": _keep_orders(2),
    "closed but for the newest day": _closed,
    "twice the orders": twice_the_orders,
    "many new users": many_new_users,
    "a type is sold out": sold_out,
    "other order of columns": lambda rows, _: rows[[*reversed(rows.columns)]],
    "another column": _set(of_theirs=1.0),
    "households are filled in": _set(
        count_adults=lambda rows: (
            rows["count_adults"].fillna(2.0).where(rows["order_id"] % 5 > 0, 3.0)
        )
    ),
}


class Judged(NamedTuple):
    """What the gate says of one challenger."""

    decision: str
    findings: list[Finding]

    @property
    def rules(self) -> str:
        """The rules that failed or, where none did, those that lack data."""
        failed = [found for found in self.findings if found.passed is False]
        unknown = [found for found in self.findings if found.passed is None and found.is_needed]
        return ", ".join(
            dict.fromkeys(
                "a slice" if found.about == "slice" else found.rule for found in failed or unknown
            )
        )


class Shop:
    """A frame, and the champion that it had two weeks before its end."""

    def __init__(self, frame: Rows) -> None:
        self.frame = frame
        self._trained: dict[object, Model] = {}
        day = frame["order_date"].dt.normalize()
        self.champion, self.then = self.train(frame[day <= day.max() - pd.Timedelta(days=14)])

    def train(self, frame: Rows) -> tuple[Model, Split]:
        """Train the evaluated model of a frame, once for each train window."""
        split = split_by_time(frame)
        known = pd.concat([split.train, split.calibration])[[*FEATURES, "outcome", "order_id"]]
        key = (len(known), int(pd.util.hash_pandas_object(known, index=False).sum()))
        if key not in self._trained:
            trained = train(frame, PARAMETRISATION, seed=SEED, trained_on="2024-01-01")
            self._trained[key] = Model.from_document(trained.evaluated.document)
        return self._trained[key], split

    def judge(self, frame: Rows) -> Judged:
        """Judge a challenger of a frame as the gate does."""
        frame = keep_large(frame)
        challenger, split = self.train(frame)
        rows = split.holdout.assign(**{USUAL_BASKET: usual_baskets(frame, split.holdout)})
        champion = score(self.champion, rows)
        evidence = gather(
            rows,
            {"challenger": score(challenger, rows), "champion": champion},
            policy=POLICY,
            rows_given=count_training_window(split, min_items=MIN_ITEMS),
            trained_on=count_training_window(split, min_items=MIN_ITEMS),
            champion_trained_on=count_training_window(self.then, min_items=MIN_ITEMS),
            champion_lead=self.lead,
            drift=find_drift(split, self.champion, POLICY),
            newest=find_changes(split, challenger, POLICY, champion=champion),
        )
        findings = [*judge(evidence, POLICY)]
        return Judged(decide(findings), findings)

    @property
    def lead(self) -> Lead:
        """The lead over popularity that the champion's manifest would state."""
        rows = self.then.holdout
        ours, popular = (
            average_precision_score(rows["outcome"], each)
            for each in (score(self.champion, rows), baseline_scores(rows)["popularity"])
        )
        return Lead(ours / popular, rows["order_id"].nunique())


def keep_large(frame: Rows) -> Rows:
    """Keep orders of at least five items bought, in the order of days."""
    items = frame.groupby("order_id")["outcome"].transform("sum")
    return frame[items >= MIN_ITEMS].sort_values(
        ["order_date", "order_id", "variant_id"], ignore_index=True
    )


def plant(frame: Rows, fault: Fault, days: int) -> Rows:
    """Let a change reach the newest days."""
    day = frame["order_date"].dt.normalize()
    reached = day > day.max() - pd.Timedelta(days=days)
    changed = fault(frame[reached], np.random.default_rng(SEED))
    return pd.concat([frame[~reached], changed])


def grow(frame: Rows) -> Rows:
    """Keep a third of the orders before the newest 14 days, from which the champion comes."""
    is_newest = frame["order_date"] > frame["order_date"].max() - pd.Timedelta(days=14)
    return frame[is_newest | (pd.factorize(frame["order_id"])[0] % 3 == 0)]


def read(path: Path | None, thin: int) -> Rows:
    """Read the large orders of some of the users."""
    if path is None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "frame.csv"
            write_sample(path, until=date(2021, 3, 3), orders=1_500, seed=SEED)
            return read(path, thin)
    loaded = load_dataset(str(path), columns=DELIVERED, until=date.max)
    frame = collect_sorted(keep_large_orders(loaded))
    users = pd.factorize(frame["user_id"], sort=True)[0]
    return frame[users % thin == 0].assign(user_id=users[users % thin == 0])


def show(shop: Shop, changes: dict[str, Fault], only: str, days: tuple[int, ...]) -> None:
    """Print what was decided of each change, and by which rule."""
    for name, change in changes.items():
        if only not in name:
            continue
        for reach in days:
            try:
                judged = shop.judge(plant(shop.frame, change, reach))
            except PushModelError as error:
                found = f"refused before the gate: {type(error).__name__}"
            else:
                found = f"{judged.decision:<13} {judged.rules}"
            where = "whole" if reach == WHOLE else f"{reach} days"
            print(f"{name:<40} {where:<8} {found}", flush=True)


def run_days(frame: Rows, days: int) -> None:
    """Fit, validate and promote on each of the newest days, the first without a champion."""
    newest = frame["order_date"].max().date()
    with tempfile.TemporaryDirectory() as folder:
        path, models = f"{folder}/frame.parquet", f"{folder}/models"
        frame.to_parquet(path, index=False)
        for day in (newest - timedelta(days=back) for back in range(days, -1, -1)):
            name = f"push_{day:%Y_%m_%d}"
            event = {
                "model_parametrisation": EVENT,
                "dataset": path,
                "models_dir": models,
                "model_name": name,
                "training_date": str(day),
            }
            handler_fit(event)
            verdict = validate_model(
                path,
                model_name=name,
                models_dir=models,
                min_items=MIN_ITEMS,
                training_date=day,
                holdout_days=None,
                policy=POLICY,
            )
            judged = Judged(verdict.decision, [*verdict.findings])
            print(
                f"{day} {judged.decision:<13} {verdict.claim or '':<13} {judged.rules}", flush=True
            )
            if verdict.decision == "promote":
                serving = champion(models)
                promote(
                    models,
                    name,
                    expected=serving.model_name if serving else None,
                    verdict=None,
                    reason="benchmark",
                    promoted_at=str(day),
                    by="benchmark",
                )


def main() -> None:
    """Print faults, sound changes and ten days."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, nargs="?")
    parser.add_argument("--thin", type=int, default=1)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    frame = read(options.path, options.thin)
    print("Days", flush=True)
    if not options.only:
        run_days(frame, 10)
    shop = Shop(frame)
    orders = shop.then.holdout["order_id"].nunique()
    print(f"{len(shop.frame):,} rows, {orders} orders in the champion's holdout\n")
    print("Faults")
    show(shop, FAULTS, options.only, (*DAYS, WHOLE))
    print("\nSound changes")
    show(shop, SOUND, options.only, (7,))
    grown = grow(shop.frame)
    judged = Shop(grown).judge(grown)
    print(f"{'growth of three times':<40} {'14 days':<8} {judged.decision:<13} {judged.rules}")


if __name__ == "__main__":
    main()
