"""Why do as many pushes show so little of what history adds? Because they are only put in order."""

from collections.abc import Iterator, Sequence

import numpy as np

from push_model.exploration.fits.result import Result
from push_model.exploration.report.comparing import compare, write_gain
from push_model.exploration.report.found import Found, curves_of, metric_of
from push_model.exploration.report.pushes import PUSHES, Sender, read_recall
from push_model.exploration.report.sentences import HISTORY_NOTE, REORDERED
from push_model.reporting.curves import trace_gains

# Of the pushes, the surest part that is looked at by itself.
SUREST = 0.1
# More purchases are "little" where they grow by less than this share of what the ranking gains.
LITTLE = 0.5


def say_history(found: Found, senders: Sequence[Sender]) -> Iterator[str]:
    """Say what history asks of requests, and what it brings beside the model that needs none."""
    leader = found.leader
    plain = next((sender for sender in senders[1:] if sender.is_ours), None)
    if leader is None or plain is None or not leader.needs_history:
        return
    yield HISTORY_NOTE.format(plain=plain.name, bought=plain.bought, pushes=PUSHES)
    yield from _say_reordered(found, bought=senders[0].bought / plain.bought - 1)


def _say_reordered(found: Found, *, bought: float) -> Iterator[str]:
    """Say that history puts the pushes in a better order, if that is where its gain lies."""
    ours, plain, part = found.leader, found.chosen_request_only, found.telling_part
    told = compare(found, ours, plain, [part]) if ours and part else None
    if told is None or ours is None or plain is None or part is None or told.gain.low <= 0:
        return
    results = [entry.results[part] for entry in (ours, plain)]
    share = metric_of(results[0], "pushed_share") or 0.0
    above, whole = (_subtract_areas(results, at) for at in (share, 1.0))
    with_it, without = (_count_surest(result, share) for result in results)
    gain = told.gain.estimate / float(plain.results[part].average_precision[0])
    if bought < LITTLE * gain and above > LITTLE * whole > 0 and round(with_it) > round(without):
        yield REORDERED.format(
            gain=write_gain(told.gain),
            above=100 * min(1.0, above / whole),
            surest=SUREST * PUSHES,
            pushes=PUSHES,
            with_it=with_it,
            without=without,
        )


def _subtract_areas(results: Sequence[Result], share: float) -> float:
    ours, plain = (_measure_area(result, share) for result in results)
    return ours - plain


def _measure_area(result: Result, share: float) -> float:
    """Give what the best `share` of the candidates adds to average precision, off the curve."""
    curves = curves_of(result)
    if curves is None:
        return 0.0
    shares, recalls = (np.array(traced) for traced in trace_gains(curves))
    ends = np.append(shares[shares < share], share)
    found = np.interp(ends, shares, recalls)
    precision = found[1:] * curves.metrics["base_rate"] / ends[1:]
    return float(np.sum(precision * np.diff(found)))


def _count_surest(result: Result, share: float) -> float:
    """Count what is bought of the surest tenth of the pushes, of `PUSHES` in all."""
    recall = read_recall(result, SUREST * share) or 0.0
    return PUSHES * recall * (metric_of(result, "base_rate") or 0.0) / share if share else 0.0
