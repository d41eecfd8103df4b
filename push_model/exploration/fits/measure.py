"""Train an entry once, and measure it on rows it has not seen, part by part."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from push_model.evaluation.curves import trace
from push_model.evaluation.metrics import Floats, measure
from push_model.evaluation.resampling import Resampler
from push_model.evaluation.scorers import FIRST_REPEAT_ORDER
from push_model.exploration.entries.entry import RULES, Entry
from push_model.exploration.fits.pipelines import Scorer, fit_entry, make_scorer
from push_model.exploration.fits.protocol import Part, count_rows
from push_model.exploration.fits.result import FORMAT, Metrics, Result
from push_model.training.data.split import Window, is_inside
from push_model.training.export import Document

RESAMPLES = 500


class Measured(NamedTuple):
    """The results of one fit, and the model document if serving can read one."""

    results: tuple[Result, ...]
    document: Document | None


def fingerprint(entry: Entry, part: Part, *, seed: int, grounds: Mapping[str, Any]) -> str:
    """Return a digest of all that a result depends on."""
    windows = {"train": str(part.train), "judged": str(part.judged), "repeat": part.repeat}
    windows["curves"] = part.wants_curves
    everything = {
        "format": FORMAT,
        "entry": entry.content(),
        "part": windows,
        "seed": seed,
        "resamples": RESAMPLES,
        **grounds,
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def measure_entry(
    entry: Entry,
    frame: pd.DataFrame,
    parts: Sequence[Part],
    *,
    seed: int,
    grounds: Mapping[str, Any],
) -> Measured:
    """Train an entry once, and measure it on each part that has the same training window."""
    train = frame[is_inside(frame, parts[0].train)]
    start = perf_counter()
    fitted = None if entry.family in RULES else fit_entry(entry, train, seed=seed + parts[0].repeat)
    fit_s = perf_counter() - start
    scorer = make_scorer(entry, fitted, train)
    counts = count_rows(train)
    results = tuple(
        _measure_part(
            scorer,
            frame[is_inside(frame, part.judged)],
            part,
            seed=seed,
            fingerprint=fingerprint(entry, part, seed=seed, grounds=grounds),
            entry=entry,
            train=counts,
            fit_s=fit_s,
        )
        for part in parts
    )
    return Measured(results, scorer.document)


def _measure_part(
    scorer: Scorer, rows: pd.DataFrame, part: Part, *, seed: int, **known: Any
) -> Result:
    start = perf_counter()
    scores = scorer.score(rows)
    took_us = 1e6 * (perf_counter() - start)
    bought = rows["outcome"].to_numpy(dtype=np.float64)
    resampler = Resampler.of_users(rows, resamples=RESAMPLES, seed=_seed_of(part.judged, seed))
    drawn = resampler.average_precision(scores)
    return Result(
        **known,
        part=part.name,
        judged=count_rows(rows),
        metrics=_measure_users(rows, scores),
        draws=tuple(None if np.isnan(each) else float(each) for each in drawn),
        score_us=took_us / len(rows),
        size_bytes=scorer.size_bytes,
        inputs=scorer.inputs,
        converged=scorer.converged,
        curve=_trace(bought, scores) if part.wants_curves else None,
    )


def _measure_users(rows: pd.DataFrame, scores: Floats) -> Metrics:
    is_new = rows["user_order_seq"].to_numpy() <= FIRST_REPEAT_ORDER
    bought = rows["outcome"].to_numpy(dtype=np.float64)
    groups = {"all": np.ones(len(rows), dtype=bool), "new": is_new, "returning": ~is_new}
    return {
        name: measure(bought[these], scores[these]).document()
        if 0 < bought[these].sum() < these.sum()
        else None
        for name, these in groups.items()
    }


def _trace(bought: Floats, scores: Floats) -> dict[str, Any]:
    curves = trace(bought, scores)
    return {
        "places": curves.places,
        "gains": [gain._asdict() for gain in curves.gains],
        "reliability": [each._asdict() for each in curves.reliability],
        "histogram": curves.histogram._asdict(),
    }


def _seed_of(judged: Window, seed: int) -> int:
    """Return one seed for all parts that are measured on a window: the same replicates."""
    return int.from_bytes(hashlib.sha256(f"{seed} {judged}".encode()).digest()[:8])
