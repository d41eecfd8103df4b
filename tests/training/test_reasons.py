"""The reasons that are served agree with those of the trainer's own library."""

import numpy as np
import pytest
from catboost import Pool
from scipy.stats import spearmanr

from push_model.columns import FEATURES
from push_model.model.scoring import Model
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.parametrisation import BoostedTrees
from tests.frames import make_frame


def test_reasons_rank_features_as_catboosts_shap_values_do():
    frame = make_frame(orders=120, seed=1)
    family = BoostedTrees(iterations=60)
    pipeline = make_pipeline(family, seed=0).fit(frame, frame["outcome"])
    model = Model.from_document(export_model(pipeline, family, trained_on="2022-03-14"))
    rows = frame.sample(100, random_state=0)
    inputs = np.asarray(pipeline.named_steps["prepare"].transform(rows), dtype=float)
    catboost = pipeline.named_steps["classify"]
    shap = np.abs(catboost.get_feature_importance(Pool(inputs), type="ShapValues")[:, :-1])

    ours = np.abs([model._scorer.contributions(row)[1] for row in inputs])

    ranks = [spearmanr(a, b).statistic for a, b in zip(ours, shap, strict=True)]
    same_strongest = np.argmax(ours, axis=1) == np.argmax(shap, axis=1)
    assert np.median(ranks) > 0.9
    assert same_strongest.mean() > 0.8


def test_reasons_add_up_and_speak_of_features_a_request_sends():
    frame = make_frame(orders=40, seed=1)
    family = BoostedTrees(iterations=5)
    pipeline = make_pipeline(family, seed=0).fit(frame, frame["outcome"])
    model = Model.from_document(export_model(pipeline, family, trained_on="2022-03-14"))

    for row in frame[list(FEATURES)].head(50).to_numpy(dtype=float).tolist():
        reasons = model.reasons(row, top=3)
        parts = reasons.base_value + sum(reasons.contributions.values()) + reasons.others

        assert parts == pytest.approx(reasons.log_odds, abs=1e-9)
        assert reasons.log_odds == model.log_odds(row)
        assert set(reasons.words) == set(reasons.contributions) <= set(FEATURES)
