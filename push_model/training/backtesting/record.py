"""How do the champions of a store do in service, and where is that kept? A line a run and model."""

import json
import logging
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from push_model.columns import TRAINING
from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.model.scoring import Model
from push_model.store.durable import locked, read_whole, write_aside
from push_model.store.folder import read_model
from push_model.store.promotion import history, model_path
from push_model.training.backtesting.backtest import Backtest, backtest
from push_model.training.backtesting.service import Service, iterate_services
from push_model.training.data.frames import collect_sorted
from push_model.training.data.history import load_with_history, needs_history
from push_model.training.data.orders import keep_large_orders

BACKTESTS_FILE = "backtests.jsonl"
# A month shows a trend, and later runs have not much to say of days before it.
LOOK_BACK_DAYS = 30
# Some ten thousand bytes a line: a hundred years of daily runs.
MOST_BYTES = 2**29

logger = logging.getLogger(__name__)


def backtest_champions(
    frame_uri: str, *, models_dir: str, min_items: int, run_date: date, days: int = LOOK_BACK_DAYS
) -> tuple[Backtest, ...]:
    """Score the newest orders, each with the champion of its day."""
    first = run_date - timedelta(days=days - 1)
    services = [
        service
        for service in iterate_services(history(models_dir), until=run_date)
        if service.until >= first
    ]
    if not services:
        logger.info(
            "No model was champion from %s to %s: nothing to look back on.", first, run_date
        )
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


def _read_models(models_dir: str, services: list[Service]) -> Iterator[tuple[Service, Model]]:
    for service in services:
        name, since, until = service
        try:
            yield service, read_model(model_path(models_dir, name)).model
        except (ModelNotFoundError, ModelIntegrityError, ModelFormatError) as error:
            logger.warning("%s was champion from %s to %s; left out: %s", name, since, until, error)


def append_backtests(
    path: Path, backtests: tuple[Backtest, ...], *, run_date: date, dataset: str, min_items: int
) -> None:
    """Keep what a run found; the same run again leaves the same file.

    Notes
    -----
    Lines are kept by run date, so that runs for older days may come in any order. Written aside
    and renamed, one process at a time.
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
        lines = (json.dumps(document, allow_nan=False) for document in sorted(kept, key=_place))
        write_aside(path, "".join(f"{line}\n" for line in lines).encode())


def read_backtests(path: Path) -> tuple[dict[str, Any], ...]:
    """Read what runs have found so far."""
    try:
        content = read_whole(path, most_bytes=MOST_BYTES)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ModelIntegrityError(
            f"{path} cannot be read ({error.strerror}). Let this process read it."
        ) from error
    return tuple(_parse(content, path))


def _parse(content: bytes, path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            document = json.loads(line)
            _place(document)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise ModelIntegrityError(
                f"Line {number} of {path} is no backtest. It was changed; remove the line, and "
                "run the retraining of its day again."
            ) from error
        yield document


def _key(document: dict[str, Any]) -> tuple[str, str, int, str]:
    asked = (document["run_date"], document["dataset"], document["min_items"])
    return *asked, document["model_name"]


def _place(document: dict[str, Any]) -> tuple[str, str, str, str, int]:
    # A model that serves twice in the days looked at has two lines.
    first, name = document["days"][0]["day"], document["model_name"]
    return document["run_date"], first, name, document["dataset"], document["min_items"]
