"""How fast does a model grow old? Older models beside the freshest, on the same orders."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from push_model.errors import DatasetError, InvalidEventError
from push_model.evaluation.metrics import Floats
from push_model.evaluation.resampling import Resampler
from push_model.evaluation.results import Interval
from push_model.training.backtesting.walk_forward import Block, Figures, plan_origins, walk_forward
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import Parametrisation

# A challenger that ranks worse by more than this does not pass the gate.
MARGIN = Policy().margin
# Intervals hold 90 %.
ALPHA = 0.1
# Five whole weeks: the first that hold a month.
MONTH_DAYS = 35
# A week holds each of its days once; fewer days hold too few orders.
EVERY_DAYS = 7

_Interval = Callable[[Floats], Interval]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeFigures:
    """How models of one age do, beside fresh ones on the same orders.

    Attributes
    ----------
    first_day, last_day : int
        The age: days after training.
    orders, purchases : int
        On how much that rests.
    average_precision, fresh, popularity : Interval
        Of these models, of the freshest ones, and of the popularity baseline: the mean over
        blocks of days, each weighted by its orders.
    kept : Interval
        `average_precision` as a share of `fresh`.
    log_loss_kept : Interval
        Log loss as a share of the freshest ones'; more is worse.
    expected_per_actual, fresh_expected_per_actual : Interval
        Purchases promised for each one made, by these models and by the freshest ones.
    """

    first_day: int
    last_day: int
    orders: int
    purchases: int
    average_precision: Interval
    fresh: Interval
    popularity: Interval
    kept: Interval
    log_loss_kept: Interval
    expected_per_actual: Interval
    fresh_expected_per_actual: Interval

    @property
    def middle(self) -> float:
        """Mean of both days."""
        return (self.first_day + self.last_day) / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """What age does to a model.

    Attributes
    ----------
    origins : tuple of date
        The days models were trained as of.
    ages : tuple of AgeFigures
        The freshest first.
    lasts_days : float or None
        Age at which `kept` has lost the gate's margin, between the middles of two ages on the
        straight line between them; None if it has not at any age measured.
    lasts_at_least_days : float or None
        The same of the lower end of `kept`.
    """

    origins: tuple[date, ...]
    ages: tuple[AgeFigures, ...]
    lasts_days: float | None
    lasts_at_least_days: float | None

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        return asdict(self) | {"origins": [str(origin) for origin in self.origins]}

    def sentence(self) -> str:
        """Say for people how long a model may serve."""
        last = self.ages[-1].last_day
        return (
            f"Beside models up to {self.ages[0].last_day} days old, average precision has lost the "
            f"gate's margin of {MARGIN:.0%} {_say_age(self.lasts_days, last)}; at the lower end of "
            f"its 90 % interval {_say_age(self.lasts_at_least_days, last)}."
        )


def measure_staleness(
    frame: pd.DataFrame,
    parametrisation: Parametrisation,
    *,
    days: int = MONTH_DAYS,
    origins: int = 8,
    every: int = EVERY_DAYS,
    seed: int = 0,
    report_progress: Callable[[int, int], None] | None = None,
) -> Staleness:
    """Train as of several past days, and judge models of each age beside the freshest.

    Notes
    -----
    Older models beside the freshest on the same orders and draws: what an order or a season adds
    to both is no age. docs/staleness.md says what follows.
    """
    planned = plan_origins(frame, origins=origins, every=every, days=every)
    oldest = days // every - 1
    if oldest < 1:
        raise InvalidEventError(
            f"days must be at least {2 * every}, two ages of {every} days, got {days}."
        )
    blocks = []
    for block in walk_forward(
        frame, parametrisation, origins=planned, every=every, oldest=oldest, seed=seed
    ):
        blocks.append(block)
        if report_progress is not None:
            report_progress(len(blocks), len(planned))
    if max((len(block.models) for block in blocks), default=0) < len(("fresh", "older")):
        raise DatasetError(
            f"The history holds {len(planned)} origin(s) {every} days apart; two are needed, each "
            "with orders after it. Give a longer history, or fewer days from one to the next."
        )
    return sum_up(blocks, origins=planned, every=every)


def sum_up(blocks: Sequence[Block], *, origins: tuple[date, ...], every: int) -> Staleness:
    """Put the figures of all blocks together by age."""
    orders = np.arange(sum(block.orders for block in blocks))
    # Figures are drawn block by block; an interval asks only how many orders there were in all.
    resampler = Resampler(orders, np.ones(len(orders)), resamples=1, seed=0)
    interval = partial(resampler.interval, alpha=ALPHA)
    number = max(len(block.models) for block in blocks)
    aged = [[block for block in blocks if len(block.models) > back] for back in range(number)]
    ages = tuple(_figures(own, back, every, interval) for back, own in enumerate(aged))
    return Staleness(
        origins=origins,
        ages=ages,
        lasts_days=find_age_lost(ages, [age.kept.estimate for age in ages]),
        lasts_at_least_days=find_age_lost(ages, [age.kept.low for age in ages]),
    )


def find_age_lost(ages: Sequence[AgeFigures], kept: Sequence[float]) -> float | None:
    """Find the age at which more than the gate's margin is lost, if it was reached."""
    left = 1.0 - MARGIN
    for (before, above), (age, below) in pairwise(zip(ages, kept, strict=True)):
        if below <= left:
            share = (above - left) / (above - below)
            return before.middle + share * (age.middle - before.middle)
    return None


def _figures(blocks: Sequence[Block], back: int, every: int, interval: _Interval) -> AgeFigures:
    return AgeFigures(
        first_day=back * every + 1,
        last_day=(back + 1) * every,
        orders=sum(block.orders for block in blocks),
        purchases=sum(block.purchases for block in blocks),
        average_precision=interval(_mean(blocks, back, "average_precision")),
        fresh=interval(_mean(blocks, 0, "average_precision")),
        popularity=interval(_weigh(blocks, [block.popularity for block in blocks])),
        kept=interval(_kept(blocks, back, "average_precision")),
        log_loss_kept=interval(_kept(blocks, back, "log_loss")),
        expected_per_actual=interval(_mean(blocks, back, "expected_per_actual")),
        fresh_expected_per_actual=interval(_mean(blocks, 0, "expected_per_actual")),
    )


def _mean(blocks: Sequence[Block], back: int, name: str) -> Floats:
    place = Figures._fields.index(name)
    return _weigh(blocks, [block.models[back][place] for block in blocks])


def _weigh(blocks: Sequence[Block], draws: Sequence[Floats]) -> Floats:
    return np.average(np.stack(draws), axis=0, weights=[block.orders for block in blocks])


def _kept(blocks: Sequence[Block], back: int, name: str) -> Floats:
    return _mean(blocks, back, name) / _mean(blocks, 0, name)


def _say_age(days: float | None, last: int) -> str:
    return f"at no age up to {last} days" if days is None else f"at {days:.0f} days"
