import json
import re
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from push_model.training.fit import handler_fit
from push_model.training.gate.policy import Policy
from push_model.training.gate.validation import validate_model
from tests.frames import make_frame
from tests.project.pages import Page

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
        folder=folder,
        frame=folder / "frame.csv",
        models=folder / "models",
        older="push_2021_04_05",
        newer="push_2021_04_20",
    )


def files_of(store):
    return {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.fixture
def ask(run, shop):
    """Run a command on this shop, with few replicates."""

    def ask(*arguments, **limits):
        policy = shop.folder / "policy.json"
        policy.write_text(json.dumps({"resamples": 200, **limits}))
        where = ("--dataset", shop.frame, "--models-dir", shop.models, "--policy", policy)
        return run(*arguments, *where)

    return ask


@pytest.mark.parametrize(
    ("limits", "decision", "code"),
    # No model of this frame has so small a ROC-AUC.
    [({}, "promote", 0), ({"max_roc_auc": 0.6}, "keep", 3)],
)
def test_judge_decides_as_the_gate_and_leaves_the_store_as_it_was(
    ask, shop, limits, decision, code
):
    before = files_of(shop.models)

    got, out, _ = ask("judge", shop.older, **limits)

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


def test_judge_writes_its_verdict_into_the_card_where_asked(ask, shop):
    path = shop.models / shop.older
    before = files_of(path)

    ask("judge", shop.older, "--card")

    changed = {file.name for file, content in files_of(path).items() if before.get(file) != content}
    assert changed == {"card.html", "card.md"}
    assert "Promote: ready to serve" in (path / "card.html").read_text()


def test_compare_shows_both_models_on_the_same_orders_and_writes_a_page(ask, shop, tmp_path):
    before = files_of(shop.models)

    code, out, _ = ask("compare", shop.newer, shop.older, "--html", tmp_path / "page.html")

    assert code == 0
    assert files_of(shop.models) == before
    page = Page((tmp_path / "page.html").read_text())
    shown = " ".join(page.text)
    headline, orders = out.splitlines()[:2]
    assert re.search(rf"{shop.newer} .* {shop.older}: average precision .* interval", headline)
    assert "Both were scored on the same" in orders
    assert headline in shown
    assert orders.removeprefix("  - ") in shown
    for text in (out, shown):
        assert "average precision" in text
        assert "holdout window" in text
        assert not any(str(user) in text for user in pd.read_csv(shop.frame)["user_id"].unique())


def test_compare_refuses_orders_that_a_model_was_trained_on(ask, shop):
    code, _, err = ask("compare", shop.newer, shop.older, "--until", "2021-01-31")

    assert code == 1
    assert f"No order remains that neither model was trained on: {shop.newer}" in err
