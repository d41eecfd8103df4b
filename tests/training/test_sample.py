from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from push_model.columns import BY_NAME, COLUMNS, FEATURES, FRAME
from push_model.errors import InvalidEventError
from push_model.training import sample
from push_model.training.data.orders import keep_large_orders
from push_model.training.sample import write_sample

UNTIL = date(2026, 11, 29)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "frame.csv"
    rows = write_sample(path, until=UNTIL)
    return path, rows


@pytest.fixture(scope="module")
def frame(written):
    return pd.read_csv(written[0])


@pytest.fixture
def small_shop(monkeypatch):
    """Spare tests of the writing a whole shop."""
    monkeypatch.setattr(sample, "_SHOP_ORDERS", 10)


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
    assert written[1] == len(frame)


def test_rows_lie_by_product_and_then_by_time_and_none_comes_twice(frame):
    order = frame.sort_values(["variant_id", "created_at", "order_id"], kind="stable").index

    assert order.equals(frame.index)
    assert not frame.duplicated(["order_id", "variant_id"]).any()


def test_every_value_is_there_and_legal_by_the_table_of_columns(frame):
    assert not frame.isna().any(axis=None)
    for name in FEATURES:
        column = BY_NAME[name]
        assert frame[name].between(column.minimum, column.maximum).all(), name


def test_rows_are_of_repeat_orders_of_the_150_days_up_to_the_last(frame):
    assert frame["user_order_seq"].min() == 2
    assert frame["order_date"].between("2026-07-03 00:00:00", "2026-11-29 00:00:00").all()
    assert frame["order_date"].max() == "2026-11-29 00:00:00"
    assert (frame["created_at"].str[:10] == frame["order_date"].str[:10]).all()
    assert frame["order_id"].nunique() == 350


def test_an_order_faces_more_products_as_the_shelf_grows(frame):
    products = frame.groupby(["order_date", "order_id"]).size()

    assert products.is_monotonic_increasing
    assert 600 <= products.iloc[0] <= 640
    assert products.iloc[-1] == 976


def test_history_agrees_with_the_purchases_in_the_frame(frame):
    """The user's last order before the frame's is in it, but for the first order of all."""
    bought = frame.loc[frame["outcome"] == 1, ["user_id", "variant_id", "user_order_seq"]]
    before = bought.assign(user_order_seq=bought["user_order_seq"] + 1, bought_last_time=True)
    orders = frame[["user_id", "user_order_seq", "order_date"]].drop_duplicates()
    day = pd.to_datetime(orders["order_date"])
    days = day.sub(day.groupby(orders["user_id"]).shift()).dt.days
    rows = frame.merge(before).merge(orders.assign(days=days))

    known = rows.dropna(subset="days")
    assert len(known) > 100
    assert (known["ordered_before"] == 1).all()
    assert (known["days_since_purchase_variant_id"] == known["days"]).all()
    never = frame["ordered_before"] == 0
    assert (frame.loc[never, "days_since_purchase_variant_id"] == 33).all()


def test_a_product_bought_before_dates_its_type_as_recently_or_more_so(frame):
    rows = frame[frame["ordered_before"] == 1]

    ago = rows[["days_since_purchase_product_type", "days_since_purchase_variant_id"]]
    assert (ago.iloc[:, 0] <= ago.iloc[:, 1]).all()


def test_popularity_is_one_number_a_product_and_day_and_knows_past_days_alone(frame):
    by_day = frame.groupby(["variant_id", "order_date"])["global_popularity"]

    assert by_day.nunique().max() == 1
    sold = sample._share_before(np.eye(150), np.ones((150, 1)))
    assert sold[0].tolist() == [0.0] * 150
    assert sold[100, 72:100].tolist() == [1 / 28] * 28
    assert sold[100].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("column", "mean", "tolerance"),
    [
        ("outcome", 0.01154, 0.15),
        ("ordered_before", 0.02114, 0.25),
        ("global_popularity", 0.0107, 0.15),
        ("user_order_seq", 3.29, 0.20),
        ("avg_days_to_buy_variant_id", 34, 0.15),
    ],
)
def test_means_are_near_the_published_ones(frame, column, mean, tolerance):
    assert frame[column].mean() == pytest.approx(mean, rel=tolerance)


