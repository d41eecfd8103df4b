import json
import logging
import shutil
from datetime import date
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

import push_model
from push_model.columns import FEATURES
from push_model.errors import DatasetError, InvalidEventError, MissingColumnsError
from push_model.store.folder import check_folder
from push_model.store.promotion import promote
from push_model.training.data.frames import write_parquet
from push_model.training.fit import handler_fit
from push_model.training.gate.serving_check import check_serving
from tests.frames import make_frame

SMALL = {"model": "boosted_trees", "iterations": 20, "depth": 3}


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "feature_frame_20210304.csv"
    make_frame(orders=60, seed=0).to_csv(path, index=False)
    return path


def event(dataset: Path, **changes):
    return {
        "model_parametrisation": SMALL,
        "dataset": str(dataset),
        "models_dir": str(dataset.parent / "models"),
        "training_date": "2022-03-04",
    } | changes


def fit(dataset: Path, **changes) -> Path:
    body = json.loads(handler_fit(event(dataset, **changes), None)["body"])
    return Path(body["model_path"][0])


def left_behind(dataset: Path) -> list[str]:
    models = dataset.parent / "models"
    return sorted(path.name for path in models.iterdir()) if models.exists() else []


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """A dataset, and what `handler_fit` answered for it."""
    return train_in(tmp_path_factory.mktemp("trees"), SMALL)


@pytest.fixture(scope="module", params=["trees", "line"])
def trained(request, trees, tmp_path_factory):
    if request.param == "trees":
        return trees
    return train_in(tmp_path_factory.mktemp("line"), {"model": "logistic_regression"})


def train_in(folder, parametrisation):
    dataset = folder / "feature_frame_20210304.csv"
    make_frame(orders=60, seed=0).to_csv(dataset, index=False)
    given = event(dataset, model_parametrisation=parametrisation)
    before = json.dumps(given)
    answer = push_model.handler_fit(given, None)
    assert json.dumps(given) == before  # it is not changed
    return dataset, answer


@pytest.fixture
def shop(trained, tmp_path):
    """A copy of the dataset and the store, to change; and the model's folder in it."""
    return copy_of(trained, tmp_path)


@pytest.fixture
def shop_of_trees(trees, tmp_path):
    return copy_of(trees, tmp_path)


def copy_of(trained, tmp_path):
    shutil.copytree(trained[0].parent, tmp_path / "shop")
    return tmp_path / "shop" / trained[0].name, tmp_path / "shop" / "models" / "push_2022_03_04"


def test_the_answer_names_the_model_and_its_folder(trained):
    dataset, answer = trained

    assert answer["statusCode"] == "200"
    assert json.loads(answer["body"]) == {
        "model_name": "push_2022_03_04",
        "model_path": [str(dataset.parent / "models" / "push_2022_03_04")],
    }


def test_the_model_folder_holds_the_model_for_serving_and_for_people(trained):
    dataset, answer = trained
    path = Path(json.loads(answer["body"])["model_path"][0])

    names = sorted(file.name for file in path.iterdir())
    files = {"golden.json", "manifest.json", "model.joblib", "model.json", "validated.json"}
    assert files <= set(names)
    pipeline = joblib.load(path / "model.joblib")
    assert pipeline.predict_proba(make_frame(orders=5, seed=1)).shape[1] == 2
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["dataset"]["uri"] == str(dataset)
    assert manifest["windows"]["train"]["end"] == manifest["windows"]["calibration"]["start"]
    assert manifest["windows"]["refit"]["rows"] == sum(
        manifest["windows"][name]["rows"] for name in ("train", "calibration", "holdout")
    )
    assert manifest["windows"]["refit"]["end"] == manifest["windows"]["holdout"]["end"]
    assert manifest["versions"]["push-model"] == push_model.__version__
    assert manifest["metrics"]["holdout"]["model"]["rows"] > 0
    assert manifest["calibration"]["method"] == "none"
    assert "purchases (100 needed in each)" in manifest["calibration"]["says"]


@pytest.mark.mltest("Infra 4")
def test_what_was_saved_serves_in_a_fresh_process_as_it_was_trained(trained):
    path = Path(json.loads(trained[1]["body"])["model_path"][0])

    check = check_serving(path, budget_s=1.0, load_budget_s=30.0)

    assert check.passed, check.sentence


@pytest.mark.mltest("Infra 1")
def test_the_same_training_again_is_the_same_model(shop):
    dataset, first = shop
    manifest = json.loads((first / "manifest.json").read_text())
    before = {file.name: file.read_bytes() for file in first.iterdir()}

    second = fit(dataset, model_parametrisation=manifest["parametrisation"])

    assert second == first
    assert {file.name: file.read_bytes() for file in second.iterdir()} == before


def promote_to_champion(path: Path) -> None:
    when = {"promoted_at": "2022-03-05T05:00:00+00:00", "by": "ada"}
    promote(path.parent, path.name, expected=None, verdict=None, reason="a test", **when)


