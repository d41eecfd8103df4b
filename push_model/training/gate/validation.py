"""Promote or keep? The challenger against champion and baselines on the same newest orders."""

import logging
from datetime import date
from functools import partial
from typing import Any

import pandas as pd

from push_model.columns import JUDGING
from push_model.evaluation.scorers import Scores, score
from push_model.model.scoring import Model
from push_model.store.folder import read_manifest
from push_model.store.promotion import model_path
from push_model.training.card.pages import write_card
from push_model.training.data.frames import collect_sorted
from push_model.training.data.history import load_with_history, needs_history
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import Split, split_by_time
from push_model.training.gate.contender import Contender, read_contender
from push_model.training.gate.drift import measure_drift
from push_model.training.gate.evidence import compare_refit, gather
from push_model.training.gate.policy import Policy
from push_model.training.gate.rival import Rival, is_champion, read_rival, settle
from push_model.training.gate.rules import claim, judge
from push_model.training.gate.serving_check import check_serving
from push_model.training.gate.training_window import changed_versions, count_learnt, read_learnt
from push_model.training.gate.verdict import FeatureDrift, Verdict, decide

logger = logging.getLogger(__name__)


def validate_model(
    frame_uri: str,
    *,
    model_name: str,
    models_dir: str,
    min_items: int,
    training_date: date,
    holdout_days: int | None = None,
    policy: Policy | None = None,
    seed: int = 0,
) -> Verdict:
    """Score challenger, champion and baselines on the holdout and decide."""
    policy = policy or Policy()
    challenger, rival = read_contender(model_path(models_dir, model_name)), read_rival(models_dir)
    verdict = partial(
        Verdict,
        model_name=model_name,
        champion_name=rival.serving.model_name if rival.serving else None,
        champion_line=rival.serving.line if rival.serving else None,
    )
    if settled := settle(challenger, rival, run_date=training_date):
        if is_champion(challenger, rival):
            return verdict("keep", None, (settled,), holdout=None)
        # It stays, whatever the figures; they still say how a model of that day would have done.
        rival = Rival(rival.serving, complaint=settled)
    rows = _read_rows(frame_uri, challenger, rival, until=training_date, min_items=min_items)
    split = split_by_time(rows, holdout_days=holdout_days)
    logger.info("Judging on %d rows.", len(split.holdout))
    scores = {"challenger": score(challenger.twin, split.holdout)}
    if rival.contender:
        scores["champion"] = score(rival.contender.twin, split.holdout)
    newest = split.holdout["order_date"].max().date()
    evidence = gather(
        split.holdout,
        scores,
        policy=policy,
        seed=seed,
        rows_given=count_learnt(split, min_items=min_items),
        days_since_newest_order=(training_date - newest).days,
        **_of_folder(challenger, split, scores["challenger"], policy),
        **(_beside(challenger, rival.contender, split, policy) if rival.contender else {}),
    )
    findings = (*([rival.complaint] if rival.complaint else []), *judge(evidence, policy))
    judged = verdict(decide(findings), claim(evidence, policy), findings, holdout=evidence.holdout)
    write_card(
        challenger.loaded.path,
        split.holdout,
        scores,
        model=challenger.twin,
        verdict=judged.document(),
        seed=seed,
    )
    return judged


def _read_rows(
    frame_uri: str, challenger: Contender, rival: Rival, *, until: date, min_items: int
) -> pd.DataFrame:
    contenders = (challenger, *([rival.contender] if rival.contender else []))
    loaded = load_with_history(
        frame_uri,
        columns=JUDGING,
        until=until,
        needs_history=any(needs_history(contender.twin) for contender in contenders),
    )
    return collect_sorted(keep_large_orders(loaded, min_items=min_items))


def _of_folder(challenger: Contender, split: Split, twin: Scores, policy: Policy) -> dict[str, Any]:
    """Find what a challenger's folder says, and what serving makes of it."""
    path = challenger.loaded.path
    return {
        "learnt": read_learnt(read_manifest(path)),
        "refit": compare_refit(score(challenger.loaded.model, split.holdout), twin),
        "serving": check_serving(
            path, budget_s=policy.max_answer_s, load_budget_s=policy.max_load_s
        ),
    }


def _beside(
    challenger: Contender, rival: Contender, split: Split, policy: Policy
) -> dict[str, Any]:
    """Find what a champion learnt from, and what has changed since."""
    ours, theirs = (read_manifest(each.loaded.path) for each in (challenger, rival))
    return {
        "champion_learnt": read_learnt(theirs),
        "changed_versions": changed_versions(ours, theirs),
        "drift": find_drift(split, rival.loaded.model, policy),
    }


def find_drift(split: Split, rival: Model, policy: Policy) -> tuple[FeatureDrift, ...]:
    """Hold what was learnt from, and the newest days, against the champion's training."""
    limits = {
        "max_psi": policy.max_psi,
        "max_missing_change": policy.max_missing_change,
        "max_outside_share": policy.max_outside_share,
    }
    windows = (split.train, split.holdout)
    found = [measure_drift(rows, rival, **limits) for rows in windows]
    return tuple(
        max(pair, key=lambda own: (own.changed, own.psi)) for pair in zip(*found, strict=True)
    )