def test_three_orders_in_four_are_large(frame):
    assert len(keep_large_orders(frame)) / len(frame) == pytest.approx(0.75, abs=0.06)


@pytest.mark.usefixtures("small_shop")
def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others(tmp_path):
    paths = [tmp_path / name for name in ("one", "again", "other")]

    for path, seed in zip(paths, (1, 1, 2), strict=True):
        write_sample(path, until=UNTIL, orders=10, seed=seed)

    one, again, other = (path.read_bytes() for path in paths)
    assert one == again != other


@pytest.mark.usefixtures("small_shop")
def test_another_last_day_moves_the_same_orders(tmp_path):
    for path, until in (("one", UNTIL), ("other", date(2026, 11, 30))):
        write_sample(tmp_path / path, until=until, orders=10)

    moments = ["created_at", "order_date"]
    one, other = (pd.read_csv(tmp_path / n, parse_dates=moments) for n in ("one", "other"))
    one[moments] += pd.Timedelta(days=1)
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.usefixtures("small_shop")
def test_the_block_size_does_not_change_the_file(tmp_path, monkeypatch):
    write_sample(tmp_path / "whole.csv", until=UNTIL, orders=12)
    monkeypatch.setattr(sample, "_BLOCK_ROWS", 1_000)
    write_sample(tmp_path / "pieces.csv", until=UNTIL, orders=12)

    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "pieces.csv").read_bytes()


@pytest.mark.usefixtures("small_shop")
def test_a_failed_write_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "frame.csv"
    path.write_text("older")
    monkeypatch.setattr(sample, "_iterate_rows", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        write_sample(path, until=UNTIL, orders=10)

    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_bad_arguments_are_refused_and_named(tmp_path):
    with pytest.raises(InvalidEventError, match=r"orders must be at least 10, got 9\."):
        write_sample(tmp_path / "frame.csv", until=UNTIL, orders=9)
    with pytest.raises(InvalidEventError, match=r"seed must be at least 0, got -1\."):
        write_sample(tmp_path / "frame.csv", until=UNTIL, seed=-1)
    with pytest.raises(InvalidEventError, match=r"is a folder\. Name a file"):
        write_sample(tmp_path, until=UNTIL)
    with pytest.raises(InvalidEventError, match="does not exist"):
        write_sample(tmp_path / "nowhere" / "frame.csv", until=UNTIL)


def test_models_rank_as_on_real_orders(frame):
    large = keep_large_orders(frame)
    days = large.groupby("order_id")["order_date"].first().sort_values()
    boundary = days.iloc[int(0.7 * len(days))]
    train, judge = large[large["order_date"] < boundary], large[large["order_date"] >= boundary]
    features, outcome = list(FEATURES), judge["outcome"]

    linear = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3))
    trees = HistGradientBoostingClassifier(
        max_iter=40, learning_rate=0.1, max_leaf_nodes=8, early_stopping=False
    )
    # Threads that wait for each other spin: on a busy machine they cost more than the training.
    with threadpool_limits(1):
        scores = [judge["global_popularity"]] + [
            model.fit(train[features], train["outcome"]).predict_proba(judge[features])[:, 1]
            for model in (linear, trees)
        ]

    precision = [average_precision_score(outcome, score) for score in scores]
    assert 2 * precision[0] < precision[1] < precision[2]
    assert 0.75 < roc_auc_score(outcome, scores[0]) < 0.80
    assert roc_auc_score(outcome, scores[2]) > roc_auc_score(outcome, scores[1])
