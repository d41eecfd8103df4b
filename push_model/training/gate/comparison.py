"""Compare two models of the store on the same orders, which neither was trained on."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from push_model.errors import DatasetError, ModelFormatError, list_some
from push_model.evaluation.curves import Curves, trace
from push_model.evaluation.importances import Importance, measure_importances
from push_model.evaluation.results import Interval
from push_model.evaluation.scorers import baseline_scores, score
from push_model.evaluation.slices import USUAL_BASKET, usual_baskets
from push_model.store.promotion import model_path
from push_model.training.gate.challenger import EVALUATED_FILE, Candidate, read_candidate
from push_model.training.gate.evidence import LISTED_SHARE, gather
from push_model.training.gate.policy import Policy
from push_model.training.gate.validation import read_rows
from push_model.training.gate.verdict import HoldoutResults, say_gain, say_share

#: Scorers of the first and of the second model, named as the gate names what it compares.
FIRST, SECOND = "challenger", "champion"

# The same rows get the same shuffles.
_SEED = 0
# Facts of a training in a manifest, beside its parametrisation, windows and versions.
_OF_TRAINING = ("trained_on", "seed", "min_items", "code", "git_revision")
_WINDOWS = ("train", "calibration", "holdout", "refit")
_EVALUATED = (
    "The evaluated models are compared, as in the gate: the models that serve were also trained on "
    "newer orders."
)

logger = logging.getLogger(__name__)


class Difference(NamedTuple):
    """A fact in which two manifests differ; None where one does not state it."""

    about: str  # "parametrisation", "training", "data" or "versions"
    fact: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two models do on the same orders; the scorers `FIRST` and `SECOND` are theirs.

    Figures are of the evaluated models, as in the gate: the final ones were trained on newer
    orders too.
    """

    first: str  # name of a model
    second: str
    start: str  # first and last day of the orders, yyyy-mm-dd
    end: str
    holdout: HoldoutResults
    precision_gain: Interval  # of what is pushed, first over second
    curves: Mapping[str, Curves]  # by scorer: both models and popularity
    importances: Mapping[str, tuple[Importance, ...]]  # by scorer of a model, most first
    differences: tuple[Difference, ...]
    least_orders: int  # with fewer, the gate does not decide

    @property
    def gain(self) -> Interval:
        """Average precision of the first model over the second's, as a share of the second's."""
        return self.holdout.gains[SECOND]

    @property
    def overlap(self) -> float:
        """Share of the second model's best 5 % of candidates that is in the first's too."""
        return 1.0 - (self.holdout.changed_share or 0.0)

    @property
    def result(self) -> str:
        """How the first model ranks: "better", "worse" or "not significantly different"."""
        if self.gain.low > 0.0:
            return "better"
        return "worse" if self.gain.high < 0.0 else "not significantly different"

    @property
    def headline(self) -> str:
        """The result in one sentence, with its interval."""
        ranks = {"better": "ranks better than", "worse": "ranks worse than"}
        verb = ranks.get(self.result, "does not rank significantly better or worse than")
        gain = say_gain(self.gain, self.holdout.level)
        return f"{self.first} {verb} {self.second}: average precision {gain}."

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was compared, and how alike the lists are."""
        holdout, most = self.holdout, f"{100 * LISTED_SHARE:g} %"
        scored = (
            f"Both were scored on the same {holdout.orders:,} orders of {holdout.users:,} users, "
            f"{self.start} to {self.end}: all orders that neither was trained on."
        )
        if holdout.orders < self.least_orders:
            scored += f" These are few: the gate needs {self.least_orders} orders."
        alike = (
            f"Precision where p > 0.05 differs by {say_gain(self.precision_gain, holdout.level)}. "
            f"{100 * self.overlap:.0f} % of the best {most} of the candidates are the same."
        )
        return scored, _EVALUATED, alike, self.slices_sentence

    @property
    def slices_sentence(self) -> str:
        """Which slices differ significantly; their intervals share one error (Bonferroni)."""
        if not (slices := self.holdout.slices):
            return "No slice is large enough to compare the models in it."
        clear = [part for part in slices if part.gain.low > 0.0 or part.gain.high < 0.0]
        said = list_some([f"{part.name} ({say_share(part.gain.estimate)})" for part in clear])
        count = f"{len(clear)} of {len(slices)} slices differ significantly in average precision"
        return f"{count}: {said}." if clear else f"{count}."


def compare_models(
    frame_uri: str,
    names: tuple[str, str],
    *,
    models_dir: Path | str,
    min_items: int,
    until: date,
    policy: Policy,
) -> Comparison:
    """Score two models of a store on the newest orders, which neither was trained on.

    Parameters
    ----------
    frame_uri : str
        The dataset; orders up to the day `until` with at least `min_items` items bought count.
    names : tuple of str
        The models. Gains are of the first over the second.
    models_dir : Path or str
        The store. Nothing is written into it.
    min_items : int
        Items bought that make an order large.
    until : date
        Last day to read.
    policy : Policy
        Level and replicates of the intervals, and the smallest slices.

    Returns
    -------
    Comparison

    Raises
    ------
    DatasetError
        If the dataset has no order that neither model was trained on.
    ModelFormatError
        If a model's folder does not say what it was trained on.
    """
    first, second = (read_candidate(model_path(models_dir, name)) for name in names)
    models = {FIRST: first.evaluated, SECOND: second.evaluated}
    frame = read_rows(frame_uri, models.values(), until=until, min_items=min_items)
    rows = _choose_rows(frame, (first, second), min_items=min_items, until=until)
    logger.info("Comparing %s with %s on %d rows.", *names, len(rows))
    scores = {name: score(model, rows) for name, model in models.items()}
    evidence = gather(rows, scores, policy=policy)
    assert evidence.precision_gain
    outcomes = rows["outcome"].to_numpy(dtype=np.float64)
    scores |= {"popularity": baseline_scores(rows)["popularity"]}
    return Comparison(
        first=names[0],
        second=names[1],
        start=str(rows["order_date"].min().date()),
        end=str(rows["order_date"].max().date()),
        holdout=evidence.holdout,
        precision_gain=evidence.precision_gain,
        curves={name: trace(outcomes, own) for name, own in scores.items()},
        importances={
            name: measure_importances(model, rows, seed=_SEED) for name, model in models.items()
        },
        differences=tuple(_find_differences(first.manifest, second.manifest)),
        least_orders=policy.min_holdout_orders,
    )


def _choose_rows(
    frame: pd.DataFrame, candidates: Sequence[Candidate], *, min_items: int, until: date
) -> pd.DataFrame:
    """Return the rows of orders that no candidate was trained on."""
    newest = max(candidates, key=_unseen_from)
    start = _unseen_from(newest)
    rows = frame[frame["order_date"] >= pd.Timestamp(start)]
    if rows.empty:
        last = f"the newest is of {frame['order_date'].max().date()}" if len(frame) else "none is"
        raise DatasetError(
            f"No order remains that neither model was trained on: {newest.path.name} was trained "
            f"on orders before {start}, and of the dataset's orders up to {until} with at least "
            f"{min_items} items bought {last}. Give a dataset with newer orders."
        )
    return rows.assign(**{USUAL_BASKET: usual_baskets(frame, rows)})


def _unseen_from(candidate: Candidate) -> str:
    """Return the first day that an evaluated model was not trained on."""
    manifest = candidate.manifest
    if EVALUATED_FILE not in manifest["files"] or "windows" not in manifest:
        raise ModelFormatError(
            f"{candidate.path.name} holds no evaluated model, or does not say what it was trained "
            "on, so no orders can test it. Compare a model that handler_fit or push-model fit "
            "trained."
        )
    return str(manifest["windows"]["holdout"]["start"])


def _find_differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    for (about, of_first), of_second in zip(
        _list_facts(first).items(), _list_facts(second).values(), strict=True
    ):
        for fact in dict.fromkeys((*of_first, *of_second)):
            one, other = of_first.get(fact), of_second.get(fact)
            if one != other:
                yield Difference(
                    about,
                    fact,
                    *(None if value is None else str(value) for value in (one, other)),
                )


def _list_facts(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a manifest states of a training, by what it is about."""
    dataset, parametrisation = manifest["dataset"], manifest["parametrisation"]
    return {
        "parametrisation": {"model": parametrisation["model"], **parametrisation},
        "training": {
            **{name: manifest[name] for name in _OF_TRAINING},
            "calibration": manifest["calibration"]["method"],
        },
        "data": {
            # No path: a page shows these.
            "dataset's SHA-256": dataset["sha256"],
            "dataset's bytes": dataset["bytes"],
            **{
                f"{name} window": "{start} to before {end}, {orders:,} orders, "
                "{rows:,} rows".format(**manifest["windows"][name])
                for name in _WINDOWS
            },
        },
        "versions": manifest["versions"],
    }
