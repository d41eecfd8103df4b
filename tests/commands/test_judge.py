import json
from datetime import date
from types import SimpleNamespace

import pytest

from push_model.training.fit import handler_fit
from push_model.training.gate.policy import Policy
from push_model.training.gate.validation import validate_model
from tests.frames import make_frame

pytestmark = pytest.mark.usefixtures("undrawn_pictures")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A frame, and two models of it of different days."""
    folder = tmp_path_factory.mktemp("judged")
    make_frame(orders=400, seed=0).to_csv(folder / "frame.csv", index=False)
    for day in ("2021-04-05", "2021-04-20"):
        handler_fit({
            "model_parametrisation": {"model": "boosted_trees", "iterations": 20, "depth": 3},
            "dataset": str(folder / "frame.csv"),
            "models_dir": str(folder / "models"),
            "training_date": day,
        })
    return SimpleNamespace(
        folder=folder, frame=folder / "frame.csv", models=folder / "models", older="push_2021_04_05"
    )


def files_of(store):
    return {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}


def judge(run, shop, *options, **limits):
    policy = shop.folder / "policy.json"
    policy.write_text(json.dumps({"resamples": 200, **limits}))
    store = ("--models-dir", shop.models, "--policy", policy)
    return run("judge", shop.older, "--dataset", shop.frame, *store, *options)


@pytest.mark.parametrize(
    ("limits", "decision", "code"),
    # No model of this frame has so small a ROC-AUC.
    [({}, "promote", 0), ({"max_roc_auc": 0.6}, "keep", 3)],
)
def test_judge_decides_as_the_gate_and_leaves_the_store_as_it_was(
    run, shop, limits, decision, code
):
    before = files_of(shop.models)

    got, out, _ = judge(run, shop, **limits)

    verdict = validate_model(
        str(shop.frame),
        model_name=shop.older,
        models_dir=str(shop.models),
        min_items=5,
        training_date=date(2021, 4, 5),
        holdout_days=None,
        policy=Policy(resamples=200, **limits),
        writes_card=False,
    )
    assert (got, verdict.decision) == (code, decision)
    assert f"Verdict: {decision}  {shop.older}" in out
    assert verdict.headline in out
    assert files_of(shop.models) == before


def test_judge_writes_its_verdict_into_the_card_where_asked(run, shop):
    path = shop.models / shop.older
    before = files_of(path)

    judge(run, shop, "--card")

    changed = {file.name for file, content in files_of(path).items() if before.get(file) != content}
    assert changed == {"card.html", "card.md"}
    assert "Promote: ready to serve" in (path / "card.html").read_text()
