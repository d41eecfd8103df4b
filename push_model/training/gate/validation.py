"""Validate a challenger: compare it with champion and baselines on the same newest orders."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from push_model.columns import JUDGING
from push_model.evaluation.scorers import Scores, score
from push_model.evaluation.slices import USUAL_BASKET, usual_baskets
from push_model.model.scoring import Model
from push_model.store.promotion import model_path
from push_model.training.card.pages import write_card
from push_model.training.data.frames import collect_sorted
from push_model.training.data.history import load_with_history, needs_history
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import Split, split_by_time
from push_model.training.gate.challenger import (
    Candidate,
    CurrentChampion,
    changed_versions,
    count_training_window,
    find_veto,
    is_champion,
    read_candidate,
    read_champion,
    read_lead,
    read_training_window,
)
from push_model.training.gate.drift import measure_drift
from push_model.training.gate.evidence import Evidence, compare_refit, gather
from push_model.training.gate.newest import find_changes
from push_model.training.gate.policy import Policy
from push_model.training.gate.rules import claim, judge
from push_model.training.gate.serving_check import check_serving
from push_model.training.gate.verdict import FeatureDrift, Finding, Verdict, decide

logger = logging.getLogger(__name__)


class _Judgement(NamedTuple):
    """A verdict and what it rests on; a verdict that needed no measurement has no scores."""

    verdict: Verdict
    challenger: Candidate
    rows: pd.DataFrame | None = None
    scores: Mapping[str, Scores] | None = None


def validate_model(
    frame_uri: str,
    *,
    model_name: str,
    models_dir: str,
    min_items: int,
    training_date: date,
    holdout_days: int | None,
    policy: Policy,
    writes_card: bool = True,
    changed_limits: Mapping[str, Mapping[str, float]] | None = None,
) -> Verdict:
    """Judge a challenger, and write its model card; nothing else in the store changes.

    `changed_limits` are as in the verdict.
    """
    verdict, challenger, rows, scores = _judge_model(
        frame_uri,
        model_name=model_name,
        models_dir=models_dir,
        min_items=min_items,
        training_date=training_date,
        holdout_days=holdout_days,
        policy=policy,
    )
    verdict = replace(verdict, changed_limits=changed_limits or {})
    if writes_card and rows is not None and scores is not None:
        write_card(
            challenger.path,
            rows,
            scores,
            model=challenger.evaluated,
            verdict=verdict,
        )
    return verdict


def _judge_model(
    frame_uri: str,
    *,
    model_name: str,
    models_dir: str,
    min_items: int,
    training_date: date,
    holdout_days: int | None,
    policy: Policy,
) -> _Judgement:
    """Compare a challenger with champion and baselines on the newest orders, and decide."""
    challenger = read_candidate(model_path(models_dir, model_name))
    current = read_champion(models_dir)
    if veto := find_veto(challenger, current, run_date=training_date):
        if is_champion(challenger, current):
            return _Judgement(_conclude(model_name, current, (veto,), policy), challenger)
        # The champion stays; the figures still show how good a model of that day would have been.
        current = CurrentChampion(current.pointer, complaint=veto)
    models = [one.evaluated for one in (challenger, current.candidate) if one]
    frame = read_rows(frame_uri, models, until=training_date, min_items=min_items)
    split = split_by_time(frame, holdout_days=holdout_days)
    rows = split.holdout.assign(**{USUAL_BASKET: usual_baskets(frame, split.holdout)})
    logger.info("Validating %s on %d rows.", model_name, len(rows))
    scores = _score(challenger, current.candidate, rows)
    evidence = gather(
        rows,
        scores,
        policy=policy,
        rows_given=count_training_window(split, min_items=min_items),
        newest=find_changes(split, challenger.evaluated, policy, champion=scores.get("champion")),
        days_since_newest_order=(training_date - rows["order_date"].max().date()).days,
        **_check(challenger, rows, scores, policy),
        **_compare(challenger, current.candidate, split, policy),
    )
    findings = (*([current.complaint] if current.complaint else []), *judge(evidence, policy))
    verdict = _conclude(model_name, current, findings, policy, evidence)
    return _Judgement(verdict, challenger, rows, scores)


def _conclude(
    model_name: str,
    current: CurrentChampion,
    findings: tuple[Finding, ...],
    policy: Policy,
    evidence: Evidence | None = None,
) -> Verdict:
    pointer = current.pointer
    return Verdict(
        decision=decide(findings),
        claim=claim(evidence, policy) if evidence else None,
        findings=findings,
        model_name=model_name,
        champion_name=pointer.model_name if pointer else None,
        champion_line=pointer.line if pointer else None,
        holdout=evidence.holdout if evidence else None,
    )


def read_rows(
    frame_uri: str, models: Iterable[Model], *, until: date, min_items: int
) -> pd.DataFrame:
    """Read what models need of the large orders of a dataset, sorted."""
    loaded = load_with_history(
        frame_uri,
        columns=JUDGING,
        until=until,
        needs_history=any(needs_history(model) for model in models),
    )
    return collect_sorted(keep_large_orders(loaded, min_items=min_items), source=frame_uri)


def _score(
    challenger: Candidate, champion: Candidate | None, rows: pd.DataFrame
) -> dict[str, Scores]:
    scores = {"challenger": score(challenger.evaluated, rows)}
    return scores | ({"champion": score(champion.evaluated, rows)} if champion else {})


def _check(
    challenger: Candidate, rows: pd.DataFrame, scores: dict[str, Scores], policy: Policy
) -> dict[str, Any]:
    """Check what a challenger's folder says, and that its final model serves."""
    final = score(challenger.final, rows)
    return {
        "trained_on": read_training_window(challenger.manifest),
        "refit": compare_refit(final, scores["challenger"]),
        "serving": check_serving(
            challenger.path, budget_s=policy.max_answer_s, load_budget_s=policy.max_load_s
        ),
    }


def _compare(
    challenger: Candidate, champion: Candidate | None, split: Split, policy: Policy
) -> dict[str, Any]:
    """Compare the training of a challenger with that of the champion."""
    if champion is None:
        return {}
    return {
        "champion_trained_on": read_training_window(champion.manifest),
        "champion_lead": read_lead(champion.manifest),
        "changed_versions": changed_versions(challenger.manifest, champion.manifest),
        "drift": find_drift(split, champion.final, policy),
    }


def find_drift(split: Split, champion: Model, policy: Policy) -> tuple[FeatureDrift, ...]:
    """Compare the train window and the holdout with the champion's training; keep the worse."""
    windows = [measure_drift(rows, champion, policy) for rows in (split.train, split.holdout)]
    return tuple(
        max(pair, key=lambda own: (own.changed, own.psi)) for pair in zip(*windows, strict=True)
    )
