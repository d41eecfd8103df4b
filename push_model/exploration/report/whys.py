"""Where does a difference lie? Users, honesty, drift: what the numbers tell of the why."""

from collections.abc import Iterator
from math import isnan

from push_model.exploration.report.comparing import UNTOLD, Difference
from push_model.exploration.report.found import BASELINES, Explored, Found
from push_model.exploration.report.honesty import asks_honesty, say_honesty
from push_model.exploration.report.topics import count_numbers
from push_model.reporting.numbers import write_percent

# What is not worth a sentence: average precision of users apart, and a factor of honesty.
LEAST_GAP = 0.005
LEAST_FACTOR = 1.5
# An honest entry promises so many purchases for each one made, give or take.
HONEST = (0.8, 1.25)


def find_whys(found: Found, difference: Difference) -> Iterator[str]:
    """Say where a difference lies."""
    yield from _weigh_users(found, difference)
    yield from _weigh_folds(difference)
    if asks_honesty(difference):
        yield say_honesty(found, difference)
    elif not {difference.entry.family, difference.rival.family} & {*BASELINES}:
        yield from _weigh_honesty(found, difference.entry, difference.rival)
    yield from _weigh_cost(difference)


def _weigh_users(found: Found, difference: Difference) -> Iterator[str]:
    new, returning = (
        found.mean(difference.entry, users=users) - found.mean(difference.rival, users=users)
        for users in ("new", "returning")
    )
    if isnan(new) or isnan(returning) or abs(new - returning) < LEAST_GAP:
        return
    # As they are written: what is rounded away is neither better nor worse.
    new, returning = round(new, 3) + 0.0, round(returning, 3) + 0.0
    if new * returning < 0:
        up, down = ("returning", "new") if returning > 0 else ("new", "returning")
        says = f"Better for {up} users, worse for {down} ones"
    else:
        says = f"Most of it is on {'returning' if abs(returning) > abs(new) else 'new'} users"
    yield f"{says} (returning {returning:+.3f}, new {new:+.3f})."


def _weigh_folds(difference: Difference) -> Iterator[str]:
    gains = difference.by_part
    if difference.verdict == UNTOLD:
        return
    if difference.agreeing < len(gains):
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
    if difference.verdict != UNTOLD or entry.needs_history > rival.needs_history:
        return
    share = count_numbers(entry) / max(1, count_numbers(rival))
    if share < 1 / LEAST_FACTOR:
        yield f"It is simpler: {write_percent(share)} of the neighbour's leaves or weights."
    if entry.needs_history < rival.needs_history:
        yield "It needs no history."
