"""Where does a difference lie? Users, honesty, drift: what the numbers tell of the why."""

from collections.abc import Iterator
from math import isnan

from push_model.exploration.report.comparing import UNTOLD, Difference
from push_model.exploration.report.found import BASELINES, Explored, Found
from push_model.training.card.shown import write_percent

# What is not worth a sentence: average precision of users apart, and a factor of honesty.
LEAST_GAP = 0.005
LEAST_FACTOR = 1.5
# An honest entry promises so many purchases for each one made, give or take.
HONEST = (0.8, 1.25)


def find_whys(found: Found, difference: Difference) -> Iterator[str]:
    """Say where a difference lies.

    Parameters
    ----------
    found : Found
        The exploration.
    difference : Difference
        On its folds.

    Yields
    ------
    str
        Sentences; none where nothing stands out.
    """
    yield from _weigh_users(found, difference)
    yield from _weigh_folds(difference)
    if not {difference.entry.family, difference.rival.family} & {*BASELINES}:
        yield from _weigh_honesty(found, difference.entry, difference.rival)
    yield from _weigh_cost(difference)


def _weigh_users(found: Found, difference: Difference) -> Iterator[str]:
    new, returning = (
        found.mean(difference.entry, users=users) - found.mean(difference.rival, users=users)
        for users in ("new", "returning")
    )
    if isnan(new) or isnan(returning) or abs(new - returning) < LEAST_GAP:
        return
    more = "returning" if abs(returning) > abs(new) else "new"
    yield f"Most of it is on {more} users (returning {returning:+.3f}, new {new:+.3f})."


def _weigh_folds(difference: Difference) -> Iterator[str]:
    gains = difference.by_part
    agreeing = sum((gain > 0) == (difference.gain.estimate > 0) for gain in gains)
    if difference.verdict == UNTOLD:
        return
    if agreeing < len(gains):
        yield f"Not on every fold: {', '.join(f'{gain:+.3f}' for gain in gains)}."
    elif _grows(gains):
        yield f"It grows fold by fold: {gains[0]:+.3f} to {gains[-1]:+.3f}."


def _grows(gains: tuple[float, ...]) -> bool:
    sizes = [abs(gain) for gain in gains]
    return sizes == sorted(sizes) and sizes[-1] > LEAST_FACTOR * sizes[0]


def _weigh_honesty(found: Found, entry: Explored, rival: Explored) -> Iterator[str]:
    ours, theirs = (
        found.mean(entry, "expected_per_actual"),
        found.mean(rival, "expected_per_actual"),
    )
    if not isnan(ours) and not HONEST[0] <= ours <= HONEST[1]:
        yield f"It promises {ours:.2f} purchases for each one made ({theirs:.2f} before)."
        return
    error, error_before = found.mean(entry, "ece"), found.mean(rival, "ece")
    if error_before > 0 and not 1 / LEAST_FACTOR <= error / error_before <= LEAST_FACTOR:
        yield f"Its calibration error is {error:.5f} ({error_before:.5f} before)."


def _weigh_cost(difference: Difference) -> Iterator[str]:
    entry, rival = difference.entry, difference.rival
    share = entry.complexity / rival.complexity if rival.complexity else 1.0
    if difference.verdict == UNTOLD and share < 1 / LEAST_FACTOR:
        yield f"It is simpler: {write_percent(share)} of the neighbour's complexity."
