"""What earlier orders held: against a loop, and blind to whatever comes later."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from push_model.columns import HISTORY, TRAINING
from push_model.errors import DatasetError, MissingColumnsError
from push_model.training.data.history import (
    KEYS,
    _history_of_next_orders,
    load_with_history,
    with_history,
    write_history,
)
from tests.effort import EFFORT
from tests.frames import make_frame

PLACE = ["order_id", "variant_id"]
NUMBERS = dict.fromkeys(HISTORY, float)
VENDORS = dict(enumerate("aabbcc"))
KINDS = dict(enumerate("xxxyyy"))
COUNTED = [
    "earlier_orders",
    *(f"orders_{what}_{word}" for word in KEYS.values() for what in ("with", "since")),
]


def past_of(frame, **options) -> pd.DataFrame:
    """Derive history and give it in one order."""
    return with_history(frame, **options).df().sort_values(PLACE, ignore_index=True)


def make_shop(*, seed: int, orders: int = 30, days: int = 12) -> pd.DataFrame:
    """Make orders of few users, some on the same day, with products that come and go."""
    rng = np.random.default_rng(seed)
    users, day = rng.integers(0, 4, orders), np.sort(rng.integers(0, days, orders))
    rows, bought = [], set()
    for order in range(orders):
        user = users[order]
        held = []
        for product in rng.choice(6, size=4, replace=False):
            before = (user, product) in bought or (order % 7 == 0 and product == 0)
            outcome = float(rng.random() < 0.4)
            held += [product] if outcome else []
            rows.append((user, product, order, day[order], float(before), outcome))
        bought |= {(user, product) for product in held}
    names = ["user_id", "variant_id", "order_id", "day", "ordered_before", "outcome"]
    frame = pd.DataFrame(rows, columns=names)
    frame["vendor"] = frame["variant_id"].map(VENDORS)
    frame["product_type"] = frame["variant_id"].map(KINDS)
    frame["order_date"] = pd.Timestamp("2021-02-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    return frame


def loop_over(frame: pd.DataFrame) -> pd.DataFrame:
    """Count row by row, as one would by hand."""
    found = []
    for row in frame.sort_values(PLACE).itertuples():
        own = frame[frame["user_id"] == row.user_id]
        past = own[own["order_date"] < row.order_date]
        counts = [float(past["order_id"].nunique() + 1)]
        for key in KEYS:
            counts += count_by(key, row, own, past)
        found.append(counts)
    return pd.DataFrame(found, columns=COUNTED)


def count_by(key, row, own, past) -> tuple[float, float]:
    """Count the orders with what a row offers, and those since."""
    alike = own[own[key] == getattr(row, key)]
    with_it = past[(past[key] == getattr(row, key)) & (past["outcome"] == 1)]
    earlier = any(
        each.ordered_before == 1
        and not ((with_it["order_date"] < each.order_date).any())
        # Of its own day an order knows what it is told itself; a day later it is known whether
        # another order of that day may have been meant.
        and (each.order_id == row.order_id or not _is_bought_beside(each, alike))
        for each in alike.itertuples()
        if each.order_id == row.order_id or each.order_date < row.order_date
    )
    place = past["order_id"].nunique() + 1
    since = np.nan
    if len(with_it):
        last = with_it["order_date"].max()
        since = place - 1 - past[past["order_date"] < last]["order_id"].nunique()
    elif earlier:
        since = place
    return float(with_it["order_id"].nunique() + earlier), float(since)


def _is_bought_beside(row, alike) -> bool:
    same_day = alike[(alike["order_date"] == row.order_date) & (alike["order_id"] != row.order_id)]
    return bool(same_day["outcome"].eq(1).any())


@pytest.mark.mltest("Data 7")
@pytest.mark.parametrize("seed", range(3 * EFFORT))
def test_it_counts_what_a_loop_over_the_orders_counts(seed):
    frame = make_shop(seed=seed)

    found = past_of(frame, by=[*KEYS])

    pd.testing.assert_frame_equal(found[COUNTED], loop_over(frame))


@pytest.mark.mltest("Data 4")
@settings(max_examples=4 * EFFORT, deadline=None)
@given(seed=st.integers(0, 50), cut=st.integers(1, 11))
def test_cut_off_on_any_day_no_row_before_it_changes(seed, cut):
    frame = make_shop(seed=seed)
    end = pd.Timestamp("2021-02-01") + pd.Timedelta(days=cut)

    whole, short = past_of(frame), past_of(frame[frame["order_date"] < end])

    pd.testing.assert_frame_equal(
        whole[whole["order_date"] < end].reset_index(drop=True), short, check_dtype=False
    )


@pytest.mark.mltest("Data 4")
@settings(max_examples=2 * EFFORT, deadline=None)
@given(seed=st.integers(0, 50))
def test_other_orders_of_the_same_day_change_no_row(seed):
    frame = make_shop(seed=seed, orders=24, days=5)
    whole = past_of(frame, by=[*KEYS])

    for (_, _), orders in frame.groupby(["user_id", "order_date"])["order_id"]:
        kept, *others = orders.unique()
        if others:
            alone = past_of(frame[~frame["order_id"].isin(others)], by=[*KEYS])
            ours, theirs = (
                each[each["order_id"] == kept].reset_index(drop=True) for each in (whole, alone)
            )
            pd.testing.assert_frame_equal(ours, theirs)


def test_what_was_bought_the_same_day_is_counted_from_the_next_day_on_and_once():
    frame = pd.DataFrame({
        "user_id": 1,
        "variant_id": 7,
        "vendor": "a",
        "order_id": [1, 2, 3],
        "ordered_before": [0.0, 1.0, 1.0],
        "order_date": pd.to_datetime(["2021-02-01", "2021-02-01", "2021-02-08"]),
        "outcome": [1.0, 0.0, 0.0],
    })

    found = past_of(frame)

    for word in ("variant", "vendor"):
        # The second is told itself that it was bought before; the first is not.
        assert found[f"orders_with_{word}"].tolist() == [0, 1, 1]
    told = _history_of_next_orders(frame).df()
    assert told["orders_with_variant"].dropna().tolist() == [0, 1]


def test_neither_row_order_nor_other_columns_nor_half_a_history_changes_what_is_derived():
    frame = make_shop(seed=1)
    before = frame.copy()
    other = frame.assign(place="London", times=3, earlier=0.5, earlier_orders=99.0)

    derived, found = past_of(frame), past_of(other.sample(frac=1, random_state=0))

    pd.testing.assert_frame_equal(frame, before)
    assert found["place"].eq("London").all()
    pd.testing.assert_frame_equal(found[[*derived]], derived)


def test_a_frame_that_brings_its_own_history_keeps_it_and_is_given_what_else_is_asked_for():
    frame = make_shop(seed=1)
    own = frame.assign(**dict.fromkeys(HISTORY, 7.0))
    asked = {"by": [*KEYS], "has_cadence": True}

    found, derived = past_of(own, **asked), past_of(frame, **asked)

    assert found[[*HISTORY]].eq(7.0).all(axis=None)
    assert sorted(found.columns) == sorted(derived.columns)
    others = [name for name in derived if name not in HISTORY]
    pd.testing.assert_frame_equal(found[others], derived[others])


@pytest.mark.parametrize("asked", [{"by": ["product_type"]}, {"has_cadence": True}])
def test_what_it_does_not_bring_needs_its_users(asked):
    own = make_shop(seed=1).assign(**dict.fromkeys(HISTORY, 7.0))

    with pytest.raises(MissingColumnsError, match="'user_id' is missing"):
        with_history(own.drop(columns="user_id"), **asked)


@pytest.mark.mltest("Mon 3")
def test_what_requests_carry_is_what_the_next_order_turns_out_to_have():
    frame = make_shop(seed=3, orders=50, days=25)
    days = sorted(frame["order_date"].unique())
    compared = dict.fromkeys(("table", "flag alone", "no order known"), 0)
    for day in days[::4]:
        sent = _history_of_next_orders(frame[frame["order_date"] < day]).df().astype(NUMBERS)
        then = past_of(frame[frame["order_date"] <= day])
        for row in then[then["order_date"] == day].itertuples():
            own = sent[sent["user_id"] == row.user_id]
            for key in ("variant_id", "vendor"):
                told, before = own[own[key] == getattr(row, key)], tells_of(then, row, key)
                names = ["earlier_orders", *(f"orders_{w}_{KEYS[key]}" for w in ("with", "since"))]
                found = [getattr(row, name) for name in names]
                np.testing.assert_array_equal(carry(own, told, names, before=before), found)
                compared["table"] += bool(len(told))
                compared["flag alone"] += before and told.empty
                compared["no order known"] += own.empty
    assert min(compared.values()) > 2, compared


def tells_of(rows, row, key) -> bool:
    """Check whether an order says that a key was bought before."""
    alike = (rows["order_id"] == row.order_id) & (rows[key] == getattr(row, key))
    return bool(rows.loc[alike, "ordered_before"].max())


def carry(own, told, names, *, before) -> list[float]:
    """Return what a request sends, as in docs/serving.md."""
    by_user = own[own["variant_id"].isna() & own["vendor"].isna()]
    orders = float(by_user["earlier_orders"].iloc[0]) if len(own) else 1.0
    if len(told):
        return [orders, *told.iloc[-1][names[1:]].astype(float)]
    return [orders, float(before), orders if before else np.nan]


def test_an_order_without_a_user_has_no_past_and_is_none():
    frame = make_shop(seed=2)
    known = frame["order_id"] % 3 > 0
    frame["user_id"] = frame["user_id"].astype("Int64").where(known)

    found = past_of(frame, by=[*KEYS], has_cadence=True)

    alone = found["user_id"].isna()
    with_users = past_of(frame[known], by=[*KEYS], has_cadence=True)
    kept = found[~alone].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, with_users, check_dtype=False)
    # As a request for a user without a past.
    assert found.loc[alone, "earlier_orders"].eq(1).all()
    assert found.loc[alone, ["days_since_order", "usual_days_between_orders"]].isna().all(axis=None)
    assert found.loc[alone, "orders_with_variant"].equals(found.loc[alone, "ordered_before"])
    sent = _history_of_next_orders(frame).df()
    expected = _history_of_next_orders(frame[known]).df()
    pd.testing.assert_frame_equal(sent, expected, check_dtype=False)


def test_a_frame_without_users_is_refused():
    with pytest.raises(MissingColumnsError, match="'user_id' is missing"):
        with_history(make_shop(seed=0).drop(columns="user_id"))


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "frame.csv"
    make_frame(orders=20).to_csv(path, index=False)
    return path


def test_it_is_loaded_where_it_is_asked_for(dataset):
    options = {"columns": TRAINING, "until": date(2030, 1, 1)}

    plain = load_with_history(str(dataset), needs_history=False, **options)
    told = load_with_history(str(dataset), needs_history=True, **options)

    assert tuple(plain.columns) == TRAINING
    assert set(HISTORY) <= set(told.columns)


def test_a_dataset_that_has_it_is_read_and_not_derived_from(dataset):
    frame = pd.read_csv(dataset).assign(**dict.fromkeys(HISTORY, 3))
    frame.to_csv(dataset, index=False)

    told = load_with_history(
        str(dataset), columns=TRAINING, until=date(2030, 1, 1), needs_history=True
    ).df()

    assert told[[*HISTORY]].eq(3.0).all(axis=None)


def test_the_table_for_requests_is_written_whole_or_not_at_all(dataset, tmp_path):
    out = tmp_path / "tables" / "history.parquet"

    rows = write_history(str(dataset), out, until=date(2030, 1, 1))

    assert rows == len(_history_of_next_orders(pd.read_csv(dataset)).df())
    pd.read_csv(dataset).assign(normalised_price=-1.0).to_csv(dataset, index=False)
    with pytest.raises(DatasetError, match="normalised_price"):
        write_history(str(dataset), tmp_path / "other.parquet", until=date(2030, 1, 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frame.csv", "tables"]


def test_how_long_users_wait_is_known_from_orders_of_earlier_days():
    frame = pd.DataFrame({
        "user_id": 1,
        "variant_id": 7,
        "vendor": "a",
        "order_id": [1, 2, 3, 4],
        "ordered_before": 0.0,
        "order_date": pd.to_datetime(["2021-02-01", "2021-02-05", "2021-02-05", "2021-02-11"]),
        "outcome": 0.0,
    })

    found = past_of(frame, has_cadence=True)

    np.testing.assert_array_equal(found["days_since_order"], [np.nan, 4, 4, 6])
    np.testing.assert_array_equal(found["usual_days_between_orders"], [np.nan, np.nan, np.nan, 2])
