"""A model that asks for history: trained, judged beside one that does not, and served."""

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from push_model import FEATURES, predict
from push_model.columns import HISTORY
from push_model.errors import MissingColumnsError
from push_model.evaluation.scorers import score
from push_model.store.folder import read_model
from push_model.store.promotion import promote
from push_model.training.backtesting.record import backtest_champions
from push_model.training.data.history import with_history
from push_model.training.fit import handler_fit
from push_model.training.gate.policy import Policy
from push_model.training.gate.validation import validate_model
from tests.frames import make_frame

pytestmark = pytest.mark.usefixtures("undrawn_pictures")

SMALL = {"model": "boosted_trees", "iterations": 30, "depth": 3}
FACTS = {"verdict": None, "reason": "a test", "by": "ada"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A frame, and a model with and one without history, the first of them champion in March."""
    folder = tmp_path_factory.mktemp("shop")
    make_frame(orders=400).to_csv(folder / "frame.csv", index=False)
    fit(folder, "rich", features="history", training_date="2021-03-01")
    fit(folder, "plain", features="request", training_date="2021-04-20")
    promote(
        *(folder / "models", "rich"),
        expected=None,
        promoted_at="2021-03-01T05:00:00+00:00",
        **FACTS,
    )
    return folder


def fit(folder, name, *, features, load=None, training_date="2021-04-20"):
    event = {
        "model_parametrisation": SMALL | {"features": features},
        "dataset": str(folder / "frame.csv"),
        "models_dir": str(folder / "models"),
        "model_name": name,
        "training_date": training_date,
    }
    return handler_fit(event, **({"load": load} if load else {}))


def test_it_reads_what_earlier_orders_held_and_says_so(shop):
    model = read_model(shop / "models" / "rich").model

    assert model.feature_names == (*FEATURES, *HISTORY)
    inputs = json.loads((shop / "models" / "rich" / "model.json").read_text())["inputs"]
    assert "share_of_orders_with_variant" in inputs


def test_both_kinds_are_judged_on_the_same_orders(shop):
    verdict = validate_model(
        str(shop / "frame.csv"),
        model_name="plain",
        models_dir=str(shop / "models"),
        min_items=5,
        training_date=date(2021, 4, 20),
        holdout_days=None,
        policy=Policy(resamples=200),
    )

    assert set(verdict.holdout.metrics) >= {"challenger", "champion"}
    serves = [f.passed for f in verdict.findings if f.rule == "serves in a fresh process"]
    assert serves == [True]


def test_its_predictions_are_compared_with_what_happened(shop):
    (found,) = backtest_champions(
        str(shop / "frame.csv"),
        models_dir=str(shop / "models"),
        min_items=5,
        run_date=date(2021, 3, 20),
    )

    assert found.model_name == "rich"
    assert found.total.orders > 0


def test_a_request_must_send_it_and_one_that_does_is_answered_as_in_training(shop):
    rows = with_history(pd.read_csv(shop / "frame.csv", parse_dates=["order_date"])).df().tail(9)
    names = (*FEATURES, *HISTORY)
    users = {
        str(place): {name: None if pd.isna(row[name]) else row[name] for name in names}
        for place, row in enumerate(rows.to_dict("records"))
    }
    users["absent"] = dict.fromkeys(FEATURES)

    answer = predict(users, models_dir=shop / "models", model="rich")

    served = [answer["prediction"][str(place)] for place in range(len(rows))]
    assert served == pytest.approx(score(read_model(shop / "models" / "rich").model, rows))
    assert "'earlier_orders', 'orders_" in answer["errors"]["absent"]


def test_anothers_loader_may_give_users_or_history_itself(shop):
    frame = pd.read_csv(shop / "frame.csv", parse_dates=["order_date"])

    def with_users(uri, *, columns, until):
        del uri, until
        return frame[list(columns)]

    def without(uri, *, columns, until):
        return with_users(uri, columns=columns, until=until).drop(columns="user_id")

    own = json.loads(fit(shop, "own", features="history")["body"])["model_path"][0]
    other = json.loads(fit(shop, "other", features="history", load=with_users)["body"])
    ours, theirs = (
        json.loads(Path(path, "model.json").read_text()) for path in (own, other["model_path"][0])
    )
    assert ours["scorer"] == theirs["scorer"]
    with pytest.raises(MissingColumnsError, match="user_id"):
        fit(shop, "lacking", features="history", load=without)
