"""Promote or keep? The challenger against champion and baselines on the same newest orders."""

import logging
from datetime import date
from functools import partial
from typing import Any

from push_model.columns import JUDGING
from push_model.durable import write_aside
from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.model_folder import read_manifest
from push_model.scoring import Model
from push_model.store import champion, model_path
from push_model.training.card.evaluation import evaluate
from push_model.training.card.pages import write_pages
from push_model.training.contender import Contender, read_contender
from push_model.training.drift import FeatureDrift, measure_drift
from push_model.training.frames import collect_sorted
from push_model.training.gate.evidence import baseline_scores, compare_refit, gather
from push_model.training.gate.learnt import changed_versions, count_learnt, read_learnt
from push_model.training.gate.policy import Policy
from push_model.training.gate.rules import claim, judge
from push_model.training.gate.slice_evidence import Scores
from push_model.training.gate.verdict import Finding, Verdict, decide
from push_model.training.history import load_with_history, needs_history
from push_model.training.orders import keep_large_orders
from push_model.training.serving_check import check_serving
from push_model.training.split import Split, split_by_time
from push_model.training.train import score

logger = logging.getLogger(__name__)


def validate_model(
    frame_uri: str,
    *,
    model_name: str,
    models_dir: str,
    min_items: int,
    training_date: date,
    policy: Policy | None = None,
    seed: int = 0,
) -> Verdict:
    """Score challenger, champion and baselines on the holdout and decide.

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
    seed : int
        Seed of the draws of orders.

    Returns
    -------
    Verdict

    Raises
    ------
    ModelIntegrityError
        If the challenger's folder was changed. A damaged *champion* is no reason to keep it:
        the challenger is then judged as if there were none, and the verdict says so.
    """
    policy = policy or Policy()
    serving = champion(models_dir)
    challenger = read_contender(model_path(models_dir, model_name))
    rival, complaint = _read_champion(models_dir, serving.model_name if serving else None)
    verdict = partial(
        Verdict, model_name=model_name, champion_name=serving.model_name if serving else None
    )
    if settled := _settle(challenger, rival, run_date=training_date):
        return verdict("keep", None, (settled,), evidence=None)
    contenders = (challenger, *([rival] if rival else []))
    loaded = load_with_history(
        frame_uri,
        columns=JUDGING,
        until=training_date,
        needs_history=any(needs_history(contender.twin) for contender in contenders),
    )
    split = split_by_time(collect_sorted(keep_large_orders(loaded, min_items=min_items)))
    logger.info("Judging on %d rows.", len(split.holdout))
    scores = {"challenger": score(challenger.twin, split.holdout)}
    if rival:
        scores["champion"] = score(rival.twin, split.holdout)
    path = challenger.loaded.path
    manifest = read_manifest(path)
    evidence = gather(
        split.holdout,
        scores,
        policy=policy,
        seed=seed,
        learnt=read_learnt(manifest),
        rows_given=count_learnt(split, min_items=min_items),
        refit=compare_refit(score(challenger.loaded.model, split.holdout), scores["challenger"]),
        serving=check_serving(path, budget_s=policy.max_answer_s, load_budget_s=policy.max_load_s),
        **(_beside(rival, manifest, split, policy) if rival else {}),
    )
    findings = (*judge(evidence, policy), *complaint)
    judged = verdict(decide(findings), claim(evidence, policy), findings, evidence=evidence)
    _renew_card(challenger, judged, split, scores, seed=seed)
    return judged


def _read_champion(
    models_dir: str, name: str | None
) -> tuple[Contender | None, tuple[Finding, ...]]:
    if name is None:
        return None, ()
    try:
        return read_contender(model_path(models_dir, name)), ()
    except (ModelNotFoundError, ModelIntegrityError, ModelFormatError) as error:
        logger.warning("The champion %s cannot be read: %s", name, error)
        said = f"The champion {name} cannot be read, so it was left out: {error}"
        return None, (
            Finding(
                rule="compared with the champion",
                about="data",
                passed=None,
                value=None,
                limit=None,
                sentence=said,
                is_needed=False,
            ),
        )


def _settle(challenger: Contender, rival: Contender | None, *, run_date: date) -> Finding | None:
    """Find what keeps the champion, whatever its figures are."""
    if rival is None:
        return None
    ours, theirs = challenger.loaded.model, rival.loaded.model
    sentence = None
    if theirs.model_id == ours.model_id:
        sentence = "The challenger is the champion already, number for number."
    # Of a later champion these orders are the past it learnt from: no comparison is fair, and a
    # backfill must not take serving back in time.
    elif (trained_on := theirs.trained_on) > str(run_date):
        sentence = f"The champion was trained on {trained_on}, later than this run's {run_date}."
    elif trained_on > ours.trained_on:
        sentence = (
            f"The champion was trained on {trained_on}, later than the challenger's "
            f"{ours.trained_on}. Are the two swapped?"
        )
    if sentence is None:
        return None
    return Finding(
        rule="newer than the champion",
        about="data",
        passed=False,
        value=None,
        limit=None,
        sentence=sentence,
    )


def _beside(
    rival: Contender, manifest: dict[str, Any], split: Split, policy: Policy
) -> dict[str, Any]:
    """Find what a champion learnt from, and what has changed since."""
    theirs = read_manifest(rival.loaded.path)
    return {
        "champion_learnt": read_learnt(theirs),
        "changed_versions": changed_versions(manifest, theirs),
        "drift": _drift(split, rival.loaded.model, policy),
    }


def _drift(split: Split, rival: Model, policy: Policy) -> tuple[FeatureDrift, ...]:
    """Hold what was learnt from, and the newest days, against the champion's training."""
    limits = {
        "max_psi": policy.max_psi,
        "max_missing_change": policy.max_missing_change,
        "max_outside_share": policy.max_outside_share,
    }
    windows = (split.train, split.holdout)
    found = [measure_drift(rows, rival, **limits) for rows in windows]
    # Of each feature the window that moved more: a fault may be as old as the data, or of today.
    return tuple(
        max(pair, key=lambda own: (own.changed, own.psi)) for pair in zip(*found, strict=True)
    )


def _renew_card(
    challenger: Contender,
    verdict: Verdict,
    split: Split,
    scores: dict[str, Scores],
    *,
    seed: int,
) -> None:
    logger.info("Writing the model card with its verdict.")
    path, rows = challenger.loaded.path, split.holdout
    facts = read_manifest(path)
    evaluation = evaluate(
        rows,
        {**scores, **baseline_scores(rows)},
        model=challenger.twin,
        calibration=facts.get("calibration"),
        seed=seed,
    )
    pages = write_pages(facts, evaluation, verdict.document(), model_name=challenger.loaded.name)
    for name, content in pages.items():
        write_aside(path / name, content)
