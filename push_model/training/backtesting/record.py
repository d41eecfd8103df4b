"""Backtest the champions of a store on the days they served, and keep a line a run and model."""

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from push_model.columns import TRAINING
from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.model.scoring import Model
from push_model.store.durable import locked, write_aside
from push_model.store.folder import read_model
from push_model.store.promotion import Champion, history, model_path
from push_model.training.backtesting.backtest import Backtest, backtest
from push_model.training.backtesting.lines import place_of, read_backtests
from push_model.training.data.frames import collect_sorted
from push_model.training.data.history import load_with_history, needs_history
from push_model.training.data.orders import keep_large_orders

# A month shows a trend.
_LOOK_BACK_DAYS = 30

logger = logging.getLogger(__name__)


class _Service(NamedTuple):
    """Days, in UTC, that began with one model as champion."""

    model_name: str
    since: date
    until: date


def backtest_champions(
    frame_uri: str, *, models_dir: str, min_items: int, run_date: date, days: int = _LOOK_BACK_DAYS
) -> tuple[Backtest, ...]:
    """Score the newest orders, each day with the model that was champion as it began."""
    first = run_date - timedelta(days=days - 1)
    services = [
        service
        for service in _iterate_services(history(models_dir), until=run_date)
        if service.until >= first
    ]
    if not services:
        logger.info("Backtest skipped: no champion has served a full day yet.")
        return ()
    served = [*_read_models(models_dir, services)]
    loaded = load_with_history(
        frame_uri,
        columns=TRAINING,
        until=run_date,
        needs_history=any(needs_history(model) for _, model in served),
    )
    newest = loaded.filter(f"order_date >= DATE '{first}'")
    rows = collect_sorted(keep_large_orders(newest, min_items=min_items), source=frame_uri)
    found = (
        backtest(rows, model, model_name=name, served_since=since, served_until=until)
        for (name, since, until), model in served
    )
    done = tuple(one for one in found if one)
    for one in done:
        logger.info("%s", one.sentence())
    return done


def _iterate_services(champions: Sequence[Champion], *, until: date) -> Iterator[_Service]:
    """Yield which model was champion at the start of each day.

    Notes
    -----
    A retraining promotes every morning at most. Counting whole days alone would leave none, and
    the champion at the end of a day may be trained on that day.

    Examples
    --------
    >>> moves = [("a", "2021-03-04T05:00:00+00:00"), ("b", "2021-03-06T05:00:00+00:00")]
    >>> champions = [Champion(name, at, by="a run") for name, at in moves]
    >>> for service in _iterate_services(champions, until=date(2021, 3, 9)):
    ...     print(*service)
    a 2021-03-05 2021-03-06
    b 2021-03-07 2021-03-09
    """
    changes = [(move.model_name, _day(move.promoted_at)) for move in champions]
    for (name, day), (_, end) in pairwise([*changes, ("", until)]):
        # A pointer written by hand may have no moment.
        if day is None or end is None:
            continue
        service = _Service(name, day + timedelta(days=1), min(end, until))
        if service.since <= service.until:
            yield service


def _day(text: str) -> date | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Without a zone it is UTC, as this project writes moments.
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()


def _read_models(models_dir: str, services: list[_Service]) -> Iterator[tuple[_Service, Model]]:
    for service in services:
        name, since, until = service
        try:
            yield service, read_model(model_path(models_dir, name)).model
        except (ModelNotFoundError, ModelIntegrityError, ModelFormatError) as error:
            logger.warning("%s, champion from %s to %s, is left out: %s", name, since, until, error)


def append_backtests(
    path: Path, backtests: tuple[Backtest, ...], *, run_date: date, dataset: str, min_items: int
) -> None:
    """Keep what a run found; the same run again leaves the same file.

    Lines are sorted by run date, so runs for older days may come in any order.
    """
    if not backtests:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    asked = {"run_date": str(run_date), "dataset": dataset, "min_items": min_items}
    new = [{**asked, **found.document()} for found in backtests]
    replaced = {_key(document) for document in new}
    with locked(path.parent):
        kept = [document for document in read_backtests(path) if _key(document) not in replaced]
        kept += new
        lines = (json.dumps(document, allow_nan=False) for document in sorted(kept, key=place_of))
        write_aside(path, "".join(f"{line}\n" for line in lines).encode())


def _key(document: dict[str, Any]) -> tuple[str, str, int, str]:
    asked = (document["run_date"], document["dataset"], document["min_items"])
    return *asked, document["model_name"]
