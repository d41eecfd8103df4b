"""Which champion served on which days? What the promotion log says, as whole days."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from push_model.promotion_log import LogLine


class Service(NamedTuple):
    """Days on which one model was champion.

    Attributes
    ----------
    model_name : str
        Its name in the store.
    since, until : date
        First and last whole day, in UTC.
    """

    model_name: str
    since: date
    until: date


def services(lines: Sequence[LogLine], *, until: date) -> tuple[Service, ...]:
    """Say which model was champion on each whole day.

    Parameters
    ----------
    lines : sequence of LogLine
        What `push_model.store.history` gives.
    until : date
        The last day asked for; what was promoted later changes nothing.

    Returns
    -------
    tuple of Service
        The earliest first; no day twice. A day on which the champion changed is nobody's, and so
        are days of which the log cannot tell.

    Notes
    -----
    A model serves from the day *after* its promotion: whoever bought on the day itself may have
    been asked about by either.

    Examples
    --------
    >>> from push_model.promotion_log import Move
    >>> moves = [("a", "2021-03-04T05:00:00+00:00"), ("b", "2021-03-06T05:00:00+00:00")]
    >>> lines = [
    ...     LogLine(0, Move("verdict", None, to, at, "", "", None, None), took_effect=True)
    ...     for to, at in moves
    ... ]
    >>> [(name, str(since), str(last)) for name, since, last in services(lines, until=date.max)]
    [('a', '2021-03-05', '2021-03-05'), ('b', '2021-03-07', '9999-12-31')]
    """
    return tuple(service for service in _services(lines, until) if service.since <= service.until)


def _services(lines: Sequence[LogLine], until: date) -> Iterator[Service]:
    told = [(line.took_effect, *_moved(line)) for line in lines if line.took_effect is not False]
    for (took, name, day), following in pairwise([*told, (True, "", None)]):
        is_last = following == (True, "", None)
        if not took or day is None or day >= until:
            continue
        if is_last:
            yield Service(name, day + timedelta(days=1), until)
        elif following[2] is not None:
            yield Service(
                name, day + timedelta(days=1), min(until, following[2] - timedelta(days=1))
            )


def _moved(line: LogLine) -> tuple[str, date | None]:
    """Give the new champion and the day in UTC; None for what is no moment."""
    return ("", None) if line.move is None else (line.move.to, _day(line.move.promoted_at))


def _day(text: str) -> date | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Written without a zone it is UTC, as this project writes it.
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()
