import os
import subprocess
import sys

import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from push_model.columns import BY_NAME, COLUMNS, FEATURES, FRAME
from push_model.errors import InvalidEventError
from push_model.training.data.orders import keep_large_orders
from push_model.training.shop import sample
from push_model.training.shop.sample import write_sample


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "frame.csv"
    rows = write_sample(path)
    return path, rows


@pytest.fixture(scope="module")
def frame(written):
    return pd.read_csv(written[0])


@pytest.fixture
def small_shop(monkeypatch):
    """Spare tests of the writing the simulation of a whole shop."""
    monkeypatch.setattr(sample, "PUBLISHED_ORDERS", 10)


def test_the_columns_are_the_published_ones_in_their_order_and_types(written, frame):
    with written[0].open() as text:
        header, first = text.readline().strip(), text.readline().strip().split(",")

    assert header == ",".join(FRAME)
    cells = dict(zip(FRAME, first, strict=True))
    assert cells["order_date"].endswith(" 00:00:00")
    assert pd.Timestamp(cells["created_at"]).strftime("%Y-%m-%d %H:%M:%S") == cells["created_at"]
    assert cells["outcome"] in {"0.0", "1.0"}
    kinds = {"integer": "int64", "number": "float64", "flag": "float64"}
    for column in COLUMNS:
        assert frame[column.name].dtype == kinds.get(column.type, "str")


def test_it_returns_the_number_of_rows_written(written, frame):
    assert written[1] == len(frame)


def test_rows_lie_by_product_and_then_by_time(frame):
    order = frame.sort_values(["variant_id", "created_at", "order_id"], kind="stable").index

    assert order.equals(frame.index)


def test_no_candidate_comes_twice_and_no_value_is_missing(frame):
    assert not frame.duplicated(["order_id", "variant_id"]).any()
    assert not frame.isna().any(axis=None)


def test_every_value_is_legal_by_the_table_of_columns(frame):
    for name in FEATURES:
        column = BY_NAME[name]
        assert frame[name].between(column.minimum, column.maximum).all(), name


def test_every_row_is_of_a_repeat_order_of_the_window(frame):
    assert frame["user_order_seq"].min() == 2
    assert frame["order_date"].between("2020-10-05 00:00:00", "2021-03-03 00:00:00").all()
    assert (frame["created_at"].str[:10] == frame["order_date"].str[:10]).all()
    assert frame["order_id"].nunique() == 350


def test_an_order_faces_more_products_as_the_shelf_grows(frame):
    products = frame.groupby(["order_date", "order_id"]).size()

    assert products.is_monotonic_increasing
    assert 600 <= products.iloc[0] <= 640
    assert products.iloc[-1] == 976
    assert products.mean() == pytest.approx(836, rel=0.05)


@pytest.mark.parametrize(
    ("flag", "share", "rate"),
    [
        ("ordered_before", 0.02114, 0.165),
        ("abandoned_before", 0.00061, 0.718),
        ("active_snoozed", 0.00229, 0.114),
        ("set_as_regular", 0.00363, 0.250),
    ],
)
def test_flags_are_as_frequent_and_as_telling_as_published(frame, flag, share, rate):
    flagged = frame[frame[flag] == 1]

    assert len(flagged) / len(frame) == pytest.approx(share, rel=0.35)
    assert flagged["outcome"].mean() == pytest.approx(rate, rel=0.35)


@pytest.mark.parametrize(
    ("column", "mean", "tolerance"),
    [
        ("outcome", 0.01154, 0.12),
        ("normalised_price", 0.127, 0.15),
        ("discount_pct", 0.186, 0.10),
        ("global_popularity", 0.0107, 0.12),
        ("user_order_seq", 3.29, 0.20),
        ("avg_days_to_buy_variant_id", 34, 0.15),
        ("avg_days_to_buy_product_type", 31, 0.15),
    ],
)
def test_means_are_near_the_published_ones(frame, column, mean, tolerance):
    assert frame[column].mean() == pytest.approx(mean, rel=tolerance)


def test_the_basket_filter_keeps_three_quarters_and_baskets_of_twelve(frame):
    large = keep_large_orders(frame)

    items = large.groupby("order_id")["outcome"].sum()
    assert len(large) / len(frame) == pytest.approx(0.75, abs=0.06)
    assert large["outcome"].mean() == pytest.approx(0.01448, rel=0.12)
    assert items.mean() == pytest.approx(12, abs=1.5)
    assert items.std() == pytest.approx(6.1, abs=1.5)


