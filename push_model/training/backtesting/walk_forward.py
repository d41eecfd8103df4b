"""How would models trained on past days have done on the days after them?

Origins are days taken for today, evenly spaced. The days from one to the next are a block, and
every model trained at or before its start is judged on it: the freshest, and older ones on the
very same orders. In a growing shop later orders are easier to rank, so that a model which is
followed through the weeks seems to get better with age; beside a fresher one it does not.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import NamedTuple

import numpy as np
import pandas as pd

from push_model.errors import DatasetError, InvalidEventError
from push_model.evaluation.metrics import Floats
from push_model.evaluation.resampling import Resampler
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.training.calibration import SMALLEST
from push_model.training.parametrisation import Parametrisation
from push_model.training.train import train

# A model of fewer orders than these is another model than the one that serves.
MIN_KNOWN_SHARE = 0.4
RESAMPLES = 1_000


class Figures(NamedTuple):
    """Figures of one scorer on the orders as they are and on each draw, each (1 + resamples,).

    Attributes
    ----------
    average_precision : ndarray
        AP leads.
    log_loss, expected_per_actual : ndarray
        A row; purchases promised for each one made.
    """

    average_precision: Floats
    log_loss: Floats
    expected_per_actual: Floats


@dataclass(frozen=True, slots=True)
class Block:
    """How models of several ages do on the same orders.

    Attributes
    ----------
    orders, purchases : int
        On how much that rests.
    models : tuple of Figures
        The freshest first, each next one trained one block earlier.
    popularity : ndarray of shape (1 + resamples,)
        Average precision of the popularity baseline.
    """

    orders: int
    purchases: int
    models: tuple[Figures, ...]
    popularity: Floats


def plan_origins(frame: pd.DataFrame, *, origins: int, every: int, days: int) -> tuple[date, ...]:
    """Choose days to train as of, so that each has a past to learn from and days to be judged on.

    Examples
    --------
    >>> on_days = pd.date_range("2021-02-01", periods=10)
    >>> frame = pd.DataFrame({"order_id": range(10), "order_date": on_days})
    >>> [str(origin) for origin in plan_origins(frame, origins=9, every=2, days=1)]
    ['2021-02-05', '2021-02-07', '2021-02-09']
    """
    for name, value in (("origins", origins), ("every", every), ("days", days)):
        if value < 1:
            raise InvalidEventError(f"{name} must be at least 1, got {value}.")
    on_day = frame.drop_duplicates("order_id")["order_date"].dt.normalize().sort_values()
    first = on_day.iloc[ceil(MIN_KNOWN_SHARE * len(on_day)) - 1].date()
    last = on_day.iloc[-1].date() - timedelta(days=days)
    if last < first:
        raise DatasetError(
            f"{100 * MIN_KNOWN_SHARE:g} % of the {len(on_day)} large orders are known on {first} "
            f"only, so that {days} days after it there are none. Ask for fewer days, or give a "
            "longer history."
        )
    found = (last - timedelta(days=every * back) for back in reversed(range(origins)))
    return tuple(origin for origin in found if origin >= first)


def walk_forward(
    frame: pd.DataFrame,
    parametrisation: Parametrisation,
    *,
    origins: tuple[date, ...],
    every: int,
    oldest: int,
    seed: int,
) -> Iterator[Block]:
    """Train as of each origin; judge the newest models on the orders up to the next one.

    Notes
    -----
    What comes after an origin is never part of what is learnt at it. One training at a time, and
    `oldest` models, which are small.
    """
    day = frame["order_date"].dt.normalize()
    models: deque[Model] = deque(maxlen=oldest + 1)
    for number, origin in enumerate(origins):
        age = (day - pd.Timestamp(origin)).dt.days
        trained = train(frame[age <= 0], parametrisation, seed=seed, trained_on=str(origin))
        models.appendleft(Model.from_document(trained.serving.document))
        rows = frame[age.between(1, every)]
        if len(rows):
            yield judge(rows, models, seed=seed + number)


def judge(rows: pd.DataFrame, models: Iterable[Model], *, seed: int) -> Block:
    """Measure models on the same orders, and on the same draws of them."""
    bought = rows["outcome"].to_numpy(dtype=np.float64)
    resampler = Resampler(rows["order_id"], bought, resamples=RESAMPLES, seed=seed)
    popularity = rows["global_popularity"].fillna(0.0).to_numpy(dtype=np.float64)
    return Block(
        resampler.n_orders,
        int(bought.sum()),
        tuple(_measure(resampler, score(model, rows), bought) for model in models),
        resampler.average_precision(popularity),
    )


def _measure(resampler: Resampler, propensities: Floats, bought: Floats) -> Figures:
    p = np.clip(propensities, SMALLEST, 1.0 - SMALLEST)
    loss = -np.where(bought > 0, np.log(p), np.log1p(-p))
    return Figures(
        average_precision=resampler.average_precision(propensities),
        log_loss=resampler.ratio(loss, np.ones(len(loss))),
        expected_per_actual=resampler.ratio(propensities, bought),
    )
