"""Promote or keep? The challenger against champion and popularity on the same newest orders."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.model_folder import read_model
from push_model.scoring import Model
from push_model.store import champion, model_path
from push_model.training.dataset import load_dataset
from push_model.training.frames import collect_sorted
from push_model.training.metrics import Metrics, measure
from push_model.training.orders import keep_large_orders
from push_model.training.split import split_by_time
from push_model.training.train import measure_popularity, score

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits a challenger must keep.

    Attributes
    ----------
    min_holdout_orders, min_holdout_purchases : int
        Below them average precision is mostly luck, and no verdict is given.
    min_gain_over_popularity : float
        Average precision must be this many times the popularity baseline's: a ranking hardly
        better than a bestseller list does not pay for a model.
    max_loss_to_champion : float
        Share of the champion's average precision a challenger may lose: within it the two rank
        alike, and the one that knows newer orders serves.
    min_expected_per_actual, max_expected_per_actual : float
        Purchases promised for each one made: outside, "send where p > 0.05" sends to the wrong
        number of people.
    """

    min_holdout_orders: int = 20
    min_holdout_purchases: int = 100
    min_gain_over_popularity: float = 1.1
    max_loss_to_champion: float = 0.02
    min_expected_per_actual: float = 0.6
    max_expected_per_actual: float = 1.7


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided of a challenger, and why.

    Attributes
    ----------
    decision : str
        ``"promote"``, ``"keep"`` or ``"inconclusive"``.
    reasons : tuple of str
        Sentences in plain words, the deciding ones first.
    model_name : str
        The challenger.
    champion_name : str or None
        The champion it was compared with; promotion checks that it still serves.
    orders : int
        Orders of the holdout.
    metrics : dict of str to Metrics
        For ``"challenger"``, ``"popularity"`` and, if there is one, ``"champion"``.
    """

    decision: str
    reasons: tuple[str, ...]
    model_name: str
    champion_name: str | None
    orders: int
    metrics: dict[str, Metrics]

    def sentence(self) -> str:
        """Say it in one line."""
        return f"{self.decision}: {self.model_name}. {' '.join(self.reasons)}"

    def document(self) -> dict[str, Any]:
        """Give the verdict as JSON-able data."""
        return asdict(self) | {"reasons": list(self.reasons)}


def validate_model(
    frame_uri: str,
    *,
    model_name: str,
    models_dir: str,
    min_items: int,
    training_date: date,
    policy: Policy | None = None,
) -> Verdict:
    """Score challenger, champion and popularity on the holdout and decide.

    Parameters
    ----------
    frame_uri : str
        Feature frame, as for `load_dataset`.
    model_name : str
        The challenger's name in the store.
    models_dir : str
        The store.
    min_items : int
        Items bought that make an order large.
    training_date : date
        Run date: no row dated later is read.
    policy : Policy, optional
        Limits; the default ones where left out.

    Returns
    -------
    Verdict

    Raises
    ------
    ModelIntegrityError
        If the challenger's folder was changed. A damaged *champion* is no reason to keep it:
        the challenger is then judged as if there were none, and the verdict says so.
    """
    loaded = load_dataset(frame_uri, until=training_date)
    holdout = split_by_time(collect_sorted(keep_large_orders(loaded, min_items=min_items))).holdout
    logger.info("Judging on %d rows.", len(holdout))
    serving = champion(models_dir)
    models = {"challenger": read_model(model_path(models_dir, model_name)).model}
    complaint = _add_champion(models, models_dir, serving.model_name) if serving else ()
    metrics = {
        name: measure(holdout["outcome"], score(model, holdout)) for name, model in models.items()
    }
    metrics["popularity"] = measure_popularity(holdout)
    orders = int(holdout["order_id"].nunique())
    decision, reasons = decide(
        metrics,
        orders=orders,
        settled=_settle(models, run_date=training_date),
        policy=policy or Policy(),
    )
    return Verdict(
        decision=decision,
        reasons=(*reasons, *complaint),
        model_name=model_name,
        champion_name=serving.model_name if serving else None,
        orders=orders,
        metrics=metrics,
    )


def decide(
    metrics: Mapping[str, Metrics], *, orders: int, settled: str | None, policy: Policy
) -> tuple[str, tuple[str, ...]]:
    """Decide from metrics alone.

    Parameters
    ----------
    metrics : mapping of str to Metrics
        On the same holdout, for ``"challenger"``, ``"popularity"`` and maybe ``"champion"``.
    orders : int
        Orders of the holdout.
    settled : str or None
        A sentence that keeps the champion, whatever the metrics say.
    policy : Policy
        The limits.

    Returns
    -------
    decision : str
        ``"promote"``, ``"keep"`` or ``"inconclusive"``.
    reasons : tuple of str
        Why, in sentences.

    Notes
    -----
    Never accuracy: at 1 % prevalence "nobody buys anything" is 99 % accurate.
    """
    challenger = metrics["challenger"]
    if settled:
        return "keep", (settled,)
    if orders < policy.min_holdout_orders or challenger.purchases < policy.min_holdout_purchases:
        return "inconclusive", (
            (
                f"The holdout has {orders} orders and {challenger.purchases} purchases; a verdict "
                f"needs {policy.min_holdout_orders} and {policy.min_holdout_purchases}."
            ),
        )
    rules = [_beats_popularity(metrics, policy), _is_calibrated(challenger, policy)]
    rules.append(_holds_against_champion(metrics, policy))
    failed = tuple(reason for passed, reason in rules if not passed)
    return ("keep", failed) if failed else ("promote", tuple(reason for _, reason in rules))


Rule = tuple[bool, str]


def _beats_popularity(metrics: Mapping[str, Metrics], policy: Policy) -> Rule:
    ours, theirs = (metrics[name].average_precision for name in ("challenger", "popularity"))
    limit = policy.min_gain_over_popularity
    return ours >= limit * theirs, (
        f"Average precision {ours:.4f} is {ours / theirs:.2f} times popularity's {theirs:.4f} "
        f"(at least {limit:g} is asked)."
    )


def _is_calibrated(challenger: Metrics, policy: Policy) -> Rule:
    ratio = challenger.expected_per_actual
    low, high = policy.min_expected_per_actual, policy.max_expected_per_actual
    return low <= ratio <= high, (
        f"It promises {ratio:.2f} purchases for each one made ({low:g} to {high:g} is asked)."
    )


def _holds_against_champion(metrics: Mapping[str, Metrics], policy: Policy) -> Rule:
    if "champion" not in metrics:
        return True, "Judged by the absolute rules alone, beside no champion."
    ours, theirs = (metrics[name].average_precision for name in ("challenger", "champion"))
    least = (1 - policy.max_loss_to_champion) * theirs
    return ours >= least, (
        f"Average precision {ours:.4f} against the champion's {theirs:.4f} "
        f"(at least {least:.4f} is asked)."
    )


def _add_champion(models: dict[str, Model], models_dir: str, name: str) -> tuple[str, ...]:
    try:
        models["champion"] = read_model(model_path(models_dir, name)).model
    except (ModelNotFoundError, ModelIntegrityError, ModelFormatError) as error:
        logger.warning("The champion %s cannot be read: %s", name, error)
        return (f"The champion {name} cannot be read, so it was left out: {error}",)
    return ()


def _settle(models: Mapping[str, Model], *, run_date: date) -> str | None:
    if "champion" not in models:
        return None
    if models["champion"].model_id == models["challenger"].model_id:
        return "The challenger is the champion already, number for number."
    # Of a later champion these orders are the past it learnt from: no comparison is fair, and a
    # backfill must not take serving back in time.
    if (trained_on := models["champion"].trained_on) > str(run_date):
        return f"The champion was trained on {trained_on}, later than this run's {run_date}."
    return None