def test_never_bought_is_thirty_three_days_which_real_gaps_take_too(frame):
    never = frame["ordered_before"] == 0
    days = frame["days_since_purchase_variant_id"]

    assert (days[never] == 33).all()
    assert (days[~never] == 33).any()
    assert days.max() <= 148
    assert (frame["days_since_purchase_product_type"] == 30).mean() > 0.5


def test_a_product_bought_before_dates_its_type_as_recently_or_more_so(frame):
    bought = frame[frame["ordered_before"] == 1]

    assert (
        bought["days_since_purchase_product_type"] <= bought["days_since_purchase_variant_id"]
    ).all()


def test_households_are_the_default_but_for_a_few(frame):
    default = (frame["count_adults"] == 2) & (frame["people_ex_baby"] == 2)

    told = frame[~default | (frame[["count_babies", "count_pets"]] > 0).any(axis=1)]
    assert 0 < len(told) / len(frame) < 0.10


def test_the_same_seed_gives_the_same_bytes_in_any_process(tmp_path):
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    code = (
        "from push_model.training.shop.sample import write_sample; "
        f"write_sample({str(there)!r}, orders=12)"
    )

    write_sample(here, orders=12)
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )

    assert here.read_bytes() == there.read_bytes()


@pytest.mark.usefixtures("small_shop")
def test_another_seed_gives_another_shop(tmp_path):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"

    write_sample(one, orders=10, seed=1)
    write_sample(other, orders=10, seed=2)

    assert one.read_bytes() != other.read_bytes()


@pytest.mark.usefixtures("small_shop")
def test_the_block_size_does_not_change_the_file(tmp_path, monkeypatch):
    whole, pieces = tmp_path / "whole.csv", tmp_path / "pieces.csv"

    write_sample(whole, orders=12)
    monkeypatch.setattr(sample, "BLOCK_ROWS", 1_000)
    write_sample(pieces, orders=12)

    assert whole.read_bytes() == pieces.read_bytes()


@pytest.mark.usefixtures("small_shop")
def test_progress_ends_at_the_number_of_rows(tmp_path):
    seen = []

    rows = write_sample(
        tmp_path / "frame.csv", orders=60, report_progress=lambda *pair: seen.append(pair)
    )

    assert seen[-1] == (rows, rows)
    assert len(seen) > 1
    assert seen == sorted(seen)


@pytest.mark.usefixtures("small_shop")
def test_an_interrupted_write_leaves_the_older_file_and_nothing_else(tmp_path):
    path = tmp_path / "frame.csv"
    path.write_text("older")

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(path, orders=10, report_progress=stop)

    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"orders": 9}, r"orders must be a whole number of at least 10, got 9\."),
        ({"orders": 12.5}, r"orders must be .* got 12\.5"),
        ({"orders": True}, r"orders must be .* got True"),
        ({"orders": "350"}, r"orders must be .* got '350'"),
        ({"seed": -1}, r"seed must be a whole number of at least 0, got -1\."),
        ({"seed": None}, r"seed must be .* got None"),
    ],
)
def test_a_bad_number_is_refused_and_named(tmp_path, arguments, message):
    with pytest.raises(InvalidEventError, match=message):
        write_sample(tmp_path / "frame.csv", **arguments)

    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_hold_a_file_is_refused(tmp_path):
    with pytest.raises(InvalidEventError, match=r"is a folder\. Name a file"):
        write_sample(tmp_path, orders=10)
    with pytest.raises(InvalidEventError, match="does not exist"):
        write_sample(tmp_path / "nowhere" / "frame.csv", orders=10)


def test_models_rank_as_on_real_orders(frame):
    large = keep_large_orders(frame)
    days = large.groupby("order_id")["order_date"].first().sort_values()
    boundary = days.iloc[int(0.7 * len(days))]
    train, judge = large[large["order_date"] < boundary], large[large["order_date"] >= boundary]
    features, outcome = list(FEATURES), judge["outcome"]

    linear = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3))
    trees = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.08, max_leaf_nodes=8, early_stopping=False
    )
    scores = [judge["global_popularity"]] + [
        model.fit(train[features], train["outcome"]).predict_proba(judge[features])[:, 1]
        for model in (linear, trees)
    ]

    precision = [average_precision_score(outcome, score) for score in scores]
    assert precision[0] < precision[1] < precision[2]
    assert 0.74 < roc_auc_score(outcome, scores[0]) < 0.82
    assert roc_auc_score(outcome, scores[2]) > roc_auc_score(outcome, scores[1])
