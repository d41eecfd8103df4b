"""Which champion served on which days? What the promotion log says, day by day."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from push_model.store.log import LogLine


class Service(NamedTuple):
    """Days that began with one model as champion.

    Attributes
    ----------
    model_name : str
        Its name in the store.
    since, until : date
        The first and the last of them, in UTC.
    """

    model_name: str
    since: date
    until: date


def iterate_services(lines: Sequence[LogLine], *, until: date) -> Iterator[Service]:
    """Say whose each day is: the model's that was champion as it began.

    Notes
    -----
    A retraining promotes in the morning, every day at most: whole days alone would leave none, and
    the champion as a day ends may have learnt from that day.

    Examples
    --------
    >>> from push_model.store.log import Move
    >>> moves = [("a", "2021-03-04T05:00:00+00:00"), ("b", "2021-03-06T05:00:00+00:00")]
    >>> lines = [
    ...     LogLine(0, Move("verdict", None, to, at, "", "", None, None), took_effect=True)
    ...     for to, at in moves
    ... ]
    >>> for service in iterate_services(lines, until=date(2021, 3, 9)):
    ...     print(*service)
    a 2021-03-05 2021-03-06
    b 2021-03-07 2021-03-09
    """
    changes = [
        (line.move.to if line.took_effect else None, _day(line.move.promoted_at))
        for line in lines
        if line.move and line.took_effect is not False
    ]
    for (name, day), (_, end) in pairwise([*changes, (None, until)]):
        # No name: the log cannot tell. No end: the next change has no moment, so that it is not
        # known when this champion stepped down.
        if name is None or day is None or end is None:
            continue
        service = Service(name, day + timedelta(days=1), min(end, until))
        if service.since <= service.until:
            yield service


def _day(text: str) -> date | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Without a zone it is UTC, as this project writes moments.
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()
