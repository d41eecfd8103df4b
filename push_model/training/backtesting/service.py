"""Which champion served on which days? What the promotion log says, day by day."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from push_model.store.pointer import Champion


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


def iterate_services(champions: Sequence[Champion], *, until: date) -> Iterator[Service]:
    """Say whose each day is: the model's that was champion as it began.

    Notes
    -----
    A retraining promotes in the morning, every day at most: whole days alone would leave none, and
    the champion as a day ends may have learnt from that day.

    Examples
    --------
    >>> moves = [("a", "2021-03-04T05:00:00+00:00"), ("b", "2021-03-06T05:00:00+00:00")]
    >>> champions = [Champion(name, at, by="a run") for name, at in moves]
    >>> for service in iterate_services(champions, until=date(2021, 3, 9)):
    ...     print(*service)
    a 2021-03-05 2021-03-06
    b 2021-03-07 2021-03-09
    """
    changes = [(move.model_name, _day(move.promoted_at)) for move in champions]
    for (name, day), (_, end) in pairwise([*changes, ("", until)]):
        # A pointer written by hand may have no moment.
        if day is None or end is None:
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
