"""Is this entry better than that one? The same draws of orders for both, and words for it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from push_model.evaluation.metrics import Floats
from push_model.evaluation.resampling import expanded_interval
from push_model.evaluation.results import Interval
from push_model.exploration.report.found import Explored, Found, level_of
from push_model.exploration.report.names import name_entry
from push_model.reporting.numbers import UNKNOWN

BETTER, WORSE, UNTOLD = "better", "worse", "cannot be told apart"
# The interval of the mean leaves out no difference, but some part tells otherwise.
BETTER_ON_MEAN, WORSE_ON_MEAN = "better on the mean", "worse on the mean"


class Difference(NamedTuple):
    """What an entry has above another on the same draws.

    Attributes
    ----------
    entry, rival : Explored
        Who is compared.
    gain : Interval
        Average precision of `entry` minus that of `rival`, mean over the parts.
    by_part : tuple of float
        The same, part by part, on the orders as they are.
    """

    entry: Explored
    rival: Explored
    gain: Interval
    by_part: tuple[float, ...]

    @property
    def verdict(self) -> str:
        """Whether the interval leaves out no difference, and every part agrees."""
        if self.gain.low > 0:
            return BETTER if self.agreeing == len(self.by_part) else BETTER_ON_MEAN
        if self.gain.high < 0:
            return WORSE if self.agreeing == len(self.by_part) else WORSE_ON_MEAN
        return UNTOLD

    @property
    def agreeing(self) -> int:
        """On how many parts the difference has the sign of the mean."""
        sign = 1 if self.gain.estimate > 0 else -1
        return sum(sign * gain > 0 for gain in self.by_part)

    @property
    def answer(self) -> str:
        """The verdict; where the parts do not agree, on how many of them it holds."""
        if self.verdict in {BETTER_ON_MEAN, WORSE_ON_MEAN}:
            return f"{self.verdict}, on {self.agreeing} of {len(self.by_part)} folds"
        return self.verdict

    def sentence(self, found: Found) -> str:
        """Say who beats whom by how much."""
        ours, theirs = name_entry(found, self.entry), name_entry(found, self.rival)
        if self.verdict == UNTOLD:
            return f"{ours} and {theirs} cannot be told apart ({write_gain(self.gain)})"
        verb, sign = ("beats", 1) if self.gain.low > 0 else ("loses to", -1)
        size, *ends = (sign * value for value in self.gain)
        says = f"{ours} {verb} {theirs} by {size:.4f} [{min(ends):.4f}, {max(ends):.4f}]"
        return says if self.answer == self.verdict else f"{says} ({self.answer})"


def measure(found: Found, entry: Explored, parts: Sequence[str]) -> Interval | None:
    """Give average precision over parts, and how sure it is."""
    draws = _mean_draws(entry, parts)
    return None if draws is None else _interval(found, draws, entry, parts)


def compare(
    found: Found, entry: Explored, rival: Explored | None, parts: Sequence[str]
) -> Difference | None:
    """Give what an entry has above another, draw by draw.

    Notes
    -----
    The i-th draw of a part is the same orders for every entry, so that what an order adds to both
    is taken from both: the difference is surer than either.
    """
    ours = _mean_draws(entry, parts)
    theirs = _mean_draws(rival, parts) if rival else None
    if rival is None or ours is None or theirs is None:
        return None
    by_part = tuple(level_of(entry.results[part]) - level_of(rival.results[part]) for part in parts)
    return Difference(entry, rival, _interval(found, ours - theirs, entry, parts), by_part)


def compare_with_neighbours(found: Found) -> list[Difference]:
    """Compare every entry with its neighbour on the folds."""
    compared = (
        compare(found, entry, found.entries.get(str(entry.neighbour)), found.folds)
        for entry in found.entries.values()
    )
    return [difference for difference in compared if difference is not None]


def write_gain(gain: Interval | None) -> str:
    """Write a difference and its interval.

    Examples
    --------
    >>> write_gain(Interval(0.0123, 0.01, 0.015)), write_gain(None)
    ('+0.0123 [+0.0100, +0.0150]', '-')
    """
    if gain is None:
        return UNKNOWN
    estimate, low, high = (f"{round(end, 4) + 0.0:+.4f}" for end in gain)  # + 0.0: no minus zero
    return f"{estimate} [{low}, {high}]"


def write_level(level: Interval | None) -> str:
    r"""Write a figure and its interval on a line of its own.

    Examples
    --------
    >>> write_level(Interval(0.31659, 0.3, 0.33))
    '0.3166\n(0.3000 to 0.3300)'
    """
    if level is None:
        return UNKNOWN
    return f"{level.estimate:.4f}\n({level.low:.4f} to {level.high:.4f})"


def _mean_draws(entry: Explored, parts: Sequence[str]) -> Floats | None:
    if not parts or not set(parts) <= {*entry.results}:
        return None
    drawn = [entry.results[part].average_precision for part in parts]
    # Windows do not overlap, so that draws of one part say nothing of another's.
    mean: Floats = np.mean(drawn, axis=0)
    return mean


def _interval(found: Found, draws: Floats, entry: Explored, parts: Sequence[str]) -> Interval:
    orders = sum(entry.results[part].judged["orders"] for part in parts)
    return expanded_interval(draws, orders=max(2, orders), alpha=found.alpha)