def test_what_would_make_the_champion_again_is_not_trained(shop, caplog):
    caplog.set_level(logging.INFO, logger="push_model.training.fit")
    dataset, champion = shop
    parametrisation = json.loads((champion / "manifest.json").read_text())["parametrisation"]
    promote_to_champion(champion)
    copy = dataset.with_name("tomorrow.csv")
    copy.write_bytes(dataset.read_bytes())

    again = fit(copy, training_date="2022-03-09", model_parametrisation=parametrisation)

    assert again == champion
    assert [path.name for path in champion.parent.iterdir() if path.is_dir()] == [champion.name]
    assert caplog.messages[-1] == (f"Nothing new: the same model as the champion, {champion.name}.")


@pytest.mark.parametrize(
    "changes",
    [
        {"model_parametrisation": SMALL | {"depth": 2}},
        {"seed": 1},
        {"min_items": 6},
        {"holdout_days": 9},
        {"training_date": "2020-10-28"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_would_make_another_model_is_trained(shop_of_trees, changes):
    dataset, champion = shop_of_trees
    promote_to_champion(champion)

    assert fit(dataset, **{"training_date": "2022-03-05"} | changes) != champion


@pytest.mark.mltest("Infra 1")
def test_row_order_and_file_kind_change_not_a_byte(shop_of_trees):
    dataset, first = shop_of_trees
    shuffled = dataset.with_name("shuffled.parquet")
    rows = pd.read_csv(dataset).sample(frac=1, random_state=1)
    write_parquet(rows, shuffled, facts={})

    second = fit(shuffled, model_name="again")

    assert (second / "model.json").read_bytes() == (first / "model.json").read_bytes()


@pytest.mark.parametrize("file", ["model.json", "golden.json"])
@pytest.mark.parametrize("is_champion", [False, True])
def test_a_damaged_folder_is_not_given_back_as_the_same_model(shop_of_trees, file, is_champion):
    dataset, first = shop_of_trees
    if is_champion:
        promote_to_champion(first)
    (first / file).write_bytes(b"{}")

    second = fit(dataset)

    assert second.name == "push_2022_03_04_2"
    assert check_folder(second).faults == ()


def test_another_model_on_the_same_date_gets_a_name_of_its_own(shop_of_trees):
    dataset, first = shop_of_trees
    kept = (first / "model.json").read_bytes()

    second = fit(dataset, seed=1, model_parametrisation=SMALL | {"depth": 4})

    assert second.name == "push_2022_03_04_2"
    assert (first / "model.json").read_bytes() == kept


@pytest.mark.mltest("Data 4")
def test_rows_after_the_training_date_are_never_read(dataset):
    frame = pd.read_csv(dataset)
    days = sorted(frame["order_date"].unique())
    cut = days[len(days) * 3 // 4][:10]
    future = frame["order_date"].str[:10] > cut
    poisoned = dataset.with_name("poisoned.csv")
    frame.assign(outcome=frame["outcome"].where(~future, 1 - frame["outcome"])).to_csv(
        poisoned, index=False
    )

    known = fit(dataset, training_date=cut, model_name="known")
    same = fit(poisoned, training_date=cut, model_name="poisoned")

    assert (known / "model.json").read_bytes() == (same / "model.json").read_bytes()


def test_the_holdout_moves_what_serves_and_never_what_is_judged(shop_of_trees):
    dataset, first = shop_of_trees
    start = json.loads((first / "manifest.json").read_text())["windows"]["holdout"]["start"]
    frame = pd.read_csv(dataset)
    is_new = frame["order_date"] >= start
    changed = dataset.with_name("changed.csv")
    dearer = frame["normalised_price"].mask(is_new, 0.5)
    frame.assign(normalised_price=dearer).to_csv(changed, index=False)

    second = fit(changed, model_name="second")

    ours, theirs = (
        {name: (path / name).read_bytes() for name in ("model.json", "validated.json")}
        for path in (first, second)
    )
    assert ours["validated.json"] == theirs["validated.json"]
    assert ours["model.json"] != theirs["model.json"]
    assert ours["model.json"] != ours["validated.json"]


@pytest.mark.parametrize("column", ["user_id", "vendor", "product_type"])
def test_a_file_must_have_what_a_retraining_run_reads(dataset, column):
    make_frame(orders=60, seed=0).drop(columns=column).to_csv(dataset, index=False)

    with pytest.raises(MissingColumnsError, match=f"'{column}' is missing"):
        fit(dataset)


def test_the_loader_is_swapped_by_its_keyword(dataset):
    asked = {}

    def load(uri, *, columns, until):
        asked.update(uri=uri, columns=columns, until=until)
        return make_frame(orders=60, seed=0)

    answer = handler_fit(event(dataset) | {"dataset": "warehouse://orders"}, load=load)

    path = Path(json.loads(answer["body"])["model_path"][0])
    assert asked["uri"] == "warehouse://orders"
    assert set(FEATURES) < set(asked["columns"])
    assert asked["until"] == date(2022, 3, 4)
    assert json.loads((path / "manifest.json").read_text())["dataset"] == {
        "uri": "warehouse://orders",
        "sha256": None,
        "bytes": None,
    }


@pytest.mark.mltest("Data 4")
def test_a_loader_that_gives_later_rows_teaches_nothing_of_them(dataset):
    def load(uri, *, columns, until):
        del uri, columns, until
        return pd.read_csv(dataset, parse_dates=["order_date"])

    cut = "2020-10-25"

    ours = fit(dataset, training_date=cut, model_name="ours")
    theirs = handler_fit(event(dataset, training_date=cut, model_name="theirs"), load=load)

    folder = Path(json.loads(theirs["body"])["model_path"][0])
    assert (folder / "model.json").read_bytes() == (ours / "model.json").read_bytes()


def test_a_loader_that_returns_something_else_is_refused(dataset):
    with pytest.raises(DatasetError, match=r"must return a frame .* got NoneType"):
        handler_fit(event(dataset), load=lambda *_, **__: None)


def test_a_store_that_is_a_file_is_refused_before_any_data_is_read(dataset):
    with pytest.raises(InvalidEventError, match=r"frame_20210304\.csv is a file"):
        fit(dataset, models_dir=str(dataset))


@pytest.mark.mltest("Data 5")
def test_no_user_order_or_product_is_in_the_model_folder(dataset):
    frame = pd.read_csv(dataset)
    canaries = {"user_id": 987654321012, "order_id": 876543210123, "variant_id": 765432101234}
    for column, canary in canaries.items():
        frame[column] = frame[column] + canary
    frame.to_csv(dataset, index=False)

    path = fit(dataset)

    for file in path.iterdir():
        content = file.read_bytes()
        for column in canaries:
            for value in frame[column].unique():
                assert str(value).encode() not in content


@pytest.mark.mltest("Model 5")
def test_a_shuffled_outcome_teaches_nothing(dataset):
    frame = make_frame(orders=200, seed=0)
    shuffled = frame["outcome"].sample(frac=1, random_state=0).to_numpy()

    def load(uri, *, columns, until):
        del uri, columns, until
        return frame.assign(outcome=shuffled)

    answer = handler_fit(event(dataset), load=load)

    path = Path(json.loads(answer["body"])["model_path"][0])
    holdout = json.loads((path / "manifest.json").read_text())["metrics"]["holdout"]["model"]
    assert abs(holdout["roc_auc"] - 0.5) < 0.1


BROKEN = [
    ("a missing column", lambda f: f.drop(columns="discount_pct"), MissingColumnsError, "discount"),
    ("text", lambda f: f.assign(normalised_price="cheap"), DatasetError, "normalised_price"),
    (
        "no large orders",
        lambda f: f.assign(outcome=(f.groupby("order_id").cumcount() == 0).astype(float)),
        DatasetError,
        "No orders with at least 5 items bought on or before 2022-03-04",
    ),
    ("only later rows", lambda f: f.assign(order_date="2030-01-01"), DatasetError, "on or before"),
    ("one class", lambda f: f[f["outcome"] == 1], DatasetError, "purchases in"),
    (
        "features that never vary",
        lambda f: f.assign(**dict.fromkeys(FEATURES, 0.0)).assign(user_order_seq=2),
        DatasetError,
        r"CatBoost cannot train on \d+ rows",
    ),
    ("no rows", lambda f: f.head(0), DatasetError, "frame.csv"),
]


@pytest.mark.mltest("Data 1")
@pytest.mark.parametrize(
    ("break_it", "error", "message"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN]
)
def test_a_broken_dataset_is_refused_and_leaves_nothing_behind(tmp_path, break_it, error, message):
    dataset = tmp_path / "frame.csv"
    break_it(make_frame(orders=60, seed=0)).to_csv(dataset, index=False)

    with pytest.raises(error, match=message):
        fit(dataset)

    assert left_behind(dataset) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_name": "../escape"}, "never a path"),
        ({"model_parametrisation": {"model": "boosted_forest"}}, "Did you mean 'boosted_trees'"),
        ({"min_items": "5"}, "must be a whole number"),
    ],
)
def test_a_wrong_event_is_refused_before_any_data_is_read(dataset, changes, message):
    def load(uri, *, columns, until):
        raise AssertionError(uri, columns, until)

    with pytest.raises(InvalidEventError, match=message):
        handler_fit(event(dataset, **changes), load=load)


def test_new_and_returning_users_are_measured_apart(dataset):
    make_frame(orders=200, seed=0).to_csv(dataset, index=False)

    manifest = json.loads((fit(dataset) / "manifest.json").read_text())

    rows = {part: by["model"]["rows"] for part, by in manifest["metrics"].items()}
    assert rows["holdout, new users"] + rows["holdout, returning users"] == rows["holdout"]
    assert np.isfinite(manifest["metrics"]["calibration window"]["popularity"]["log_loss"])
