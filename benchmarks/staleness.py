"""Measure what age does to a model: older models beside fresh ones, on the same orders.

    python benchmarks/staleness.py FRAME --days 140 --every 28

At each origin, a day taken for today, a model is trained as `handler_fit` does. The days up to the
next origin are a block: the freshest model and the older ones are scored on the same orders and the
same bootstrap replicates. In a growing shop later orders are easier to rank, so a model that is
followed through the weeks seems to get better with age; beside a fresher one it does not.
"""

import argparse
import contextlib
import io
from collections import deque
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from math import ceil
from typing import NamedTuple

import numpy as np
import pandas as pd

from push_model.commands.options import read_model
from push_model.evaluation.metrics import Floats
from push_model.evaluation.resampling import Resampler, expanded_interval
from push_model.evaluation.results import Interval
from push_model.evaluation.scorers import baseline_scores, score
from push_model.model.scoring import Model
from push_model.training.data.dataset import load_dataset
from push_model.training.data.frames import collect_sorted
from push_model.training.data.orders import keep_large_orders
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import Parametrisation, read_parametrisation
from push_model.training.train import train

# A model of fewer orders than these is not like the one that serves.
MIN_KNOWN_SHARE = 0.4
RESAMPLES = 1_000
ALPHA = 0.1
TINY = 1e-15


class Block(NamedTuple):
    """Figures on the orders of one block; replicates have shape (1 + resamples,)."""

    orders: int
    popularity: Floats
    models: list[dict[str, Floats]]  # replicates by figure, the freshest model first


def main() -> None:
    """Print a line an age, and the age at which the gate's margin is lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frame")
    parser.add_argument("--model", default="final_model", help="as `push-model fit` takes it")
    parser.add_argument("--days", type=int, default=35, help="oldest age")
    parser.add_argument("--every", type=int, default=7, help="days from one origin to the next")
    parser.add_argument("--origins", type=int, default=8)
    parser.add_argument("--training-date", type=date.fromisoformat, default=date.max)
    options = parser.parse_args()
    loaded = load_dataset(options.frame, until=options.training_date)
    frame = collect_sorted(keep_large_orders(loaded, min_items=5))
    parametrisation = read_parametrisation(read_model(options.model))
    origins = plan_origins(frame, origins=options.origins, every=options.every, days=options.every)
    oldest = options.days // options.every - 1
    with contextlib.redirect_stdout(io.StringIO()):
        blocks = [*walk_forward(frame, parametrisation, origins, options.every, oldest)]
    print(f"{len(origins)} models, trained as of {origins[0]} to {origins[-1]}; 90 % intervals")
    show(blocks, options.every)


def plan_origins(frame: pd.DataFrame, *, origins: int, every: int, days: int) -> tuple[date, ...]:
    """Choose days to train as of, with a past to train on and `days` to be scored on."""
    on_day = frame.drop_duplicates("order_id")["order_date"].dt.normalize().sort_values()
    first = on_day.iloc[ceil(MIN_KNOWN_SHARE * len(on_day)) - 1].date()
    last = on_day.iloc[-1].date() - timedelta(days=days)
    if last < first:
        raise SystemExit(
            f"The history is too short: {100 * MIN_KNOWN_SHARE:g} % of orders are reached only on "
            f"{first}, and no orders follow within {days} days."
        )
    found = (last - timedelta(days=every * back) for back in reversed(range(origins)))
    return tuple(origin for origin in found if origin >= first)


def walk_forward(
    frame: pd.DataFrame,
    parametrisation: Parametrisation,
    origins: tuple[date, ...],
    every: int,
    oldest: int,
) -> Iterator[Block]:
    """Train as of each origin; score the newest models on the orders up to the next one."""
    day = frame["order_date"].dt.normalize()
    models: deque[Model] = deque(maxlen=oldest + 1)
    for seed, origin in enumerate(origins):
        age = (day - pd.Timestamp(origin)).dt.days
        trained = train(frame[age <= 0], parametrisation, seed=0, trained_on=str(origin))
        models.appendleft(Model.from_document(trained.serving.document))
        rows = frame[age.between(1, every)]
        if len(rows):
            bought = rows["outcome"].to_numpy(dtype=np.float64)
            resampler = Resampler.of_users(rows, resamples=RESAMPLES, seed=seed)
            yield Block(
                rows["order_id"].nunique(),
                resampler.average_precision(baseline_scores(rows)["popularity"]),
                [measure(resampler, score(model, rows), bought) for model in models],
            )


def measure(resampler: Resampler, propensities: Floats, bought: Floats) -> dict[str, Floats]:
    """Return the replicates of each figure of one model."""
    p = np.clip(propensities, TINY, 1.0 - TINY)
    loss = -np.where(bought > 0, np.log(p), np.log1p(-p))
    return {
        "AP": resampler.average_precision(propensities),
        "log loss": resampler.ratio(loss, np.ones(len(loss))),
        "ratio": resampler.ratio(propensities, bought),
    }


def show(blocks: list[Block], every: int) -> None:
    """Print each age beside the freshest models on the same orders."""
    print("days      orders     AP  fresh   pop.  AP kept, %            log loss  ratio")
    middles, kept = [], []
    for back in range(max(len(block.models) for block in blocks)):
        own = [block for block in blocks if len(block.models) > back]
        orders = sum(block.orders for block in own)
        aged, fresh = (
            {
                name: weigh(own, [block.models[age][name] for block in own])
                for name in own[0].models[0]
            }
            for age in (back, 0)
        )
        share = expanded_interval(aged["AP"] / fresh["AP"], orders=orders, alpha=ALPHA)
        popularity = weigh(own, [block.popularity for block in own])[0]
        print(
            f"{back * every + 1:>3}-{(back + 1) * every:<4} {orders:>7,} {aged['AP'][0]:.4f} "
            f"{fresh['AP'][0]:.4f} {popularity:.4f}  {100 * share.estimate:5.1f} "
            f"({100 * share.low:.1f} to {100 * share.high:.1f})  "
            f"{aged['log loss'][0] / fresh['log loss'][0] - 1:+.1%}  {aged['ratio'][0]:.3f}"
        )
        middles.append(back * every + (every + 1) / 2)
        kept.append(share)
    print_age_lost(middles, kept)


def print_age_lost(middles: list[float], kept: list[Interval]) -> None:
    """Print the age at which the gate's margin is lost, on straight lines between two ages."""
    left = 1.0 - Policy().margin
    for name, shares in (
        ("as estimated", [share.estimate for share in kept]),
        ("at the lower end of the interval", [share.low for share in kept]),
    ):
        ages = (
            before + (above - left) / (above - below) * (after - before)
            for (before, above), (after, below) in pairwise(zip(middles, shares, strict=True))
            if below <= left < above
        )
        age = next(ages, None)
        when = "at no age measured" if age is None else f"at {age:.0f} days"
        print(f"The gate's margin of {Policy().margin:.0%} is lost {when} ({name}).")


def weigh(blocks: list[Block], replicates: list[Floats]) -> Floats:
    """Return the mean over blocks, each weighted by its orders."""
    return np.average(np.stack(replicates), axis=0, weights=[block.orders for block in blocks])


if __name__ == "__main__":
    main()
